//! What is judged by: how an object was applied, what a look saw, and for how long what is tolerated.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::facts::{Event, Object};

/// How an object was applied.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Applied {
    /// `metadata.uid` of the answer to the PATCH.
    pub uid: Option<String>,
    /// `metadata.generation` of that answer. Whatever shows an older one is from before.
    pub generation: Option<i64>,
    /// When the server gave that answer, by its header `Date`: to the second.
    pub at: Option<Timestamp>,
    /// Whether the PATCH changed the object.
    pub changed: bool,
    /// A look since has seen a Deployment's controller at work on this generation, and not beyond its deadline.
    pub within_deadline: bool,
}

impl Applied {
    /// From the answer to a PATCH, the time in its header `Date`, and whether it changed the object.
    #[must_use]
    pub fn from_answer(answer: &Value, at: Option<Timestamp>, changed: bool) -> Self {
        let object = Object::of(answer);
        Self {
            uid: object.uid().map(str::to_owned),
            generation: object.generation(),
            at,
            changed,
            within_deadline: false,
        }
    }

    /// With what the next look has to know of this one.
    #[must_use]
    pub fn after(mut self, seen: &Seen<'_>) -> Self {
        let object = Object::of(seen.object);
        let current =
            object.generation() >= self.generation && object.observed_generation() >= object.generation();
        let progressing = object.condition("Progressing");
        self.within_deadline |= current
            && progressing.is_some_and(|condition| condition.reason != super::deployment::DEADLINE_EXCEEDED);
        self
    }
}

/// What one look saw of an object, of what lies below it and around it. More than is needed may be handed in: all pods and
/// events of the namespace, for example.
#[derive(Clone)]
#[non_exhaustive]
pub struct Seen<'a> {
    /// The object.
    pub object: &'a Value,
    /// ReplicaSets, for a Deployment.
    pub replica_sets: Vec<&'a Value>,
    /// ControllerRevisions, for a DaemonSet.
    pub controller_revisions: Vec<&'a Value>,
    /// Pods.
    pub pods: Vec<&'a Value>,
    /// Events of the core API, about the object and what lies below it.
    pub events: Vec<&'a Value>,
    /// The StorageClass, for a PersistentVolumeClaim.
    pub storage_class: Option<&'a Value>,
    /// Whether discovery says that the object's kind has the subresource `status`.
    pub status_subresource: bool,
    /// Whether the cluster is one of EKS Auto Mode, which makes nodes when they are needed.
    pub auto_mode: bool,
    /// What the server's clock showed.
    pub now: Option<Timestamp>,
}

impl<'a> Seen<'a> {
    /// An object alone.
    #[must_use]
    pub fn new(object: &'a Value) -> Self {
        Self {
            object,
            replica_sets: Vec::new(),
            controller_revisions: Vec::new(),
            pods: Vec::new(),
            events: Vec::new(),
            storage_class: None,
            status_subresource: false,
            auto_mode: false,
            now: None,
        }
    }

    /// With the time that the server's clock showed.
    #[must_use]
    pub fn at(mut self, now: Timestamp) -> Self {
        self.now = Some(now);
        self
    }

    /// The events about the object of this UID.
    pub(crate) fn events_about(&self, uid: Option<&str>) -> impl Iterator<Item = Event<'a>> {
        let events = self.events.iter().copied().map(Event::read);
        events.filter(move |event| uid.is_some() && event.about == uid)
    }

    /// How long something has been so; nothing when one of the times is not known.
    pub(crate) fn since(&self, then: Option<Timestamp>) -> Option<SignedDuration> {
        Some(self.now?.duration_since(then?))
    }
}

impl fmt::Debug for Seen<'_> {
    /// Without contents, for the object may be a Secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seen")
            .field("object", &Object::of(self.object).named())
            .field("replica_sets", &self.replica_sets.len())
            .field("pods", &self.pods.len())
            .field("events", &self.events.len())
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

/// For how long what is tolerated. The defaults are judgements of landfall's where no source is named.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Patience {
    /// A pull that fails for a reason that may pass: 90 s.
    pub pull: SignedDuration,
    /// Restarts of a container in a crash loop before the workload counts as failed: 2, so that a pod which comes up at
    /// the second try does.
    pub restarts: i64,
    /// A pod without a node, before it is worth a word: 15 s, after which kstatus gives up.
    pub unschedulable_warning: SignedDuration,
    /// A pod without a node for which nothing makes one: 3 min.
    pub unschedulable: SignedDuration,
    /// A pod for which an autoscaler says that it cannot make a node: 60 s, for another pod may leave one.
    pub unschedulable_refused: SignedDuration,
    /// Pods that may not be made (quota, admission): 15 s.
    pub creation: SignedDuration,
    /// Pods that cannot be made because a webhook does not answer: 2 min, the time in which its own rollout ends.
    pub webhook: SignedDuration,
    /// A volume that cannot be mounted, before it is worth a word: 20 s.
    pub mount_warning: SignedDuration,
    /// A volume of something that does not exist: 60 s.
    pub mount: SignedDuration,
    /// A claim for which no volume can be made: 60 s.
    pub provisioning: SignedDuration,
    /// A custom resource whose kind has a status and which has none: 15 s, as kluctl waits. Some controllers never write
    /// one.
    pub no_status: SignedDuration,
    /// A changed custom resource that does not say which generation its status is about: 5 s.
    pub settle: SignedDuration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            pull: SignedDuration::from_secs(90),
            restarts: 2,
            unschedulable_warning: SignedDuration::from_secs(15),
            unschedulable: SignedDuration::from_secs(180),
            unschedulable_refused: SignedDuration::from_secs(60),
            creation: SignedDuration::from_secs(15),
            webhook: SignedDuration::from_secs(120),
            mount_warning: SignedDuration::from_secs(20),
            mount: SignedDuration::from_secs(60),
            provisioning: SignedDuration::from_secs(60),
            no_status: SignedDuration::from_secs(15),
            settle: SignedDuration::from_secs(5),
        }
    }
}
