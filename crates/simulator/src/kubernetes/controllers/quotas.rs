//! ResourceQuotas, as far as they count pods.
//! <https://kubernetes.io/docs/concepts/policy/resource-quotas/>

use serde_json::{Value, json};

use super::CONTROLLER;
use crate::kubernetes::state::ClusterState;
use crate::kubernetes::store::ObjectKey;

/// Counts what is used of a quota.
pub(super) fn look(state: &mut ClusterState, key: &ObjectKey, quota: &Value) {
    let mut status = json!({ "hard": quota["spec"]["hard"], "used": {} });
    if quota["spec"]["hard"]["pods"].is_null() {
        return;
    }
    status["used"]["pods"] = pods(state, &key.namespace).to_string().into();
    state.write_status(key, status, CONTROLLER);
}

/// Pods that have not ended.
fn pods(state: &ClusterState, namespace: &str) -> usize {
    let ended = |pod: &Value| matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
    state.store.of_kind("", "pods", namespace).filter(|(_, pod)| !ended(pod)).count()
}

/// Why one pod more is too many, if it is. A quota counts from when its controller has looked at it.
pub(super) fn beyond(state: &ClusterState, namespace: &str) -> Option<String> {
    let used = pods(state, namespace);
    state.store.of_kind("", "resourcequotas", namespace).find_map(|(key, quota)| {
        let hard = number(&quota["status"]["hard"]["pods"])?;
        (used >= hard).then(|| exceeded(&key.name, used, hard))
    })
}

/// In the words of the plug-in `ResourceQuota`.
pub(super) fn exceeded(name: &str, used: usize, hard: usize) -> String {
    format!("exceeded quota: {name}, requested: pods=1, used: pods={used}, limited: pods={hard}")
}

/// A quantity without a unit.
fn number(value: &Value) -> Option<usize> {
    match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64().and_then(|number| usize::try_from(number).ok()),
    }
}
