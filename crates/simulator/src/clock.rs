//! Simulator time: a start timestamp plus the time tokio has measured since.
//!
//! Tokio's clock can be paused and moved by tests; the simulator and a client in the same test then share one clock, and
//! a rollout of ten minutes takes no time at all.

use std::time::{Duration, SystemTime};

use aws_smithy_async::time::TimeSource;
use jiff::Timestamp;

/// The clock of one simulator.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Timestamp,
    epoch: tokio::time::Instant,
}

impl Clock {
    /// A clock that shows `start` at `epoch`.
    pub(crate) fn starting_at(start: Timestamp, epoch: tokio::time::Instant) -> Self {
        Self { start, epoch }
    }

    /// What it showed at first.
    pub(crate) fn start(&self) -> Timestamp {
        self.start
    }

    /// When the clock will show `at`; its beginning for what was before.
    pub(crate) fn instant_of(&self, at: Timestamp) -> tokio::time::Instant {
        let after = Duration::try_from(at.duration_since(self.start)).unwrap_or_default();
        self.epoch + after
    }

    /// What the clock shows.
    pub(crate) fn now(&self) -> Timestamp {
        later(self.start, self.epoch.elapsed())
    }
}

impl TimeSource for Clock {
    fn now(&self) -> SystemTime {
        SystemTime::from(Clock::now(self))
    }
}

/// `at` plus `by`; the last representable instant when that is out of range.
pub(crate) fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// `at` minus `by`; the first representable instant when that is out of range.
pub(crate) fn earlier(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_sub(by).unwrap_or(Timestamp::MIN)
}

/// A short way to write a duration in milliseconds.
pub(crate) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}
