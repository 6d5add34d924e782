//! Namespaces: what each begins with, and how one ends.

use serde_json::{Value, json};

use crate::clock::ms;
use crate::kubernetes::state::ClusterState;
use crate::kubernetes::store::ObjectKey;
use crate::kubernetes::write::Options;

use super::CONTROLLER;

pub(super) fn look(state: &mut ClusterState, key: &ObjectKey, namespace: &Value) {
    if namespace["metadata"]["deletionTimestamp"].is_string() {
        if state.waited(key, ms(state.setup.deletion_ms)) {
            empty(state, key);
        }
        return;
    }
    for (plural, mut object) in [
        ("serviceaccounts", json!({ "metadata": { "name": "default" } })),
        ("configmaps", json!({ "metadata": { "name": "kube-root-ca.crt" }, "data": { "ca.crt": "" } })),
    ] {
        if let Some(kind) = state.kinds.of("", plural).cloned() {
            object["metadata"]["namespace"] = key.name.as_str().into();
            // Where it exists already, it stays.
            let _ = state.create(&kind, &key.name, object, &Options::of(CONTROLLER));
        }
    }
}

/// Deletes what is in the namespace; when nothing is left, the namespace is gone.
fn empty(state: &mut ClusterState, key: &ObjectKey) {
    let inside: Vec<ObjectKey> =
        state.store.all().map(|(key, _)| key).filter(|one| one.namespace == key.name).cloned().collect();
    let mut held = false;
    for one in inside {
        let finalizers =
            |object: &Value| object["metadata"]["finalizers"].as_array().is_some_and(|all| !all.is_empty());
        if state.store.get(&one).is_some_and(finalizers) {
            held = true;
        } else {
            state.erase(&one);
        }
    }
    if held {
        state.look_after(key, ms(state.setup.deletion_ms.max(1)));
    } else {
        state.erase(key);
    }
}
