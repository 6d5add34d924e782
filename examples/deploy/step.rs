//! What every target is run by: signed in, planned or deployed.

use landfall::aws::environment::Environment;
use landfall::event::{EventKind, Level};
use landfall::{Cause, Change, Context, DeployTarget, DeployTargetExt, Policy, Result};

use crate::flags::Global;
use crate::journal;
use crate::session::{self, Ready};

/// Opens the journal when something is to be changed, and signs in.
///
/// # Errors
/// Every problem in `problems` and of the credentials' flags; a run that another process has; credentials that cannot be
/// used.
pub(crate) async fn ready(
    global: &Global,
    process: Environment,
    cx: &Context,
    policy: &Policy,
    mut problems: Vec<Cause>,
) -> Result<Ready> {
    if global.plan.is_none() {
        journal::open(global, cx, &mut problems).await?;
    }
    let lasting = global.plan.is_none().then(|| policy.longest());
    session::sign_in(global, process, cx, lasting, problems).await
}

/// Plans or deploys, as asked, and gives the exit code.
///
/// # Errors
/// Those of a plan. What becomes of a deployment is told as it happens.
pub(crate) async fn run<T: DeployTarget>(
    global: &Global,
    target: &T,
    cx: &Context,
    policy: &Policy,
) -> Result<u8> {
    if global.plan.is_none() {
        return Ok(target.deploy(cx, policy).await.exit_code());
    }
    let plan = session::in_time(global, "the plan", target.preview(cx)).await?;
    planned(cx, plan.changes);
    cx.note(Level::Info, "plan-only", "this is a plan: nothing was changed");
    Ok(0)
}

/// Tells a plan that is not carried out.
pub(crate) fn planned(cx: &Context, changes: Vec<Change>) {
    cx.emit(EventKind::Planned { changes });
}
