//! The last part: everything was ready.

use std::collections::HashSet;

use landfall_core::event::Level;
use landfall_core::{Context, Error, Outputs, Result};

use super::close;
use crate::api::Key;
use crate::error::Refusal;
use crate::input::ManifestSet;
use crate::inventory::{self, Inventory, Pruned};
use crate::memory::{Back, Goal, Progressed, Stage};
use crate::record::{self, Content};
use crate::spec::Prune;
use crate::target::Manifests;

/// Deletes what is not wanted any more, and writes down that this set is the good one.
pub(super) async fn forward(
    target: &Manifests,
    cx: &Context,
    set: &ManifestSet,
    mut so_far: Progressed,
) -> Result<Progressed> {
    let (api, release) = (&target.api, &target.spec.release);
    let mut inventory = Inventory::load(cx, api, release).await?;
    let there = inventory.revision();
    if there > so_far.revision {
        let (release, ours) = (release.clone(), so_far.revision);
        return Err(Refusal::Overtaken { release, there, ours }.into());
    }
    prune(target, cx, &mut inventory, &so_far).await?;
    for placed in so_far.placed.values() {
        inventory.set(placed.key.clone(), &placed.uid);
    }
    let mut old = Vec::new();
    // An earlier try of this part has come so far already.
    if there < so_far.revision {
        let kept = record::keep(cx, api, release, so_far.revision, Content::Applied(set.objects())).await?;
        old.extend(inventory.previous.take());
        inventory.previous = inventory.record.replace(kept);
    }
    close(target, cx, &inventory, old).await?;
    so_far.stage = Stage::Done { outputs: outputs(target, &so_far) };
    Ok(so_far)
}

/// What later steps get.
pub(crate) fn outputs(target: &Manifests, progressed: &Progressed) -> Outputs {
    Outputs::new()
        .with("release", target.spec.release.to_string())
        .with("revision", progressed.revision.to_string())
        .with("objects", progressed.placed.len().to_string())
}

/// What could not be deleted stays in the inventory, for a later run: the release itself is good.
async fn prune(
    target: &Manifests,
    cx: &Context,
    inventory: &mut Inventory,
    so_far: &Progressed,
) -> Result<()> {
    let spec = &target.spec;
    if spec.prune == Prune::Never {
        return Ok(());
    }
    let wanted: HashSet<Key> = so_far.placed.values().map(|placed| placed.key.clone()).collect();
    let consent = spec.prune == Prune::Everything;
    delete(target, cx, inventory, &inventory.unwanted(&wanted), consent).await
}

/// Deletes objects, tells of each, and forgets those that are gone.
async fn delete(
    target: &Manifests,
    cx: &Context,
    inventory: &mut Inventory,
    unwanted: &[(Key, Option<String>)],
    consent: bool,
) -> Result<()> {
    let spec = &target.spec;
    let at_once = spec.options.at_once;
    let pruned = inventory::prune(cx, &target.api, &spec.release, unwanted, consent, at_once).await;
    let mut passing: Option<Error> = None;
    for ((key, _), pruned) in unwanted.iter().zip(pruned) {
        inventory.settle(key, &pruned);
        match pruned {
            Pruned::Deleted => cx.note(Level::Info, "deleted", format!("{key} is deleted")),
            Pruned::Kept(kept) => cx.note(Level::Info, "kept", format!("{key} is not deleted: {kept}")),
            Pruned::Failed(error) if error.kind().is_passing() => passing = Some(error),
            Pruned::Failed(error) => {
                let text = format!("{key} could not be deleted, and stays: {}", error.message());
                cx.note(Level::Warning, "not-deleted", text);
            }
        }
    }
    // The part is tried again: what is gone is found gone.
    passing.map_or(Ok(()), Err)
}

/// Deletes what the deployment made that is undone. What is in Namespaces and volumes may be somebody else's by now, so
/// those stay.
pub(super) async fn delete_created(target: &Manifests, cx: &Context, plan: &Back) -> Result<()> {
    let mut inventory = Inventory::load(cx, &target.api, &target.spec.release).await?;
    let before = inventory.clone();
    delete(target, cx, &mut inventory, &plan.created, false).await?;
    if inventory != before {
        inventory.store(cx, &target.api).await?;
    }
    Ok(())
}

/// Whether the undo of a revision has been written down as done: some of what it put back is not kept any more.
pub(crate) async fn is_back(target: &Manifests, cx: &Context, revision: u64, goal: &Goal) -> Result<bool> {
    let inventory = Inventory::load(cx, &target.api, &target.spec.release).await?;
    let undone = inventory.revision() < revision && inventory.record == goal.record;
    Ok(undone && inventory.found != goal.found)
}

/// The end of an undo that an earlier process has written down.
pub(super) async fn back_again(
    target: &Manifests,
    cx: &Context,
    plan: &Back,
    so_far: Option<Progressed>,
) -> Result<Progressed> {
    let inventory = Inventory::load(cx, &target.api, &target.spec.release).await?;
    close(target, cx, &inventory, None).await?;
    let so_far = so_far.unwrap_or_else(|| super::back::begun(plan));
    Ok(Progressed { stage: Stage::Done { outputs: Outputs::new() }, ..so_far })
}

/// Writes down that what was there before is there again.
pub(super) async fn back(
    target: &Manifests,
    cx: &Context,
    plan: &Back,
    mut so_far: Progressed,
) -> Result<Progressed> {
    let (api, release) = (&target.api, &target.spec.release);
    let mut inventory = Inventory::load(cx, api, release).await?;
    for placed in so_far.placed.values() {
        inventory.set(placed.key.clone(), &placed.uid);
    }
    if let Some(found) = &plan.goal.found {
        // What the release had taken in is not its own any more.
        for object in record::recall(cx, api, release, found).await?.objects() {
            inventory.remove(&super::at(cx, api, object).await?.key());
        }
    }
    let mut old: Vec<_> = inventory.found.take().into_iter().collect();
    old.extend(inventory.previous.take().filter(|kept| Some(kept) != plan.goal.record.as_ref()));
    let record = std::mem::replace(&mut inventory.record, plan.goal.record.clone());
    old.extend(record.filter(|kept| Some(kept) != plan.goal.record.as_ref()));
    close(target, cx, &inventory, old).await?;
    so_far.stage = Stage::Done { outputs: Outputs::new() };
    Ok(so_far)
}
