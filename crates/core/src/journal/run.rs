//! One run that is open in this process.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{Entry, Journal, RunLog};
use crate::context::Context;
use crate::error::Result;
use crate::runtime::{Local, Recorded};

/// The records of one attempt by their names.
pub type Records = BTreeMap<String, Recorded>;

/// A run that is open in this process. Clones are the same run; the last one that is dropped gives it free.
#[derive(Debug, Clone)]
pub struct Run(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    id: String,
    log: Box<dyn RunLog>,
    /// By step and attempt.
    records: Mutex<BTreeMap<String, BTreeMap<u32, Records>>>,
    broken: AtomicBool,
}

impl Run {
    /// Opens a run and reads what earlier processes recorded.
    ///
    /// # Errors
    /// As [`Journal::open`].
    pub async fn open(journal: &dyn Journal, id: &str) -> Result<Self> {
        let opened = journal.open(id).await?;
        let run = Self::new(id, opened.log);
        for entry in opened.entries {
            run.keep(&entry.step, entry.attempt, &entry.record, entry.recorded());
        }
        Ok(run)
    }

    /// A run that is forgotten when it is dropped.
    pub(crate) fn forgetful(id: &str) -> Self {
        Self::new(id, Box::new(Nowhere))
    }

    fn new(id: &str, log: Box<dyn RunLog>) -> Self {
        Self(Arc::new(Shared {
            id: id.to_owned(),
            log,
            records: Mutex::default(),
            broken: AtomicBool::new(false),
        }))
    }

    /// The run's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// The attempt of a step that is to be made or gone on with: the last one, or the next when that is closed.
    #[must_use]
    pub fn attempt(&self, step: &str) -> u32 {
        let steps = self.by_step();
        let Some((number, records)) = steps.get(step).and_then(BTreeMap::last_key_value) else { return 1 };
        if records.contains_key("closed") { number.saturating_add(1) } else { *number }
    }

    /// The paths of all steps that anything is recorded of.
    #[must_use]
    pub fn steps(&self) -> Vec<String> {
        self.by_step().keys().cloned().collect()
    }

    /// The records of an attempt.
    #[must_use]
    pub fn records(&self, step: &str, attempt: u32) -> Records {
        let steps = self.by_step();
        steps.get(step).and_then(|attempts| attempts.get(&attempt)).cloned().unwrap_or_default()
    }

    /// The attempt of the context's step that is to be made or gone on with, and the runtime that drives it. An attempt
    /// that the context asks for is the least.
    #[must_use]
    pub fn resume(&self, cx: &Context) -> (Context, Local) {
        self.at_attempt(cx, self.attempt(cx.step()).max(cx.attempt()))
    }

    /// An attempt of the context's step, also one that is closed, and the runtime that drives it: to undo it later.
    #[must_use]
    pub fn at_attempt(&self, cx: &Context, attempt: u32) -> (Context, Local) {
        let cx = cx.in_attempt(attempt);
        (cx.clone(), Local::of_run(cx, self.clone()))
    }

    /// Whether there is a record of this name.
    pub(crate) fn knows(&self, step: &str, attempt: u32, record: &str) -> bool {
        let steps = self.by_step();
        let records = steps.get(step).and_then(|attempts| attempts.get(&attempt));
        records.is_some_and(|records| records.contains_key(record))
    }

    /// One record.
    pub(crate) fn find(&self, step: &str, attempt: u32, record: &str) -> Option<Recorded> {
        self.by_step().get(step)?.get(&attempt)?.get(record).cloned()
    }

    /// Keeps a record for as long as the run is open.
    pub(crate) fn keep(&self, step: &str, attempt: u32, record: &str, recorded: Recorded) {
        let mut steps = self.by_step();
        let attempts = steps.entry(step.to_owned()).or_default();
        attempts.entry(attempt).or_default().entry(record.to_owned()).or_insert(recorded);
    }

    /// Writes an entry to the journal.
    pub(crate) async fn append(&self, entry: &Entry) -> Result<()> {
        self.0.log.append(entry).await
    }

    /// Whether this is the first time that the journal could not be written.
    pub(crate) fn breaks(&self) -> bool {
        !self.0.broken.swap(true, Ordering::Relaxed)
    }

    fn by_step(&self) -> MutexGuard<'_, BTreeMap<String, BTreeMap<u32, Records>>> {
        self.0.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The log of a run that is not remembered.
#[derive(Debug)]
struct Nowhere;

#[async_trait]
impl RunLog for Nowhere {
    async fn append(&self, _entry: &Entry) -> Result<()> {
        Ok(())
    }
}
