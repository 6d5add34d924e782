//! Why an operation failed: the first failure that has no other behind it.
//!
//! - Failures that AWS itself calls cancelled are none: they are others' consequences.
//! - Of a nested stack the answer is the resource within it; the stack's own reason only says that it failed.
//! - What fails while an operation is rolled back is told beside the cause, and never as the cause.
//! - Validation and hooks before the deployment are told by DescribeEvents only, so it is asked when it may be.

mod change_set;
mod hooks;
mod reasons;
mod stuck;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use landfall_core::{Cause, Context, Result, State};

use super::client::{Of, allowed};
use super::facts::{EventFacts, StackFacts};
use super::judge::start::way_out_of;
use super::memory::{FailedEvent, Memory, Purpose, Watch};
use super::observe::{Subject, failed, page};
use super::template::Template;

pub(crate) use change_set::{is_without_changes, of_change_set};
pub(crate) use stuck::blocked;

/// Nested stacks within nested stacks.
const DEEPEST: usize = 10;

/// Most causes that are told; of the rest the number.
const MOST: usize = 8;

/// The causes of how an operation came out, or of what keeps it from coming out.
pub(crate) async fn of_operation(
    subject: &Subject<'_>,
    cx: &Context,
    watch: &Watch,
    memory: &Memory,
    state: &State,
) -> Result<Vec<Cause>> {
    let mut failures = memory.failed.clone();
    if let Some(operation) = &memory.operation {
        let of = Of::Operation { stack: &watch.stack_id, id: operation };
        let asked = allowed(cx, "cloudformation:DescribeEvents", subject.client.failed_events(cx, of).await)?;
        add(&mut failures, asked.unwrap_or_default(), memory);
    }
    follow(subject, cx, watch, &mut failures).await?;
    let deletes = matches!(watch.purpose, Purpose::Delete | Purpose::Recreate);
    let mut causes = causes(&failures, subject.template, deletes);
    hooks::tell(subject.client, cx, memory, &mut causes).await?;
    if let (true, Some(reason)) = (causes.is_empty(), &memory.reason) {
        causes.push(reasons::of_stack(reason));
    }
    if deletes {
        reasons::name_importers(subject.client, cx, &mut causes).await?;
    }
    if watch.purpose == Purpose::Delete && matches!(state, State::Ended(_)) {
        causes.extend(left(subject.name, &watch.stack_id, &failures));
    }
    if let State::Pending { waiting_for, .. } = state {
        causes.push(goes_on(subject.name, waiting_for));
    }
    Ok(causes.into_iter().map(|cause| subject.client.masks.cause(cause)).collect())
}

/// What could not be deleted, by the names by which it can be left behind: `RetainResources` takes those of the stack's own
/// resources only.
fn left(name: &str, stack_id: &str, failures: &[FailedEvent]) -> Option<Cause> {
    let own = |one: &&FailedEvent| one.stack_id == stack_id && one.status == "DELETE_FAILED";
    let names: BTreeSet<&str> = failures.iter().filter(own).map(|one| one.logical.as_str()).collect();
    let names: Vec<&str> = names.into_iter().collect();
    (!names.is_empty()).then(|| {
        let text = format!("stack {name} is still there with {}", names.join(", "));
        Cause::new("deletion-failed", text).with_hint(
            "free what is in use, empty what is full, and delete again; or delete again and leave these behind, which then \
             belong to no stack: by name (retain-resource), or whatever it is that cannot be deleted (force)",
        )
    })
}

/// There was nothing to change, and what is there is no good state.
pub(crate) fn not_healthy(name: &str, stack: &StackFacts) -> Cause {
    let (meaning, next) = way_out_of(name, stack);
    let status = &stack.status;
    Cause::new("stack-not-healthy", format!("stack {name} is {status}: {meaning}")).with_hint(next)
}

/// Nobody waits any more, and the stack goes on.
fn goes_on(name: &str, waiting_for: &str) -> Cause {
    Cause::new("stack-goes-on", format!("the operation of stack {name} goes on in AWS: {waiting_for}")).with_hint(
        format!(
            "run again with the same run id to go on waiting; `aws cloudformation cancel-update-stack --stack-name {name}` \
             rolls an update back"
        ),
    )
}

/// Adds what is not known yet.
fn add(failures: &mut Vec<FailedEvent>, more: Vec<EventFacts>, memory: &Memory) {
    for event in more {
        let known = failures.iter().any(|known| {
            known.stack_id == event.stack_id && known.logical == event.logical && known.reason == event.reason
        });
        let of_nested = memory.nested.get(&event.stack_id).map(|path| format!("{path}.{}", event.logical));
        // The resource's own failure says that it was a hook.
        let hooked = event.hook.is_some()
            && failures
                .iter()
                .any(|known| known.stack_id == event.stack_id && known.logical == event.logical);
        if !known && !hooked && !event.is_of_the_stack() {
            let path = of_nested.unwrap_or_else(|| event.logical.clone());
            failures.push(failed(&event, path, false));
        }
    }
}

/// Looks into nested stacks that failed and of which no inner failure is known yet.
async fn follow(
    subject: &Subject<'_>,
    cx: &Context,
    watch: &Watch,
    failures: &mut Vec<FailedEvent>,
) -> Result<()> {
    let mut looked: BTreeSet<String> = BTreeSet::new();
    for _ in 0..DEEPEST {
        let unexplained = failures.iter().find(|failure| {
            is_stack(failure) && !looked.contains(&failure.physical) && !has_inner(failure, failures)
        });
        let Some(outer) = unexplained.cloned() else { return Ok(()) };
        looked.insert(outer.physical.clone());
        let Some(read) = page(subject, cx, &outer.physical, None).await? else { return Ok(()) };
        let own: Vec<&EventFacts> = read
            .events
            .iter()
            .filter(|event| event.status.ends_with("_FAILED") && !event.is_of_the_stack())
            .filter(|event| watch.since.is_none() || event.at >= watch.since)
            .collect();
        for event in own.into_iter().rev() {
            failures.push(failed(event, format!("{}.{}", outer.path, event.logical), outer.rolling));
        }
    }
    Ok(())
}

fn is_stack(failure: &FailedEvent) -> bool {
    failure.kind == "AWS::CloudFormation::Stack" && failure.physical.starts_with("arn:")
}

fn has_inner(outer: &FailedEvent, failures: &[FailedEvent]) -> bool {
    let begin = format!("{}.", outer.path);
    failures.iter().any(|failure| failure.path.starts_with(&begin))
}

/// From failures to causes, the first one first. Pure.
pub(crate) fn causes(failures: &[FailedEvent], template: Option<&Template>, deletes: bool) -> Vec<Cause> {
    let mut ordered: Vec<&FailedEvent> = failures.iter().collect();
    ordered.sort_by_key(|failure| failure.at);
    let (cancelled, real): (Vec<&FailedEvent>, Vec<&FailedEvent>) =
        ordered.into_iter().partition(|failure| is_cancelled(&failure.reason));
    let leaves = real.into_iter().filter(|failure| !is_stack(failure) || !has_inner(failure, failures));
    let (after, first): (Vec<&FailedEvent>, Vec<&FailedEvent>) =
        leaves.partition(|failure| !deletes && (failure.rolling || failure.status == "DELETE_FAILED"));
    let mut causes: Vec<Cause> = Vec::new();
    for failure in &first {
        let cause = reasons::of_failure(failure, template);
        if !causes.iter().any(|known| known.message == cause.message) {
            causes.push(cause);
        }
    }
    shorten(&mut causes);
    if let (Some(primary), false) = (causes.first_mut(), cancelled.is_empty()) {
        let names: Vec<&str> = cancelled.iter().map(|failure| failure.path.as_str()).collect();
        let text = format!("{} cancelled because of it: {}", cancelled.len(), names.join(", "));
        *primary = primary.clone().with_evidence([text]);
    }
    for failure in &after {
        causes.push(reasons::of_rollback(failure));
    }
    causes
}

fn shorten(causes: &mut Vec<Cause>) {
    if causes.len() > MOST {
        let left = causes.len() - MOST;
        causes.truncate(MOST);
        causes.push(Cause::new("more-failures", format!("{left} more resources failed")));
    }
}

/// "Resource creation cancelled", "Resource update cancelled", "Resource was canceled": in any spelling.
fn is_cancelled(reason: &str) -> bool {
    let lower = reason.to_lowercase();
    let says = ["cancelled", "canceled"].iter().any(|word| lower.contains(word));
    says && (lower.starts_with("resource") || lower.len() < 60)
}
