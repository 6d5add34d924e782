//! Owners and dependents.
//! <https://kubernetes.io/docs/concepts/architecture/garbage-collection/>

use serde_json::{Value, json};

use crate::kubernetes::items;
use crate::kubernetes::state::ClusterState;
use crate::kubernetes::store::ObjectKey;
use crate::kubernetes::write::{DeleteOptions, FOREGROUND, ORPHAN};

use super::CONTROLLER;

fn references(object: &Value) -> impl Iterator<Item = &Value> {
    items(&object["metadata"]["ownerReferences"]).iter()
}

fn key_of(state: &ClusterState, key: &ObjectKey, reference: &Value) -> Option<ObjectKey> {
    let text = |name: &str| reference[name].as_str().unwrap_or_default();
    let kind = state.kinds.named(text("apiVersion"), text("kind"))?;
    let namespace = if kind.namespaced { key.namespace.as_str() } else { "" };
    Some(ObjectKey::of(kind, namespace, text("name")))
}

/// The owners that an object names, whether they exist or not.
pub(super) fn owners(state: &ClusterState, key: &ObjectKey, object: &Value) -> Vec<ObjectKey> {
    references(object).filter_map(|reference| key_of(state, key, reference)).collect()
}

/// The owner that controls an object.
pub(super) fn controller(state: &ClusterState, key: &ObjectKey, object: &Value) -> Option<ObjectKey> {
    let reference = references(object).find(|reference| reference["controller"] == json!(true))?;
    key_of(state, key, reference)
}

/// The objects that name this one as an owner.
pub(super) fn dependents(state: &ClusterState, owner: &Value) -> Vec<ObjectKey> {
    let uid = &owner["metadata"]["uid"];
    let named = |object: &Value| references(object).any(|reference| reference["uid"] == *uid);
    state.store.all().filter(|(_, object)| named(object)).map(|(key, _)| key.clone()).collect()
}

/// Deletes an object whose owners are all gone, and does what its deletion waits for. True when nothing else is to be done.
pub(super) fn collect(state: &mut ClusterState, key: &ObjectKey, object: &Value) -> bool {
    if object["metadata"]["deletionTimestamp"].is_string() {
        let held = object["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
        if held.contains(&json!(ORPHAN)) {
            orphan(state, object);
            release(state, key, object, ORPHAN);
            return true;
        }
        if held.contains(&json!(FOREGROUND)) {
            foreground(state, key, object);
            return true;
        }
        return false;
    }
    let mut owned = false;
    for reference in references(object) {
        owned = true;
        let Some(owner) = key_of(state, key, reference) else { return false };
        let uid = |owner: &Value| owner["metadata"]["uid"] == reference["uid"];
        if state.store.get(&owner).is_some_and(uid) {
            return false;
        }
    }
    if owned {
        delete(state, key, "Background");
    }
    owned
}

fn delete(state: &mut ClusterState, key: &ObjectKey, propagation: &str) {
    let Some(kind) = state.kinds.of(&key.group, &key.plural).cloned() else { return };
    let options = DeleteOptions { propagation: propagation.to_owned(), ..DeleteOptions::default() };
    // It may be gone by now, which is what is wanted.
    let _ = state.delete(&kind, &key.namespace, &key.name, &options);
}

/// Takes the owner out of what it owned.
fn orphan(state: &mut ClusterState, owner: &Value) {
    for key in dependents(state, owner) {
        let Some(mut object) = state.store.get(&key).cloned() else { continue };
        if let Some(references) = object["metadata"]["ownerReferences"].as_array_mut() {
            references.retain(|reference| reference["uid"] != owner["metadata"]["uid"]);
        }
        state.write_object(&key, object, CONTROLLER);
    }
}

/// Deletes what blocks the deletion of its owner; when none is left, the owner goes.
fn foreground(state: &mut ClusterState, key: &ObjectKey, owner: &Value) {
    let left = dependents(state, owner);
    if left.is_empty() {
        return release(state, key, owner, FOREGROUND);
    }
    for dependent in left {
        let going =
            state.store.get(&dependent).is_some_and(|one| one["metadata"]["deletionTimestamp"].is_string());
        if !going {
            delete(state, &dependent, "Foreground");
        }
    }
}

/// Removes a finalizer; the object is gone when it was the last.
fn release(state: &mut ClusterState, key: &ObjectKey, object: &Value, finalizer: &str) {
    let mut object = object.clone();
    if let Some(held) = object["metadata"]["finalizers"].as_array_mut() {
        held.retain(|one| one != finalizer);
    }
    state.write_object(key, object, CONTROLLER);
}
