//! Whether an object is as its manifest says, by what the server tells of it: who has set which field, and to what.
//!
//! An apply that sets the fields which landfall has set already, each to the value that it has, changes nothing, and the
//! server writes nothing then. So nothing has to be asked, where that can be seen. It can be seen when the account of
//! what landfall has set (`managedFields`, in the form of `FieldsV1`:
//! <https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management>) has exactly the fields of the
//! manifest. Whatever is not certain is not the same, and left to a dry run: values that the server writes another way
//! (`0.5` processors as `500m`), nulls, fractions, lists in another order.

use serde_json::{Map, Value};

use crate::api::{FIELD_MANAGER, Live};
use crate::input::Manifest;

/// Members of an object, and of its metadata, that say which object it is; nobody owns them.
const NAMES: [&str; 2] = ["apiVersion", "kind"];
const NAMES_OF_METADATA: [&str; 2] = ["name", "namespace"];

/// Whether applying the manifest would certainly change nothing.
pub(super) fn is_as_wanted(manifest: &Manifest, live: &Live) -> bool {
    let wanted = serde_json::from_str(&manifest.to_json()).unwrap_or(Value::Null);
    is_same(wanted, live)
}

fn is_same(wanted: Value, live: &Live) -> bool {
    let Value::Object(mut wanted) = wanted else { return false };
    let mut ours = live.managers().filter(|manager| {
        manager.name == FIELD_MANAGER && manager.operation == "Apply" && manager.subresource.is_empty()
    });
    let (Some(account), None) = (ours.next(), ours.next()) else { return false };
    // Of another version of the kind fields may have other names.
    if live.is_ending() || wanted.get("apiVersion").and_then(Value::as_str) != Some(account.api_version) {
        return false;
    }
    NAMES.iter().for_each(|name| drop(wanted.shift_remove(*name)));
    let metadata = wanted.get_mut("metadata").and_then(Value::as_object_mut);
    let empty = metadata.is_some_and(|metadata| {
        NAMES_OF_METADATA.iter().for_each(|name| drop(metadata.shift_remove(*name)));
        metadata.is_empty()
    });
    if empty {
        wanted.shift_remove("metadata");
    }
    account.fields.as_object().is_some_and(|fields| has(fields, &Value::Object(wanted), live.value()))
}

/// Whether these fields are all that is wanted, and what is wanted is there.
fn has(fields: &Map<String, Value>, wanted: &Value, live: &Value) -> bool {
    match (wanted, live) {
        _ if fields.is_empty() => is_equal(wanted, live),
        (Value::Object(wanted), Value::Object(live)) => members(fields, wanted, live),
        (Value::Array(wanted), Value::Array(live)) => items(fields, wanted, live),
        _ => false,
    }
}

/// Fields below a field; `.` is the field itself.
fn below(fields: &Map<String, Value>) -> impl Iterator<Item = (&str, &Value)> {
    fields.iter().map(|(field, inner)| (field.as_str(), inner)).filter(|(field, _)| *field != ".")
}

fn members(fields: &Map<String, Value>, wanted: &Map<String, Value>, live: &Map<String, Value>) -> bool {
    below(fields).count() == wanted.len()
        && below(fields).all(|(field, inner)| {
            let Some(name) = field.strip_prefix("f:") else { return false };
            let (Some(wanted), Some(live)) = (wanted.get(name), live.get(name)) else { return false };
            inner.as_object().is_some_and(|inner| has(inner, wanted, live))
        })
}

/// Items of a list that has keys (`k:{"name":"web"}`) or is a set (`v:"a"`).
fn items(fields: &Map<String, Value>, wanted: &[Value], live: &[Value]) -> bool {
    let mut places = Vec::new();
    for (field, inner) in below(fields) {
        let Some(inner) = inner.as_object() else { return false };
        let found = match field.split_once(':') {
            Some(("k", keys)) => {
                let Ok(keys) = serde_json::from_str::<Map<String, Value>>(keys) else { return false };
                // A key that the manifest leaves out is a default, and not ours.
                let ours = |item: &Value| {
                    keys.iter().all(|(key, value)| match item.get(key) {
                        Some(there) => is_equal(there, value),
                        None => !inner.contains_key(&format!("f:{key}")),
                    })
                };
                let theirs = |item: &Value| {
                    keys.iter().all(|(key, value)| item.get(key).is_some_and(|there| is_equal(there, value)))
                };
                (only(wanted, ours), only(live, theirs))
            }
            Some(("v", value)) => {
                let Ok(value) = serde_json::from_str::<Value>(value) else { return false };
                let same = |item: &Value| is_equal(item, &value);
                (only(wanted, same), only(live, same))
            }
            _ => return false,
        };
        let (Some(here), Some(there)) = found else { return false };
        if !has(inner, &wanted[here], &live[there]) {
            return false;
        }
        places.push((here, there));
    }
    places.sort_unstable();
    // Each item once, and in the order of the server's list.
    places.len() == wanted.len()
        && places.iter().enumerate().all(|(place, (here, _))| place == *here)
        && places.is_sorted_by(|one, next| one.1 < next.1)
}

/// The place of the one item that fits.
fn only(items: &[Value], fits: impl Fn(&Value) -> bool) -> Option<usize> {
    let mut found = items.iter().enumerate().filter(|(_, item)| fits(item)).map(|(place, _)| place);
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// Whether values are the same beyond doubt.
fn is_equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Null, _) => false,
        (Value::Number(one), Value::Number(other)) => one == other && (one.is_i64() || one.is_u64()),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_equal(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, one)| other.get(name).is_some_and(|other| is_equal(one, other)))
        }
        (one, other) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::is_same;
    use crate::api::Live;

    /// A Deployment as the server tells it, with what it and its controllers have added.
    fn live() -> Value {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {
                "name": "web", "namespace": "shop", "uid": "1", "resourceVersion": "7", "generation": 1,
                "labels": {"app": "web", "theirs": "x"}, "annotations": {"deployment.kubernetes.io/revision": "1"},
                "managedFields": [
                    {"manager": "kube-controller-manager", "operation": "Update", "subresource": "status", "apiVersion": "apps/v1",
                     "fieldsType": "FieldsV1", "fieldsV1": {"f:status": {"f:replicas": {}}}},
                    {"manager": "landfall", "operation": "Apply", "apiVersion": "apps/v1", "fieldsType": "FieldsV1", "fieldsV1": {
                        "f:metadata": {"f:labels": {"f:app": {}}},
                        "f:spec": {
                            "f:replicas": {}, "f:selector": {},
                            "f:template": {"f:metadata": {"f:labels": {"f:app": {}}}, "f:spec": {"f:containers": {
                                "k:{\"name\":\"web\"}": {
                                    ".": {}, "f:name": {}, "f:image": {}, "f:args": {}, "f:resources": {"f:requests": {"f:cpu": {}}},
                                    "f:ports": {"k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}}},
                                },
                                "k:{\"name\":\"log\"}": {".": {}, "f:name": {}, "f:image": {}},
                            }}},
                        },
                    }},
                ],
            },
            "spec": {
                "replicas": 2, "progressDeadlineSeconds": 600, "selector": {"matchLabels": {"app": "web"}},
                "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"dnsPolicy": "ClusterFirst", "containers": [
                    {"name": "web", "image": "web:1", "args": ["a", "b"], "imagePullPolicy": "Always",
                     "ports": [{"containerPort": 80, "protocol": "TCP"}], "resources": {"requests": {"cpu": "500m"}}},
                    {"name": "log", "image": "log:1", "imagePullPolicy": "Always"},
                ]}},
            },
            "status": {"replicas": 2},
        })
    }

    fn manifest() -> Value {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}},
            "spec": {
                "replicas": 2, "selector": {"matchLabels": {"app": "web"}},
                "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [
                    {"name": "web", "image": "web:1", "args": ["a", "b"], "ports": [{"containerPort": 80}],
                     "resources": {"requests": {"cpu": "500m"}}},
                    {"name": "log", "image": "log:1"},
                ]}},
            },
        })
    }

    fn same(wanted: Value, live: Value) -> bool {
        is_same(wanted, &Live::new(live))
    }

    #[test]
    fn an_object_whose_fields_are_all_as_landfall_has_set_them_needs_no_question() {
        assert!(same(manifest(), live()));
        let secret = |data: Value| {
            json!({
                "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "data": data,
                "metadata": {"name": "s", "namespace": "shop", "managedFields": [{
                    "manager": "landfall", "operation": "Apply", "apiVersion": "v1", "fieldsV1": {"f:data": {"f:a": {}}}}]},
            })
        };
        let wanted =
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"a": "MQ=="}});
        assert!(same(wanted.clone(), secret(json!({"a": "MQ==", "b": "of others"}))));
        assert!(!same(wanted, secret(json!({"a": "Mg=="}))));
    }

    #[test]
    fn a_set_is_compared_by_its_values_and_their_order() {
        let live = |finalizers: Value| {
            json!({"apiVersion": "v1", "metadata": {"finalizers": finalizers, "managedFields": [{
                "manager": "landfall", "operation": "Apply", "apiVersion": "v1",
                "fieldsV1": {"f:metadata": {"f:finalizers": {".": {}, "v:\"a\"": {}, "v:\"b\"": {}}}}}]}})
        };
        let wanted = |finalizers: Value| json!({"apiVersion": "v1", "metadata": {"finalizers": finalizers}});
        assert!(same(wanted(json!(["a", "b"])), live(json!(["a", "theirs", "b"]))));
        assert!(!same(wanted(json!(["a", "b"])), live(json!(["b", "a"]))));
        assert!(!same(wanted(json!(["a", "b"])), live(json!(["a", "b", "a"]))), "one is there twice");
        assert!(!same(wanted(json!(["a"])), live(json!(["a", "b"]))), "one was taken out of the manifest");
        assert!(!same(wanted(json!(["a", "b", "c"])), live(json!(["a", "b", "c"]))), "one is not ours yet");
    }

    #[test]
    fn whatever_differs_or_is_not_certain_is_asked_for() {
        for (place, value) in [
            ("/spec/replicas", json!(3)),
            ("/spec/replicas", json!(2.0)),
            ("/spec/selector", json!({"matchLabels": {"app": "web", "tier": "x"}})),
            ("/metadata/labels", json!({})),
            ("/metadata/labels", json!({"app": "web", "theirs": "x"})),
            ("/metadata/labels/app", Value::Null),
            ("/apiVersion", json!("apps/v1beta1")),
            ("/spec/template/spec/containers/0/image", json!("web:2")),
            ("/spec/template/spec/containers/0/args", json!(["b", "a"])),
            ("/spec/template/spec/containers/0/ports/0", json!({"containerPort": 80, "protocol": "TCP"})),
            ("/spec/template/spec/containers/0/ports/0", json!({"containerPort": 81})),
            ("/spec/template/spec/containers/0/resources/requests/cpu", json!("0.5")),
            ("/spec/template/spec/containers", json!([{"name": "log", "image": "log:1"}])),
        ] {
            let mut wanted = manifest();
            *wanted.pointer_mut(place).unwrap() = value.clone();
            assert!(!same(wanted, live()), "{place} {value}");
        }
        let mut turned = manifest();
        turned["spec"]["template"]["spec"]["containers"].as_array_mut().unwrap().reverse();
        assert!(!same(turned, live()), "the order of containers");
        let mut more = manifest();
        more["spec"]["paused"] = json!(true);
        assert!(!same(more, live()), "a field that is not ours yet");
        for uncertain in [json!(0.5), Value::Null] {
            let (mut wanted, mut there) = (manifest(), live());
            (wanted["spec"]["replicas"], there["spec"]["replicas"]) = (uncertain.clone(), uncertain.clone());
            assert!(!same(wanted, there), "{uncertain}, which is the same in both");
        }
    }

    #[test]
    fn what_others_have_made_of_the_object_is_seen() {
        for (place, value) in [
            ("/spec/replicas", json!(5)),
            ("/spec/template/spec/containers/0/image", json!("web:hot-fix")),
            ("/spec/template/spec/containers/0/args", json!(["a", "b", "theirs"])),
            ("/spec/selector/theirs", json!("x")),
            ("/metadata/labels", json!({"theirs": "x"})),
            ("/metadata/managedFields/1/manager", json!("kubectl")),
            ("/metadata/managedFields/1/operation", json!("Update")),
            ("/metadata/managedFields/1/subresource", json!("status")),
            ("/metadata/managedFields/0", live()["metadata"]["managedFields"][1].clone()),
            ("/metadata/deletionTimestamp", json!("2026-01-01T00:00:00Z")),
        ] {
            let mut there = live();
            match there.pointer_mut(place) {
                Some(value_there) => *value_there = value,
                None => {
                    let (parent, name) = place.rsplit_once('/').unwrap();
                    there.pointer_mut(parent).unwrap()[name] = value;
                }
            }
            assert!(!same(manifest(), there), "{place}");
        }
    }
}
