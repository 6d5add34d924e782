//! What every target and every pipeline is run by: checked, signed in, planned or deployed.

use landfall::auth::Session;
use landfall::aws::environment::Environment;
use landfall::event::{EventKind, Level};
use landfall::pipeline::{NeededOutput, Pipeline, StepPreview};
use landfall::{Cause, Change, Context, DeployTarget, DeployTargetExt, Policy, Result};

use crate::flags::{Global, collect, complete};
use crate::journal;
use crate::session::{self, Ready};

/// What a subcommand is called with.
pub(crate) struct Call<'a> {
    pub(crate) global: &'a Global,
    pub(crate) process: Environment,
    pub(crate) cx: &'a Context,
    /// What is known to be wrong already.
    pub(crate) problems: Vec<Cause>,
}

/// What was made of a subcommand's flags, in the place that the credentials are for.
pub(crate) struct Made<T> {
    pub(crate) target: T,
    pub(crate) policy: Policy,
    /// Keeps the simulated AWS alive; nothing where nobody signed in to AWS.
    _ready: Option<Ready>,
}

impl<T> Made<T> {
    /// The same with another target.
    pub(crate) fn map<U>(self, make: impl FnOnce(T) -> U) -> Made<U> {
        Made { target: make(self.target), policy: self.policy, _ready: self._ready }
    }
}

/// Opens the journal when something is to be changed, signs in, and makes the target. `after_one_another` says how many
/// waits follow one another, so that the credentials hold for all of them.
///
/// # Errors
/// Every problem in `spec`, of the call and of the credentials' flags; a run that another process has; credentials that
/// cannot be used, or are for another place.
pub(crate) async fn made<S, T>(
    call: Call<'_>,
    message: &str,
    spec: Result<S>,
    after_one_another: u32,
    target: impl FnOnce(S, &Session) -> Result<T>,
) -> Result<Made<T>> {
    let Call { global, process, cx, mut problems } = call;
    let (policy, spec) = checked(global, cx, spec, &mut problems).await?;
    let longest = policy.longest().saturating_mul(after_one_another);
    let lasting = global.plan.is_none().then_some(longest);
    let ready = session::sign_in(global, process, cx, lasting, problems).await?;
    let spec = complete(message, spec, Vec::new())?;
    let mut problems = Vec::new();
    let target = collect(target(spec, &ready.session), &mut problems);
    let target = complete("the target is not where the credentials are", target, problems)?;
    Ok(Made { target, policy, _ready: Some(ready) })
}

/// As [`made`], for what needs no credentials of AWS.
///
/// # Errors
/// Every problem in `spec` and of the call; a run that another process has.
pub(crate) async fn made_without_aws<S>(call: Call<'_>, message: &str, spec: Result<S>) -> Result<Made<S>> {
    let Call { global, cx, mut problems, .. } = call;
    let (policy, spec) = checked(global, cx, spec, &mut problems).await?;
    Ok(Made { target: complete(message, spec, problems)?, policy, _ready: None })
}

/// The policy, and what the flags of the subcommand say; the journal is open when something is to be changed.
async fn checked<S>(
    global: &Global,
    cx: &Context,
    spec: Result<S>,
    problems: &mut Vec<Cause>,
) -> Result<(Policy, Option<S>)> {
    let policy = global.policy(problems);
    let spec = collect(spec, problems);
    if global.plan.is_none() {
        journal::open(global, cx, problems).await?;
    }
    Ok((policy, spec))
}

/// Makes one target, plans or deploys it as asked, and gives the exit code.
///
/// # Errors
/// Those of [`made`] and of [`run`].
pub(crate) async fn deploy<S, T: DeployTarget>(
    call: Call<'_>,
    message: &str,
    spec: Result<S>,
    target: impl FnOnce(S, &Session) -> Result<T>,
) -> Result<u8> {
    let (global, cx) = (call.global, call.cx);
    let made = made(call, message, spec, 1, target).await?;
    run(global, cx, &made).await
}

/// Plans or deploys, as asked, and gives the exit code.
///
/// # Errors
/// Those of a plan. What becomes of a deployment is told as it happens.
pub(crate) async fn run<T: DeployTarget>(global: &Global, cx: &Context, made: &Made<T>) -> Result<u8> {
    if global.plan.is_none() {
        return Ok(made.target.deploy(cx, &made.policy).await.exit_code());
    }
    let plan = session::in_time(global, "the plan", made.target.preview(cx)).await?;
    planned(cx, plan.changes);
    only_planned(cx);
    Ok(0)
}

/// Previews or runs a pipeline, as asked, and gives the exit code.
///
/// # Errors
/// That the preview was given up. What becomes of a run is told as it happens.
pub(crate) async fn run_pipeline(global: &Global, cx: &Context, pipeline: &Pipeline) -> Result<u8> {
    if global.plan.is_none() {
        return Ok(pipeline.run(cx).await.exit_code);
    }
    let preview = async { Ok(pipeline.preview(cx).await) };
    let preview = session::in_time(global, "the plan", preview).await?;
    let code = preview.exit_code();
    for step in preview.steps {
        let cx = cx.at_step(&step.name);
        match step.preview {
            StepPreview::Planned { changes } => planned(&cx, changes),
            StepPreview::KnownAfterApply { needs } => {
                let needs: Vec<String> = needs.iter().map(needed).collect();
                let text = format!("{}: known when it is deployed, by {}", step.name, needs.join(", "));
                cx.note(Level::Info, "known-after-apply", text);
            }
            StepPreview::Refused { error } => {
                cx.note(Level::Error, "plan-refused", format!("{}: REFUSED: {}", step.name, error.report()));
            }
            _ => {}
        }
    }
    only_planned(cx);
    Ok(code)
}

fn needed(need: &NeededOutput) -> String {
    let optional = if need.optional { " if there is one" } else { "" };
    format!("{} of {}{optional}", need.output, need.step)
}

/// Tells a plan that is not carried out.
pub(crate) fn planned(cx: &Context, changes: Vec<Change>) {
    cx.emit(EventKind::Planned { changes });
}

fn only_planned(cx: &Context) {
    cx.note(Level::Info, "plan-only", "this is a plan: nothing was changed");
}
