//! How tasks behave: how long they take, and how they fail.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How the tasks of a task definition behave. All times are milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    /// From the scheduler's decision to `RUNNING`: network, pull, start.
    pub start_ms: u64,
    /// From `RUNNING` to healthy: health checks of container and load balancer.
    pub healthy_ms: u64,
    /// From the order to stop to `STOPPED`: connection draining and the stop signal.
    pub drain_ms: u64,
    /// How the tasks fail; none: they do not.
    pub failure: Option<Failure>,
    /// Lines that a container writes when it starts, by container name.
    pub log: BTreeMap<String, Vec<String>>,
    /// An alarm that goes off this long after a deployment to such a task definition began.
    pub alarm_ms: Option<u64>,
}

impl Default for Behaviour {
    /// Quick enough for a demonstration and slow enough to be seen: a rollout settles in about seven seconds.
    fn default() -> Self {
        Self {
            start_ms: 3_000,
            healthy_ms: 1_500,
            drain_ms: 2_000,
            failure: None,
            log: BTreeMap::new(),
            alarm_ms: None,
        }
    }
}

impl Behaviour {
    /// The default times with this failure.
    pub fn failing(failure: Failure) -> Self {
        Self { failure: Some(failure), ..Self::default() }
    }
}

/// How a task fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Failure {
    /// The image's tag does not exist: the task stops before it has started.
    ImageNotFound,
    /// The task does not start, and AWS's own words say why. In them `{image}`, `{container}` and `{task}` stand for the
    /// container's image and name and the task's id. Texts: "Amazon ECS stopped tasks error messages" in the developer
    /// guide.
    FailsToStart {
        /// The container at fault; the task alone when empty, as with a `ResourceInitializationError`.
        #[serde(default)]
        container: String,
        /// The reason.
        reason: String,
        /// The container's exit code, if it got as far as that.
        #[serde(default)]
        code: Option<i32>,
    },
    /// A container ends on its own.
    Exit {
        /// The container; the first essential one when empty.
        #[serde(default)]
        container: String,
        /// Its exit code.
        code: i32,
        /// How long after `RUNNING`.
        after_ms: u64,
        /// The lines it writes before it ends.
        #[serde(default)]
        log: Vec<String>,
    },
    /// The kernel ends a container for want of memory: exit code 137.
    OutOfMemory {
        /// The container; the first essential one when empty.
        #[serde(default)]
        container: String,
        /// How long after `RUNNING`.
        after_ms: u64,
    },
    /// Tasks stay `PENDING` for ever.
    NeverStarts,
    /// Tasks run but never become healthy, and nobody stops them.
    NeverHealthy,
    /// The container's health check fails, and the scheduler stops the task.
    Unhealthy {
        /// How long after `RUNNING`.
        after_ms: u64,
    },
    /// The task runs, and the health checks of its target group fail: the scheduler stops and replaces it once the
    /// service's grace period is over.
    TargetUnhealthy {
        /// How long after `RUNNING` the target counts as unhealthy.
        after_ms: u64,
        /// `TargetHealthReasonEnum`: `Target.Timeout`, `Target.ResponseCodeMismatch`, ...
        reason: String,
        /// What the load balancer says beside it, such as `Health checks failed with these codes: [404]`.
        description: String,
    },
    /// No task is launched, and an event of the service says why, again and again.
    NotLaunched {
        /// What follows `(service <name>) `. Texts: "Amazon ECS service event messages" in the developer guide.
        event: String,
    },
    /// No task can be placed.
    UnableToPlace {
        /// The end of the event's text.
        reason: String,
    },
}

/// Says which task definitions behave how. The first rule that fits is used.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BehaviourRule {
    /// Only this family; `*` stands for any characters. Empty: every family.
    pub family: String,
    /// Only task definitions with an image like this in any container; `*` stands for any characters. Empty: any image.
    pub image: String,
    /// Only revisions that were, or were not, there at the start.
    pub revisions: RevisionAge,
    /// How they behave.
    pub behaviour: Behaviour,
}

/// Whether a revision was part of the world at the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevisionAge {
    /// Both.
    #[default]
    Any,
    /// It was there at the start.
    Seeded,
    /// It was registered while the simulator ran.
    New,
}

impl BehaviourRule {
    /// This behaviour for every task definition.
    pub fn everything(behaviour: Behaviour) -> Self {
        Self { behaviour, ..Self::default() }
    }

    /// This behaviour for task definitions registered while the simulator runs.
    pub fn new_revisions(behaviour: Behaviour) -> Self {
        Self { revisions: RevisionAge::New, behaviour, ..Self::default() }
    }

    /// True if the rule speaks about a task definition.
    pub(crate) fn fits(&self, family: &str, images: &[String], seeded: bool) -> bool {
        let age = match self.revisions {
            RevisionAge::Any => true,
            RevisionAge::Seeded => seeded,
            RevisionAge::New => !seeded,
        };
        age && (self.family.is_empty() || crate::iam::wildcard_match(&self.family, family))
            && (self.image.is_empty()
                || images.iter().any(|image| crate::iam::wildcard_match(&self.image, image)))
    }
}
