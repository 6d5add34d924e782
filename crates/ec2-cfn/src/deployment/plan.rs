//! What would change, and what there is to come back to. Reads only.

use landfall_core::event::Level;
use landfall_core::target::Effect;
use landfall_core::{Change, Context, Plan, Result, Token};
use serde_json::Value;

use super::error::{Refusal, about_group};
use super::facts::{ACTIVE, Group, Info};
use super::memory::{Forward, VERSION, Work};
use super::run_tag;
use super::spec::{IfBusy, WhenReady, in_words, is_pinned_to, is_same};
use super::target::{Deployment, KIND};

/// Plans a deployment.
pub(crate) async fn plan(target: &Deployment, cx: &Context) -> Result<Plan> {
    let spec = &target.spec;
    if spec.revision().is_null() {
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
    warn_of_no_instances(target, cx, &group);
    let (last, before) = standing(target, cx, &group).await?;
    let mut forward = Forward {
        specification: spec.digest(),
        at: answered.at,
        before: before.as_ref().map(|before| before.revision.clone()),
        before_id: before.as_ref().map(|before| before.deployment_id.clone()),
        last: last.as_ref().map(|last| last.deployment_id.clone()).unwrap_or_default(),
        attach: None,
        busy: None,
    };
    let token = Token::new(cx.id());
    let active = target.client.deployments(cx, None, &ACTIVE).await?;
    if let Some(active) = active.into_iter().find(|one| !one.is_final()) {
        return busy(target, cx, &group, forward, &active, &token).await;
    }
    if let Some(last) = last.filter(|last| !spec.redeploy && is_there(target, last, &token)) {
        forward.attach = Some(last.deployment_id);
        return Plan::new(KIND, VERSION, Vec::new(), &Work::Forward(Box::new(forward)));
    }
    planned(target, cx, &group, forward, None).await
}

/// The last deployment, and the last one with success.
async fn standing(target: &Deployment, cx: &Context, group: &Group) -> Result<(Option<Info>, Option<Info>)> {
    let (last, good) =
        (&group.last_attempted_deployment.deployment_id, &group.last_successful_deployment.deployment_id);
    let mut found = (None, None);
    if !good.is_empty() {
        found.1 = Some(target.client.deployment(cx, good).await?.value);
    }
    if last == good {
        found.0.clone_from(&found.1);
    } else if !last.is_empty() {
        found.0 = Some(target.client.deployment(cx, last).await?.value);
    }
    Ok(found)
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
    group: &Group,
    mut forward: Forward,
    active: &Info,
    token: &Token,
) -> Result<Plan> {
    let wanted = target.spec.revision();
    let names = || (active.deployment_id.clone(), in_words(&active.revision), in_words(&wanted));
    if run_tag::is_of_run(&active.description, token) {
        if !run_tag::is_of_revision(&active.description, &wanted) {
            let (deployment, revision, wanted) = names();
            return Err(Refusal::OtherContent { deployment, revision, wanted }.into());
        }
        forward.attach = Some(active.deployment_id.clone());
        return planned(target, cx, group, forward, Some("goes on: this run has started it already")).await;
    }
    if let Some(own) = rolled_back(target, cx, active, token).await? {
        forward.attach = Some(own.deployment_id);
        let note = "goes on: this run has started it already, and CodeDeploy is rolling it back";
        return planned(target, cx, group, forward, Some(note)).await;
    }
    match target.spec.if_busy {
        IfBusy::Fail => Err(Refusal::busy(&target.spec.group, active).into()),
        IfBusy::Wait => {
            forward.busy = Some(active.deployment_id.clone());
            planned(target, cx, group, forward, Some("begins after somebody else's deployment has ended"))
                .await
        }
        IfBusy::Adopt if is_same(&wanted, &active.revision) => {
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
    group: &Group,
    forward: Forward,
    note: Option<&str>,
) -> Result<Plan> {
    let input = &target.spec.input;
    let before = forward.before.as_ref().map_or_else(|| "nothing".to_owned(), in_words);
    let mut details = vec![format!("revision: {before} -> {}", in_words(&target.spec.revision()))];
    let own = input.get("deploymentConfigName").and_then(Value::as_str);
    let config = own.unwrap_or(&group.deployment_config_name);
    details.push(format!("deployment configuration: {config}{}", healthy(target, cx, config).await));
    let told = ["applicationName", "deploymentGroupName", "revision", "deploymentConfigName", "description"];
    details.extend(blue_green(target, group));
    for (name, value) in input.iter().filter(|(name, _)| !told.contains(&name.as_str())) {
        details.push(format!("{name}: {value}"));
    }
    details.extend(note.map(str::to_owned));
    let change = Change::new(Effect::Update, target.subject()).with_details(details);
    Plan::new(KIND, VERSION, vec![change], &Work::Forward(Box::new(forward)))
}

/// How many instances stay healthy meanwhile; nothing when that may not be read.
async fn healthy(target: &Deployment, cx: &Context, config: &str) -> String {
    let Ok(minimum) = target.client.minimum_healthy(cx, config).await else { return String::new() };
    let value = &minimum["value"];
    match minimum["type"].as_str() {
        Some("FLEET_PERCENT") => format!(" (at least {value} % of the instances stay healthy)"),
        Some("HOST_COUNT") => format!(" (at least {value} instances stay healthy)"),
        _ => String::new(),
    }
}

/// The waits of a blue/green group.
fn blue_green(target: &Deployment, group: &Group) -> Option<String> {
    if group.deployment_style["deploymentType"] != "BLUE_GREEN" {
        return None;
    }
    let of = |member: &str, name: &str| group.blue_green_deployment_configuration[member][name].clone();
    let minutes = |member: &str, name: &str| of(member, name).as_u64().unwrap_or(0);
    let (ready, end) = ("deploymentReadyOption", "terminateBlueInstancesOnDeploymentSuccess");
    let stops = of(ready, "actionOnTimeout") == "STOP_DEPLOYMENT";
    let first = match (stops, target.spec.when_ready) {
        (true, WhenReady::Wait) => {
            format!("waits {} minutes to be continued, then stops", minutes(ready, "waitTimeInMinutes"))
        }
        (true, WhenReady::Continue) => "is continued at once".to_owned(),
        (true, WhenReady::Stop) => "is stopped before the traffic is moved".to_owned(),
        (false, _) => "moves the traffic by itself".to_owned(),
    };
    let terminates = of(end, "action") == "TERMINATE";
    let after = minutes(end, "terminationWaitTimeInMinutes");
    let last = if terminates { format!("terminated after {after} minutes") } else { "kept".to_owned() };
    Some(format!("blue/green: {first}; old instances are {last}"))
}

/// A group that names no instances ends in NO_INSTANCES.
fn warn_of_no_instances(target: &Deployment, cx: &Context, group: &Group) {
    let given = |value: &Value| match value {
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        _ => false,
    };
    let named = [
        &group.ec2_tag_filters,
        &group.ec2_tag_set,
        &group.on_premises_instance_tag_filters,
        &group.on_premises_tag_set,
        &group.auto_scaling_groups,
    ];
    if !named.into_iter().any(given) && !target.spec.input.contains_key("targetInstances") {
        let text = format!(
            "{} has neither tag filters nor Auto Scaling groups: it names no instances",
            target.subject()
        );
        cx.note(Level::Warning, "no-instances", text);
    }
}
