//! StatefulSets: numbered pods, made one after another and replaced from the last.
//! <https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/>

use serde_json::{Value, json};

use crate::clock::ms;
use crate::kubernetes::state::ClusterState;
use crate::kubernetes::store::ObjectKey;

use super::replica_set::ready_and_available;
use super::workload::{
    controlled, count, counts, create, delete_pod, event, is_active, is_stale, is_true, name_of, pod_of, text,
};
use super::{CONTROLLER, revisions};

pub(super) fn look(state: &mut ClusterState, key: &ObjectKey, set: &Value) {
    if set["metadata"]["deletionTimestamp"].is_string() || is_stale(state, key, set) {
        return;
    }
    let update = revisions::current(state, set);
    let current = match text(&set["status"]["currentRevision"]) {
        "" => update.clone(),
        name => name.to_owned(),
    };
    let mut pods = controlled(state, set, "", "pods");
    pods.sort_by_key(ordinal);
    if fill(state, set, &pods, (&current, &update)) {
        replace(state, set, &pods, &update);
    }
    let pods: Vec<Value> = controlled(state, set, "", "pods").into_iter().filter(is_active).collect();
    let status = status(state, key, set, &pods, (current, update));
    state.write_status(key, status, CONTROLLER);
}

fn ordinal(pod: &Value) -> i64 {
    name_of(pod).rsplit_once('-').and_then(|(_, number)| number.parse().ok()).unwrap_or_default()
}

fn wanted(set: &Value) -> i64 {
    count(&set["spec"]["replicas"])
}

fn partition(set: &Value) -> i64 {
    count(&set["spec"]["updateStrategy"]["rollingUpdate"]["partition"])
}

fn is_on_delete(set: &Value) -> bool {
    set["spec"]["updateStrategy"]["type"] == json!("OnDelete")
}

/// Makes the next pod that is missing, and deletes the last that is too many. False as long as one is not ready: until then
/// no other is replaced either, even where that would mend it ("Forced rollback" in
/// <https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback>).
fn fill(state: &mut ClusterState, set: &Value, pods: &[Value], (current, update): (&str, &str)) -> bool {
    let parallel = set["spec"]["podManagementPolicy"] == json!("Parallel");
    for number in 0..wanted(set) {
        let there = pods.iter().find(|pod| ordinal(pod) == number);
        match there {
            None => {
                let revision = if number < partition(set) { current } else { update };
                make(state, set, number, revision);
                if !parallel {
                    return false;
                }
            }
            // Each waits for the one before it.
            Some(pod) if parallel || (is_active(pod) && is_true(pod, "Ready")) => {}
            Some(_) => return false,
        }
    }
    for pod in pods.iter().rev().filter(|pod| ordinal(pod) >= wanted(set)) {
        if is_active(pod) {
            delete_pod(state, pod);
        }
        if !parallel {
            return false;
        }
    }
    true
}

fn make(state: &mut ClusterState, set: &Value, number: i64, revision: &str) {
    let name = format!("{}-{number}", name_of(set));
    let number = number.to_string();
    let labels = [
        (revisions::HASH, revision),
        ("statefulset.kubernetes.io/pod-name", name.as_str()),
        ("apps.kubernetes.io/pod-index", number.as_str()),
    ];
    let mut pod = pod_of(&revisions::at(state, set, revision), ("name", &name), &labels);
    pod["spec"]["hostname"] = name.as_str().into();
    match create(state, "", "pods", pod) {
        Ok(_) => {
            let message = format!("create Pod {name} in StatefulSet {} successful", name_of(set));
            event(state, set, ("Normal", "SuccessfulCreate", &message));
        }
        Err(why) => {
            let message = format!("create Pod {name} in StatefulSet {} failed error: {why}", name_of(set));
            event(state, set, ("Warning", "FailedCreate", &message));
            let key =
                ObjectKey::new("apps", "statefulsets", text(&set["metadata"]["namespace"]), name_of(set));
            state.look_after(&key, ms(1_000));
        }
    }
}

/// Deletes the last pod of an older revision, when all after it are ready: it is made anew.
fn replace(state: &mut ClusterState, set: &Value, pods: &[Value], update: &str) {
    if is_on_delete(set) {
        return;
    }
    let first = partition(set);
    let within = pods.iter().rev().filter(|pod| (first..wanted(set)).contains(&ordinal(pod)));
    for pod in within {
        if !is_active(pod) {
            return;
        }
        if revisions::of(pod) != update {
            return delete_pod(state, pod);
        }
        if !is_true(pod, "Ready") {
            return;
        }
    }
}

fn status(
    state: &mut ClusterState,
    key: &ObjectKey,
    set: &Value,
    pods: &[Value],
    (current, update): (String, String),
) -> Value {
    let of = |revision: &str| {
        i64::try_from(pods.iter().filter(|pod| revisions::of(pod) == revision).count()).unwrap_or_default()
    };
    let replicas = i64::try_from(pods.len()).unwrap_or_default();
    let (ready, available) = ready_and_available(state, key, pods, count(&set["spec"]["minReadySeconds"]));
    let updated = of(&update);
    // With everything updated and ready, the update revision is the current one; not so with OnDelete
    // (<https://github.com/kubernetes/kubernetes/issues/106055>).
    let done = updated == wanted(set) && ready == wanted(set) && replicas == wanted(set);
    let moves = partition(set) == 0 && !is_on_delete(set);
    let current = if done && moves { update.clone() } else { current };
    let mut status = json!({
        "observedGeneration": set["metadata"]["generation"],
        "replicas": replicas,
        "availableReplicas": available,
        "currentRevision": current,
        "updateRevision": update,
        "collisionCount": 0
    });
    counts(
        &mut status,
        &[("readyReplicas", ready), ("currentReplicas", of(&current)), ("updatedReplicas", updated)],
    );
    status
}
