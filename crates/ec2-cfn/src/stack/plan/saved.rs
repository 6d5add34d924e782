//! The plan of a deployment that was looked at before: what is there is compared with what was there then, and the change
//! set that was kept with what is asked for. Reads only.

use landfall_core::event::Level;
use landfall_core::target::Effect;
use landfall_core::{Change, Context, Plan, Result};

use super::with_change_set::settings_of;
use super::{capture, changes, wanted};
use crate::stack::apply::{is_executed, unfit};
use crate::stack::client::allowed;
use crate::stack::error::Refusal;
use crate::stack::facts::{ChangeSetFacts, StackFacts};
use crate::stack::judge::start::{Start, start};
use crate::stack::memory::{Forward, Origin, Work};
use crate::stack::observe::described_by;
use crate::stack::saved::{Found, SavedPlan};
use crate::stack::target::{Stack, short};
use crate::stack::template::Template;

/// Plans what the saved plan says, or refuses because something is not as it was.
pub(super) async fn plan(target: &Stack, cx: &Context, saved: &SavedPlan) -> Result<Plan> {
    let refuse = |what: String| Refusal::Saved { file: saved.file.clone(), what };
    let Some(stack) = target.client.describe_stack(cx, &target.spec.name).await? else {
        return Err(refuse(format!("stack {} is gone", target.spec.name)).into());
    };
    if stack.id != saved.stack_id {
        let what = format!("the stack was made anew since: it is {}, and was {}", stack.id, saved.stack_id);
        return Err(refuse(what).into());
    }
    let mut forward = Forward::of(&target.spec);
    let done = saved.change_set.as_deref().filter(|arn| is_executed(&stack, short(arn)));
    let changes = match (done, &saved.change_set) {
        (Some(arn), _) if start(Some(&stack.status)) == Start::Busy => {
            let creating = ["CREATE_", "ROLLBACK_"].iter().any(|begin| stack.status.starts_with(begin));
            forward.origin = Origin::Unknown { creating };
            forward.saved = Some(arn.to_owned());
            vec![changes::goes_on(target, &stack)]
        }
        (Some(arn), _) if is_complete(&stack) => {
            let text = format!("change set {} of {} was executed already", short(arn), saved.file);
            cx.note(Level::Info, "already-executed", text);
            settings_only(target, cx, &stack, &mut forward).await?
        }
        (Some(arn), _) => {
            let what = format!(
                "its change set {} was executed, and the stack is {} since",
                short(arn),
                stack.status
            );
            return Err(refuse(what).into());
        }
        (None, Some(arn)) => {
            let found = ready(target, cx, saved, &stack, arn).await?;
            forward.saved = Some(arn.clone());
            forward.origin = match &saved.found {
                Found::Absent => Origin::Absent,
                Found::Shell => Origin::Shell,
                Found::Stack { .. } => before(target, cx, &stack).await?,
            };
            changes_of(target, &found, &forward.origin)
        }
        (None, None) => {
            same_as_then(saved, &stack).map_err(refuse)?;
            settings_only(target, cx, &stack, &mut forward).await?
        }
    };
    target.plan_of(changes, &Work::Forward(Box::new(forward)))
}

fn is_complete(stack: &StackFacts) -> bool {
    matches!(stack.status.as_str(), "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "IMPORT_COMPLETE")
}

/// The stack as an undo puts it back.
async fn before(target: &Stack, cx: &Context, stack: &StackFacts) -> Result<Origin> {
    let wanted = wanted(target, cx, Some(stack)).await?;
    Ok(Origin::Stack(Box::new(capture(target, cx, stack, &wanted.parameters).await?)))
}

/// There is nothing (any more) for a change set to do: what no change set can carry is seen to.
async fn settings_only(
    target: &Stack,
    cx: &Context,
    stack: &StackFacts,
    forward: &mut Forward,
) -> Result<Vec<Change>> {
    forward.origin = before(target, cx, stack).await?;
    let settings = settings_of(target, &forward.origin);
    forward.settings_only = settings.is_some();
    Ok(settings.into_iter().collect())
}

/// The stack itself first: a change set may change no resource, and has something to do even so.
fn changes_of(target: &Stack, found: &ChangeSetFacts, origin: &Origin) -> Vec<Change> {
    let effect = if matches!(origin, Origin::Stack(_)) { Effect::Update } else { Effect::Create };
    let made = found.created.map(|at| format!(", made at {at}")).unwrap_or_default();
    let text = format!("by change set {}{made}, and by no other", short(&found.arn));
    let mut changes = vec![Change::new(effect, target.subject()).with_details([text])];
    changes.extend(target.changes_of(found));
    changes.extend(settings_of(target, origin));
    changes
}

/// What the stack was when the plan was saved, it still is; else what has become of it.
fn same_as_then(saved: &SavedPlan, stack: &StackFacts) -> Result<(), String> {
    match (&saved.found, start(Some(&stack.status))) {
        (_, Start::Busy) => {
            Err(format!("another operation of the stack is under way: it is {}", stack.status))
        }
        (Found::Absent | Found::Shell, Start::Create) => Ok(()),
        (Found::Stack { updated }, Start::Update | Start::Kept) if *updated == stack.updated => Ok(()),
        (Found::Stack { .. }, Start::Update | Start::Kept) => {
            let at = stack.updated.map(|at| format!(" at {at}")).unwrap_or_default();
            Err(format!("the stack was updated since{at}"))
        }
        _ => Err(format!("the stack was changed since: it is {} now", stack.status)),
    }
}

/// The change set, if it can be executed and is what is asked for.
async fn ready(
    target: &Stack,
    cx: &Context,
    saved: &SavedPlan,
    stack: &StackFacts,
    arn: &str,
) -> Result<ChangeSetFacts> {
    let refuse = |what: String| Refusal::Saved { file: saved.file.clone(), what };
    let name = short(arn);
    let Some(found) = described_by(&target.client, cx, arn).await? else {
        let what = format!("its change set {name} is gone: somebody has deleted it, or executed another one");
        return Err(refuse(what).into());
    };
    if found.stack_id != stack.id {
        let what =
            format!("its change set {name} is one of {}, and the stack is {}", found.stack_id, stack.id);
        return Err(refuse(what).into());
    }
    same_as_then(saved, stack).map_err(refuse)?;
    if (found.status.as_str(), found.execution.as_str()) != ("CREATE_COMPLETE", "AVAILABLE") {
        return Err(refuse(unfit(&found)).into());
    }
    if !holds_the_template(target, cx, arn).await? {
        let what = format!("its change set {name} holds another template than the one that is given");
        return Err(refuse(what).into());
    }
    Ok(found)
}

/// Whether the change set was made of the template at hand, as far as that can be told: the file that names the change set may
/// have been changed.
async fn holds_the_template(target: &Stack, cx: &Context, arn: &str) -> Result<bool> {
    let Some(given) = target.spec.text() else { return Ok(true) };
    let read = target.client.template_of_change_set(cx, arn).await;
    let Some(Some(held)) = allowed(cx, "cloudformation:GetTemplate", read)? else { return Ok(true) };
    let same = |held: &Template| held.meaning() == given.meaning();
    Ok(held == given.text
        || Template::parse("the change set's template", &held).is_ok_and(|held| same(&held)))
}
