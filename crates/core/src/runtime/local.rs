//! Tokio, and records in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use tokio::time::Instant;

use super::{Interrupted, Recorded, Runtime, Work};
use crate::context::Context;
use crate::error::Result;

/// Runs a life cycle in this process.
///
/// Records live as long as this value; handed to a second `Local` by [`Local::resuming`] they let it go on
/// where the first was cut off.
#[derive(Debug, Clone)]
pub struct Local {
    cx: Context,
    records: Arc<Mutex<BTreeMap<String, Recorded>>>,
}

impl Local {
    /// A runtime without records.
    #[must_use]
    pub fn new(cx: Context) -> Self {
        Self { cx, records: Arc::default() }
    }

    /// A runtime that goes on from these records.
    #[must_use]
    pub fn resuming(cx: Context, records: BTreeMap<String, Recorded>) -> Self {
        Self { cx, records: Arc::new(Mutex::new(records)) }
    }

    /// What was recorded so far.
    #[must_use]
    pub fn records(&self) -> BTreeMap<String, Recorded> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn kept(&self, name: &str) -> Option<Recorded> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    async fn timed(&self, work: Work<'_>) -> Recorded {
        let began = Instant::now();
        let value = work.await;
        Recorded { value, at: self.cx.clock().now(), took: began.elapsed() }
    }
}

#[async_trait]
impl Runtime for Local {
    async fn step(&self, name: &str, work: Work<'_>) -> Result<Recorded, Interrupted> {
        if let Some(kept) = self.kept(name) {
            return Ok(kept);
        }
        if self.cx.is_cancelled() {
            return Err(Interrupted);
        }
        let recorded = self.timed(work).await;
        if recorded.value.is_ok() {
            let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
            records.insert(name.to_owned(), recorded.clone());
        }
        Ok(recorded)
    }

    async fn look(&self, _name: &str, work: Work<'_>) -> Result<Recorded, Interrupted> {
        tokio::select! {
            biased;
            () = self.cx.cancelled() => Err(Interrupted),
            recorded = self.timed(work) => Ok(recorded),
        }
    }

    async fn sleep(&self, duration: Duration) -> Result<(), Interrupted> {
        tokio::select! {
            biased;
            () = self.cx.cancelled() => Err(Interrupted),
            () = tokio::time::sleep(duration) => Ok(()),
        }
    }

    fn earlier(&self, name: &str) -> Option<Value> {
        self.kept(name).and_then(|kept| kept.value.ok())
    }

    fn cleanup(&self) -> Box<dyn Runtime + '_> {
        Box::new(Self { cx: self.cx.cleanup(), records: Arc::clone(&self.records) })
    }

    fn id(&self) -> String {
        self.cx.id()
    }
}
