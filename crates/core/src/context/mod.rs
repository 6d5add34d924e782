//! Who watches, when to stop, what a run is called and where it is remembered.
//!
//! A [`Context`] is cheap to clone and is handed to every method of a target. It carries no credentials: those
//! are given to a target when it is made.

mod clock;
mod shared;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use tokio::sync::OnceCell;
pub use tokio_util::sync::CancellationToken;

use crate::error::Result;
use crate::event::{Event, EventKind, Level, Observer, Silent};
use crate::journal::{Journal, MemoryJournal, Run};
use crate::limit::Limiter;
use crate::target::Undo;
pub use clock::Clock;
pub use shared::Shared;

/// The record of events that are told outside of every recorded call.
const OUTSIDE: &str = "run";

/// What every phase of a step is told about the run it is part of.
#[derive(Clone)]
pub struct Context {
    run: Arc<str>,
    step: Arc<str>,
    attempt: u32,
    pass: u32,
    record: Arc<str>,
    index: Arc<AtomicU64>,
    deadline: Option<Timestamp>,
    on_failure: Undo,
    cancel: CancellationToken,
    observer: Arc<dyn Observer>,
    limiter: Arc<Limiter>,
    journal: Arc<dyn Journal>,
    opened: Arc<OnceCell<Run>>,
    shared: Arc<Shared>,
    clock: Clock,
}

impl Context {
    /// Starts a context for the run with this id.
    ///
    /// The same id means the same release: a run that was cut off is continued by the next one with its id. A
    /// good id names project, pipeline, job and environment, and not the attempt.
    pub fn builder(run: impl Into<String>) -> ContextBuilder {
        ContextBuilder {
            run: run.into(),
            step: "deploy".to_owned(),
            attempt: 1,
            deadline: None,
            cancel: CancellationToken::new(),
            observer: Arc::new(Silent),
            limiter: Arc::new(Limiter::default()),
            journal: Arc::new(MemoryJournal::new()),
            shared: Arc::new(Shared::default()),
            clock: None,
        }
    }

    /// The run's id.
    #[must_use]
    pub fn run(&self) -> &str {
        &self.run
    }

    /// The step's path, names joined with `/`.
    #[must_use]
    pub fn step(&self) -> &str {
        &self.step
    }

    /// Which attempt of this step it is; from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Whether this process goes on with what another began: a change that is not seen may have been made by that one.
    #[must_use]
    pub fn is_resumed(&self) -> bool {
        self.pass > 1
    }

    /// `run/step/attempt`: what the effects of this attempt are found again by.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}/{}/{}", self.run, self.step, self.attempt)
    }

    /// When the whole run must have ended, if that is bounded beyond the policy of its steps.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        self.deadline
    }

    /// What becomes of a change of this step that fails, by the policy it is run with; [`Undo::Revert`] where nobody said.
    ///
    /// For a target that finds a failed change of its own run, whose records are lost: where failures are put back, it was
    /// cut off before that, and goes on with it; where they are kept, this is a new attempt.
    #[must_use]
    pub fn on_failure(&self) -> Undo {
        self.on_failure
    }

    /// The buckets that every target of this process draws from.
    #[must_use]
    pub fn limiter(&self) -> &Limiter {
        &self.limiter
    }

    /// Where the run is remembered.
    #[must_use]
    pub fn journal(&self) -> &Arc<dyn Journal> {
        &self.journal
    }

    /// The run, opened in the journal by the first who asks. It stays open, and closed to others, until the last clone
    /// of this context is dropped.
    ///
    /// # Errors
    /// As [`Journal::open`].
    pub async fn open_run(&self) -> Result<Run> {
        let open = || Run::open(&*self.journal, &self.run);
        self.opened.get_or_try_init(open).await.cloned()
    }

    /// The one `T` of all contexts that come from the same builder, or were given the same [`Shared`]: what several
    /// targets of this process share beside the limiter.
    #[must_use]
    pub fn shared<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        self.shared.of()
    }

    /// The wall clock, which moves with tokio's time.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Whether somebody asked to stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Resolves when somebody asks to stop. May be dropped at any time.
    pub async fn cancelled(&self) {
        self.cancel.cancelled().await;
    }

    /// Tells the observer.
    pub fn emit(&self, kind: EventKind) {
        self.observer.observe(&Event {
            at: self.clock.now(),
            run: self.run.to_string(),
            step: self.step.to_string(),
            attempt: self.attempt,
            pass: self.pass,
            record: self.record.to_string(),
            index: self.index.fetch_add(1, Ordering::Relaxed),
            kind,
        });
    }

    /// Tells the observer something that is neither news from AWS nor a phase: what was assumed, left out or
    /// retried. `code` is stable, the text is for people.
    pub fn note(&self, level: Level, code: impl Into<String>, text: impl AsRef<str>) {
        self.emit(EventKind::Note { level, code: code.into(), text: crate::error::one_line(text.as_ref()) });
    }

    /// The context of a step below this one.
    #[must_use]
    pub fn at_step(&self, name: &str) -> Self {
        let mut below = self.clone();
        below.step = format!("{}/{name}", self.step).into();
        below.record = OUTSIDE.into();
        below.index = Arc::default();
        below
    }

    /// The context of the step with this path, whatever the path of this one.
    #[must_use]
    pub fn in_step(&self, path: &str) -> Self {
        let mut other = self.clone();
        other.step = path.into();
        other.record = OUTSIDE.into();
        other.index = Arc::default();
        other
    }

    /// The context of one recorded call: its events are counted from 0 again.
    #[must_use]
    pub fn at_record(&self, name: &str) -> Self {
        let mut below = self.clone();
        below.record = name.into();
        below.index = Arc::default();
        below
    }

    /// The context of this attempt of the step.
    pub(crate) fn in_attempt(&self, attempt: u32) -> Self {
        Self { attempt, ..self.clone() }
    }

    /// The context of a process that goes on where others, `pass - 1` of them, were cut off. The count of events
    /// goes on within the first.
    pub(crate) fn in_pass(&self, pass: u32) -> Self {
        let index = if pass == self.pass { Arc::clone(&self.index) } else { Arc::default() };
        Self { pass, index, ..self.clone() }
    }

    /// The context of a step that is run by this policy.
    pub(crate) fn by(&self, on_failure: Undo) -> Self {
        Self { on_failure, ..self.clone() }
    }

    /// The same for work that may outlive the step: it does not keep the run open in its journal.
    #[must_use]
    pub fn outliving(&self) -> Self {
        Self { opened: Arc::default(), ..self.clone() }
    }

    /// The context for cleaning up after a cancellation: the same, but not cancelled by it, and without the
    /// deadline of the run, which has passed when a step is undone because of it.
    #[must_use]
    pub fn cleanup(&self) -> Self {
        Self { cancel: CancellationToken::new(), deadline: None, ..self.clone() }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("id", &self.id())
            .field("record", &self.record)
            .finish_non_exhaustive()
    }
}

/// Makes a [`Context`].
#[must_use]
pub struct ContextBuilder {
    run: String,
    step: String,
    attempt: u32,
    deadline: Option<Timestamp>,
    cancel: CancellationToken,
    observer: Arc<dyn Observer>,
    limiter: Arc<Limiter>,
    journal: Arc<dyn Journal>,
    shared: Arc<Shared>,
    clock: Option<Clock>,
}

impl ContextBuilder {
    /// Names the step; `deploy` when it is not named.
    pub fn step(mut self, name: impl Into<String>) -> Self {
        self.step = name.into();
        self
    }

    /// Which attempt it is, from 1; 0 counts as 1.
    pub fn attempt(mut self, attempt: u32) -> Self {
        self.attempt = attempt.max(1);
        self
    }

    /// When the whole run must have ended.
    pub fn deadline(mut self, at: Timestamp) -> Self {
        self.deadline = Some(at);
        self
    }

    /// The token whose cancellation stops the run in an orderly way.
    pub fn cancel(mut self, token: CancellationToken) -> Self {
        self.cancel = token;
        self
    }

    /// Who is told; nobody when this is not called.
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = observer;
        self
    }

    /// The buckets to share with other contexts of the process.
    pub fn limiter(mut self, limiter: Arc<Limiter>) -> Self {
        self.limiter = limiter;
        self
    }

    /// Where the run is remembered; only in memory, as long as the context lives, when this is not called.
    ///
    /// A journal also keeps deployments to one resource apart. Contexts that deploy to the same resources therefore share
    /// one: two that were each built without a journal know nothing of each other, though both are of this process.
    pub fn journal(mut self, journal: Arc<dyn Journal>) -> Self {
        self.journal = journal;
        self
    }

    /// What to share with other contexts of the process, so that their targets are watched with common calls.
    pub fn shared(mut self, shared: Arc<Shared>) -> Self {
        self.shared = shared;
        self
    }

    /// The clock to use instead of one started now.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// The context.
    #[must_use]
    pub fn build(self) -> Context {
        Context {
            run: self.run.into(),
            step: self.step.into(),
            attempt: self.attempt,
            pass: 1,
            record: OUTSIDE.into(),
            index: Arc::default(),
            deadline: self.deadline,
            on_failure: Undo::Revert,
            cancel: self.cancel,
            observer: self.observer,
            limiter: self.limiter,
            journal: self.journal,
            opened: Arc::default(),
            shared: self.shared,
            clock: self.clock.unwrap_or_else(Clock::start),
        }
    }
}

impl fmt::Debug for ContextBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContextBuilder")
            .field("run", &self.run)
            .field("step", &self.step)
            .finish_non_exhaustive()
    }
}
