//! Pods that nobody manages.
//!
//! Phases: "Pod Lifecycle" in the Kubernetes documentation
//! (<https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/>).

use landfall_core::Cause;
use serde_json::Value;

use super::Judgement;
use crate::facts::{Pod, command};

pub(super) fn judge(value: &Value) -> Judgement {
    let pod = Pod::of(value);
    match pod.phase() {
        "Succeeded" => Judgement::ready(),
        "Failed" => Judgement::failed(failed(pod)),
        "Running" => running(pod),
        "Pending" => Judgement::waiting(format!("it to start{}", why_pending(pod))),
        "" => Judgement::waiting("the server to show its phase"),
        other => Judgement::waiting(format!("it to run; its phase is {other}")),
    }
}

fn running(pod: Pod<'_>) -> Judgement {
    // One that is not restarted for ever is there to end.
    if pod.restart_policy() != "Always" {
        return Judgement::waiting(format!("it to end; its restartPolicy is {}", pod.restart_policy()));
    }
    if pod.object.has("Ready").is_some() {
        return Judgement::ready();
    }
    let gates = pod.unmet_gates();
    if !gates.is_empty() && pod.object.has("ContainersReady").is_some() {
        return Judgement::waiting(format!("its readiness gates: {}", gates.join(", ")));
    }
    let unready: Vec<&str> =
        pod.containers().filter(|one| !one.init && !one.ready).map(|one| one.name).collect();
    match unready.as_slice() {
        [] => Judgement::waiting("it to be ready"),
        names => Judgement::waiting(format!("containers to be ready: {}", names.join(", "))),
    }
}

fn why_pending(pod: Pod<'_>) -> String {
    if let Some(condition) = pod.not_scheduled() {
        return condition.why();
    }
    let waiting: Vec<String> = pod
        .containers()
        .filter_map(|one| Some((one.name, one.waiting?.0)))
        .filter(|(_, reason)| !reason.is_empty())
        .map(|(name, reason)| format!("{name} is in {reason}"))
        .collect();
    if waiting.is_empty() { String::new() } else { format!(": {}", waiting.join(", ")) }
}

fn failed(pod: Pod<'_>) -> Cause {
    let mut why: Vec<String> = pod
        .containers()
        .filter_map(|one| Some((one.name, one.ended.filter(|exit| exit.code != 0)?)))
        .map(|(name, exit)| format!("container {name} exited with code {}", exit.code))
        .collect();
    let said = [pod.reason(), pod.object.at("status.message").text_or_empty()];
    why.extend(
        said.into_iter().filter(|text| !text.is_empty()).map(|text| text.trim_end_matches('.').to_owned()),
    );
    let why = if why.is_empty() { String::new() } else { format!(": {}", why.join(", ")) };
    Cause::new("pod-failed", format!("{} failed{why}", pod.object.named()))
        .with_hint(format!("a pod that failed is not started again; {}", command::describe(pod.object)))
}
