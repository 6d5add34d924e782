//! Back to what was there before. The plan states a goal; a fresh look chooses the call.

use landfall_core::event::Level;
use landfall_core::{Context, ErrorKind, Result};

use super::{fresh, new_deployment, primary_of, watch};
use crate::client::{Allowed, Answered, allowed};
use crate::error::Refusal;
use crate::facts::{RolloutStatus, Service, ServiceDeployment};
use crate::memory::{Back, Known, Purpose, Started, Watch};
use crate::target::EcsService;

/// Applies an undo, or its next part.
pub(crate) async fn back(
    target: &EcsService,
    cx: &Context,
    back: &Back,
    so_far: Option<&Watch>,
) -> Result<Watch> {
    let service = fresh(target, cx).await?;
    let primary = primary_of(target, &service)?;
    let ours = service_deployment(target, cx, back).await?;
    let standing = ours.as_ref().map(ServiceDeployment::standing);
    let known_as = ours.as_ref().map(|ours| ours.service_deployment_arn.clone());
    let roll_back = || {
        let deployment = back.ours.clone().known_as(known_as.clone());
        Watch { goal: Some(back.goal.clone()), ..watch(Purpose::RollBack, &service, deployment, None) }
    };
    if standing == Some(RolloutStatus::GoingBack) {
        return Ok(roll_back());
    }
    if primary.id != back.ours.id {
        return already_back(target, back, &service);
    }
    let tried = so_far.is_some_and(|so_far| so_far.purpose == Purpose::RollBack);
    if !tried
        && standing == Some(RolloutStatus::Going)
        && let Some(ours) = &ours
        && stop(target, cx, back, ours).await?
    {
        return Ok(roll_back());
    }
    if back.goal == back.ours.task_definition {
        // UpdateService with the revision that is there does nothing, and would be taken for an undo.
        let (deployment, task_definition) = (back.ours.id.clone(), back.goal.clone());
        return Err(Refusal::NotStopped { deployment, task_definition }.into());
    }
    update(target, cx, back, &service).await
}

/// Another deployment is primary: the goal has been reached by an earlier try or by AWS, or somebody else came.
fn already_back(target: &EcsService, back: &Back, service: &Service) -> Result<Watch> {
    let primary = primary_of(target, service)?;
    if primary.task_definition != back.goal {
        let expected = (back.ours.id.as_str(), back.ours.task_definition.as_str());
        return Err(Refusal::moved(&target.spec.service, primary, expected).into());
    }
    let created_at = primary.created_at.unwrap_or(back.ours.created_at);
    let deployment = Started {
        id: primary.id.clone(),
        created_at,
        task_definition: primary.task_definition.clone(),
        service_deployment: None,
    };
    let purpose = if back.present.contains(&primary.id) || !primary.is_rolling_out() {
        Purpose::Unchanged
    } else {
        Purpose::Restore
    };
    Ok(Watch { goal: Some(back.goal.clone()), ..watch(purpose, service, deployment, None) })
}

/// Our service deployment as it is now; nothing when it cannot be read.
async fn service_deployment(
    target: &EcsService,
    cx: &Context,
    back: &Back,
) -> Result<Option<ServiceDeployment>> {
    let Some(arn) = target.service_deployment_of(cx, &back.ours).await? else { return Ok(None) };
    let described = target.client.describe_service_deployment(cx, &arn).await;
    Ok(match allowed(cx, "ecs:DescribeServiceDeployments", described)? {
        Allowed::Yes(found) => found.value,
        Allowed::No(_) => None,
    })
}

/// Asks AWS to roll our deployment back, if that leads to the goal. False: it does not, or may not be asked for.
async fn stop(target: &EcsService, cx: &Context, back: &Back, ours: &ServiceDeployment) -> Result<bool> {
    let [source] = ours.source_service_revisions.as_slice() else { return Ok(false) };
    let revisions = target.client.describe_service_revisions(cx, std::slice::from_ref(&source.arn)).await;
    let Allowed::Yes(revisions) = allowed(cx, "ecs:DescribeServiceRevisions", revisions)? else {
        return Ok(false);
    };
    if !revisions.iter().any(|revision| revision.task_definition == back.goal) {
        return Ok(false);
    }
    match target.client.roll_back(cx, &ours.service_deployment_arn).await {
        Ok(()) => Ok(true),
        Err(failure) if failure.kind() == ErrorKind::Denied => {
            cx.note(
                Level::Warning,
                "permission-missing",
                "ecs:StopServiceDeployment is denied: the service is updated back by UpdateService instead",
            );
            Ok(false)
        }
        // It has ended in between: then there is nothing to stop, and a new deployment leads back.
        Err(failure)
            if matches!(failure.kind(), ErrorKind::NotFound | ErrorKind::Rejected | ErrorKind::Conflict) =>
        {
            Ok(false)
        }
        Err(failure) => Err(failure.into()),
    }
}

async fn update(target: &EcsService, cx: &Context, back: &Back, before: &Service) -> Result<Watch> {
    let Answered { value: answered, at } = target.client.update_service(cx, &back.goal, false).await?;
    let known: Vec<String> = before.deployments.iter().map(|deployment| deployment.id.clone()).collect();
    let primary = primary_of(target, &answered)?;
    let new = new_deployment(&answered, at, &known, &back.goal).map(|new| (Purpose::Restore, new));
    // A server may put the old deployment back under its old id instead of making a new one.
    let old = || {
        Some(primary)
            .filter(|primary| primary.task_definition == back.goal)
            .and_then(|old| Started::of(old, at))
    };
    let restored = new.or_else(|| old().map(|old| (Purpose::Unchanged, old)));
    let Some((purpose, started)) = restored else {
        return Err(Refusal::no_new_deployment(&target.spec.service, &back.goal, primary).into());
    };
    let before = before.primary().map(Known::of);
    Ok(Watch { goal: Some(back.goal.clone()), ..watch(purpose, &answered, started, before) })
}
