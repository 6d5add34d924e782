use landfall_core::ErrorKind;
use serde_json::{Value, json};

use super::{
    ConflictPolicy, Decision, FieldConflict, LAST_APPLIED, conflicts, decide, migrate, refusal, value_at,
};
use crate::api::{Live, Status};

fn conflict(manager: &str, subresource: &str, field: &str) -> FieldConflict {
    let (manager, subresource, field) = (manager.to_owned(), subresource.to_owned(), field.to_owned());
    FieldConflict { field, manager, subresource }
}

#[test]
fn the_servers_words_are_taken_apart() {
    let body = json!({"kind": "Status", "reason": "Conflict", "details": {"causes": [
        {"reason": "FieldManagerConflict", "field": ".spec.replicas",
         "message": "conflict with \"kube-controller-manager\" with subresource \"scale\" using apps/v1 at 2026-01-02T03:04:05Z"},
        {"reason": "FieldManagerConflict", "field": ".data.key", "message": "conflict with \"helm\" using v1"},
        {"reason": "FieldValueInvalid", "field": ".data", "message": "conflict with nobody"},
    ]}});
    let status = Status::read(409, body.to_string().as_bytes());
    assert_eq!(
        conflicts(&status),
        [conflict("kube-controller-manager", "scale", ".spec.replicas"), conflict("helm", "", ".data.key")]
    );
}

#[test]
fn people_are_overruled_autoscalers_are_left_alone_and_controllers_are_respected() {
    const REPLICAS: &str = ".spec.replicas";
    let careful = ConflictPolicy::Careful;
    for (policy, manager, subresource, field, outcome) in [
        (careful, "kubectl-edit", "", ".data.key", "taken"),
        (careful, "kubectl", "", ".data.key", "taken"),
        (careful, "kubectl-client-side-apply", "", REPLICAS, "taken"),
        (careful, "kubectl", "scale", REPLICAS, "taken"),
        (careful, "rancher", "", ".data.key", "taken"),
        (careful, "k9s", "", ".data.key", "taken"),
        (careful, "kluctl-controller", "", ".data.key", "taken"),
        (careful, "before-first-apply", "", ".data.key", "taken"),
        (careful, "kubectlish", "", ".data.key", "refused"),
        (careful, "kube-controller-manager", "scale", REPLICAS, "left"),
        (careful, "keda-operator", "scale", REPLICAS, "left"),
        (careful, "kube-controller-manager", "", REPLICAS, "refused"),
        (careful, "kube-controller-manager", "scale", ".spec.other", "refused"),
        (careful, "argocd-controller", "", REPLICAS, "refused"),
        (careful, "helm", "", ".data.key", "refused"),
        (careful, "kustomize-controller", "", ".data.key", "refused"),
        (ConflictPolicy::Refuse, "kubectl-edit", "", ".data.key", "refused"),
        (ConflictPolicy::Refuse, "kube-controller-manager", "scale", REPLICAS, "left"),
        (ConflictPolicy::Refuse, "kubectl", "scale", REPLICAS, "refused"),
        (ConflictPolicy::TakeOver, "kubectl", "scale", REPLICAS, "taken"),
        (ConflictPolicy::TakeOver, "argocd-controller", "", ".data.key", "taken"),
        (ConflictPolicy::TakeOver, "kube-controller-manager", "scale", REPLICAS, "left"),
    ] {
        let found = conflict(manager, subresource, field);
        let decided = decide(policy, std::slice::from_ref(&found));
        let told = match &decided {
            Decision::Again { taken, without_replicas: false }
                if taken.as_slice() == std::slice::from_ref(&found) =>
            {
                "taken"
            }
            Decision::Again { taken, without_replicas: true } if taken.is_empty() => "left",
            Decision::Refused(_) => "refused",
            Decision::Again { .. } => "neither",
        };
        assert_eq!(told, outcome, "{policy:?} {manager} {subresource} {field}");
    }
}

#[test]
fn one_conflict_that_is_refused_keeps_all_from_being_applied() {
    let (edit, argo) = (conflict("kubectl-edit", "", ".a"), conflict("argocd-controller", "", ".b"));
    let decided = decide(ConflictPolicy::Careful, &[edit, argo.clone()]);
    assert_eq!(decided, Decision::Refused(vec![argo]));
}

#[test]
fn a_refusal_names_field_manager_and_both_values() {
    let theirs = json!({"spec": {"replicas": 5}, "data": {"a": "theirs"}});
    let ours = json!({"spec": {"replicas": 2}, "data": {"a": "ours"}});
    let refused = [conflict("argocd-controller", "", ".spec.replicas")];
    let error = refusal("Deployment shop/web", &refused, &theirs, &ours, false);
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(
        error.message(),
        "Deployment shop/web is not applied: a field of it belongs to argocd-controller"
    );
    assert_eq!(
        error.causes()[0].message,
        ".spec.replicas is 5 and set by argocd-controller; the manifest says 2"
    );
    assert!(error.hint().unwrap().starts_with("Argo CD puts its own value back"), "{error:?}");
    let error = refusal("Secret shop/db", &[conflict("x", "", ".data.a")], &theirs, &ours, true);
    assert!(!error.report().contains("theirs") && !error.report().contains("ours"), "{}", error.report());
    let variable = |value: &str| json!({"env": [{"name": "A", "value": value}]});
    let refused = [conflict("x", "", ".env[name=\"A\"].value")];
    let error = refusal("Pod shop/a", &refused, &variable("theirs"), &variable("ours"), false);
    assert!(error.report().contains("is **** and set by x; the manifest says ****"), "{}", error.report());
}

#[test]
fn values_are_found_by_the_servers_paths() {
    let object = json!({
        "a": {"b": 1}, "a.b": 2,
        "metadata": {"annotations": {"example.com/a.b": "x", "example": "y"}, "finalizers": ["one", "two"]},
        "spec": {"containers": [
            {"name": "side", "image": "s:1"},
            {"name": "we]b", "image": "w:1", "ports": [{"containerPort": 80, "protocol": "UDP"}, {"containerPort": 80, "protocol": "TCP", "name": "http"}]},
        ]},
    });
    for (path, value) in [
        (".metadata.annotations.example.com/a.b", json!("x")),
        (".metadata.annotations.example", json!("y")),
        (".a.b", json!(2)),
        (".spec.containers[name=\"we]b\"].image", json!("w:1")),
        (".spec.containers[name=\"we]b\"].ports[containerPort=80,protocol=\"TCP\"].name", json!("http")),
        (".spec.containers[0].image", json!("s:1")),
        (".metadata.finalizers[=\"two\"]", json!("two")),
    ] {
        assert_eq!(value_at(&object, path), Some(&value), "{path}");
    }
    for path in [
        ".spec.none",
        ".spec.containers[name=\"x\"]",
        ".spec.containers[7]",
        ".spec.containers[name=\"side",
        "spec",
    ] {
        assert_eq!(value_at(&object, path), None, "{path}");
    }
}

fn entry(manager: &str, operation: &str, version: &str, fields: &Value) -> Value {
    json!({"manager": manager, "operation": operation, "apiVersion": version, "fieldsType": "FieldsV1", "fieldsV1": fields})
}

fn live(entries: &[Value]) -> Live {
    let applied =
        json!({"spec": {"template": {"a": 1}, "ports": [{"port": 80, "name": "http"}], "names": ["x"]}});
    Live::new(json!({"metadata": {
        "name": "web", "resourceVersion": "42", "managedFields": entries, "annotations": {LAST_APPLIED: applied.to_string()},
    }}))
}

#[test]
fn only_what_client_side_apply_takes_care_of_is_migrated() {
    let edit = entry("kubectl-edit", "Update", "v1", &json!({"f:data": {"f:b": {}}}));
    let mut object = live(&[edit]).value().clone();
    assert!(migrate(&Live::new(object.clone())).is_some());
    object["metadata"]["annotations"] = json!({});
    assert_eq!(migrate(&Live::new(object)), None, "it was edited beside a server-side apply");
}

#[test]
fn of_what_nobody_kept_account_of_only_the_last_configuration_counts() {
    let all = json!({
        "f:metadata": {"f:annotations": {}},
        "f:spec": {
            "f:replicas": {}, "f:template": {"f:a": {}, "f:defaulted": {}},
            "f:ports": {".": {}, "k:{\"port\":80}": {".": {}, "f:name": {}, "f:protocol": {}}, "k:{\"port\":90}": {"f:name": {}}},
            "f:names": {"v:\"x\"": {}, "v:\"y\"": {}},
        },
    });
    let patch = migrate(&live(&[entry("before-first-apply", "Update", "apps/v1", &all)])).unwrap();
    let configured = json!({"f:spec": {
        "f:template": {"f:a": {}}, "f:ports": {"k:{\"port\":80}": {"f:name": {}}}, "f:names": {"v:\"x\"": {}},
    }});
    assert_eq!(patch[0]["value"], json!([entry("landfall", "Apply", "apps/v1", &configured)]));
}

#[test]
fn what_client_side_apply_has_set_becomes_landfalls() {
    let mut status = entry("kubectl-edit", "Update", "apps/v1", &json!({"f:status": {}}));
    status["subresource"] = json!("status");
    let other = entry("kube-controller-manager", "Update", "apps/v1", &json!({"f:metadata": {}}));
    let all = [
        entry(
            "kubectl-client-side-apply",
            "Update",
            "apps/v1",
            &json!({"f:spec": {"f:replicas": {}, "f:template": {"f:a": {}}}}),
        ),
        entry("kubectl-edit", "Update", "apps/v1", &json!({"f:spec": {"f:template": {"f:b": {}}}})),
        entry("before-first-apply", "Update", "extensions/v1beta1", &json!({"f:old": {}})),
        status.clone(),
        other.clone(),
    ];
    let patch = migrate(&live(&all)).unwrap();
    let united = json!({"f:spec": {"f:replicas": {}, "f:template": {"f:a": {}, "f:b": {}}}});
    assert_eq!(patch[0]["path"], "/metadata/managedFields");
    assert_eq!(patch[0]["value"], json!([entry("landfall", "Apply", "apps/v1", &united), status, other]));
    assert_eq!(patch[1], json!({"op": "replace", "path": "/metadata/resourceVersion", "value": "42"}));
}

#[test]
fn what_landfall_owns_already_stays_and_without_a_history_there_is_nothing_to_do() {
    let ours = entry("landfall", "Apply", "v1", &json!({"f:data": {"f:a": {}}}));
    let edit = entry("kubectl-edit", "Update", "v1", &json!({"f:data": {"f:b": {}}}));
    let patch = migrate(&live(&[edit, ours.clone()])).unwrap();
    assert_eq!(
        patch[0]["value"],
        json!([entry("landfall", "Apply", "v1", &json!({"f:data": {"f:a": {}, "f:b": {}}}))])
    );
    let applied = entry("kubectl-client-side-apply", "Apply", "v1", &json!({"f:data": {}}));
    assert_eq!(migrate(&live(&[ours, applied])), None, "an apply is no update");
    assert_eq!(migrate(&live(&[])), None);
    assert_eq!(migrate(&Live::new(json!({}))), None);
}
