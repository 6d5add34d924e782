//! Whether a pod may be made: what admission plug-ins say.
//! <https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/>

use serde_json::Value;

use super::quotas;
use super::workload::{behaviour, name_of, text, workload_of};
use crate::kubernetes::kinds::Kind;
use crate::kubernetes::refusal::Refusal;
use crate::kubernetes::setup::PodBehaviour;
use crate::kubernetes::state::ClusterState;
use crate::kubernetes::store::ObjectKey;

/// Refuses a pod whose service account is not there, that is beyond a quota, or that its rule refuses.
pub(crate) fn admit(state: &ClusterState, kind: &Kind, namespace: &str, pod: &Value) -> Result<(), Refusal> {
    if !kind.is("", "pods") {
        return Ok(());
    }
    let prefix = text(&pod["metadata"]["generateName"]);
    // A name that was made up is not told: nothing of it exists.
    let name = if prefix.is_empty() { name_of(pod) } else { prefix };
    let account = pod["spec"]["serviceAccountName"].as_str().unwrap_or("default");
    if state.store.get(&ObjectKey::new("", "serviceaccounts", namespace, account)).is_none() {
        let why = format!(
            "error looking up service account {namespace}/{account}: serviceaccount {account:?} not found"
        );
        return Err(Refusal::forbidden(kind, name, &why));
    }
    let (workload, owner) = workload_of(state, &ObjectKey::of(kind, namespace, name), pod);
    match behaviour(state, &workload, &owner, &pod["spec"]) {
        PodBehaviour::QuotaExceeded { quota } => {
            let why = quotas::exceeded(&quota, 0, 0);
            return Err(Refusal::forbidden(kind, name, &why));
        }
        PodBehaviour::Refused { message } => {
            return Err(Refusal::of(403, "Forbidden", &message.replace("{pod}", name)));
        }
        _ => {}
    }
    match quotas::beyond(state, namespace) {
        Some(why) => Err(Refusal::forbidden(kind, name, &why)),
        None => Ok(()),
    }
}
