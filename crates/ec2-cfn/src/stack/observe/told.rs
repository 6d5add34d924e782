//! What a look tells: news, counts, and what is waited for.

use landfall_core::event::Level;
use landfall_core::{News, Progress};

use crate::stack::client::Client;
use crate::stack::facts::{ChangeSetFacts, EventFacts, PropertyChange, ResourceChange};
use crate::stack::memory::{Memory, Purpose, Watch};

/// An event as a line: `Network.Subnet (AWS::EC2::Subnet) CREATE_FAILED: reason`.
pub(super) fn news_of(path: &str, event: &EventFacts) -> News {
    let name = if path.is_empty() { event.logical.clone() } else { format!("{path}.{}", event.logical) };
    let reason = if event.reason.is_empty() { String::new() } else { format!(": {}", event.reason) };
    let failed = event.status.ends_with("_FAILED") || event.status.contains("ROLLBACK");
    let level = if failed { Level::Warning } else { Level::Info };
    let news =
        News::new(event.id.clone(), level, format!("{name} ({}) {}{reason}", event.kind, event.status));
    match event.at {
        Some(at) => news.at(at),
        None => news,
    }
}

/// What a change set does, a line for each resource.
pub(super) fn changes(client: &Client, found: &ChangeSetFacts) -> Vec<News> {
    let line = |change: &ResourceChange| {
        let text = client.masks.apply(&describe(change));
        News::new(format!("{}#{}", found.arn, change.logical), Level::Info, text)
    };
    found.changes.iter().map(line).collect()
}

/// `Modify Bucket (AWS::S3::Bucket), replaced: Properties.BucketName a -> b`.
pub(crate) fn describe(change: &ResourceChange) -> String {
    let mut text = format!("{} {} ({})", change.action, change.logical, change.kind);
    match (change.policy_action.as_str(), change.replacement.as_str()) {
        (policy, _) if policy.starts_with("ReplaceAnd") => text.push_str(&format!(", replaced ({policy})")),
        (_, "True") => text.push_str(", replaced"),
        (_, "Conditional") => text.push_str(", may be replaced"),
        (policy, _) if !policy.is_empty() => text.push_str(&format!(" ({policy})")),
        _ => {}
    }
    let mut details: Vec<String> = Vec::new();
    for detail in &change.details {
        let mut line = match (&detail.before, &detail.after) {
            (Some(before), Some(after)) => format!("{} {before} -> {after}", detail.path),
            (None, Some(after)) => format!("{} {after}", detail.path),
            _ if detail.dynamic => format!("{} (decided when it is executed)", detail.path),
            _ => detail.path.clone(),
        };
        if let Some(deployed) = &detail.deployed {
            line.push_str(&format!(" (deployed as {deployed}, and changed since outside of CloudFormation)"));
        }
        if !details.contains(&line) {
            details.push(line);
        }
    }
    if !details.is_empty() {
        text.push_str(&format!(": {}", details.join("; ")));
    }
    if change.action == "SyncWithActual" {
        text.push_str("; it is already so, and only CloudFormation's record of it changes");
    }
    if is_phantom(change) {
        text.push_str("; perhaps no change at all: the resource has not drifted, and the value is worked out only when it is \
                       applied");
    }
    text
}

/// What AWS shows for a value that it does not work out yet.
const LATER: &str = "KNOWN_AFTER_APPLY";

/// A change that drift-aware change sets show of resources that are as they should be
/// (aws-cloudformation/cloudformation-coverage-roadmap issues 2505 and 2559). It is only marked: nobody can tell here.
fn is_phantom(change: &ResourceChange) -> bool {
    let same = |detail: &PropertyChange| {
        let later = detail.after.as_ref().is_some_and(|after| after.contains(LATER));
        later || (detail.before.is_some() && detail.before == detail.after)
    };
    change.action == "Modify"
        && change.drift == "IN_SYNC"
        && !change.details.is_empty()
        && change.details.iter().all(same)
}

/// Resources that are done. How many there will be is known from the change set; a rollback does more.
pub(super) fn progress(watch: &Watch, memory: &Memory) -> Vec<Progress> {
    if memory.begun.is_empty() {
        return Vec::new();
    }
    let forward = matches!(watch.purpose, Purpose::Create | Purpose::Update)
        && !memory.status.contains("ROLLBACK")
        && memory.nested.is_empty();
    let (done, begun) = (memory.done.len() as u64, memory.begun.len() as u64);
    let total = (forward && watch.resources > 0).then(|| watch.resources.max(begun));
    vec![Progress::new("resources done", done, total, "resources")]
}

/// What is waited for, with the resources that are at work.
pub(super) fn counted(memory: &Memory, waiting_for: String) -> String {
    let working: Vec<&str> =
        memory.begun.iter().filter(|name| !memory.done.contains(*name)).map(String::as_str).collect();
    match working.as_slice() {
        [] => waiting_for,
        [one] => format!("{waiting_for}; at work: {one}"),
        [first, second] => format!("{waiting_for}; at work: {first}, {second}"),
        [first, second, others @ ..] => {
            format!("{waiting_for}; at work: {first}, {second} and {} more", others.len())
        }
    }
}
