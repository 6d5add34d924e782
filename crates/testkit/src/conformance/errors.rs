//! The rules about errors.

use std::time::Duration;

use landfall_core::{Cursor, Error, ErrorKind, Look, Plan, Receipt, Revert, State};
use serde_json::{Value, json};

use super::drive::{Found, Next, Stage, call, same, tried};
use super::secrets::shows_secret;

/// What others wrote is refused.
pub(super) async fn of_spoilt_records(stage: &Stage<'_>) -> Found {
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

fn refused(what: &str, error: Option<Error>) -> Found {
    match error {
        None => Err(format!("{what} was accepted")),
        Some(error) if error.message().trim().is_empty() => {
            Err(format!("{what} gave an error without a word"))
        }
        Some(error) if error.kind() == ErrorKind::Conflict => Ok(()),
        Some(error) => Err(format!("{what} is {:?} and not Conflict: {error}", error.kind())),
    }
}

/// The world refuses in the `round`th of its ways, call after call.
pub(super) async fn of_a_world_that_refuses(stage: &Stage<'_>, round: usize) -> Found<Next> {
    let kinds = stage.world.refusals();
    let Some(kind) = kinds.get(round).copied() else { return Ok(Next::Rule) };
    plan_when_refused(stage, kind).await?;
    let plan = stage.plan().await?;
    apply_when_refused(stage, kind, &plan).await?;
    let receipt = stage.apply(&plan, None).await?;
    look_when_refused(stage, kind, &receipt).await?;
    revert_when_refused(stage, kind, &plan, &receipt).await?;
    stage.carry_out(&plan).await.map_err(|what| format!("when the world answers again: {what}"))?;
    Ok(if round + 1 < kinds.len() { Next::Round } else { Next::Rule })
}

/// A call while the world refuses.
async fn when_refused<T>(
    stage: &Stage<'_>,
    kind: ErrorKind,
    what: &str,
    work: impl Future<Output = landfall_core::Result<T>>,
) -> Found<Option<T>> {
    stage.world.refuse(Some(kind)).await;
    let done = tried(what, work).await;
    stage.world.refuse(None).await;
    match done? {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.message().trim().is_empty() => {
            Err(format!("{what} gave an error without a word"))
        }
        Err(error) if shows_secret(stage.world, &error.report()) => {
            Err(format!("{what} gave an error that shows a secret of the world"))
        }
        Err(error) if error.kind() == kind => Ok(None),
        Err(error) => Err(format!("{what} is {:?} and not {kind:?}: {}", error.kind(), error.report())),
    }
}

async fn plan_when_refused(stage: &Stage<'_>, kind: ErrorKind) -> Found {
    let what = "plan in a world that refuses";
    let target = stage.target().await?;
    match when_refused(stage, kind, what, target.plan(&stage.cx)).await? {
        Some(plan) if plan.is_empty() => Err(format!("{what} says that there is nothing to do")),
        _ => Ok(()),
    }
}

async fn apply_when_refused(stage: &Stage<'_>, kind: ErrorKind, plan: &Plan) -> Found {
    let what = "apply in a world that refuses";
    let (target, before) = (stage.target().await?, stage.world.effects().await);
    if when_refused(stage, kind, what, target.apply(&stage.cx, plan, None)).await?.is_some() {
        return Err(format!("{what} says that it was done"));
    }
    same(&before, &stage.world.effects().await, "apply in a world that refuses had an effect")
}

async fn look_when_refused(stage: &Stage<'_>, kind: ErrorKind, receipt: &Receipt) -> Found {
    let what = "a look at a world that refuses";
    let (target, cursor) = (stage.target().await?, Cursor::default());
    let look = target.observe(&stage.cx, receipt, Look::new(&cursor, Duration::ZERO, false));
    match when_refused(stage, kind, what, look).await?.map(|seen| seen.state) {
        // A receipt alone may say that there is another part, whose apply will see the refusal.
        None | Some(State::Pending { .. } | State::Proceed) => Ok(()),
        Some(state) => Err(format!("{what} says {state:?}, which it cannot have seen")),
    }
}

async fn revert_when_refused(stage: &Stage<'_>, kind: ErrorKind, plan: &Plan, receipt: &Receipt) -> Found {
    let what = "revert in a world that refuses";
    let target = stage.target().await?;
    match when_refused(stage, kind, what, target.revert(&stage.cx, plan, Some(receipt))).await? {
        None | Some(Revert::Plan(_)) => Ok(()),
        Some(answer) => Err(format!("{what} says {answer:?}, which it cannot have seen")),
    }
}
