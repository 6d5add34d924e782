//! A target: one kind of thing that can be deployed to. It plans, applies, observes and can be reverted.
//!
//! - [`DeployTarget`] is what an author of a target writes: four methods, two names and a digest.
//! - [`DeployTargetExt`] is what a user calls: [`deploy`](DeployTargetExt::deploy) runs the one life cycle,
//!   [`preview`](DeployTargetExt::preview) only plans.
//! - The data that passes between them is plain and serialisable, and never holds a secret: another process may
//!   go on from it.

mod data;
mod exit;
mod guard;
mod lifecycle;
mod observation;
mod outcome;
mod plan;
mod policy;

use std::fmt::Debug;

use async_trait::async_trait;

use crate::context::Context;
use crate::error::Result;

pub use data::{Outputs, Place, Resource, Token};
pub(crate) use exit::code as exit_code;
pub(crate) use guard::{Guarded, panicked};
pub(crate) use lifecycle::{pass_of, undo_in_pass};
pub use lifecycle::{run_step, undo_step};
pub use observation::{Cursor, End, Look, News, Observation, Progress, State};
pub use outcome::{Outcome, StepReport, Undone, Verdict};
pub use plan::{Change, Effect, MadeFor, Plan, Receipt, Revert};
pub use policy::{Policy, Undo};

/// One kind of thing that can be deployed to.
///
/// All methods are required, so that a wrapper cannot forget one. The rules, each of which the life cycle
/// relies on:
///
/// - `plan`, `observe` and `revert` change nothing.
/// - `apply` runs to its end (it is never dropped), takes less than 30 s, and *finds its own effect*: called
///   again with a plan of the same token it does not do a second time what it did before.
/// - `observe` may be dropped at any await, and works in another process from the same receipt.
/// - Nothing that passes through [`Plan`], [`Receipt`], [`Cursor`] or [`Outputs`] is a secret.
/// - Errors are classified by [`crate::ErrorKind`]; passing ones are retried by the caller.
#[async_trait]
pub trait DeployTarget: Debug + Send + Sync {
    /// Names the kind in events, receipts and journals, for example `ecs-service`.
    fn kind(&self) -> &'static str;

    /// What is deployed to. Known at construction; one deployment at a time runs per resource.
    fn resource(&self) -> Resource;

    /// A digest of everything that was asked for. A run that goes on with another one is refused: neither must the
    /// end of one deployment be told as that of another, nor a plan be carried out that was made for something else.
    /// What a wrapper adds without changing what is deployed does not belong to it.
    fn specification(&self) -> String;

    /// What would change, and what `apply` needs beside the target's own specification, which the plan pins by
    /// a digest. Read-only. A plan without changes is a plan: there is nothing to do.
    ///
    /// # Errors
    /// When the input does not fit the world: the deployment is refused and nothing was changed.
    async fn plan(&self, cx: &Context) -> Result<Plan>;

    /// Starts the change, or its next part when `so_far` is given. See the rules above.
    ///
    /// # Errors
    /// A passing error is tried again with the same plan; any other refuses the deployment.
    async fn apply(&self, cx: &Context, plan: &Plan, so_far: Option<&Receipt>) -> Result<Receipt>;

    /// Looks once. Read-only.
    ///
    /// # Errors
    /// A passing error is tolerated several times in a row; any other makes the outcome unknown, because an
    /// error of looking says nothing about the deployment.
    async fn observe(&self, cx: &Context, receipt: &Receipt, look: Look<'_>) -> Result<Observation>;

    /// The plan that restores what was there before. Read-only: it states the goal and what it expects to
    /// find; `apply` chooses the call by a fresh look.
    ///
    /// # Errors
    /// When it cannot be told what was there before; the undo has then failed.
    async fn revert(&self, cx: &Context, plan: &Plan, receipt: Option<&Receipt>) -> Result<Revert>;
}

/// What a user calls on a target.
#[async_trait]
pub trait DeployTargetExt: DeployTarget {
    /// Runs the whole life cycle of one step: plan, apply, wait, and undo by the policy. It goes on where an earlier
    /// process with the context's run id and journal was cut off, and tells again what came out of a step that has
    /// succeeded already.
    ///
    /// # Cancellation
    /// Cancel through the context's token. Dropping the future stops at the next await, in the middle of
    /// whatever was going on in AWS.
    async fn deploy(&self, cx: &Context, policy: &Policy) -> StepReport;

    /// Only plans. Changes nothing.
    ///
    /// # Errors
    /// As [`DeployTarget::plan`].
    async fn preview(&self, cx: &Context) -> Result<Plan>;
}

#[async_trait]
impl<T: DeployTarget + ?Sized> DeployTargetExt for T {
    async fn deploy(&self, cx: &Context, policy: &Policy) -> StepReport {
        match cx.open_run().await {
            Ok(run) => {
                let (cx, runtime) = run.resume(cx);
                run_step(&runtime, self, &cx, policy).await
            }
            Err(error) => lifecycle::not_begun(self, cx, error),
        }
    }

    async fn preview(&self, cx: &Context) -> Result<Plan> {
        Ok(self.plan(cx).await?.stamped(Token::new(cx.id())))
    }
}
