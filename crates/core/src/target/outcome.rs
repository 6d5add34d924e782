//! How a step came out, and what became of its change.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::data::Outputs;
use super::exit;
use super::observation::End;
use super::plan::{Plan, Receipt};
use crate::error::{Cause, Error};

/// How a step came out, before anything was undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Outcome {
    /// This deployment succeeded; it was seen.
    Succeeded,
    /// There was nothing to do, and what is there is healthy.
    Unchanged,
    /// The change was started and, as asked, nobody waited for its end.
    Started,
    /// It ended without success.
    Ended(End),
    /// The deadline passed.
    TimedOut {
        /// What was waited for at the last look.
        waiting_for: String,
        /// Whether a person has to act.
        person: bool,
    },
    /// Somebody asked to stop.
    Cancelled {
        /// What was waited for at the last look; empty when nothing had been started.
        waiting_for: String,
    },
    /// It was refused, by landfall before it was sent or by AWS.
    Refused {
        /// Why.
        error: Error,
    },
    /// It was started, and then could not be seen any more. It may have succeeded or not.
    Unknown {
        /// What kept us from seeing.
        error: Error,
    },
}

impl Outcome {
    /// Whether nothing went wrong: succeeded, unchanged, or started as asked.
    #[must_use]
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Succeeded | Self::Unchanged | Self::Started)
    }
}

/// What became of the change after it did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "undone", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Undone {
    /// There was nothing to undo: it succeeded, or nothing was changed.
    NotNeeded,
    /// It was left as it is.
    Kept,
    /// What was there before is there again; it was seen.
    Reverted,
    /// What was there before was there already when the undo looked.
    NothingToDo,
    /// It cannot be undone.
    Impossible {
        /// Why, and what a person can do.
        reason: String,
    },
    /// The undo did not succeed.
    Failed {
        /// How the undo came out.
        verdict: Box<Verdict>,
    },
}

/// An outcome with its causes and outputs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Verdict {
    /// How it came out.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Root causes of a failure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<Cause>,
    /// What a success hands to later steps.
    #[serde(default, skip_serializing_if = "Outputs::is_empty")]
    pub outputs: Outputs,
}

impl Verdict {
    /// A verdict without causes and outputs.
    #[must_use]
    pub fn new(outcome: Outcome) -> Self {
        Self { outcome, causes: Vec::new(), outputs: Outputs::default() }
    }

    /// Adds root causes.
    #[must_use]
    pub fn with_causes(mut self, causes: impl IntoIterator<Item = Cause>) -> Self {
        self.causes.extend(causes);
        self
    }

    /// Sets the outputs.
    #[must_use]
    pub fn with_outputs(mut self, outputs: Outputs) -> Self {
        self.outputs = outputs;
        self
    }
}

/// Everything about one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StepReport {
    /// The step's path.
    pub step: String,
    /// What was planned; none when planning was refused.
    pub plan: Option<Plan>,
    /// What was started; none when nothing was, as far as is known.
    pub receipt: Option<Receipt>,
    /// How it came out.
    pub verdict: Verdict,
    /// What became of the change.
    pub undone: Undone,
    /// When the step began in this process.
    pub started: Timestamp,
    /// When it was over.
    pub ended: Timestamp,
}

impl StepReport {
    /// The exit code of a process that did this one step.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        exit::code(&self.verdict.outcome, &self.undone)
    }

    /// Whether nothing went wrong, and what was changed is still there.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.exit_code() == 0
    }
}
