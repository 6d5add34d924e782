//! What comes first where an operation has left the stack failed: it is deleted, or brought back.

use landfall_core::{Context, Result};

use super::newest_event;
use crate::stack::client::Deletion;
use crate::stack::error::Refusal;
use crate::stack::facts::StackFacts;
use crate::stack::judge::start::{Start, can_be_brought_back, start, way_out};
use crate::stack::memory::{Purpose, Watch};
use crate::stack::target::Stack;

/// Deletes a failed stack, with the consent that the plan found. A second time it is only waited for.
pub(super) async fn recreate(
    target: &Stack,
    cx: &Context,
    name: &str,
    stack: &StackFacts,
    so_far: Option<&Watch>,
) -> Result<Watch> {
    let token = format!("{name}-r");
    let since = newest_event(&target.client, cx, &stack.id).await?;
    let goes = start(Some(&stack.status)) == Start::OnlyDelete || stack.status == "CREATE_FAILED";
    match start(Some(&stack.status)) {
        _ if goes && so_far.is_none() => {
            let role = target.spec.options.role_arn.as_deref().or(stack.role_arn.as_deref());
            target.client.delete_stack(cx, &stack.id, &token, &Deletion::default(), role).await?;
        }
        Start::Busy => {}
        _ if goes => {}
        _ => {
            let name = &target.spec.name;
            return Err(Refusal::blocked(name, &stack.status, way_out(name, &stack.status)).into());
        }
    }
    Ok(Watch { since, ..Watch::new(Purpose::Recreate, &stack.id, &token) })
}

/// Brings a failed stack back, with the consent that the plan found. A second time it is only waited for; none when it is
/// back.
pub(super) async fn bring_back(
    target: &Stack,
    cx: &Context,
    name: &str,
    stack: &StackFacts,
    so_far: Option<&Watch>,
) -> Result<Option<Watch>> {
    let under_way = start(Some(&stack.status)) == Start::Busy;
    if !under_way && !can_be_brought_back(stack) {
        return Ok(None);
    }
    if let Some(so_far) = so_far {
        // A stale read: it was seen to be back.
        return Ok(Some(so_far.clone()));
    }
    let token = format!("{name}-b");
    let since = newest_event(&target.client, cx, &stack.id).await?;
    match stack.status.as_str() {
        "UPDATE_FAILED" => {
            let retain = target.spec.options.retain_except_on_create;
            target.client.rollback(cx, &stack.id, &token, retain).await?;
        }
        "UPDATE_ROLLBACK_FAILED" => target.client.continue_rollback(cx, &stack.id, &token).await?,
        // Begun already, and the answer was lost.
        _ => {}
    }
    Ok(Some(Watch { since, ..Watch::new(Purpose::BringBack, &stack.id, &token) }))
}
