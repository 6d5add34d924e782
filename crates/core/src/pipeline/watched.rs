//! A runtime that tells the pipeline of a failure before the step's own undo, which may take minutes.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use crate::runtime::{Interrupted, Local, Recorded, Runtime, Work};

/// The records of a step, and where it is said that nothing new may start.
pub(super) struct Watched {
    pub(super) inner: Local,
    pub(super) name: String,
    pub(super) halt: Arc<OnceLock<String>>,
}

/// Why nothing more is started.
pub(super) fn did_not_succeed(step: &str) -> String {
    format!("{step} did not succeed")
}

#[async_trait]
impl Runtime for Watched {
    async fn step(&self, name: &str, work: Work<'_>) -> Result<Recorded, Interrupted> {
        // The verdict of what did not succeed; of what did there is none.
        if name == "verdict" {
            self.halt.get_or_init(|| did_not_succeed(&self.name));
        }
        self.inner.step(name, work).await
    }

    async fn look(&self, name: &str, work: Work<'_>) -> Result<Recorded, Interrupted> {
        self.inner.look(name, work).await
    }

    async fn sleep(&self, duration: Duration) -> Result<(), Interrupted> {
        self.inner.sleep(duration).await
    }

    fn earlier(&self, name: &str) -> Option<Value> {
        self.inner.earlier(name)
    }

    fn cleanup(&self) -> Box<dyn Runtime + '_> {
        let inner = self.inner.without_stop();
        Box::new(Self { inner, name: self.name.clone(), halt: Arc::clone(&self.halt) })
    }

    fn id(&self) -> String {
        self.inner.id()
    }
}
