//! The contract of landfall: targets, their life cycle, events, errors and waiting. It knows no AWS service.
//!
//! *A target plans, applies, observes and can be reverted; a context says who watches, when to stop and
//! what a run is called.* The rooms:
//!
//! - [`target`]: the [`DeployTarget`] trait, its data, and the one life cycle of a step.
//! - [`context`]: run id, step, cancellation, observer, limiter, what targets share, and the one wall clock.
//! - [`event`]: what is told while a deployment runs, and who listens.
//! - [`error`]: errors with kind, hint and causes; redaction.
//! - [`wait`]: the one wait loop and its delays.
//! - [`pipeline`]: several targets as one release.
//! - [`limit`]: token buckets shared by all targets of a process.
//! - [`journal`]: where runs are remembered, in memory or in files.
//! - [`runtime`]: the seam between the life cycle and what drives it.
//!
//! ```
//! use landfall_core::{Context, DeployTarget, DeployTargetExt, Policy};
//!
//! async fn release(target: &dyn DeployTarget) -> u8 {
//!     let cx = Context::builder("shop/1234/deploy/production").build();
//!     let report = target.deploy(&cx, &Policy::default()).await;
//!     report.exit_code()
//! }
//! ```

pub mod context;
pub mod error;
pub mod event;
pub mod journal;
pub mod limit;
pub mod pipeline;
pub mod runtime;
pub mod target;
pub mod wait;

pub use context::Context;
pub use error::{Cause, Error, ErrorKind, Location, Result};
pub use event::{Event, Observer};
pub use journal::{FileJournal, Journal, MemoryJournal};
pub use pipeline::{Pipeline, Report, Rollback};
pub use target::{
    Change, Cursor, DeployTarget, DeployTargetExt, Effect, End, Look, News, Observation, Outcome, Outputs,
    Place, Plan, Policy, Progress, Receipt, Resource, Revert, State, StepReport, Token, Undo, Undone,
    Verdict,
};
