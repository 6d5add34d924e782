//! Commands, checks, gates and decorators, each driven by the one life cycle.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod commands;
mod decorators;
mod gates;
mod health;

use std::sync::Arc;

use landfall_core::{Context, Journal, MemoryJournal};
use landfall_testkit::Recorder;

/// A process: who watches, and where is remembered.
fn process(journal: &MemoryJournal, recorder: &Recorder) -> Context {
    let journal: Arc<dyn Journal> = Arc::new(journal.clone());
    Context::builder("run").step("step").journal(journal).observer(Arc::new(recorder.clone())).build()
}
