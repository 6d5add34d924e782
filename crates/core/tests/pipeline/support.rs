//! What the tests of pipelines share.

use std::sync::Arc;
use std::time::Duration;

use landfall_core::context::CancellationToken;
use landfall_core::event::EventKind;
use landfall_core::pipeline::Status;
use landfall_core::{
    Cause, Context, End, Journal, MemoryJournal, Observation, Outputs, Report, State, Undone,
};
use landfall_testkit::{Moment, Recorder, ScriptedTarget};

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// Who watches, where is remembered, how to stop.
#[derive(Clone, Default)]
pub(crate) struct Stage {
    pub(crate) events: Recorder,
    pub(crate) journal: MemoryJournal,
    pub(crate) stop: CancellationToken,
}

impl Stage {
    pub(crate) fn cx(&self) -> Context {
        let journal: Arc<dyn Journal> = Arc::new(self.journal.clone());
        let observer = Arc::new(self.events.clone());
        Context::builder("run").observer(observer).journal(journal).cancel(self.stop.clone()).build()
    }

    /// Names of steps in the order of these events: `started`, `finished`, `undone`.
    pub(crate) fn order(&self, kind: &str) -> Vec<String> {
        let of_kind = self.events.events().into_iter().filter(|event| match event.kind {
            EventKind::Started { .. } => kind == "started",
            EventKind::Finished { .. } => kind == "finished",
            EventKind::Undone { .. } => kind == "undone",
            _ => false,
        });
        of_kind.map(|event| event.step.trim_start_matches("deploy/").to_owned()).collect()
    }
}

pub(crate) fn cx() -> Context {
    Context::builder("run").build()
}

pub(crate) fn ready() -> Moment {
    Moment::state(State::Ready(Outputs::new()))
}

/// Succeeds after so many seconds, and can be undone at once.
pub(crate) fn good(name: &str, seconds: u32) -> ScriptedTarget {
    let outputs = Outputs::new().with("url", format!("https://{name}.example.com")).with("arn", "arn:x");
    ScriptedTarget::new(name)
        .at(seconds * SECOND, Moment::state(State::Ready(outputs)))
        .undo_at(Duration::ZERO, ready())
}

/// Fails after so many seconds, and can be undone at once.
pub(crate) fn bad(name: &str, seconds: u32) -> ScriptedTarget {
    let failed = Observation::new(State::Ended(End::Failed))
        .with_causes([Cause::new("image-not-found", format!("no image for {name}"))]);
    ScriptedTarget::new(name).at(seconds * SECOND, Moment::seen(failed)).undo_at(Duration::ZERO, ready())
}

/// What became of a step: `not started` or its exit code, and its undo.
pub(crate) fn status(report: &Report, step: &str) -> (Option<u8>, Option<Undone>) {
    match &report.step(step).unwrap().status {
        Status::Settled(settled) => (Some(settled.exit_code), Some(settled.undone.clone())),
        _ => (None, None),
    }
}
