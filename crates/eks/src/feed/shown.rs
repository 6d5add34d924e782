//! The objects of one topic.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use landfall_core::Error;
use serde_json::Value;
use tokio::time::Instant;

use crate::api::{ApiResource, Listed, Live};

/// What is shown of one topic.
pub(crate) struct Shown {
    /// By [`name_of`].
    objects: BTreeMap<String, Arc<Value>>,
    /// As they were last, before they went.
    gone: HashMap<String, Arc<Value>>,
    /// From where a watch goes on.
    pub(super) version: String,
    /// When the server was last heard of it.
    pub(super) heard: Option<Instant>,
    /// Whether it was read at all.
    pub(super) listed: bool,
    /// False where only objects by name may be read.
    pub(super) watchable: bool,
    /// Why it cannot be seen at present.
    pub(crate) trouble: Option<Error>,
}

impl Default for Shown {
    fn default() -> Self {
        Self {
            objects: BTreeMap::new(),
            gone: HashMap::new(),
            version: String::new(),
            heard: None,
            listed: false,
            watchable: true,
            trouble: None,
        }
    }
}

/// What an object is found by within a topic: its name, which is one of its namespace.
fn name_of(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

impl Shown {
    /// The object of this name.
    pub(crate) fn find(&self, name: &str) -> Option<&Arc<Value>> {
        self.objects.get(name)
    }

    /// The object of this name as it was before it went.
    pub(crate) fn last(&self, name: &str) -> Option<&Arc<Value>> {
        self.gone.get(name)
    }

    /// All objects.
    pub(crate) fn objects(&self) -> impl Iterator<Item = &Arc<Value>> {
        self.objects.values()
    }

    /// What a list has told takes the place of all that was known.
    pub(super) fn replace(&mut self, resource: &ApiResource, listed: Listed) {
        let before = std::mem::take(&mut self.objects);
        for live in listed.items {
            self.put(resource, live);
        }
        for (name, object) in before {
            if !self.objects.contains_key(&name) {
                self.gone.insert(name, object);
            }
        }
        self.version = listed.resource_version;
        (self.listed, self.watchable, self.trouble) = (true, true, None);
        self.heard = Some(Instant::now());
    }

    /// An object is there, or has changed.
    pub(super) fn put(&mut self, resource: &ApiResource, live: Live) {
        let object = slim(resource, live);
        let name = name_of(&object).to_owned();
        self.gone.remove(&name);
        self.objects.insert(name, Arc::new(object));
    }

    /// An object is gone.
    pub(super) fn remove(&mut self, name: &str) {
        if let Some(object) = self.objects.remove(name) {
            self.gone.insert(name.to_owned(), object);
        }
    }
}

/// An object with its kind, which lists leave out, and without the account of who set which field, which nobody here reads
/// and which is as large as the object.
fn slim(resource: &ApiResource, live: Live) -> Value {
    let mut object = live.of_kind(resource).into_value();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    object
}
