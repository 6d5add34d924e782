//! The events since the look before, oldest first: those of the stack's operation by its token, and those of the nested
//! stacks that it touches.
//!
//! DescribeStackEvents has no "since" and shows the newest first. It is read back to the newest event that was seen
//! before, or to the beginning of the operation by AWS's own clock, and never the whole history.

use jiff::Timestamp;
use landfall_core::event::Level;
use landfall_core::{Context, News, Result};

use super::told::news_of;
use super::{Subject, page};
use crate::stack::facts::EventFacts;
use crate::stack::memory::{FailedEvent, Memory, Purpose, RefusedByHook, Watch};

/// Most pages of one stack in one look. What is beyond is told as a gap and not read.
const MOST_PAGES: u32 = 20;

/// Nested stacks within nested stacks.
const DEEPEST: usize = 10;

/// Most failed events that are remembered: the first is the cause, the others are shown beside it.
const MOST_FAILED: usize = 60;

/// What a look found in the events.
#[derive(Debug, Default)]
pub(super) struct Tailed {
    pub(super) news: Vec<News>,
    /// Events may be read at all.
    pub(super) readable: bool,
    /// After the operation somebody else's began.
    pub(super) others_after: bool,
}

/// Reads the new events and remembers what they say.
pub(super) async fn tail(
    subject: &Subject<'_>,
    cx: &Context,
    watch: &Watch,
    memory: &mut Memory,
) -> Result<Tailed> {
    let mut tailed = Tailed::default();
    let Some(events) = since(subject, cx, &watch.stack_id, watch.since, memory).await? else {
        return Ok(tailed);
    };
    tailed.readable = true;
    for event in &events {
        if is_ours(watch, event, memory) {
            take(event, "", memory);
            if event.is_of_the_stack() {
                memory.entered = true;
                memory.status.clone_from(&event.status);
                memory.operation = event
                    .operation
                    .clone()
                    .filter(|_| !is_rolling(&event.status))
                    .or(memory.operation.take());
                tailed.others_after = false;
                if tells_why(event) {
                    memory.reason = Some(event.reason.clone());
                }
                if event.status.ends_with("ROLLBACK_IN_PROGRESS") {
                    memory.rolling_since = memory.rolling_since.or(event.at);
                }
            }
            tailed.news.push(news_of("", event));
        } else if event.is_of_the_stack() && memory.entered {
            tailed.others_after = true;
        }
    }
    nested(subject, cx, watch, memory, &mut tailed).await?;
    Ok(tailed)
}

/// By the token, which all events of an operation bear; by the operation's id, which newer events bear too. An event with
/// neither is taken for ours, if it is not older than the operation.
fn is_ours(watch: &Watch, event: &EventFacts, memory: &Memory) -> bool {
    match (&event.token, watch.purpose) {
        // An undo follows the operation that it cancels, whose events bear the token of that.
        (_, Purpose::RollBack) => true,
        (Some(token), _) => *token == watch.token,
        (None, _) => {
            event.operation.is_some() && event.operation == memory.operation
                || (event.operation.is_none() && watch.since.is_some())
        }
    }
}

/// The nested stacks that the operation touches, each from the event on that named it; those within them too.
async fn nested(
    subject: &Subject<'_>,
    cx: &Context,
    watch: &Watch,
    memory: &mut Memory,
    tailed: &mut Tailed,
) -> Result<()> {
    let mut open: Vec<(String, String)> =
        memory.nested.iter().map(|(id, path)| (id.clone(), path.clone())).collect();
    let mut read: Vec<String> = Vec::new();
    while let Some((id, path)) = open.pop() {
        if read.contains(&id) || path.matches('.').count() > DEEPEST {
            continue;
        }
        read.push(id.clone());
        let Some(events) = since(subject, cx, &id, watch.since, memory).await? else { continue };
        for event in &events {
            take(event, &path, memory);
            if !event.is_of_the_stack() {
                tailed.news.push(news_of(&path, event));
            }
        }
        let over = events.iter().rev().find(|event| event.is_of_the_stack());
        // What is over is not read again; a rollback's events name it anew.
        if over.is_some_and(|event| !event.status.ends_with("_IN_PROGRESS")) {
            memory.nested.remove(&id);
        }
        let more: Vec<(String, String)> =
            memory.nested.iter().map(|(id, path)| (id.clone(), path.clone())).collect();
        open.extend(more.into_iter().filter(|(id, _)| !read.contains(id)));
    }
    Ok(())
}

/// New events of one stack, oldest first; none when they may not be read.
async fn since(
    subject: &Subject<'_>,
    cx: &Context,
    stack_id: &str,
    from: Option<Timestamp>,
    memory: &mut Memory,
) -> Result<Option<Vec<EventFacts>>> {
    let mark = memory.marks.get(stack_id).cloned();
    let mut found: Vec<EventFacts> = Vec::new();
    let mut token: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let Some(read) = page(subject, cx, stack_id, token.as_deref()).await? else { return Ok(None) };
        let mut reached = false;
        for event in read.events {
            let known = mark.as_ref() == Some(&event.id);
            let older = from.is_some_and(|from| event.at.is_some_and(|at| at < from));
            if known || older {
                reached = true;
                break;
            }
            found.push(event);
        }
        token = read.next;
        if reached || token.is_none() {
            token = None;
            break;
        }
    }
    if token.is_some() && memory.noted.insert(format!("gap {stack_id}")) {
        let text = format!("more events than {MOST_PAGES} pages at once: the oldest of them are not told");
        cx.note(Level::Warning, "events-left-out", text);
    }
    if let Some(newest) = found.first() {
        memory.marks.insert(stack_id.to_owned(), newest.id.clone());
    }
    found.reverse();
    Ok(Some(found))
}

fn is_rolling(status: &str) -> bool {
    status.contains("ROLLBACK")
}

/// Whether the reason of an event of the stack itself is why it failed, and not only that somebody asked for it.
fn tells_why(event: &EventFacts) -> bool {
    let ends = event.status.ends_with("_FAILED") || event.status.ends_with("ROLLBACK_IN_PROGRESS");
    ends && !event.reason.is_empty() && event.reason != "User Initiated"
}

/// Remembers what an event says. `path` names the nested stack that it is of.
fn take(event: &EventFacts, path: &str, memory: &mut Memory) {
    if event.is_of_the_stack() {
        return;
    }
    let here = if path.is_empty() { event.logical.clone() } else { format!("{path}.{}", event.logical) };
    if event.kind == "AWS::CloudFormation::Stack" && event.physical.starts_with("arn:") {
        memory.nested.insert(event.physical.clone(), here.clone());
    }
    let status = event.status.as_str();
    if status.ends_with("_IN_PROGRESS") {
        memory.begun.insert(here.clone());
        memory.done.remove(&here);
    } else if status.ends_with("_COMPLETE") || status == "DELETE_SKIPPED" {
        memory.begun.insert(here.clone());
        memory.done.insert(here.clone());
    }
    if let Some((hook, id)) = &event.hook
        && event.mode.as_deref() != Some("WARN")
        && memory.hooks.len() < MOST_FAILED
    {
        let refused =
            RefusedByHook { hook: hook.clone(), reason: short_reason(&event.reason), id: id.clone() };
        memory.hooks.entry(here.clone()).or_default().push(refused);
    }
    if status.ends_with("_FAILED") && memory.failed.len() < MOST_FAILED {
        // By time: events of nested stacks are read after those of the stack itself.
        let rolling = memory.rolling_since.is_some_and(|since| event.at.is_some_and(|at| at > since));
        memory.failed.push(failed(event, here, rolling));
    }
}

fn short_reason(reason: &str) -> String {
    reason.chars().take(1_500).collect()
}

/// A failure, as it is remembered.
pub(crate) fn failed(event: &EventFacts, path: String, rolling: bool) -> FailedEvent {
    FailedEvent {
        stack_id: event.stack_id.clone(),
        path,
        logical: event.logical.clone(),
        physical: event.physical.clone(),
        kind: event.kind.clone(),
        status: event.status.clone(),
        reason: short_reason(&event.reason),
        at: event.at,
        rolling,
        event_type: event.event_type.clone(),
        mode: event.mode.clone(),
        property: event.path.clone(),
    }
}
