//! A cluster: its objects, its kinds, and what its controllers have still to do.
//!
//! Nothing runs in the background. Whoever looks first brings the cluster to the present: everything that was due is done
//! in its order, at its time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::controllers;
use super::controllers::images;
use super::controllers::run::Run;
use super::kinds::Kinds;
use super::setup::{KubernetesSetup, KubernetesWrite};
use super::store::{ObjectKey, Store};
use super::write::{Options, PatchKind};
use crate::clock::{earlier, later, ms};
use crate::ids::Ids;

/// A cluster.
#[derive(Debug)]
pub(crate) struct ClusterState {
    pub(crate) store: Store,
    pub(crate) kinds: Kinds,
    pub(crate) setup: KubernetesSetup,
    /// `1.34`.
    pub(crate) version: String,
    /// The time at which things happen: that of the clock, or that at which a controller was due.
    pub(crate) now: Timestamp,
    pub(crate) ids: Ids,
    /// What is looked at when.
    due: BTreeSet<(Timestamp, ObjectKey)>,
    /// Since when something about an object is waited for.
    waits: BTreeMap<ObjectKey, Timestamp>,
    /// Where it is served, for DescribeCluster.
    pub(crate) served: Option<Served>,
    pub(crate) requests: Vec<super::KubernetesRequest>,
    /// How many requests are under way, and were at most.
    pub(crate) under_way: (usize, usize),
    /// What the pods do, by their UID.
    pub(crate) runs: BTreeMap<String, Run>,
    /// The images that pods had at the start; none before it.
    pub(crate) images_of_start: Option<BTreeSet<String>>,
}

/// The address of a server.
#[derive(Debug, Clone)]
pub(crate) struct Served {
    /// `https://127.0.0.1:PORT`.
    pub(crate) endpoint: String,
    /// The certificate that signed that of the server, PEM.
    pub(crate) authority: String,
}

/// Objects of the start were made so long before it, so that workloads have settled.
const BEFORE_START: Duration = Duration::from_secs(60);

/// The namespaces of every cluster.
const NAMESPACES: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

impl ClusterState {
    pub(crate) fn new(name: &str, version: &str, setup: KubernetesSetup, start: Timestamp) -> Self {
        let mut state = Self {
            store: Store::new(),
            kinds: Kinds::built_in(),
            setup: KubernetesSetup { objects: Vec::new(), written: Vec::new(), ..setup.clone() },
            version: version.to_owned(),
            now: earlier(start, BEFORE_START),
            ids: Ids::seeded(name),
            due: BTreeSet::new(),
            waits: BTreeMap::new(),
            served: None,
            requests: Vec::new(),
            under_way: (0, 0),
            runs: BTreeMap::new(),
            images_of_start: None,
        };
        for name in NAMESPACES {
            state.seed(json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } }));
        }
        for number in 1..=setup.nodes {
            state.seed(controllers::node(number));
        }
        for object in setup.objects {
            state.seed(object);
        }
        for write in setup.written {
            state.write_before(write);
        }
        state.advance(start);
        let pods = state.store.of_kind("", "pods", "").flat_map(|(_, pod)| images(&pod["spec"]));
        state.images_of_start = Some(pods.collect());
        state
    }

    fn seed(&mut self, object: Value) {
        self.write_before(KubernetesWrite { manager: "before-start".to_owned(), apply: false, object });
    }

    /// Writes what is there at the start. What the server refuses is not there: a test sees that at once.
    fn write_before(&mut self, write: KubernetesWrite) {
        let KubernetesWrite { manager, apply, object } = write;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let Some(kind) = self.kinds.named(&text(&object["apiVersion"]), &text(&object["kind"])).cloned()
        else {
            return;
        };
        let (named, name) = (text(&object["metadata"]["namespace"]), text(&object["metadata"]["name"]));
        let namespace = match (kind.namespaced, named.is_empty()) {
            (false, _) => String::new(),
            (true, true) => "default".to_owned(),
            (true, false) => named,
        };
        let options = Options { force: apply, ..Options::of(&manager) };
        let is_there = self.store.get(&ObjectKey::of(&kind, &namespace, &name)).is_some();
        let place = (namespace.as_str(), name.as_str());
        let _ = match (apply, is_there) {
            (true, _) => self.patch(&kind, place, PatchKind::Apply, object, &options),
            (false, true) => self.patch(&kind, place, PatchKind::Merge, object, &options),
            (false, false) => self.create(&kind, &namespace, object, &options),
        };
        // What comes next needs it: a namespace's service account, a definition's kind.
        let setup = &self.setup;
        let lag = setup.controller_lag_ms;
        let after = match kind.plural.as_str() {
            "customresourcedefinitions" => setup.established_after_ms + setup.served_after_ms + 10 * lag,
            "namespaces" => 2 * lag,
            _ => return,
        };
        self.advance(later(self.now, ms(after)));
    }

    /// Does what is due.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        while self.next_due().is_some_and(|at| at <= now) {
            if let Some((at, key)) = self.due.pop_first() {
                self.now = self.now.max(at);
                controllers::look(self, &key);
            }
        }
        self.now = self.now.max(now);
    }

    /// When something is due next.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Has an object looked at after a while.
    pub(crate) fn look_after(&mut self, key: &ObjectKey, delay: Duration) {
        self.due.insert((later(self.now, delay), key.clone()));
    }

    /// Has an object looked at at a time.
    pub(crate) fn look_at(&mut self, key: &ObjectKey, at: Timestamp) {
        self.due.insert((at.max(self.now), key.clone()));
    }

    /// True once so long has passed since this was first asked about an object. Until then it is looked at again in time.
    pub(crate) fn waited(&mut self, key: &ObjectKey, length: Duration) -> bool {
        let until = later(*self.waits.entry(key.clone()).or_insert(self.now), length);
        if self.now < until {
            self.due.insert((until, key.clone()));
            return false;
        }
        true
    }

    /// Stores an object, and lets those who follow it see that.
    pub(crate) fn commit(&mut self, key: &ObjectKey, object: Value) -> Value {
        let stored = self.store.put(key, object, self.now);
        controllers::notice(self, key, &stored);
        stored
    }

    /// Removes an object for good.
    pub(crate) fn erase(&mut self, key: &ObjectKey) -> Option<Value> {
        let last = self.store.remove(key, self.now)?;
        self.waits.remove(key);
        controllers::notice_removal(self, key, &last);
        Some(last)
    }

    /// Now, as objects have it.
    pub(crate) fn stamp(&self) -> String {
        stamp(self.now)
    }

    pub(crate) fn namespace(&self, name: &str) -> Option<&Value> {
        self.store.get(&ObjectKey::new("", "namespaces", "", name))
    }
}

/// RFC 3339 in seconds.
pub(crate) fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
