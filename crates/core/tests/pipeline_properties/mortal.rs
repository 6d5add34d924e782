//! A journal whose process dies before or after one of its records.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use landfall_core::context::CancellationToken;
use landfall_core::journal::{Entry, Held, History, Journal, MemoryJournal, Opened, RunLog};
use landfall_core::{Resource, Result};

/// Counts the places that are passed and burns at one of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fuse {
    place: Option<usize>,
    passed: Arc<AtomicUsize>,
    burnt: CancellationToken,
}

impl Fuse {
    pub(crate) fn never() -> Self {
        Self::default()
    }

    pub(crate) fn at(place: usize) -> Self {
        Self { place: Some(place), ..Self::default() }
    }

    pub(crate) fn passed(&self) -> usize {
        self.passed.load(Ordering::Relaxed)
    }

    pub(crate) async fn burnt(&self) {
        self.burnt.cancelled().await;
    }

    /// Goes on, or never.
    async fn pass(&self) {
        if self.place == Some(self.passed.fetch_add(1, Ordering::Relaxed)) {
            self.burnt.cancel();
            std::future::pending::<()>().await;
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Mortal {
    pub(crate) inner: MemoryJournal,
    pub(crate) fuse: Fuse,
}

#[derive(Debug)]
struct MortalLog {
    inner: Box<dyn RunLog>,
    fuse: Fuse,
}

#[async_trait]
impl RunLog for MortalLog {
    async fn append(&self, entry: &Entry) -> Result<()> {
        self.fuse.pass().await;
        self.inner.append(entry).await?;
        // Behind its last record the attempt is over, and what came out is known to those who asked.
        if entry.step != "deploy" || entry.record != "closed" {
            self.fuse.pass().await;
        }
        Ok(())
    }
}

#[async_trait]
impl Journal for Mortal {
    async fn open(&self, run: &str) -> Result<Opened> {
        let opened = self.inner.open(run).await?;
        let log = Box::new(MortalLog { inner: opened.log, fuse: self.fuse.clone() });
        Ok(Opened { entries: opened.entries, log })
    }

    async fn read(&self, run: &str) -> Result<Option<History>> {
        self.inner.read(run).await
    }

    async fn runs(&self) -> Result<Vec<Result<History>>> {
        self.inner.runs().await
    }

    async fn hold(&self, resource: &Resource, run: &str) -> Result<Box<dyn Held>> {
        self.inner.hold(resource, run).await
    }
}
