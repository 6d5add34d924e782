//! Helpers for authors of landfall targets, and for programs that embed landfall and want to test what they
//! do with its results.
//!
//! - [`ScriptedTarget`] does what a script says, at the times the script says, under tokio's paused clock too.
//!   It counts its effects, so that a test can tell one deployment from two.
//! - [`conformance`] checks the rules that a target must keep, and names those it breaks.
//! - [`Recorder`] is an observer that keeps every event.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
//! use landfall_core::{Context, DeployTargetExt, Outcome, Outputs, Policy, State};
//! use landfall_testkit::{Moment, ScriptedTarget};
//! use std::time::Duration;
//!
//! let target = ScriptedTarget::new("web")
//!     .at(Duration::ZERO, Moment::state(State::pending("1 of 2 tasks")))
//!     .at(Duration::from_secs(40), Moment::state(State::Ready(Outputs::new())));
//! let report = target.deploy(&Context::builder("run-1").build(), &Policy::default()).await;
//! assert_eq!(report.verdict.outcome, Outcome::Succeeded);
//! assert_eq!(target.effects().len(), 1);
//! # }
//! ```

pub mod conformance;
mod recorder;
mod scripted;

pub use recorder::Recorder;
pub use scripted::{Call, Moment, ScriptedTarget};
