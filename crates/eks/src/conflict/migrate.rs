//! Fields that were set by client-side apply become landfall's.

use serde_json::{Map, Value, json};

use crate::api::{FIELD_MANAGER, Live};

/// The configuration of the last client-side apply. Objects that have it are those that client-side apply takes care
/// of.
pub(crate) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Managers of `kubectl` before server-side apply: what `kubectl apply` and `kubectl edit` set.
const CLIENT_SIDE: [&str; 2] = ["kubectl-client-side-apply", "kubectl-edit"];

/// What was there before the first apply of anybody, when nobody kept account. It has all fields of the object, those
/// that the server and controllers set among them, so that only those count which the last configuration has.
const BEFORE: &str = "before-first-apply";

/// The operations of a JSON patch that make landfall the owner of what client-side apply has set; none when there is
/// nothing of it. They hold only for the object as it is: when it has changed the server refuses them.
///
/// The same is done by `csaupgrade` of client-go for `kubectl apply --server-side`, and as there only for objects with
/// the annotation of client-side apply: what somebody has edited beside a server-side apply stays theirs. What the
/// manifest does not have any more is then removed by the next apply, that annotation among it.
#[must_use]
pub fn migrate(object: &Live) -> Option<Value> {
    let configuration: Value = serde_json::from_str(object.annotation(LAST_APPLIED)?).ok()?;
    let entries = object.value()["metadata"]["managedFields"].as_array()?;
    let first = entries.iter().find(|entry| is_client_side(entry))?;
    let ours = entries.iter().find(|entry| is_ours(entry));
    let mut merged = ours.unwrap_or(first).clone();
    if ours.is_none() {
        merged["manager"] = json!(FIELD_MANAGER);
        merged["operation"] = json!("Apply");
        merged["fieldsV1"] = json!({});
    }
    // Fields of another version mean something else: they cannot be put together, and are let go.
    let api_version = merged["apiVersion"].clone();
    for entry in entries.iter().filter(|entry| is_client_side(entry) && entry["apiVersion"] == api_version) {
        match entry["manager"] == BEFORE {
            true => unite(&mut merged["fieldsV1"], &within(&entry["fieldsV1"], &configuration)),
            false => unite(&mut merged["fieldsV1"], &entry["fieldsV1"]),
        }
    }
    let others = entries.iter().filter(|entry| !is_client_side(entry) && !is_ours(entry)).cloned();
    let all: Vec<Value> = std::iter::once(merged).chain(others).collect();
    Some(json!([
        {"op": "replace", "path": "/metadata/managedFields", "value": all},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": object.resource_version()},
    ]))
}

/// Of a set of fields those that a configuration has.
fn within(fields: &Value, configuration: &Value) -> Value {
    let members = fields.as_object().into_iter().flatten();
    let kept = members.filter_map(|(key, below)| {
        let value = match key.split_at_checked(2)? {
            ("f:", name) => configuration.get(name)?,
            ("k:", names) => {
                let names: Map<String, Value> = serde_json::from_str(names).ok()?;
                let is_meant =
                    |item: &&Value| names.iter().all(|(name, value)| item.get(name) == Some(value));
                configuration.as_array()?.iter().find(is_meant)?
            }
            ("v:", value) => {
                let value: Value = serde_json::from_str(value).ok()?;
                configuration.as_array()?.iter().find(|item| **item == value)?
            }
            _ => return None,
        };
        Some((key.clone(), within(below, value)))
    });
    Value::Object(kept.collect())
}

fn is_client_side(entry: &Value) -> bool {
    let manager = entry["manager"].as_str().unwrap_or_default();
    let is_kubectl = manager == BEFORE || CLIENT_SIDE.contains(&manager);
    entry["operation"] == "Update" && is_whole(entry) && is_kubectl
}

fn is_ours(entry: &Value) -> bool {
    entry["operation"] == "Apply" && is_whole(entry) && entry["manager"] == FIELD_MANAGER
}

/// Not a subresource.
fn is_whole(entry: &Value) -> bool {
    entry["subresource"].as_str().unwrap_or_default().is_empty()
}

/// Sets of fields are maps of maps:
/// <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/>.
fn unite(into: &mut Value, from: &Value) {
    let Value::Object(from) = from else { return };
    if !into.is_object() {
        *into = Value::Object(Map::new());
    }
    let Value::Object(into) = into else { return };
    for (key, fields) in from {
        unite(into.entry(key.as_str()).or_insert_with(|| Value::Object(Map::new())), fields);
    }
}
