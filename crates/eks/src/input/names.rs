//! Namespaces, and that no object is there twice.

use std::collections::HashMap;

use landfall_core::Cause;

use super::document::Node;
use super::objects::{Manifest, Scope};

/// The namespace of a client that names none.
pub(crate) const DEFAULT_NAMESPACE: &str = "default";

/// Puts the default namespace in where it belongs, and finds objects that are there twice.
pub(super) fn settle(manifests: &mut [Manifest], default: Option<&str>, problems: &mut Vec<Cause>) {
    let declared = declared_scopes(manifests);
    for manifest in manifests.iter_mut() {
        if manifest.scope == Scope::Unknown
            && let Some(scope) = declared.get(&(manifest.group().to_owned(), manifest.kind.clone()))
        {
            manifest.scope = *scope;
        }
        // The server clears what an object of the cluster says about a namespace, and so does its name here.
        if manifest.scope == Scope::Cluster {
            manifest.namespace = None;
        } else if manifest.namespace.is_none()
            && manifest.scope == Scope::Namespaced
            && let Some(default) = default
        {
            manifest.namespace = Some(default.to_owned());
            if let Some(metadata) = manifest.root.member_mut("metadata") {
                metadata.set("namespace", Node::text(default));
            }
        }
    }
    twice(manifests, default.unwrap_or(DEFAULT_NAMESPACE), problems);
}

/// What the CustomResourceDefinitions among the manifests say about their kinds.
fn declared_scopes(manifests: &[Manifest]) -> HashMap<(String, String), Scope> {
    let crds = manifests.iter().filter(|manifest| manifest.kind == "CustomResourceDefinition");
    crds.filter_map(|crd| {
        let text = |path: &[&str]| crd.root.find(path).and_then(Node::as_str);
        let scope = match text(&["spec", "scope"])? {
            "Namespaced" => Scope::Namespaced,
            "Cluster" => Scope::Cluster,
            _ => return None,
        };
        Some(((text(&["spec", "group"])?.to_owned(), text(&["spec", "names", "kind"])?.to_owned()), scope))
    })
    .collect()
}

/// The version is no part of an object's identity: `apps/v1` and another version of `apps` are views of one object.
fn twice(manifests: &[Manifest], default: &str, problems: &mut Vec<Cause>) {
    let mut known: HashMap<(&str, &str, &str, &str), &Manifest> = HashMap::new();
    for manifest in manifests {
        let namespace = match manifest.scope {
            Scope::Cluster => "",
            _ => manifest.namespace.as_deref().unwrap_or(default),
        };
        let identity = (manifest.group(), manifest.kind(), namespace, manifest.name());
        if let Some(first) = known.insert(identity, manifest) {
            let place = first.location();
            let message = format!(
                "it stands here for the second time, and before in {place}, document {}",
                first.document()
            );
            let problem = manifest.problem(manifest.origin.at, "metadata.name", message);
            problems
                .push(problem.with_hint("keep one of them: the later one would silently replace the other"));
        }
    }
}
