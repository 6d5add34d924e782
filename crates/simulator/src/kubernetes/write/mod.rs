//! Everything that changes objects.
//!
//! All ways of writing end in [`ClusterState::finish`], which fills in defaults, holds the rules of the kind, keeps
//! `generation` and the managed fields, and stores the object unless that is a dry run or nothing has changed.

mod apply;
mod check;
mod create;
mod defaults;
mod delete;
mod patch;
mod update;
mod validate;

use serde_json::{Value, json};

pub(crate) use check::Validation;
pub(crate) use delete::{DeleteOptions, FOREGROUND, ORPHAN};
pub(crate) use patch::PatchKind;

use super::fields::managers::{Writer, track_update};
use super::kinds::Kind;
use super::refusal::Refusal;
use super::state::ClusterState;
use super::store::ObjectKey;

/// How to write.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    /// The field manager.
    pub(crate) manager: String,
    /// `status`, `scale`; empty for the object itself.
    pub(crate) subresource: String,
    pub(crate) dry_run: bool,
    /// For apply: take fields that others own.
    pub(crate) force: bool,
    pub(crate) validation: Validation,
}

impl Options {
    pub(crate) fn of(manager: &str) -> Self {
        Self { manager: manager.to_owned(), ..Self::default() }
    }

    /// For the status.
    pub(crate) fn status(manager: &str) -> Self {
        Self { subresource: "status".to_owned(), ..Self::of(manager) }
    }
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) object: Value,
    pub(crate) created: bool,
    /// For `Warning` headers.
    pub(crate) warnings: Vec<String>,
}

/// Groups whose objects count their changes in `metadata.generation`; custom resources do too. Pods do so from 1.33 on; here
/// they do not, and have no `observedGeneration` either.
const COUNTED: [&str; 6] =
    ["apps", "batch", "policy", "networking.k8s.io", "apiextensions.k8s.io", "admissionregistration.k8s.io"];

fn is_counted(kind: &Kind) -> bool {
    let custom = kind.group.contains('.') && !kind.group.ends_with(".k8s.io");
    (custom || COUNTED.contains(&kind.group.as_str())) && !kind.is("apps", "controllerrevisions")
}

/// The object without what does not count as a change of its specification.
fn counted_part(object: &Value) -> Value {
    let mut part = object.clone();
    if let Some(members) = part.as_object_mut() {
        members.retain(|name, _| !matches!(name.as_str(), "metadata" | "status" | "apiVersion" | "kind"));
    }
    part
}

/// Which parts a way of writing does not change.
fn reset(kind: &Kind, subresource: &str) -> &'static [&'static str] {
    match subresource {
        "status" => &["f:metadata", "f:spec"],
        "" if kind.has("status") => &["f:status"],
        _ => &[],
    }
}

impl ClusterState {
    pub(crate) fn writer(&self, kind: &Kind, options: &Options) -> Writer {
        Writer {
            manager: options.manager.clone(),
            api_version: kind.api_version(),
            subresource: options.subresource.clone(),
            now: self.stamp(),
            reset: reset(kind, &options.subresource),
        }
    }

    /// Refuses a namespace that is not there, or is going.
    fn check_namespace(&self, kind: &Kind, namespace: &str, name: &str) -> Result<(), Refusal> {
        if !kind.namespaced {
            return Ok(());
        }
        let found = self.namespace(namespace).ok_or_else(|| Refusal::no_such_namespace(namespace))?;
        if found["metadata"]["deletionTimestamp"].is_string() {
            return Err(Refusal::terminating(kind, name, namespace));
        }
        Ok(())
    }

    /// The end of every change of an object that exists. `tracked`: its managed fields are right already.
    fn finish(
        &mut self,
        kind: &Kind,
        key: &ObjectKey,
        live: &Value,
        mut new: Value,
        options: &Options,
        tracked: bool,
    ) -> Result<Value, Refusal> {
        keep_what_stays(live, &mut new);
        if options.subresource == "status" {
            let status = new.get("status").cloned();
            let managed = new["metadata"].get("managedFields").cloned();
            new = live.clone();
            put(&mut new, "status", status);
            put(&mut new["metadata"], "managedFields", managed);
        } else {
            if kind.has("status") {
                put(&mut new, "status", live.get("status").cloned());
            }
            defaults::fill(kind, &mut new);
            let mut problems = validate::problems(kind, &new);
            problems.extend(validate::changed(kind, live, &new));
            if !problems.is_empty() {
                return Err(Refusal::invalid(kind, &key.name, &problems));
            }
            if is_counted(kind) && counted_part(live) != counted_part(&new) {
                let generation = live["metadata"]["generation"].as_u64().unwrap_or_default();
                new["metadata"]["generation"] = (generation + 1).into();
            }
        }
        if !tracked {
            track_update(Some(live), &mut new, &kind.schema, &self.writer(kind, options));
        }
        if options.dry_run || new == *live {
            return Ok(new);
        }
        let deleted = new["metadata"]["deletionTimestamp"].is_string();
        let held = new["metadata"]["finalizers"].as_array().is_some_and(|held| !held.is_empty());
        let stored = self.commit(key, new);
        if deleted && !held && !kind.is("", "namespaces") {
            self.erase(key);
        }
        Ok(stored)
    }
}

impl ClusterState {
    /// A controller writes a status. Nothing is written when it is as it was; what the rules refuse stays as it is.
    pub(crate) fn write_status(&mut self, key: &ObjectKey, status: Value, manager: &str) {
        let Some(live) = self.store.get(key).cloned() else { return };
        let mut new = live.clone();
        new["status"] = status;
        self.write_as(key, &live, new, &Options::status(manager));
    }

    /// A controller writes an object.
    pub(crate) fn write_object(&mut self, key: &ObjectKey, new: Value, manager: &str) {
        let Some(live) = self.store.get(key).cloned() else { return };
        self.write_as(key, &live, new, &Options::of(manager));
    }

    fn write_as(&mut self, key: &ObjectKey, live: &Value, new: Value, options: &Options) {
        let Some(kind) = self.kinds.of(&key.group, &key.plural).cloned() else { return };
        // A controller that is refused tries again when it looks again.
        let _ = self.finish(&kind, key, live, new, options, false);
    }
}

/// Sets a member, or removes it.
fn put(object: &mut Value, name: &str, value: Option<Value>) {
    let Some(members) = object.as_object_mut() else { return };
    match value {
        Some(value) => members.insert(name.to_owned(), value),
        None => members.shift_remove(name),
    };
}

/// What nobody changes.
fn keep_what_stays(live: &Value, new: &mut Value) {
    for name in ["apiVersion", "kind"] {
        if new[name].is_null() {
            new[name] = live[name].clone();
        }
    }
    let metadata = live["metadata"].clone();
    for name in [
        "name",
        "namespace",
        "uid",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generation",
        "resourceVersion",
        "generateName",
    ] {
        put(&mut new["metadata"], name, metadata.get(name).cloned());
    }
}

/// Refuses a document that is of another kind, or has no metadata to speak of.
fn check_kind(kind: &Kind, object: &mut Value) -> Result<(), Refusal> {
    if !object.is_object() {
        return Err(Refusal::bad_request("the object provided is unrecognized: it is not a JSON object"));
    }
    for (name, expected) in [("apiVersion", kind.api_version()), ("kind", kind.kind.clone())] {
        if object[name].is_null() {
            object[name] = expected.into();
        } else if object[name] != json!(expected) {
            let what = if name == "kind" { "kind" } else { "API version" };
            let sent = object[name].as_str().unwrap_or_default();
            return Err(Refusal::bad_request(format!(
                "the {what} in the data ({sent}) does not match the expected {what} ({expected})"
            )));
        }
    }
    match &object["metadata"] {
        Value::Object(_) => Ok(()),
        Value::Null => {
            object["metadata"] = json!({});
            Ok(())
        }
        _ => Err(Refusal::bad_request(format!(
            "{} in version {:?} cannot be handled as a {}: json: cannot unmarshal metadata into an object",
            kind.kind, kind.version, kind.kind
        ))),
    }
}

/// Refuses names that differ from those of the path, and sets them where they are missing.
fn check_names(object: &mut Value, namespace: &str, name: &str) -> Result<(), Refusal> {
    let metadata = &mut object["metadata"];
    let sent = metadata["namespace"].as_str().unwrap_or_default();
    if !sent.is_empty() && sent != namespace {
        return Err(Refusal::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    if !namespace.is_empty() {
        metadata["namespace"] = namespace.into();
    }
    let sent = metadata["name"].as_str().unwrap_or_default();
    if !name.is_empty() && !sent.is_empty() && sent != name {
        return Err(Refusal::bad_request(format!(
            "the name of the object ({sent}) does not match the name on the URL ({name})"
        )));
    }
    if !name.is_empty() {
        metadata["name"] = name.into();
    }
    Ok(())
}
