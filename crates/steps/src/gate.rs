//! Waits for a person.

use std::fmt::Debug;
use std::io::ErrorKind as IoErrorKind;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use landfall_core::{
    Cause, Context, DeployTarget, End, Error, ErrorKind, Look, Observation, Outputs, Plan, Receipt, Resource,
    Result, Revert, State,
};

use crate::{digest, local};

const KIND: &str = "gate";

/// What a person said.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// Nothing yet.
    Pending,
    /// Go on.
    Approved {
        /// Who said so, or how.
        by: String,
    },
    /// Do not.
    Denied {
        /// Why, or who said so.
        reason: String,
    },
}

/// Where a person's answer comes from.
#[async_trait]
pub trait Approval: Debug + Send + Sync {
    /// What a person has to do, as the end of "waiting for": `approved or denied in /tmp/go`.
    fn describe(&self) -> String;

    /// Looks for an answer. Read-only, may be dropped at any await.
    ///
    /// # Errors
    /// A passing error is tolerated several times; any other makes the outcome unknown.
    async fn ask(&self, cx: &Context) -> Result<Answer>;
}

/// A step that succeeds when somebody approves it. It changes nothing, and is never undone. At its deadline it ends with
/// exit code 8: it waits for a person. A denial ends it as stopped.
///
/// ```
/// use landfall_steps::{FileApproval, Gate};
///
/// let gate = Gate::new("go live", FileApproval::new("/tmp/go-live"));
/// ```
#[derive(Debug, Clone)]
pub struct Gate {
    name: String,
    approval: Arc<dyn Approval>,
}

impl Gate {
    /// A gate of this name.
    #[must_use]
    pub fn new(name: impl Into<String>, approval: impl Approval + 'static) -> Self {
        Self { name: name.into(), approval: Arc::new(approval) }
    }
}

#[async_trait]
impl DeployTarget for Gate {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn resource(&self) -> Resource {
        local(KIND, &self.name).read_only()
    }

    fn specification(&self) -> String {
        digest([self.name.as_str()])
    }

    async fn plan(&self, _cx: &Context) -> Result<Plan> {
        Plan::new(KIND, 1, Vec::new(), &self.name)
    }

    async fn apply(&self, _cx: &Context, _plan: &Plan, _so_far: Option<&Receipt>) -> Result<Receipt> {
        Receipt::new(
            KIND,
            1,
            format!("gate {} waits for {}", self.name, self.approval.describe()),
            &self.name,
        )
    }

    async fn observe(&self, cx: &Context, _receipt: &Receipt, _look: Look<'_>) -> Result<Observation> {
        Ok(match self.approval.ask(cx).await? {
            Answer::Pending => {
                let waiting_for = format!("{}: {}", self.name, self.approval.describe());
                Observation::new(State::Pending { waiting_for, person: true })
            }
            Answer::Approved { by } => Observation::new(State::Ready(Outputs::new().with("approved_by", by))),
            Answer::Denied { reason } => Observation::new(State::Ended(End::Stopped))
                .with_causes([Cause::new("denied", format!("gate {} was denied: {reason}", self.name))]),
        })
    }

    async fn revert(&self, _cx: &Context, _plan: &Plan, _receipt: Option<&Receipt>) -> Result<Revert> {
        Ok(Revert::NothingToDo)
    }
}

/// A file that says `approved` or `denied`, with who or why behind it: `approved by the release manager`.
#[derive(Debug, Clone)]
pub struct FileApproval {
    path: PathBuf,
}

impl FileApproval {
    /// The answer in the first line of this file; no answer while there is no such file, or it is empty.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }
}

#[async_trait]
impl Approval for FileApproval {
    fn describe(&self) -> String {
        format!("the line \"approved\" or \"denied\" in {}", self.path.display())
    }

    async fn ask(&self, _cx: &Context) -> Result<Answer> {
        match tokio::fs::read_to_string(&self.path).await {
            Ok(text) => answer(&text, &self.path.display().to_string()),
            Err(error) if error.kind() == IoErrorKind::NotFound => Ok(Answer::Pending),
            Err(error) => {
                let message = format!("{} cannot be read", self.path.display());
                Err(Error::new(ErrorKind::Transient, message).with_source(&error))
            }
        }
    }
}

/// An answer that was given before: the value of a variable of a CI job that a person started, for example.
#[derive(Debug, Clone)]
pub struct GivenAnswer {
    name: String,
    value: Option<String>,
}

impl GivenAnswer {
    /// The value of what is called `name`; the caller has read it. None and an empty text are no answer.
    #[must_use]
    pub fn new(name: impl Into<String>, value: Option<String>) -> Self {
        Self { name: name.into(), value }
    }
}

#[async_trait]
impl Approval for GivenAnswer {
    fn describe(&self) -> String {
        format!("\"approved\" or \"denied\" in {}, given when this is run again", self.name)
    }

    async fn ask(&self, _cx: &Context) -> Result<Answer> {
        answer(self.value.as_deref().unwrap_or_default(), &self.name)
    }
}

fn answer(text: &str, place: &str) -> Result<Answer> {
    let line = text.lines().next().unwrap_or_default().trim();
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = if rest.trim().is_empty() { place } else { rest.trim() };
    match word.to_ascii_lowercase().as_str() {
        "" => Ok(Answer::Pending),
        "approved" => Ok(Answer::Approved { by: rest.trim_start_matches("by ").to_owned() }),
        "denied" => Ok(Answer::Denied { reason: rest.to_owned() }),
        other => Err(Error::invalid(format!("{place} says {other:?}, which is neither approved nor denied"))
            .with_hint("write \"approved\" or \"denied\", and run again")),
    }
}
