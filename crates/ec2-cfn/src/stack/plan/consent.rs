//! Whether a stack that can only be deleted may be, and who holds one that is busy.

use landfall_core::{Context, Result};

use crate::stack::client::allowed;
use crate::stack::error::Refusal;
use crate::stack::facts::StackFacts;
use crate::stack::judge::start::way_out;
use crate::stack::spec::RecreateFailed;
use crate::stack::target::{PREFIX, Stack, short};

/// Most pages of events that are read to see whether a creation ever came to its end. A page holds about a hundred.
const MOST_PAGES: u32 = 50;

/// Refuses unless the stack may be deleted and created anew: with consent, without protection, and only if no
/// creation of it ever came to its end.
pub(super) async fn recreate(target: &Stack, cx: &Context, stack: &StackFacts) -> Result<()> {
    let name = target.spec.name.clone();
    let status = stack.status.clone();
    let refuse = |why: &str| {
        Err(Refusal::NotRecreatable { name: name.clone(), status: status.clone(), why: why.to_owned() }
            .into())
    };
    let ours = stack.change_set.as_deref().is_some_and(|arn| short(arn).starts_with(PREFIX));
    match target.spec.options.recreate_failed {
        RecreateFailed::Never => return Err(Refusal::blocked(&name, &status, way_out(&name, &status)).into()),
        RecreateFailed::IfOurs if !ours => return refuse("landfall did not create it"),
        _ => {}
    }
    if stack.protected {
        return refuse("it is protected against deletion");
    }
    match was_complete(target, cx, &stack.id).await? {
        Some(false) => Ok(()),
        Some(true) => refuse("it was complete once, so there may be something in it"),
        None => refuse("its events cannot be read, so nobody can tell whether it was ever complete"),
    }
}

/// Whether the stack ever was created to the end; none when that cannot be told.
async fn was_complete(target: &Stack, cx: &Context, stack_id: &str) -> Result<Option<bool>> {
    let mut token: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let page = target.client.events(cx, stack_id, token.as_deref()).await;
        let Some(page) = allowed(cx, "cloudformation:DescribeStackEvents", page)? else { return Ok(None) };
        let complete = |status: &str| matches!(status, "CREATE_COMPLETE" | "IMPORT_COMPLETE");
        if page.events.iter().any(|event| event.is_of_the_stack() && complete(&event.status)) {
            return Ok(Some(true));
        }
        token = page.next;
        if token.is_none() {
            return Ok(Some(false));
        }
    }
    Ok(None)
}

/// `, since 2026-01-01T00:00:00Z, by Console-UpdateStack-...; its last event is ...`, as far as it can be told.
pub(super) async fn last_event(target: &Stack, cx: &Context, stack: &StackFacts) -> Result<String> {
    let page = target.client.events(cx, &stack.id, None).await;
    let Some(page) = allowed(cx, "cloudformation:DescribeStackEvents", page)? else {
        return Ok(String::new());
    };
    let mut told = String::new();
    let began = page.events.iter().find(|event| event.is_of_the_stack());
    if let Some(at) = began.and_then(|event| event.at) {
        told.push_str(&format!(" since {at}"));
    }
    if let Some(token) = began.and_then(|event| event.token.as_ref()) {
        told.push_str(&format!(", with the token {token}"));
    }
    if let Some(last) = page.events.first() {
        told.push_str(&format!("; its last event is {} of {}", last.status, last.logical));
    }
    Ok(told)
}
