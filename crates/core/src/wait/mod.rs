//! The one wait loop: it looks, tells, pauses, and knows when to stop.
//!
//! Targets only answer single looks. Deadline, pauses, heartbeat, cancellation, tolerated errors, the limit on a
//! look that hangs, and the last look exactly at the deadline are here, once.

mod delays;

use std::collections::HashSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

pub use delays::{Delays, Pace};

use crate::context::Context;
use crate::error::{Cause, Error, ErrorKind};
use crate::event::EventKind;
use crate::runtime::{Interrupted, Recorded, Runtime};
use crate::target::{
    Cursor, DeployTarget, Look, Observation, Outcome, Outputs, Policy, Progress, Receipt, State, Verdict,
};

/// How long a look may take beyond its patience before it counts as failed: the SDK's own limit for one attempt
/// to connect and read is shorter, so only a server that trickles an answer gets here.
const LOOK_LIMIT: Duration = Duration::from_secs(30);

/// Something is told at least this often, so that a log shows that the wait goes on.
const HEARTBEAT: SignedDuration = SignedDuration::from_secs(30);

/// One wait: what is looked at, by what rules.
pub(crate) struct Wait<'a, T: ?Sized> {
    pub(crate) runtime: &'a dyn Runtime,
    pub(crate) target: &'a T,
    pub(crate) cx: &'a Context,
    pub(crate) policy: &'a Policy,
    pub(crate) receipt: &'a Receipt,
    /// Name of the recorded looks, for example `undo.0.look`.
    pub(crate) record: String,
    pub(crate) deadline: Timestamp,
}

/// What the loop knows between two looks.
struct Seen {
    cursor: Cursor,
    told: HashSet<String>,
    progress: Vec<Progress>,
    causes: Vec<Cause>,
    waiting_for: Option<(String, bool)>,
    failures: u32,
    last_progress_told: Option<Timestamp>,
}

impl<T: DeployTarget + ?Sized> Wait<'_, T> {
    /// Looks until the deployment settles, the deadline passes or somebody asks to stop. `None`: the part is done
    /// and the next one is to be applied.
    pub(crate) async fn until_settled(&self, began: Timestamp) -> Option<Verdict> {
        let mut seen = Seen {
            cursor: Cursor::default(),
            told: HashSet::new(),
            progress: Vec::new(),
            causes: Vec::new(),
            waiting_for: None,
            failures: 0,
            last_progress_told: None,
        };
        let cx = self.cx.at_record(&self.record);
        let mut delays = Delays::new(self.policy.pace, &self.runtime.id());
        let mut now = began;
        loop {
            let last = now >= self.deadline;
            let Ok(recorded) = self.look(&cx, &seen.cursor, now, last).await else {
                return Some(self.cancelled(&cx, seen).await);
            };
            now = recorded.at;
            let moved = match read(&recorded) {
                Ok(observation) => match self.judge(&cx, &mut seen, observation, began, now) {
                    Step::Settled(verdict) => return verdict,
                    Step::Pending { moved } => moved,
                },
                Err(error) => {
                    seen.failures += 1;
                    let tolerable = error.kind().is_passing() && seen.failures <= self.policy.tolerated;
                    if !tolerable || (last && seen.waiting_for.is_none()) {
                        return Some(Verdict::new(Outcome::Unknown { error }).with_causes(seen.causes));
                    }
                    if !last {
                        let delay_ms = self.policy.pace.first.as_millis();
                        cx.emit(EventKind::Retrying {
                            error,
                            delay_ms: u64::try_from(delay_ms).unwrap_or(u64::MAX),
                        });
                    }
                    false
                }
            };
            if last {
                return Some(timed_out(seen));
            }
            let nearly = !seen.progress.is_empty() && seen.progress.iter().all(Progress::is_complete);
            let left = Duration::try_from(self.deadline.duration_since(now)).unwrap_or(Duration::ZERO);
            let pause = delays.next(moved, nearly).saturating_sub(recorded.took).min(left);
            if self.runtime.sleep(pause).await.is_err() {
                return Some(self.cancelled(&cx, seen).await);
            }
            now += SignedDuration::try_from(pause).unwrap_or(SignedDuration::ZERO);
        }
    }

    /// One look, bounded in time: a server that hangs carries the wait at most one limit past its deadline, because
    /// a look before the last one is cut at the deadline.
    async fn look(
        &self,
        cx: &Context,
        cursor: &Cursor,
        now: Timestamp,
        last: bool,
    ) -> Result<Recorded, Interrupted> {
        let left = Duration::try_from(self.deadline.duration_since(now)).unwrap_or(Duration::ZERO);
        let patience = left.min(self.policy.pace.longest);
        let limit = if last { LOOK_LIMIT } else { left.min(patience + LOOK_LIMIT) };
        let work = async move {
            let look = self.target.observe(cx, self.receipt, Look::new(cursor, patience, last));
            match tokio::time::timeout(limit, look).await {
                Ok(seen) => to_value(&seen?),
                Err(_) => Err(Error::new(
                    ErrorKind::Transient,
                    format!("a look at {} took longer than {} s", self.target.resource(), limit.as_secs()),
                )),
            }
        };
        self.runtime.look(&self.record, Box::pin(work)).await
    }

    /// Tells what a look saw and finds out whether it ends the wait.
    fn judge(
        &self,
        cx: &Context,
        seen: &mut Seen,
        observation: Observation,
        began: Timestamp,
        now: Timestamp,
    ) -> Step {
        let mut moved = observation.cursor != seen.cursor || observation.progress != seen.progress;
        seen.failures = 0;
        seen.cursor = observation.cursor;
        seen.causes = observation.causes;
        for news in observation.news {
            if seen.told.insert(news.id.clone()) {
                moved = true;
                cx.emit(EventKind::News { news });
            }
        }
        let changed = observation.progress != seen.progress;
        seen.progress = observation.progress;
        match observation.state {
            State::Pending { waiting_for, person } => {
                let other = seen.waiting_for.as_ref().is_none_or(|(before, _)| *before != waiting_for);
                let due = seen.last_progress_told.is_none_or(|told| now.duration_since(told) >= HEARTBEAT);
                if changed || other || due {
                    self.tell_progress(cx, seen, &waiting_for, began, now);
                }
                seen.waiting_for = Some((waiting_for, person));
                Step::Pending { moved }
            }
            State::Proceed => Step::Settled(None),
            State::Ready(outputs) => {
                if changed {
                    self.tell_progress(cx, seen, "", began, now);
                }
                Step::Settled(Some(settled(Outcome::Succeeded, seen, outputs)))
            }
            State::Ended(end) => Step::Settled(Some(settled(Outcome::Ended(end), seen, Outputs::new()))),
        }
    }

    fn tell_progress(
        &self,
        cx: &Context,
        seen: &mut Seen,
        waiting_for: &str,
        began: Timestamp,
        now: Timestamp,
    ) {
        seen.last_progress_told = Some(now);
        cx.emit(EventKind::Progress {
            waiting_for: waiting_for.to_owned(),
            progress: seen.progress.clone(),
            elapsed_ms: u64::try_from(now.duration_since(began).as_millis()).unwrap_or(0),
        });
    }

    /// A stop was asked for. If the change is going to be undone, one last look finds causes while they can
    /// still be found.
    async fn cancelled(&self, cx: &Context, mut seen: Seen) -> Verdict {
        if self.policy.on_cancel == crate::target::Undo::Revert {
            let cleanup = cx.cleanup();
            let look =
                self.target.observe(&cleanup, self.receipt, Look::new(&seen.cursor, Duration::ZERO, true));
            if let Ok(Ok(observation)) = tokio::time::timeout(LOOK_LIMIT, look).await {
                seen.causes = observation.causes;
            }
        }
        let (waiting_for, _) = seen.waiting_for.unwrap_or_default();
        Verdict::new(Outcome::Cancelled { waiting_for }).with_causes(seen.causes)
    }
}

enum Step {
    Settled(Option<Verdict>),
    Pending { moved: bool },
}

fn settled(outcome: Outcome, seen: &mut Seen, outputs: Outputs) -> Verdict {
    Verdict::new(outcome).with_causes(std::mem::take(&mut seen.causes)).with_outputs(outputs)
}

fn timed_out(seen: Seen) -> Verdict {
    let (waiting_for, person) = seen.waiting_for.unwrap_or_default();
    Verdict::new(Outcome::TimedOut { waiting_for, person }).with_causes(seen.causes)
}

fn read(recorded: &Recorded) -> crate::Result<Observation> {
    from_value(recorded.value.clone()?)
}

/// A value for a record.
pub(crate) fn to_value<T: serde::Serialize>(value: &T) -> crate::Result<serde_json::Value> {
    serde_json::to_value(value)
        .map_err(|error| Error::internal("a record cannot be written").with_source(&error))
}

/// The value of a record.
pub(crate) fn from_value<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> crate::Result<T> {
    serde_json::from_value(value)
        .map_err(|error| Error::internal("a record cannot be read").with_source(&error))
}
