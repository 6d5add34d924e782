//! The one retry loop around calls of AWS.
//!
//! The SDK has a retry strategy of its own; it is switched off ([`crate::config::prepared`]), because it repeats
//! three times only, which is what made other deployers fail under throttling
//! (<https://github.com/kayac/ecspresso/issues/787>,
//! <https://github.com/aws-actions/amazon-ecs-deploy-task-definition/issues/502>), and because it repeats a write
//! whose answer was lost. Here:
//!
//! | | throttled | passing fault, not sent | passing fault, effect unknown |
//! |---|---|---|---|
//! | read | 10 attempts | 4 attempts | 4 attempts |
//! | write | 10 attempts | 4 attempts | never repeated: `apply` looks for its own effect first |
//!
//! A signature that a wrong clock made, and a session that ended before its time, are each repeated once.

#[cfg(test)]
mod tests;

use std::future::Future;
use std::time::Duration;

use jiff::SignedDuration;
use landfall_core::event::EventKind;
use landfall_core::limit::Rate;
use landfall_core::wait::{Delays, Pace};
use landfall_core::{Context, Error, Result};

use crate::failure::{Again, Effect, Failure};

/// Attempts of a call that is throttled, the first included. With pauses of 1 to 10 seconds that is most of a
/// minute, in which the slowest of ECS's buckets (one call a second) lets dozens of others through.
pub const ATTEMPTS_THROTTLED: u32 = 10;

/// Attempts of a call that fails in a way that may pass, the first included.
pub const ATTEMPTS_PASSING: u32 = 4;

/// Pauses after a throttle. The longest is what a wait's slowest look has as well.
const SLOWER: Pace = Pace::growing(Duration::from_secs(1), Duration::from_secs(10));

/// Pauses after a fault that may pass. Short: three of them must fit into one look.
const SOON: Pace = Pace::growing(Duration::from_millis(400), Duration::from_secs(2));

/// What is called, and by what rules.
#[derive(Debug, Clone)]
#[must_use]
pub struct Call {
    service: &'static str,
    operation: &'static str,
    on: Option<String>,
    writes: bool,
    limit: Option<(String, Rate)>,
    signed: bool,
    throttled: u32,
}

impl Call {
    /// A call that changes nothing. `service` as in IAM's names of actions: `ecs`, `logs`.
    pub fn read(service: &'static str, operation: &'static str) -> Self {
        Self {
            service,
            operation,
            on: None,
            writes: false,
            limit: None,
            signed: true,
            throttled: ATTEMPTS_THROTTLED,
        }
    }

    /// A call that changes something.
    pub fn write(service: &'static str, operation: &'static str) -> Self {
        Self { writes: true, ..Self::read(service, operation) }
    }

    /// Names what it is about: `service web`. Told in errors.
    pub fn on(mut self, what: impl Into<String>) -> Self {
        self.on = Some(what.into());
        self
    }

    /// Says that the call is not signed: what AWS calls expired then is what it carries, not the session.
    pub fn unsigned(mut self) -> Self {
        self.signed = false;
        self
    }

    /// How often the call is made at most while it is throttled, instead of [`ATTEMPTS_THROTTLED`]. For looks of several
    /// calls, which together have to fit into core's limit on a look; the wait then looks again, more slowly.
    pub fn attempts_throttled(mut self, most: u32) -> Self {
        self.throttled = most.max(1);
        self
    }

    /// Draws a token of the context's limiter before each attempt. A throttle empties the bucket, so that all
    /// others in this process slow down as well.
    pub fn limited(mut self, key: impl Into<String>, rate: Rate) -> Self {
        self.limit = Some((key.into(), rate));
        self
    }

    /// The permission it needs: `ecs:UpdateService`.
    #[must_use]
    pub fn action(&self) -> String {
        format!("{}:{}", self.service, self.operation)
    }

    /// `ecs UpdateService on service web`.
    #[must_use]
    pub fn title(&self) -> String {
        match &self.on {
            Some(what) => format!("{} {} on {what}", self.service, self.operation),
            None => format!("{} {}", self.service, self.operation),
        }
    }

    /// Whether this failure is repeated, after so many attempts.
    fn repeats(&self, failure: &Failure, attempts: u32) -> bool {
        match failure.again() {
            Again::Never => false,
            _ if self.writes && failure.effect() == Effect::Unknown => false,
            Again::Slower => attempts < self.throttled,
            Again::Soon => attempts < ATTEMPTS_PASSING,
        }
    }
}

/// Makes a call and repeats it by the table above. `make` is asked for a new future for each attempt. Each pause
/// is told as [`EventKind::Retrying`].
///
/// # Errors
/// The last failure, with the call's title before it. [`landfall_core::ErrorKind::Transient`] for a write means
/// that it may have been carried out.
///
/// # Cancellation
/// A read that failed is not repeated once a stop was asked for: its failure is returned. A write runs to its
/// end. Dropping the future abandons a request that may have been sent.
pub async fn run<T, M, F>(cx: &Context, call: &Call, make: M) -> Result<T>
where
    M: Fn() -> F,
    F: Future<Output = Result<T, Failure>>,
{
    try_run(cx, call, make).await.map_err(Error::from)
}

/// Like [`run`], for callers that act on AWS's code or on whether the call was carried out.
///
/// # Errors
/// The last failure, with the call's title before its message.
///
/// # Cancellation
/// As [`run`].
pub async fn try_run<T, M, F>(cx: &Context, call: &Call, make: M) -> Result<T, Failure>
where
    M: Fn() -> F,
    F: Future<Output = Result<T, Failure>>,
{
    let seed = format!("{}/{}", cx.id(), call.title());
    let (mut slower, mut soon) = (Delays::new(SLOWER, &seed), Delays::new(SOON, &seed));
    let (mut clock_learnt, mut session_ended) = (false, false);
    let mut attempts = 0;
    loop {
        if let Some((key, rate)) = &call.limit {
            cx.limiter().acquire(key, *rate).await;
        }
        attempts += 1;
        // Boxed: futures of the SDK are large, and this one is held by every caller.
        let failure = match Box::pin(make()).await {
            Ok(value) => return Ok(value),
            Err(failure) => failure.titled(&call.title()),
        };
        if failure.again() == Again::Slower
            && let Some((key, _)) = &call.limit
        {
            cx.limiter().drain(key);
        }
        let skew = failure.skew(cx.clock().now());
        // The SDK's client has learnt the server's time from the refusal and signs the next request with it.
        let once_more = skew.is_some() && !clock_learnt;
        clock_learnt |= skew.is_some();
        // A session that ended before its time is forgotten by clients that can renew it, which sign anew then. AWS has
        // refused the call, so a write may be repeated as well.
        let renewed = call.signed && failure.says_session_ended() && !session_ended;
        session_ended |= renewed;
        let once_more = once_more || renewed;
        let stopped = !call.writes && cx.is_cancelled();
        if stopped || !(once_more || call.repeats(&failure, attempts)) {
            return Err(with_skew(failure, skew));
        }
        let pause = match failure.again() {
            Again::Slower => slower.next(false, false),
            _ => soon.next(false, false),
        };
        pause_for(cx, call, &failure, failure.wait().unwrap_or_default().max(pause)).await;
    }
}

/// Tells and sleeps; a stop ends the pause of a read, whose next attempt is then its last.
async fn pause_for(cx: &Context, call: &Call, failure: &Failure, pause: Duration) {
    let delay_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
    cx.emit(EventKind::Retrying { error: failure.error().clone(), delay_ms });
    if call.writes {
        tokio::time::sleep(pause).await;
        return;
    }
    tokio::select! {
        biased;
        () = cx.cancelled() => {}
        () = tokio::time::sleep(pause) => {}
    }
}

fn with_skew(failure: Failure, skew: Option<SignedDuration>) -> Failure {
    let Some(ahead) = skew else { return failure };
    let side = if ahead.is_negative() { "ahead of" } else { "behind" };
    let seconds = ahead.unsigned_abs().as_secs();
    failure.map(|error| {
        error.with_hint(format!(
            "this machine's clock is {seconds} seconds {side} the service's: set it by NTP"
        ))
    })
}
