//! What this target refuses, and why. Failures of calls are [`landfall_aws::failure::Failure`]; these are the findings of
//! landfall itself.

use landfall_core::{Cause, Error, ErrorKind};
use thiserror::Error as ThisError;

/// Reasons to refuse.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
pub(crate) enum Refusal {
    #[error("stack {name} is {status}: {meaning}")]
    Blocked {
        name: String,
        status: String,
        meaning: &'static str,
        next: String,
        /// What a rollback failed on, a line each; empty where that is not the matter, or not known.
        stuck: Vec<String>,
    },

    #[error("another operation of stack {name} is under way: it is {status}{last}")]
    Busy { name: String, status: String, last: String },

    #[error("stack {name} is {status} and may not be deleted to be created anew: {why}")]
    NotRecreatable { name: String, status: String, why: String },

    #[error("stack {name} is protected against deletion")]
    Protected { name: String },

    #[error("stack {name} is {status}: resources can be left behind only when a deletion of it has failed")]
    NotFailedYet { name: String, status: String },

    #[error("what is asked for now is not what the recorded plan was made for")]
    OtherSpecification,

    #[error("no template is given for stack {name}: this target can undo what was recorded, and not deploy")]
    NoTemplate { name: String },

    #[error("somebody else has changed stack {name} since the plan was made: {what}")]
    Moved { name: String, what: String },

    #[error("change set {change_set} would {what}, which is not allowed: {}", .resources.join(", "))]
    NotAllowed {
        change_set: String,
        what: &'static str,
        allow: &'static str,
        resources: Vec<String>,
        details: Vec<String>,
    },

    #[error(
        "change set {change_set} would replace resources, which CloudFormation does not do while rollback is off: {}",
        .resources.join(", ")
    )]
    RollbackOff { change_set: String, resources: Vec<String>, details: Vec<String> },

    #[error("change set {change_set} cannot be executed: it is {status}, {execution}")]
    NotExecutable { change_set: String, status: String, execution: String },

    #[error("{file} cannot be carried out: {what}")]
    Saved { file: String, what: String },

    #[error("a plan for stack {name} cannot be saved: {what}")]
    NotSavable { name: String, what: String },
}

impl Refusal {
    /// A stack in a state from which there is no update.
    pub(crate) fn blocked(name: &str, status: &str, (meaning, next): (&'static str, String)) -> Self {
        let (name, status) = (name.to_owned(), status.to_owned());
        Self::Blocked { name, status, meaning, next, stuck: Vec::new() }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotAllowed { .. }
            | Self::RollbackOff { .. }
            | Self::Protected { .. }
            | Self::Blocked { .. }
            | Self::NotRecreatable { .. }
            | Self::NotFailedYet { .. } => ErrorKind::Rejected,
            _ => ErrorKind::Conflict,
        }
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Blocked { next, .. } => next.clone(),
            Self::Busy { .. } => "wait for its end (if-busy=wait does so), then deploy again; landfall never stops an \
                                  operation of somebody else's"
                .to_owned(),
            Self::NotRecreatable { .. } => {
                "delete the stack yourself once you are sure, or say recreate-failed=always".to_owned()
            }
            Self::Protected { .. } => {
                "turn termination protection off first, if the stack is really to go".to_owned()
            }
            Self::NotFailedYet { .. } => {
                "delete it without that first; if the deletion fails, the failure names what to leave behind".to_owned()
            }
            Self::OtherSpecification => {
                "go on with what was asked for when the run was begun, or begin a new run id".to_owned()
            }
            Self::NoTemplate { .. } => "describe the stack with its template to deploy it".to_owned(),
            Self::Moved { .. } => "look at what they did, then deploy again: a new plan is made".to_owned(),
            Self::NotAllowed { allow, .. } => {
                format!("nothing was changed; say {allow} if that is meant, or change the template so that it does not")
            }
            Self::RollbackOff { .. } => "nothing was changed; deploy with on-stack-failure=rollback, or change the template so \
                                         that nothing is replaced"
                .to_owned(),
            Self::NotExecutable { .. } => {
                "the stack was changed after the change set was made: begin a new run id, which makes a new one".to_owned()
            }
            Self::Saved { .. } => {
                "nothing was changed: save a new plan, look at it, and deploy from that one".to_owned()
            }
            Self::NotSavable { .. } => {
                "nothing was changed: let that come to its end first, then save a plan of what is there then".to_owned()
            }
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let error = Self::new(refusal.kind(), refusal.to_string()).with_hint(refusal.hint());
        match refusal {
            Refusal::Blocked { stuck, .. } if !stuck.is_empty() => error.with_cause(
                Cause::new("rollback-failed", "what the rollback failed on").with_evidence(stuck),
            ),
            Refusal::NotAllowed { what, details, .. } => {
                let code =
                    if what.contains("replace") { "replacement-not-allowed" } else { "deletion-not-allowed" };
                error.with_cause(Cause::new(code, "what would be lost").with_evidence(details))
            }
            Refusal::RollbackOff { details, .. } => {
                let cause = Cause::new("replacement-without-rollback", "what would be replaced");
                error.with_cause(cause.with_evidence(details))
            }
            _ => error,
        }
    }
}
