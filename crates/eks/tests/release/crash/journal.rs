//! A journal in which a process can be killed at any write.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use landfall_core::journal::{Entry, Held, History, Opened, RunLog};
use landfall_core::{Journal, MemoryJournal, Resource, Result};
use landfall_simulator::Phase;
use tokio::sync::Notify;

/// Remembers like a disk, and holds the write that it is told to.
#[derive(Debug, Clone, Default)]
pub(super) struct Disk {
    kept: MemoryJournal,
    hold: Arc<Hold>,
}

#[derive(Debug, Default)]
struct Hold {
    /// Which write from now on, from 1, and whether it is kept.
    at: Mutex<Option<(u64, Phase)>>,
    writes: AtomicU64,
    reached: Notify,
}

impl Disk {
    /// Holds a write from now on, from 1: with [`Phase::After`] it is kept.
    pub(super) fn hold(&self, write: u64, phase: Phase) {
        *self.hold.at.lock().unwrap() = Some((self.writes() + write, phase));
    }

    /// Holds nothing any more.
    pub(super) fn let_go(&self) {
        *self.hold.at.lock().unwrap() = None;
    }

    /// Resolves when the write is there.
    pub(super) async fn reached(&self) {
        self.hold.reached.notified().await;
    }

    /// Writes so far.
    pub(super) fn writes(&self) -> u64 {
        self.hold.writes.load(Ordering::Relaxed)
    }
}

#[derive(Debug)]
struct Log {
    log: Box<dyn RunLog>,
    hold: Arc<Hold>,
}

#[async_trait]
impl RunLog for Log {
    async fn append(&self, entry: &Entry) -> Result<()> {
        let number = self.hold.writes.fetch_add(1, Ordering::Relaxed) + 1;
        let phase = self.hold.at.lock().unwrap().filter(|(at, _)| *at == number).map(|(_, phase)| phase);
        if phase != Some(Phase::Before) {
            self.log.append(entry).await?;
        }
        if phase.is_some() {
            self.hold.reached.notify_one();
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

#[async_trait]
impl Journal for Disk {
    async fn open(&self, run: &str) -> Result<Opened> {
        let Opened { entries, log } = self.kept.open(run).await?;
        Ok(Opened { entries, log: Box::new(Log { log, hold: Arc::clone(&self.hold) }) })
    }

    async fn read(&self, run: &str) -> Result<Option<History>> {
        self.kept.read(run).await
    }

    async fn runs(&self) -> Result<Vec<Result<History>>> {
        self.kept.runs().await
    }

    async fn hold(&self, resource: &Resource, run: &str) -> Result<Box<dyn Held>> {
        self.kept.hold(resource, run).await
    }
}
