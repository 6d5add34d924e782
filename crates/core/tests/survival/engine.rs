//! An imitation of a durable engine: every call is written down with its result, a second process is given the
//! results in the same order, and a call that comes out of order ends the test.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use landfall_core::Context;
use landfall_core::runtime::{Interrupted, Local, Recorded, Runtime, Work};
use serde_json::Value;

#[derive(Clone)]
struct Entry {
    name: String,
    /// None for a pause.
    recorded: Result<Option<Recorded>, Interrupted>,
}

/// What outlives a process.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Entry>>>);

impl Log {
    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// Calls that did something, pauses left out.
    pub(crate) fn works(&self) -> usize {
        self.0.lock().unwrap().iter().filter(|entry| matches!(entry.recorded, Ok(Some(_)))).count()
    }
}

pub(crate) struct Engine {
    cx: Context,
    log: Log,
    next: Arc<AtomicUsize>,
}

impl Engine {
    pub(crate) fn new(cx: Context, log: Log) -> Self {
        Self { cx, log, next: Arc::default() }
    }

    /// A runtime without records: the engine's own memory is the log.
    fn local(&self) -> Local {
        Local::new(self.cx.clone())
    }

    fn replayed(&self, name: &str) -> Option<Result<Option<Recorded>, Interrupted>> {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        let log = self.log.0.lock().unwrap();
        let entry = log.get(next)?;
        assert_eq!(entry.name, name, "call {next} came out of order");
        Some(entry.recorded.clone())
    }

    fn keep(&self, name: &str, recorded: Result<Option<Recorded>, Interrupted>) {
        self.log.0.lock().unwrap().push(Entry { name: name.to_owned(), recorded });
    }
}

#[async_trait]
impl Runtime for Engine {
    async fn step(&self, name: &str, work: Work<'_>) -> Result<Recorded, Interrupted> {
        if let Some(replayed) = self.replayed(name) {
            return replayed.map(Option::unwrap);
        }
        let recorded = self.local().step(name, work).await;
        self.keep(name, recorded.clone().map(Some));
        recorded
    }

    async fn look(&self, name: &str, work: Work<'_>) -> Result<Recorded, Interrupted> {
        if let Some(replayed) = self.replayed(name) {
            return replayed.map(Option::unwrap);
        }
        let recorded = self.local().look(name, work).await;
        self.keep(name, recorded.clone().map(Some));
        recorded
    }

    async fn sleep(&self, duration: Duration) -> Result<(), Interrupted> {
        if let Some(replayed) = self.replayed("sleep") {
            return replayed.map(|_| ());
        }
        let slept = self.local().sleep(duration).await;
        self.keep("sleep", slept.map(|()| None));
        slept
    }

    fn earlier(&self, _name: &str) -> Option<Value> {
        None
    }

    fn cleanup(&self) -> Box<dyn Runtime + '_> {
        Box::new(Self { cx: self.cx.cleanup(), log: self.log.clone(), next: Arc::clone(&self.next) })
    }

    fn id(&self) -> String {
        self.cx.id()
    }
}
