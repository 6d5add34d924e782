//! The one place that reads the wall clock.
//!
//! It is read once, when a [`Clock`] starts; from then on time is tokio's, so that a test that pauses tokio's
//! time has paused landfall's, and a step of the machine's clock in mid-run does not move a deadline.

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// A wall clock that moves with tokio's time.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    started: Timestamp,
    origin: Instant,
}

impl Clock {
    /// A clock that shows the machine's time now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one file that reads the wall clock")]
    pub fn start() -> Self {
        Self::starting_at(Timestamp::now())
    }

    /// A clock that shows `started` now; for tests and simulations.
    #[must_use]
    pub fn starting_at(started: Timestamp) -> Self {
        Self { started, origin: Instant::now() }
    }

    /// What the clock shows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.origin.elapsed()).unwrap_or(SignedDuration::MAX);
        self.started.checked_add(passed).unwrap_or(Timestamp::MAX)
    }
}
