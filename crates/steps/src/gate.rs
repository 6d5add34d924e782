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
    /// Something that is no answer for this run: it is waited on, and the person is told what is wrong.
    Unusable {
        /// What was found instead: `/tmp/go approves another run`.
        found: String,
    },
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
    /// What a person has to do, as the end of "waiting for": `the line "approved shop/81" in /tmp/go`.
    fn describe(&self, cx: &Context) -> String;

    /// Looks for an answer for the run of the context: what was said of another run is none. Read-only, may be dropped at
    /// any await.
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
/// // Waits for: echo "approved RUN by NAME" > /tmp/go-live
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

    async fn apply(&self, cx: &Context, _plan: &Plan, _so_far: Option<&Receipt>) -> Result<Receipt> {
        let summary = format!("gate {} waits for {}", self.name, self.approval.describe(cx));
        Receipt::new(KIND, 1, summary, &self.name)
    }

    async fn observe(&self, cx: &Context, _receipt: &Receipt, _look: Look<'_>) -> Result<Observation> {
        let waits = |more: &str| {
            let waiting_for = format!("{}: {}{more}", self.name, self.approval.describe(cx));
            Observation::new(State::Pending { waiting_for, person: true })
        };
        Ok(match self.approval.ask(cx).await? {
            Answer::Pending => waits(""),
            Answer::Unusable { found } => waits(&format!(" ({found})")),
            Answer::Approved { by } => Observation::new(State::Ready(Outputs::new().with("approved_by", by))),
            Answer::Denied { reason } => Observation::new(State::Ended(End::Stopped))
                .with_causes([Cause::new("denied", format!("gate {} was denied: {reason}", self.name))]),
        })
    }

    async fn revert(&self, _cx: &Context, _plan: &Plan, _receipt: Option<&Receipt>) -> Result<Revert> {
        Ok(Revert::NothingToDo)
    }
}

/// A file whose first line approves or denies one run, by its id, with who or why behind it:
///
/// ```sh
/// echo "approved shop/81/release/production by the release manager" > /tmp/go-live
/// echo "denied shop/81/release/production freeze until Monday" > /tmp/go-live
/// ```
///
/// The file may lie there before the gate is reached. One that names another run, or none, is no answer: an approval that
/// was left by an earlier release never lets the next one through. Another attempt of the same run is let through by it.
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

    /// What the line says of this run. A half of a line is none yet: the next look sees the whole.
    fn answer(&self, text: &str, run: &str) -> Answer {
        let path = self.path.display();
        let line = text.lines().next().unwrap_or_default().trim();
        if line.is_empty() {
            return Answer::Pending;
        }
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let word = word.to_ascii_lowercase();
        if !["approved", "denied"].contains(&word.as_str()) {
            let found = format!("{path} says neither approved nor denied");
            return Answer::Unusable { found };
        }
        let of_run = rest.trim_start().strip_prefix(run);
        match of_run.filter(|more| more.is_empty() || more.starts_with(char::is_whitespace)) {
            Some(more) => said(word == "approved", more.trim(), &path.to_string()),
            None => Answer::Unusable { found: format!("{path} says {word}, and not of this run") },
        }
    }
}

#[async_trait]
impl Approval for FileApproval {
    fn describe(&self, cx: &Context) -> String {
        let run = cx.run();
        format!("the line \"approved {run}\" or \"denied {run}\" in {}", self.path.display())
    }

    async fn ask(&self, cx: &Context) -> Result<Answer> {
        match tokio::fs::read_to_string(&self.path).await {
            Ok(text) => Ok(self.answer(&text, cx.run())),
            Err(error) if error.kind() == IoErrorKind::NotFound => Ok(Answer::Pending),
            Err(error) => {
                let message = format!("{} cannot be read", self.path.display());
                Err(Error::new(ErrorKind::Transient, message).with_source(&error))
            }
        }
    }
}

/// An answer that was given to this process when it was started: the value of a variable of a CI job that a person starts,
/// for example. It is not bound to a run: do not make it a variable of the project, where it would approve every run.
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
    fn describe(&self, _cx: &Context) -> String {
        format!("\"approved\" or \"denied\" in {}, given when this is run again", self.name)
    }

    async fn ask(&self, _cx: &Context) -> Result<Answer> {
        answer(self.value.as_deref().unwrap_or_default(), &self.name)
    }
}

fn answer(text: &str, place: &str) -> Result<Answer> {
    let line = text.lines().next().unwrap_or_default().trim();
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    match word.to_ascii_lowercase().as_str() {
        "" => Ok(Answer::Pending),
        "approved" => Ok(said(true, rest.trim(), place)),
        "denied" => Ok(said(false, rest.trim(), place)),
        other => Err(Error::invalid(format!("{place} says {other:?}, which is neither approved nor denied"))
            .with_hint("write \"approved\" or \"denied\", and run again")),
    }
}

/// An answer with who gave it, or why; where it was found, if that is not said.
fn said(approved: bool, more: &str, place: &str) -> Answer {
    let more = if more.is_empty() { place } else { more };
    match approved {
        true => Answer::Approved { by: more.trim_start_matches("by ").to_owned() },
        false => Answer::Denied { reason: more.to_owned() },
    }
}
