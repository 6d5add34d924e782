//! Kinds as the cluster serves them, objects by their names, and objects as the server tells them.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::input::DEFAULT_NAMESPACE;

/// A kind as the cluster serves it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ApiResource {
    /// `apps`; empty for the core group.
    pub group: String,
    /// `v1`.
    pub version: String,
    /// `Deployment`.
    pub kind: String,
    /// The name in addresses and in RBAC rules: `deployments`.
    pub plural: String,
    /// Whether its objects live in a namespace.
    pub namespaced: bool,
    /// What can be done with them: `get`, `list`, `watch`, `patch`, `delete` and others.
    pub verbs: Vec<String>,
    /// Whether its status is a subresource, which only its controller writes.
    pub has_status: bool,
}

impl ApiResource {
    /// `apps/v1`, or `v1` for the core group.
    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// Whether the server lets anybody do this with objects of this kind.
    #[must_use]
    pub fn can(&self, verb: &str) -> bool {
        self.verbs.iter().any(|known| known == verb)
    }

    /// The path of all objects of the kind, in one namespace or, without one, in all.
    #[must_use]
    pub fn collection(&self, namespace: Option<&str>) -> String {
        let root = match self.group.is_empty() {
            true => format!("/api/{}", self.version),
            false => format!("/apis/{}/{}", self.group, self.version),
        };
        match namespace.filter(|_| self.namespaced) {
            Some(namespace) => format!("{root}/namespaces/{}/{}", segment(namespace), self.plural),
            None => format!("{root}/{}", self.plural),
        }
    }
}

/// One object of a cluster by its name. Cloning is cheap enough to do it for each request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct At {
    resource: Arc<ApiResource>,
    namespace: Option<String>,
    name: String,
}

impl At {
    /// The object of this name. The namespace of a kind that has none is left out; a kind that needs one and gets none
    /// is in `default`, as with every client.
    #[must_use]
    pub fn new(resource: Arc<ApiResource>, namespace: Option<&str>, name: &str) -> Self {
        let namespace = resource.namespaced.then(|| namespace.unwrap_or(DEFAULT_NAMESPACE).to_owned());
        Self { resource, namespace, name: name.to_owned() }
    }

    /// Its kind.
    #[must_use]
    pub fn resource(&self) -> &Arc<ApiResource> {
        &self.resource
    }

    /// Its namespace, if its kind has one.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which object it is, whatever the version.
    #[must_use]
    pub fn key(&self) -> Key {
        Key {
            group: self.resource.group.clone(),
            kind: self.resource.kind.clone(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        }
    }

    /// The path to it.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}/{}", self.resource.collection(self.namespace()), segment(&self.name))
    }
}

/// `Deployment shop/web`.
impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.resource.kind, self.name),
            None => write!(f, "{} {}", self.resource.kind, self.name),
        }
    }
}

/// Which object: its version is no part of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// `apps`; empty for the core group.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// `Deployment`.
    pub kind: String,
    /// Its namespace; none for objects of the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

impl Key {
    /// `Deployment.apps`, `ConfigMap`.
    #[must_use]
    pub fn group_kind(&self) -> String {
        if self.group.is_empty() { self.kind.clone() } else { format!("{}.{}", self.kind, self.group) }
    }
}

/// `Deployment shop/web`.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

/// A name as a part of an address. Names hold neither blanks nor slashes; roles may hold colons.
fn segment(name: &str) -> String {
    form_urlencoded::byte_serialize(name.as_bytes()).collect()
}

/// An object as the server told it. `Debug` shows its name only: there may be secrets in it.
#[derive(Clone, PartialEq)]
pub struct Live(Value);

/// Who has set fields of an object: an entry of `metadata.managedFields`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manager<'a> {
    /// `kubectl-client-side-apply`.
    pub name: &'a str,
    /// `Apply` or `Update`.
    pub operation: &'a str,
    /// `status`, `scale`; empty for the object itself.
    pub subresource: &'a str,
    /// The version of the kind that the fields are those of: `apps/v1`.
    pub api_version: &'a str,
    /// The fields, in the form of `FieldsV1`.
    pub fields: &'a Value,
}

impl Live {
    /// An object of the server's.
    #[must_use]
    pub fn new(object: Value) -> Self {
        Self(object)
    }

    /// The whole of it. May hold secrets.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.0
    }

    /// The whole of it, to keep. May hold secrets.
    #[must_use]
    pub fn into_value(self) -> Value {
        self.0
    }

    /// The same with its kind, which items of lists do not say.
    #[must_use]
    pub(crate) fn of_kind(mut self, resource: &ApiResource) -> Self {
        if let Some(object) = self.0.as_object_mut() {
            object.insert("apiVersion".to_owned(), Value::String(resource.api_version()));
            object.insert("kind".to_owned(), Value::String(resource.kind.clone()));
        }
        self
    }

    /// Its kind; empty for items of lists, which do not say it.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.0["kind"].as_str().unwrap_or_default()
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.metadata("name")
    }

    /// Its namespace; empty when it has none.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.metadata("namespace")
    }

    /// What tells it from an earlier object of its name.
    #[must_use]
    pub fn uid(&self) -> &str {
        self.metadata("uid")
    }

    /// What changes with every write. Opaque.
    #[must_use]
    pub fn resource_version(&self) -> &str {
        self.metadata("resourceVersion")
    }

    /// What changes with every change of what is wanted; from 1. Kinds without a status have none.
    #[must_use]
    pub fn generation(&self) -> Option<i64> {
        self.0["metadata"]["generation"].as_i64()
    }

    /// Whether it is being deleted.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        !self.metadata("deletionTimestamp").is_empty()
    }

    /// The value of a label.
    #[must_use]
    pub fn label(&self, key: &str) -> Option<&str> {
        self.0["metadata"]["labels"][key].as_str()
    }

    /// The value of an annotation.
    #[must_use]
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.0["metadata"]["annotations"][key].as_str()
    }

    /// Who has set its fields.
    pub fn managers(&self) -> impl Iterator<Item = Manager<'_>> {
        let entries = self.0["metadata"]["managedFields"].as_array().map_or(&[][..], Vec::as_slice);
        entries.iter().map(|entry| Manager {
            name: entry["manager"].as_str().unwrap_or_default(),
            operation: entry["operation"].as_str().unwrap_or_default(),
            subresource: entry["subresource"].as_str().unwrap_or_default(),
            api_version: entry["apiVersion"].as_str().unwrap_or_default(),
            fields: &entry["fieldsV1"],
        })
    }

    fn metadata(&self, key: &str) -> &str {
        self.0["metadata"][key].as_str().unwrap_or_default()
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Live({} {}/{})", self.kind(), self.namespace(), self.name())
    }
}
