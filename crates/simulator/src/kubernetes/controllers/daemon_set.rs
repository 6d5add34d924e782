//! DaemonSets: a pod on every node.
//! <https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/>

use serde_json::{Value, json};

use crate::clock::ms;
use crate::kubernetes::state::ClusterState;
use crate::kubernetes::store::ObjectKey;

use super::replica_set::ready_and_available;
use super::workload::{
    active_pods, controlled, count, counts, create, delete_pod, event, is_stale, is_true, name_of, pod_of,
    share, text,
};
use super::{CONTROLLER, nodes, revisions};

pub(super) fn look(state: &mut ClusterState, key: &ObjectKey, set: &Value) {
    if set["metadata"]["deletionTimestamp"].is_string() || is_stale(state, key, set) {
        return;
    }
    let revision = revisions::current(state, set);
    let hash = revision.rsplit_once('-').map_or("", |(_, hash)| hash).to_owned();
    let nodes = nodes(state);
    let all = controlled(state, set, "", "pods");
    let on = |node: &str| all.iter().any(|pod| pod["spec"]["nodeName"] == node);
    for node in nodes.iter().filter(|node| !on(node)) {
        make(state, set, node, &hash);
    }
    replace(state, set, nodes.len(), &hash);
    let pods = active_pods(state, set);
    let status = status(state, key, set, (&pods, nodes.len()), &hash);
    state.write_status(key, status, CONTROLLER);
}

fn make(state: &mut ClusterState, set: &Value, node: &str, hash: &str) {
    let prefix = format!("{}-", name_of(set));
    let mut pod = pod_of(set, ("generateName", &prefix), &[(revisions::HASH, hash)]);
    pod["spec"]["nodeName"] = node.into();
    if let Err(why) = create(state, "", "pods", pod) {
        event(state, set, ("Warning", "FailedCreate", &format!("Error creating: {why}")));
        let key = ObjectKey::new("apps", "daemonsets", text(&set["metadata"]["namespace"]), name_of(set));
        state.look_after(&key, ms(1_000));
    }
}

/// Deletes pods of older revisions, as many as may be unavailable.
fn replace(state: &mut ClusterState, set: &Value, nodes: usize, hash: &str) {
    let strategy = &set["spec"]["updateStrategy"];
    if strategy["type"] == json!("OnDelete") {
        return;
    }
    let nodes = i64::try_from(nodes).unwrap_or_default();
    let most = share(&strategy["rollingUpdate"]["maxUnavailable"], nodes, true).max(1);
    let pods = active_pods(state, set);
    let ready = i64::try_from(pods.iter().filter(|pod| is_true(pod, "Ready")).count()).unwrap_or_default();
    let mut may_go = most - (nodes - ready);
    for pod in pods.iter().filter(|pod| revisions::of(pod) != hash) {
        // One that is not ready costs nothing.
        let serves = is_true(pod, "Ready");
        if serves && may_go <= 0 {
            continue;
        }
        may_go -= i64::from(serves);
        delete_pod(state, pod);
    }
}

fn status(
    state: &mut ClusterState,
    key: &ObjectKey,
    set: &Value,
    (pods, nodes): (&[Value], usize),
    hash: &str,
) -> Value {
    let nodes = i64::try_from(nodes).unwrap_or_default();
    let (ready, available) = ready_and_available(state, key, pods, count(&set["spec"]["minReadySeconds"]));
    let updated = pods.iter().filter(|pod| text(&pod["metadata"]["labels"][revisions::HASH]) == hash).count();
    let mut status = json!({
        "currentNumberScheduled": pods.len(),
        "numberMisscheduled": 0,
        "desiredNumberScheduled": nodes,
        "numberReady": ready,
        "observedGeneration": set["metadata"]["generation"]
    });
    counts(
        &mut status,
        &[
            ("updatedNumberScheduled", i64::try_from(updated).unwrap_or_default()),
            ("numberAvailable", available),
            ("numberUnavailable", nodes - available),
        ],
    );
    status
}
