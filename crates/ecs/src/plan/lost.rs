//! What this run has done already, though its records are lost: by the tag of the revision that it registered.
//!
//! A run without its journal is a new attempt, unless AWS shows that an attempt was cut off: its deployment is under way, is
//! being put back, has failed and stands where failures are put back, or was made a moment ago.

use landfall_core::event::Level;
use landfall_core::target::{Effect, Undo};
use landfall_core::{Change, Context, Plan, Result};

use super::busy::revision_of;
use super::{Scene, is_ours};
use crate::client::{Allowed, allowed};
use crate::facts::{last_segment, short};
use crate::find::{self, Made};
use crate::memory::{Baseline, Forward, Known, Started, Work};
use crate::target::EcsService;

/// This run's own deployment that has ended, and whose end was told nobody: it has failed and stands where failures are
/// put back, or it was made a moment ago.
pub(super) async fn cut_off(
    target: &EcsService,
    cx: &Context,
    scene: &Scene,
    forward: &Forward,
) -> Result<Option<Started>> {
    if scene.has_failed() && is_ours(cx, &scene.live) {
        let goes_on = cx.on_failure() == Undo::Revert && !target.spec.force;
        return Ok(scene.service.primary().filter(|_| goes_on).and_then(|own| Started::of(own, scene.at)));
    }
    let since = find::with_margin(forward.baseline.at);
    let newest = earlier(target, cx, scene, forward).await?.into_iter().next();
    Ok(newest.filter(|own| own.created_at > since))
}

/// This run's own deployment that `by` is putting back: the newest before it, which had replaced what `by` rolls out.
pub(super) async fn undone_by(
    target: &EcsService,
    cx: &Context,
    scene: &Scene,
    forward: &Forward,
    by: &Started,
) -> Result<Option<Started>> {
    let earlier = earlier(target, cx, scene, forward).await?;
    let Some(own) = earlier.into_iter().find(|own| own.created_at < by.created_at) else { return Ok(None) };
    let before = before(target, cx, scene, &own).await?;
    Ok(Some(own).filter(|_| before.task_definition == by.task_definition))
}

/// Deployments of the revision that this run registered, newest first.
pub(super) async fn earlier(
    target: &EcsService,
    cx: &Context,
    scene: &Scene,
    forward: &Forward,
) -> Result<Vec<Started>> {
    let revision = forward.existing.as_ref().filter(|existing| existing.ours);
    let registered = revision.and_then(|existing| {
        scene.latest.as_ref().filter(|latest| latest.arn == existing.task_definition)?.registered_at
    });
    let (Some(revision), Some(at)) = (revision, registered) else { return Ok(Vec::new()) };
    let since = Baseline { present: Vec::new(), at, ..forward.baseline.clone() };
    let made =
        find::deployments(&target.client, cx, &scene.service, &since, &revision.task_definition).await?;
    Ok(match made {
        Made::Known(found) => found,
        Made::CannotTell(_) => Vec::new(),
    })
}

/// Goes on with this run's own deployment, which an earlier process started.
pub(super) async fn attach(
    target: &EcsService,
    cx: &Context,
    scene: &Scene,
    mut forward: Forward,
    own: Started,
) -> Result<Plan> {
    cx.note(
        Level::Info,
        "found-again",
        format!("deployment {} of {} was started by this run already", own.id, short(&own.task_definition)),
    );
    let baseline = &mut forward.baseline;
    baseline.present.retain(|id| *id != own.id);
    baseline.at = own.created_at;
    let primary = &baseline.primary;
    let is_later = primary.created_at.is_some_and(|at| at > own.created_at);
    if primary.id == own.id || is_later {
        baseline.primary = before(target, cx, scene, &own).await?;
    }
    let change = Change::new(Effect::Update, target.subject()).with_details([format!(
        "goes on with deployment {} of {}",
        own.id,
        short(&own.task_definition)
    )]);
    forward.attach = Some(own);
    target.plan_of(vec![change], &Work::Forward(Box::new(forward)))
}

/// What was there before our own deployment: its source, or else the other deployment that still drains. Whether
/// that had succeeded is not known, so an undo asks the history first.
async fn before(target: &EcsService, cx: &Context, scene: &Scene, own: &Started) -> Result<Known> {
    let unsure = Some("UNKNOWN".to_owned());
    let other = scene.service.deployments.iter().find(|deployment| deployment.id != own.id);
    let other = other.map(|other| Known { rollout_state: unsure.clone(), ..Known::of(other) });
    let Some(arn) = &own.service_deployment else { return Ok(other.unwrap_or_default()) };
    let described = target.client.describe_service_deployment(cx, arn).await;
    let Allowed::Yes(described) = allowed(cx, "ecs:DescribeServiceDeployments", described)? else {
        return Ok(other.unwrap_or_default());
    };
    let sources = described.value.map(|found| found.source_service_revisions).unwrap_or_default();
    let Some(source) = sources.first() else { return Ok(other.unwrap_or_default()) };
    Ok(match revision_of(target, cx, &source.arn).await? {
        Some(task_definition) => Known {
            id: format!("ecs-svc/{}", last_segment(&source.arn)),
            task_definition,
            rollout_state: unsure,
            ..Known::default()
        },
        None => other.unwrap_or_default(),
    })
}
