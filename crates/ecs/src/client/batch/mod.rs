//! One call that answers the looks of many targets.
//!
//! DescribeServiceDeployments takes 20 ARNs and DescribeServices 10 services. A [`Batch`] knows the names that targets
//! of this process ask for at the moment. A look that finds no answer from the second half of its pause makes a call,
//! and puts into it as many other names as the call takes, those that are due the soonest first; the answers are kept
//! for their owners' next looks.
//!
//! A kept answer is told with its age, and the pause after the look is counted from the moment the answer is of
//! ([`landfall_core::Observation::age`]). So nobody learns anything later than by looks of its own with the same
//! pauses, and those who have once shared a call look together from then on. Of two who look in turn one always finds
//! the other's answer in the second half of its pause: they come together within a round or two.
//!
//! - A look whose name is in a call under way waits for that call. Others wait for it as well, if not for long, so as
//!   to go together.
//! - A dropped look does not end the call of others: its name is let go of, and the next in line makes the call.
//! - A refusal may be about one of the names only (no permission for one service, one ARN that is not valid): each is
//!   asked for alone then, and the one that is refused again stays alone. Faults of the way to AWS hold for all.
//! - What was asked before a write of ours is never told after it ([`Batch::forget`]).

mod line;
mod room;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use landfall_aws::failure::Failure;
use landfall_core::Context;
use tokio::sync::Notify;
use tokio::time::Instant;

use line::{Line, Outcome, Place, Said};
pub(crate) use room::{Found, Room, Rooms};

/// A look waits this long for a call under way that does not ask for its name, so that those who come meanwhile go
/// into one call. Calls of ECS are answered within a fraction of it.
const GATHER: Duration = Duration::from_secs(1);

/// A wait that only the end of a call ends; the call has timeouts of its own.
const UNTIL_ENDED: Duration = Duration::from_secs(3600);

/// Calls of one operation that are shared.
#[derive(Debug)]
pub(crate) struct Batch {
    /// Most names that one call takes.
    most: usize,
    /// Counts the calls of a room, which gives all its answers an order.
    calls: Arc<AtomicU64>,
    line: Mutex<Line>,
    ended: Notify,
}

/// How old an answer may be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Freshness {
    /// The call begins after this was asked.
    Now,
    /// The call began after the one with this number.
    After(u64),
    /// The call began in the second half of the time since the one whose answer was told before.
    Lately,
}

/// Which call an answer is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The number of the call in its room.
    pub(crate) number: u64,
    /// How long before the look the call began; zero when the look made it.
    pub(crate) age: Duration,
}

/// What AWS said about one name.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    /// The JSON of it; none when AWS does not know the name.
    pub(crate) json: Option<Arc<str>>,
    /// The server's clock.
    pub(crate) at: Option<Timestamp>,
    pub(crate) asked: Asked,
}

impl Batch {
    /// `calls` is the counter of the room, whose batches it gives one order.
    pub(crate) fn new(most: usize, calls: &Arc<AtomicU64>) -> Self {
        Self { most, calls: Arc::clone(calls), line: Mutex::default(), ended: Notify::new() }
    }

    /// What AWS says about `name`. `make` makes a call about these names, with all its retries.
    ///
    /// # Errors
    /// The failure of the call that asked for it.
    ///
    /// # Cancellation
    /// May be dropped at any time; others who wait for the same call go on without it. A stop of `cx` ends the
    /// retries of a call that this look makes, and only this look is told of it.
    pub(crate) async fn ask<M, F>(
        &self,
        cx: &Context,
        name: &str,
        freshness: Freshness,
        make: M,
    ) -> Result<Told, Failure>
    where
        M: Fn(Vec<String>) -> F,
        F: Future<Output = Result<Found, Failure>>,
    {
        let mut look = Look::enter(self, name, freshness);
        loop {
            let mut ended = pin!(self.ended.notified());
            ended.as_mut().enable();
            match look.next() {
                Next::Told(told) => return Ok(told),
                Next::Failed(failure) => return Err(failure),
                Next::Wait(limit) => {
                    let _ = tokio::time::timeout(limit, ended).await;
                }
                Next::Call(flight) => match make(flight.names.clone()).await {
                    Err(failure) if cx.is_cancelled() => return Err(failure),
                    made => flight.land(&made),
                },
            }
        }
    }

    /// What is known of `name` does not hold any more: we have changed it.
    pub(crate) fn forget(&self, name: &str) {
        self.line().forget(name, self.calls.load(Ordering::Relaxed));
    }

    /// Nobody looks at `name` any more.
    pub(crate) fn leave(&self, name: &str) {
        self.line().leave(name);
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One look that waits for its answer.
struct Look<'a> {
    batch: &'a Batch,
    name: &'a str,
    freshness: Freshness,
    began: Instant,
    /// The last call that had begun before the look.
    before: u64,
    /// The call under way that the look waits for.
    joined: Option<u64>,
}

enum Next<'a> {
    Told(Told),
    Failed(Failure),
    Wait(Duration),
    Call(Flight<'a>),
}

impl<'a> Look<'a> {
    fn enter(batch: &'a Batch, name: &'a str, freshness: Freshness) -> Self {
        let began = Instant::now();
        let mut line = batch.line();
        let before = batch.calls.load(Ordering::Relaxed);
        line.enter(name, before, began);
        Self { batch, name, freshness, began, before, joined: None }
    }

    fn next(&mut self) -> Next<'a> {
        let batch = self.batch;
        let mut line = batch.line();
        let now = Instant::now();
        let place = line.place(self.name, self.before, now);
        let floor = place.floor;
        if let Some(outcome) = place.outcome.clone().filter(|outcome| outcome.number > floor) {
            let mine = outcome.number > self.before || self.joined == Some(outcome.number);
            match outcome.said.clone() {
                Said::Answer { json, at } if mine || self.takes(&outcome, place, now) => {
                    let age = self.began.saturating_duration_since(outcome.asked);
                    place.tell(outcome.number, outcome.asked);
                    return Next::Told(Told { json, at, asked: Asked { number: outcome.number, age } });
                }
                Said::Failed(failure) if mine => return Next::Failed(failure),
                _ => {}
            }
        }
        if let Some(number) = place.in_call.filter(|number| *number > floor && self.joins(*number)) {
            self.joined = Some(number);
            return Next::Wait(UNTIL_ENDED);
        }
        let gathered = GATHER.saturating_sub(now.saturating_duration_since(self.began));
        let together = !line.is_alone(self.name) && line.under_way > 0 && line.unserved() < batch.most;
        if together && !gathered.is_zero() {
            return Next::Wait(gathered);
        }
        let number = batch.calls.fetch_add(1, Ordering::Relaxed) + 1;
        let names = line.begin(self.name, number, batch.most, now);
        Next::Call(Flight { batch, names, number, asked: now })
    }

    /// Whether an answer that was there before the look is fresh enough.
    fn takes(&self, outcome: &Outcome, place: &Place, now: Instant) -> bool {
        let age = now.saturating_duration_since(outcome.asked);
        match self.freshness {
            Freshness::Now => false,
            Freshness::After(other) => outcome.number > other,
            Freshness::Lately => outcome.number > place.told_number && age <= place.since_told(now) / 2,
        }
    }

    /// Whether the answer of a call under way will be fresh enough.
    fn joins(&self, number: u64) -> bool {
        match self.freshness {
            Freshness::Now => number > self.before,
            Freshness::After(other) => number > other,
            Freshness::Lately => true,
        }
    }
}

impl Drop for Look<'_> {
    fn drop(&mut self) {
        self.batch.line().exit(self.name);
    }
}

/// A call under way. Dropped without an end, it lets go of its names, and those who wait for it go on.
struct Flight<'a> {
    batch: &'a Batch,
    names: Vec<String>,
    number: u64,
    asked: Instant,
}

impl Flight<'_> {
    fn land(&self, made: &Result<Found, Failure>) {
        self.batch.line().keep(&self.names, self.number, self.asked, made);
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.batch.line().end(&self.names, self.number);
        self.batch.ended.notify_waiters();
    }
}
