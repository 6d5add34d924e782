//! A runtime that dies at one place.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use landfall_core::context::CancellationToken;
use landfall_core::runtime::{Interrupted, Recorded, Runtime, Work};
use serde_json::Value;

/// Counts the places that are passed and burns at one of them.
#[derive(Clone, Default)]
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

pub(crate) struct Mortal<'a> {
    inner: Box<dyn Runtime + 'a>,
    fuse: Fuse,
}

impl<'a> Mortal<'a> {
    pub(crate) fn new(inner: Box<dyn Runtime + 'a>, fuse: Fuse) -> Self {
        Self { inner, fuse }
    }

    /// The work, and the place between its effect and its record.
    fn work<'w>(&self, work: Work<'w>) -> Work<'w> {
        let fuse = self.fuse.clone();
        Box::pin(async move {
            let value = work.await;
            fuse.pass().await;
            value
        })
    }
}

#[async_trait]
impl Runtime for Mortal<'_> {
    async fn step(&self, name: &str, work: Work<'_>) -> Result<Recorded, Interrupted> {
        self.fuse.pass().await;
        let recorded = self.inner.step(name, self.work(work)).await;
        self.fuse.pass().await;
        recorded
    }

    async fn look(&self, name: &str, work: Work<'_>) -> Result<Recorded, Interrupted> {
        self.fuse.pass().await;
        let recorded = self.inner.look(name, self.work(work)).await;
        self.fuse.pass().await;
        recorded
    }

    async fn sleep(&self, duration: Duration) -> Result<(), Interrupted> {
        self.fuse.pass().await;
        self.inner.sleep(duration).await
    }

    fn earlier(&self, name: &str) -> Option<Value> {
        self.inner.earlier(name)
    }

    fn cleanup(&self) -> Box<dyn Runtime + '_> {
        Box::new(Mortal::new(self.inner.cleanup(), self.fuse.clone()))
    }

    fn id(&self) -> String {
        self.inner.id()
    }
}
