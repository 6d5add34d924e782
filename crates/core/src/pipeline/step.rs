//! Runs one step of a pipeline, and lets nothing that happens in it end the others.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};

use futures_util::FutureExt;

use super::facts::record;
use super::watched::Watched;
use super::{Source, Step, StepOutputs};
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::event::EventKind;
use crate::journal::{Attempt, Run};
use crate::runtime::Local;
use crate::target::{
    Guarded, Outcome, Plan, Policy, StepReport, Undone, Verdict, exit_code, pass_of, run_step, undo_in_pass,
};

/// A step in this process: its context, its records, and which process of its attempt this is.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) index: usize,
    pub(super) cx: Context,
    runtime: Local,
    pass: u32,
}

/// A step that came to its end in this process.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) slot: Slot,
    /// None when there is nothing that could be undone.
    target: Option<Guarded>,
    pub(super) report: StepReport,
}

impl Slot {
    /// The slot of a step in a run; `cx` is the pipeline's.
    pub(super) fn new(index: usize, name: &str, attempt: u32, cx: &Context, run: &Run) -> Self {
        let cx = cx.at_step(name).in_attempt(attempt);
        let runtime = Local::of_run(cx.clone(), run.clone());
        let pass = pass_of(&runtime);
        Self { index, cx, runtime, pass }
    }

    /// Whether anything of it was recorded.
    pub(super) fn is_begun(&self) -> bool {
        !self.runtime.records().is_empty()
    }

    /// When an earlier process saw it succeed.
    pub(super) fn settled(&self) -> Option<jiff::Timestamp> {
        self.runtime.records().get("settled").map(|recorded| recorded.at)
    }

    /// Whether it is known that it did not succeed, or is being undone.
    pub(super) fn is_lost(&self) -> bool {
        ["verdict", "undo.plan", "closed"].iter().any(|name| self.runtime.knows(name))
    }

    /// Whether its attempt is over for good.
    pub(super) fn is_closed(&self) -> bool {
        self.runtime.knows("closed")
    }

    /// Whether it was begun and nothing is recorded of how it came out.
    pub(super) fn is_undecided(&self) -> bool {
        let known = ["settled", "verdict", "closed"].iter().any(|name| self.runtime.knows(name));
        self.runtime.knows("plan") && !known
    }

    /// Whether a later process goes on with it.
    pub(super) fn is_open(&self) -> bool {
        let open = |begun: &str, over: &[&str]| {
            self.runtime.knows(begun) && !over.iter().any(|name| self.runtime.knows(name))
        };
        open("plan", &["closed", "settled"]) || open("undo.plan", &["closed"])
    }

    /// Runs the step to its end. As soon as it is known that it did not succeed, `halt` is set.
    pub(super) async fn run(
        self,
        step: &Step,
        policy: Policy,
        given: Result<Vec<Option<String>>>,
        halt: Arc<OnceLock<String>>,
    ) -> Ran {
        let target = match target(step, given) {
            Ok(target) => target,
            Err(error) => {
                let report = self.early(Outcome::Refused { error }, Undone::NotNeeded);
                return Ran { slot: self, target: None, report };
            }
        };
        let watched = Watched { inner: self.runtime.clone(), name: step.name.clone(), halt };
        let running = Box::pin(run_step(&watched, &target, &self.cx, &policy));
        let report = match AssertUnwindSafe(running).catch_unwind().await {
            Ok(report) => report,
            // Targets are guarded, so this was an observer or landfall itself; what had been begun goes on.
            Err(panic) => {
                let error = panicked(&step.name, &*panic);
                self.early(Outcome::Unknown { error }, Undone::Kept)
            }
        };
        Ran { slot: self, target: Some(target), report }
    }

    /// A step that an earlier process gave up: before anything of it was begun, or with what it had begun left as it is.
    pub(super) fn given_up(self, verdict: Verdict) -> Ran {
        let attempt = Attempt::of(self.cx.step(), self.cx.attempt(), &self.runtime.records());
        let undone = if attempt.is_some() { Undone::Kept } else { Undone::NotNeeded };
        let mut report = self.report(verdict, undone);
        if let Some(attempt) = attempt {
            (report.plan, report.receipt) = (attempt.plan, attempt.receipt);
        }
        Ran { slot: self, target: None, report }
    }

    /// The report of a step that ended outside of the life cycle.
    fn early(&self, outcome: Outcome, undone: Undone) -> StepReport {
        let report = self.report(Verdict::new(outcome), undone);
        let cx = self.cx.in_pass(self.pass);
        cx.at_record("verdict").emit(EventKind::Verdict { verdict: report.verdict.clone() });
        cx.emit(EventKind::Finished {
            exit_code: report.exit_code(),
            verdict: report.verdict.clone(),
            undone: report.undone.clone(),
            took_ms: 0,
        });
        report
    }

    fn report(&self, verdict: Verdict, undone: Undone) -> StepReport {
        let now = self.cx.clock().now();
        let step = self.cx.step().to_owned();
        StepReport { step, plan: None, receipt: None, verdict, undone, started: now, ended: now }
    }
}

impl Ran {
    /// Puts back what was there before the step, which had succeeded.
    pub(super) async fn undo(&mut self, policy: &Policy) {
        let (Some(target), Some(plan)) = (&self.target, &self.report.plan) else { return };
        let cx = self.slot.cx.cleanup();
        let undone = undo(&self.slot, target, &cx, policy, plan, &self.report).await;
        cx.in_pass(self.slot.pass).at_record("closed").emit(EventKind::Undone {
            exit_code: exit_code(&self.report.verdict.outcome, &undone),
            undone: undone.clone(),
        });
        self.report.undone = undone;
        self.report.ended = cx.clock().now();
    }

    /// Ends the attempt of a step that changed nothing, so that a later run makes it again.
    ///
    /// # Errors
    /// That it could not be recorded.
    pub(super) async fn close(&self) -> Result<()> {
        record(&self.slot.runtime.without_stop(), "closed", &Undone::NotNeeded).await
    }

    /// Whether it did not succeed, so that others may have to be put back. A step that was begun and is refused without
    /// being looked at has not failed: it was asked for something else, or another holds its resource, and it goes on.
    pub(super) fn has_failed(&self) -> bool {
        let outcome = &self.report.verdict.outcome;
        let looked_at = !matches!(outcome, Outcome::Refused { .. }) || !self.slot.is_undecided();
        is_failure(outcome) && looked_at
    }

    /// Whether it did not succeed and was left as it is, so that no record of its own says so.
    pub(super) fn is_given_up(&self) -> bool {
        let cancelled = matches!(self.report.verdict.outcome, Outcome::Cancelled { .. });
        self.slot.is_undecided() && (cancelled || self.has_failed())
    }

    /// Whether there is something that could be undone.
    pub(super) fn has_changed(&self) -> bool {
        self.report.plan.as_ref().is_some_and(|plan| !plan.is_empty())
    }
}

/// It did not succeed, and a later call with the same attempt would not change that.
pub(super) fn is_failure(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Ended(_) | Outcome::TimedOut { .. } => true,
        Outcome::Refused { error } => error.kind() != ErrorKind::Auth,
        _ => false,
    }
}

async fn undo(
    slot: &Slot,
    target: &Guarded,
    cx: &Context,
    policy: &Policy,
    plan: &Plan,
    report: &StepReport,
) -> Undone {
    let runtime = slot.runtime.in_context(cx.clone());
    let receipt = report.receipt.as_ref();
    let undoing = Box::pin(undo_in_pass(&runtime, target, cx, policy, (plan, receipt), slot.pass));
    match AssertUnwindSafe(undoing).catch_unwind().await {
        Ok(undone) => undone,
        Err(panic) => {
            let error = panicked(cx.step(), &*panic);
            Undone::Failed { verdict: Box::new(Verdict::new(Outcome::Unknown { error })) }
        }
    }
}

/// The target of a step, made if need be.
fn target(step: &Step, given: Result<Vec<Option<String>>>) -> Result<Guarded> {
    let doing = || format!("step {}", step.name);
    let values = given.map_err(|error| error.while_doing(doing()))?;
    let made = std::panic::catch_unwind(AssertUnwindSafe(|| {
        let target = match &step.source {
            Source::Known(target) => Arc::clone(target),
            Source::Made(make) => Arc::from(make(&StepOutputs::new(&step.needs, &values))?),
        };
        Ok(Guarded::new(target))
    }));
    match made {
        Ok(made) => made.map_err(|error: Error| error.while_doing(doing())),
        Err(panic) => Err(panicked(&step.name, &*panic)),
    }
}

fn panicked(step: &str, panic: &(dyn Any + Send)) -> Error {
    crate::target::panicked(&format!("step {step}"), panic)
}
