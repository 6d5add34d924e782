//! Addresses of Services, load balancers, and volumes: what comes from outside of the cluster.

use serde_json::{Value, json};

use crate::clock::ms;
use crate::kubernetes::items;
use crate::kubernetes::state::ClusterState;
use crate::kubernetes::store::ObjectKey;

use super::workload::event;

/// Gives a new Service an address in the cluster, and the ports of the nodes that it asks for.
pub(crate) fn addresses(state: &ClusterState, service: &mut Value) {
    let taken = state.store.of_kind("", "services", "").count();
    let spec = &mut service["spec"];
    if spec["type"] == json!("ExternalName") {
        return;
    }
    if spec["clusterIP"].is_null() || spec["clusterIP"] == json!("") {
        let number = taken + 1;
        spec["clusterIP"] = format!("10.100.{}.{}", number / 250, number % 250 + 1).into();
    }
    spec["clusterIPs"] = json!([spec["clusterIP"]]);
    let node_ports = spec["type"] == json!("NodePort") || spec["type"] == json!("LoadBalancer");
    let ports = spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten();
    for (index, port) in ports.enumerate().filter(|_| node_ports) {
        if port["nodePort"].is_null() {
            port["nodePort"] = (30_000 + (taken * 10 + index) % 2_768).into();
        }
    }
}

/// Gives a Service of type LoadBalancer, or an Ingress, the address of its load balancer.
pub(super) fn balance(state: &mut ClusterState, key: &ObjectKey, object: &Value) {
    let wanted = key.plural == "ingresses" || object["spec"]["type"] == json!("LoadBalancer");
    if !wanted || object["metadata"]["deletionTimestamp"].is_string() {
        return;
    }
    if !state.waited(key, ms(state.setup.load_balancer_after_ms)) {
        let trouble = state.setup.load_balancer_trouble.clone();
        if !trouble.is_empty() {
            event(state, object, ("Warning", "FailedBuildModel", &trouble));
        }
        return;
    }
    let name = format!("k8s-{}-{}-0123456789.elb.eu-central-1.amazonaws.com", key.namespace, key.name);
    state.write_status(
        key,
        json!({ "loadBalancer": { "ingress": [{ "hostname": name }] } }),
        "aws-load-balancer-controller",
    );
}

/// Binds a claim to a volume, unless its class waits for a pod and no pod uses it.
pub(super) fn claim(state: &mut ClusterState, key: &ObjectKey, claim: &Value) {
    if claim["status"]["phase"] != json!("Pending") || claim["metadata"]["deletionTimestamp"].is_string() {
        return;
    }
    let class = claim["spec"]["storageClassName"].as_str().unwrap_or_default();
    let class = state.store.get(&ObjectKey::new("storage.k8s.io", "storageclasses", "", class));
    let waits = class.is_some_and(|class| class["volumeBindingMode"] == json!("WaitForFirstConsumer"));
    let uses = |pod: &Value| {
        items(&pod["spec"]["volumes"])
            .iter()
            .any(|volume| volume["persistentVolumeClaim"]["claimName"] == key.name.as_str())
    };
    if waits && !state.store.of_kind("", "pods", &key.namespace).any(|(_, pod)| uses(pod)) {
        return;
    }
    let trouble = state.setup.claim_trouble.clone();
    if !trouble.is_empty() {
        return event(state, claim, ("Warning", "ProvisioningFailed", &trouble));
    }
    let volume = format!("pvc-{}", claim["metadata"]["uid"].as_str().unwrap_or_default());
    let mut bound = claim.clone();
    bound["spec"]["volumeName"] = volume.into();
    state.write_object(key, bound, "kube-controller-manager");
    let status = json!({
        "phase": "Bound",
        "accessModes": claim["spec"]["accessModes"],
        "capacity": claim["spec"]["resources"]["requests"]
    });
    state.write_status(key, status, "kube-controller-manager");
}
