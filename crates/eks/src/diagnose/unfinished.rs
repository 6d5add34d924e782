//! What is told at a deadline of an object in which nothing is wrong that the cluster names: how far it has come, and the
//! pods that are not ready.

use landfall_core::Cause;

use super::evidence::of_container;
use crate::facts::{Object, Pod, command};
use crate::judge::Seen;
use crate::judge::below::current;

/// Pods that are shown.
const PODS: usize = 5;

/// The cause of an object that was waited for and did not get ready. `waiting_for` is the end of a sentence.
#[must_use]
pub fn unfinished(seen: &Seen<'_>, waiting_for: &str) -> Cause {
    let object = Object::of(seen.object);
    let pods = current(seen).pods;
    let late = pods.iter().filter(|pod| pod.object.has("Ready").is_none());
    let evidence = late.take(PODS).map(|pod| of_pod(*pod));
    let cause =
        Cause::new("not-ready", format!("{} did not get ready; it waits for {waiting_for}", object.named()));
    cause.with_evidence(evidence).with_hint(command::describe(object))
}

/// `Pod web-6d4cf56db6-x2x7p, Running; container web runs and is not ready, 0 restarts`.
fn of_pod(pod: Pod<'_>) -> String {
    let node = pod.node().map(|node| format!(" on node {node}")).unwrap_or_default();
    let containers = pod.containers().filter(|one| !one.ready);
    let containers: Vec<String> =
        containers.map(|one| format!("; container {} {}", one.name, of_container(one))).collect();
    format!("Pod {}{node}, {}{}", pod.name(), pod.phase(), containers.concat())
}
