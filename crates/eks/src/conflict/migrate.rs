//! Fields that were set by client-side apply become landfall's.

use serde_json::{Map, Value, json};

use crate::api::{FIELD_MANAGER, Live};

/// Managers of `kubectl` before server-side apply: what `kubectl apply` and `kubectl edit` set, and what was there
/// before anybody kept account.
const CLIENT_SIDE: [&str; 3] = ["kubectl-client-side-apply", "kubectl-edit", "before-first-apply"];

/// The operations of a JSON patch that make landfall the owner of what client-side apply has set; none when there is
/// nothing of it. They hold only for the object as it is: when it has changed the server refuses them.
///
/// The same is done by `csaupgrade` of client-go for `kubectl apply --server-side`. What the manifest does not have any
/// more is then removed by the next apply, the annotation with the last configuration among it.
#[must_use]
pub fn migrate(object: &Live) -> Option<Value> {
    let entries = object.value()["metadata"]["managedFields"].as_array()?;
    let first = entries.iter().find(|entry| is_client_side(entry))?;
    let ours = entries.iter().find(|entry| is_ours(entry));
    let api_version = &ours.unwrap_or(first)["apiVersion"];
    let mut merged = ours.unwrap_or(first).clone();
    merged["manager"] = json!(FIELD_MANAGER);
    merged["operation"] = json!("Apply");
    // Fields of another version mean something else: they cannot be put together, and are let go.
    for entry in entries.iter().filter(|entry| is_client_side(entry) && entry["apiVersion"] == *api_version) {
        unite(&mut merged["fieldsV1"], &entry["fieldsV1"]);
    }
    let others = entries.iter().filter(|entry| !is_client_side(entry) && !is_ours(entry)).cloned();
    let all: Vec<Value> = std::iter::once(merged).chain(others).collect();
    Some(json!([
        {"op": "replace", "path": "/metadata/managedFields", "value": all},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": object.resource_version()},
    ]))
}

fn is_client_side(entry: &Value) -> bool {
    let manager = entry["manager"].as_str().unwrap_or_default();
    entry["operation"] == "Update" && is_whole(entry) && CLIENT_SIDE.contains(&manager)
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
