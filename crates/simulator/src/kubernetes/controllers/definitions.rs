//! CustomResourceDefinitions: names are accepted at once, they are established a while later, and the kind is served again a
//! while later.

use serde_json::{Value, json};

use crate::clock::ms;
use crate::kubernetes::items;
use crate::kubernetes::state::ClusterState;
use crate::kubernetes::store::ObjectKey;

use super::workload::condition;

const WRITER: &str = "kube-apiserver";

pub(super) fn look(state: &mut ClusterState, key: &ObjectKey, definition: &Value) {
    if definition["metadata"]["deletionTimestamp"].is_string() {
        return;
    }
    let established = condition(definition, "Established");
    match established["status"].as_str() {
        None => {
            let status =
                status(state, definition, ("False", "Installing", "the initial names have been accepted"));
            state.write_status(key, status, WRITER);
        }
        Some("False") => {
            if !state.waited(key, ms(state.setup.established_after_ms)) {
                return;
            }
            let established = ("True", "InitialNamesAccepted", "the initial names have been accepted");
            let status = status(state, definition, established);
            state.write_status(key, status, WRITER);
            serve(state, key, definition);
        }
        _ => serve(state, key, definition),
    }
}

/// Serves what is established, once its time has come.
fn serve(state: &mut ClusterState, key: &ObjectKey, definition: &Value) {
    let after = state.setup.established_after_ms + state.setup.served_after_ms;
    if state.waited(key, ms(after)) {
        state.kinds.define(definition);
    }
}

fn status(state: &ClusterState, definition: &Value, established: (&str, &str, &str)) -> Value {
    let spec = &definition["spec"];
    let now = state.stamp();
    let versions = items(&spec["versions"]).iter();
    let stored: Vec<&Value> = versions
        .filter(|version| version["storage"] == json!(true))
        .map(|version| &version["name"])
        .collect();
    let (status, reason, message) = established;
    json!({
        "conditions": [
            {
                "type": "NamesAccepted",
                "status": "True",
                "lastTransitionTime": now,
                "reason": "NoConflicts",
                "message": "no conflicts found"
            },
            {
                "type": "Established",
                "status": status,
                "lastTransitionTime": now,
                "reason": reason,
                "message": message
            }
        ],
        "acceptedNames": spec["names"],
        "storedVersions": stored
    })
}

/// The kind is gone with its definition, and its objects with it.
pub(super) fn removed(state: &mut ClusterState, definition: &Value) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (group, plural) = (text(&definition["spec"]["group"]), text(&definition["spec"]["names"]["plural"]));
    let keys: Vec<ObjectKey> = state.store.of_kind(&group, &plural, "").map(|(key, _)| key.clone()).collect();
    for key in keys {
        state.erase(&key);
    }
    state.kinds.forget(definition);
}
