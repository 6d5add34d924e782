//! ControllerRevisions: the templates that StatefulSets and DaemonSets have had.

use serde_json::{Value, json};

use crate::kubernetes::state::ClusterState;

use super::workload::{controlled, count, create, name_of, owned_by, short_hash, text};

/// The label and the name of a revision.
pub(super) const HASH: &str = "controller-revision-hash";

/// The name of the revision of a workload's present template, which is made when it is new.
pub(super) fn current(state: &mut ClusterState, owner: &Value) -> String {
    let template = owner["spec"]["template"].clone();
    let name = format!("{}-{}", name_of(owner), short_hash(&template.to_string()));
    let revisions = controlled(state, owner, "apps", "controllerrevisions");
    if !revisions.iter().any(|revision| name_of(revision) == name) {
        let newest = revisions.iter().map(|revision| count(&revision["revision"])).max().unwrap_or_default();
        let revision = json!({
            "apiVersion": "apps/v1",
            "kind": "ControllerRevision",
            "metadata": {
                "name": name,
                "namespace": owner["metadata"]["namespace"],
                "labels": template["metadata"]["labels"],
                "ownerReferences": owned_by(owner)
            },
            "data": { "spec": { "template": template } },
            "revision": newest + 1
        });
        // A namespace that is going takes none.
        let _ = create(state, "apps", "controllerrevisions", revision);
    }
    name
}

/// The workload with the template of an older revision.
pub(super) fn at(state: &ClusterState, owner: &Value, name: &str) -> Value {
    let revisions = controlled(state, owner, "apps", "controllerrevisions");
    let mut owner = owner.clone();
    if let Some(revision) = revisions.iter().find(|revision| name_of(revision) == name) {
        owner["spec"]["template"] = revision["data"]["spec"]["template"].clone();
    }
    owner
}

/// The revision that a pod was made of, as `NAME-HASH`.
pub(super) fn of(pod: &Value) -> &str {
    text(&pod["metadata"]["labels"][HASH])
}
