//! The rules about stops.

use std::sync::Arc;
use std::time::Duration;

use landfall_core::context::CancellationToken;
use landfall_core::event::{Event, EventKind};
use landfall_core::journal::MemoryJournal;
use landfall_core::{Context, DeployTarget, DeployTargetExt, Observer, Outcome, Policy, StepReport};
use tokio::time::Instant;

use super::drive::{Found, Next, RUN, Stage, begun, same, tried};
use crate::Recorder;

/// How soon after a stop a step must be over: a mutation runs to its end, a wait ends at once.
const STOP_LIMIT: Duration = Duration::from_secs(31);

/// How long a whole step may take, longer than its policy lets it wait.
const WHOLE_LIMIT: Duration = Duration::from_secs(2 * 3600);

/// At which awaits of `apply` a stop comes, a round each: closer at its beginning, and as few as lead far into a long one.
const AWAITS: [usize; 8] = [0, 1, 2, 4, 8, 16, 32, 64];

/// How long work that a stopped step has left behind may lie hidden.
const HIDDEN: Duration = Duration::from_secs(1);

/// Where a step is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// Before anything.
    Begun,
    /// While the plan is made.
    Planning,
    /// When the plan is recorded, before it is carried out.
    Planned,
    Applied,
}

/// In one world: stopped at each moment, and gone on with.
pub(super) async fn stops(stage: &Stage<'_>) -> Found {
    let journal = MemoryJournal::new();
    let before = stage.world.effects().await;
    for moment in [Moment::Begun, Moment::Planning, Moment::Planned] {
        let outcome = stopped(stage, &journal, moment).await?;
        let nothing = matches!(&outcome, Outcome::Cancelled { waiting_for } if waiting_for.is_empty());
        if !nothing {
            return Err(format!("stopped when {moment:?} it came out as {outcome:?}"));
        }
        tokio::time::sleep(HIDDEN).await;
        same(
            &before,
            &stage.world.effects().await,
            "a step that was stopped before its change changed the world",
        )?;
    }
    let outcome = stopped(stage, &journal, Moment::Applied).await?;
    if !matches!(outcome, Outcome::Cancelled { .. } | Outcome::Succeeded) {
        return Err(format!("stopped behind its apply it came out as {outcome:?}"));
    }
    let target = stage.target().await?;
    let cx = context(&journal, CancellationToken::new(), Arc::new(Recorder::new()));
    let report = deployed(&*target, &cx).await?;
    if report.verdict.outcome != Outcome::Succeeded {
        let what = format!("{:?} {:?}", report.verdict.outcome, report.verdict.causes);
        return Err(format!("a step that was stopped and gone on with came out as {what}"));
    }
    let plan = report.plan.ok_or("a step that succeeded has no plan")?;
    let whole = stage.world.effects().await;
    stage.apply(&plan, None).await?;
    same(&whole, &stage.world.effects().await, "an apply after a stop had a second effect")
}

/// The stop comes before `apply`, or at one of its awaits: it runs to its end or does nothing, and finds itself again.
pub(super) async fn apply_when_stopped(stage: &Stage<'_>, round: usize) -> Found<Next> {
    let (plan, before) = (stage.plan().await?, stage.world.effects().await);
    let token = CancellationToken::new();
    let cx = Context::builder(RUN).cancel(token.clone()).build();
    let target = stage.target().await?;
    let applying = async {
        let mut work = target.apply(&cx, &plan, None);
        let over = begun(&mut work, AWAITS.get(round).copied().unwrap_or(0)).await;
        token.cancel();
        match over {
            Some(applied) => applied.map(|_| Next::Rule),
            None => work.await.map(|_| Next::Round),
        }
    };
    let applied = tried("apply of a run that is stopped", applying).await?;
    let after = stage.world.effects().await;
    if applied.is_err() {
        same(&before, &after, "apply gave an error because of a stop, after it had changed the world")?;
    } else {
        stage.apply(&plan, None).await?;
        same(
            &after,
            &stage.world.effects().await,
            "apply that was stopped left half of its work, which the next one did",
        )?;
    }
    stage.carry_out(&plan).await.map_err(|what| format!("gone on with after a stop: {what}"))?;
    Ok(if round + 1 < AWAITS.len() { applied.unwrap_or(Next::Round) } else { Next::Rule })
}

/// The whole step, unless one of its calls never ends.
pub(super) async fn deployed(target: &dyn DeployTarget, cx: &Context) -> Found<StepReport> {
    let report = tokio::time::timeout(WHOLE_LIMIT, target.deploy(cx, &Policy::default())).await;
    report.map_err(|_| format!("the step was not over after {} s", WHOLE_LIMIT.as_secs()))
}

pub(super) fn context(
    journal: &MemoryJournal,
    token: CancellationToken,
    observer: Arc<dyn Observer>,
) -> Context {
    Context::builder(RUN).journal(Arc::new(journal.clone())).cancel(token).observer(observer).build()
}

async fn stopped(stage: &Stage<'_>, journal: &MemoryJournal, moment: Moment) -> Found<Outcome> {
    let token = CancellationToken::new();
    let stop = token.clone();
    let observer = move |event: &Event| {
        let now = match event.kind {
            EventKind::Started { .. } => moment == Moment::Planning,
            EventKind::Planned { .. } => moment == Moment::Planned,
            EventKind::Applied { .. } => moment == Moment::Applied,
            _ => false,
        };
        if now {
            stop.cancel();
        }
    };
    if moment == Moment::Begun {
        token.cancel();
    }
    let cx = context(journal, token, Arc::new(observer));
    let target = stage.target().await?;
    let began = Instant::now();
    let report = tokio::time::timeout(STOP_LIMIT * 2, target.deploy(&cx, &Policy::default())).await;
    match report {
        Ok(report) if began.elapsed() <= STOP_LIMIT => Ok(report.verdict.outcome),
        _ => Err(format!("stopped when {moment:?}, it was not over after {} s", STOP_LIMIT.as_secs())),
    }
}
