//! The way back, planned: what was there before is asked of the cluster, and what putting it back would change of the
//! server, by a dry run.

use std::collections::HashSet;

use landfall_core::target::Effect;
use landfall_core::{Change, Context, Plan, Result, Revert};

use crate::api::Key;
use crate::carry;
use crate::inventory::{self, Inventory, Verdict};
use crate::memory::{Back, Foreseen, Forward, Goal, Progressed, Stage, VERSION, Work};
use crate::plan;
use crate::target::{KIND, Manifests};

/// The plan that restores what was there before a deployment.
pub(crate) async fn revert(
    target: &Manifests,
    cx: &Context,
    forward: &Forward,
    receipt: Option<&Progressed>,
) -> Result<Revert> {
    if receipt.is_some_and(|receipt| matches!(receipt.stage, Stage::Busy)) {
        return Ok(Revert::NothingToDo);
    }
    let (api, release) = (&target.api, &target.spec.release);
    let inventory = Inventory::load(cx, api, release).await?;
    let revision = receipt.map_or(forward.revision, |receipt| receipt.revision);
    let there = inventory.revision();
    if there > revision {
        let reason = format!(
            "release {release} was deployed again since: its revision is {there}, and the one to undo was {revision}; undo \
             the later one first, or deploy what you want"
        );
        return Ok(Revert::Impossible { reason });
    }
    let record = if there == revision { inventory.previous.clone() } else { inventory.record.clone() };
    let found = inventory.found.clone().filter(|found| found.revision == revision);
    let goal = Goal { record, found };
    let set = carry::recalled(target, cx, &goal).await?;
    let planned = plan::plan(cx, api, set.objects(), target.spec.options).await?;
    let restored: HashSet<&Key> = planned.iter().map(|one| &one.key).collect();
    let lost = lost(forward, &inventory, &restored);
    if !lost.is_empty() {
        let reason = format!(
            "what these were before is not known: {}; no deployment of release {release} had come to a good end. Deploy the \
             manifests that they were made by",
            plan::some(lost.iter()),
        );
        return Ok(Revert::Impossible { reason });
    }
    let created = created(forward, receipt, &inventory, &restored);
    let mut changes = plan::changes(set.objects(), &planned);
    let at_once = target.spec.options.at_once;
    let verdicts = inventory::preview(cx, api, release, &created, false, at_once).await?;
    for ((key, _), verdict) in created.iter().zip(&verdicts) {
        if matches!(verdict, Verdict::Delete { .. }) {
            let details = ["the deployment that is undone made it"];
            changes.push(Change::new(Effect::Delete, key.to_string()).with_details(details));
        }
    }
    if changes.is_empty() && there != revision && !is_begun(forward, &inventory, revision) {
        return Ok(Revert::NothingToDo);
    }
    if changes.is_empty() {
        // The objects are as they were; the cluster still calls what is undone the good one.
        let details = ["what was there before is the good one again"];
        changes.push(Change::new(Effect::Update, target.subject()).with_details(details));
    }
    let back = Back { revision, goal, created };
    Ok(Revert::Plan(Box::new(Plan::new(KIND, VERSION, changes, &Work::Back(back))?)))
}

/// Whether the cluster remembers that the deployment was begun.
fn is_begun(forward: &Forward, inventory: &Inventory, revision: u64) -> bool {
    let found = inventory.found.as_ref().is_some_and(|found| found.revision == revision);
    found || forward.objects.iter().any(|one| inventory.is_coming(&one.key))
}

/// What the deployment made: it was not there before, or was made by an earlier try of which nothing else is known, and is
/// not among what is put back.
fn created(
    forward: &Forward,
    receipt: Option<&Progressed>,
    inventory: &Inventory,
    restored: &HashSet<&Key>,
) -> Vec<(Key, Option<String>)> {
    let is_new = |one: &Foreseen| one.before.is_none() || inventory.is_coming(&one.key);
    let new = forward.objects.iter().enumerate().filter(|(_, one)| is_new(one));
    let placed = new.map(|(place, one)| match receipt.and_then(|receipt| receipt.placed.get(&place)) {
        Some(placed) => (placed.key.clone(), Some(placed.uid.clone())),
        None => (one.key.clone(), None),
    });
    let mut created: Vec<_> = placed.filter(|(key, _)| !restored.contains(key)).collect();
    created.sort_by_key(|(key, _)| std::cmp::Reverse(crate::waves::stage_of(&key.group, &key.kind)));
    created
}

/// What was there before the deployment, was changed by it, and is kept nowhere. What the cluster does not remember as one
/// of the release was not touched, or is put back already; what was coming is not older than the deployment.
fn lost(forward: &Forward, inventory: &Inventory, restored: &HashSet<&Key>) -> Vec<Key> {
    let changed = forward.objects.iter().filter(|one| {
        let changed = one.before.as_ref().is_some_and(|before| !before.unchanged);
        let touched = inventory.has(&one.key) && !inventory.is_coming(&one.key);
        changed && touched && !restored.contains(&one.key)
    });
    changed.map(|one| one.key.clone()).collect()
}
