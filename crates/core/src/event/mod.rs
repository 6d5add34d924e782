//! What is told while a deployment runs, and who listens.
//!
//! One [`Event`] enum, one [`Observer`] trait. An observer is called in the order of events, is quick and
//! cannot fail. The JSON form is a contract: fields and kinds are added, never changed or removed; its schema
//! is [`schema`], published as `docs/events.schema.json`.
//!
//! An event is identified by `(run, step, attempt, pass, record, index)`. An engine that replays tells the same
//! event again under the same identity: readers drop what they have seen. A process that goes on where another was
//! cut off is another `pass`, and may tell again what it finds; news of AWS have an `id` that stays the same.

mod observers;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::target::{Change, News, Progress, Resource, Undone, Verdict};
pub use observers::{Channel, JsonLines, Observers, Silent, Tracing, channel};

/// Hears every event of a run. Implemented by closures too.
pub trait Observer: Send + Sync {
    /// Hears one event. Called from the task that runs the deployment: be quick, do not block.
    fn observe(&self, event: &Event);
}

impl<F: Fn(&Event) + Send + Sync> Observer for F {
    fn observe(&self, event: &Event) {
        self(event);
    }
}

/// One thing that happened in a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Event {
    /// When it was told.
    pub at: Timestamp,
    /// The run's id.
    pub run: String,
    /// The step's path.
    pub step: String,
    /// The step's attempt, from 1.
    pub attempt: u32,
    /// Which process of this attempt told it: 1, and one more for each that went on where another was cut off.
    #[serde(default = "first")]
    pub pass: u32,
    /// The recorded call it belongs to: `plan`, `apply.0`, `0.look`, `undo.apply.0`; `run` outside of one.
    pub record: String,
    /// Position among the events of this record, from 0.
    pub index: u64,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

fn first() -> u32 {
    1
}

/// How important a note or a piece of news is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// For those who look for a reason.
    Debug,
    /// The ordinary course.
    Info,
    /// Something a person should know, though it does not end the deployment.
    Warning,
    /// Something failed.
    Error,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum EventKind {
    /// Credentials are there; who we are.
    SignedIn {
        /// Where they came from, in words: `OIDC token from $DEPLOY_TOKEN`.
        source: String,
        /// The twelve digits of the account.
        account: String,
        /// The ARN of the caller.
        identity: String,
        /// The region that will be used.
        region: String,
    },
    /// Nothing was begun: the input or the credentials cannot be used.
    Aborted {
        /// Why.
        error: Error,
        /// The exit code that belongs to it.
        exit_code: u8,
    },
    /// The step begins.
    Started {
        /// What it deploys to.
        resource: Resource,
    },
    /// The plan is made and recorded.
    Planned {
        /// What will change; empty when nothing will.
        changes: Vec<Change>,
    },
    /// A part of the change was accepted by AWS.
    Applied {
        /// Which part, from 0.
        part: u32,
        /// What was started, in words.
        summary: String,
    },
    /// AWS said something new.
    News {
        /// What it said.
        news: News,
    },
    /// Where the deployment stands. Told when it moves, and as a heartbeat.
    Progress {
        /// What is waited for.
        waiting_for: String,
        /// Counts.
        progress: Vec<Progress>,
        /// Milliseconds since the wait began.
        elapsed_ms: u64,
    },
    /// Something that may pass by itself failed and is tried again.
    Retrying {
        /// What failed.
        error: Error,
        /// Milliseconds until the next try.
        delay_ms: u64,
    },
    /// Something worth knowing that is neither news nor a phase.
    Note {
        /// How important.
        level: Level,
        /// Stable name in kebab case.
        code: String,
        /// For people.
        text: String,
    },
    /// The outcome, before anything is undone.
    Verdict {
        /// Outcome, causes, outputs.
        verdict: Verdict,
    },
    /// Putting back what was there before begins.
    Undoing {
        /// What will be put back.
        changes: Vec<Change>,
    },
    /// What became of a step that had succeeded, and was undone because another did not.
    Undone {
        /// How that came out.
        undone: Undone,
        /// The exit code of the step that belongs to it now.
        exit_code: u8,
    },
    /// A pipeline begins.
    PipelineStarted {
        /// All its steps.
        steps: Vec<PipelineStep>,
    },
    /// A pipeline is over.
    PipelineFinished {
        /// The exit code of the run.
        exit_code: u8,
        /// Milliseconds that this process worked on it.
        took_ms: u64,
    },
    /// The step is over.
    Finished {
        /// Outcome, causes, outputs.
        verdict: Verdict,
        /// What became of the change.
        undone: Undone,
        /// The exit code that belongs to both.
        exit_code: u8,
        /// Milliseconds from the start of the step.
        took_ms: u64,
    },
}

/// A step of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct PipelineStep {
    /// The step's path below the pipeline's.
    pub name: String,
    /// The steps that must have succeeded before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
}

/// The JSON schema of one line of the event stream.
#[must_use]
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Event).to_value()
}
