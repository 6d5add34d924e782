//! The one wait loop: it looks, tells, pauses, and knows when to stop.
//!
//! Targets only answer single looks. Deadline, pauses, heartbeat, cancellation, tolerated errors, the limit on a
//! look that hangs, and the last look exactly at the deadline are here, once.

mod delays;

use std::collections::HashSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

pub use delays::{Delays, Pace};

use crate::context::Context;
use crate::error::{Cause, Error, ErrorKind, one_line};
use crate::event::EventKind;
use crate::runtime::{Interrupted, Recorded, Runtime};
use crate::target::{
    Cursor, DeployTarget, End, Look, Observation, Outcome, Outputs, Policy, Progress, Receipt, State, Undo,
    Verdict,
};

/// How long a look may take beyond its patience before it counts as failed: the SDK's own limit for one attempt
/// to connect and read is shorter, so only a server that trickles an answer gets here.
pub(crate) const LOOK_LIMIT: Duration = Duration::from_secs(30);

/// A pause is not shorter than this because a look took long: what answers slowly is not asked all the time.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);

/// Nor shorter than this because what was seen was old already, or because a watch told of it.
const CLOSEST: Duration = Duration::from_millis(50);

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

/// How a wait ended.
pub(crate) enum Waited {
    /// With this verdict.
    Settled(Verdict),
    /// The part is done and the next one is to be applied.
    Proceed {
        /// When that was seen.
        at: Timestamp,
    },
}

/// What the loop knows between two looks.
#[derive(Default)]
struct Seen {
    cursor: Cursor,
    told: HashSet<String>,
    progress: Vec<Progress>,
    causes: Vec<Cause>,
    waiting_for: Option<WaitingFor>,
    failures: u32,
    last_progress_told: Option<Timestamp>,
}

/// What a pending deployment waits for.
#[derive(Default)]
struct WaitingFor {
    /// As the target said it. It says the same at most looks, and to compare is cheaper than to redact.
    said: String,
    /// On one line, redacted.
    text: String,
    /// Whether a person has to act.
    person: bool,
}

impl Seen {
    /// Something that is counted is complete, so the rest should not take long.
    fn nearly(&self) -> bool {
        self.progress.iter().any(Progress::is_complete)
    }
}

impl<T: DeployTarget + ?Sized> Wait<'_, T> {
    /// Looks until the deployment settles, the deadline passes or somebody asks to stop.
    pub(crate) async fn until_settled(&self, began: Timestamp) -> Waited {
        let mut seen = Seen::default();
        let cx = self.cx.at_record(&self.record);
        let mut delays = Delays::new(self.policy.pace, &self.runtime.id());
        let mut now = began;
        loop {
            let last = now >= self.deadline;
            let Ok(recorded) = self.look(&cx, &seen.cursor, now, last).await else {
                return Waited::Settled(self.cancelled(&cx, seen).await);
            };
            let Recorded { value, at, took } = recorded;
            now = at;
            let pause = match read(value) {
                Ok(observation) => {
                    let (age, watched) = (observation.age, observation.watched);
                    match self.judge(&cx, &mut seen, observation, began, now) {
                        Step::Settled(waited) => return waited,
                        Step::Pending { .. } if watched => CLOSEST.saturating_sub(took),
                        Step::Pending { moved } => {
                            let delay = delays.next(moved, seen.nearly());
                            let pause = delay.saturating_sub(took).max(SHORTEST_PAUSE.min(delay));
                            pause.saturating_sub(age).max(CLOSEST.min(pause))
                        }
                    }
                }
                Err(error) => {
                    let pause = delays.next(false, false);
                    if let Err(verdict) = self.tolerate(&cx, &mut seen, error, last, now, pause) {
                        return Waited::Settled(verdict);
                    }
                    pause
                }
            };
            if last {
                return Waited::Settled(timed_out(seen));
            }
            let pause = pause.min(left_until(self.deadline, now));
            if self.runtime.sleep(pause).await.is_err() {
                return Waited::Settled(self.cancelled(&cx, seen).await);
            }
            now = now
                .checked_add(SignedDuration::try_from(pause).unwrap_or_default())
                .unwrap_or(Timestamp::MAX);
        }
    }

    /// A look failed. The wait goes on while its errors may pass and are not too many; one that the deadline cut off
    /// does not count, since the last look comes at once.
    fn tolerate(
        &self,
        cx: &Context,
        seen: &mut Seen,
        error: Error,
        last: bool,
        now: Timestamp,
        pause: Duration,
    ) -> Result<(), Verdict> {
        let cut_off = !last && now >= self.deadline;
        seen.failures += u32::from(!cut_off);
        let tolerable = error.kind().is_passing() && seen.failures <= self.policy.tolerated;
        if !tolerable || (last && seen.waiting_for.is_none()) {
            return Err(
                Verdict::new(Outcome::Unknown { error }).with_causes(std::mem::take(&mut seen.causes))
            );
        }
        if !last {
            let pause = pause.min(left_until(self.deadline, now));
            cx.emit(EventKind::Retrying { error, delay_ms: milliseconds(pause) });
        }
        Ok(())
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
        let left = left_until(self.deadline, now);
        let patience = left.min(self.policy.pace.longest);
        let limit = if last { LOOK_LIMIT } else { left.min(patience + LOOK_LIMIT) };
        let work = async move {
            let look = self.target.observe(cx, self.receipt, Look::new(cursor, patience, last));
            match tokio::time::timeout(limit, look).await {
                Ok(seen) => to_value(&seen?),
                Err(_) => Err(self.too_slow(limit)),
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
                let (text, other) = match seen.waiting_for.take() {
                    Some(before) if before.said == waiting_for => (before.text, false),
                    before => {
                        let text = one_line(&waiting_for);
                        let other = before.is_none_or(|before| before.text != text);
                        (text, other)
                    }
                };
                let due =
                    seen.last_progress_told.is_none_or(|told| now.duration_since(told) >= self.heartbeat());
                if changed || other || due {
                    self.tell_progress(cx, seen, &text, began, now);
                }
                seen.waiting_for = Some(WaitingFor { said: waiting_for, text, person });
                Step::Pending { moved }
            }
            State::Proceed => Step::Settled(Waited::Proceed { at: now }),
            State::Ready(outputs) => {
                if changed {
                    self.tell_progress(cx, seen, "", began, now);
                }
                Step::Settled(settled(Outcome::Succeeded, seen, outputs))
            }
            State::Unchanged(outputs) => Step::Settled(settled(Outcome::Unchanged, seen, outputs)),
            State::Ended(end) => Step::Settled(settled(Outcome::Ended(end), seen, Outputs::new())),
        }
    }

    /// After how long without a word one is due, so that the next look does not come too late for it.
    fn heartbeat(&self) -> SignedDuration {
        let longest = SignedDuration::try_from(self.policy.pace.longest).unwrap_or(SignedDuration::MAX);
        HEARTBEAT.saturating_sub(longest)
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
    /// still be found, and whether it is still ours to undo.
    async fn cancelled(&self, cx: &Context, seen: Seen) -> Verdict {
        let waiting_for = seen.waiting_for.unwrap_or_default().text;
        let cancelled = Verdict::new(Outcome::Cancelled { waiting_for });
        if self.policy.on_cancel == Undo::Keep {
            return cancelled.with_causes(seen.causes);
        }
        let cx = cx.cleanup();
        let work = async {
            let look = self.target.observe(&cx, self.receipt, Look::new(&seen.cursor, Duration::ZERO, true));
            match tokio::time::timeout(LOOK_LIMIT, look).await {
                Ok(seen) => to_value(&seen?),
                Err(_) => Err(self.too_slow(LOOK_LIMIT)),
            }
        };
        let looked = self.runtime.cleanup().look(&self.record, Box::pin(work)).await;
        let Some(observation) = looked.ok().and_then(|recorded| read(recorded.value).ok()) else {
            return cancelled.with_causes(seen.causes);
        };
        match observation.state {
            State::Ended(end @ (End::Superseded { .. } | End::RolledBack { .. })) => {
                Verdict::new(Outcome::Ended(end)).with_causes(observation.causes)
            }
            _ => cancelled.with_causes(observation.causes),
        }
    }

    fn too_slow(&self, limit: Duration) -> Error {
        let resource = self.target.resource();
        Error::new(
            ErrorKind::Transient,
            format!("a look at {resource} took longer than {} s", limit.as_secs()),
        )
    }
}

enum Step {
    Settled(Waited),
    Pending { moved: bool },
}

fn settled(outcome: Outcome, seen: &mut Seen, outputs: Outputs) -> Waited {
    Waited::Settled(Verdict::new(outcome).with_causes(std::mem::take(&mut seen.causes)).with_outputs(outputs))
}

/// Time until `deadline`; none when it has passed.
pub(crate) fn left_until(deadline: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(deadline.duration_since(now)).unwrap_or(Duration::ZERO)
}

/// A duration as events tell it.
pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn timed_out(seen: Seen) -> Verdict {
    let WaitingFor { text, person, .. } = seen.waiting_for.unwrap_or_default();
    Verdict::new(Outcome::TimedOut { waiting_for: text, person }).with_causes(seen.causes)
}

fn read(value: crate::Result<Value>) -> crate::Result<Observation> {
    serde_json::from_value(value?)
        .map_err(|error| Error::internal("what a look saw cannot be read").with_source(&error))
}

/// A value for a record.
pub(crate) fn to_value<T: serde::Serialize>(value: &T) -> crate::Result<Value> {
    serde_json::to_value(value)
        .map_err(|error| Error::internal("a record cannot be written").with_source(&error))
}
