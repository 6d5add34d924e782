//! ReplicaSets: so many pods of one template.

use serde_json::{Value, json};

use crate::clock::{later, ms};
use crate::kubernetes::state::ClusterState;
use crate::kubernetes::store::ObjectKey;

use super::CONTROLLER;
use super::pods::ready_since;
use super::workload::{
    active_pods, conditioned, count, counts, create, delete_pod, event, is_stale, is_true, name_of, pod_of,
    text, workload_of,
};

pub(super) fn look(state: &mut ClusterState, key: &ObjectKey, set: &Value) {
    let (workload, _) = workload_of(state, key, set);
    let frozen =
        state.store.get(&workload).cloned().is_some_and(|object| is_stale(state, &workload, &object));
    if frozen || set["metadata"]["deletionTimestamp"].is_string() {
        return;
    }
    let wanted = count(&set["spec"]["replicas"]);
    let mut pods = active_pods(state, set);
    let mut failure = None;
    for _ in count_of(&pods)..wanted {
        let pod = pod_of(set, ("generateName", &format!("{}-", name_of(set))), &[]);
        if let Err(why) = create(state, "", "pods", pod) {
            event(state, set, ("Warning", "FailedCreate", &format!("Error creating: {why}")));
            failure = Some(why);
            // The real controller tries again with a pause that grows; a quota may have become free.
            state.look_after(key, ms(1_000));
            break;
        }
    }
    if failure.is_none() && count_of(&pods) > wanted {
        // Those that are not ready go first, then the youngest.
        pods.sort_by_key(|pod| {
            (is_true(pod, "Ready"), std::cmp::Reverse(text(&pod["metadata"]["creationTimestamp"]).to_owned()))
        });
        let surplus = usize::try_from(count_of(&pods) - wanted).unwrap_or_default();
        for pod in &pods[..surplus.min(pods.len())] {
            delete_pod(state, pod);
        }
    }
    let status = status(state, key, set, failure.as_deref());
    state.write_status(key, status, CONTROLLER);
}

fn count_of(pods: &[Value]) -> i64 {
    i64::try_from(pods.len()).unwrap_or(i64::MAX)
}

fn status(state: &mut ClusterState, key: &ObjectKey, set: &Value, failure: Option<&str>) -> Value {
    let pods = active_pods(state, set);
    let (ready, available) = ready_and_available(state, key, &pods, count(&set["spec"]["minReadySeconds"]));
    let mut status = json!({ "replicas": count_of(&pods) });
    counts(
        &mut status,
        &[
            ("fullyLabeledReplicas", count_of(&pods)),
            ("readyReplicas", ready),
            ("availableReplicas", available),
        ],
    );
    status["observedGeneration"] = set["metadata"]["generation"].clone();
    if let Some(why) = failure {
        let condition = conditioned(state, set, ("ReplicaFailure", true, "FailedCreate", why));
        status["conditions"] = json!([condition]);
    }
    status
}

/// How many pods are ready, and how many have been so for long enough. The owner is looked at again when that changes.
pub(super) fn ready_and_available(
    state: &mut ClusterState,
    owner: &ObjectKey,
    pods: &[Value],
    min_ready_seconds: i64,
) -> (i64, i64) {
    let min_ready = ms(u64::try_from(min_ready_seconds).unwrap_or_default() * 1_000);
    let (mut ready, mut available) = (0, 0);
    for pod in pods {
        let Some(since) = ready_since(state, pod).filter(|_| is_true(pod, "Ready")) else { continue };
        ready += 1;
        if later(since, min_ready) <= state.now {
            available += 1;
        } else {
            state.look_after(owner, min_ready);
        }
    }
    (ready, available)
}
