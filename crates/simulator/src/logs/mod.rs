//! CloudWatch Logs, as far as containers with the `awslogs` driver write and deployments read.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html>

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::iam::Principal;
use crate::wire::{Object, ServiceError};

/// The operations there are.
pub(crate) const OPERATIONS: [&str; 1] = ["GetLogEvents"];
/// GetLogEvents answers at most this many events.
const LARGEST_PAGE: usize = 10_000;

/// The log groups of one region.
#[derive(Debug, Clone, Default)]
pub(crate) struct LogGroups {
    /// Streams by group, lines by stream.
    groups: BTreeMap<String, BTreeMap<String, Vec<(Timestamp, String)>>>,
}

impl LogGroups {
    /// Makes a group, as somebody did before the simulator started.
    pub(crate) fn create(&mut self, group: &str) {
        self.groups.entry(group.to_owned()).or_default();
    }

    /// Appends lines to a stream, which is made if need be; a group that does not exist swallows them.
    pub(crate) fn write(&mut self, group: &str, stream: &str, at: Timestamp, lines: &[String]) {
        if let Some(streams) = self.groups.get_mut(group) {
            let events = streams.entry(stream.to_owned()).or_default();
            events.extend(lines.iter().map(|line| (at, line.clone())));
        }
    }
}

/// The actions a caller needs.
pub(crate) fn required(operation: &str, input: &Object, principal: &Principal) -> Vec<(String, String)> {
    let group = input.string("logGroupName").unwrap_or_default();
    let stream = input.string("logStreamName").unwrap_or_default();
    let Principal { region, account, .. } = principal;
    vec![(
        format!("logs:{operation}"),
        format!("arn:aws:logs:{region}:{account}:log-group:{group}:log-stream:{stream}"),
    )]
}

pub(crate) fn call(logs: &LogGroups, operation: &str, input: &Object) -> Result<Object, ServiceError> {
    match operation {
        "GetLogEvents" => log_events(logs, input),
        _ => Err(ServiceError::client("UnknownOperationException", "")),
    }
}

/// One page: the newest events unless `startFromHead`, oldest first within the page. A token is the position of its
/// page; at the end of the stream AWS answers the token it was given, and so does this.
fn log_events(logs: &LogGroups, input: &Object) -> Result<Object, ServiceError> {
    let missing = |what: &str| {
        ServiceError::client("ResourceNotFoundException", format!("The specified log {what} does not exist."))
    };
    let group = input.string("logGroupName").unwrap_or_default();
    let stream = input.string("logStreamName").unwrap_or_default();
    let streams = logs.groups.get(&group).ok_or_else(|| missing("group"))?;
    let events = streams.get(&stream).ok_or_else(|| missing("stream"))?;
    let limit = input.read::<usize>("limit").unwrap_or(LARGEST_PAGE);
    if !(1..=LARGEST_PAGE).contains(&limit) {
        let message = format!(
            "1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: \
             Member must have value between 1 and {LARGEST_PAGE}"
        );
        return Err(ServiceError::client("InvalidParameterException", message));
    }
    let (from, to) = page(events.len(), limit, input)?;
    let page: Vec<Value> = events[from..to]
        .iter()
        .map(|(at, line)| {
            let at = at.as_millisecond();
            json!({ "timestamp": at, "message": line, "ingestionTime": at })
        })
        .collect();
    let mut answer = Object::default();
    answer.put("events", page);
    answer.put("nextForwardToken", format!("f/{to}"));
    answer.put("nextBackwardToken", format!("b/{from}"));
    Ok(answer)
}

fn page(length: usize, limit: usize, input: &Object) -> Result<(usize, usize), ServiceError> {
    let Some(token) = input.string("nextToken") else {
        let from_head = input.read("startFromHead").unwrap_or(false);
        return Ok(if from_head { (0, limit.min(length)) } else { (length.saturating_sub(limit), length) });
    };
    let position = |text: &str| text.parse::<usize>().ok().filter(|position| *position <= length);
    let forward = token.strip_prefix("f/").and_then(position).map(|from| (from, (from + limit).min(length)));
    let backward = token.strip_prefix("b/").and_then(position).map(|to| (to.saturating_sub(limit), to));
    forward.or(backward).ok_or_else(|| {
        ServiceError::client("InvalidParameterException", "The specified nextToken is invalid.")
    })
}
