//! The rules about what is changed, and what is put back.

use std::time::Duration;

use landfall_core::{Cursor, Look, Plan, Revert};

use super::World;
use super::drive::{Found, Next, Stage, begun, same};
use super::{errors, secrets, stops};

/// All rules, in the order in which they are checked.
pub const RULES: [&str; 12] = [
    "names",
    "plan-is-read-only",
    "apply-repeats",
    "observe-is-read-only",
    "receipt-travels",
    "revert-restores",
    "revert-repeats",
    "stops",
    "apply-when-stopped",
    "errors",
    "refusals",
    "secrets",
];

/// At how many places of a look it is dropped.
const PLACES: usize = 20;

/// Checks a rule, for the `round`th time from 0.
pub(super) async fn check(rule: &str, round: usize, world: &dyn World) -> Found<Next> {
    let stage = Stage::new(world);
    match rule {
        "names" => names(&stage).await?,
        "plan-is-read-only" => plan_is_read_only(&stage).await?,
        "apply-repeats" => apply_repeats(&stage).await?,
        "observe-is-read-only" => observe_is_read_only(&stage).await?,
        "receipt-travels" => receipt_travels(&stage).await?,
        "revert-restores" => revert_restores(&stage).await?,
        "revert-repeats" => revert_repeats(&stage).await?,
        "stops" => stops::stops(&stage).await?,
        "apply-when-stopped" => return stops::apply_when_stopped(&stage, round).await,
        "errors" => errors::of_spoilt_records(&stage).await?,
        "refusals" => return errors::of_a_world_that_refuses(&stage, round).await,
        _ => secrets::shown(&stage).await?,
    }
    Ok(Next::Rule)
}

async fn names(stage: &Stage<'_>) -> Found {
    let (one, other) = (stage.target().await?, stage.target().await?);
    if one.kind() != other.kind() || one.resource() != other.resource() {
        return Err(format!("two instances are called {} and {}", one.resource(), other.resource()));
    }
    if one.specification() != other.specification() {
        return Err("two instances for the same change have different specifications".to_owned());
    }
    let plan = stage.plan().await?;
    if plan.kind != one.kind() || one.resource().kind != one.kind() {
        return Err(format!("kind {} makes plans of {} for {}", one.kind(), plan.kind, one.resource()));
    }
    Ok(())
}

async fn plan_is_read_only(stage: &Stage<'_>) -> Found {
    let before = stage.world.effects().await;
    let plan = stage.plan().await?;
    stage.plan().await?;
    same(&before, &stage.world.effects().await, "two plans changed the world")?;
    if plan.is_empty() {
        return Err(
            "there is nothing to do in a new world: give one in which something is to be changed".to_owned()
        );
    }
    Ok(())
}

async fn apply_repeats(stage: &Stage<'_>) -> Found {
    let plan = stage.plan().await?;
    let before = stage.world.effects().await;
    let first = stage.apply(&plan, None).await?;
    let once = stage.world.effects().await;
    let second = stage.apply(&plan, None).await?;
    same(&once, &stage.world.effects().await, "a second apply with the same plan had an effect")?;
    for receipt in [first, second] {
        stage.look(&receipt, &Cursor::default(), false).await?;
    }
    stage.carry_out(&plan).await?;
    if before == stage.world.effects().await {
        return Err("the change came to its end, and the world shows no effect of it".to_owned());
    }
    let whole = stage.world.effects().await;
    stage.apply(&plan, None).await?;
    same(&whole, &stage.world.effects().await, "an apply after the end with the same plan had an effect")
}

async fn observe_is_read_only(stage: &Stage<'_>) -> Found {
    let plan = stage.plan().await?;
    let receipt = stage.apply(&plan, None).await?;
    let before = stage.world.effects().await;
    for last in [false, true] {
        stage.look(&receipt, &Cursor::default(), last).await?;
    }
    for place in 0..PLACES {
        let target = stage.target().await?;
        let cursor = Cursor::default();
        let mut look = target.observe(&stage.cx, &receipt, Look::new(&cursor, Duration::ZERO, false));
        begun(&mut look, place).await;
    }
    stage
        .look(&receipt, &Cursor::default(), false)
        .await
        .map_err(|what| format!("after dropped looks: {what}"))?;
    same(&before, &stage.world.effects().await, "looks changed the world")
}

async fn receipt_travels(stage: &Stage<'_>) -> Found {
    let plan = stage.plan().await?;
    let (receipt, outputs) = stage.carry_out(&plan).await?;
    let seen = stage.look(&receipt, &Cursor::default(), false).await?;
    match seen.state {
        landfall_core::State::Ready(again) if again == outputs => Ok(()),
        other => Err(format!(
            "another instance sees {other:?} from the receipt of a change that is ready with {outputs:?}"
        )),
    }
}

async fn revert_restores(stage: &Stage<'_>) -> Found {
    let before = stage.world.look().await;
    let plan = stage.plan().await?;
    let (receipt, _) = stage.carry_out(&plan).await?;
    stage.put_back(&plan, Some(&receipt)).await?;
    same(&before, &stage.world.look().await, "after the undo it is not what it was")?;
    without_receipt(stage).await
}

/// The process died before it had the answer of `apply`.
async fn without_receipt(stage: &Stage<'_>) -> Found {
    let stage = Stage { world: stage.world, cx: landfall_core::Context::builder("conformance/2").build() };
    let before = stage.world.look().await;
    let plan = stage.plan().await?;
    stage.apply(&plan, None).await?;
    stage.put_back(&plan, None).await?;
    same(&before, &stage.world.look().await, "after an undo without a receipt it is not what it was")
}

async fn revert_repeats(stage: &Stage<'_>) -> Found {
    let plan = stage.plan().await?;
    let (receipt, _) = stage.carry_out(&plan).await?;
    let before = stage.world.effects().await;
    let asked = stage.revert(&plan, Some(&receipt)).await?;
    stage.revert(&plan, Some(&receipt)).await?;
    same(&before, &stage.world.effects().await, "asking how to undo changed the world")?;
    let Revert::Plan(back) = asked else {
        return Err(format!("a change that was just made and stands is not undone: {asked:?}"));
    };
    stage.apply(&back, None).await?;
    let once = stage.world.effects().await;
    stage.apply(&back, None).await?;
    same(&once, &stage.world.effects().await, "a second apply of the undo had an effect")?;
    stage.carry_out(&back).await.map_err(|what| format!("the undo: {what}"))?;
    again(stage, &plan, &receipt).await
}

/// It is undone already.
async fn again(stage: &Stage<'_>, plan: &Plan, receipt: &landfall_core::Receipt) -> Found {
    let restored = (stage.world.look().await, stage.world.effects().await);
    match stage.revert(plan, Some(receipt)).await? {
        Revert::NothingToDo => {}
        Revert::Plan(back) => {
            stage.carry_out(&back).await.map_err(|what| format!("the undo of what is undone: {what}"))?;
        }
        other => return Err(format!("asked again, what is undone already is {other:?}")),
    }
    same(&restored.1, &stage.world.effects().await, "undoing what is undone already had an effect")
}
