//! Whose the newest operation of a stack is.

use jiff::Timestamp;
use landfall_core::{Context, Result};

use super::is_executed;
use crate::stack::client::{Client, allowed};
use crate::stack::facts::{EventFacts, StackFacts};
use crate::stack::target::execution_token;

/// When the newest event of a stack was: what an operation that begins now does comes after it. None: events may not be
/// read.
pub(crate) async fn newest_event(client: &Client, cx: &Context, stack_id: &str) -> Result<Option<Timestamp>> {
    Ok(newest_events(client, cx, stack_id).await?.first().and_then(|event| event.at))
}

/// The newest events of a stack; none when they may not be read.
pub(crate) async fn newest_events(client: &Client, cx: &Context, stack_id: &str) -> Result<Vec<EventFacts>> {
    let page = allowed(cx, "cloudformation:DescribeStackEvents", client.events(cx, stack_id, None).await)?;
    Ok(page.map(|page| page.events).unwrap_or_default())
}

/// Whether the newest operation of a stack is the execution of this change set.
///
/// By the token of the stack's newest event, which every operation has that was given one. Where no event of the change
/// set's execution is to be seen (servers that imitate AWS, or events that may not be read), by the change set that the
/// stack names, or, when it names none, by what became of the change set.
pub(crate) async fn is_newest(
    client: &Client,
    cx: &Context,
    stack: &StackFacts,
    name: &str,
    events: &[EventFacts],
) -> Result<bool> {
    let token = execution_token(name);
    if events.iter().any(|event| event.token.as_deref() == Some(&token)) {
        let newest = events.iter().find(|event| event.is_of_the_stack());
        return Ok(newest.is_some_and(|event| event.token.as_deref() == Some(&token)));
    }
    let newest_token =
        events.iter().find(|event| event.is_of_the_stack()).and_then(|event| event.token.as_ref());
    if newest_token.is_some() {
        return Ok(false);
    }
    if stack.change_set.is_some() {
        return Ok(is_executed(stack, name));
    }
    let found = client.describe_change_set(cx, name, false).await?;
    Ok(found.is_some_and(|found| found.execution.starts_with("EXECUTE_")))
}
