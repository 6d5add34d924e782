//! What becomes of a change once it is known how it came out: kept, undone, closed.

use std::time::Duration;

use jiff::Timestamp;

use super::carry::Stopped;
use super::memory::{self, failed};
use super::{Direction, Life};
use crate::error::{Error, ErrorKind, Result};
use crate::event::EventKind;
use crate::target::{DeployTarget, End, Outcome, Plan, Receipt, Revert, Token, Undo, Undone, Verdict};
use crate::wait::LOOK_LIMIT;

impl<T: DeployTarget + ?Sized> Life<'_, T> {
    /// Records the verdict, undoes by the policy, and closes the attempt.
    pub(super) async fn settle(&self, plan: &Plan, receipt: Option<&Receipt>, verdict: &Verdict) -> Undone {
        if !verdict.outcome.is_success() {
            self.cx.at_record("verdict").emit(EventKind::Verdict { verdict: verdict.clone() });
        }
        if let Some(undone) = self.known_end() {
            return undone;
        }
        let undo = self.decision(plan, &verdict.outcome);
        let ended = matches!(verdict.outcome, Outcome::Ended(_) | Outcome::Refused { .. })
            && !without_credentials(&verdict.outcome);
        if undo == Undo::Keep && !ended {
            // A success, or it goes on in AWS: the attempt stays open, and the next call attaches to it.
            return if verdict.outcome.is_success() { Undone::NotNeeded } else { Undone::Kept };
        }
        let runtime = self.runtime.cleanup();
        let life = Life { runtime: &*runtime, cx: self.cx.cleanup(), ..*self };
        if !verdict.outcome.is_success()
            && let Err(error) = life.record("verdict", verdict).await
        {
            return failed(Outcome::Refused { error });
        }
        let undone = if undo == Undo::Revert { life.undo(plan, receipt).await } else { Undone::Kept };
        life.close(undone).await
    }

    /// Whether to undo. An undo that an earlier process has decided on is carried to its end, whatever the policy
    /// of this call says: half an undo is worse than either.
    fn decision(&self, plan: &Plan, outcome: &Outcome) -> Undo {
        let earlier = |name: &str| self.runtime.earlier(name).is_some();
        if earlier("undo.plan") {
            return Undo::Revert;
        }
        match outcome {
            _ if plan.is_empty() || outcome.is_success() => Undo::Keep,
            Outcome::Ended(End::Superseded { .. } | End::RolledBack { .. }) | Outcome::Unknown { .. } => {
                Undo::Keep
            }
            // An undo could not sign in either, and its failure would hide the reason.
            outcome if without_credentials(outcome) => Undo::Keep,
            // These two are recorded for no other reason than that an undo follows.
            Outcome::TimedOut { .. } | Outcome::Cancelled { .. } if earlier("verdict") => Undo::Revert,
            Outcome::Cancelled { .. } => self.policy.on_cancel,
            _ => self.policy.on_failure,
        }
    }

    /// Records what became of the change. An undo that was stopped or could not be seen stays open.
    pub(super) async fn close(&self, undone: Undone) -> Undone {
        let open = matches!(&undone, Undone::Failed { verdict }
            if matches!(verdict.outcome, Outcome::Unknown { .. } | Outcome::Cancelled { .. }));
        if open {
            return undone;
        }
        let again = self.runtime.earlier("closed").is_some();
        if again && !matches!(undone, Undone::Reverted | Undone::NothingToDo) {
            return undone; // It was kept, and is as it was: another call may undo it yet.
        }
        match self.record(if again { "reverted" } else { "closed" }, &undone).await {
            Ok(()) => undone,
            Err(error) => failed(Outcome::Refused { error }),
        }
    }

    pub(super) async fn undo(&self, plan: &Plan, receipt: Option<&Receipt>) -> Undone {
        if self.runtime.earlier("undo.settled").is_some() {
            return Undone::Reverted;
        }
        let (revert, from) = match self.ask_for_undo(plan, receipt).await {
            Ok(asked) => asked,
            Err(undone) => return undone,
        };
        let back = match revert {
            Revert::NothingToDo => return Undone::NothingToDo,
            Revert::Impossible { reason } => return Undone::Impossible { reason },
            Revert::Plan(back) => back,
        };
        let deadline = self.deadline(Direction::Back, from);
        let (_, verdict) = self.carry_out(&back, Direction::Back, deadline).await;
        if verdict.outcome.is_success() {
            Undone::Reverted
        } else {
            Undone::Failed { verdict: Box::new(verdict) }
        }
    }

    /// Asks how to undo, and says from when on the undo's time is counted.
    async fn ask_for_undo(
        &self,
        plan: &Plan,
        receipt: Option<&Receipt>,
    ) -> Result<(Revert, Timestamp), Undone> {
        let cx = self.cx.at_record("undo.plan");
        let token = Token::new(format!("{}/undo", self.runtime.id()));
        let known = self.runtime.earlier("undo.plan").is_some();
        let limit = self.policy.grace.max(LOOK_LIMIT);
        let asked = self.tried("undo.plan", &cx, Timestamp::MAX, || async {
            let asked = tokio::time::timeout(limit, self.target.revert(&cx, plan, receipt)).await;
            Ok(match asked.map_err(|_| self.no_answer(limit))?? {
                Revert::Plan(back) => Revert::Plan(Box::new(back.stamped(token.clone()))),
                other => other,
            })
        });
        let stopped = |_: Stopped| failed(Outcome::Cancelled { waiting_for: "the plan of the undo".into() });
        let asked = asked.await.map_err(stopped)?;
        let value = asked.value.map_err(|error| failed(Outcome::Refused { error }))?;
        let revert: Revert =
            memory::read("undo.plan", value).map_err(|error| failed(Outcome::Unknown { error }))?;
        if let Revert::Plan(back) = &revert {
            cx.emit(EventKind::Undoing { changes: back.changes.clone() });
        }
        let resumed = if known { self.resumed_at().await } else { None };
        Ok((revert, resumed.map_or(asked.at, |resumed| resumed.max(asked.at))))
    }

    fn no_answer(&self, limit: Duration) -> Error {
        let resource = self.target.resource();
        Error::internal(format!("how to undo {resource} was not answered within {} s", limit.as_secs()))
    }
}

/// Refused because credentials are missing or have ended: with others the same call goes on.
fn without_credentials(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Refused { error } if error.kind() == ErrorKind::Auth)
}
