//! What would change, and what there is to come back to. Reads only.

use landfall_core::event::Level;
use landfall_core::target::Effect;
use landfall_core::{Change, Context, ErrorKind, Plan, Result, Token};
use serde_json::Value;

use super::counted::{self, Counted};
use super::describe::{self, Known};
use super::error::{Refusal, about_group};
use super::facts::{ACTIVE, Group, Info};
use super::healthy::healthy;
use super::memory::{Forward, VERSION, Work};
use super::spec::{DeploymentSpec, IfBusy, in_words, is_pinned_to, is_same};
use super::target::{Deployment, KIND};
use super::{order, run_tag};

/// What there is when the plan is made.
struct Standing {
    group: Group,
    /// The last deployment.
    last: Option<Info>,
    /// The last one with success.
    good: Option<Info>,
}

/// Plans a deployment.
pub(crate) async fn plan(target: &Deployment, cx: &Context) -> Result<Plan> {
    let spec = &target.spec;
    if spec.revision().is_null() && !spec.is_restart() {
        return Err(Refusal::NoRevision.into());
    }
    let answered = target.client.group(cx).await;
    let answered =
        answered.map_err(|failure| about_group(failure, &spec.application, &spec.group, &target.place))?;
    let group = answered.value;
    if !matches!(group.compute_platform.as_str(), "" | "Server") {
        let platform = group.compute_platform;
        return Err(Refusal::Platform { application: spec.application.clone(), platform }.into());
    }
    allowed(spec, &group)?;
    let there = standing(target, cx, group).await?;
    if spec.is_restart() && there.good.is_none() {
        return Err(Refusal::NothingToRestart { group: spec.group.clone() }.into());
    }
    warn_of_no_instances(target, cx, &there);
    let id = |info: &Info| info.deployment_id.clone();
    let mut forward = Forward {
        specification: spec.digest(),
        at: answered.at,
        before: there.good.as_ref().map(|good| good.revision.clone()),
        before_id: there.good.as_ref().map(id),
        last: there.last.as_ref().map(id).unwrap_or_default(),
        attach: None,
        busy: None,
        scaling: Vec::new(),
    };
    if !there.group.is_blue_green() && !spec.input.contains_key("targetInstances") {
        forward.scaling = there.group.scaling_groups();
    }
    let token = Token::new(cx.id());
    let active = target.client.deployments(cx, None, &ACTIVE).await?;
    if let Some(active) = active.into_iter().find(|one| !one.is_final()) {
        return busy(target, cx, &there, forward, &active, &token).await;
    }
    if let Some(last) = there.last.as_ref().filter(|last| !spec.redeploy && is_there(target, last, &token)) {
        forward.attach = Some(last.deployment_id.clone());
        return Plan::new(KIND, VERSION, Vec::new(), &Work::Forward(Box::new(forward)));
    }
    keep_order(target, cx, &there, None)?;
    planned(target, cx, &there, forward, None).await
}

/// Refuses what CodeDeploy would refuse of a group that is set up like this: CreateDeployment and `EC2DeploymentOptions` in
/// the API reference.
fn allowed(spec: &DeploymentSpec, group: &Group) -> Result<()> {
    let name = || spec.group.clone();
    if spec.is_restart() && group.is_blue_green() {
        return Err(Refusal::RestartBlueGreen { group: name() }.into());
    }
    let some = |value: &Value| value.as_array().is_some_and(|items| !items.is_empty());
    let why = match spec.suspended().is_some_and(some) {
        true if group.is_blue_green() => "is deployed to blue/green",
        true if !some(&group.auto_scaling_groups) => "has no Auto Scaling group",
        _ => return Ok(()),
    };
    Err(Refusal::NothingToSuspend { group: name(), why }.into())
}

/// Refuses to deploy an older release over a newer one of the same project, unless that is allowed.
fn keep_order(target: &Deployment, cx: &Context, there: &Standing, active: Option<&Info>) -> Result<()> {
    let spec = &target.spec;
    let Some(release) = &spec.sequence else { return Ok(()) };
    let found = [active, there.last.as_ref(), there.good.as_ref()];
    let Some((newer, number)) = order::newer(release, found.into_iter().flatten()) else { return Ok(()) };
    let refusal = Refusal::Older {
        group: spec.group.clone(),
        number: release.number,
        newer: number,
        deployment: newer.deployment_id.clone(),
        revision: in_words(&newer.revision),
        status: newer.status.clone(),
    };
    if !spec.allow_older {
        return Err(refusal.into());
    }
    cx.note(Level::Warning, "older-release", format!("{refusal}; it is deployed all the same, as allowed"));
    Ok(())
}

/// The last deployment of the group, and the last one with success.
async fn standing(target: &Deployment, cx: &Context, group: Group) -> Result<Standing> {
    let last = group.last_attempted_deployment.deployment_id.clone();
    let good = group.last_successful_deployment.deployment_id.clone();
    let mut there = Standing { group, last: None, good: None };
    if !good.is_empty() {
        there.good = Some(target.client.deployment(cx, &good).await?.value);
    }
    if last == good {
        there.last.clone_from(&there.good);
    } else if !last.is_empty() {
        there.last = Some(target.client.deployment(cx, &last).await?.value);
    }
    Ok(there)
}

/// The last deployment is a success of what is wanted: of this very content, or by this run.
fn is_there(target: &Deployment, last: &Info, token: &Token) -> bool {
    let wanted = target.spec.revision();
    let by_this_run =
        run_tag::is_of_run(&last.description, token) && run_tag::is_of_revision(&last.description, &wanted);
    last.status == "Succeeded" && (by_this_run || is_pinned_to(&wanted, &last.revision))
}

/// A deployment is under way: it is ours, or somebody else's.
async fn busy(
    target: &Deployment,
    cx: &Context,
    there: &Standing,
    mut forward: Forward,
    active: &Info,
    token: &Token,
) -> Result<Plan> {
    let spec = &target.spec;
    let wanted = spec.revision();
    let names = || (active.deployment_id.clone(), in_words(&active.revision), spec.in_words());
    if run_tag::is_of_run(&active.description, token) {
        if !run_tag::is_of_revision(&active.description, &wanted) {
            let (deployment, revision, wanted) = names();
            return Err(Refusal::OtherContent { deployment, revision, wanted }.into());
        }
        forward.attach = Some(active.deployment_id.clone());
        return planned(target, cx, there, forward, Some("goes on: this run has started it already")).await;
    }
    if let Some(own) = rolled_back(target, cx, active, token).await? {
        forward.attach = Some(own.deployment_id);
        let note = "goes on: this run has started it already, and CodeDeploy is rolling it back";
        return planned(target, cx, there, forward, Some(note)).await;
    }
    let follows = spec.if_busy == IfBusy::Adopt && !spec.is_restart() && is_same(&wanted, &active.revision);
    if !follows {
        keep_order(target, cx, there, Some(active))?;
    }
    match spec.if_busy {
        IfBusy::Fail => Err(Refusal::busy(&spec.group, active).into()),
        IfBusy::Wait => {
            forward.busy = Some(active.deployment_id.clone());
            planned(target, cx, there, forward, Some("begins after somebody else's deployment has ended"))
                .await
        }
        IfBusy::Adopt if follows => {
            forward.attach = Some(active.deployment_id.clone());
            Plan::new(KIND, VERSION, Vec::new(), &Work::Forward(Box::new(forward)))
        }
        IfBusy::Adopt => {
            let (deployment, revision, wanted) = names();
            Err(Refusal::NotAdoptable { deployment, revision, wanted }.into())
        }
    }
}

/// This attempt's own deployment, when what is under way is the automatic rollback of it: a run whose records are lost finds
/// it so.
async fn rolled_back(
    target: &Deployment,
    cx: &Context,
    active: &Info,
    token: &Token,
) -> Result<Option<Info>> {
    let triggered_by = &active.rollback_info.rollback_triggering_deployment_id;
    if triggered_by.is_empty() {
        return Ok(None);
    }
    let found = target.client.deployment(cx, triggered_by).await?.value;
    let wanted = target.spec.revision();
    let is_own = run_tag::is_of_token(&found.description, token)
        && run_tag::is_of_revision(&found.description, &wanted);
    Ok(Some(found).filter(|_| is_own))
}

async fn planned(
    target: &Deployment,
    cx: &Context,
    there: &Standing,
    forward: Forward,
    note: Option<&str>,
) -> Result<Plan> {
    let (spec, group) = (&target.spec, &there.group);
    let own = spec.input.get("deploymentConfigName").and_then(Value::as_str);
    let config = own.unwrap_or(&group.deployment_config_name);
    let instances = instances(there);
    let counted = match spec.input.contains_key("targetInstances") {
        true => Counted::default(),
        false => counted::count(target, cx, group).await,
    };
    if counted.are_none(group) {
        let text = format!(
            "no instance is there for {}: {}. CodeDeploy fails a deployment to none; compare the tags, the account and the region",
            target.subject(),
            describe::selected(group, &counted)
        );
        cx.note(Level::Warning, "no-instances", text);
    }
    let unseen = "codedeploy:GetDeploymentConfig is refused: how many instances stay healthy is not known";
    let info = match target.client.config(cx, config).await {
        Ok(info) => Ok(info),
        Err(failure) if failure.kind() == ErrorKind::Denied => Err(unseen),
        // A configuration that is not there is told by CreateDeployment, in its own words.
        Err(_) => Ok(Value::Null),
    };
    let healthy = info.map(|info| healthy(config, &info, instances));
    if let Ok(Some(found)) = &healthy
        && let Some(all) = found.leaves_none_of
    {
        let text = format!(
            "configuration {config} leaves no instance to deploy to ({}, and the last deployment had {all}): CodeDeploy fails \
             such a deployment at once when all of them are healthy",
            found.words
        );
        cx.note(Level::Warning, "minimum-healthy-too-high", text);
    }
    let known = Known {
        spec,
        group,
        before: forward.before.as_ref(),
        counted: &counted,
        instances,
        config,
        healthy: healthy.as_ref().map(Option::as_ref).map_err(|why| *why),
    };
    let mut details = describe::lines(&known);
    details.extend(note.map(str::to_owned));
    let change = Change::new(Effect::Update, target.subject()).with_details(details);
    Plan::new(KIND, VERSION, vec![change], &Work::Forward(Box::new(forward)))
}

/// How many instances the group had in its last deployment. Not told of blue/green groups, whose deployments count old and
/// new ones.
fn instances(there: &Standing) -> Option<u64> {
    if there.group.is_blue_green() {
        return None;
    }
    [&there.last, &there.good].into_iter().flatten().find_map(Info::instances)
}

/// A group that names no instances, or whose names fit none, ends in NO_INSTANCES.
fn warn_of_no_instances(target: &Deployment, cx: &Context, there: &Standing) {
    if target.spec.input.contains_key("targetInstances") {
        return;
    }
    let selected = describe::selected(&there.group, &Counted::default());
    let text = match &there.last {
        _ if selected.is_empty() => format!(
            "{} has neither tag filters nor Auto Scaling groups: it names no instances",
            target.subject()
        ),
        Some(last) if last.error_code() == "NO_INSTANCES" => format!(
            "the last deployment {} found no instances of {} ({selected}): see that some run now",
            last.deployment_id,
            target.subject()
        ),
        _ => return,
    };
    cx.note(Level::Warning, "no-instances", text);
}
