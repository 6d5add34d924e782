//! How pods behave.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::iam::wildcard_match;

/// How some pods behave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PodRule {
    /// The namespace; `*` stands for any characters here and below.
    pub namespace: String,
    /// The kind of the workload, such as `Deployment`.
    pub kind: String,
    /// The name of the workload.
    pub name: String,
    /// The image of one of the containers.
    pub image: String,
    /// Only pods with an image that no pod had at the start: what runs goes on, and so does what is put back.
    pub new_images: bool,
    /// What the pods do.
    pub behaviour: PodBehaviour,
    /// What is told of each pod when it is there, besides what follows from its behaviour.
    pub events: Vec<PodEvent>,
}

/// Something that is told of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PodEvent {
    /// `Normal` or `Warning`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `FailedMount`, `TriggeredScaleUp`, ...
    pub reason: String,
    /// The words.
    pub message: String,
}

impl Default for PodRule {
    fn default() -> Self {
        let any = || "*".to_owned();
        Self {
            namespace: any(),
            kind: any(),
            name: any(),
            image: any(),
            new_images: false,
            behaviour: PodBehaviour::default(),
            events: Vec::new(),
        }
    }
}

impl PodRule {
    /// A rule for all pods of a workload.
    pub fn of(kind: &str, name: &str, behaviour: PodBehaviour) -> Self {
        Self { kind: kind.to_owned(), name: name.to_owned(), behaviour, ..Self::default() }
    }

    /// Only for pods with a container of this image; `*` stands for any characters.
    #[must_use]
    pub fn image(mut self, image: &str) -> Self {
        image.clone_into(&mut self.image);
        self
    }

    /// Only for pods with an image that no pod had at the start.
    #[must_use]
    pub fn new_images(mut self) -> Self {
        self.new_images = true;
        self
    }

    /// Has this told of each pod: `Warning` or `Normal`, a reason, and the words.
    #[must_use]
    pub fn event(mut self, kind: &str, reason: &str, message: &str) -> Self {
        let owned = str::to_owned;
        self.events.push(PodEvent { kind: owned(kind), reason: owned(reason), message: owned(message) });
        self
    }

    /// `old`: the images of the start, once they are known.
    pub(crate) fn fits(
        &self,
        (namespace, kind, name): (&str, &str, &str),
        images: &[String],
        old: Option<&BTreeSet<String>>,
    ) -> bool {
        let is_new = || old.is_some_and(|old| images.iter().any(|image| !old.contains(image)));
        wildcard_match(&self.namespace, namespace)
            && wildcard_match(&self.kind, kind)
            && wildcard_match(&self.name, name)
            && images.iter().any(|image| wildcard_match(&self.image, image))
            && (!self.new_images || is_new())
    }
}

/// What a pod does. Times are milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PodBehaviour {
    /// It is scheduled at once and ready after a while; a pod of a Job then ends well after as long again.
    Good {
        /// Until it is ready.
        ready_after_ms: u64,
    },
    /// The registry does not have the image of its first container.
    ImageNotFound,
    /// The image of its first container is not pulled.
    PullFails {
        /// What is said of it; `{image}` stands for the image.
        message: String,
    },
    /// Its first container waits with this reason and is never started: `CreateContainerConfigError`,
    /// `InvalidImageName`, ...
    Waits {
        /// The reason.
        reason: String,
        /// What is said of it, also in an event `Failed`; `{image}` stands for the image. Empty: nothing.
        message: String,
    },
    /// Its first container ends soon after it was started, again and again.
    CrashLoop {
        /// The exit code, 1 to 255; with 137 it was out of memory.
        exit_code: u8,
        /// What the container writes before it ends, a line each.
        logs: Vec<String>,
        /// After so many restarts it stays up; none: never.
        recovers_after: Option<u32>,
    },
    /// Its first init container ends soon after it was started, again and again. A pod without init containers is good.
    InitCrashLoop {
        /// The exit code, 1 to 255.
        exit_code: u8,
        /// What the container writes before it ends, a line each.
        logs: Vec<String>,
    },
    /// Its first container runs, and is killed for its liveness probe again and again.
    FailsLiveness {
        /// What the container writes before it ends, a line each.
        logs: Vec<String>,
    },
    /// It runs, and its readiness probe fails.
    NeverReady,
    /// No node takes it.
    Unschedulable {
        /// Until one does; none: never.
        for_ms: Option<u64>,
    },
    /// It is not even created: the namespace's quota does not allow it.
    QuotaExceeded {
        /// The name of the ResourceQuota.
        quota: String,
    },
    /// It is not even created: admission refuses it.
    Refused {
        /// The whole message; `{pod}` stands for the name of the pod, as far as it is known.
        message: String,
    },
    /// It is evicted soon after it is ready; those that take its place are good.
    Evicted {
        /// What the kubelet says of it.
        message: String,
    },
    /// A pod of a Job: its first container ends with an error.
    Fails {
        /// The exit code, 1 to 255.
        exit_code: u8,
        /// What the container writes before it ends, a line each.
        logs: Vec<String>,
    },
    /// Its controller does not look at it: the status of the workload stays as it is.
    StaleStatus,
}

impl Default for PodBehaviour {
    fn default() -> Self {
        Self::Good { ready_after_ms: 100 }
    }
}
