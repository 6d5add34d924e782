//! POST, and the first apply.

use serde_json::{Value, json};

use super::{Options, Written, check, check_kind, check_names, defaults, is_counted, put, validate};
use crate::kubernetes::controllers::{addresses, admit};
use crate::kubernetes::fields::managers::track_update;
use crate::kubernetes::kinds::Kind;
use crate::kubernetes::refusal::Refusal;
use crate::kubernetes::state::ClusterState;
use crate::kubernetes::store::ObjectKey;

impl ClusterState {
    /// POST: creates an object.
    pub(crate) fn create(
        &mut self,
        kind: &Kind,
        namespace: &str,
        mut object: Value,
        options: &Options,
    ) -> Result<Written, Refusal> {
        check_kind(kind, &mut object)?;
        check_names(&mut object, namespace, "")?;
        let warnings = check::decode(kind, &mut object, options.validation)?;
        let metadata = &mut object["metadata"];
        let prefix = metadata["generateName"].as_str().filter(|prefix| !prefix.is_empty()).map(str::to_owned);
        if let Some(prefix) = prefix.filter(|_| metadata["name"].is_null()) {
            let tail: String = self.ids.hex32().chars().take(5).collect();
            metadata["name"] = format!("{prefix}{tail}").into();
        }
        let object = self.add(kind, namespace, object, options, false)?;
        Ok(Written { object, created: true, warnings })
    }

    /// Adds an object. `tracked`: its managed fields are right already.
    pub(super) fn add(
        &mut self,
        kind: &Kind,
        namespace: &str,
        mut object: Value,
        options: &Options,
        tracked: bool,
    ) -> Result<Value, Refusal> {
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        self.check_namespace(kind, namespace, &name)?;
        admit(self, kind, namespace, &object)?;
        if kind.has("status") {
            put(&mut object, "status", None);
        }
        for server in ["uid", "resourceVersion", "deletionTimestamp", "selfLink", "generation"] {
            put(&mut object["metadata"], server, None);
        }
        object["metadata"]["uid"] = self.ids.uuid().into();
        object["metadata"]["creationTimestamp"] = self.stamp().into();
        if is_counted(kind) {
            object["metadata"]["generation"] = json!(1);
        }
        defaults::fill(kind, &mut object);
        self.prepare(kind, &mut object);
        let problems = validate::problems(kind, &object);
        if !problems.is_empty() {
            return Err(Refusal::invalid(kind, &name, &problems));
        }
        let key = ObjectKey::of(kind, namespace, &name);
        if self.store.get(&key).is_some() {
            return Err(Refusal::exists(kind, &name));
        }
        if !tracked {
            put(&mut object["metadata"], "managedFields", None);
            track_update(None, &mut object, &kind.schema, &self.writer(kind, options));
        }
        if options.dry_run {
            return Ok(object);
        }
        Ok(self.commit(&key, object))
    }

    /// What the server writes into a new object beside constant defaults.
    fn prepare(&mut self, kind: &Kind, object: &mut Value) {
        match (kind.group.as_str(), kind.kind.as_str()) {
            ("", "Pod") => {
                object["status"] = json!({ "phase": "Pending", "qosClass": "BestEffort" });
                if object["spec"]["serviceAccountName"].is_null() {
                    object["spec"]["serviceAccountName"] = json!("default");
                    object["spec"]["serviceAccount"] = json!("default");
                }
            }
            ("", "PersistentVolumeClaim") => object["status"] = json!({ "phase": "Pending" }),
            ("", "Service") => addresses(self, object),
            ("batch", "Job") => label_job(object),
            _ => {}
        }
    }
}

/// The labels that tell a Job's pods from others, by its UID, and the selector for them.
fn label_job(object: &mut Value) {
    if object["spec"]["manualSelector"] == json!(true) {
        return;
    }
    let (uid, name) = (object["metadata"]["uid"].clone(), object["metadata"]["name"].clone());
    object["spec"]["selector"] = json!({ "matchLabels": { "batch.kubernetes.io/controller-uid": uid } });
    let labels = &mut object["spec"]["template"]["metadata"]["labels"];
    for (label, value) in [
        ("batch.kubernetes.io/controller-uid", &uid),
        ("batch.kubernetes.io/job-name", &name),
        ("controller-uid", &uid),
        ("job-name", &name),
    ] {
        labels[label] = value.clone();
    }
}
