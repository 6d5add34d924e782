//! What a pipeline remembers of its run beside the records of its steps.
//!
//! They are the records of the pipeline's own path and attempt: `started.N` (which steps were started, and which attempt
//! of each it is), `refused.NAME` (the verdict of a step whose own records hold none: nothing of it was begun, or it is
//! left as it is while others are put back), `reverting`, `closed`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::context::Context;
use crate::error::{Error, Result};
use crate::journal::{Attempt, Run};
use crate::runtime::{Interrupted, Local, Runtime};
use crate::target::{Outcome, Undone, Verdict, exit_code};
use crate::wait::to_value;

#[derive(Debug)]
pub(super) struct Facts {
    runtime: Local,
    /// How many times steps were started.
    starts: AtomicU32,
}

impl Facts {
    /// What is known of the pipeline's attempt, and the context of it.
    ///
    /// When somebody has put back a step since that had succeeded, the attempt is over: a new one is begun.
    pub(super) async fn open(run: &Run, cx: &Context) -> (Context, Self) {
        let last = Self::of(run, cx);
        if !last.1.was_put_back_since(run, &last.0) {
            return last;
        }
        match last.1.close(exit_code(&Outcome::Succeeded, &Undone::Reverted)).await {
            Ok(()) => Self::of(run, cx),
            Err(_) => last,
        }
    }

    fn was_put_back_since(&self, run: &Run, cx: &Context) -> bool {
        let put_back = |(name, attempt): (String, u32)| {
            let step = cx.at_step(&name);
            // Most are as they were left, and need not be read.
            if !run.knows(step.step(), attempt, "closed") {
                return false;
            }
            let attempt = Attempt::of(step.step(), attempt, &run.records(step.step(), attempt));
            attempt.is_some_and(|attempt| {
                let succeeded = attempt.verdict.is_some_and(|verdict| verdict.outcome.is_success());
                succeeded && attempt.undone == Some(Undone::Reverted)
            })
        };
        self.reverting().is_none() && self.started().into_iter().any(put_back)
    }

    fn of(run: &Run, cx: &Context) -> (Context, Self) {
        let (cx, _) = run.resume(cx);
        // What is known must be written down, whether somebody asked to stop or not.
        let runtime = Local::of_run(cx.cleanup(), run.clone());
        (cx, Self { runtime, starts: AtomicU32::new(0) })
    }

    /// The steps that were started in this attempt, and which attempt of each it was.
    pub(super) fn started(&self) -> BTreeMap<String, u32> {
        let mut all = BTreeMap::new();
        self.starts.store(0, Ordering::Relaxed);
        while let Some(started) = self.earlier::<BTreeMap<String, u32>>(&format!("started.{}", self.starts()))
        {
            all.extend(started);
            self.starts.fetch_add(1, Ordering::Relaxed);
        }
        all
    }

    /// Records that steps are started, before anything of them is.
    pub(super) async fn start(&self, steps: &BTreeMap<&str, u32>) -> Result<()> {
        self.record(&format!("started.{}", self.starts()), steps).await?;
        self.starts.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// How a step came out that this attempt of the whole does not go on with.
    pub(super) fn gave_up(&self, step: &str) -> Option<Verdict> {
        self.earlier(&format!("refused.{step}"))
    }

    pub(super) async fn give_up(&self, step: &str, verdict: &Verdict) -> Result<()> {
        self.record(&format!("refused.{step}"), verdict).await
    }

    /// Why what had succeeded is put back, if that was begun.
    pub(super) fn reverting(&self) -> Option<String> {
        self.earlier("reverting")
    }

    pub(super) async fn revert(&self, reason: &str) -> Result<()> {
        self.record("reverting", &reason).await
    }

    /// The next run with this id is a new attempt: what was closed is made again, what succeeded is not.
    pub(super) async fn close(&self, exit_code: u8) -> Result<()> {
        self.record("closed", &exit_code).await
    }

    fn starts(&self) -> u32 {
        self.starts.load(Ordering::Relaxed)
    }

    fn earlier<V: DeserializeOwned>(&self, name: &str) -> Option<V> {
        serde_json::from_value(self.runtime.earlier(name)?).ok()
    }

    async fn record<V: Serialize + Sync>(&self, name: &str, value: &V) -> Result<()> {
        record(&self.runtime, name, value).await
    }
}

/// Records a fact, by a runtime that no stop interrupts.
///
/// # Errors
/// That it could not be written.
pub(super) async fn record<V: Serialize + Sync>(runtime: &Local, name: &str, value: &V) -> Result<()> {
    match runtime.step(name, Box::pin(async { to_value(value) })).await {
        Ok(recorded) => recorded.value.map(|_| ()),
        Err(Interrupted) => Err(Error::internal(format!("the record {name} was interrupted"))),
    }
}
