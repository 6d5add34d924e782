//! Who owns which field, and what is done when that is not landfall.
//!
//! Server-side apply refuses to change a field that another manager has set to another value, and names both
//! (<https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts>). To force everything is what lets a
//! deployment fight with an autoscaler or with Argo CD; to force nothing stops at every `kubectl edit`. So it is
//! decided by manager and field:
//!
//! | manager | field | what is done |
//! |---|---|---|
//! | `kubectl` and its like, Rancher, k9s, kluctl: people | any | taken over, with a warning |
//! | any other, by the subresource `scale`: an autoscaler | `spec.replicas` | left to it; a new object still gets it |
//! | any other: Argo CD, Flux, Helm, operators | any | refused, with field, manager and both values |
//!
//! [`decide`] is pure. [`migrate`] gives the patch that makes landfall the owner of what `kubectl apply` without
//! `--server-side` has set: without it a field that is taken out of a manifest would stay
//! (<https://github.com/kubernetes/kubernetes/issues/99003>).

mod field;
mod migrate;
#[cfg(test)]
mod tests;

use landfall_core::{Cause, Error, ErrorKind};
use serde_json::Value;

use crate::api::Status;
use crate::hidden::is_hidden;

pub use field::value_at;
pub(crate) use migrate::LAST_APPLIED;
pub use migrate::migrate;

/// The field that autoscalers set.
pub(crate) const REPLICAS: [&str; 2] = ["spec", "replicas"];

/// What is done with fields of other managers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ConflictPolicy {
    /// By manager and field, as [the module](self) tells.
    #[default]
    Careful,
    /// Nothing is taken over, also from people; replicas are left to an autoscaler.
    Refuse,
    /// Everything is taken over, also from controllers, which may take it back; replicas are left to an autoscaler.
    TakeOver,
}

/// A field that another manager has set to another value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldConflict {
    /// As the server writes it: `.spec.template.spec.containers[name="web"].image`.
    pub field: String,
    /// `kubectl-edit`.
    pub manager: String,
    /// `scale`, `status`; empty for the object itself.
    pub subresource: String,
}

/// What is done about the conflicts of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It is applied again.
    Again {
        /// Fields that are taken over: by force.
        taken: Vec<FieldConflict>,
        /// Without `spec.replicas`, which an autoscaler sets.
        without_replicas: bool,
    },
    /// It is not applied, because of these.
    Refused(Vec<FieldConflict>),
}

/// The conflicts that a status names.
#[must_use]
pub fn conflicts(status: &Status) -> Vec<FieldConflict> {
    let of_fields = status.details.causes.iter().filter(|cause| cause.reason == "FieldManagerConflict");
    of_fields
        .map(|cause| {
            // conflict with "kube-controller-manager" with subresource "scale" using apps/v1 at 2026-01-01T00:00:00Z
            let quoted = |after: &str| {
                let (_, rest) = cause.message.split_once(after)?;
                rest.split_once('"').map(|(name, _)| name.to_owned())
            };
            FieldConflict {
                field: cause.field.clone(),
                manager: quoted("conflict with \"").unwrap_or_else(|| cause.message.clone()),
                subresource: quoted("with subresource \"").unwrap_or_default(),
            }
        })
        .collect()
}

/// What to do about conflicts; there is one at least.
#[must_use]
pub fn decide(policy: ConflictPolicy, conflicts: &[FieldConflict]) -> Decision {
    let (mut taken, mut refused, mut without_replicas) = (Vec::new(), Vec::new(), false);
    for conflict in conflicts {
        let of_person = is_person(&conflict.manager);
        let of_autoscaler = conflict.subresource == "scale" && conflict.field == ".spec.replicas";
        match policy {
            ConflictPolicy::Careful if of_person => taken.push(conflict.clone()),
            _ if of_autoscaler && !of_person => without_replicas = true,
            ConflictPolicy::TakeOver => taken.push(conflict.clone()),
            _ => refused.push(conflict.clone()),
        }
    }
    if refused.is_empty() { Decision::Again { taken, without_replicas } } else { Decision::Refused(refused) }
}

/// Managers that people set fields under by hand. `kubectl scale` is one of them: what it sets is what the manifest is
/// to put right.
fn is_person(manager: &str) -> bool {
    let named = ["kubectl", "rancher", "k9s", "kluctl", "before-first-apply"].contains(&manager);
    named || ["kubectl-", "rancher-", "kluctl-"].iter().any(|start| manager.starts_with(start))
}

/// The refusal of an object, `Deployment shop/web`, that other managers own fields of. `theirs` is the object as it is,
/// `ours` as it was to be; values of a Secret (`hidden`) are not told, nor those of variables and of what is named like
/// a secret.
#[must_use]
pub fn refusal(
    subject: &str,
    refused: &[FieldConflict],
    theirs: &Value,
    ours: &Value,
    hidden: bool,
) -> Error {
    let mut managers: Vec<&str> = refused.iter().map(|conflict| conflict.manager.as_str()).collect();
    managers.sort_unstable();
    managers.dedup();
    let count = if refused.len() == 1 { "a field".to_owned() } else { format!("{} fields", refused.len()) };
    let message = format!(
        "{subject} is not applied: {count} of it belong{} to {}",
        plural(refused.len()),
        managers.join(", ")
    );
    let causes = refused.iter().map(|conflict| {
        let shown = |object: &Value| match value_at(object, &conflict.field) {
            Some(_) if hidden || is_hidden(&conflict.field) => "****".to_owned(),
            Some(value) => short(&value.to_string()),
            None => "nothing".to_owned(),
        };
        let FieldConflict { field, manager, subresource } = conflict;
        let by =
            if subresource.is_empty() { String::new() } else { format!(" by the subresource {subresource}") };
        let text = format!(
            "{field} is {} and set{by} by {manager}; the manifest says {}",
            shown(theirs),
            shown(ours)
        );
        Cause::new("field-conflict", text).in_field(field.as_str())
    });
    Error::new(ErrorKind::Conflict, message).with_causes(causes).with_hint(advice(&managers))
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "s" } else { "" }
}

/// Longest value that a line shows, in characters.
const LONGEST_VALUE: usize = 200;

fn short(text: &str) -> String {
    match text.char_indices().nth(LONGEST_VALUE) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

fn advice(managers: &[&str]) -> String {
    let is = |part: &str| managers.iter().any(|manager| manager.contains(part));
    let owner = if is("argocd") {
        "Argo CD puts its own value back: change it in the repository that Argo CD deploys from, or take the object out of its \
         application"
    } else if is("kustomize-controller") || is("helm-controller") || is("flux") {
        "Flux puts its own value back: change it in the repository that Flux deploys from, or take the object out of it"
    } else if is("helm") {
        "a Helm release owns the object: change the values of the release, or uninstall it and keep the object"
    } else {
        "take the field out of the manifest and leave it to that manager"
    };
    format!("{owner}; to take it over all the same, ask for it (conflicts: take over)")
}
