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

/// How fast a bucket fills.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Calls that may be made at once after a pause; 1 or more.
    pub burst: f64,
    /// Calls a second in the long run; more than 0.
    pub per_second: f64,
}

impl Rate {
    /// `burst` calls at once, `per_second` in the long run. Values out of range are moved into it.
    #[must_use]
    pub fn new(burst: f64, per_second: f64) -> Self {
        Self { burst: burst.max(1.0), per_second: per_second.max(0.001) }
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
    /// A dropped wait gives its token back to nobody: the bucket is one call slower for a moment.
    pub async fn acquire(&self, key: &str, rate: Rate) -> Duration {
        let wait = self.reserve(key, rate);
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
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
            Duration::from_secs_f64(-bucket.tokens / rate.per_second)
        }
    }
}
