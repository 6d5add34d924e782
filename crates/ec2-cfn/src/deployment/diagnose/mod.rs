//! Why a deployment fails: from the diagnostics of lifecycle events and the error of the deployment, each with its next
//! step. Pure: what was observed is all that is needed.

mod events;
mod reasons;
#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};
use landfall_core::Cause;

use super::facts::{Info, Target};

pub(crate) use reasons::of_end;

/// Most causes that are told.
const MOST: usize = 8;
/// After so long without a sign of an agent it is told. CodeDeploy itself waits for about an hour.
pub(crate) const SILENCE: SignedDuration = SignedDuration::from_secs(180);

/// Causes of failed lifecycle events, equal ones told once with all their instances.
pub(crate) fn of_targets(targets: &[Target], deployment: &str) -> Vec<Cause> {
    let mut causes: Vec<(Cause, Vec<&str>)> = Vec::new();
    for target in
        targets.iter().filter(|target| target.status == "Failed" || target.failed_events().next().is_some())
    {
        let found: Vec<Cause> = match target.failed_events().next() {
            Some(_) => {
                target.failed_events().map(|event| events::of_event(event, &target.target_id)).collect()
            }
            None => vec![events::unexplained(target, deployment)],
        };
        for cause in found {
            let same = causes
                .iter_mut()
                .find(|(known, _)| known.code == cause.code && known.message == cause.message);
            match same {
                Some((_, instances)) => instances.push(&target.target_id),
                None => causes.push((cause, vec![&target.target_id])),
            }
        }
    }
    causes.truncate(MOST);
    causes
        .into_iter()
        .map(|(cause, instances)| {
            let count = u32::try_from(instances.len()).unwrap_or(u32::MAX);
            let mut cause = cause.seen(count);
            cause.evidence.insert(0, format!("on {}", instances.join(", ")));
            cause
        })
        .collect()
}

/// An instance whose agent has not taken up its next lifecycle event for 3 minutes, and for how long.
pub(crate) fn silent(
    targets: &[Target],
    info: &Info,
    now: Option<Timestamp>,
) -> Option<(Cause, SignedDuration)> {
    let silent = all_silent(targets, info, now?);
    let longest = silent.iter().map(|(_, length)| *length).max()?;
    let names: Vec<&str> = silent.iter().map(|(target, _)| target.target_id.as_str()).collect();
    let message =
        format!("the CodeDeploy agent on {} does not take up its next lifecycle event", names.join(", "));
    let cause = Cause::new("agent-silent", message).with_hint(AGENT);
    Some((cause, longest))
}

/// The ids of those instances.
pub(crate) fn silent_instances(targets: &[Target], info: &Info, now: Option<Timestamp>) -> Vec<String> {
    let Some(now) = now else { return Vec::new() };
    all_silent(targets, info, now).into_iter().map(|(target, _)| target.target_id.clone()).collect()
}

fn all_silent<'a>(targets: &'a [Target], info: &Info, now: Timestamp) -> Vec<(&'a Target, SignedDuration)> {
    let quiet = |target: &&Target| {
        target.status == "InProgress"
            && target.lifecycle_events.iter().any(|event| event.status == "Pending")
            && !target
                .lifecycle_events
                .iter()
                .any(|event| matches!(event.status.as_str(), "InProgress" | "Failed"))
    };
    let since = |target: &Target| {
        let ended = target.lifecycle_events.iter().filter_map(|event| event.end_time).max();
        ended.max(target.last_updated_at).or(info.start_time)
    };
    targets
        .iter()
        .filter(quiet)
        .filter_map(|target| Some((target, now.duration_since(since(target)?))))
        .filter(|(_, length)| *length >= SILENCE)
        .collect()
}

/// What to do about an agent that is not heard of.
pub(crate) const AGENT: &str = "see on the instance that the agent runs (`systemctl status codedeploy-agent`), that its \
                                instance profile allows it to read the bundle, and that it reaches the endpoint codedeploy-commands-secure \
                                of the region; its log is /var/log/aws/codedeploy-agent/codedeploy-agent.log";
