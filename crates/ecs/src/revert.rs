//! The plan that restores what was there before. Reads only: it states a goal and what it expects to find.
//!
//! The goal is the last revision that is known to have *succeeded*, not the last one that was registered and not
//! the last one that was tried (kayac/ecspresso #673, reproio/ecs_deploy #11 went wrong by number).

use landfall_core::event::Level;
use landfall_core::target::Effect;
use landfall_core::{Change, Context, Result, Revert, Token};

use crate::apply::{fresh, primary_of};
use crate::client::{Allowed, allowed};
use crate::error::Refusal;
use crate::facts::{RolloutStatus, Service, last_segment, short};
use crate::find;
use crate::memory::{Back, Forward, Known, Purpose, Started, Watch, Work};
use crate::target::EcsService;

/// How to get back to what was there before a deployment.
pub(crate) async fn revert(
    target: &EcsService,
    cx: &Context,
    token: &Token,
    forward: &Forward,
    receipt: Option<&Watch>,
) -> Result<Revert> {
    let service = fresh(target, cx).await?;
    let receipt = receipt.filter(|receipt| receipt.purpose == Purpose::Deploy);
    let ours = match receipt {
        Some(receipt) => Some(receipt.deployment.clone()),
        None => own(target, cx, token, forward, &service).await?,
    };
    // Nothing of ours was started.
    let Some(ours) = ours else { return Ok(Revert::NothingToDo) };
    let before = receipt
        .and_then(|receipt| receipt.before.clone())
        .unwrap_or_else(|| forward.baseline.primary.clone());
    let Some(goal) = goal(target, cx, &ours, &before).await? else {
        return Ok(Revert::Impossible {
            reason: format!(
                "nothing is known that the service ran before deployment {}; update it to a revision that works",
                ours.id
            ),
        });
    };
    if primary_of(target, &service)?.id == ours.id {
        return back(target, cx, &service, ours, goal).await;
    }
    replaced(target, cx, &service, ours, goal).await
}

/// Another deployment has taken the place of ours: AWS's rollback, or somebody else's, which stays.
async fn replaced(
    target: &EcsService,
    cx: &Context,
    service: &Service,
    ours: Started,
    goal: String,
) -> Result<Revert> {
    let primary = primary_of(target, service)?;
    if primary.task_definition != goal {
        let expected = (ours.id.as_str(), ours.task_definition.as_str());
        return Err(Refusal::moved(&target.spec.service, primary, expected).into());
    }
    if primary.is_rolling_out() || is_going_back(target, cx, &ours).await? {
        return plan(target, service, ours, goal, "it is being put back already; that is waited for");
    }
    if primary.rollout_state.as_deref() == Some("FAILED") {
        return Ok(Revert::Impossible {
            reason: format!(
                "AWS has put {} back, and its tasks do not come up either; look at them, then update the service to a \
                 revision that works",
                short(&goal)
            ),
        });
    }
    plan(target, service, ours, goal, "it is put back already; that is looked at")
}

/// Our deployment is what the service runs.
async fn back(
    target: &EcsService,
    cx: &Context,
    service: &Service,
    ours: Started,
    goal: String,
) -> Result<Revert> {
    if goal != ours.task_definition {
        let detail = format!("taskDefinition: {} -> {}", short(&ours.task_definition), short(&goal));
        return plan(target, service, ours, goal, &detail);
    }
    // A forced redeployment: only while it runs does AWS know two generations of tasks to choose between.
    let going = standing(target, cx, &ours).await?;
    if matches!(going, Some(RolloutStatus::Going | RolloutStatus::GoingBack)) {
        let detail = format!("stops the redeployment of {}", short(&goal));
        return plan(target, service, ours, goal, &detail);
    }
    Ok(Revert::Impossible {
        reason: format!(
            "it was a redeployment of {}, which ran before as well: there is no other revision to go back to",
            short(&goal)
        ),
    })
}

fn plan(target: &EcsService, service: &Service, ours: Started, goal: String, detail: &str) -> Result<Revert> {
    let change = Change::new(Effect::Update, target.subject()).with_details([detail]);
    let present = service.deployments.iter().map(|deployment| deployment.id.clone()).collect();
    let back = Back { service_arn: service.service_arn.clone(), goal, ours, present };
    Ok(Revert::Plan(Box::new(target.plan_of(vec![change], &Work::Back(Box::new(back)))?)))
}

/// Our deployment, when `apply` did not live to tell.
async fn own(
    target: &EcsService,
    cx: &Context,
    token: &Token,
    forward: &Forward,
    service: &Service,
) -> Result<Option<Started>> {
    if forward.attach.is_some() {
        return Ok(forward.attach.clone());
    }
    // Whoever undoes a run by its journal alone does not know what was asked for: then only the tag tells what is ours.
    let wanted = match forward.specification == target.spec.digest() {
        true => Some(crate::apply::wanted(target, cx, forward).await?),
        false => None,
    };
    let Some(revision) = find::revision(&target.client, cx, token, forward, wanted.as_ref()).await? else {
        if wanted.is_none() && !find::is_untouched(service, &forward.baseline) {
            let why = "no revision carries its tag, and the service has moved since the plan".to_owned();
            return Err(Refusal::CannotTell { task_definition: forward.family.clone(), why }.into());
        }
        return Ok(None);
    };
    find::own_deployment(&target.client, cx, service, &forward.baseline, &revision).await
}

/// The task definition to return to.
async fn goal(target: &EcsService, cx: &Context, ours: &Started, before: &Known) -> Result<Option<String>> {
    if before.was_good() && !before.task_definition.is_empty() {
        return Ok(Some(before.task_definition.clone()));
    }
    if let Some(successful) = last_successful(target, cx, ours).await? {
        return Ok(Some(successful));
    }
    if before.task_definition.is_empty() {
        return Ok(None);
    }
    cx.note(
        Level::Warning,
        "goal-not-proven",
        format!(
            "{} ran before this deployment; whether it had succeeded cannot be told",
            short(&before.task_definition)
        ),
    );
    Ok(Some(before.task_definition.clone()))
}

/// The task definition of the last service deployment before ours that succeeded.
async fn last_successful(target: &EcsService, cx: &Context, ours: &Started) -> Result<Option<String>> {
    let listed = target.client.list_service_deployments(cx, None, &["SUCCESSFUL"]).await;
    let Allowed::Yes(listed) = allowed(cx, "ecs:ListServiceDeployments", listed)? else { return Ok(None) };
    let Some(last) = listed.value.iter().find(|brief| {
        brief.created_at.is_some_and(|at| at < ours.created_at)
            && last_segment(&brief.target_service_revision_arn) != last_segment(&ours.id)
    }) else {
        return Ok(None);
    };
    let arns = [last.target_service_revision_arn.clone()];
    let read = target.client.describe_service_revisions(cx, &arns).await;
    let Allowed::Yes(read) = allowed(cx, "ecs:DescribeServiceRevisions", read)? else { return Ok(None) };
    Ok(read.into_iter().next().map(|revision| revision.task_definition))
}

async fn standing(target: &EcsService, cx: &Context, ours: &Started) -> Result<Option<RolloutStatus>> {
    let Some(arn) = target.service_deployment_of(cx, ours).await? else { return Ok(None) };
    let read = target.client.describe_service_deployment(cx, &arn).await;
    let Allowed::Yes(read) = allowed(cx, "ecs:DescribeServiceDeployments", read)? else { return Ok(None) };
    Ok(read.value.map(|found| found.standing()))
}

async fn is_going_back(target: &EcsService, cx: &Context, ours: &Started) -> Result<bool> {
    Ok(standing(target, cx, ours).await? == Some(RolloutStatus::GoingBack))
}
