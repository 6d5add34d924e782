//! The plan of a whole release: what its manifests would change, what would be pruned, and whether what the cluster
//! remembers of it is up to date.

use std::collections::HashSet;

use landfall_core::event::Level;
use landfall_core::target::Effect;
use landfall_core::{Cause, Change, Context, Error, ErrorKind, Plan, Result};

use super::{Planned, changes, plan};
use crate::api::Key;
use crate::error::Refusal;
use crate::input::Manifest;
use crate::inventory::{self, Inventory, Verdict};
use crate::lock::{self, Holder};
use crate::memory::{Foreseen, Forward, VERSION, Work};
use crate::record::{self, Content};
use crate::spec::{IfBusy, Prune};
use crate::target::{KIND, Manifests};

/// The plan of a release. Reads only; the dry runs of the server change nothing.
pub(crate) async fn release(target: &Manifests, cx: &Context) -> Result<Plan> {
    let spec = &target.spec;
    let Some(set) = &spec.set else {
        return Err(Refusal::NoManifests { release: spec.release.clone() }.into());
    };
    let us = lock::name(cx);
    // All at once: none needs what another finds.
    let (planned, inventory, holder) = tokio::join!(
        Box::pin(plan(cx, &target.api, set.objects(), spec.options)),
        Inventory::load(cx, &target.api, &spec.release),
        target.lock.look(cx, &target.api, &spec.release, &us),
    );
    let (planned, inventory, holder) = all((planned, inventory, holder))?;
    match holder {
        Holder::Other { holder, until } if spec.if_busy == IfBusy::Fail => {
            return Err(lock::busy(&spec.release, &holder, until));
        }
        _ => {}
    }
    let mut changes = changes(set.objects(), &planned);
    changes.extend(pruned(target, cx, &inventory, &planned).await?);
    if changes.is_empty() && !is_remembered(&inventory, set.objects(), &planned) {
        let details = ["the cluster does not remember yet that its objects are as they are to be"];
        changes.push(Change::new(Effect::Update, target.subject()).with_details(details));
    }
    let objects = planned.into_iter().map(|one| Foreseen { key: one.key, before: one.before }).collect();
    let forward = Forward { objects, revision: inventory.next_revision() };
    Plan::new(KIND, VERSION, changes, &Work::Forward(forward))
}

/// All three, or all that is wrong: who lacks three permissions is told of them at once.
fn all<A, B, C>((a, b, c): (Result<A>, Result<B>, Result<C>)) -> Result<(A, B, C)> {
    let (a, b, c) = match (a, b, c) {
        (Ok(a), Ok(b), Ok(c)) => return Ok((a, b, c)),
        (a, b, c) => (a.err(), b.err(), c.err()),
    };
    let mut errors: Vec<Error> = [a, b, c].into_iter().flatten().collect();
    // What keeps all requests from an answer is told once.
    let told_once = errors.iter().all(|error| error.kind() == ErrorKind::Auth || error.kind().is_passing());
    let first = errors.remove(0);
    if errors.is_empty() || told_once {
        return Err(first);
    }
    let others = errors.iter().map(|error| {
        let cause = Cause::new("not-planned", error.message());
        error.hint().into_iter().fold(cause, |cause, hint| cause.with_hint(hint))
    });
    Err(first.with_causes(others.collect::<Vec<_>>()))
}

/// Whether the cluster remembers these objects, and this set as what was good last.
fn is_remembered(inventory: &Inventory, manifests: &[Manifest], planned: &[Planned]) -> bool {
    let known = planned.iter().all(|one| {
        let uid = one.before.as_ref().map(|before| before.uid.as_str());
        uid.is_some() && inventory.uid(&one.key) == uid
    });
    let recorded = inventory.record.as_ref();
    known && recorded.is_some_and(|record| record::is_of(record, Content::Applied(manifests)))
}

/// What would be deleted; what stays is told.
async fn pruned(
    target: &Manifests,
    cx: &Context,
    inventory: &Inventory,
    planned: &[Planned],
) -> Result<Vec<Change>> {
    let spec = &target.spec;
    let wanted: HashSet<Key> = planned.iter().map(|one| one.key.clone()).collect();
    let unwanted = inventory.unwanted(&wanted);
    if unwanted.is_empty() {
        return Ok(Vec::new());
    }
    if spec.prune == Prune::Never {
        let text = format!(
            "of release {} {} not in the manifests any more, and stay: {}",
            spec.release,
            if unwanted.len() == 1 { "this is" } else { "these are" },
            some(unwanted.iter().map(|(key, _)| key)),
        );
        cx.note(Level::Warning, "not-pruned", text);
        return Ok(Vec::new());
    }
    let consent = spec.prune == Prune::Everything;
    let verdicts =
        inventory::preview(cx, &target.api, &spec.release, &unwanted, consent, spec.options.at_once).await;
    let mut changes = Vec::new();
    for ((key, _), verdict) in unwanted.iter().zip(verdicts?) {
        match verdict {
            Verdict::Delete { .. } => {
                let details = ["it is not in the manifests any more"];
                changes.push(Change::new(Effect::Delete, key.to_string()).with_details(details));
            }
            Verdict::Keep(kept) => cx.note(Level::Info, "kept", format!("{key} is not deleted: {kept}")),
            Verdict::Gone => {}
        }
    }
    Ok(changes)
}

/// Names of a few objects.
pub(crate) fn some<'a>(keys: impl ExactSizeIterator<Item = &'a Key>) -> String {
    const MOST: usize = 10;
    let left = keys.len().saturating_sub(MOST);
    let mut named: Vec<String> = keys.take(MOST).map(Key::to_string).collect();
    if left > 0 {
        named.push(format!("and {left} more"));
    }
    named.join(", ")
}
