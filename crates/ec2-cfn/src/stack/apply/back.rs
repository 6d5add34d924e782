//! Puts the stack back: the call is chosen by a fresh look.

use landfall_core::event::Level;
use landfall_core::{Context, Result, Token};

use super::change_set::sent_change_set;
use super::execute::{delete_shell, execute};
use super::{is_executed, is_newest, newest_event, newest_events, sent};
use crate::stack::client::{Deletion, NewChangeSet, RollbackOff};
use crate::stack::diagnose::blocked;
use crate::stack::error::Refusal;
use crate::stack::facts::StackFacts;
use crate::stack::judge::start::way_out;
use crate::stack::memory::{Back, Before, Means, Purpose, Watch};
use crate::stack::parameters::Settled;
use crate::stack::run_mark::{MadeFor, description};
use crate::stack::target::{Stack, change_set_name, deletion_token, execution_token};
use crate::stack::template::{Capability, Template, needed};

/// Applies an undo, or its next part.
pub(crate) async fn back(
    target: &Stack,
    cx: &Context,
    token: &Token,
    back: &Back,
    so_far: Option<&Watch>,
) -> Result<Watch> {
    let name = change_set_name(token, &back.specification);
    let watch = match so_far.map(|watch| (watch.purpose, watch)) {
        Some((Purpose::ChangeSet, watch)) => execute(target, cx, &name, None, watch).await?,
        Some((Purpose::Update | Purpose::Delete, watch)) => watch.clone(),
        _ => begin(target, cx, &name, back).await?,
    };
    Ok(Watch { express: back.means.express, ..watch })
}

async fn begin(target: &Stack, cx: &Context, name: &str, back: &Back) -> Result<Watch> {
    let watch = |purpose| Watch::new(purpose, &back.stack_id, &execution_token(name));
    // The change set that is undone, if it was never executed.
    let undone = target.client.describe_change_set(cx, &back.change_set, false).await?;
    if let Some(found) = undone.filter(|found| !found.execution.starts_with("EXECUTE_")) {
        target.client.delete_change_set(cx, &found.arn).await?;
        if !back.keep_shell && back.goal.is_none() {
            delete_shell(target, cx, &found.stack_id, &back.change_set).await?;
        }
        return Ok(watch(Purpose::Cleared));
    }
    let Some(stack) = target.client.describe_stack(cx, &back.stack_id).await? else {
        return Ok(watch(Purpose::Cleared));
    };
    match &back.goal {
        None => delete(target, cx, name, back, &stack).await,
        Some(before) => restore(target, cx, name, back, before, &stack).await,
    }
}

/// There was no stack before.
async fn delete(target: &Stack, cx: &Context, name: &str, back: &Back, stack: &StackFacts) -> Result<Watch> {
    let token = deletion_token(name);
    let watch = Watch::new(Purpose::Delete, &stack.id, &token);
    match stack.status.as_str() {
        "DELETE_COMPLETE" => return Ok(Watch { purpose: Purpose::Cleared, ..watch }),
        "DELETE_IN_PROGRESS" => return Ok(watch),
        "REVIEW_IN_PROGRESS" => {
            if !back.keep_shell {
                delete_shell(target, cx, &stack.id, &back.change_set).await?;
            }
            return Ok(Watch { purpose: Purpose::Cleared, ..watch });
        }
        _ => {}
    }
    if stack.protected {
        return Err(Refusal::Protected { name: target.spec.name.clone() }.into());
    }
    let role = stack.role_arn.as_deref();
    let since = newest_event(&target.client, cx, &stack.id).await?;
    target.client.delete_stack(cx, &stack.id, &token, &Deletion::default(), role).await?;
    Ok(Watch { since, ..watch })
}

async fn restore(
    target: &Stack,
    cx: &Context,
    name: &str,
    back: &Back,
    before: &Before,
    stack: &StackFacts,
) -> Result<Watch> {
    let token = execution_token(name);
    let watch = |purpose| {
        let mut watch = Watch::new(purpose, &stack.id, &token);
        watch.change_set.clone_from(&stack.change_set);
        watch
    };
    if let Some(found) = target.client.describe_change_set(cx, name, false).await? {
        let executed = found.execution.starts_with("EXECUTE_");
        let mut made = watch(if executed { Purpose::Update } else { Purpose::ChangeSet });
        made.change_set = Some(found.arn);
        made.since = found.created;
        return Ok(made);
    }
    if is_executed(stack, name) {
        return Ok(watch(Purpose::Update));
    }
    let events = newest_events(&target.client, cx, &stack.id).await?;
    let newest = events.iter().find(|event| event.is_of_the_stack());
    if newest.is_some_and(|event| event.token.as_deref() == Some(&token)) {
        // An update without a change set, or a rollback, that was begun and whose answer was lost.
        let purpose = if stack.status.contains("ROLLBACK") { Purpose::RollBack } else { Purpose::Update };
        return Ok(Watch { change_set: None, ..watch(purpose) });
    }
    if !back.settings_only && !is_newest(&target.client, cx, stack, &back.change_set, &events).await? {
        let what = "another operation has come after this deployment".to_owned();
        return Err(Refusal::Moved { name: target.spec.name.clone(), what }.into());
    }
    let since = events.first().and_then(|event| event.at);
    settings(target, cx, &back.means, before, stack).await?;
    if back.settings_only {
        return Ok(watch(Purpose::Cleared));
    }
    match stack.status.as_str() {
        "UPDATE_ROLLBACK_COMPLETE" => Ok(watch(Purpose::Cleared)),
        "UPDATE_IN_PROGRESS" => {
            match target.client.cancel_update(cx, &stack.id, &token).await {
                // It has ended meanwhile: the wait sees how, and the next part does what is then to be done.
                Err(failure)
                    if failure.error().message().contains("cannot be called from current stack status") => {}
                made => made?,
            }
            Ok(Watch { since, ..watch(Purpose::RollBack) })
        }
        "UPDATE_FAILED" if stack.express => {
            let new = previous(target, cx, name, &back.means, before, stack, RollbackOff(true)).await?;
            target.client.update(cx, &stack.id, &new, &token).await?;
            Ok(Watch { since, change_set: None, ..watch(Purpose::Update) })
        }
        "UPDATE_FAILED" | "CREATE_FAILED" => {
            let retain = back.means.retain_except_on_create;
            target.client.rollback(cx, &stack.id, &token, retain).await?;
            Ok(Watch { since, ..watch(Purpose::RollBack) })
        }
        "UPDATE_ROLLBACK_IN_PROGRESS" | "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS" => {
            Ok(Watch { since, ..watch(Purpose::RollBack) })
        }
        status if status.ends_with("_IN_PROGRESS") => Ok(watch(Purpose::Busy)),
        "UPDATE_COMPLETE" | "IMPORT_COMPLETE" => {
            // What an undo replaces must be able to come back: rollback is on.
            let new = previous(target, cx, name, &back.means, before, stack, RollbackOff(false)).await?;
            sent_change_set(target, cx, &new).await
        }
        "UPDATE_ROLLBACK_FAILED" => Err(blocked(&target.client, cx, &target.spec.name, stack).await?.into()),
        status => Err(Refusal::blocked(&target.spec.name, status, way_out(&target.spec.name, status)).into()),
    }
}

/// An update to the previous template and the previous values, in the mode of what is undone.
async fn previous(
    target: &Stack,
    cx: &Context,
    name: &str,
    means: &Means,
    before: &Before,
    stack: &StackFacts,
    rollback: RollbackOff,
) -> Result<NewChangeSet> {
    let text = before.template.clone().unwrap_or_default();
    let parameter = |(name, value): &(String, Option<String>)| Settled {
        name: name.clone(),
        value: value.clone(),
        no_echo: value.is_none(),
        shadows_default: false,
        looked_up: false,
    };
    // Tags and topics are set as they were, so that what the deployment has added goes again.
    let new = NewChangeSet {
        name: name.to_owned(),
        token: name.to_owned(),
        description: description(cx, MadeFor::Undo),
        create: false,
        template: sent(target, cx, &text, means.template_bucket.as_ref()).await?,
        parameters: before.parameters.iter().map(parameter).collect(),
        capabilities: capabilities(&text),
        tags: Some(before.tags.clone()),
        role_arn: before.role_arn.clone(),
        notification_arns: Some(before.notification_arns.clone()),
        on_stack_failure: None,
        import_existing: false,
        disable_validation: means.disable_validation,
        revert_drift: false,
        express: (means.express || stack.express).then_some(rollback),
    };
    if before.role_arn.is_none() && stack.role_arn.is_some() {
        let text = "the service role stays with the stack: CloudFormation cannot take it away again";
        cx.note(Level::Warning, "role-stays", text);
    }
    Ok(new)
}

fn capabilities(text: &str) -> Vec<Capability> {
    match Template::parse("the previous template", text) {
        Ok(template) => needed(&template).iter().map(|needed| needed.capability).collect(),
        // It was good for CloudFormation; what it was allowed cannot be told from it.
        Err(_) => vec![Capability::NamedIam, Capability::AutoExpand],
    }
}

/// The settings that a change set cannot carry.
async fn settings(
    target: &Stack,
    cx: &Context,
    means: &Means,
    before: &Before,
    stack: &StackFacts,
) -> Result<()> {
    if means.protection && stack.protected != before.protected {
        target.client.protect(cx, &stack.id, before.protected).await?;
    }
    match (means.policy, &before.policy) {
        (true, Some(policy)) => super::set_policy(target, cx, &stack.id, policy).await?,
        (true, None) => {
            let text = "the stack policy stays: CloudFormation can replace one, and not take it away";
            cx.note(Level::Warning, "policy-stays", text);
        }
        _ => {}
    }
    Ok(())
}
