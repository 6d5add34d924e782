//! Documents as a cluster shows them, for the tables of tests. Times count in seconds from the apply.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::judge::Applied;

/// When the objects were applied: 2026-11-20T10:00:00Z.
pub(crate) fn after(seconds: i64) -> Timestamp {
    Timestamp::constant(1_795_168_800, 0) + SignedDuration::from_secs(seconds)
}

pub(crate) fn time(seconds: i64) -> String {
    after(seconds).to_string()
}

/// Applied with a change, as generation 2.
pub(crate) fn applied() -> Applied {
    Applied { uid: None, generation: Some(2), at: Some(after(0)), changed: true, within_deadline: false }
}

/// The document with another laid over it: members of objects one by one, `null` takes a member away (RFC 7386).
pub(crate) fn merge(mut base: Value, patch: Value) -> Value {
    let Value::Object(members) = patch else { return patch };
    if !base.is_object() {
        base = Value::Object(Map::new());
    }
    for (name, member) in members {
        let place = &mut base[name.as_str()];
        let merged = merge(place.take(), member);
        *place = merged;
    }
    if let Value::Object(members) = &mut base {
        members.retain(|_, member| !member.is_null());
    }
    base
}

fn metadata(name: &str, uid: &str) -> Value {
    json!({ "name": name, "namespace": "shop", "uid": uid, "generation": 2, "creationTimestamp": time(-86_400) })
}

/// A Deployment of three pods whose rollout is complete, with changes.
pub(crate) fn deployment(patch: Value) -> Value {
    let base = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": merge(metadata("web", "d-1"), json!({ "annotations": { "deployment.kubernetes.io/revision": "2" } })),
        "spec": {
            "replicas": 3, "progressDeadlineSeconds": 600,
            "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxSurge": "25%", "maxUnavailable": "25%" } },
        },
        "status": {
            "observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "readyReplicas": 3, "availableReplicas": 3,
            "conditions": [available("True"), progressing("True", "NewReplicaSetAvailable", 5)],
        },
    });
    merge(base, patch)
}

pub(crate) fn available(status: &str) -> Value {
    json!({
        "type": "Available", "status": status, "reason": "MinimumReplicasAvailable",
        "message": "Deployment has minimum availability.", "lastTransitionTime": time(-3600),
    })
}

/// The condition Progressing of a Deployment, written at this time.
pub(crate) fn progressing(status: &str, reason: &str, written: i64) -> Value {
    json!({
        "type": "Progressing", "status": status, "reason": reason,
        "message": format!("ReplicaSet \"web-new\" says {reason}."),
        "lastUpdateTime": time(written), "lastTransitionTime": time(-3600),
    })
}

/// A ReplicaSet of the Deployment, of this revision.
pub(crate) fn replica_set(revision: u32) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": merge(metadata(&format!("web-{revision}"), &format!("rs-{revision}")), json!({
            "annotations": { "deployment.kubernetes.io/revision": revision.to_string() },
            "ownerReferences": [{ "kind": "Deployment", "name": "web", "uid": "d-1", "controller": true }],
        })),
        "spec": { "replicas": 3 },
    })
}

/// A pod of this owner, made 10 s after the apply, with a container `web` in this status.
pub(crate) fn pod(name: &str, owner: &str, status: Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": merge(metadata(name, &format!("uid-{name}")), json!({
            "creationTimestamp": time(10),
            "ownerReferences": [{ "kind": "ReplicaSet", "uid": owner, "controller": true }],
        })),
        "spec": {
            "nodeName": "ip-10-0-1-2", "restartPolicy": "Always",
            "containers": [{ "name": "web", "image": IMAGE, "resources": { "limits": { "memory": "256Mi" } } }],
        },
        "status": merge(json!({ "phase": "Pending" }), status),
    })
}

pub(crate) const IMAGE: &str = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/web:9";

/// The status of a pod whose container waits for this reason.
pub(crate) fn waiting(reason: &str, message: &str) -> Value {
    json!({ "phase": "Pending", "containerStatuses": [{
        "name": "web", "image": IMAGE, "restartCount": 0, "ready": false,
        "state": { "waiting": { "reason": reason, "message": message } },
    }] })
}

/// The status of a pod whose container is in a crash loop.
pub(crate) fn crash_loop(restarts: i64, code: i64, reason: &str) -> Value {
    json!({ "phase": "Running", "containerStatuses": [{
        "name": "web", "image": IMAGE, "restartCount": restarts, "ready": false,
        "state": { "waiting": { "reason": "CrashLoopBackOff", "message": "back-off 20s restarting failed container=web" } },
        "lastState": { "terminated": { "exitCode": code, "reason": reason, "finishedAt": time(30) } },
    }] })
}

/// The status of a pod that is ready.
pub(crate) fn running() -> Value {
    json!({
        "phase": "Running",
        "conditions": [{ "type": "Ready", "status": "True" }, { "type": "ContainersReady", "status": "True" }],
        "containerStatuses": [{ "name": "web", "restartCount": 0, "ready": true, "state": { "running": {} } }],
    })
}

/// The status of a pod that no node takes, since 12 s after the apply.
pub(crate) fn unschedulable(message: &str) -> Value {
    json!({ "phase": "Pending", "conditions": [{
        "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message,
        "lastTransitionTime": time(12),
    }] })
}

/// A pod without a node.
pub(crate) fn unplaced(name: &str, owner: &str, message: &str) -> Value {
    merge(pod(name, owner, unschedulable(message)), json!({ "spec": { "nodeName": null } }))
}

/// An event about the object of this UID.
pub(crate) fn event(about: &str, reason: &str, message: &str, first: i64, last: i64) -> Value {
    json!({
        "involvedObject": { "uid": about }, "reason": reason, "message": message, "type": "Warning", "count": 3,
        "firstTimestamp": time(first), "lastTimestamp": time(last), "source": { "component": "kubelet" },
    })
}

/// A StatefulSet of three pods whose update is complete, with changes.
pub(crate) fn stateful_set(patch: Value) -> Value {
    let base = json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": metadata("db", "s-1"),
        "spec": { "replicas": 3, "updateStrategy": { "type": "RollingUpdate", "rollingUpdate": { "partition": 0 } } },
        "status": {
            "observedGeneration": 2, "replicas": 3, "readyReplicas": 3, "availableReplicas": 3, "currentReplicas": 3,
            "updatedReplicas": 3, "currentRevision": "db-2", "updateRevision": "db-2",
        },
    });
    merge(base, patch)
}

/// A DaemonSet on three nodes whose update is complete, with changes.
pub(crate) fn daemon_set(patch: Value) -> Value {
    let base = json!({
        "apiVersion": "apps/v1", "kind": "DaemonSet",
        "metadata": merge(metadata("agent", "ds-1"), json!({ "annotations": { "deprecated.daemonset.template.generation": "2" } })),
        "spec": { "updateStrategy": { "type": "RollingUpdate" } },
        "status": {
            "observedGeneration": 2, "desiredNumberScheduled": 3, "currentNumberScheduled": 3,
            "updatedNumberScheduled": 3, "numberReady": 3, "numberAvailable": 3,
        },
    });
    merge(base, patch)
}

/// A Job with this status.
pub(crate) fn job(spec: Value, status: Value) -> Value {
    let spec = merge(json!({ "completions": 1, "parallelism": 1, "backoffLimit": 6 }), spec);
    merge(other("batch/v1", "Job", spec, status), json!({ "metadata": metadata("migrate", "j-1") }))
}

/// An object of any other kind.
pub(crate) fn other(version: &str, kind: &str, spec: Value, status: Value) -> Value {
    let mut object = json!({ "apiVersion": version, "kind": kind, "metadata": metadata("web", "o-1") });
    object["spec"] = spec;
    object["status"] = status;
    object
}

/// Documents of all kinds that have a rule, for tests that damage them.
pub(crate) fn all() -> Vec<Value> {
    let condition =
        |kind: &str| json!({ "conditions": [{ "type": kind, "status": "False", "reason": "No" }] });
    vec![
        deployment(json!({})),
        replica_set(2),
        stateful_set(json!({})),
        daemon_set(json!({})),
        job(json!({}), condition("Failed")),
        pod("web-2-a", "rs-2", crash_loop(3, 137, "OOMKilled")),
        pod("web-2-b", "rs-2", waiting("ImagePullBackOff", "not found")),
        unplaced("web-2-c", "rs-2", "0/3 nodes are available: 3 Insufficient cpu."),
        event("uid-web-2-b", "Failed", "Failed to pull image", 11, 12),
        event("rs-2", "FailedCreate", "exceeded quota: compute, requested: pods=1", 11, 12),
        other("batch/v1", "CronJob", json!({ "suspend": true }), json!({})),
        other("v1", "PersistentVolumeClaim", json!({}), json!({ "phase": "Pending" })),
        other("v1", "PersistentVolume", json!({}), json!({ "phase": "Failed" })),
        other("v1", "Namespace", json!({}), json!({ "phase": "Active" })),
        other("v1", "Service", json!({ "type": "LoadBalancer", "clusterIP": "10.0.0.1" }), json!({})),
        other(
            "networking.k8s.io/v1",
            "Ingress",
            json!({}),
            json!({ "loadBalancer": { "ingress": [{ "ip": "1.2.3.4" }] } }),
        ),
        other("autoscaling/v2", "HorizontalPodAutoscaler", json!({}), condition("AbleToScale")),
        other(
            "policy/v1",
            "PodDisruptionBudget",
            json!({}),
            json!({ "observedGeneration": 2, "expectedPods": 3 }),
        ),
        other("apiextensions.k8s.io/v1", "CustomResourceDefinition", json!({}), condition("Established")),
        other("apiregistration.k8s.io/v1", "APIService", json!({}), condition("Available")),
        other("example.com/v1", "Widget", json!({}), condition("Ready")),
    ]
}

/// Any JSON at all, made of the words that are looked for.
pub(crate) fn anything() -> impl Strategy<Value = Value> {
    let words = prop::sample::select(vec![
        "apiVersion",
        "kind",
        "metadata",
        "uid",
        "generation",
        "ownerReferences",
        "controller",
        "labels",
        "annotations",
        "spec",
        "replicas",
        "status",
        "phase",
        "observedGeneration",
        "conditions",
        "type",
        "reason",
        "message",
        "count",
        "containerStatuses",
        "state",
        "waiting",
        "terminated",
        "exitCode",
        "involvedObject",
        "True",
        "apps/v1",
        "Deployment",
        "Pod",
        "Failed",
        "CrashLoopBackOff",
        "é\u{1b}[31m",
        "",
        "2026-11-20T10:00:00Z",
        "99999999999999999999",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        words.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((words.clone(), inner), 0..5).prop_map(|members| {
                Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
            }),
        ]
    })
}

/// A document with one of its parts, chosen by `place`, replaced.
pub(crate) fn damaged(mut document: Value, place: usize, with: &Value) -> Value {
    let parts = count(&document);
    let mut left = place % parts;
    replace(&mut document, &mut left, with);
    document
}

/// How many parts a document has, itself included.
pub(crate) fn count(value: &Value) -> usize {
    1 + match value {
        Value::Object(members) => members.values().map(count).sum::<usize>(),
        Value::Array(items) => items.iter().map(count).sum::<usize>(),
        _ => 0,
    }
}

/// Replaces the part that `left` counts down to; says whether it has.
fn replace(value: &mut Value, left: &mut usize, with: &Value) -> bool {
    if *left == 0 {
        *value = with.clone();
        return true;
    }
    *left -= 1;
    match value {
        Value::Object(members) => members.values_mut().any(|member| replace(member, left, with)),
        Value::Array(items) => items.iter_mut().any(|item| replace(item, left, with)),
        _ => false,
    }
}
