//! Carries out a plan, forward or back: part after part, each applied and waited for.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{Direction, Life, memory};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::event::EventKind;
use crate::runtime::{Interrupted, Recorded};
use crate::target::{DeployTarget, Outcome, Plan, Receipt, Verdict};
use crate::wait::{Delays, Pace, Wait, Waited, milliseconds, to_value};

/// How often `apply` is tried with the same plan while its errors may pass, before the step is refused.
const APPLY_TRIES: u32 = 4;

/// Pauses between those tries.
const APPLY_PACE: Pace = Pace {
    first: Duration::from_secs(1),
    longest: Duration::from_secs(8),
    nearly: Duration::from_secs(1),
    nearly_looks: 0,
};

/// A stop came before the call had given a result.
pub(super) struct Stopped {
    /// Whether it had been begun at all; its effect may be there.
    begun: bool,
}

impl<T: DeployTarget + ?Sized> Life<'_, T> {
    /// Applies part after part and waits for each.
    pub(super) async fn carry_out(
        &self,
        plan: &Plan,
        way: Direction,
        deadline: Timestamp,
    ) -> (Option<Receipt>, Verdict) {
        let mut receipt: Option<Receipt> = None;
        for part in 0_u32.. {
            let (next, at) = match self.apply(plan, way, deadline, part, receipt.as_ref()).await {
                Ok(applied) => applied,
                Err(outcome) => return (receipt, Verdict::new(outcome)),
            };
            let next = receipt.insert(next);
            if self.runtime.earlier(&way.record(&format!("apply.{}", part + 1))).is_some() {
                continue; // An earlier process has gone on to the next part already.
            }
            // A plan without changes is looked at even so: "unchanged" says that what is there is healthy.
            let started = !plan.is_empty() && !next.only_prepares;
            if !self.policy.wait && way == Direction::Forward && started {
                return (receipt, Verdict::new(Outcome::Started));
            }
            let wait = Wait {
                runtime: self.runtime,
                target: self.target,
                cx: &self.cx,
                policy: self.policy,
                receipt: next,
                record: way.record(&format!("{part}.look")),
                deadline,
            };
            match wait.until_settled(at).await {
                Waited::Settled(verdict) => return (receipt, self.kept_if_good(way, verdict).await),
                Waited::Proceed { at } if at >= deadline => {
                    let waiting_for = accepted(part + 1);
                    return (receipt, Verdict::new(Outcome::TimedOut { waiting_for, person: false }));
                }
                Waited::Proceed { .. } => {}
            }
        }
        (receipt, Verdict::new(Outcome::Refused { error: Error::internal("more parts than can be counted") }))
    }

    /// Applies one part.
    async fn apply(
        &self,
        plan: &Plan,
        way: Direction,
        deadline: Timestamp,
        part: u32,
        so_far: Option<&Receipt>,
    ) -> Result<(Receipt, Timestamp), Outcome> {
        let name = way.record(&format!("apply.{part}"));
        let cx = self.cx.at_record(&name);
        let known = self.runtime.earlier(&name).is_some();
        let applied = self.tried(&name, &cx, deadline, || self.target.apply(&cx, plan, so_far)).await;
        let applied = applied.map_err(|stopped| {
            let begun = stopped.begun || part > 0 || self.pass > 1;
            Outcome::Cancelled { waiting_for: if begun { accepted(part) } else { String::new() } }
        })?;
        let value = applied.value.map_err(|error| Outcome::Refused { error })?;
        // It was applied, by whoever wrote a receipt that cannot be read here: it must not be undone blindly.
        let receipt: Receipt = memory::read(&name, value).map_err(|error| Outcome::Unknown { error })?;
        if !known {
            cx.emit(EventKind::Applied { part, summary: receipt.summary.clone() });
        }
        Ok((receipt, applied.at))
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

    /// A recorded call, repeated a few times while its errors may pass and the deadline has not come.
    pub(super) async fn tried<V, F, Made>(
        &self,
        name: &str,
        cx: &Context,
        deadline: Timestamp,
        make: Made,
    ) -> Result<Recorded, Stopped>
    where
        V: Serialize,
        F: Future<Output = Result<V>> + Send,
        Made: Fn() -> F + Sync,
    {
        let mut delays = Delays::new(APPLY_PACE, &self.runtime.id());
        let mut tries = 0;
        loop {
            let work = make();
            let recorded = self.runtime.step(name, Box::pin(async { to_value(&work.await?) })).await;
            let recorded = recorded.map_err(|Interrupted| Stopped { begun: tries > 0 })?;
            tries += 1;
            let delay = delays.next(false, false);
            let next =
                SignedDuration::try_from(delay).ok().and_then(|delay| recorded.at.checked_add(delay).ok());
            let in_time = next.is_some_and(|next| next < deadline);
            match &recorded.value {
                Err(error) if error.kind().is_passing() && tries < APPLY_TRIES && in_time => {
                    let delay_ms = milliseconds(delay);
                    cx.emit(EventKind::Retrying { error: error.clone(), delay_ms });
                }
                _ => return Ok(recorded),
            }
            self.runtime.sleep(delay).await.map_err(|Interrupted| Stopped { begun: true })?;
        }
    }
}

fn accepted(part: u32) -> String {
    match part {
        0 => "the change to be accepted".to_owned(),
        part => format!("part {} of the change to be accepted", part + 1),
    }
}
