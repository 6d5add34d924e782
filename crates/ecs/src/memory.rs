//! What passes from one phase to another, perhaps in another process: the payloads of plan, receipt and cursor.
//!
//! Names, ARNs, digests and counts. Never a value of an environment variable, never a secret.

use std::collections::BTreeSet;

use jiff::Timestamp;
use landfall_core::Cause;
use serde::{Deserialize, Serialize};

use crate::facts::{Deployment, Service};
use crate::judge::Repeated;

/// Version of all payloads below.
pub(crate) const VERSION: u32 = 1;

/// The payload of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "direction", rename_all = "kebab-case")]
pub(crate) enum Work {
    /// To what was asked for.
    Forward(Box<Forward>),
    /// Back to what was there before.
    Back(Box<Back>),
}

/// A deployment, planned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Forward {
    /// Digest of the specification: another one on resume is a conflict.
    pub(crate) specification: String,
    pub(crate) baseline: Baseline,
    /// The revision the wanted document starts from, pinned; none for a file.
    pub(crate) base: Option<String>,
    /// Digest of the wanted document, without our own tag.
    pub(crate) wanted: String,
    pub(crate) family: String,
    /// Newest active revision of the family when the plan was made; 0 when there was none.
    pub(crate) latest_revision: u64,
    /// The revision that has the wanted content already: nothing is registered.
    pub(crate) existing: Option<Existing>,
    pub(crate) force: bool,
    /// The deployment that is followed instead of starting one: our own of an earlier process, or somebody
    /// else's that was adopted.
    pub(crate) attach: Option<Started>,
    /// Somebody else's deployment that is waited for first.
    pub(crate) busy: Option<Started>,
}

/// A revision that needs no registration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Existing {
    pub(crate) task_definition: String,
    /// Whether this run registered it: then a deployment of it is this run's.
    pub(crate) ours: bool,
}

/// What was there when the plan was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Baseline {
    pub(crate) service_arn: String,
    pub(crate) primary: Known,
    /// Ids of all deployments the service had.
    pub(crate) present: Vec<String>,
    /// By the clock of AWS.
    pub(crate) at: Timestamp,
    pub(crate) desired: u64,
}

/// A deployment as it was once seen.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Known {
    pub(crate) id: String,
    pub(crate) task_definition: String,
    pub(crate) created_at: Option<Timestamp>,
    pub(crate) updated_at: Option<Timestamp>,
    pub(crate) rollout_state: Option<String>,
}

/// A deployment that runs or ran.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Started {
    pub(crate) id: String,
    /// By the clock of AWS.
    pub(crate) created_at: Timestamp,
    pub(crate) task_definition: String,
    /// ARN of the service deployment, once it is known.
    pub(crate) service_deployment: Option<String>,
}

/// An undo, planned: a goal, and what it expects to find. `apply` chooses the call by a fresh look.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Back {
    pub(crate) service_arn: String,
    /// The task definition to return to.
    pub(crate) goal: String,
    /// What is undone.
    pub(crate) ours: Started,
    /// Ids of the deployments there were when the undo was planned.
    pub(crate) present: Vec<String>,
}

/// The payload of a receipt: what is looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Watch {
    pub(crate) purpose: Purpose,
    pub(crate) service_arn: String,
    pub(crate) deployment: Started,
    pub(crate) desired: u64,
    /// How many tasks of other deployments ran when it was started.
    pub(crate) old_tasks: u64,
    /// What was there right before it was started.
    pub(crate) before: Option<Known>,
    /// The task definition an undo returns to.
    pub(crate) goal: Option<String>,
    /// It is somebody else's, which is followed to its end and never undone.
    #[serde(default)]
    pub(crate) adopted: bool,
}

/// Why a deployment is looked at, which decides what its end means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Purpose {
    /// It is the change that was asked for.
    Deploy,
    /// It is in the way: its end lets the next part begin.
    Busy,
    /// There was nothing to do: it is what runs already.
    Unchanged,
    /// It is the deployment that is being undone, and AWS rolls it back.
    RollBack,
    /// It is the deployment that undoes another.
    Restore,
}

/// What a look remembers. It changes only when something moved, because a change makes the next look come soon.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Memory {
    pub(crate) service_deployment: Option<String>,
    /// Service deployments cannot be read; the service itself is watched instead.
    pub(crate) legacy: bool,
    pub(crate) status: String,
    pub(crate) stage: Option<String>,
    /// Failed tasks when causes were last gathered.
    pub(crate) diagnosed_at: u64,
    pub(crate) causes: Vec<Cause>,
    /// The cause among them that does not pass by itself.
    pub(crate) repeated: Option<Repeated>,
    /// The look before saw the service steady; two such looks are needed where there is no rollout state.
    pub(crate) steady: bool,
    /// Notes that have been told.
    pub(crate) noted: BTreeSet<String>,
}

impl Known {
    pub(crate) fn of(deployment: &Deployment) -> Self {
        Self {
            id: deployment.id.clone(),
            task_definition: deployment.task_definition.clone(),
            created_at: deployment.created_at,
            updated_at: deployment.updated_at,
            rollout_state: deployment.rollout_state.clone(),
        }
    }

    /// Whether its rollout had ended well. Without a rollout state (Classic Load Balancers) that cannot be told
    /// and is taken for granted, since nothing says otherwise.
    pub(crate) fn was_good(&self) -> bool {
        self.rollout_state.as_deref().is_none_or(|state| state == "COMPLETED")
    }
}

impl Baseline {
    pub(crate) fn of(service: &Service, primary: &Deployment, at: Timestamp) -> Self {
        Self {
            service_arn: service.service_arn.clone(),
            primary: Known::of(primary),
            present: service.deployments.iter().map(|deployment| deployment.id.clone()).collect(),
            at,
            desired: service.desired_count,
        }
    }

    pub(crate) fn knows(&self, id: &str) -> bool {
        self.present.iter().any(|present| present == id)
    }
}

impl Watch {
    /// Whether a deployment of the service was made after the one that is looked at. Some servers tell times to the
    /// second or not at all: then everything but what was there before is newer.
    pub(crate) fn is_newer(&self, other: &Deployment) -> bool {
        let was_before = self.before.as_ref().is_some_and(|before| before.id == other.id);
        other.id != self.deployment.id
            && !was_before
            && other.created_at.is_none_or(|at| at >= self.deployment.created_at)
    }
}

impl Started {
    /// A deployment as the service lists it; none without a time, by which it is told apart. `or` is the time to take
    /// for a new one when the server does not tell: that of its answer.
    pub(crate) fn of(deployment: &Deployment, or: Option<Timestamp>) -> Option<Self> {
        Some(Self {
            id: deployment.id.clone(),
            created_at: deployment.created_at.or(or)?,
            task_definition: deployment.task_definition.clone(),
            service_deployment: None,
        })
    }

    pub(crate) fn known_as(mut self, service_deployment: Option<String>) -> Self {
        self.service_deployment = service_deployment.or(self.service_deployment);
        self
    }
}
