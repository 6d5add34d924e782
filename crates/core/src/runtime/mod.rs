//! The seam between the life cycle and what drives it.
//!
//! The life cycle never spawns, sleeps or reads a clock by itself: it asks its [`Runtime`]. [`Local`] is tokio and
//! the records of a run, which are in a [`Journal`](crate::journal::Journal) before it goes on. A durable engine that
//! replays can take its place and drive the very same function, which is why results are recorded as values, time is read
//! only inside a recorded call, and a cancellation arrives as an `Err` of a call. A [`Pipeline`](crate::Pipeline) records
//! in the journal of its context and is driven by [`Local`] only.

mod local;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::Result;
pub use local::Local;

/// What a recorded call does.
pub type Work<'a> = Pin<Box<dyn Future<Output = Result<Value>> + Send + 'a>>;

/// What a recorded call gave, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// The value or the error it ended with.
    pub value: Result<Value>,
    /// When it ended.
    pub at: Timestamp,
    /// How long it took.
    pub took: Duration,
}

/// Somebody asked to stop before the call began, or while it could be dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interrupted;

/// What drives a life cycle.
#[async_trait]
pub trait Runtime: Send + Sync {
    /// Runs `work` to its end and keeps an `Ok` value under `name`: asked again, it answers with that value and
    /// does not run. An error is not kept.
    ///
    /// # Errors
    /// [`Interrupted`] when a stop was asked for before it began. Once begun it is never dropped.
    async fn step(&self, name: &str, work: Work<'_>) -> Result<Recorded, Interrupted>;

    /// Runs `work`, which only reads.
    ///
    /// # Errors
    /// [`Interrupted`] when a stop was asked for; the work is dropped then.
    async fn look(&self, name: &str, work: Work<'_>) -> Result<Recorded, Interrupted>;

    /// Waits.
    ///
    /// # Errors
    /// [`Interrupted`] when a stop was asked for.
    async fn sleep(&self, duration: Duration) -> Result<(), Interrupted>;

    /// What an earlier process recorded under this name. Under replay always nothing.
    fn earlier(&self, name: &str) -> Option<Value>;

    /// The same, but not interrupted by the stop that was asked for.
    fn cleanup(&self) -> Box<dyn Runtime + '_>;

    /// `run/step/attempt`.
    fn id(&self) -> String;
}
