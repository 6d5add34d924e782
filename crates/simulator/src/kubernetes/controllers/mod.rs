//! What the controllers, the scheduler and the kubelets of a cluster do, on the simulator's clock.
//!
//! Each of them looks at an object some time after it or something of it has changed, and brings it a step nearer to what
//! is asked for: <https://kubernetes.io/docs/concepts/architecture/controller/>. Conditions, reasons and messages are
//! those of `pkg/controller` and `pkg/kubelet` in <https://github.com/kubernetes/kubernetes>.

mod admission;
mod autoscaler;
mod budget;
mod daemon_set;
mod definitions;
mod deployment;
mod deployment_status;
mod garbage;
mod job;
mod namespaces;
mod network;
mod pod_status;
pub(crate) mod pods;
mod quotas;
mod replica_set;
mod revisions;
pub(crate) mod run;
mod stateful_set;
mod workload;

use serde_json::{Value, json};

pub(crate) use admission::admit;
pub(crate) use network::addresses;
pub(crate) use workload::images;

use super::state::ClusterState;
use super::store::ObjectKey;
use crate::clock::ms;

/// The field manager of the controllers.
pub(crate) const CONTROLLER: &str = "kube-controller-manager";

/// Somebody looks at an object.
pub(crate) fn look(state: &mut ClusterState, key: &ObjectKey) {
    let Some(object) = state.store.get(key).cloned() else { return };
    if garbage::collect(state, key, &object) {
        return;
    }
    match (key.group.as_str(), key.plural.as_str()) {
        ("", "pods") => pods::look(state, key, &object),
        ("", "namespaces") => namespaces::look(state, key, &object),
        ("", "persistentvolumeclaims") => network::claim(state, key, &object),
        ("", "services") | ("networking.k8s.io", "ingresses") => network::balance(state, key, &object),
        ("apps", "deployments") => deployment::look(state, key, &object),
        ("apps", "replicasets") => replica_set::look(state, key, &object),
        ("apps", "statefulsets") => stateful_set::look(state, key, &object),
        ("apps", "daemonsets") => daemon_set::look(state, key, &object),
        ("batch", "jobs") => job::look(state, key, &object),
        ("", "resourcequotas") => quotas::look(state, key, &object),
        ("autoscaling", "horizontalpodautoscalers") => autoscaler::look(state, key, &object),
        ("policy", "poddisruptionbudgets") => budget::look(state, key, &object),
        ("apiextensions.k8s.io", "customresourcedefinitions") => definitions::look(state, key, &object),
        _ => {}
    }
}

/// Kinds whose objects somebody looks at. Nobody looks at CronJobs: their time never comes here.
const LOOKED_AT: [(&str, &str); 14] = [
    ("", "pods"),
    ("", "namespaces"),
    ("", "persistentvolumeclaims"),
    ("", "services"),
    ("networking.k8s.io", "ingresses"),
    ("apps", "deployments"),
    ("apps", "replicasets"),
    ("apps", "statefulsets"),
    ("apps", "daemonsets"),
    ("batch", "jobs"),
    ("", "resourcequotas"),
    ("autoscaling", "horizontalpodautoscalers"),
    ("policy", "poddisruptionbudgets"),
    ("apiextensions.k8s.io", "customresourcedefinitions"),
];

/// An object was written: its controller will look at it, and so will that of its owner.
pub(crate) fn notice(state: &mut ClusterState, key: &ObjectKey, object: &Value) {
    let lag = ms(state.setup.controller_lag_ms);
    let going = object["metadata"]["deletionTimestamp"].is_string();
    if going || LOOKED_AT.iter().any(|(group, plural)| key.is_of(group, plural)) {
        state.look_after(key, lag);
    }
    if let Some(owner) = garbage::controller(state, key, object) {
        state.look_after(&owner, lag);
    }
    for follower in followers(state, key, object) {
        state.look_after(&follower, lag);
    }
}

/// Who counts or scales an object without owning it.
fn followers(state: &ClusterState, key: &ObjectKey, object: &Value) -> Vec<ObjectKey> {
    let of = |group, plural| state.store.of_kind(group, plural, &key.namespace);
    if key.is_of("", "pods") {
        let labels = &object["metadata"]["labels"];
        let budgets = of("policy", "poddisruptionbudgets").filter(|(_, one)| budget::takes(one, labels));
        return budgets.chain(of("", "resourcequotas")).map(|(one, _)| one.clone()).collect();
    }
    if key.group != "apps" || key.namespace.is_empty() {
        return Vec::new();
    }
    let autoscalers = of("autoscaling", "horizontalpodautoscalers");
    let meant = autoscalers.filter(|(one, autoscaler)| autoscaler::scales(state, one, autoscaler, key));
    meant.map(|(one, _)| one.clone()).collect()
}

/// An object is gone: its owner will look, and so will those who own what it owned.
pub(crate) fn notice_removal(state: &mut ClusterState, key: &ObjectKey, last: &Value) {
    let lag = ms(state.setup.controller_lag_ms);
    for owner in garbage::owners(state, key, last) {
        state.look_after(&owner, lag);
    }
    for dependent in garbage::dependents(state, last) {
        state.look_after(&dependent, lag);
    }
    for follower in followers(state, key, last) {
        state.look_after(&follower, lag);
    }
    if key.is_of("", "pods") {
        state.runs.remove(last["metadata"]["uid"].as_str().unwrap_or_default());
    }
    if key.is_of("apiextensions.k8s.io", "customresourcedefinitions") {
        definitions::removed(state, last);
    }
}

/// Has all workloads and pods looked at: their rules have changed.
pub(crate) fn look_at_all(state: &mut ClusterState) {
    let keys: Vec<ObjectKey> = state.store.all().map(|(key, _)| key.clone()).collect();
    for key in keys.iter().filter(|key| LOOKED_AT.iter().any(|(group, plural)| key.is_of(group, plural))) {
        state.look_after(key, ms(state.setup.controller_lag_ms));
    }
}

/// A node of the start.
pub(crate) fn node(number: u32) -> Value {
    let name = format!("ip-10-0-0-{number}.eu-central-1.compute.internal");
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": { "name": name, "labels": { "kubernetes.io/hostname": name } },
        "spec": { "providerID": format!("aws:///eu-central-1a/i-{number:017}") }
    })
}

/// The names of the nodes.
pub(crate) fn nodes(state: &ClusterState) -> Vec<String> {
    state.store.of_kind("", "nodes", "").map(|(key, _)| key.name.clone()).collect()
}
