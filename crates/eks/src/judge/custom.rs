//! Custom resources, by what they say of themselves.
//!
//! The convention is the condition `Ready` ("Typical status properties" in the Kubernetes API conventions,
//! <https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md>). Where it
//! is missing, other conditions that mean as much are looked for. A resource whose kind has a status and which has none yet
//! is not ready: its controller has not looked at it.

use landfall_core::Cause;
use landfall_core::event::Level;

use super::{Applied, Judgement, Patience, Seen, by_condition, is_built_in};
use crate::facts::{Object, command};

/// Conditions by which a resource is ready, the one that says most first. `Succeeded` is that of work that ends
/// (Knative's conditions, which Tekton follows): False is its other end.
const READY: [&str; 8] =
    ["Ready", "Available", "Programmed", "Healthy", "Succeeded", "Complete", "Accepted", "Synced"];

pub(super) fn judge(
    object: Object<'_>,
    seen: &Seen<'_>,
    applied: &Applied,
    patience: &Patience,
) -> Judgement {
    if object.at("status").is_empty() {
        return without_status(object, seen, applied, patience);
    }
    let decisive = READY.iter().find_map(|kind| object.condition(kind));
    if let Some(condition) =
        decisive.filter(|condition| condition.kind == "Succeeded" && condition.is("False"))
    {
        let text = format!("{} did not succeed{}", object.named(), condition.why());
        return Judgement::failed(Cause::new("not-succeeded", text).with_hint(command::describe(object)));
    }
    decisive.map_or_else(Judgement::ready, |condition| by_condition(object, condition))
}

/// What to wait for instead of judging, where nothing says that the status is about what was applied. What was there before
/// may still stand, good or bad (<https://github.com/fluxcd/flux2/issues/5855>), so a moment is given to the controller.
pub(super) fn settled(
    object: Object<'_>,
    seen: &Seen<'_>,
    applied: &Applied,
    patience: &Patience,
) -> Option<Judgement> {
    // A status of the first generation can be about no other.
    let older = applied.changed && object.generation() > Some(1) && !object.at("status").is_empty();
    if !older || is_built_in(object.group()) || says_generation(object) {
        return None;
    }
    seen.since(applied.at).filter(|passed| *passed < patience.settle)?;
    Some(Judgement::waiting("its controller to look at the change; its status does not say whether it has"))
}

/// Whether the status says which generation it is about, as a whole or in a condition.
fn says_generation(object: Object<'_>) -> bool {
    let mut conditions = object.at("status.conditions").items();
    object.at("status.observedGeneration").exists()
        || conditions.any(|condition| condition.member("observedGeneration").exists())
}

fn without_status(object: Object<'_>, seen: &Seen<'_>, applied: &Applied, patience: &Patience) -> Judgement {
    if !seen.status_subresource {
        return Judgement::ready();
    }
    let passed = seen.since(applied.at.or_else(|| object.created()));
    if passed.is_none_or(|passed| passed < patience.no_status) {
        return Judgement::waiting("its controller to write a status");
    }
    let seconds = patience.no_status.as_secs();
    Judgement::ready().noting(
        Level::Warning,
        "no-status",
        format!(
            "{} has had no status for {seconds} s: its controller writes none, or does not run; it is taken for ready",
            object.named()
        ),
    )
}
