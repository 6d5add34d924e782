//! Carries out a plan, part after part. Each part is short and may be done again: it finds its own effect.
//!
//! Forward: the lock, the inventory with all that was and all that will be, waves until one has to be waited for; then
//! the next waves; and when everything was ready, [`finish`]: what is not wanted any more is deleted, the set is kept as
//! what was good, the inventory is written as it is, the lock is given back.
//!
//! Back: what the deployment made is deleted by UID, and what was there before is applied again, in the same waves.

mod back;
mod finish;
mod forward;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use landfall_core::{Context, ErrorKind, Result};

use crate::api::{Api, At};
use crate::apply::{self, Before, Options, Outcome, Part, Placed};
use crate::input::{Manifest, ManifestSet};
use crate::inventory::{Inventory, RecordRef, Release};
use crate::lock::{self, Since};
use crate::memory::{Goal, Progressed, Stage};
use crate::record;
use crate::target::Manifests;
use crate::waves::Wave;

pub(crate) use back::back;
pub(crate) use finish::{is_back, outputs};
pub(crate) use forward::forward;

/// What is applied, and how.
struct Load<'a> {
    manifests: &'a [Manifest],
    waves: &'a [Wave],
    /// As the plan found each object; shorter than the manifests where there was no plan of each.
    before: &'a [Option<Before>],
    options: Options,
}

/// Carries out waves from where it was left, and notes what came of them.
///
/// # Errors
/// When all that failed may pass: the same is tried again.
async fn waves(cx: &Context, api: &Api, load: &Load<'_>, mut so_far: Progressed) -> Result<Progressed> {
    let Load { manifests, waves, before, options } = load;
    let first = so_far.waves;
    let part = apply::apply(cx, api, manifests, before, waves, first, *options).await;
    so_far.stage = match part.error(manifests) {
        None => {
            so_far.waves = first + part.waves;
            Stage::Applying
        }
        Some(error) if error.kind().is_passing() => return Err(error),
        Some(error) => Stage::Failed { error, left: left(&part) },
    };
    so_far.placed.extend(placed(part));
    Ok(so_far)
}

fn left(part: &Part) -> usize {
    part.outcomes.iter().filter(|(_, outcome)| matches!(outcome, Outcome::NotAttempted)).count()
}

fn placed(part: Part) -> BTreeMap<usize, Placed> {
    let outcomes = part.outcomes.into_iter();
    let placed = outcomes.filter_map(|(object, outcome)| match outcome {
        Outcome::Applied(placed) => Some((object, placed)),
        _ => None,
    });
    placed.collect()
}

/// What an undo puts back, read from the cluster once.
pub(crate) async fn recalled(target: &Manifests, cx: &Context, goal: &Goal) -> Result<Arc<ManifestSet>> {
    let known = |target: &Manifests| {
        let recalled = target.recalled.lock().unwrap_or_else(PoisonError::into_inner);
        recalled.get(goal).map(Arc::clone)
    };
    if let Some(set) = known(target) {
        return Ok(set);
    }
    let (api, release) = (&target.api, &target.spec.release);
    let mut set = ManifestSet::default();
    for kept in [&goal.record, &goal.found].into_iter().flatten() {
        set = set.and(record::recall(cx, api, release, kept).await?);
    }
    let set = Arc::new(set);
    let mut recalled = target.recalled.lock().unwrap_or_else(PoisonError::into_inner);
    recalled.insert(goal.clone(), Arc::clone(&set));
    Ok(set)
}

/// Writes the inventory, forgets records that do not count any more, and gives the lock back. `old` are those that do not
/// as far as this run knows; a run that was killed may have left others.
async fn close(
    target: &Manifests,
    cx: &Context,
    inventory: &Inventory,
    old: impl IntoIterator<Item = RecordRef>,
) -> Result<()> {
    let (api, release): (&Api, &Release) = (&target.api, &target.spec.release);
    inventory.store(cx, api).await?;
    let count = [&inventory.record, &inventory.previous, &inventory.found];
    match record::sweep(cx, api, release, count.into_iter().flatten()).await {
        // Secrets may not be listed.
        Err(error) if error.kind() == ErrorKind::Denied => {
            for kept in old {
                record::forget(cx, api, release, &kept).await?;
            }
        }
        swept => swept?,
    }
    target.lock.give_back(cx, api).await
}

/// Takes the lock, or holds it for longer.
async fn hold(target: &Manifests, cx: &Context) -> Result<Since> {
    target.lock.take(cx, &target.api, &target.spec.release, &lock::name(cx)).await
}

/// Where the object of a manifest is.
pub(crate) async fn at(cx: &Context, api: &Api, manifest: &Manifest) -> Result<At> {
    let resource =
        api.resource(cx, manifest.api_version(), manifest.kind(), std::time::Duration::ZERO).await?;
    Ok(At::new(resource, manifest.namespace(), manifest.name()))
}
