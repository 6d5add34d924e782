//! Storage, network, autoscaling, and what the API server needs.

use serde_json::{Value, json};

use super::super::{Patience, Rules, Seen, judge};
use super::{line, table};
use crate::fixtures::{after, applied, event, merge, other, pod, running};

fn claim(phase: &str) -> Value {
    other("v1", "PersistentVolumeClaim", json!({ "storageClassName": "gp3" }), json!({ "phase": phase }))
}

#[test]
fn a_claim_is_ready_when_bound_or_when_it_waits_for_a_pod_that_there_is_not() {
    let class = |mode: &str| json!({ "kind": "StorageClass", "volumeBindingMode": mode });
    let (late, early) = (class("WaitForFirstConsumer"), class("Immediate"));
    let waits =
        event("o-1", "WaitForFirstConsumer", "waiting for first consumer to be created before binding", 1, 9);
    let mut user = pod("db-0", "s-1", running());
    user["spec"]["volumes"] = json!([{ "name": "data", "persistentVolumeClaim": { "claimName": "web" } }]);
    let elsewhere = merge(user.clone(), json!({ "metadata": { "namespace": "other" } }));
    for (name, phase, class, pods, events, expected) in [
        ("bound", "Bound", None, vec![], vec![], "ready"),
        ("no class known", "Pending", None, vec![], vec![], "waits for a volume for it"),
        ("late, unused", "Pending", Some(&late), vec![], vec![], "ready (claim-waits-for-pod)"),
        ("late, used", "Pending", Some(&late), vec![&user], vec![], "waits for a volume for it"),
        (
            "late, used elsewhere",
            "Pending",
            Some(&late),
            vec![&elsewhere],
            vec![],
            "ready (claim-waits-for-pod)",
        ),
        ("immediate", "Pending", Some(&early), vec![], vec![], "waits for a volume for it"),
        ("late by its event", "Pending", None, vec![], vec![&waits], "ready (claim-waits-for-pod)"),
        (
            "late by its event, used",
            "Pending",
            None,
            vec![&user],
            vec![&waits],
            "waits for a volume for it (WaitForFirst",
        ),
        ("lost", "Lost", None, vec![], vec![], "failed (volume-lost)"),
    ] {
        let object = claim(phase);
        let mut seen = Seen::new(&object).at(after(30));
        (seen.storage_class, seen.pods, seen.events) = (class, pods, events);
        let found = line(&judge(&seen, &applied(), &Rules::default(), &Patience::default()));
        assert!(found.starts_with(expected), "{name}: expected `{expected}`, found `{found}`");
    }
}

#[test]
fn volumes_namespaces_and_definitions_are_ready_by_phase_and_condition() {
    let definition = |conditions: Value| {
        other(
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            json!({}),
            json!({ "conditions": conditions }),
        )
    };
    let accepted = json!({ "type": "NamesAccepted", "status": "True" });
    let established = |status: &str, reason: &str| json!({ "type": "Established", "status": status, "reason": reason, "message": "m" });
    let volume = |phase: &str| {
        other("v1", "PersistentVolume", json!({}), json!({ "phase": phase, "message": "gone" }))
    };
    table([
        (volume("Available"), "ready"),
        (volume("Bound"), "ready"),
        (volume("Pending"), "waits for it to be available"),
        (volume("Failed"), "failed (volume-failed) PersistentVolume shop/web failed: gone"),
        (other("v1", "Namespace", json!({}), json!({ "phase": "Active" })), "ready"),
        (other("v1", "Namespace", json!({}), json!({})), "waits for it to be Active; it is new"),
        (definition(json!([])), "waits for the API server to serve it"),
        (definition(json!([accepted, established("True", "InitialNamesAccepted")])), "ready"),
        (
            definition(json!([accepted, established("False", "Installing")])),
            "waits for condition Established to be True",
        ),
        (definition(json!([accepted, established("False", "NotAccepted")])), "failed (not-established)"),
        (
            definition(
                json!([{ "type": "NamesAccepted", "status": "False", "message": "\"Widget\" is already in use" }]),
            ),
            "failed (names-not-accepted) the names of CustomResourceDefinition shop/web are taken: \"Widget\" is already",
        ),
    ]);
}

#[test]
fn an_api_service_is_ready_when_its_server_answers() {
    let service = |status: &str| {
        let condition = json!({ "type": "Available", "status": status, "reason": "MissingEndpoints" });
        other("apiregistration.k8s.io/v1", "APIService", json!({}), json!({ "conditions": [condition] }))
    };
    table([
        (service("True"), "ready"),
        (service("False"), "waits for condition Available to be True; it is False: MissingEndpoints"),
        (
            other("apiregistration.k8s.io/v1", "APIService", json!({}), json!({})),
            "waits for the API server to try it",
        ),
    ]);
}

#[test]
fn what_asks_for_a_load_balancer_waits_for_its_address() {
    let service = |spec: Value, ingress: Value| {
        other("v1", "Service", spec, json!({ "loadBalancer": { "ingress": ingress } }))
    };
    let balanced = || json!({ "type": "LoadBalancer", "clusterIP": "172.20.0.9" });
    let ingress = |ingress: Value| {
        other("networking.k8s.io/v1", "Ingress", json!({}), json!({ "loadBalancer": { "ingress": ingress } }))
    };
    table([
        (service(json!({ "type": "ClusterIP" }), json!([])), "ready"),
        (service(json!({ "type": "ExternalName" }), json!([])), "ready"),
        (service(json!({ "type": "LoadBalancer" }), json!([])), "waits for the server to give it an address"),
        (service(balanced(), json!([])), "waits for the address of a load balancer"),
        (service(balanced(), json!(null)), "waits for the address of a load balancer"),
        (service(balanced(), json!([{}])), "waits for the address of a load balancer"),
        (service(balanced(), json!([{ "hostname": "k8s-web.elb.amazonaws.com" }])), "ready"),
        (ingress(json!([])), "waits for the address of a load balancer"),
        (ingress(json!([{ "ip": "203.0.113.9" }])), "ready"),
    ]);
    let object = ingress(json!([]));
    let events = [
        event("o-1", "FailedDeployModel", "couldn't find subnets.", 3, 20),
        event("x", "Other", "no", 3, 25),
    ];
    let mut seen = Seen::new(&object).at(after(30));
    seen.events = events.iter().collect();
    let found = line(&judge(&seen, &applied(), &Rules::default(), &Patience::default()));
    assert_eq!(found, "waits for the address of a load balancer (FailedDeployModel: couldn't find subnets)");
}

#[test]
fn autoscalers_and_budgets_are_ready_when_their_controllers_have_looked() {
    let scaler = |conditions: Value| {
        other("autoscaling/v2", "HorizontalPodAutoscaler", json!({}), json!({ "conditions": conditions }))
    };
    let condition =
        |kind: &str, status: &str| json!({ "type": kind, "status": status, "reason": "Why", "message": "m" });
    let budget = |status: Value| other("policy/v1", "PodDisruptionBudget", json!({}), status);
    table([
        (scaler(json!([])), "waits for the autoscaler to look at it"),
        (
            scaler(json!([condition("AbleToScale", "False")])),
            "waits for condition AbleToScale to be True; it is False: m",
        ),
        (scaler(json!([condition("AbleToScale", "True")])), "ready"),
        (scaler(json!([condition("AbleToScale", "True"), condition("ScalingActive", "True")])), "ready"),
        (
            scaler(json!([condition("AbleToScale", "True"), condition("ScalingActive", "False")])),
            "ready (not-scaling)",
        ),
        (budget(json!({})), "waits for its controller to take up generation 2"),
        (budget(json!({ "observedGeneration": 2, "expectedPods": 3, "disruptionsAllowed": 1 })), "ready"),
        (
            budget(
                json!({ "observedGeneration": 2, "expectedPods": 3, "disruptionsAllowed": 0, "currentHealthy": 2 }),
            ),
            "ready (no-disruption-allowed)",
        ),
        (
            budget(json!({ "observedGeneration": 2, "conditions": [
                { "type": "DisruptionAllowed", "status": "False", "reason": "SyncFailed", "message": "no scale" },
            ] })),
            "waits for condition DisruptionAllowed to be True; it is False: no scale",
        ),
    ]);
}
