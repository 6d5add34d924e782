//! Token buckets that all targets of a process share.
//!
//! A target names a bucket by an opaque key (account, region and the API's own category) and gives its rate; core
//! knows no service's limits. Waiting is first come, first served: a caller reserves its place and sleeps until
//! its turn.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// More calls than a process makes: no limit.
const MOST: f64 = 1e9;

/// How fast a bucket fills.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Calls that may be made at once after a pause; 1 or more.
    pub burst: f64,
    /// Calls a second in the long run; more than 0.
    pub per_second: f64,
}

impl Rate {
    /// `burst` calls at once, `per_second` in the long run. Values out of range are moved into it: at least one call
    /// at once, and one in 1,000 seconds.
    #[must_use]
    pub fn new(burst: f64, per_second: f64) -> Self {
        Self { burst: at_least(1.0, burst), per_second: at_least(0.001, per_second) }
    }
}

/// The number, moved between `least` and [`MOST`]; what is no number counts as `least`.
fn at_least(least: f64, number: f64) -> f64 {
    if number >= least { number.min(MOST) } else { least }
}

/// A place in the queue of a bucket. Dropped while it waits, it gives its token back; otherwise the calls that gave
/// up, for example when a run is cancelled, would hold up those that undo it.
struct Turn<'a> {
    limiter: &'a Limiter,
    key: &'a str,
    rate: Rate,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut buckets = self.limiter.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get_mut(self.key) {
            bucket.tokens = (bucket.tokens + 1.0).min(self.rate.burst);
        }
    }
}

/// Buckets by key.
#[derive(Debug, Default)]
pub struct Limiter {
    buckets: Mutex<HashMap<String, Bucket>>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl Limiter {
    /// Takes one token, waits for it if there is none, and says how long it waited.
    ///
    /// # Cancellation
    /// May be dropped: the token of a wait that was given up goes back to the bucket.
    pub async fn acquire(&self, key: &str, rate: Rate) -> Duration {
        let rate = Rate::new(rate.burst, rate.per_second);
        let wait = self.reserve(key, rate);
        if !wait.is_zero() {
            let turn = Turn { limiter: self, key, rate };
            tokio::time::sleep(wait).await;
            std::mem::forget(turn);
        }
        wait
    }

    /// Empties a bucket, because the service said that it is asked too often.
    pub fn drain(&self, key: &str) {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get_mut(key) {
            bucket.tokens = bucket.tokens.min(0.0);
        }
    }

    fn reserve(&self, key: &str, rate: Rate) -> Duration {
        let now = Instant::now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if !buckets.contains_key(key) {
            buckets.insert(key.to_owned(), Bucket { tokens: rate.burst, filled: now });
        }
        let Some(bucket) = buckets.get_mut(key) else { return Duration::ZERO };
        let gained = now.saturating_duration_since(bucket.filled).as_secs_f64() * rate.per_second;
        bucket.tokens = (bucket.tokens + gained).min(rate.burst) - 1.0;
        bucket.filled = now;
        if bucket.tokens >= 0.0 {
            Duration::ZERO
        } else {
            Duration::try_from_secs_f64(-bucket.tokens / rate.per_second).unwrap_or_default()
        }
    }
}
