//! What to do when a deployment of the service is under way: our own is followed, somebody else's by the policy.

use landfall_core::event::Level;
use landfall_core::{Context, Plan, Result};

use super::{Scene, changes, is_ours, lost, named};
use crate::client::{Allowed, allowed};
use crate::document::diff;
use crate::error::Refusal;
use crate::facts::{Brief, MOVING, is_revision_of, short};
use crate::find;
use crate::memory::{Forward, Started, Work};
use crate::spec::IfBusy;
use crate::target::EcsService;

/// A deployment that has not ended.
pub(super) struct InFlight {
    started: Started,
    status: String,
    /// This run registered its revision.
    ours: bool,
    /// How its content differs from what is wanted.
    differences: Vec<String>,
}

/// The deployment that is under way, if there is one.
pub(super) async fn in_flight(target: &EcsService, cx: &Context, scene: &Scene) -> Result<Option<InFlight>> {
    let listed = target.client.list_service_deployments(cx, None, &MOVING).await;
    let listed = match allowed(cx, "ecs:ListServiceDeployments", listed)? {
        Allowed::Yes(listed) => listed.value.into_iter().next(),
        Allowed::No(_) => None,
    };
    let found = match listed {
        Some(brief) => of_brief(target, cx, scene, &brief).await?,
        None => of_primary(scene),
    };
    let Some((started, status)) = found else { return Ok(None) };
    let revision = if started.task_definition == scene.live.arn {
        scene.live.clone()
    } else {
        named(target, cx, &started.task_definition).await?
    };
    let ours = is_ours(cx, &revision);
    let differences = diff(&revision.document, &scene.wanted);
    Ok(Some(InFlight { started, status, ours, differences }))
}

/// By the service alone, when service deployments may not be listed.
fn of_primary(scene: &Scene) -> Option<(Started, String)> {
    let primary = scene.service.primary().filter(|primary| primary.is_rolling_out())?;
    Some((Started::of(primary, scene.at)?, "IN_PROGRESS".to_owned()))
}

async fn of_brief(
    target: &EcsService,
    cx: &Context,
    scene: &Scene,
    brief: &Brief,
) -> Result<Option<(Started, String)>> {
    let shown = scene
        .service
        .deployments
        .iter()
        .find(|deployment| is_revision_of(&brief.target_service_revision_arn, &deployment.id));
    let task_definition = match shown {
        Some(shown) => Some(shown.task_definition.clone()),
        None => revision_of(target, cx, &brief.target_service_revision_arn).await?,
    };
    let Some(task_definition) = task_definition else { return Ok(of_primary(scene)) };
    // Without a time of its own it is under way even so.
    let started = find::of_brief(brief, &task_definition).map(|started| (started, brief.status.clone()));
    Ok(started.or_else(|| of_primary(scene)))
}

/// The task definition of a service revision, if it may be read.
pub(super) async fn revision_of(target: &EcsService, cx: &Context, arn: &str) -> Result<Option<String>> {
    let read = target.client.describe_service_revisions(cx, &[arn.to_owned()]).await;
    Ok(match allowed(cx, "ecs:DescribeServiceRevisions", read)? {
        Allowed::Yes(revisions) => revisions.into_iter().next().map(|revision| revision.task_definition),
        Allowed::No(_) => None,
    })
}

/// The plan while something is under way.
pub(super) async fn plan(
    target: &EcsService,
    cx: &Context,
    scene: &Scene,
    forward: Forward,
    found: InFlight,
) -> Result<Plan> {
    if !found.ours {
        return match lost::undone_by(target, cx, scene, &forward, &found.started).await? {
            Some(own) => lost::attach(target, cx, scene, forward, own).await,
            None => by_policy(target, cx, scene, forward, found),
        };
    }
    let InFlight { started, differences, .. } = found;
    if differences.is_empty() {
        return lost::attach(target, cx, scene, forward, started).await;
    }
    let (deployment, task_definition) = (started.id, started.task_definition);
    Err(Refusal::OtherContent { deployment, task_definition, differences }.into())
}

/// Somebody else's deployment is under way.
fn by_policy(
    target: &EcsService,
    cx: &Context,
    scene: &Scene,
    mut forward: Forward,
    found: InFlight,
) -> Result<Plan> {
    let InFlight { started, status, differences, .. } = found;
    let name = started.service_deployment.clone().unwrap_or_else(|| started.id.clone());
    let follow = differences.is_empty() && !target.spec.force;
    match target.spec.if_busy {
        IfBusy::Fail => {
            let service = target.spec.service.clone();
            let (task_definition, began) = (started.task_definition, started.created_at);
            Err(Refusal::Busy { service, deployment: name, status, task_definition, began, now: scene.at }
                .into())
        }
        IfBusy::Supersede => {
            let text =
                format!("deployment {name} of {} is superseded, as asked", short(&started.task_definition));
            cx.note(Level::Warning, "supersedes", text);
            target.plan_of(changes(target, scene, &forward), &Work::Forward(Box::new(forward)))
        }
        // What is wanted is on its way: to wait for it is to follow it.
        IfBusy::Adopt | IfBusy::Wait if follow => {
            let text =
                format!("deployment {name} rolls out what is wanted: it is followed, and never undone");
            cx.note(Level::Info, "adopted", text);
            forward.attach = Some(started);
            // Without changes: what somebody else began is not ours to undo.
            target.plan_of(Vec::new(), &Work::Forward(Box::new(forward)))
        }
        IfBusy::Adopt => {
            let task_definition = started.task_definition;
            Err(Refusal::NotAdoptable { deployment: name, task_definition, differences }.into())
        }
        IfBusy::Wait => {
            let wait = format!("waits for deployment {name} of {} to end", short(&started.task_definition));
            let mut planned = changes(target, scene, &forward);
            if let Some(service) = planned.pop() {
                planned.push(service.with_details([wait]));
            }
            forward.busy = Some(started);
            target.plan_of(planned, &Work::Forward(Box::new(forward)))
        }
    }
}
