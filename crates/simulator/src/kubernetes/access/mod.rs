//! Who calls, and what they may do.

pub(crate) mod token;

use serde_json::json;

use super::asked::{Path, Place};
use super::refusal::Refusal;
use super::state::ClusterState;

/// A caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    /// The name that Kubernetes knows it by: the ARN, as for access entries that name no other.
    pub(crate) name: String,
    /// Its account; empty for callers that are not of AWS.
    pub(crate) account: String,
    /// Everything is allowed: it acts for the test, and not for a client.
    pub(crate) trusted: bool,
}

impl User {
    pub(crate) fn anonymous() -> Self {
        Self { name: "system:anonymous".to_owned(), account: String::new(), trusted: false }
    }

    pub(crate) fn trusted(name: &str) -> Self {
        Self { name: name.to_owned(), account: String::new(), trusted: true }
    }

    fn is_anonymous(&self) -> bool {
        self.name == "system:anonymous"
    }
}

/// Paths that everybody may read: the binding `system:public-info-viewer`.
const PUBLIC: [&str; 4] = ["/healthz", "/livez", "/readyz", "/version"];

impl ClusterState {
    /// Refuses what the caller may not do.
    pub(crate) fn authorise(&self, user: &User, verb: &str, path: &Path, raw: &str) -> Result<(), Refusal> {
        if user.trusted {
            return Ok(());
        }
        let Path::Object(place) = path else {
            if user.is_anonymous() && !PUBLIC.contains(&raw) {
                return Err(Refusal::forbidden_path(&user.name, verb, raw));
            }
            return Ok(());
        };
        let resource = resource_name(place);
        let denied = self.setup.denied.iter().any(|denial| denial.fits(verb, &resource, &place.namespace));
        if !denied && !user.is_anonymous() {
            return Ok(());
        }
        let scope = if place.namespace.is_empty() {
            "at the cluster scope".to_owned()
        } else {
            format!("in the namespace {:?}", place.namespace)
        };
        let (bare, group) = (in_group(place), &place.group);
        let why =
            format!("User {:?} cannot {verb} resource {bare:?} in API group {group:?} {scope}", user.name);
        Err(forbidden(place, &why))
    }
}

fn in_group(place: &Place) -> String {
    if place.subresource.is_empty() {
        place.plural.clone()
    } else {
        format!("{}/{}", place.plural, place.subresource)
    }
}

/// `deployments.apps`, `pods/log`.
fn resource_name(place: &Place) -> String {
    let mut name = place.plural.clone();
    if !place.group.is_empty() {
        name = format!("{name}.{}", place.group);
    }
    if !place.subresource.is_empty() {
        name = format!("{name}/{}", place.subresource);
    }
    name
}

fn forbidden(place: &Place, why: &str) -> Refusal {
    let qualified = if place.group.is_empty() {
        place.plural.clone()
    } else {
        format!("{}.{}", place.plural, place.group)
    };
    let named = if place.name.is_empty() { qualified } else { format!("{qualified} {:?}", place.name) };
    let mut refusal = Refusal::of(403, "Forbidden", &format!("{named} is forbidden: {why}"));
    let mut details = json!({ "kind": place.plural });
    for (member, value) in [("name", &place.name), ("group", &place.group)] {
        if !value.is_empty() {
            details[member] = value.as_str().into();
        }
    }
    *refusal.details = details;
    refusal
}
