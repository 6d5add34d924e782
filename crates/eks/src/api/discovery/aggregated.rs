//! The aggregated form: all groups of a root in one answer.
//! <https://kubernetes.io/docs/concepts/overview/kubernetes-api/#aggregated-discovery>

use serde::Deserialize;
use serde_json::Value;

use super::Discovery;
use crate::api::object::ApiResource;

/// Asks for the aggregated form, in its final or its first version, and takes the old one.
pub(super) const ACCEPT: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
                                 application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

#[derive(Deserialize, Default)]
#[serde(default)]
struct Groups {
    items: Vec<Group>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Group {
    metadata: Metadata,
    versions: Vec<Version>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Metadata {
    name: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Version {
    version: String,
    resources: Vec<Resource>,
    /// `Stale`: the group's own server did not answer.
    freshness: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Resource {
    resource: String,
    response_kind: Option<Kind>,
    scope: String,
    verbs: Vec<String>,
    subresources: Vec<Subresource>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Subresource {
    subresource: String,
}

/// The group and version of a resource; empty where they are those that it is listed under.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Kind {
    kind: String,
}

/// Adds what is in an answer.
pub(in crate::api) fn read(answer: &Value, found: &mut Discovery) {
    let groups = Groups::deserialize(answer).unwrap_or_default();
    for group in groups.items {
        for version in group.versions {
            if version.freshness == "Stale" {
                found.silent.push(format!("{}/{}", group.metadata.name, version.version));
            }
            for resource in version.resources {
                found.add(ApiResource {
                    group: group.metadata.name.clone(),
                    version: version.version.clone(),
                    kind: resource.response_kind.unwrap_or_default().kind,
                    plural: resource.resource,
                    namespaced: resource.scope == "Namespaced",
                    verbs: resource.verbs,
                    has_status: resource.subresources.iter().any(|one| one.subresource == "status"),
                });
            }
        }
    }
}
