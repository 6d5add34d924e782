//! How long to pause between two looks. The one file that names the `backoff` crate.
//!
//! `backoff` 0.4 gives the growing intervals. Everything else it offers is switched off: no end of its own (the
//! deadline belongs to the wait), no jitter of its own (ours is seeded, so that a test or a replay sees the same
//! pauses), and its clock is tokio's.

use std::time::Duration;

use backoff::backoff::Backoff;
use backoff::exponential::ExponentialBackoff;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// How often to look.
///
/// A pause begins at `first` and grows by half at each look up to `longest`. It begins again when something moved,
/// but only twice: a large service moves all the time, and the user is told soon enough. While a count is
/// complete, say all new tasks run and old ones drain, the end is near: the pause is `nearly`, for as many looks in
/// all as `nearly_looks`, and then grows again.
///
/// The defaults were measured over rollouts of many shapes, see `tests/pace.rs`: at most 90 looks in 10 minutes, and
/// the end of a rollout is seen less than a second late in the middle of all cases.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// The pause at the start and after news, 10 ms or more. A second by default: AWS's own states move no faster.
    pub first: Duration,
    /// The longest pause, and the longest patience of a look that is held; 15 seconds by default.
    pub longest: Duration,
    /// The pause while the end is near; 1.6 seconds by default, so that the end is seen within a second in the middle
    /// of all cases even when a look makes two calls or shares them with others.
    pub nearly: Duration,
    /// How many looks of one wait may be made at that pause; 32 by default, most of a minute.
    pub nearly_looks: u32,
}

impl Pace {
    /// Pauses that only grow, from `first` to `longest`: for what repeats a call, and counts nothing.
    #[must_use]
    pub const fn growing(first: Duration, longest: Duration) -> Self {
        Self { first, longest, nearly: Duration::ZERO, nearly_looks: 0 }
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(15),
            nearly: Duration::from_millis(1600),
            nearly_looks: 32,
        }
    }
}

/// How many times in one wait a pause begins again because something moved.
const LIVELY: u32 = 2;

/// By how much a pause grows at each look that saw nothing new.
const GROWTH: f64 = 1.5;

/// Part of a pause by which it is made shorter at random, so that many waits do not look in step.
const JITTER: f64 = 0.2;

/// No pause is shorter, whatever a pace says: a wait without pauses would never give way to others.
const SHORTEST: Duration = Duration::from_millis(10);

/// The pauses of one wait.
#[derive(Debug)]
pub struct Delays {
    pace: Pace,
    growing: ExponentialBackoff<TokioClock>,
    lively: u32,
    near: u32,
    random: StdRng,
}

/// Tokio's clock, for `backoff`.
#[derive(Debug, Default)]
struct TokioClock;

impl backoff::Clock for TokioClock {
    fn now(&self) -> std::time::Instant {
        tokio::time::Instant::now().into_std()
    }
}

impl Delays {
    /// The pauses for a wait; the same seed gives the same pauses.
    #[must_use]
    pub fn new(pace: Pace, seed: &str) -> Self {
        let mut growing = ExponentialBackoff {
            current_interval: pace.first,
            initial_interval: pace.first,
            randomization_factor: 0.0,
            multiplier: GROWTH,
            max_interval: pace.longest,
            max_elapsed_time: None,
            start_time: tokio::time::Instant::now().into_std(),
            clock: TokioClock,
        };
        growing.reset();
        Self { pace, growing, lively: 0, near: 0, random: StdRng::seed_from_u64(seed_of(seed)) }
    }

    /// The next pause, after a look that saw something move or not, with the end near or not.
    pub fn next(&mut self, moved: bool, nearly: bool) -> Duration {
        let pause = if nearly && self.near < self.pace.nearly_looks {
            self.near += 1;
            self.growing.reset();
            self.pace.nearly.min(self.pace.longest)
        } else {
            if moved && self.lively < LIVELY {
                self.lively += 1;
                self.growing.reset();
            }
            self.growing.next_backoff().unwrap_or(self.pace.longest).min(self.pace.longest)
        };
        let part = 1.0 - JITTER * self.random.random::<f64>();
        Duration::try_from_secs_f64(pause.as_secs_f64() * part).unwrap_or(pause).max(SHORTEST)
    }
}

/// A number of a text that is the same on every machine (FNV-1a, 64 bits).
fn seed_of(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::{Delays, LIVELY, Pace};
    use std::time::Duration;

    fn seconds(delays: &mut Delays, looks: usize, nearly: bool) -> Vec<f64> {
        (0..looks).map(|_| delays.next(false, nearly).as_secs_f64()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_to_the_longest_and_begin_again_when_something_moved() {
        let mut delays = Delays::new(Pace::default(), "run/step/1");
        for _ in 0..=LIVELY {
            let quiet = seconds(&mut delays, 12, false);
            assert!(quiet[0] <= 1.5 && quiet[0] >= 0.8, "{quiet:?}");
            assert!(quiet[11] <= 15.0 && quiet[11] >= 12.0, "{quiet:?}");
            assert!(quiet.windows(2).all(|pair| pair[1] > pair[0] * 0.8), "{quiet:?}");
            delays.next(true, false);
        }
        assert!(delays.next(true, false) > Duration::from_secs(10), "what moves all the time is not news");
    }

    #[tokio::test(start_paused = true)]
    async fn an_hour_without_news_does_not_end_the_pauses() {
        let mut delays = Delays::new(Pace::default(), "x");
        for _ in 0..1000 {
            tokio::time::advance(Duration::from_secs(10)).await;
            assert!(delays.next(false, false) <= Duration::from_secs(15));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn near_the_end_looks_are_quick_but_not_for_ever() {
        let mut delays = Delays::new(Pace::default(), "x");
        let near = seconds(&mut delays, 40, true);
        assert!(near[..32].iter().all(|pause| *pause <= 1.6), "{near:?}");
        assert!(near[32] <= 1.0 && near[39] > 8.0, "then it grows again from the start: {near:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_same_seed_gives_the_same_pauses_and_another_seed_others() {
        let pauses = |seed| seconds(&mut Delays::new(Pace::default(), seed), 5, false);
        assert_eq!(pauses("a"), pauses("a"));
        assert_ne!(pauses("a"), pauses("b"));
    }
}
