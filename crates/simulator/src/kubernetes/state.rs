//! A cluster: its objects, its kinds, and what its controllers have still to do.
//!
//! Nothing runs in the background. Whoever looks first brings the cluster to the present: everything that was due is done
//! in its order, at its time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::controllers;
use super::controllers::pods::Run;
use super::kinds::Kinds;
use super::setup::KubernetesSetup;
use super::store::{ObjectKey, Store};
use super::write::Options;
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
    /// What the pods do, by their UID.
    pub(crate) runs: BTreeMap<String, Run>,
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
            setup: KubernetesSetup { objects: Vec::new(), ..setup.clone() },
            version: version.to_owned(),
            now: earlier(start, BEFORE_START),
            ids: Ids::seeded(name),
            due: BTreeSet::new(),
            waits: BTreeMap::new(),
            served: None,
            requests: Vec::new(),
            runs: BTreeMap::new(),
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
        state.advance(start);
        state
    }

    /// Creates an object of the start. One that the server refuses is not there: a test sees that at once.
    fn seed(&mut self, object: Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let Some(kind) = self.kinds.named(&text(&object["apiVersion"]), &text(&object["kind"])).cloned()
        else {
            return;
        };
        let named = text(&object["metadata"]["namespace"]);
        let namespace = match (kind.namespaced, named.is_empty()) {
            (false, _) => String::new(),
            (true, true) => "default".to_owned(),
            (true, false) => named,
        };
        let options = Options::of("before-start");
        let _ = self.create(&kind, &namespace, object, &options);
        if kind.is("apiextensions.k8s.io", "customresourcedefinitions") {
            let lag = self.setup.controller_lag_ms;
            let served = self.setup.established_after_ms + self.setup.served_after_ms;
            self.advance(later(self.now, ms(served + 10 * lag)));
        }
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
