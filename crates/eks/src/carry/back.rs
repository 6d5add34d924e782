//! Back to what was there before.

use landfall_core::event::Level;
use landfall_core::{Context, ErrorKind, Result};

use super::{Load, finish, hold, recalled};
use crate::api::{Propagation, Selector};
use crate::error::Refusal;
use crate::facts::{Object, Pod};
use crate::input::ManifestSet;
use crate::inventory::Inventory;
use crate::judge::stuck_pods;
use crate::memory::{Back, Progressed};
use crate::target::Manifests;
use crate::waves;

/// The next part of an undo.
pub(crate) async fn back(
    target: &Manifests,
    cx: &Context,
    plan: &Back,
    so_far: Option<Progressed>,
) -> Result<Progressed> {
    hold(target, cx).await?;
    let set = match recalled(target, cx, &plan.goal).await {
        // What was put back is forgotten as the last of all: an earlier process has come so far.
        Err(error)
            if error.kind() == ErrorKind::NotFound
                && finish::is_back(target, cx, plan.revision, &plan.goal).await? =>
        {
            return finish::back_again(target, cx, plan, so_far).await;
        }
        recalled => recalled?,
    };
    let waves = waves::order(set.objects())?;
    let mut so_far = match so_far {
        Some(so_far) => so_far,
        None => {
            let inventory = Inventory::load(cx, &target.api, &target.spec.release).await?;
            let there = inventory.revision();
            if there > plan.revision {
                let release = target.spec.release.clone();
                return Err(Refusal::Overtaken { release, there, ours: plan.revision }.into());
            }
            finish::delete_created(target, cx, plan).await?;
            begun(plan)
        }
    };
    if so_far.waves < waves.len() {
        let load =
            Load { manifests: set.objects(), waves: &waves, before: &[], options: target.spec.options };
        return super::waves(cx, &target.api, &load, so_far).await;
    }
    let stateful = set.objects().iter().any(|one| one.is("apps", "StatefulSet"));
    if stateful && !so_far.unstuck {
        unstick(target, cx, &set).await?;
        so_far.unstuck = true;
        return Ok(so_far);
    }
    finish::back(target, cx, plan, so_far).await
}

pub(super) fn begun(plan: &Back) -> Progressed {
    Progressed { goal: Some(plan.goal.clone()), ..Progressed::begun(plan.revision) }
}

/// Takes pods away that a StatefulSet made by the template that was undone and that never came up. Its controller waits
/// for them to become ready, and does not replace them: "Forced rollback" in
/// <https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback>.
async fn unstick(target: &Manifests, cx: &Context, set: &ManifestSet) -> Result<()> {
    let api = &target.api;
    for manifest in set.objects().iter().filter(|one| one.is("apps", "StatefulSet")) {
        let at = super::at(cx, api, manifest).await?;
        let Some(live) = api.read(cx, &at).await? else { continue };
        let pods = api.resource(cx, "v1", "Pod", std::time::Duration::ZERO).await?;
        let listed = api.list(cx, &pods, at.namespace(), &Selector::all()).await?;
        let all: Vec<_> = listed.items.iter().map(|live| live.value()).collect();
        for pod in stuck_pods(Object::of(live.value()), all.iter().map(|pod| Pod::of(pod))) {
            let place = crate::api::At::new(pods.clone(), at.namespace(), pod.name());
            let uid = pod.object.uid().unwrap_or_default();
            api.delete(cx, &place, uid, Propagation::Background).await?;
            let text = format!("{place} never came up, and {at} would wait for it for ever: it is deleted");
            cx.note(Level::Warning, "stuck-pod-deleted", text);
        }
    }
    Ok(())
}
