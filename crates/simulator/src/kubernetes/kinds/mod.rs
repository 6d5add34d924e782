//! The kinds of a cluster: the built-in ones, and those that CustomResourceDefinitions add.

mod built_in;
mod custom;
mod schema;

use std::sync::Arc;

use serde_json::Value;

pub(crate) use schema::{Key, Scalar, Schema};

/// A kind as the API serves it ("resource" in Kubernetes' words) in one version.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Kind {
    /// Empty for the core group.
    pub(crate) group: String,
    pub(crate) version: String,
    /// `Deployment`.
    pub(crate) kind: String,
    /// `deployments`, as in paths.
    pub(crate) plural: String,
    pub(crate) singular: String,
    pub(crate) short: Vec<String>,
    pub(crate) namespaced: bool,
    pub(crate) subresources: Vec<String>,
    pub(crate) schema: Schema,
}

/// Shared, since every request holds one.
pub(crate) type KindRef = Arc<Kind>;

impl Kind {
    /// `apps/v1`, or `v1`.
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// `deployments.apps`, as messages name it.
    pub(crate) fn qualified(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// `Deployment.apps`, as messages about invalid objects name it.
    pub(crate) fn qualified_kind(&self) -> String {
        if self.group.is_empty() { self.kind.clone() } else { format!("{}.{}", self.kind, self.group) }
    }

    pub(crate) fn has(&self, subresource: &str) -> bool {
        self.subresources.iter().any(|one| one == subresource)
    }

    /// Its name in paths, which tells kinds apart whatever their version.
    pub(crate) fn is(&self, group: &str, plural: &str) -> bool {
        self.group == group && self.plural == plural
    }
}

/// All kinds that are served.
#[derive(Debug, Clone)]
pub(crate) struct Kinds {
    all: Vec<KindRef>,
}

impl Kinds {
    pub(crate) fn built_in() -> Self {
        let all =
            built_in::ROWS.iter().map(|&(group, version, plural, kind, short, namespaced, subresources)| {
                Arc::new(Kind {
                    group: group.to_owned(),
                    version: version.to_owned(),
                    kind: kind.to_owned(),
                    plural: plural.to_owned(),
                    singular: kind.to_lowercase(),
                    short: Some(short.to_owned()).filter(|short| !short.is_empty()).into_iter().collect(),
                    namespaced,
                    subresources: subresources.iter().map(|&one| one.to_owned()).collect(),
                    schema: Schema::built_in(kind),
                })
            });
        Self { all: all.collect() }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &KindRef> {
        self.all.iter()
    }

    /// By its place in paths.
    pub(crate) fn find(&self, group: &str, version: &str, plural: &str) -> Option<&KindRef> {
        self.all.iter().find(|kind| kind.is(group, plural) && kind.version == version)
    }

    /// By `apiVersion` and `kind`, as references name it.
    pub(crate) fn named(&self, api_version: &str, kind: &str) -> Option<&KindRef> {
        self.all.iter().find(|one| one.kind == kind && one.api_version() == api_version)
    }

    /// A kind, in the first of its versions.
    pub(crate) fn of(&self, group: &str, plural: &str) -> Option<&KindRef> {
        self.all.iter().find(|kind| kind.is(group, plural))
    }

    /// Serves what a definition defines.
    pub(crate) fn define(&mut self, definition: &Value) {
        self.forget(definition);
        self.all.extend(custom::kinds_of(definition).into_iter().map(Arc::new));
    }

    /// Serves it no more.
    pub(crate) fn forget(&mut self, definition: &Value) {
        let spec = &definition["spec"];
        let (group, plural) = (spec["group"].as_str(), spec["names"]["plural"].as_str());
        self.all.retain(|kind| group != Some(kind.group.as_str()) || plural != Some(kind.plural.as_str()));
    }
}
