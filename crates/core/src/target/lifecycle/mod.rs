//! The one life cycle of a step.
//!
//! `plan` (recorded, never made again) -> `apply.0` (recorded) -> looks until the next part, the end, the deadline
//! or a stop -> `settled` or `verdict` (recorded before any undo) -> by the policy `undo.plan` -> `undo.apply.0` ->
//! looks -> `undo.settled` -> `closed`.
//!
//! What the order protects: a plan is recorded before its first effect, so that a run that goes on after a crash
//! still knows what was there before; the verdict is recorded before an undo, so that healthy objects which the
//! undo restored are never taken for the success of the change. A deployment that could not be *seen* is not a
//! deployment that failed: it is not undone, and stays open for the next call to attach to. An attempt that is
//! closed is told again as it was and touches nothing.
//!
//! A later process that goes on from records leaves a record of that too, `resumed.1`, `resumed.2` and so on:
//! budgets of time begin again there, and its events are told apart from those of the process before.

mod carry;
mod hold;
mod memory;
mod settle;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::data::Token;
use super::outcome::{Outcome, StepReport, Undone, Verdict};
use super::plan::{Plan, Receipt};
use super::policy::Policy;
use super::{DeployTarget, exit};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::event::{EventKind, Level};
use crate::runtime::{Interrupted, Runtime};
use crate::wait::{left_until, to_value};

/// Runs one step from its plan to its end.
///
/// # Cancellation
/// Through the context's token: mutations run to their end, waits end at once. A dropped future stops wherever
/// it is; the records of the runtime tell the next call where that was.
pub async fn run_step<T: DeployTarget + ?Sized>(
    runtime: &dyn Runtime,
    target: &T,
    cx: &Context,
    policy: &Policy,
) -> StepReport {
    let life = Life::new(runtime, target, cx, policy);
    let started = life.cx.clock().now();
    life.cx.emit(EventKind::Started { resource: target.resource() });
    let (plan, receipt, verdict, undone) = life.run().await;
    finished(&life.cx, started, (plan, receipt, verdict, undone))
}

/// The report of a step whose records cannot be had: nothing of it is begun.
pub(super) fn not_begun<T: DeployTarget + ?Sized>(target: &T, cx: &Context, error: Error) -> StepReport {
    let started = cx.clock().now();
    cx.emit(EventKind::Started { resource: target.resource() });
    let verdict = Verdict::new(Outcome::Refused { error });
    cx.at_record("verdict").emit(EventKind::Verdict { verdict: verdict.clone() });
    finished(cx, started, (None, None, verdict, Undone::NotNeeded))
}

type Ending = (Option<Plan>, Option<Receipt>, Verdict, Undone);

fn finished(cx: &Context, started: Timestamp, (plan, receipt, verdict, undone): Ending) -> StepReport {
    let ended = cx.clock().now();
    cx.emit(EventKind::Finished {
        exit_code: exit::code(&verdict.outcome, &undone),
        verdict: verdict.clone(),
        undone: undone.clone(),
        took_ms: u64::try_from(ended.duration_since(started).as_millis()).unwrap_or(0),
    });
    StepReport { step: cx.step().to_owned(), plan, receipt, verdict, undone, started, ended }
}

/// Puts back what was there before a step, by its plan and, when it got that far, its receipt.
///
/// For steps that have ended well and are undone because a later one failed, and for any step that somebody wants undone
/// later, what was kept after a failure included. The attempt is closed by it: a later [`run_step`] with the same
/// records says that the step was undone, and goes on with an undo that was cut off.
///
/// # Cancellation
/// As [`run_step`]; give a runtime and context that are not cancelled already.
pub async fn undo_step<T: DeployTarget + ?Sized>(
    runtime: &dyn Runtime,
    target: &T,
    cx: &Context,
    policy: &Policy,
    plan: &Plan,
    receipt: Option<&Receipt>,
) -> Undone {
    undo_in_pass(runtime, target, cx, policy, (plan, receipt), memory::pass(runtime)).await
}

/// [`undo_step`] by a process that knows which one it is, because it ran the step before.
pub(crate) async fn undo_in_pass<T: DeployTarget + ?Sized>(
    runtime: &dyn Runtime,
    target: &T,
    cx: &Context,
    policy: &Policy,
    (plan, receipt): (&Plan, Option<&Receipt>),
    pass: u32,
) -> Undone {
    let life = Life { runtime, target, cx: cx.in_pass(pass).by(policy.on_failure), policy, pass };
    if let Some(undone) = life.known_end().filter(|undone| *undone != Undone::Kept) {
        return undone;
    }
    let _held = match life.hold_always().await {
        Ok(held) => held,
        Err((verdict, _)) => return memory::failed(verdict.outcome),
    };
    match life.undone_before_its_end().await {
        Ok(()) => life.close(life.undo(plan, receipt).await).await,
        Err(error) => memory::failed(Outcome::Refused { error }),
    }
}

/// Which process this is that works on the attempt, from 1; asked before the step is run.
pub(crate) fn pass_of(runtime: &dyn Runtime) -> u32 {
    memory::pass(runtime)
}

/// Which way a plan is carried out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Forward,
    Back,
}

impl Direction {
    fn record(self, name: &str) -> String {
        match self {
            Self::Forward => name.to_owned(),
            Self::Back => format!("undo.{name}"),
        }
    }
}

struct Life<'a, T: ?Sized> {
    runtime: &'a dyn Runtime,
    target: &'a T,
    cx: Context,
    policy: &'a Policy,
    /// Which process this is that works on the attempt, from 1.
    pass: u32,
}

impl<'a, T: DeployTarget + ?Sized> Life<'a, T> {
    fn new(runtime: &'a dyn Runtime, target: &'a T, cx: &Context, policy: &'a Policy) -> Self {
        let pass = memory::pass(runtime);
        Self { runtime, target, cx: cx.in_pass(pass).by(policy.on_failure), policy, pass }
    }

    async fn run(&self) -> Ending {
        let not_begun = |(verdict, undone): Early| {
            self.cx.at_record("verdict").emit(EventKind::Verdict { verdict: verdict.clone() });
            (None, None, verdict, undone)
        };
        let _held = match self.hold().await {
            Ok(held) => held,
            Err(early) => return not_begun(early),
        };
        let (plan, planned_at) = match self.plan().await {
            Ok(planned) => planned,
            Err(early) => return not_begun(early),
        };
        if self.is_over() {
            let text =
                "this run has come to its end before: what came out is told again, and nothing is done";
            self.cx.note(Level::Info, "told-again", text);
        }
        let (receipt, verdict) = match self.known_verdict() {
            Some(Ok(verdict)) => (self.last_receipt(), verdict),
            Some(Err(error)) => {
                return (Some(plan), None, Verdict::new(Outcome::Unknown { error }), Undone::Kept);
            }
            None => {
                let from = self.resumed_at().await.map_or(planned_at, |resumed| resumed.max(planned_at));
                let deadline = self.deadline(Direction::Forward, from);
                self.carry_out(&plan, Direction::Forward, deadline).await
            }
        };
        let verdict = unchanged_if_empty(&plan, verdict);
        let undone = self.settle(&plan, receipt.as_ref(), &verdict).await;
        (Some(plan), receipt, verdict, undone)
    }

    /// Makes the plan and records it. Dropped by a stop until it is recorded; from then on it may have been
    /// applied.
    async fn plan(&self) -> Result<(Plan, Timestamp), Early> {
        let cx = self.cx.at_record("plan");
        let refused = |error: Error| without_effect(Outcome::Refused { error });
        let cancelled = |_: Interrupted| without_effect(Outcome::Cancelled { waiting_for: String::new() });
        let value = match self.runtime.earlier("plan") {
            Some(value) => value,
            None => {
                let drafted = self.draft(&cx).await.map_err(cancelled)?;
                let Some(draft) = drafted.map_err(refused)? else {
                    let waiting_for = format!("the plan for {}", self.target.resource());
                    return Err(without_effect(Outcome::TimedOut { waiting_for, person: false }));
                };
                let draft = draft.stamped(Token::new(self.runtime.id())).made_for(self.target);
                to_value(&draft).map_err(refused)?
            }
        };
        let recorded = self.runtime.step("plan", Box::pin(async { Ok(value) })).await.map_err(cancelled)?;
        // A plan that cannot be read was recorded by another version, and may have been applied.
        let unreadable = |error| (Verdict::new(Outcome::Unknown { error }), Undone::Kept);
        let plan: Plan = memory::read("plan", recorded.value.map_err(refused)?).map_err(unreadable)?;
        plan.check_made_for(self.target).map_err(refused)?;
        cx.emit(EventKind::Planned { changes: plan.changes.clone() });
        Ok((plan, recorded.at))
    }

    /// Asks for a plan. None: the deadline has passed, and a change must not be begun any more.
    async fn draft(&self, cx: &Context) -> Result<Result<Option<Plan>>, Interrupted> {
        let work = async {
            let deadline = self.deadline(Direction::Forward, cx.clock().now());
            let limit = left_until(deadline, cx.clock().now());
            let made = match tokio::time::timeout(limit, self.target.plan(cx)).await {
                Ok(made) => Some(made?),
                Err(_) => None,
            };
            let in_time = self.cx.deadline().is_none_or(|deadline| cx.clock().now() < deadline);
            to_value(&made.filter(|_| in_time))
        };
        let recorded = self.runtime.look("plan.draft", Box::pin(work)).await?;
        Ok(recorded.value.and_then(|value| memory::read("plan", value)))
    }

    /// When the change must have come to its end. An undo has its own time, whatever is left of the run's.
    fn deadline(&self, way: Direction, from: Timestamp) -> Timestamp {
        let after = |budget: Duration| {
            let budget = SignedDuration::try_from(budget).unwrap_or(SignedDuration::MAX);
            from.checked_add(budget).unwrap_or(Timestamp::MAX)
        };
        match (way, self.cx.deadline()) {
            (Direction::Back, _) => after(self.policy.grace),
            (Direction::Forward, None) => after(self.policy.timeout),
            (Direction::Forward, Some(outer)) => outer.min(after(self.policy.timeout)),
        }
    }
}

/// How a step ends that does nothing in this process.
type Early = (Verdict, Undone);

fn without_effect(outcome: Outcome) -> Early {
    (Verdict::new(outcome), Undone::NotNeeded)
}

fn unchanged_if_empty(plan: &Plan, verdict: Verdict) -> Verdict {
    match verdict.outcome {
        Outcome::Succeeded if plan.is_empty() => Verdict { outcome: Outcome::Unchanged, ..verdict },
        _ => verdict,
    }
}
