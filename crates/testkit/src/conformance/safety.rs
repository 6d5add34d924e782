//! The rules about stops, errors and secrets.

use std::sync::Arc;
use std::time::Duration;

use landfall_core::context::CancellationToken;
use landfall_core::event::{Event, EventKind};
use landfall_core::journal::MemoryJournal;
use landfall_core::{
    Context, Cursor, DeployTarget, DeployTargetExt, ErrorKind, Look, Observer, Outcome, Plan, Policy,
    Receipt, StepReport,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::drive::{Found, RUN, Stage, call, same, tried};
use crate::Recorder;

/// How soon after a stop a step must be over: a mutation runs to its end, a wait ends at once.
const STOP_LIMIT: Duration = Duration::from_secs(31);

/// How long a whole step may take, longer than its policy lets it wait.
const WHOLE_LIMIT: Duration = Duration::from_secs(2 * 3600);

/// Where a step is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Before,
    Planned,
    Applied,
}

/// In one world: stopped before anything, then as soon as it is planned, then as soon as it is applied, and gone on with.
pub(super) async fn stops(stage: &Stage<'_>) -> Found {
    let journal = MemoryJournal::new();
    let before = stage.world.effects().await;
    for moment in [Moment::Before, Moment::Planned] {
        let outcome = stopped(stage, &journal, moment).await?;
        let nothing = matches!(&outcome, Outcome::Cancelled { waiting_for } if waiting_for.is_empty());
        if !nothing {
            return Err(format!("stopped {moment:?} it came out as {outcome:?}"));
        }
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

/// The stop comes while `apply` is at work: it runs to its end or does nothing, and finds itself again.
pub(super) async fn apply_when_stopped(stage: &Stage<'_>) -> Found {
    let (plan, before) = (stage.plan().await?, stage.world.effects().await);
    let token = CancellationToken::new();
    token.cancel();
    let cx = Context::builder(RUN).cancel(token).build();
    let target = stage.target().await?;
    let applied = tried("apply of a run that is stopped", target.apply(&cx, &plan, None)).await?;
    let after = stage.world.effects().await;
    if applied.is_err() {
        return same(
            &before,
            &after,
            "apply gave an error because of a stop, after it had changed the world",
        );
    }
    stage.apply(&plan, None).await?;
    same(
        &after,
        &stage.world.effects().await,
        "apply that was stopped left half of its work, which the next one did",
    )
}

/// The whole step, unless one of its calls never ends.
async fn deployed(target: &dyn DeployTarget, cx: &Context) -> Found<StepReport> {
    let report = tokio::time::timeout(WHOLE_LIMIT, target.deploy(cx, &Policy::default())).await;
    report.map_err(|_| format!("the step was not over after {} s", WHOLE_LIMIT.as_secs()))
}

fn context(journal: &MemoryJournal, token: CancellationToken, observer: Arc<dyn Observer>) -> Context {
    Context::builder(RUN).journal(Arc::new(journal.clone())).cancel(token).observer(observer).build()
}

async fn stopped(stage: &Stage<'_>, journal: &MemoryJournal, moment: Moment) -> Found<Outcome> {
    let token = CancellationToken::new();
    let stop = token.clone();
    let observer = move |event: &Event| {
        let now = match event.kind {
            EventKind::Started { .. } => moment == Moment::Planned,
            EventKind::Applied { .. } => moment == Moment::Applied,
            _ => false,
        };
        if now {
            stop.cancel();
        }
    };
    if moment == Moment::Before {
        token.cancel();
    }
    let cx = context(journal, token, Arc::new(observer));
    let target = stage.target().await?;
    let began = Instant::now();
    let report = tokio::time::timeout(STOP_LIMIT * 2, target.deploy(&cx, &Policy::default())).await;
    match report {
        Ok(report) if began.elapsed() <= STOP_LIMIT => Ok(report.verdict.outcome),
        _ => Err(format!("stopped {moment:?}, it was not over after {} s", STOP_LIMIT.as_secs())),
    }
}

/// What others wrote is refused.
pub(super) async fn errors(stage: &Stage<'_>) -> Found {
    let plan = stage.plan().await?;
    let before = stage.world.effects().await;
    for (what, payload) in spoilt(&serde_json::to_value(&plan).map_err(|error| error.to_string())?) {
        let plan: Plan = serde_json::from_value(payload).map_err(|error| error.to_string())?;
        let target = stage.target().await?;
        let applied = tried(&format!("apply with {what}"), target.apply(&stage.cx, &plan, None)).await?;
        refused(&format!("apply with {what}"), applied.err())?;
        let asked = tried(&format!("revert with {what}"), target.revert(&stage.cx, &plan, None)).await?;
        refused(&format!("revert with {what}"), asked.err())?;
        same(&before, &stage.world.effects().await, &format!("apply with {what} changed the world"))?;
    }
    let receipt = stage.apply(&plan, None).await?;
    for (what, payload) in spoilt(&serde_json::to_value(&receipt).map_err(|error| error.to_string())?) {
        let receipt: Receipt = serde_json::from_value(payload).map_err(|error| error.to_string())?;
        let (target, cursor) = (stage.target().await?, Cursor::default());
        let look = target.observe(&stage.cx, &receipt, Look::new(&cursor, Duration::ZERO, false));
        refused(&format!("observe with {what}"), tried(&format!("observe with {what}"), look).await?.err())?;
    }
    let target = stage.target().await?;
    let odd = Cursor::new(&json!({"another": ["version", 7]}));
    call(
        "observe with a cursor of another version",
        target.observe(&stage.cx, &receipt, Look::new(&odd, Duration::ZERO, false)),
    )
    .await
    .map(|_| ())
}

/// The same value with another kind, another version, and a payload that nobody can read.
fn spoilt(value: &Value) -> Vec<(&'static str, Value)> {
    let with = |field: &str, other: Value| {
        let mut value = value.clone();
        value[field] = other;
        value
    };
    vec![
        ("a record of another kind", with("kind", json!("somebody-elses"))),
        ("a record of another version", with("version", json!(4_000_000))),
        ("a payload that cannot be read", with("payload", json!([["no", "payload", 3]]))),
    ]
}

fn refused(what: &str, error: Option<landfall_core::Error>) -> Found {
    match error {
        None => Err(format!("{what} was accepted")),
        Some(error) if error.message().trim().is_empty() => {
            Err(format!("{what} gave an error without a word"))
        }
        Some(error) if error.kind() == ErrorKind::Conflict => Ok(()),
        Some(error) => Err(format!("{what} is {:?} and not Conflict: {error}", error.kind())),
    }
}

/// Everything that leaves the target, searched for the secrets of the world.
pub(super) async fn secrets(stage: &Stage<'_>) -> Found {
    let secrets = stage.world.secrets();
    let recorder = Recorder::new();
    let journal = MemoryJournal::new();
    let cx = context(&journal, CancellationToken::new(), Arc::new(recorder.clone()));
    let target = stage.target().await?;
    let report = deployed(&*target, &cx).await?;
    let receipt = report.receipt.as_ref().ok_or("nothing was applied")?;
    let plan = report.plan.as_ref().ok_or("nothing was planned")?;
    let seen = stage.look(receipt, &Cursor::default(), true).await?;
    let back = stage.revert(plan, Some(receipt)).await?;
    let json = |value: serde_json::Result<String>| value.map_err(|error| error.to_string());
    let texts = [
        ("its plan", json(serde_json::to_string(plan))?),
        ("its receipt", json(serde_json::to_string(receipt))?),
        ("what a look sees", json(serde_json::to_string(&seen))?),
        ("its verdict", json(serde_json::to_string(&report.verdict))?),
        ("its plan of the undo", json(serde_json::to_string(&back))?),
        ("its events", recorder.json_lines()),
        ("its Debug form", format!("{target:?}")),
        ("its resource and specification", format!("{} {}", target.resource(), target.specification())),
    ];
    for (what, text) in &texts {
        if secrets.iter().any(|secret| text.contains(secret.as_str())) {
            return Err(format!("{what} shows a secret of the world"));
        }
    }
    Ok(())
}
