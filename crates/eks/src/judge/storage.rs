//! Claims and volumes.

use landfall_core::Cause;
use landfall_core::event::Level;

use super::{Judgement, Seen};
use crate::facts::{Object, Pod, command};

/// The reason of the event that says that a claim waits for a pod, and the `volumeBindingMode` of such a class.
const FIRST_CONSUMER: &str = "WaitForFirstConsumer";

/// A PersistentVolumeClaim: bound, or of a class that binds when a pod comes, and none has.
pub(super) fn claim(object: Object<'_>, seen: &Seen<'_>) -> Judgement {
    match object.at("status.phase").text_or_empty() {
        "Bound" => Judgement::ready(),
        "Lost" => {
            let volume = object.at("spec.volumeName").text_or_empty();
            let text = format!("{} has lost its volume {volume}", object.named());
            let cause = Cause::new("volume-lost", text);
            Judgement::failed(
                cause.with_hint("its data is gone with the volume: delete the claim and make it anew"),
            )
        }
        _ if waits_for_a_pod(object, seen) && !is_used(object, seen) => Judgement::ready().noting(
            Level::Info,
            "claim-waits-for-pod",
            format!("{} gets its volume when a pod uses it, and none does yet", object.named()),
        ),
        _ => Judgement::waiting(format!("a volume for it{}", last_word(object, seen))),
    }
}

fn waits_for_a_pod(object: Object<'_>, seen: &Seen<'_>) -> bool {
    match seen.storage_class {
        Some(class) => Object::of(class).at("volumeBindingMode").text() == Some(FIRST_CONSUMER),
        None => seen.events_about(object.uid()).any(|event| event.reason == FIRST_CONSUMER),
    }
}

fn is_used(object: Object<'_>, seen: &Seen<'_>) -> bool {
    seen.pods
        .iter()
        .copied()
        .map(Pod::of)
        .any(|pod| pod.object.namespace() == object.namespace() && pod.mounts_claim(object.name()))
}

/// What was last said of an object, as the end of a sentence.
pub(super) fn last_word(object: Object<'_>, seen: &Seen<'_>) -> String {
    let last = seen.events_about(object.uid()).max_by_key(|event| event.last);
    last.map(|event| format!(" ({}: {})", event.reason, event.words().trim_end_matches('.')))
        .unwrap_or_default()
}

/// A PersistentVolume: any phase but the first and the broken ones.
pub(super) fn volume(object: Object<'_>) -> Judgement {
    let phase = object.at("status.phase").text_or_empty();
    match phase {
        "Failed" => {
            let why = object.at("status.message").text_or_empty();
            let text = format!("{} failed: {why}", object.named());
            Judgement::failed(Cause::new("volume-failed", text).with_hint(command::describe(object)))
        }
        "" | "Pending" => Judgement::waiting("it to be available"),
        _ => Judgement::ready(),
    }
}
