//! The one place that reads the wall clock.
//!
//! It is read once, when a [`Clock`] starts; from then on time is tokio's, so that a test that pauses tokio's
//! time has paused landfall's, and a step of the machine's clock in mid-run does not move a deadline.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// Pauses from here on are long: a twentieth of a second more or less is nothing to them.
const LONG: Duration = Duration::from_secs(5);

/// Long pauses end at a multiple of this since the clock started.
const TICK: Duration = Duration::from_millis(50);

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

    /// How long to sleep for this pause. Long pauses that end at about the same time end together, at the next tick: a
    /// process that watches thousands of deployments is then woken twenty times a second, and not for each look.
    pub(crate) fn sleep_for(&self, pause: Duration) -> Duration {
        if pause < LONG {
            return pause;
        }
        let end = self.origin.elapsed().saturating_add(pause).as_nanos();
        let early = u64::try_from(end.next_multiple_of(TICK.as_nanos()) - end).unwrap_or_default();
        pause.saturating_add(Duration::from_nanos(early))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Clock;

    #[tokio::test(start_paused = true)]
    async fn long_pauses_end_together_and_short_ones_when_they_say() {
        let clock = Clock::start();
        tokio::time::advance(Duration::from_millis(7)).await;
        let sleep = |pause| clock.sleep_for(Duration::from_millis(pause)).as_millis();
        assert_eq!([sleep(10), sleep(4_999), sleep(5_043), sleep(5_044)], [10, 4_999, 5_043, 5_093]);
        assert_eq!(clock.sleep_for(Duration::MAX), Duration::MAX);
    }
}
