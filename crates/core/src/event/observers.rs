//! Observers that come with landfall.

use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

use super::{Event, EventKind, Level, Observer};

/// Hears nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn observe(&self, _event: &Event) {}
}

/// Passes each event to several observers, in order.
#[derive(Clone, Default)]
pub struct Observers(Vec<Arc<dyn Observer>>);

impl Observers {
    /// Nobody yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    #[must_use]
    pub fn with(mut self, observer: Arc<dyn Observer>) -> Self {
        self.0.push(observer);
        self
    }
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Observers").field(&self.0.len()).finish()
    }
}

impl Observer for Observers {
    fn observe(&self, event: &Event) {
        for observer in &self.0 {
            observer.observe(event);
        }
    }
}

/// Writes each event as one line of JSON and flushes it.
///
/// A writer that fails (a closed pipe) must not fail a deployment: the event is lost, and
/// [`JsonLines::failed`] says so afterwards.
#[derive(Debug)]
pub struct JsonLines<W>(Mutex<Lines<W>>);

#[derive(Debug)]
struct Lines<W> {
    writer: W,
    failed: bool,
}

impl<W: Write> JsonLines<W> {
    /// Writes to `writer`.
    #[must_use]
    pub fn new(writer: W) -> Self {
        Self(Mutex::new(Lines { writer, failed: false }))
    }

    /// Whether an event could not be written.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).failed
    }
}

impl<W: Write + Send> Observer for JsonLines<W> {
    fn observe(&self, event: &Event) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Ok(mut line) = serde_json::to_vec(event) else {
            lines.failed = true;
            return;
        };
        line.push(b'\n');
        if lines.writer.write_all(&line).and_then(|()| lines.writer.flush()).is_err() {
            lines.failed = true;
        }
    }
}

/// Hands each event to a task that reads at its own pace. Made by [`channel`].
#[derive(Debug, Clone)]
pub struct Channel(mpsc::UnboundedSender<Event>);

/// An observer and the receiver of its events.
///
/// The queue is unbounded, because an observer may neither block nor drop; a deployment tells a few events a
/// second at most. A dropped receiver ends the telling, not the deployment.
#[must_use]
pub fn channel() -> (Channel, mpsc::UnboundedReceiver<Event>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (Channel(sender), receiver)
}

impl Observer for Channel {
    fn observe(&self, event: &Event) {
        // A receiver that is gone has lost interest.
        let _ = self.0.send(event.clone());
    }
}

/// Passes events to `tracing`, under the target `landfall`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tracing;

impl Observer for Tracing {
    fn observe(&self, event: &Event) {
        let detail = serde_json::to_string(&event.kind).unwrap_or_default();
        let (run, step, attempt) = (event.run.as_str(), event.step.as_str(), event.attempt);
        match level(&event.kind) {
            Level::Debug => tracing::debug!(target: "landfall", run, step, attempt, "{detail}"),
            Level::Info => tracing::info!(target: "landfall", run, step, attempt, "{detail}"),
            Level::Warning => tracing::warn!(target: "landfall", run, step, attempt, "{detail}"),
            Level::Error => tracing::error!(target: "landfall", run, step, attempt, "{detail}"),
        }
    }
}

fn level(kind: &EventKind) -> Level {
    match kind {
        EventKind::Note { level, .. } => *level,
        EventKind::News { news } => news.level,
        EventKind::Progress { .. } => Level::Debug,
        EventKind::Retrying { .. } => Level::Warning,
        EventKind::Aborted { .. } => Level::Error,
        EventKind::Verdict { verdict } | EventKind::Finished { verdict, .. }
            if !verdict.outcome.is_success() =>
        {
            Level::Error
        }
        EventKind::Undone { exit_code, .. } | EventKind::PipelineFinished { exit_code, .. }
            if *exit_code != 0 =>
        {
            Level::Error
        }
        _ => Level::Info,
    }
}
