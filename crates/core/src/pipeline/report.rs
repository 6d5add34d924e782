//! What came out of a run, for programs. `text` renders it for people.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::error::Error;
use crate::target::{Change, Outcome, StepReport, Undone, Verdict, exit_code};

/// What came out of a run, step by step.
///
/// Its JSON form is a contract like that of events: fields are added, never changed or removed; the schema is
/// [`schema`], published as `docs/report.schema.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Report {
    /// The run's id.
    pub run: String,
    /// The pipeline's path; those of its steps are below it.
    pub path: String,
    /// Which attempt of the whole it was, from 1.
    pub attempt: u32,
    /// The exit code of a process that did this run.
    ///
    /// # Exit code
    /// That of the step that came out worst, in this order: 4 (an undo failed), 9 (unknown), 7 (no credentials), 1, 2
    /// (failed), 5 (superseded), 8 (waits for a person), 6 (timed out), 3 (rolled back), 130 (cancelled), 0. A step that
    /// had succeeded and was put back because of another does not decide. A failed step that left nothing itself counts
    /// as 3 when other steps were changed and put back, and as 1 when changes of others stand.
    pub exit_code: u8,
    /// Why no step was begun at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    /// When this process began.
    pub started: Timestamp,
    /// When it was over.
    pub ended: Timestamp,
    /// Every step, in the order in which they were added to the pipeline.
    pub steps: Vec<StepResult>,
}

/// What came out of one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct StepResult {
    /// The step's path below the pipeline's.
    pub name: String,
    /// What became of it.
    #[serde(flatten)]
    pub status: Status,
}

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "status", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Status {
    /// Nothing of it was begun.
    NotStarted {
        /// Why.
        reason: String,
    },
    /// It came to an end in this process, or was told again.
    Settled(Box<Settled>),
}

/// A step that came to an end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Settled {
    /// Which attempt of the step it was, from 1.
    pub attempt: u32,
    /// Outcome, causes and outputs.
    pub verdict: Verdict,
    /// What became of its change, by itself or because another step failed.
    pub undone: Undone,
    /// The exit code of a process that did this one step.
    pub exit_code: u8,
    /// What was planned; empty when nothing was to be changed or planning was refused.
    pub changes: Vec<Change>,
    /// What was started, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<String>,
    /// When it began in this process.
    pub started: Timestamp,
    /// When it was over, with its undo.
    pub ended: Timestamp,
}

/// The JSON schema of a report.
#[must_use]
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Report).to_value()
}

impl Report {
    pub(super) fn new(
        cx: &Context,
        started: Timestamp,
        steps: Vec<StepResult>,
        error: Option<Error>,
        cancelled: bool,
    ) -> Self {
        let exit_code = error.as_ref().map_or_else(|| code_of_run(&steps, cancelled), Error::exit_code);
        let (run, path) = (cx.run().to_owned(), cx.step().to_owned());
        Self { run, path, attempt: cx.attempt(), exit_code, error, started, ended: cx.clock().now(), steps }
    }

    /// Whether nothing went wrong, and what was changed is still there.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.exit_code == 0
    }

    /// The step of this path.
    #[must_use]
    pub fn step(&self, name: &str) -> Option<&StepResult> {
        self.steps.iter().find(|step| step.name == name)
    }

    /// Milliseconds that this process worked on the run.
    #[must_use]
    pub fn took_ms(&self) -> u64 {
        u64::try_from(self.ended.duration_since(self.started).as_millis()).unwrap_or(0)
    }
}

impl StepResult {
    /// The result of a step; `stop` says why no more were started.
    pub(super) fn new(name: &str, ran: Option<(u32, StepReport)>, stop: &str) -> Self {
        let status = match ran {
            None => Status::NotStarted { reason: stop.to_owned() },
            Some((attempt, report)) => Status::Settled(Box::new(Settled {
                attempt,
                exit_code: exit_code(&report.verdict.outcome, &report.undone),
                verdict: report.verdict,
                undone: report.undone,
                changes: report.plan.map(|plan| plan.changes).unwrap_or_default(),
                receipt: report.receipt.map(|receipt| receipt.summary),
                started: report.started,
                ended: report.ended,
            })),
        };
        Self { name: name.to_owned(), status }
    }

    /// What is known of it, if it was begun.
    #[must_use]
    pub fn settled(&self) -> Option<&Settled> {
        match &self.status {
            Status::Settled(settled) => Some(settled),
            Status::NotStarted { .. } => None,
        }
    }
}

impl Settled {
    /// Whether a change of it is there now, by accident or by intent.
    fn stands(&self) -> bool {
        let kept_on_purpose = self.verdict.outcome.is_success() && self.undone == Undone::Kept;
        self.changed() && matches!(self.undone, Undone::NotNeeded | Undone::Kept) && !kept_on_purpose
    }

    fn changed(&self) -> bool {
        let nothing_sent = matches!(&self.verdict.outcome, Outcome::Refused { .. }) && self.receipt.is_none();
        !(self.changes.is_empty() || nothing_sent && self.undone == Undone::NotNeeded)
    }
}

/// Codes from the worst down: first what a person must look at, last what is as it was.
const WORST_FIRST: [u8; 11] = [UNDO_FAILED, 9, 7, 1, 2, 5, 8, 6, 3, CANCELLED, 0];

const UNDO_FAILED: u8 = 4;

const CANCELLED: u8 = 130;

fn code_of_run(steps: &[StepResult], cancelled: bool) -> u8 {
    let rank = |step: &&Settled| WORST_FIRST.iter().position(|known| *known == step.exit_code).unwrap_or(0);
    let settled = || steps.iter().filter_map(StepResult::settled);
    // A step that had succeeded and was put back is no reason of its own.
    let reasons =
        settled().filter(|step| !step.verdict.outcome.is_success() || step.exit_code == UNDO_FAILED);
    if let Some(step) = reasons.min_by_key(rank) {
        return match step.exit_code {
            code @ (1 | 2) if !step.stands() => code_beside_others(code, settled()),
            code => code,
        };
    }
    match settled().min_by_key(rank).map_or(0, |step| step.exit_code) {
        // Nothing but a stop keeps steps from being started when none has failed.
        0 if settled().count() < steps.len() => CANCELLED,
        3 if cancelled => CANCELLED,
        code => code,
    }
}

/// The code of a failed step that left nothing behind.
fn code_beside_others<'a>(code: u8, mut all: impl Iterator<Item = &'a Settled> + Clone) -> u8 {
    if all.clone().any(Settled::stands) {
        return 1;
    }
    if all.any(|step| step.undone == Undone::Reverted) { 3 } else { code }
}
