//! To what was asked for.

use futures_util::stream::{self, StreamExt, TryStreamExt};
use landfall_core::{Context, Error, Result};
use serde_json::Value;

use super::{Load, at, finish, hold, waves};
use crate::apply::{self, Before};
use crate::error::Refusal;
use crate::input::ManifestSet;
use crate::inventory::Inventory;
use crate::lock::{self, Holder, Since};
use crate::memory::{Forward, Progressed, Stage};
use crate::record::{self, Content, restorable};
use crate::spec::IfBusy;
use crate::target::Manifests;
use crate::waves::Wave;

/// The next part of a deployment. `nothing`: the plan has no changes.
pub(crate) async fn forward(
    target: &Manifests,
    cx: &Context,
    plan: &Forward,
    nothing: bool,
    so_far: Option<Progressed>,
) -> Result<Progressed> {
    let spec = &target.spec;
    let Some(set) = &spec.set else {
        return Err(Refusal::NoManifests { release: spec.release.clone() }.into());
    };
    if plan.objects.len() != set.objects().len() {
        return Err(Refusal::OtherSpecification.into());
    }
    if nothing {
        return standing(target, cx, set, plan).await;
    }
    let so_far = match so_far {
        None => return Box::pin(begin(target, cx, set, plan, false)).await,
        Some(so_far) if matches!(so_far.stage, Stage::Busy) => {
            return Box::pin(begin(target, cx, set, plan, true)).await;
        }
        Some(so_far) => so_far,
    };
    hold(target, cx).await?;
    if so_far.waves >= spec.waves.len() {
        return finish::forward(target, cx, set, so_far).await;
    }
    go_on(target, cx, set, plan, so_far).await
}

/// What is there already is looked at and not touched.
async fn standing(target: &Manifests, cx: &Context, set: &ManifestSet, plan: &Forward) -> Result<Progressed> {
    let mut progressed = Progressed::begun(plan.revision.saturating_sub(1));
    let before: Vec<Option<Before>> = plan.objects.iter().map(|one| one.before.clone()).collect();
    // Nothing is sent for what is unchanged.
    let all = Wave { stage: 0, objects: (0..set.objects().len()).collect(), wait_for: Vec::new() };
    let load = Load {
        manifests: set.objects(),
        waves: std::slice::from_ref(&all),
        before: &before,
        options: target.spec.options,
    };
    progressed = waves(cx, &target.api, &load, progressed).await?;
    if matches!(progressed.stage, Stage::Applying) {
        progressed.stage = Stage::Standing;
    }
    Ok(progressed)
}

/// The first part. `waited`: another run has deployed the release since the plan was made.
async fn begin(
    target: &Manifests,
    cx: &Context,
    set: &ManifestSet,
    plan: &Forward,
    waited: bool,
) -> Result<Progressed> {
    let (spec, api) = (&target.spec, &target.api);
    own_namespace(target, cx, set, plan).await?;
    if spec.if_busy == IfBusy::Wait
        && let Holder::Other { .. } = target.lock.look(cx, api, &spec.release, &lock::name(cx)).await?
    {
        let mut busy = Progressed::begun(plan.revision);
        busy.stage = Stage::Busy;
        return Ok(busy);
    }
    // At once: where nobody has held the lock since it was looked at, the inventory is as the lock's holder finds it.
    let (held, inventory) = tokio::join!(hold(target, cx), Inventory::load(cx, api, &spec.release));
    let inventory = match held? {
        Since::Before => inventory,
        Since::Now => Inventory::load(cx, api, &spec.release).await,
    };
    let begun = match number(target, cx, set, plan, waited, inventory).await {
        Ok(revision) => Ok(Progressed { waited, ..Progressed::begun(revision) }),
        Err(error) if error.kind().is_passing() => Err(error),
        Err(error) => {
            // Nothing was changed, and nobody has to wait until the time of the lock is over. What is told is why.
            let _ = target.lock.give_back(cx, api).await;
            Err(error)
        }
    };
    go_on(target, cx, set, plan, begun?).await
}

/// The number of the deployment; everything is remembered when it answers.
async fn number(
    target: &Manifests,
    cx: &Context,
    set: &ManifestSet,
    plan: &Forward,
    waited: bool,
    inventory: Result<Inventory>,
) -> Result<u64> {
    let release = &target.spec.release;
    let inventory = inventory?;
    let revision = inventory.next_revision();
    if revision != plan.revision && !waited {
        let there = revision - 1;
        let recorded = inventory.record.as_ref().filter(|_| there == plan.revision);
        if recorded.is_some_and(|record| record::is_of(record, Content::Applied(set.objects()))) {
            // It is this deployment, which has come to its end already.
            return Ok(there);
        }
        return Err(Refusal::Overtaken { release: release.clone(), there, ours: plan.revision }.into());
    }
    remember(target, cx, set, plan, inventory, revision).await?;
    Ok(revision)
}

/// The namespace in which the release is remembered, when the release brings it itself.
async fn own_namespace(target: &Manifests, cx: &Context, set: &ManifestSet, plan: &Forward) -> Result<()> {
    let release = &target.spec.release;
    let place = set.objects().iter().zip(&plan.objects).position(|(manifest, foreseen)| {
        let is_namespace = manifest.is("", "Namespace");
        is_namespace && manifest.name() == release.namespace && foreseen.before.is_none()
    });
    let Some(place) = place else { return Ok(()) };
    let wave = Wave { stage: 0, objects: vec![place], wait_for: Vec::new() };
    let options = target.spec.options;
    let part = apply::apply(cx, &target.api, set.objects(), &[], &[wave], 0, options).await;
    part.error(set.objects()).map_or(Ok(()), Err)
}

/// Writes down all that was and all that will be, before the first object is touched: a run that is killed halfway loses
/// nothing. Objects that the release takes in are kept as they are now, for an undo.
async fn remember(
    target: &Manifests,
    cx: &Context,
    set: &ManifestSet,
    plan: &Forward,
    inventory: Inventory,
    revision: u64,
) -> Result<()> {
    let (api, release) = (&target.api, &target.spec.release);
    let mut wider = inventory.with(plan.objects.iter().map(|one| &one.key));
    let strangers = set.objects().iter().zip(&plan.objects);
    let strangers: Vec<_> = strangers
        .filter(|(_, one)| one.before.is_some() && !inventory.has(&one.key))
        .map(|(manifest, _)| async move {
            let live = api.read(cx, &at(cx, api, manifest).await?).await?;
            Ok::<_, Error>(live.as_ref().map(restorable))
        })
        .collect();
    let at_once = target.spec.options.at_once;
    let found: Vec<Option<Value>> =
        stream::iter(strangers).buffered(at_once.clamp(1, 90)).try_collect().await?;
    let mut found: Vec<Value> = found.into_iter().flatten().collect();
    // Kept by an earlier try to reach this revision: what is there now may be what that one has made of it.
    let earlier = inventory.found.as_ref().filter(|found| found.revision == revision);
    if earlier.is_none() || !found.is_empty() {
        if let Some(earlier) = earlier {
            let kept = record::recall(cx, api, release, earlier).await?;
            found.extend(kept.objects().iter().filter_map(|one| serde_json::from_str(&one.to_json()).ok()));
        }
        wider.found = match found.is_empty() {
            true => None,
            false => Some(record::keep(cx, api, release, revision, Content::Found(&found)).await?),
        };
    }
    if wider != inventory {
        wider.store(cx, api).await?;
    }
    match inventory.found.filter(|old| Some(old) != wider.found.as_ref()) {
        Some(old) => record::forget(cx, api, release, &old).await,
        None => Ok(()),
    }
}

async fn go_on(
    target: &Manifests,
    cx: &Context,
    set: &ManifestSet,
    plan: &Forward,
    so_far: Progressed,
) -> Result<Progressed> {
    let before: Vec<Option<Before>> = plan
        .objects
        .iter()
        .map(|one| {
            let before = one.before.clone()?;
            // What the plan found is not what is there.
            Some(if so_far.waited { Before { unchanged: false, ..before } } else { before })
        })
        .collect();
    let load = Load {
        manifests: set.objects(),
        waves: &target.spec.waves,
        before: &before,
        options: target.spec.options,
    };
    waves(cx, &target.api, &load, so_far).await
}
