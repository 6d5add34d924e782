//! PodDisruptionBudgets: how many pods may be taken away.
//! <https://kubernetes.io/docs/tasks/run-application/configure-pdb/>, as in `pkg/controller/disruption`.

use serde_json::{Value, json};

use super::CONTROLLER;
use super::workload::{conditioned, is_active, is_true, share};
use crate::kubernetes::read::select::labels_match;
use crate::kubernetes::state::ClusterState;
use crate::kubernetes::store::ObjectKey;

/// True when the budget is about a pod with these labels.
pub(super) fn takes(budget: &Value, labels: &Value) -> bool {
    budget["spec"]["selector"].is_object() && labels_match(&budget["spec"]["selector"], labels)
}

/// Counts the pods. The real controller takes the replicas of their owners for a percentage; here it is the pods too.
pub(super) fn look(state: &mut ClusterState, key: &ObjectKey, budget: &Value) {
    let number = |count: usize| i64::try_from(count).unwrap_or_default();
    let pods: Vec<&Value> = state
        .store
        .of_kind("", "pods", &key.namespace)
        .map(|(_, pod)| pod)
        .filter(|pod| is_active(pod) && takes(budget, &pod["metadata"]["labels"]))
        .collect();
    let expected = number(pods.len());
    let healthy = number(pods.iter().filter(|pod| is_true(pod, "Ready")).count());
    let spec = &budget["spec"];
    let desired = if spec["maxUnavailable"].is_null() {
        share(&spec["minAvailable"], expected, true)
    } else {
        (expected - share(&spec["maxUnavailable"], expected, true)).max(0)
    };
    let allowed = if expected > 0 { (healthy - desired).max(0) } else { 0 };
    let reason = if allowed > 0 { "SufficientPods" } else { "InsufficientPods" };
    let generation = &budget["metadata"]["generation"];
    let mut condition = conditioned(state, budget, ("DisruptionAllowed", allowed > 0, reason, ""));
    condition["message"] = json!("");
    condition["observedGeneration"] = generation.clone();
    let status = json!({
        "currentHealthy": healthy,
        "desiredHealthy": desired,
        "expectedPods": expected,
        "disruptionsAllowed": allowed,
        "observedGeneration": generation,
        "conditions": [condition]
    });
    state.write_status(key, status, CONTROLLER);
}
