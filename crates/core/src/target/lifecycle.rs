//! The one life cycle of a step.
//!
//! `plan` (recorded, never made again) -> `apply.0` (recorded) -> looks until the next part, the end, the deadline
//! or a stop -> `settled` or `verdict` (recorded before any undo) -> by the policy `undo.plan` -> `undo.apply.0` ->
//! looks -> `closed`.
//!
//! What the order protects: a plan is recorded before its first effect, so that a run that goes on after a crash
//! still knows what was there before; the verdict is recorded before an undo, so that healthy objects which the
//! undo restored are never taken for the success of the change. A deployment that could not be *seen* is not a
//! deployment that failed: it is not undone, and stays open for the next call to attach to.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::data::Token;
use super::observation::End;
use super::outcome::{Outcome, StepReport, Undone, Verdict};
use super::plan::{Plan, Receipt, Revert};
use super::policy::{Policy, Undo};
use super::{DeployTarget, exit};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::event::EventKind;
use crate::runtime::{Interrupted, Recorded, Runtime};
use crate::wait::{Delays, Pace, Wait, from_value, to_value};

/// How often `apply` is repeated with the same plan after errors that may pass, before the step is refused.
const APPLY_TRIES: u32 = 4;

/// Pauses between those tries.
const APPLY_PACE: Pace = Pace {
    first: Duration::from_secs(1),
    longest: Duration::from_secs(8),
    nearly: Duration::from_secs(1),
    nearly_looks: 0,
};

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
    let started = cx.clock().now();
    cx.emit(EventKind::Started { resource: target.resource() });
    let life = Life { runtime, target, cx, policy };
    let (plan, receipt, verdict, undone) = life.run().await;
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
    Life { runtime, target, cx, policy }.undo(plan, receipt).await
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
    cx: &'a Context,
    policy: &'a Policy,
}

impl<T: DeployTarget + ?Sized> Life<'_, T> {
    async fn run(&self) -> (Option<Plan>, Option<Receipt>, Verdict, Undone) {
        let (plan, planned_at) = match self.plan().await {
            Ok(planned) => planned,
            Err(verdict) => return (None, None, verdict, Undone::NotNeeded),
        };
        let (receipt, verdict) = match self.earlier_verdict() {
            Some(verdict) => (self.last_receipt(), verdict),
            None => {
                let deadline = self.deadline(planned_at, self.policy.timeout);
                let (receipt, verdict) = self.carry_out(&plan, Direction::Forward, deadline).await;
                (receipt, unchanged_if_empty(&plan, verdict))
            }
        };
        let undone = self.settle(&plan, receipt.as_ref(), &verdict).await;
        (Some(plan), receipt, verdict, undone)
    }

    /// Makes the plan and records it. Dropped by a stop until it is recorded; from then on it may have been
    /// applied.
    async fn plan(&self) -> Result<(Plan, Timestamp), Verdict> {
        let cx = self.cx.at_record("plan");
        let cancelled = |_: Interrupted| Verdict::new(Outcome::Cancelled { waiting_for: String::new() });
        let refused = |error: Error| Verdict::new(Outcome::Refused { error });
        let plan = match self.runtime.earlier("plan") {
            Some(value) => value,
            None => {
                let made = self
                    .runtime
                    .look("plan.draft", Box::pin(async { to_value(&self.target.plan(&cx).await?) }));
                let draft: Plan =
                    from_value(made.await.map_err(cancelled)?.value.map_err(refused)?).map_err(refused)?;
                to_value(&draft.stamped(Token::new(self.runtime.id()))).map_err(refused)?
            }
        };
        let recorded = self.runtime.step("plan", Box::pin(async { Ok(plan) })).await.map_err(cancelled)?;
        let plan: Plan = recorded.value.and_then(from_value).map_err(refused)?;
        cx.emit(EventKind::Planned { changes: plan.changes.clone() });
        Ok((plan, recorded.at))
    }

    /// What an earlier process found out already.
    fn earlier_verdict(&self) -> Option<Verdict> {
        let value = self.runtime.earlier("verdict").or_else(|| self.runtime.earlier("settled"))?;
        from_value(value).ok()
    }

    /// The receipt of the last part that was applied.
    fn last_receipt(&self) -> Option<Receipt> {
        let parts = (0_u32..).map_while(|part| self.runtime.earlier(&format!("apply.{part}")));
        parts.last().and_then(|value| from_value(value).ok())
    }

    fn deadline(&self, from: Timestamp, budget: Duration) -> Timestamp {
        let budget = SignedDuration::try_from(budget).unwrap_or(SignedDuration::MAX);
        let own = from.checked_add(budget).unwrap_or(Timestamp::MAX);
        self.cx.deadline().map_or(own, |outer| outer.min(own))
    }

    /// Records the verdict, undoes by the policy, and closes the attempt.
    async fn settle(&self, plan: &Plan, receipt: Option<&Receipt>, verdict: &Verdict) -> Undone {
        if verdict.outcome.is_success() {
            return Undone::NotNeeded;
        }
        self.cx.at_record("verdict").emit(EventKind::Verdict { verdict: verdict.clone() });
        let undo = match &verdict.outcome {
            _ if plan.is_empty() => Undo::Keep,
            Outcome::Ended(End::Superseded { .. } | End::RolledBack { .. }) | Outcome::Unknown { .. } => {
                Undo::Keep
            }
            Outcome::Cancelled { .. } => self.policy.on_cancel,
            _ => self.policy.on_failure,
        };
        let settled = matches!(verdict.outcome, Outcome::Ended(_) | Outcome::Refused { .. });
        if !settled && undo == Undo::Keep {
            // It goes on in AWS: the attempt stays open, and the next call attaches to it.
            return Undone::Kept;
        }
        let runtime = self.runtime.cleanup();
        let cx = self.cx.cleanup();
        let life = Life { runtime: &*runtime, cx: &cx, ..*self };
        if let Err(error) = life.record("verdict", verdict).await {
            return Undone::Failed { verdict: Box::new(Verdict::new(Outcome::Refused { error })) };
        }
        let undone = if undo == Undo::Revert { life.undo(plan, receipt).await } else { Undone::Kept };
        match life.record("closed", &undone).await {
            Ok(()) => undone,
            Err(error) => Undone::Failed { verdict: Box::new(Verdict::new(Outcome::Refused { error })) },
        }
    }

    async fn undo(&self, plan: &Plan, receipt: Option<&Receipt>) -> Undone {
        let failed = |outcome| Undone::Failed { verdict: Box::new(Verdict::new(outcome)) };
        let asked = self.ask_for_undo(plan, receipt).await;
        let (revert, asked_at) = match asked {
            Ok((Ok(revert), at)) => (revert, at),
            Ok((Err(error), _)) => return failed(Outcome::Refused { error }),
            Err(Interrupted) => return failed(Outcome::Cancelled { waiting_for: String::new() }),
        };
        let back = match revert {
            Revert::NothingToDo => return Undone::NothingToDo,
            Revert::Impossible { reason } => return Undone::Impossible { reason },
            Revert::Plan(back) => back,
        };
        self.cx.at_record("undo.plan").emit(EventKind::Undoing { changes: back.changes.clone() });
        let deadline = self.deadline(asked_at, self.policy.grace);
        let (_, verdict) = self.carry_out(&back, Direction::Back, deadline).await;
        if verdict.outcome.is_success() {
            Undone::Reverted
        } else {
            Undone::Failed { verdict: Box::new(verdict) }
        }
    }

    async fn ask_for_undo(
        &self,
        plan: &Plan,
        receipt: Option<&Receipt>,
    ) -> Result<(Result<Revert>, Timestamp), Interrupted> {
        let cx = self.cx.at_record("undo.plan");
        let token = Token::new(format!("{}/undo", self.runtime.id()));
        let recorded = self
            .tried("undo.plan", || async {
                Ok(match self.target.revert(&cx, plan, receipt).await? {
                    Revert::Plan(back) => Revert::Plan(back.stamped(token.clone())),
                    other => other,
                })
            })
            .await?;
        Ok((recorded.value.and_then(from_value), recorded.at))
    }

    /// Applies part after part and waits for each.
    async fn carry_out(
        &self,
        plan: &Plan,
        way: Direction,
        deadline: Timestamp,
    ) -> (Option<Receipt>, Verdict) {
        let mut receipt: Option<Receipt> = None;
        for part in 0_u32.. {
            let name = way.record(&format!("apply.{part}"));
            let cx = self.cx.at_record(&name);
            let known = self.runtime.earlier(&name).is_some();
            let applied = match self.tried(&name, || self.target.apply(&cx, plan, receipt.as_ref())).await {
                Ok(applied) => applied,
                Err(Interrupted) => {
                    return (receipt, Verdict::new(Outcome::Cancelled { waiting_for: String::new() }));
                }
            };
            let next: Receipt = match applied.value.and_then(from_value) {
                Ok(next) => next,
                Err(error) => return (receipt, Verdict::new(Outcome::Refused { error })),
            };
            if !known {
                cx.emit(EventKind::Applied { part, summary: next.summary.clone() });
            }
            let next = receipt.insert(next);
            if self.runtime.earlier(&way.record(&format!("apply.{}", part + 1))).is_some() {
                continue; // An earlier process has gone on to the next part already.
            }
            // A plan without changes is looked at even so: "unchanged" says that what is there is healthy.
            if !self.policy.wait && way == Direction::Forward && !plan.is_empty() {
                return (receipt, Verdict::new(Outcome::Started));
            }
            let wait = Wait {
                runtime: self.runtime,
                target: self.target,
                cx: self.cx,
                policy: self.policy,
                receipt: next,
                record: way.record(&format!("{part}.look")),
                deadline,
            };
            if let Some(verdict) = wait.until_settled(applied.at).await {
                return (receipt, self.kept_if_good(way, verdict).await);
            }
        }
        (receipt, Verdict::new(Outcome::Refused { error: Error::internal("more parts than can be counted") }))
    }

    /// Records a success, so that a later process reports it instead of looking again.
    async fn kept_if_good(&self, way: Direction, verdict: Verdict) -> Verdict {
        if verdict.outcome.is_success()
            && let Err(error) = self.record(&way.record("settled"), &verdict).await
        {
            return Verdict::new(Outcome::Unknown { error });
        }
        verdict
    }

    /// A recorded call, repeated a few times while its errors may pass.
    async fn tried<V, F, Made>(&self, name: &str, make: Made) -> Result<Recorded, Interrupted>
    where
        V: serde::Serialize,
        F: Future<Output = Result<V>> + Send,
        Made: Fn() -> F + Sync,
    {
        let cx = self.cx.at_record(name);
        let mut delays = Delays::new(APPLY_PACE, &self.runtime.id());
        for _ in 1..APPLY_TRIES {
            let work = make();
            let recorded = self.runtime.step(name, Box::pin(async { to_value(&work.await?) })).await?;
            let Err(error) = &recorded.value else { return Ok(recorded) };
            if !error.kind().is_passing() {
                return Ok(recorded);
            }
            let delay = delays.next(false, false);
            let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
            cx.emit(EventKind::Retrying { error: error.clone(), delay_ms });
            self.runtime.sleep(delay).await?;
        }
        let work = make();
        self.runtime.step(name, Box::pin(async { to_value(&work.await?) })).await
    }

    /// Records a value that is known already.
    async fn record<V: serde::Serialize + Sync>(&self, name: &str, value: &V) -> Result<()> {
        let work = Box::pin(async { to_value(value) });
        match self.runtime.cleanup().step(name, work).await {
            Ok(recorded) => recorded.value.map(|_| ()),
            Err(Interrupted) => Err(Error::internal(format!("the record {name} was interrupted"))),
        }
    }
}

fn unchanged_if_empty(plan: &Plan, verdict: Verdict) -> Verdict {
    match verdict.outcome {
        Outcome::Succeeded if plan.is_empty() => Verdict { outcome: Outcome::Unchanged, ..verdict },
        _ => verdict,
    }
}
