//! What the controllers of workloads share.

use serde_json::{Value, json};

use crate::ids::Ids;
use crate::kubernetes::items;
use crate::kubernetes::setup::{PodBehaviour, PodRule};
use crate::kubernetes::state::ClusterState;
use crate::kubernetes::store::ObjectKey;
use crate::kubernetes::write::{DeleteOptions, Options};

use super::{CONTROLLER, garbage};

/// The rule for pods with this template, or spec, in a workload.
pub(super) fn rule<'a>(
    state: &'a ClusterState,
    key: &ObjectKey,
    kind: &str,
    spec: &Value,
) -> Option<&'a PodRule> {
    let (images, old) = (images(spec), state.images_of_start.as_ref());
    let place = (key.namespace.as_str(), kind, key.name.as_str());
    state.setup.pods.iter().find(|rule| rule.fits(place, &images, old))
}

/// How they behave.
pub(super) fn behaviour(state: &ClusterState, key: &ObjectKey, kind: &str, spec: &Value) -> PodBehaviour {
    rule(state, key, kind, spec).map(|rule| rule.behaviour.clone()).unwrap_or_default()
}

/// The images of a pod's containers.
pub(crate) fn images(spec: &Value) -> Vec<String> {
    let containers = items(&spec["containers"]).iter();
    containers.filter_map(|container| container["image"].as_str()).map(str::to_owned).collect()
}

/// True when the controller of a workload does not look at it.
pub(super) fn is_stale(state: &ClusterState, key: &ObjectKey, object: &Value) -> bool {
    let kind = object["kind"].as_str().unwrap_or_default();
    behaviour(state, key, kind, &object["spec"]["template"]["spec"]) == PodBehaviour::StaleStatus
}

/// The workload that a pod belongs to in the end: the Deployment, and not its ReplicaSet. A pod of nobody is its own.
pub(super) fn workload_of(state: &ClusterState, key: &ObjectKey, pod: &Value) -> (ObjectKey, String) {
    let (mut key, mut object) = (key.clone(), pod.clone());
    while let Some(owner) = garbage::controller(state, &key, &object) {
        let Some(found) = state.store.get(&owner) else { break };
        (object, key) = (found.clone(), owner);
    }
    let kind = object["kind"].as_str().unwrap_or("Pod").to_owned();
    (key, kind)
}

/// A few characters that depend on a text only, as in the names of ReplicaSets. The real ones are another hash.
pub(super) fn short_hash(text: &str) -> String {
    const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let hex = Ids::seeded(text).hex32();
    hex.bytes()
        .filter_map(|digit| char::from(digit).to_digit(16))
        .take(10)
        .map(|digit| char::from(ALPHABET[digit as usize]))
        .collect()
}

/// The objects of a kind that a workload controls, oldest first.
pub(super) fn controlled(state: &ClusterState, owner: &Value, group: &str, plural: &str) -> Vec<Value> {
    let namespace = owner["metadata"]["namespace"].as_str().unwrap_or_default();
    let uid = &owner["metadata"]["uid"];
    let ours = |object: &Value| {
        let mut references = items(&object["metadata"]["ownerReferences"]).iter();
        references.any(|reference| reference["uid"] == *uid && reference["controller"] == json!(true))
    };
    let mut all: Vec<Value> = state
        .store
        .of_kind(group, plural, namespace)
        .map(|(_, object)| object)
        .filter(|object| ours(object))
        .cloned()
        .collect();
    all.sort_by_key(|object| text(&object["metadata"]["creationTimestamp"]).to_owned());
    all
}

/// The pods that a workload controls and that have neither ended nor are going.
pub(super) fn active_pods(state: &ClusterState, owner: &Value) -> Vec<Value> {
    let mut pods = controlled(state, owner, "", "pods");
    pods.retain(is_active);
    pods
}

pub(super) fn is_active(pod: &Value) -> bool {
    pod["metadata"]["deletionTimestamp"].is_null()
        && !matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"))
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

pub(super) fn count(value: &Value) -> i64 {
    value.as_i64().unwrap_or_default()
}

pub(super) fn name_of(object: &Value) -> &str {
    text(&object["metadata"]["name"])
}

/// The condition of a type.
pub(super) fn condition<'a>(object: &'a Value, kind: &str) -> &'a Value {
    let mut all = items(&object["status"]["conditions"]).iter();
    all.find(|one| one["type"] == kind).unwrap_or(&Value::Null)
}

pub(super) fn is_true(object: &Value, kind: &str) -> bool {
    condition(object, kind)["status"] == json!("True")
}

/// A condition; the time of its last transition is kept when its status is as it was.
pub(super) fn conditioned(
    state: &ClusterState,
    object: &Value,
    (kind, holds, reason, message): (&str, bool, &str, &str),
) -> Value {
    let before = condition(object, kind);
    let status = if holds { "True" } else { "False" };
    let same = before["status"] == json!(status);
    let since = if same { before["lastTransitionTime"].clone() } else { state.stamp().into() };
    let mut one = json!({ "type": kind, "status": status, "lastTransitionTime": since });
    for (name, value) in [("reason", reason), ("message", message)] {
        if !value.is_empty() {
            one[name] = value.into();
        }
    }
    one
}

/// A reference to the controller of an object.
pub(super) fn owned_by(owner: &Value) -> Value {
    json!([{
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": true,
        "blockOwnerDeletion": true
    }])
}

/// A pod of a workload, made of its template, with a `name` or a `generateName`.
pub(super) fn pod_of(owner: &Value, (field, name): (&str, &str), labels: &[(&str, &str)]) -> Value {
    let template = &owner["spec"]["template"];
    let mut pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { field: name, "namespace": owner["metadata"]["namespace"], "labels": {} },
        "spec": template["spec"]
    });
    for part in ["labels", "annotations"] {
        if template["metadata"][part].is_object() {
            pod["metadata"][part] = template["metadata"][part].clone();
        }
    }
    for (label, value) in labels {
        pod["metadata"]["labels"][*label] = (*value).into();
    }
    pod["metadata"]["ownerReferences"] = owned_by(owner);
    pod
}

/// Creates an object of a controller. Its name comes back, or the message of the refusal.
pub(super) fn create(
    state: &mut ClusterState,
    group: &str,
    plural: &str,
    object: Value,
) -> Result<String, String> {
    let not_served = || format!("{plural} are not served");
    let kind = state.kinds.of(group, plural).cloned().ok_or_else(not_served)?;
    let namespace = text(&object["metadata"]["namespace"]).to_owned();
    let made = state.create(&kind, &namespace, object, &Options::of(CONTROLLER));
    made.map(|written| name_of(&written.object).to_owned()).map_err(|refusal| refusal.message)
}

/// Deletes a pod of a workload.
pub(super) fn delete_pod(state: &mut ClusterState, pod: &Value) {
    let Some(kind) = state.kinds.of("", "pods").cloned() else { return };
    let namespace = text(&pod["metadata"]["namespace"]).to_owned();
    let name = name_of(pod).to_owned();
    // It may be gone by now, which is what is wanted.
    let _ = state.delete(&kind, &namespace, &name, &DeleteOptions::default());
}

/// Tells of something that happened to an object; what was told before is counted.
pub(super) fn event(state: &mut ClusterState, about: &Value, (kind, reason, message): (&str, &str, &str)) {
    let namespace = text(&about["metadata"]["namespace"]).to_owned();
    let uid = &about["metadata"]["uid"];
    let same = |event: &Value| {
        event["involvedObject"]["uid"] == *uid && event["reason"] == reason && event["message"] == message
    };
    let told = state.store.of_kind("", "events", &namespace).find(|(_, event)| same(event));
    if let Some((key, event)) = told.map(|(key, event)| (key.clone(), event.clone())) {
        let mut event = event;
        event["count"] = (count(&event["count"]) + 1).into();
        event["lastTimestamp"] = state.stamp().into();
        state.write_object(&key, event, "kubelet");
        return;
    }
    let now = state.stamp();
    let component = if about["kind"] == "Pod" { "kubelet" } else { "controller" };
    let tail: String = state.ids.hex32().chars().take(16).collect();
    let event = json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": { "name": format!("{}.{tail}", name_of(about)), "namespace": namespace },
        "involvedObject": {
            "kind": about["kind"],
            "namespace": namespace,
            "name": name_of(about),
            "uid": uid,
            "apiVersion": about["apiVersion"],
            "resourceVersion": about["metadata"]["resourceVersion"]
        },
        "reason": reason,
        "message": message,
        "type": kind,
        "source": { "component": component },
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1
    });
    // A namespace that is going takes no events.
    let _ = create(state, "", "events", event);
}

/// A number of pods, or a percentage of `of` that is rounded up or down.
pub(super) fn share(value: &Value, of: i64, up: bool) -> i64 {
    match value.as_str().and_then(|text| text.strip_suffix('%')).and_then(|text| text.parse::<i64>().ok()) {
        Some(percent) if up => (of * percent + 99) / 100,
        Some(percent) => of * percent / 100,
        None => count(value),
    }
}

/// Sets the counts of a status, without those that are zero.
pub(super) fn counts(status: &mut Value, counts: &[(&str, i64)]) {
    for (name, value) in counts {
        if *value != 0 {
            status[*name] = (*value).into();
        }
    }
}
