//! From documents to objects: lists unfolded, each object with its name and place.

mod identity;
mod list;
mod scope;

use std::fmt;
use std::sync::Arc;

use landfall_core::{Cause, Location};

use super::document::{Mark, Node};

pub use scope::Scope;

pub(crate) use identity::wrong_namespace;
pub(super) use list::unfold;

/// One Kubernetes object as it was written, with the changes that were asked for.
///
/// `Debug` shows its name and place and never its content, which may hold secrets.
#[derive(Clone)]
pub struct Manifest {
    pub(super) origin: Origin,
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) namespace: Option<String>,
    pub(super) name: String,
    pub(super) scope: Scope,
    pub(super) root: Node,
}

/// Which document of which file an object was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) file: Arc<str>,
    pub(super) document: usize,
    pub(super) at: Mark,
}

impl Origin {
    /// A problem at a place in this document; at its beginning when the place is one of landfall's own.
    pub(super) fn problem(&self, at: Mark, message: impl fmt::Display) -> Cause {
        let at = if at == Mark::default() { self.at } else { at };
        Cause::new("invalid-input", format!("document {}: {message}", self.document))
            .at(at.location(&self.file))
    }
}

impl Manifest {
    /// `apps/v1`.
    #[must_use]
    pub fn api_version(&self) -> &str {
        &self.api_version
    }

    /// The API group: `apps`; empty for the core group.
    #[must_use]
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    /// `Deployment`.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Whether it is of this kind of this group, in whatever version.
    pub(crate) fn is(&self, group: &str, kind: &str) -> bool {
        self.group() == group && self.kind() == kind
    }

    /// The namespace that the object names, or got by default. None for objects of the cluster, and for those that say
    /// none when no default was given.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// The object's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where objects of this kind live, as far as that is known without asking the cluster.
    #[must_use]
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// The file as it was named, and the line and column where the object begins.
    #[must_use]
    pub fn location(&self) -> Location {
        self.origin.at.location(&self.origin.file)
    }

    /// Which document of its file it was read from, from 1; documents without content do not count.
    #[must_use]
    pub fn document(&self) -> usize {
        self.origin.document
    }

    /// The object as JSON, with every member in its order and every number with its digits. May hold secrets.
    #[must_use]
    pub fn to_json(&self) -> String {
        self.root.to_string()
    }

    /// The same without a field, when the object has it.
    pub(crate) fn to_json_without(&self, path: &[&str]) -> String {
        let mut root = self.root.clone();
        if let Some((last, parents)) = path.split_last()
            && let Some(parent) = root.find_mut(parents)
        {
            parent.remove(last);
        }
        root.to_string()
    }

    /// The value of an annotation.
    #[must_use]
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.text_at(&["metadata", "annotations", key])
    }

    /// The value of a label.
    #[must_use]
    pub fn label(&self, key: &str) -> Option<&str> {
        self.text_at(&["metadata", "labels", key])
    }

    /// The text of the field that this path leads to through maps.
    pub(crate) fn text_at(&self, path: &[&str]) -> Option<&str> {
        self.root.find(path)?.as_str()
    }

    /// A problem of an annotation of this object, at its place.
    pub(crate) fn wrong_annotation(&self, key: &str, message: impl fmt::Display) -> Cause {
        let at = self.root.find(&["metadata", "annotations", key]).map_or(self.origin.at, |node| node.at);
        self.problem(at, &format!("metadata.annotations.{key}"), message)
    }

    /// A problem of a field of this object.
    pub(super) fn problem(&self, at: Mark, field: &str, message: impl fmt::Display) -> Cause {
        self.origin.problem(at, format_args!("{self}: {message}")).in_field(field)
    }
}

/// `Deployment shop/web`.
impl fmt::Display for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

impl fmt::Debug for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Manifest")
            .field("object", &format_args!("{self}"))
            .field("location", &format_args!("{}", self.location()))
            .finish_non_exhaustive()
    }
}
