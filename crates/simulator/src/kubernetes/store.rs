//! The objects, with the history of their changes that watches read: what etcd is to the API server.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::watch;

use super::kinds::Kind;

/// How many changes are kept for watches. The real server keeps those of the last minutes.
const LONGEST_HISTORY: usize = 10_000;

/// Which object it is, whatever the version of its kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ObjectKey {
    pub(crate) group: String,
    pub(crate) plural: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl ObjectKey {
    pub(crate) fn of(kind: &Kind, namespace: &str, name: &str) -> Self {
        Self::new(&kind.group, &kind.plural, namespace, name)
    }

    pub(crate) fn new(group: &str, plural: &str, namespace: &str, name: &str) -> Self {
        let owned = str::to_owned;
        Self { group: owned(group), plural: owned(plural), namespace: owned(namespace), name: owned(name) }
    }

    pub(crate) fn is_of(&self, group: &str, plural: &str) -> bool {
        self.group == group && self.plural == plural
    }
}

/// A change, as watches tell it.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    /// The resourceVersion that it made.
    pub(crate) version: u64,
    at: Timestamp,
    pub(crate) key: ObjectKey,
    /// Before; none when the object was created.
    pub(crate) before: Option<Value>,
    /// After; none when it was deleted.
    pub(crate) after: Option<Value>,
}

/// All objects of a cluster.
#[derive(Debug)]
pub(crate) struct Store {
    objects: BTreeMap<ObjectKey, Value>,
    version: u64,
    history: VecDeque<Change>,
    /// Watches from an older version than this are told that it is gone.
    oldest: u64,
    changed: watch::Sender<u64>,
}

impl Store {
    pub(crate) fn new() -> Self {
        Self {
            objects: BTreeMap::new(),
            version: 1,
            history: VecDeque::new(),
            oldest: 1,
            changed: watch::Sender::new(1),
        }
    }

    /// The resourceVersion of the newest change.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// The oldest resourceVersion from which a watch can begin.
    pub(crate) fn oldest(&self) -> u64 {
        self.oldest
    }

    /// Tells of every new version.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    pub(crate) fn get(&self, key: &ObjectKey) -> Option<&Value> {
        self.objects.get(key)
    }

    /// The objects of a kind in a namespace, or in all when it is empty, by namespace and name.
    pub(crate) fn of_kind<'a>(
        &'a self,
        group: &'a str,
        plural: &'a str,
        namespace: &'a str,
    ) -> impl Iterator<Item = (&'a ObjectKey, &'a Value)> {
        let first = ObjectKey::new(group, plural, namespace, "");
        self.objects.range(first..).take_while(move |(key, _)| {
            key.is_of(group, plural) && (namespace.is_empty() || key.namespace == namespace)
        })
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (&ObjectKey, &Value)> {
        self.objects.iter()
    }

    /// Stores an object; its `resourceVersion` is set.
    pub(crate) fn put(&mut self, key: &ObjectKey, mut object: Value, at: Timestamp) -> Value {
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        let before = self.objects.insert(key.clone(), object.clone());
        self.note(key, (before, Some(object.clone())), at);
        object
    }

    /// Removes an object; it is told in its last state, with the version of the removal.
    pub(crate) fn remove(&mut self, key: &ObjectKey, at: Timestamp) -> Option<Value> {
        let mut last = self.objects.remove(key)?;
        self.version += 1;
        self.note(key, (Some(last.clone()), None), at);
        last["metadata"]["resourceVersion"] = self.version.to_string().into();
        Some(last)
    }

    fn note(&mut self, key: &ObjectKey, (before, after): (Option<Value>, Option<Value>), at: Timestamp) {
        self.history.push_back(Change { version: self.version, at, key: key.clone(), before, after });
        if self.history.len() > LONGEST_HISTORY {
            self.cut(LONGEST_HISTORY / 2);
        }
        self.changed.send_replace(self.version);
    }

    /// Forgets all changes but the newest: watches from before them are told so.
    pub(crate) fn cut(&mut self, newest: usize) {
        while self.history.len() > newest {
            if let Some(change) = self.history.pop_front() {
                self.oldest = change.version;
            }
        }
    }

    /// The objects as they were at a time, as far back as the history goes. It has no history of its own.
    pub(crate) fn as_of(&self, at: Timestamp) -> Self {
        let mut past = Self { objects: self.objects.clone(), version: self.version, ..Self::new() };
        for change in self.history.iter().rev().take_while(|change| change.at > at) {
            past.version = change.version - 1;
            match &change.before {
                Some(before) => past.objects.insert(change.key.clone(), before.clone()),
                None => past.objects.remove(&change.key),
            };
        }
        past
    }

    /// The changes after a version, oldest first.
    pub(crate) fn since(&self, version: u64) -> impl Iterator<Item = &Change> {
        let first = self.history.partition_point(|change| change.version <= version);
        self.history.range(first..)
    }
}
