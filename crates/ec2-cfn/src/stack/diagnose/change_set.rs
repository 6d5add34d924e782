//! Why a change set could not be made.

use landfall_core::{Cause, Context, Result};

use super::reasons;
use crate::stack::client::{Client, Of, allowed};
use crate::stack::facts::ChangeSetFacts;
use crate::stack::observe::failed;
use crate::stack::target::short;
use crate::stack::template::Template;

/// Nested stacks within nested stacks.
const DEEPEST: usize = 10;

/// The ways in which CloudFormation says that there is nothing to change, as beginnings: the sentences behind them have
/// varied. The second is that of templates with macros.
const WITHOUT_CHANGES: [&str; 2] =
    ["The submitted information didn't contain changes", "No updates are to be performed"];

/// Whether this reason of a failed change set says that there is nothing to change. Any other is a failure: taking all of
/// them for "no changes" lets broken templates pass (guardian/riff-raff pull request 576).
pub(crate) fn is_without_changes(reason: &str) -> bool {
    WITHOUT_CHANGES.iter().any(|begin| reason.trim_start().starts_with(begin))
}

/// The causes of a failed change set.
pub(crate) async fn of_change_set(
    client: &Client,
    cx: &Context,
    template: Option<&Template>,
    found: &ChangeSetFacts,
) -> Result<Vec<Cause>> {
    let found = leaf(client, cx, found.clone()).await?;
    let reason = client.masks.apply(&found.reason);
    let mut causes = Vec::new();
    let asked = client.failed_events(cx, Of::ChangeSet(&found.arn)).await;
    for event in allowed(cx, "cloudformation:DescribeEvents", asked)?.unwrap_or_default() {
        if !event.is_of_the_stack() {
            let path = event.logical.clone();
            causes.push(reasons::of_failure(&failed(&event, path, false), template));
        }
    }
    add_hook_results(client, cx, &found.arn, &mut causes).await?;
    // A warning alone has never failed a change set.
    if causes.iter().all(|cause| cause.code == "validation-warning") {
        causes.insert(0, of_reason(short(&found.arn), &reason, template));
    }
    Ok(causes.into_iter().map(|cause| client.masks.cause(cause)).collect())
}

/// What a hook itself says of its refusal, and what to change: events have its reason only.
async fn add_hook_results(client: &Client, cx: &Context, arn: &str, causes: &mut [Cause]) -> Result<()> {
    let Some(refused) = causes.iter_mut().find(|cause| cause.code == "hook-refused") else { return Ok(()) };
    let asked = match client.hook_results(cx, arn).await {
        Err(failure) if failure.code() == Some("HookResultNotFound") => return Ok(()),
        asked => allowed(cx, "cloudformation:ListHookResults or cloudformation:GetHookResult", asked)?,
    };
    for result in asked.unwrap_or_default() {
        let lines = result.lines.iter().map(|line| format!("{}: {line}", result.hook));
        *refused = refused.clone().with_evidence(lines);
    }
    Ok(())
}

/// The innermost change set of which the reason speaks: "Nested change set ARN was not successfully created: Currently in
/// FAILED."
async fn leaf(client: &Client, cx: &Context, outer: ChangeSetFacts) -> Result<ChangeSetFacts> {
    let mut found = outer;
    for _ in 0..DEEPEST {
        let Some(arn) = nested(&found.reason) else { break };
        match client.describe_change_set(cx, arn, false).await? {
            // That a nested stack has no changes is no reason for its parent to fail.
            Some(inner) if inner.status == "FAILED" && !is_without_changes(&inner.reason) => found = inner,
            _ => break,
        }
    }
    Ok(found)
}

/// Names what an import is refused for, and where it stands in the template: "The affected resources are Bucket
/// ({BucketName=logs}), Queue ({QueueName=jobs})".
fn with_affected(mut cause: Cause, reason: &str, template: Option<&Template>) -> Cause {
    let Some((_, affected)) = reason.split_once("The affected resources are ") else { return cause };
    for one in affected.trim_end_matches('.').split("),").map(str::trim) {
        let closed = if one.ends_with(')') { one.to_owned() } else { format!("{one})") };
        let id = one.split_whitespace().next().unwrap_or_default();
        let Some(at) = template.and_then(|all| all.place_of(id)) else {
            cause = cause.with_evidence([closed]);
            continue;
        };
        cause = cause.with_evidence([format!("{closed}, declared at {at}")]);
        if cause.at.is_none() {
            cause = cause.at(at);
        }
    }
    cause
}

fn nested(reason: &str) -> Option<&str> {
    let rest = reason.split("Nested change set ").nth(1)?;
    rest.split_whitespace().next().filter(|arn| arn.starts_with("arn:"))
}

pub(super) fn of_reason(name: &str, reason: &str, template: Option<&Template>) -> Cause {
    let lower = reason.to_lowercase();
    let message = format!("change set {name} could not be made: {reason}");
    if lower.contains("attempting to import some resources") {
        let cause = Cause::new("import-conflict", message).with_hint(
            "nothing was changed: import-existing takes resources over only if the template retains them, so give them \
             `DeletionPolicy: Retain` (or `RetainExceptOnCreate`); or name them differently",
        );
        return with_affected(cause, reason, template);
    }
    if lower.contains("already exists in stack") {
        return Cause::new("import-conflict", message).with_hint(
            "nothing was changed: a resource is in one stack only, and import-existing takes none away from another. Take it \
             out of that stack first, where `DeletionPolicy: Retain` keeps it from being deleted; or name it differently",
        );
    }
    if lower.contains("earlyvalidation") {
        return Cause::new("early-validation", message).with_hint(
            "nothing was changed. The details are in DescribeEvents, which may not be read: allow \
             cloudformation:DescribeEvents; should the validation be wrong, disable-validation turns it off",
        );
    }
    if lower.contains("hook") {
        return Cause::new("hook-refused", message)
            .with_hint("a hook of the account or organisation refuses it: its reason says what it wants");
    }
    let known = reasons::of_stack(reason);
    let hint = known.hint.filter(|_| known.code != "stack-failed");
    let hint =
        hint.unwrap_or_else(|| "nothing was changed: mend what the reason names and deploy again".to_owned());
    let code = if known.code == "stack-failed" { "change-set-failed".to_owned() } else { known.code };
    Cause::new(code, message).with_hint(hint)
}
