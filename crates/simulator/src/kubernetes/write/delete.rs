//! DELETE, and what becomes of the objects that the deleted one owned.
//! <https://kubernetes.io/docs/concepts/architecture/garbage-collection/>

use serde_json::{Value, json};

use crate::kubernetes::kinds::Kind;
use crate::kubernetes::refusal::Refusal;
use crate::kubernetes::state::ClusterState;
use crate::kubernetes::store::ObjectKey;

/// How to delete: the body of the request, or its query.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeleteOptions {
    pub(crate) uid: Option<String>,
    pub(crate) resource_version: Option<String>,
    /// `Background`, `Foreground` or `Orphan`; empty: what the kind does by default, which is in the background.
    pub(crate) propagation: String,
    pub(crate) dry_run: bool,
    pub(crate) grace_seconds: Option<u64>,
}

impl DeleteOptions {
    pub(crate) fn of(body: &Value) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Self {
            uid: text(&body["preconditions"]["uid"]),
            resource_version: text(&body["preconditions"]["resourceVersion"]),
            propagation: text(&body["propagationPolicy"]).unwrap_or_default(),
            dry_run: body["dryRun"].as_array().is_some_and(|modes| !modes.is_empty()),
            grace_seconds: body["gracePeriodSeconds"].as_u64(),
        }
    }
}

/// How deletion of the dependents first is marked.
pub(crate) const FOREGROUND: &str = "foregroundDeletion";
/// How leaving the dependents alone is marked.
pub(crate) const ORPHAN: &str = "orphan";

impl ClusterState {
    /// DELETE of one object. The answer is a `Status` when it is gone, and the object while something holds it.
    pub(crate) fn delete(
        &mut self,
        kind: &Kind,
        namespace: &str,
        name: &str,
        options: &DeleteOptions,
    ) -> Result<Value, Refusal> {
        let key = ObjectKey::of(kind, namespace, name);
        let live = self.store.get(&key).cloned().ok_or_else(|| Refusal::not_found(kind, name))?;
        check_preconditions(kind, name, &live, options)?;
        let mut going = live.clone();
        let mut finalizers: Vec<Value> =
            live["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
        for (policy, mark) in [("Foreground", FOREGROUND), ("Orphan", ORPHAN)] {
            if options.propagation == policy && !finalizers.contains(&json!(mark)) {
                finalizers.push(json!(mark));
            }
        }
        // A pod gets time to end, and a namespace to be emptied: both are gone later.
        let ends_later = kind.is("", "namespaces")
            || (kind.is("", "pods")
                && options.grace_seconds != Some(0)
                && !matches!(live["status"]["phase"].as_str(), Some("Succeeded" | "Failed"))
                && live["spec"]["nodeName"].is_string());
        if options.dry_run {
            return Ok(if finalizers.is_empty() && !ends_later { gone(kind, name, &live) } else { going });
        }
        if finalizers.is_empty() && !ends_later {
            self.erase(&key);
            return Ok(gone(kind, name, &live));
        }
        if going["metadata"]["deletionTimestamp"].is_null() {
            going["metadata"]["deletionTimestamp"] = self.stamp().into();
            let grace = if kind.is("", "pods") { options.grace_seconds.unwrap_or(30) } else { 0 };
            going["metadata"]["deletionGracePeriodSeconds"] = grace.into();
        }
        if !finalizers.is_empty() {
            going["metadata"]["finalizers"] = finalizers.into();
        }
        if kind.is("", "namespaces") {
            going["status"]["phase"] = json!("Terminating");
        }
        Ok(if going == live { going } else { self.commit(&key, going) })
    }
}

fn check_preconditions(
    kind: &Kind,
    name: &str,
    live: &Value,
    options: &DeleteOptions,
) -> Result<(), Refusal> {
    let metadata = &live["metadata"];
    for (what, wanted, there) in [
        ("UID", &options.uid, &metadata["uid"]),
        ("ResourceVersion", &options.resource_version, &metadata["resourceVersion"]),
    ] {
        let there = there.as_str().unwrap_or_default();
        if let Some(wanted) = wanted.as_deref().filter(|wanted| *wanted != there) {
            let why = format!(
                "Precondition failed: {what} in precondition: {wanted}, {what} in object meta: {there}"
            );
            return Err(Refusal::conflict(kind, name, &why));
        }
    }
    Ok(())
}

/// What is answered about an object that is gone.
fn gone(kind: &Kind, name: &str, object: &Value) -> Value {
    let mut details = json!({ "name": name });
    if !kind.group.is_empty() {
        details["group"] = kind.group.as_str().into();
    }
    details["kind"] = kind.plural.as_str().into();
    details["uid"] = object["metadata"]["uid"].clone();
    json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details })
}
