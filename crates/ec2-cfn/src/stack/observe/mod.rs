//! One look: fetches facts, asks the judge, and has causes looked for when something has failed.
//!
//! The calls of a look at an operation: one page of DescribeStackEvents for the stack and one for each nested stack that
//! moves, back to what was seen before and never further. DescribeStacks only while the operation was not seen, at its
//! end, and at the last look. Where events may not be read it is DescribeStacks alone.

mod tail;
#[cfg(test)]
mod tests;
pub(crate) use tail::failed;
pub(crate) use told::describe;
mod told;

use landfall_core::event::Level;
use landfall_core::{Cause, Context, Cursor, End, Look, Observation, Outputs, Result, State};

use super::client::{Client, allowed};
use super::facts::StackFacts;
use super::judge::{Standing, judge};
use super::memory::{Memory, Purpose, Watch};
use super::template::Template;
use super::{apply, diagnose};
use crate::stack::target::short;

/// What is looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) client: &'a Client,
    pub(crate) name: &'a str,
    pub(crate) template: Option<&'a Template>,
}

impl<'a> Subject<'a> {
    pub(crate) fn new(client: &'a Client, name: &'a str, template: Option<&'a Template>) -> Self {
        Self { client, name, template }
    }
}

/// Looks once.
pub(crate) async fn observe(
    subject: &Subject<'_>,
    cx: &Context,
    watch: &Watch,
    look: Look<'_>,
) -> Result<Observation> {
    let memory: Memory = look.cursor.read().unwrap_or_default();
    match watch.purpose {
        Purpose::ChangeSet => change_set(subject, cx, watch, memory).await,
        Purpose::Cleared if watch.unchanged => Ok(Observation::new(State::Unchanged(Outputs::new()))),
        Purpose::Cleared => Ok(Observation::new(State::Ready(Outputs::new()))),
        Purpose::Failed => Ok(Observation::new(State::Ended(End::Failed)).with_causes(watch.causes.clone())),
        Purpose::Standing | Purpose::Busy | Purpose::TakenBack => standing(subject, cx, watch).await,
        _ => operation(subject, cx, watch, memory, look.last).await,
    }
}

/// Whether the change set is made.
async fn change_set(
    subject: &Subject<'_>,
    cx: &Context,
    watch: &Watch,
    mut memory: Memory,
) -> Result<Observation> {
    let arn = watch.change_set.as_deref().unwrap_or_default();
    let name = short(arn).to_owned();
    let Some(found) = described_by(subject.client, cx, arn).await? else {
        let stack = subject.client.describe_stack(cx, &watch.stack_id).await?;
        if stack.is_some_and(|stack| apply::is_executed(&stack, &name)) {
            return Ok(Observation::new(State::Proceed));
        }
        if memory.entered {
            let cause = Cause::new("change-set-gone", format!("somebody has deleted change set {name}"))
                .with_hint("CloudTrail names who called DeleteChangeSet or executed another change set");
            return Ok(Observation::new(State::Ended(End::Stopped)).with_causes([cause]));
        }
        return Ok(Observation::new(State::pending(format!("change set {name} to be shown"))));
    };
    memory.entered = true;
    memory.status.clone_from(&found.status);
    let state = match found.status.as_str() {
        "CREATE_COMPLETE" | "FAILED" => State::Proceed,
        "CREATE_PENDING" | "CREATE_IN_PROGRESS" => State::pending(format!("change set {name} to be made")),
        status => State::pending(format!("change set {name} to be made; it is {status}")),
    };
    let news = if state == State::Proceed { told::changes(subject.client, &found) } else { Vec::new() };
    Ok(Observation::new(state).with_cursor(Cursor::new(&memory)).with_news(news))
}

/// With values before and after, where the server has them whole. One that says it has them only in part is asked again
/// without, and what both say is put together (aws/aws-cdk-cli issue 1780).
pub(crate) async fn described_by(
    client: &Client,
    cx: &Context,
    arn: &str,
) -> Result<Option<super::facts::ChangeSetFacts>> {
    let Some(mut found) = client.describe_change_set(cx, arn, true).await? else { return Ok(None) };
    if found.reason.starts_with("[WARN]")
        && let Some(whole) = client.describe_change_set(cx, arn, false).await?
    {
        for change in whole.changes {
            if !found.changes.iter().any(|known| known.logical == change.logical) {
                found.changes.push(change);
            }
        }
    }
    Ok(Some(found))
}

/// Nothing of ours is under way.
async fn standing(subject: &Subject<'_>, cx: &Context, watch: &Watch) -> Result<Observation> {
    let known = if watch.stack_id.is_empty() { subject.name } else { &watch.stack_id };
    let stack = subject.client.describe_stack(cx, known).await?;
    let status = stack.as_ref().map(|stack| stack.status.as_str());
    let state = match judge(watch.purpose, status, true) {
        Standing::Done if watch.unchanged => State::Unchanged(outputs(subject, cx, stack.as_ref())),
        Standing::Done => State::Ready(outputs(subject, cx, stack.as_ref())),
        Standing::Next => State::Proceed,
        Standing::Going(waiting_for) => State::pending(waiting_for),
        Standing::Ended(end) => State::Ended(end),
    };
    let causes = match (&state, &stack) {
        (State::Ended(End::RolledBack { .. }), _) if watch.purpose == Purpose::TakenBack => {
            vec![taken_back(subject.name)]
        }
        (State::Ended(_), Some(stack)) => vec![diagnose::not_healthy(subject.name, stack)],
        _ => Vec::new(),
    };
    Ok(Observation::new(state).with_causes(causes))
}

fn taken_back(name: &str) -> Cause {
    let message = format!(
        "this run had deployed stack {name} and has taken it back; why is not known, since its records are lost"
    );
    Cause::new("taken-back", message).with_hint(
        "deploy under another run id; a journal that outlives the job keeps the reason (--journal)",
    )
}

/// An operation that was started.
async fn operation(
    subject: &Subject<'_>,
    cx: &Context,
    watch: &Watch,
    mut memory: Memory,
    last: bool,
) -> Result<Observation> {
    let tailed = tail::tail(subject, cx, watch, &mut memory).await?;
    let ended = is_over(&memory.status);
    let mut stack = None;
    let mut asked = false;
    if !memory.entered || ended || last || !tailed.readable || memory.status.is_empty() {
        stack = subject.client.describe_stack(cx, &watch.stack_id).await?;
        asked = true;
        recognise(subject, cx, watch, stack.as_ref(), &mut memory).await?;
        let reason = stack.as_ref().and_then(|stack| stack.reason.as_ref());
        if let Some(reason) = reason.filter(|reason| memory.entered && reason.contains("failed")) {
            memory.reason = Some(subject.client.masks.apply(reason));
        }
    }
    let shown = stack.as_ref().map(|stack| stack.status.clone());
    let by_events = (!memory.status.is_empty()).then(|| memory.status.clone());
    let status = if by_events.is_none() && asked { shown.clone() } else { by_events };
    let mut standing = judge(watch.purpose, status.as_deref(), memory.entered);
    // The events say that it is over; what the stack hands on is known once DescribeStacks says so too.
    if standing == Standing::Done && lags(watch, &tailed, status.as_deref(), shown.as_deref()) {
        standing = Standing::Going("DescribeStacks to show what the events say".to_owned());
    }
    let state = match standing {
        Standing::Done if watch.settings && matches!(watch.purpose, Purpose::Create | Purpose::Update) => {
            State::Proceed
        }
        Standing::Done if watch.purpose == Purpose::Delete => State::Ready(Outputs::new()),
        Standing::Done => State::Ready(outputs(subject, cx, stack.as_ref())),
        Standing::Next => State::Proceed,
        Standing::Going(waiting_for) => State::pending(told::counted(&memory, waiting_for)),
        Standing::Ended(end) => State::Ended(end),
    };
    let mut causes = Vec::new();
    if matches!(state, State::Ended(_)) || (last && matches!(state, State::Pending { .. })) {
        causes = diagnose::of_operation(subject, cx, watch, &memory, &state).await?;
    }
    if matches!(state, State::Ready(_) | State::Proceed) {
        if is_express(watch) {
            tell_express(cx, subject.name, &mut memory);
        }
        if watch.purpose == Purpose::Update {
            tell_left_behind(cx, subject.name, &mut memory);
        }
    }
    let progress = told::progress(watch, &memory);
    Ok(Observation::new(state)
        .with_cursor(Cursor::new(&memory))
        .with_news(tailed.news)
        .with_progress(progress)
        .with_causes(causes))
}

/// What was made and changed may not be ready.
fn is_express(watch: &Watch) -> bool {
    watch.express && matches!(watch.purpose, Purpose::Create | Purpose::Update)
}

fn tell_express(cx: &Context, name: &str, memory: &mut Memory) {
    if memory.noted.insert("express-not-stable".to_owned()) {
        let text = format!(
            "stack {name} was deployed in express mode: the configuration of its resources is applied, and nobody waited for \
             them to be ready. They may become available only later, and what was deleted may still be going"
        );
        cx.note(Level::Warning, "express-not-stable", text);
    }
}

/// "If CloudFormation can't delete the old resource, it removes the old resource from the stack and continues updating the
/// stack"
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-monitor-stack.html>): nobody else
/// will say that it is still there.
fn tell_left_behind(cx: &Context, name: &str, memory: &mut Memory) {
    let left = memory.failed.iter().filter(|one| one.status == "DELETE_FAILED");
    let left: Vec<String> =
        left.map(|one| format!("{} ({}, {}): {}", one.path, one.kind, one.physical, one.reason)).collect();
    if !left.is_empty() && memory.noted.insert("left-behind".to_owned()) {
        let text = format!(
            "stack {name} is updated, and what it does not have any more could not be deleted: {}. It belongs to no stack now: \
             delete it yourself once it is free",
            left.join("; ")
        );
        cx.note(Level::Warning, "left-behind", text);
    }
}

fn is_over(status: &str) -> bool {
    !status.is_empty() && !status.ends_with("_IN_PROGRESS")
}

/// A stale read, and no later operation of somebody else's that would explain the difference.
fn lags(watch: &Watch, tailed: &tail::Tailed, status: Option<&str>, shown: Option<&str>) -> bool {
    let deletes = matches!(watch.purpose, Purpose::Delete | Purpose::Recreate);
    !deletes && status != shown && !tailed.others_after
}

/// Whether the operation is under way or over, where no event with its token says so.
async fn recognise(
    subject: &Subject<'_>,
    cx: &Context,
    watch: &Watch,
    stack: Option<&StackFacts>,
    memory: &mut Memory,
) -> Result<()> {
    if memory.entered {
        return Ok(());
    }
    let Some(stack) = stack else {
        // By its id a stack is shown for 90 days after it was deleted; one that is not was deleted before.
        memory.entered = matches!(watch.purpose, Purpose::Delete | Purpose::Recreate);
        return Ok(());
    };
    let under_way = match watch.purpose {
        Purpose::Create => ["CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS"].contains(&stack.status.as_str()),
        Purpose::Update => stack.status.starts_with("UPDATE_") && stack.status.ends_with("_IN_PROGRESS"),
        Purpose::RollBack => true,
        Purpose::BringBack => stack.status.ends_with("ROLLBACK_IN_PROGRESS"),
        _ => stack.status.starts_with("DELETE_"),
    };
    let ours = watch.change_set.as_deref().is_none_or(|arn| {
        stack.change_set.as_deref().is_some_and(|executed| executed == arn || short(executed) == short(arn))
    });
    if under_way && ours {
        memory.entered = true;
        return Ok(());
    }
    let Some(arn) = watch.change_set.as_deref().filter(|_| ours && is_over(&stack.status)) else {
        return Ok(());
    };
    let found = subject.client.describe_change_set(cx, arn, false).await?;
    // Once executed it may be gone.
    memory.entered =
        found.is_none_or(|found| matches!(found.execution.as_str(), "EXECUTE_COMPLETE" | "EXECUTE_FAILED"));
    Ok(())
}

/// What a success hands to later steps.
fn outputs(subject: &Subject<'_>, cx: &Context, stack: Option<&StackFacts>) -> Outputs {
    let Some(stack) = stack else { return Outputs::new() };
    let mut outputs = Outputs::new();
    for (name, value) in &stack.outputs {
        let shown = subject.client.masks.apply(value);
        if shown != *value {
            let text =
                format!("output {name} holds the value of a parameter that is not to be shown: it is hidden");
            cx.note(Level::Warning, "output-hidden", text);
        }
        outputs = outputs.with(name, shown);
    }
    outputs.with("stack_id", &stack.id).with("stack_name", subject.name)
}

/// Reads events where that is allowed.
pub(crate) async fn page(
    subject: &Subject<'_>,
    cx: &Context,
    stack_id: &str,
    token: Option<&str>,
) -> Result<Option<super::client::EventPage>> {
    let made = subject.client.events(cx, stack_id, token).await;
    allowed(cx, "cloudformation:DescribeStackEvents", made)
}
