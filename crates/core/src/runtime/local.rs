//! Tokio, and the records of a run.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use tokio::time::Instant;

use super::{Interrupted, Recorded, Runtime, Work};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::event::Level;
use crate::journal::{Entry, Records, Run};

/// Runs a life cycle in this process.
///
/// What a step gave is in the journal of its [`Run`] before the next one begins; see [`Run::resume`]. Without a run,
/// records live as long as this value; handed to a second `Local` by [`Local::resuming`] they let it go on where the
/// first was cut off.
#[derive(Debug, Clone)]
pub struct Local {
    cx: Context,
    run: Run,
}

impl Local {
    /// A runtime without records, which remembers nothing beyond itself.
    #[must_use]
    pub fn new(cx: Context) -> Self {
        let run = Run::forgetful(cx.run());
        Self { cx, run }
    }

    /// A runtime that goes on from these records, and remembers nothing beyond itself.
    #[must_use]
    pub fn resuming(cx: Context, records: Records) -> Self {
        let local = Self::new(cx);
        for (name, recorded) in records {
            local.run.keep(local.cx.step(), local.cx.attempt(), &name, recorded);
        }
        local
    }

    /// The runtime of the context's step and attempt in a run.
    pub(crate) fn of_run(cx: Context, run: Run) -> Self {
        Self { cx, run }
    }

    /// The same records, with another token to stop it.
    pub(crate) fn in_context(&self, cx: Context) -> Self {
        Self { cx, run: self.run.clone() }
    }

    /// The same records, not stopped by the stop that was asked for.
    pub(crate) fn without_stop(&self) -> Self {
        self.in_context(self.cx.cleanup())
    }

    /// What was recorded so far of this attempt.
    #[must_use]
    pub fn records(&self) -> Records {
        self.run.records(self.cx.step(), self.cx.attempt())
    }

    /// Whether this was recorded of this attempt.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.run.knows(self.cx.step(), self.cx.attempt(), name)
    }

    fn kept(&self, name: &str) -> Option<Recorded> {
        self.run.find(self.cx.step(), self.cx.attempt(), name)
    }

    async fn timed(&self, work: Work<'_>) -> Recorded {
        let began = Instant::now();
        let value = work.await;
        Recorded { value, at: self.cx.clock().now(), took: began.elapsed() }
    }

    /// Records a value, durably. The first record of an attempt stands before its first effect: if it cannot be
    /// written, nothing is begun. Later ones tell what has been done already, and to stop watching it would help
    /// nobody: it goes on in memory, and says so.
    async fn record(&self, name: &str, recorded: &Recorded) -> Result<()> {
        let (step, attempt) = (self.cx.step(), self.cx.attempt());
        let Some(entry) = Entry::of(step, attempt, name, recorded) else { return Ok(()) };
        if let Err(error) = self.run.append(&entry).await {
            if self.records().is_empty() {
                return Err(error);
            }
            if self.run.breaks() {
                self.warn(&error);
            }
        }
        self.run.keep(step, attempt, name, recorded.clone());
        Ok(())
    }

    fn warn(&self, error: &Error) {
        let run = self.run.id();
        self.cx.note(
            Level::Warning,
            "journal-not-written",
            format!(
                "{}; the deployment goes on, but if this process is cut off, run {run} continues from what is in the \
                 journal so far",
                error.report()
            ),
        );
    }
}

#[async_trait]
impl Runtime for Local {
    async fn step(&self, name: &str, work: Work<'_>) -> Result<Recorded, Interrupted> {
        if let Some(kept) = self.kept(name) {
            return Ok(kept);
        }
        if self.cx.is_cancelled() {
            return Err(Interrupted);
        }
        let recorded = self.timed(work).await;
        Ok(match self.record(name, &recorded).await {
            Ok(()) => recorded,
            Err(error) => Recorded { value: Err(error), ..recorded },
        })
    }

    async fn look(&self, _name: &str, work: Work<'_>) -> Result<Recorded, Interrupted> {
        tokio::select! {
            biased;
            () = self.cx.cancelled() => Err(Interrupted),
            recorded = self.timed(work) => Ok(recorded),
        }
    }

    async fn sleep(&self, duration: Duration) -> Result<(), Interrupted> {
        tokio::select! {
            biased;
            () = self.cx.cancelled() => Err(Interrupted),
            () = tokio::time::sleep(self.cx.clock().sleep_for(duration)) => Ok(()),
        }
    }

    fn earlier(&self, name: &str) -> Option<Value> {
        self.kept(name).and_then(|kept| kept.value.ok())
    }

    fn cleanup(&self) -> Box<dyn Runtime + '_> {
        Box::new(self.without_stop())
    }

    fn id(&self) -> String {
        self.cx.id()
    }
}
