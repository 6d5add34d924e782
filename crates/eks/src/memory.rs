//! What passes from one phase to another, perhaps in another process: the payloads of plan, receipt and cursor.
//!
//! Names, UIDs, versions and digests. Never a manifest: what is applied comes from the specification that the target
//! holds, and what was applied before from the cluster.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use landfall_core::{Error, Outputs};
use serde::{Deserialize, Serialize};

use crate::api::Key;
use crate::apply::{Before, Placed};
use crate::inventory::RecordRef;
use crate::judge::below::Sightings;

/// Version of all payloads below.
pub(crate) const VERSION: u32 = 1;

/// The payload of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "direction", rename_all = "kebab-case")]
pub(crate) enum Work {
    /// To what was asked for.
    Forward(Forward),
    /// Back to what was there before.
    Back(Back),
}

/// A deployment, planned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Forward {
    /// What the plan of each manifest found, in their order.
    pub(crate) objects: Vec<Foreseen>,
    /// The number under which this set is kept once it was good.
    pub(crate) revision: u64,
}

/// An object as its plan found it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Foreseen {
    pub(crate) key: Key,
    /// Nothing of what was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) before: Option<Before>,
}

/// The way back, planned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Back {
    /// The number of the deployment that is undone.
    pub(crate) revision: u64,
    /// What is put back.
    pub(crate) goal: Goal,
    /// What the deployment made, by UID where that is known.
    pub(crate) created: Vec<(Key, Option<String>)>,
}

/// What was there before a deployment, as the cluster keeps it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Goal {
    /// What was applied last and was good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) record: Option<RecordRef>,
    /// Objects that were not of the release before, as they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) found: Option<RecordRef>,
}

/// The payload of a receipt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progressed {
    /// How far it has come.
    pub(crate) stage: Stage,
    /// The number of the deployment.
    pub(crate) revision: u64,
    /// Waves that are carried out.
    pub(crate) waves: usize,
    /// What was applied, by the place of its manifest.
    pub(crate) placed: BTreeMap<usize, Placed>,
    /// Another run has changed the release since the plan was made: nothing counts as unchanged by the plan.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) waited: bool,
    /// Of an undo: what is put back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) goal: Option<Goal>,
    /// Of an undo: pods that no rollout of a StatefulSet would replace were taken away.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) unstuck: bool,
}

/// How far an apply has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "kebab-case")]
pub(crate) enum Stage {
    /// Another run deploys the release, and is waited for.
    Busy,
    /// Waves are applied, and what they wait for is waited for.
    Applying,
    /// Objects could not be applied.
    Failed {
        /// Which, and why.
        error: Error,
        /// How many were not tried because of that.
        left: usize,
    },
    /// There was nothing to change; what is there is looked at.
    Standing,
    /// Everything was ready, and what belongs to the release is recorded.
    Done {
        /// What later steps get.
        outputs: Outputs,
    },
}

impl Progressed {
    pub(crate) fn begun(revision: u64) -> Self {
        Self {
            stage: Stage::Applying,
            revision,
            waves: 0,
            placed: BTreeMap::new(),
            waited: false,
            goal: None,
            unstuck: false,
        }
    }
}

/// What a look remembers for the next one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Memory {
    /// Deployments whose controller was seen at work within its deadline.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) within_deadline: BTreeSet<usize>,
    /// Since when troubles are seen for which the server names no time.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) sightings: BTreeMap<usize, Sightings>,
    /// Since when everything is ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ready_since: Option<Timestamp>,
    /// How often the containers of each object had been restarted then.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) restarts: BTreeMap<usize, i64>,
}
