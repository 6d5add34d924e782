//! The plan that puts back what was there before. Reads only: it states a goal, and `apply` chooses the call.

use landfall_core::target::Effect;
use landfall_core::{Change, Context, Result, Revert, Token};

use super::apply::{is_newest, newest_events};
use super::error::Refusal;
use super::facts::StackFacts;
use super::judge::start::way_out;
use super::memory::{Back, Before, Forward, Origin, Purpose, Watch, Work};
use super::target::{Stack, short};
use super::template::LARGEST_BODY;

/// How to get back to what was there before a deployment.
pub(crate) async fn revert(
    target: &Stack,
    cx: &Context,
    token: &Token,
    forward: &Forward,
    receipt: Option<&Watch>,
) -> Result<Revert> {
    let name = target.change_set_name(token);
    let origin = receipt.and_then(|watch| watch.origin.as_ref()).unwrap_or(&forward.origin);
    let unexecuted = target.client.describe_change_set(cx, &name, false).await?;
    let unexecuted = unexecuted.filter(|found| !found.execution.starts_with("EXECUTE_"));
    if let Some(found) = unexecuted {
        let text = format!("change set {name}, which was not executed");
        return plan(target, &found.stack_id, &name, origin, false, Change::new(Effect::Delete, text));
    }
    let id = receipt.map(|watch| watch.stack_id.as_str()).filter(|id| !id.is_empty());
    let known = id.unwrap_or(&target.spec.name);
    let Some(stack) = target.client.describe_stack(cx, known).await? else { return Ok(Revert::NothingToDo) };
    let undo = target.change_set_name(&Token::new(format!("{token}/undo")));
    let started = receipt.is_some_and(|watch| {
        matches!(watch.purpose, Purpose::Create | Purpose::Update)
            || (watch.purpose == Purpose::Standing && watch.change_set.is_some() && !watch.unchanged)
    });
    let events = newest_events(&target.client, cx, &stack.id).await?;
    if stack.status == "DELETE_COMPLETE" || is_newest(&target.client, cx, &stack, &undo, &events).await? {
        return Ok(Revert::NothingToDo);
    }
    if !is_newest(&target.client, cx, &stack, &name, &events).await? {
        if started {
            return Err(moved(target, &stack));
        }
        return of_settings(target, &stack, &name, origin);
    }
    match origin {
        Origin::Absent | Origin::Shell => of_created(target, &stack, &name, origin),
        Origin::Unknown { .. } => Ok(Revert::Impossible {
            reason: "the records of this run are lost, and with them what the stack was before; deploy the template and \
                     values that it shall have"
                .to_owned(),
        }),
        Origin::Stack(before) => of_updated(target, &stack, &name, origin, before),
    }
}

fn moved(target: &Stack, stack: &StackFacts) -> landfall_core::Error {
    let by = stack.change_set.as_deref().map_or("an update without a change set", short);
    let what = format!("it has been changed by {by} since this deployment");
    Refusal::Moved { name: target.spec.name.clone(), what }.into()
}

fn plan(
    target: &Stack,
    stack_id: &str,
    name: &str,
    origin: &Origin,
    settings_only: bool,
    change: Change,
) -> Result<Revert> {
    let goal = match origin {
        Origin::Stack(before) => Some((**before).clone()),
        _ => None,
    };
    let back = Back {
        stack_id: stack_id.to_owned(),
        goal,
        change_set: name.to_owned(),
        keep_shell: !matches!(origin, Origin::Absent),
        settings_only,
    };
    Ok(Revert::Plan(Box::new(target.plan_of(vec![change], &Work::Back(Box::new(back)))?)))
}

/// The change set was never made or had nothing to change; settings may have been.
fn of_settings(target: &Stack, stack: &StackFacts, name: &str, origin: &Origin) -> Result<Revert> {
    let options = &target.spec.options;
    let Origin::Stack(before) = origin else { return Ok(Revert::NothingToDo) };
    let protection = options.termination_protection.is_some() && stack.protected != before.protected;
    if !protection {
        return Ok(Revert::NothingToDo);
    }
    let text = format!("termination protection: {} -> {}", stack.protected, before.protected);
    let change = Change::new(Effect::Update, target.subject()).with_details([text]);
    plan(target, &stack.id, name, origin, true, change)
}

fn of_created(target: &Stack, stack: &StackFacts, name: &str, origin: &Origin) -> Result<Revert> {
    if stack.protected {
        return Ok(Revert::Impossible {
            reason: format!(
                "stack {} was made by this deployment and is protected against deletion: turn that off, then delete it",
                target.spec.name
            ),
        });
    }
    let text = "it was made by this deployment; what its template retains stays behind";
    let change = Change::new(Effect::Delete, target.subject()).with_details([text]);
    plan(target, &stack.id, name, origin, false, change)
}

fn of_updated(
    target: &Stack,
    stack: &StackFacts,
    name: &str,
    origin: &Origin,
    before: &Before,
) -> Result<Revert> {
    let change = |text: &str| Change::new(Effect::Update, target.subject()).with_details([text.to_owned()]);
    match stack.status.as_str() {
        "UPDATE_ROLLBACK_COMPLETE" => Ok(Revert::NothingToDo),
        "UPDATE_ROLLBACK_FAILED" | "DELETE_FAILED" => {
            let (meaning, next) = way_out(&target.spec.name, &stack.status);
            Ok(Revert::Impossible {
                reason: format!("the stack is {}: {meaning}; next: {next}", stack.status),
            })
        }
        "UPDATE_IN_PROGRESS" => {
            plan(target, &stack.id, name, origin, false, change("the update under way is cancelled"))
        }
        "UPDATE_COMPLETE" | "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS" | "IMPORT_COMPLETE" => {
            if let Some(reason) = impossible(target, before) {
                return Ok(Revert::Impossible { reason });
            }
            plan(
                target,
                &stack.id,
                name,
                origin,
                false,
                change("the previous template and the previous values"),
            )
        }
        _ => plan(target, &stack.id, name, origin, false, change("the failed update is rolled back")),
    }
}

/// Why the previous state cannot be made again.
fn impossible(target: &Stack, before: &Before) -> Option<String> {
    if !before.overwritten.is_empty() {
        return Some(format!(
            "the previous values of {} are not known: they are not to be shown (NoEcho), and this deployment has given them \
             anew or taken them away; deploy the previous template with those values",
            before.overwritten.join(", ")
        ));
    }
    let Some(template) = &before.template else {
        let why = before.template_missing.as_deref().unwrap_or("it is not known");
        return Some(format!("the previous template is not at hand: {why}; deploy it yourself"));
    };
    let large = template.len() > LARGEST_BODY && target.spec.options.template_bucket.is_none();
    large.then(|| {
        format!(
            "the previous template has {} bytes, which CloudFormation reads from S3 only, and no bucket is given",
            template.len()
        )
    })
}
