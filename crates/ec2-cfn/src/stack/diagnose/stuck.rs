//! What a rollback failed on, of a stack that is found so: what is to be mended, or left out by name.

use landfall_core::{Context, Result};

use super::{DEEPEST, is_cancelled};
use crate::stack::client::{Client, allowed};
use crate::stack::error::Refusal;
use crate::stack::facts::{ResourceFacts, StackFacts};
use crate::stack::judge::start::way_out_of;
use crate::stack::target::short;

/// A resource that could not be brought back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stuck {
    /// As `ResourcesToSkip` of ContinueUpdateRollback takes it: the logical id, and before that of a nested stack's resource
    /// the name of the nested stack, which is not its logical id.
    pub(crate) skip: String,
    /// For a person.
    pub(crate) line: String,
}

/// The resources that the rollback of a stack failed on, those of nested stacks too; none where they may not be listed.
///
/// "You can specify only resources that are in the UPDATE_FAILED state because a rollback failed. You can't specify resources
/// that are in the UPDATE_FAILED state for other reasons, for example, because an update was canceled."
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ContinueUpdateRollback.html>).
pub(crate) async fn stuck(client: &Client, cx: &Context, stack_id: &str) -> Result<Vec<Stuck>> {
    let mut found = Vec::new();
    let mut open = vec![(String::new(), stack_id.to_owned(), 0_usize)];
    while let Some((within, id, depth)) = open.pop() {
        let listed = allowed(cx, "cloudformation:ListStackResources", client.resources(cx, &id).await)?;
        let failed = listed.unwrap_or_default().into_iter();
        for resource in failed.filter(|one| one.status == "UPDATE_FAILED" && !is_cancelled(&one.reason)) {
            let nested =
                resource.kind == "AWS::CloudFormation::Stack" && resource.physical.starts_with("arn:");
            if nested && depth < DEEPEST {
                // Its own resources are what is stuck.
                open.push((format!("{}.", short(&resource.physical)), resource.physical, depth + 1));
            } else {
                found.push(of(&within, &resource));
            }
        }
    }
    Ok(found)
}

fn of(within: &str, resource: &ResourceFacts) -> Stuck {
    let skip = format!("{within}{}", resource.logical);
    let reason = if resource.reason.is_empty() { "no reason is given" } else { &resource.reason };
    Stuck { line: format!("{skip} ({}): {reason}", resource.kind), skip }
}

/// Why a stack in this state cannot be updated, with what its rollback failed on.
pub(crate) async fn blocked(
    client: &Client,
    cx: &Context,
    name: &str,
    stack: &StackFacts,
) -> Result<Refusal> {
    let (meaning, next) = way_out_of(name, stack);
    if stack.status != "UPDATE_ROLLBACK_FAILED" {
        return Ok(Refusal::blocked(name, &stack.status, (meaning, next)));
    }
    let all = stuck(client, cx, &stack.id).await?;
    let (name, status) = (name.to_owned(), stack.status.clone());
    let next = naming(&next, &all);
    let stuck = all.into_iter().map(|one| one.line).collect();
    Ok(Refusal::Blocked { name, status, meaning, next, stuck })
}

/// The advice with the resources in the place of `...`.
fn naming(next: &str, stuck: &[Stuck]) -> String {
    let names: Vec<&str> = stuck.iter().map(|one| one.skip.as_str()).collect();
    if names.is_empty() {
        return next.to_owned();
    }
    next.replace("--resources-to-skip ...", &format!("--resources-to-skip {}", names.join(" ")))
}
