//! PUT, and the `scale` of workloads.

use serde_json::{Value, json};

use super::{Options, Written, check, check_kind, check_names};
use crate::kubernetes::kinds::Kind;
use crate::kubernetes::refusal::Refusal;
use crate::kubernetes::state::ClusterState;
use crate::kubernetes::store::ObjectKey;

impl ClusterState {
    /// PUT: replaces an object, or its status.
    pub(crate) fn update(
        &mut self,
        kind: &Kind,
        namespace: &str,
        name: &str,
        mut object: Value,
        options: &Options,
    ) -> Result<Written, Refusal> {
        if options.subresource == "scale" {
            return self.update_scale(kind, namespace, name, &object, options);
        }
        check_kind(kind, &mut object)?;
        check_names(&mut object, namespace, name)?;
        let warnings = check::decode(kind, &mut object, options.validation)?;
        let key = ObjectKey::of(kind, namespace, name);
        let live = self.store.get(&key).cloned().ok_or_else(|| Refusal::not_found(kind, name))?;
        check_version(kind, name, &live, &object)?;
        let object = self.finish(kind, &key, &live, object, options, false)?;
        Ok(Written { object, created: false, warnings })
    }

    /// The `Scale` of a workload: its replicas and nothing else.
    pub(crate) fn scale(&self, kind: &Kind, namespace: &str, name: &str) -> Result<Value, Refusal> {
        let key = ObjectKey::of(kind, namespace, name);
        let live = self.store.get(&key).ok_or_else(|| Refusal::not_found(kind, name))?;
        let metadata = &live["metadata"];
        Ok(json!({
            "kind": "Scale",
            "apiVersion": "autoscaling/v1",
            "metadata": {
                "name": name,
                "namespace": namespace,
                "uid": metadata["uid"],
                "resourceVersion": metadata["resourceVersion"],
                "creationTimestamp": metadata["creationTimestamp"]
            },
            "spec": { "replicas": live["spec"]["replicas"] },
            "status": { "replicas": live["status"]["replicas"].as_u64().unwrap_or_default() }
        }))
    }

    /// Sets the replicas that a `Scale` asks for.
    pub(super) fn update_scale(
        &mut self,
        kind: &Kind,
        namespace: &str,
        name: &str,
        scale: &Value,
        options: &Options,
    ) -> Result<Written, Refusal> {
        let key = ObjectKey::of(kind, namespace, name);
        let live = self.store.get(&key).cloned().ok_or_else(|| Refusal::not_found(kind, name))?;
        check_version(kind, name, &live, scale)?;
        let Some(replicas) = scale["spec"]["replicas"].as_u64() else {
            return Err(Refusal::bad_request("spec.replicas is not a number of pods"));
        };
        let mut new = live.clone();
        new["spec"]["replicas"] = replicas.into();
        self.finish(kind, &key, &live, new, options, false)?;
        Ok(Written { object: self.scale(kind, namespace, name)?, created: false, warnings: Vec::new() })
    }
}

/// Refuses what was read before somebody else wrote, or belongs to an object that is gone.
pub(super) fn check_version(kind: &Kind, name: &str, live: &Value, sent: &Value) -> Result<(), Refusal> {
    let (live, sent) = (&live["metadata"], &sent["metadata"]);
    if let Some(uid) = sent["uid"].as_str().filter(|uid| live["uid"] != json!(uid)) {
        let there = live["uid"].as_str().unwrap_or_default();
        let why = format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {there}");
        return Err(Refusal::conflict(kind, name, &why));
    }
    match sent["resourceVersion"].as_str() {
        Some(version) if !version.is_empty() && live["resourceVersion"] != json!(version) => {
            Err(Refusal::modified(kind, name))
        }
        _ => Ok(()),
    }
}
