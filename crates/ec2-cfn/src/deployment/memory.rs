//! What passes from one phase to another, perhaps in another process: the payloads of plan, receipt and cursor. Names, ids
//! and digests, never a secret.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

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
    /// When the plan was made, by the clock of AWS. None: by no clock that is known.
    pub(crate) at: Option<Timestamp>,
    /// The revision deployed last with success.
    pub(crate) before: Option<Value>,
    /// The deployment of it.
    pub(crate) before_id: Option<String>,
    /// The last deployment there was.
    pub(crate) last: String,
    /// The deployment that is followed instead of making one.
    pub(crate) attach: Option<String>,
    /// Somebody else's deployment that is waited for first.
    pub(crate) busy: Option<String>,
    /// Auto Scaling groups whose capacity is waited for first: those of a group that is deployed to in place.
    #[serde(default)]
    pub(crate) scaling: Vec<String>,
}

/// An undo, planned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Back {
    /// The deployment that is undone.
    pub(crate) ours: String,
    /// The revision to come back to.
    pub(crate) goal: Option<Value>,
    /// When the undo was planned, by the clock of AWS.
    pub(crate) at: Option<Timestamp>,
}

/// The payload of a receipt: what is looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Watch {
    pub(crate) purpose: Purpose,
    pub(crate) deployment: String,
    /// In words.
    pub(crate) revision: String,
    /// It is somebody else's.
    pub(crate) adopted: bool,
    /// ContinueDeployment has been called.
    pub(crate) continued: bool,
    /// There is a revision to come back to when CodeDeploy does not roll back.
    pub(crate) restores: bool,
    /// It was stopped, and CodeDeploy asked to roll it back.
    pub(crate) rollback_asked: bool,
    /// The Auto Scaling groups that are waited for.
    #[serde(default)]
    pub(crate) scaling: Vec<String>,
    /// Since when, by the clock of AWS.
    #[serde(default)]
    pub(crate) since: Option<Timestamp>,
}

impl Watch {
    pub(crate) fn new(purpose: Purpose, deployment: &str, revision: String) -> Self {
        Self {
            purpose,
            deployment: deployment.to_owned(),
            revision,
            adopted: false,
            continued: false,
            restores: false,
            rollback_asked: false,
            scaling: Vec::new(),
            since: None,
        }
    }
}

/// What a deployment is looked at for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Purpose {
    /// To deploy what was asked for.
    Deploy,
    /// Somebody else's is waited for.
    Busy,
    /// There is none yet: Auto Scaling groups are to get their capacity first.
    Capacity,
    /// There was nothing to do.
    Unchanged,
    /// It is stopped, and perhaps rolled back by CodeDeploy.
    Stop,
    /// It deploys what was there before.
    Restore,
}

/// What a look remembers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Memory {
    pub(crate) status: String,
    /// A digest of all instances' states: when it changes something moved.
    pub(crate) moved: String,
    /// What was told already.
    pub(crate) noted: BTreeSet<String>,
    /// What Systems Manager told of instances whose agents are silent, by their ids.
    pub(crate) agents: BTreeMap<String, String>,
}
