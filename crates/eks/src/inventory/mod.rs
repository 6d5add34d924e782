//! What belongs to a release, remembered in the cluster, so that what is taken out of the manifests can be taken out of
//! the cluster.
//!
//! The memory is a Secret in the form of an ApplySet's parent, so that other tools see whose the objects are
//! (<https://github.com/kubernetes/enhancements/tree/master/keps/sig-cli/3659-kubectl-apply-prune>). That form knows
//! kinds and namespaces; landfall adds each object with its UID. It is written twice: before the first object is
//! applied with all that was and all that will be ([`Inventory::with`]), so that a run which is killed halfway loses
//! nothing, and after pruning with what is there.
//!
//! [`judge`] decides what is pruned, and is pure: only what this release made and nobody has made anew since, never a
//! Namespace, a CustomResourceDefinition or a PersistentVolumeClaim without consent, and nothing that is annotated to
//! be kept.

mod name;
mod parent;
mod prune;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::api::Key;

pub use prune::{KEEP, Kept, Pruned, Verdict, judge, preview, prune};

/// The label by which an object says to which release it belongs; its value is [`Release::id`]. Objects that are
/// applied get it by [`crate::input::ManifestSetBuilder::label`].
pub const PART_OF: &str = "applyset.kubernetes.io/part-of";

/// A release: what is deployed, upgraded and pruned as one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Release {
    /// The namespace in which it is remembered.
    pub namespace: String,
    /// Its name, one of its namespace: lower-case letters, digits and `-`.
    pub name: String,
}

impl Release {
    /// The name of the Secret.
    #[must_use]
    pub fn secret(&self) -> String {
        format!("landfall-{}", self.name)
    }

    /// What its objects are labelled with: `applyset-...-v1`, 55 letters, digits, `-` and `_`.
    #[must_use]
    pub fn id(&self) -> String {
        let parent = format!("{}.{}.Secret.", self.secret(), self.namespace);
        id_of(&parent)
    }
}

/// `applyset-` and the hash of `name.namespace.kind.group`.
fn id_of(parent: &str) -> String {
    format!("applyset-{}-v1", URL_SAFE_NO_PAD.encode(Sha256::digest(parent)))
}

/// `shop/web`.
impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// A record of manifests that is kept in the cluster ([`crate::record`]).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RecordRef {
    /// The number of the release, from 1: the name of its parts.
    pub revision: u64,
    /// In how many Secrets it is.
    pub parts: u32,
    /// Of the whole content, so that half of one record and half of another are never taken for one.
    pub sha256: String,
    /// It is what was found in the cluster before this revision, and not what was applied.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub found: bool,
}

/// The objects of a release, each with its UID where that is known: not of one that a run was about to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inventory {
    release: Release,
    /// What was applied last and was good, if it is kept.
    pub record: Option<RecordRef>,
    /// What was applied before that and was good: what an undo of the last deployment puts back.
    pub previous: Option<RecordRef>,
    /// Objects that were there before the release took them in, as they were.
    pub found: Option<RecordRef>,
    members: BTreeMap<Key, Option<String>>,
}

impl Inventory {
    /// Of a release that has no objects yet.
    #[must_use]
    pub fn empty(release: Release) -> Self {
        Self { release, record: None, previous: None, found: None, members: BTreeMap::new() }
    }

    /// The release.
    #[must_use]
    pub fn release(&self) -> &Release {
        &self.release
    }

    /// The objects, in the order of their keys.
    pub fn members(&self) -> impl Iterator<Item = (&Key, Option<&str>)> {
        self.members.iter().map(|(key, uid)| (key, uid.as_deref()))
    }

    /// The UID that an object of the release is known by; nothing of one that is none of it, or whose UID is not known.
    #[must_use]
    pub fn uid(&self, key: &Key) -> Option<&str> {
        self.members.get(key)?.as_deref()
    }

    /// Whether an object is one of the release.
    #[must_use]
    pub fn has(&self, key: &Key) -> bool {
        self.members.contains_key(key)
    }

    /// Whether a deployment that has not come to a good end was about to make this object, or to take it in.
    #[must_use]
    pub fn is_coming(&self, key: &Key) -> bool {
        self.members.get(key).is_some_and(Option::is_none)
    }

    /// Forgets an object.
    pub fn remove(&mut self, key: &Key) {
        self.members.remove(key);
    }

    /// The number of the deployment that was good last; 0 before the first.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.record.as_ref().map_or(0, |record| record.revision)
    }

    /// The number of the next deployment.
    #[must_use]
    pub fn next_revision(&self) -> u64 {
        self.revision() + 1
    }

    /// What is written before objects are applied: these beside those that are there.
    #[must_use]
    pub fn with<'a>(&self, coming: impl IntoIterator<Item = &'a Key>) -> Self {
        let mut wider = self.clone();
        for key in coming {
            wider.members.entry(key.clone()).or_default();
        }
        wider
    }

    /// An object that is there now.
    pub fn set(&mut self, key: Key, uid: &str) {
        self.members.insert(key, Some(uid.to_owned()));
    }

    /// What pruning has made of an object. One that is gone or somebody else's is forgotten; one that was kept for its
    /// worth, or could not be deleted, is remembered, for a later run to prune.
    pub fn settle(&mut self, key: &Key, pruned: &Pruned) {
        if matches!(pruned, Pruned::Deleted | Pruned::Kept(Kept::Another | Kept::Stranger)) {
            self.members.remove(key);
        }
    }

    /// What is not wanted any more: candidates for pruning, in the reverse of the order in which they would be applied.
    #[must_use]
    pub fn unwanted(&self, wanted: &HashSet<Key>) -> Vec<(Key, Option<String>)> {
        let mut unwanted: Vec<_> = self
            .members
            .iter()
            .filter(|(key, _)| !wanted.contains(key))
            .map(|(key, uid)| (key.clone(), uid.clone()))
            .collect();
        unwanted.sort_by_key(|(key, _)| std::cmp::Reverse(crate::waves::stage_of(&key.group, &key.kind)));
        unwanted
    }
}
