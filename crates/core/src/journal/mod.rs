//! Where a run is remembered, so that a killed process becomes a pause.
//!
//! - [`Journal`] keeps runs: [`MemoryJournal`] as long as the process lives, [`FileJournal`] on a disk.
//! - [`Run`] is one run that is open in this process. It hands out the [`Local`](crate::runtime::Local) of a step, which
//!   records durably before it goes on.
//! - [`Entry`] is what is kept: one recorded value of one attempt of one step.
//!
//! A journal also keeps two things apart: one run id is open in one process at a time, and one resource is deployed to
//! by one step at a time. A second one is told who holds it.
//!
//! The trait is narrow, and holds no notion of files: a store with conditional writes can implement it, with an object
//! for each entry, written only if there is none of its number.

mod attempt;
mod file;
mod memory;
mod run;
#[cfg(test)]
mod tests;

use std::fmt::{self, Debug};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::context::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::Recorded;
use crate::target::Resource;
pub use attempt::{Attempt, Stage, Whole};
pub use file::FileJournal;
pub use memory::MemoryJournal;
pub use run::{Records, Run};

/// A store of runs. Implementations share what they keep between clones.
#[async_trait]
pub trait Journal: Debug + Send + Sync {
    /// Opens a run for writing, a new one or one that was cut off, and keeps others from opening it until the
    /// [`RunLog`] is dropped or the process ends.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] when somebody else has it open, which says who; others when what was recorded cannot be
    /// read, or nothing can be written.
    async fn open(&self, run: &str) -> Result<Opened>;

    /// What is recorded of a run, whoever has it open; nothing for a run that is not known.
    ///
    /// # Errors
    /// When what was recorded cannot be read.
    async fn read(&self, run: &str) -> Result<Option<History>>;

    /// All runs, and for each that cannot be read why.
    ///
    /// # Errors
    /// When the journal itself cannot be read.
    async fn runs(&self) -> Result<Vec<Result<History>>>;

    /// Takes a resource for a step of this run, until what is answered is dropped or the process ends.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] when it is taken, which says by whom.
    async fn hold(&self, resource: &Resource, run: &str) -> Result<Box<dyn Held>>;
}

/// Writes the records of one run.
#[async_trait]
pub trait RunLog: Debug + Send + Sync {
    /// Appends; when it answers, the entry survives the end of the process and of the machine, as far as the store can
    /// promise that.
    ///
    /// # Errors
    /// When that cannot be promised. Later entries are refused then too: what follows a hole cannot be trusted.
    async fn append(&self, entry: &Entry) -> Result<()>;
}

/// A resource that is taken; dropping it gives it free.
pub trait Held: Debug + Send + Sync {}

/// A run that was opened for writing.
#[derive(Debug)]
pub struct Opened {
    /// What earlier processes recorded, oldest first.
    pub entries: Vec<Entry>,
    /// Where this process records.
    pub log: Box<dyn RunLog>,
}

/// What is recorded of a run.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct History {
    /// The run's id.
    pub run: String,
    /// When it was begun.
    pub began: Timestamp,
    /// All entries, oldest first.
    pub entries: Vec<Entry>,
    /// Who has it open now.
    pub holder: Option<Holder>,
}

/// One recorded value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Entry {
    /// The step's path.
    pub step: String,
    /// Its attempt, from 1.
    pub attempt: u32,
    /// The record's name: `plan`, `apply.0`, `settled`.
    pub record: String,
    /// When the recorded call ended.
    pub at: Timestamp,
    /// Milliseconds that it took.
    pub took_ms: u64,
    /// What it gave. No secrets.
    pub value: Value,
}

impl Entry {
    /// What is kept of a recorded call; an error is not.
    #[must_use]
    pub fn of(step: &str, attempt: u32, record: &str, recorded: &Recorded) -> Option<Self> {
        Some(Self {
            step: step.to_owned(),
            attempt,
            record: record.to_owned(),
            at: recorded.at,
            took_ms: u64::try_from(recorded.took.as_millis()).unwrap_or(u64::MAX),
            value: recorded.value.as_ref().ok()?.clone(),
        })
    }

    /// The recorded call.
    #[must_use]
    pub fn recorded(&self) -> Recorded {
        let took = Duration::from_millis(self.took_ms);
        Recorded { value: Ok(self.value.clone()), at: self.at, took }
    }
}

/// Who has a run open, or holds a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Holder {
    /// The run's id.
    pub run: String,
    /// Number of the process on its host.
    pub pid: u32,
    /// The host's name.
    pub host: String,
    /// Since when.
    pub since: Timestamp,
}

impl Holder {
    /// This process, from now on.
    pub(crate) fn this_process(run: &str) -> Self {
        Self {
            run: run.to_owned(),
            pid: std::process::id(),
            host: gethostname::gethostname().to_string_lossy().into_owned(),
            since: Clock::start().now(),
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} on {}, since {:.0}", self.pid, self.host, self.since)
    }
}

/// A second one opens a run.
fn run_is_open(run: &str, holder: Option<&Holder>) -> Error {
    let by = holder.map_or_else(|| "another process".to_owned(), Holder::to_string);
    Error::new(ErrorKind::Conflict, format!("run {run} is open in {by}")).with_hint(
        "wait until it has ended, then run again: it goes on where that one stops, or reports what came out",
    )
}

/// A second one wants a resource.
fn resource_is_held(resource: &Resource, holder: Option<&Holder>) -> Error {
    let by = holder
        .map_or_else(|| "another process".to_owned(), |holder| format!("run {} ({holder})", holder.run));
    Error::new(ErrorKind::Conflict, format!("{resource} is being deployed to by {by}")).with_hint(
        "one deployment at a time per resource: run again when that one has ended, or ask to wait for it",
    )
}
