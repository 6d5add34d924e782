//! A journal that lives as long as the process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Entry, Held, History, Holder, Journal, Opened, RunLog, resource_is_held, run_is_open};
use crate::error::{Error, Result};
use crate::target::Resource;

/// Remembers in this process, for tests and for programs that try again by themselves. Clones share what they keep.
#[derive(Debug, Clone, Default)]
pub struct MemoryJournal(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    runs: BTreeMap<String, Remembered>,
    held: BTreeMap<Resource, Holder>,
}

#[derive(Debug)]
struct Remembered {
    began: Timestamp,
    /// As JSON: a tree of values takes several times as much room, and of thousands of steps there are thousands.
    entries: Vec<Box<str>>,
    holder: Option<Holder>,
}

impl MemoryJournal {
    /// A journal without runs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn open(&self, run: &str) -> Result<Opened> {
        let mut kept = self.kept();
        let holder = Holder::this_process(run);
        let new = || Remembered { began: holder.since, entries: Vec::new(), holder: None };
        let known = kept.runs.entry(run.to_owned()).or_insert_with(new);
        if let Some(other) = &known.holder {
            return Err(run_is_open(run, Some(other)));
        }
        let entries = known.entries()?;
        known.holder = Some(holder);
        let log = Open { journal: self.clone(), run: run.to_owned() };
        Ok(Opened { entries, log: Box::new(log) })
    }

    async fn read(&self, run: &str) -> Result<Option<History>> {
        self.kept().runs.get(run).map(|kept| kept.history(run)).transpose()
    }

    async fn runs(&self) -> Result<Vec<Result<History>>> {
        Ok(self.kept().runs.iter().map(|(run, kept)| kept.history(run)).collect())
    }

    async fn hold(&self, resource: &Resource, run: &str) -> Result<Box<dyn Held>> {
        let mut kept = self.kept();
        if let Some(other) = kept.held.get(resource) {
            return Err(resource_is_held(resource, Some(other)));
        }
        kept.held.insert(resource.clone(), Holder::this_process(run));
        Ok(Box::new(Taken { journal: self.clone(), resource: resource.clone() }))
    }
}

impl Remembered {
    fn history(&self, run: &str) -> Result<History> {
        let (entries, holder) = (self.entries()?, self.holder.clone());
        Ok(History { run: run.to_owned(), began: self.began, entries, holder })
    }

    fn entries(&self) -> Result<Vec<Entry>> {
        self.entries.iter().map(|entry| serde_json::from_str(entry).map_err(|error| lost(&error))).collect()
    }
}

fn lost(error: &serde_json::Error) -> Error {
    Error::internal("a record cannot be kept").with_source(error)
}

/// A run that is open.
#[derive(Debug)]
struct Open {
    journal: MemoryJournal,
    run: String,
}

#[async_trait]
impl RunLog for Open {
    async fn append(&self, entry: &Entry) -> Result<()> {
        let text = serde_json::to_string(entry).map_err(|error| lost(&error))?;
        match self.journal.kept().runs.get_mut(&self.run) {
            Some(kept) => kept.entries.push(text.into_boxed_str()),
            None => return Err(Error::internal("the run is not in its journal")),
        }
        Ok(())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(kept) = self.journal.kept().runs.get_mut(&self.run) {
            kept.holder = None;
        }
    }
}

/// A resource that is taken.
#[derive(Debug)]
struct Taken {
    journal: MemoryJournal,
    resource: Resource,
}

impl Held for Taken {}

impl Drop for Taken {
    fn drop(&mut self) {
        self.journal.kept().held.remove(&self.resource);
    }
}
