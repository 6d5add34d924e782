//! What hooks say of the resources that they refused.
//!
//! The failure of a resource says only "The following hook(s) failed: [Org::Guard::Queues]". Why stands in the event of the
//! hook's invocation, and what to change in the result of that invocation.

use landfall_core::{Cause, Context, Result};

use crate::stack::client::{Client, allowed};
use crate::stack::memory::{Memory, RefusedByHook};

/// Most hooks whose results are asked for.
const MOST: usize = 5;

/// Adds reasons and results to the causes that they are behind.
pub(super) async fn tell(client: &Client, cx: &Context, memory: &Memory, causes: &mut [Cause]) -> Result<()> {
    let mut left = MOST;
    for cause in causes.iter_mut().filter(|cause| cause.code == "hook-refused") {
        let of = memory.hooks.iter().find(|(path, _)| cause.message.starts_with(&format!("{path} (")));
        let Some((_, refused)) = of else { continue };
        let message = cause.message.clone();
        for one in refused.iter().filter(|one| message.contains(&one.hook)).take(left) {
            left -= 1;
            *cause = cause.clone().with_evidence(said(client, cx, one).await?);
        }
    }
    Ok(())
}

async fn said(client: &Client, cx: &Context, refused: &RefusedByHook) -> Result<Vec<String>> {
    let mut lines = vec![format!("{}: {}", refused.hook, refused.reason)];
    if let Some(id) = &refused.id {
        let asked = match client.hook_result(cx, id).await {
            // There is an event of it, and no result (any more).
            Err(failure) if failure.code() == Some("HookResultNotFound") => None,
            asked => allowed(cx, "cloudformation:GetHookResult", asked)?,
        };
        let found = asked.map(|result| result.lines).unwrap_or_default();
        lines.extend(found.iter().map(|line| format!("{}: {line}", refused.hook)));
    }
    Ok(lines)
}
