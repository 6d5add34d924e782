//! What an API server says, whatever that is: kinds, refusals, events of a watch, objects and what lies below them.

use jiff::Timestamp;
use serde_json::Value;

use crate::api;
use crate::diagnose::{causes, wanted_logs};
use crate::judge::below::{self, Sightings};
use crate::judge::{Applied, Judgement, Patience, Rules, Seen, gone, judge};

/// Reads any answer as everything that an answer may be, and judges what is in it.
pub fn answer(body: &[u8]) {
    api::fuzzing::read(body);
    let Ok(value) = serde_json::from_slice::<Value>(body) else { return };
    let object = value.get("object").unwrap_or(&value);
    let list = |name: &str| {
        value.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice).iter().collect()
    };
    for now in [None, Timestamp::from_second(1_786_000_090).ok()] {
        let mut seen = Seen::new(object);
        seen.now = now;
        seen.pods = list("pods");
        seen.replica_sets = list("replicaSets");
        seen.controller_revisions = list("controllerRevisions");
        seen.events = list("events");
        seen.storage_class = value.get("storageClass");
        seen.status_subresource = value.get("status_subresource").is_some();
        judged(&seen);
    }
    let _ = gone(object);
}

fn judged(seen: &Seen<'_>) {
    let patience = Patience::default();
    let generation = seen.object["metadata"]["generation"].as_i64();
    let shown = Applied::from_answer(seen.object, seen.now, true);
    let newer =
        Applied { generation: generation.and_then(|shown| shown.checked_add(1)), ..Applied::default() };
    for applied in [Applied::default(), shown, newer] {
        let judgement = judge(seen, &applied, &Rules::default(), &patience);
        holds(seen, &applied, &judgement);
        let sightings = Sightings::default();
        let below = below::judge(seen, &applied, &sightings, &patience);
        let told = causes(seen, &below, &wanted_logs(seen, &below));
        assert!(!below.is_hopeless() || !told.is_empty(), "hopeless, and nobody says why");
        assert!(
            told.iter().all(|cause| !cause.message.is_empty() && !cause.message.contains('\n')),
            "{told:?}"
        );
        let _ = applied.after(seen);
    }
}

/// What shows an older generation than was applied is not ready, and neither is what is on its way out.
fn holds(seen: &Seen<'_>, applied: &Applied, judgement: &Judgement) {
    if !judgement.is_ready() {
        return;
    }
    let metadata = &seen.object["metadata"];
    if let (Some(shown), Some(wanted)) = (metadata["generation"].as_i64(), applied.generation) {
        assert!(shown >= wanted, "ready at generation {shown}, and {wanted} was applied");
    }
    let ends = metadata["deletionTimestamp"].as_str().is_some_and(|time| !time.is_empty());
    assert!(!ends || seen.object["kind"] == "Job", "ready and being deleted: {}", seen.object);
}
