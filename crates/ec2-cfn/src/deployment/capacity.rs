//! Before anything is deployed in place, the group's Auto Scaling groups are given time to get the instances that they want.
//!
//! CodeDeploy deploys to the instances that are there at that moment. Those of a stack that was made just now are still
//! starting, and a deployment that finds none fails.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use landfall_core::event::Level;
use landfall_core::{Cause, Context, Cursor, Look, Observation, Progress, Result, State};

use super::fleet::{ScalingGroup, seen};
use super::memory::{Forward, Purpose, Watch};
use super::target::Deployment;

/// How long is waited unless something else is said. Ours: instances start within minutes, and a group that has not got
/// them by then needs somebody, or the very deployment that waits.
pub(crate) const LIMIT: Duration = Duration::from_secs(600);

/// The note of what is not known.
const UNSEEN: &str = "capacity-unseen";
const UNKNOWN: &str = "whether the Auto Scaling groups have the capacity that they want";

/// What there is to wait for before the deployment is made; none when it can be made now.
pub(crate) async fn wait(
    target: &Deployment,
    cx: &Context,
    forward: &Forward,
    revision: &str,
) -> Option<Watch> {
    if forward.scaling.is_empty() || target.spec.capacity_limit.is_zero() {
        return None;
    }
    let answered = target.client.fleet.scaling_groups(cx, &forward.scaling).await;
    let found = seen(cx, UNSEEN, UNKNOWN, answered)?;
    let lacks = found.value.iter().any(lacks);
    lacks.then(|| Watch {
        scaling: forward.scaling.clone(),
        since: found.at,
        ..Watch::new(Purpose::Capacity, "", revision.to_owned())
    })
}

/// Looks once.
pub(crate) async fn observe(
    target: &Deployment,
    cx: &Context,
    watch: &Watch,
    look: &Look<'_>,
) -> Result<Observation> {
    let answered = target.client.fleet.scaling_groups(cx, &watch.scaling).await;
    let Some(found) = seen(cx, UNSEEN, UNKNOWN, answered) else {
        return Ok(Observation::new(State::Proceed));
    };
    let limit = target.spec.capacity_limit;
    let verdict = judge(&found.value, watch.since, found.at, limit);
    if let Some(cause) = verdict.cause.as_ref().filter(|_| verdict.state == State::Proceed) {
        let hint = cause.hint.as_deref().unwrap_or_default();
        cx.note(Level::Warning, &cause.code, format!("{}; next: {hint}", cause.message));
    }
    let causes = verdict.cause.filter(|_| look.last && verdict.state != State::Proceed);
    Ok(Observation::new(verdict.state)
        .with_cursor(Cursor::new(&found.value.iter().map(|group| group.in_service).collect::<Vec<_>>()))
        .with_progress(verdict.progress)
        .with_causes(causes))
}

/// What a look means.
#[derive(Debug, PartialEq)]
struct Verdict {
    state: State,
    progress: Vec<Progress>,
    cause: Option<Cause>,
}

fn lacks(group: &ScalingGroup) -> bool {
    group.in_service < group.desired
}

fn judge(
    groups: &[ScalingGroup],
    since: Option<Timestamp>,
    now: Option<Timestamp>,
    limit: Duration,
) -> Verdict {
    let progress = groups.iter().map(|group| {
        let of = format!("capacity of {}", group.name);
        Progress::new(of, group.in_service.min(group.desired), Some(group.desired), "in service")
    });
    let progress = progress.collect();
    let lacking: Vec<&ScalingGroup> = groups.iter().filter(|group| lacks(group)).collect();
    let Some(first) = lacking.first() else {
        return Verdict { state: State::Proceed, progress, cause: None };
    };
    let words: Vec<String> = lacking
        .iter()
        .map(|group| format!("{} ({} of {} in service)", group.name, group.in_service, group.desired))
        .collect();
    let words = words.join(", ");
    let activities = format!(
        "`aws autoscaling describe-scaling-activities --auto-scaling-group-name {}` says why",
        first.name
    );
    let over = since.zip(now).is_some_and(|(since, now)| {
        now.duration_since(since) >= SignedDuration::try_from(limit).unwrap_or(SignedDuration::MAX)
    });
    if over {
        let seconds = limit.as_secs();
        let message = format!(
            "Auto Scaling group {words} after {seconds} seconds: the deployment begins with the instances that are there"
        );
        let cause = Cause::new("capacity-missing", message).with_hint(activities);
        return Verdict { state: State::Proceed, progress, cause: Some(cause) };
    }
    let message = format!(
        "nothing is deployed yet: Auto Scaling group {words} does not have the capacity that it wants"
    );
    let cause = Cause::new("capacity-missing", message).with_hint(activities);
    let state = State::pending(format!("the capacity of Auto Scaling group {words}"));
    Verdict { state, progress, cause: Some(cause) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;
    use landfall_core::State;

    use super::judge;
    use crate::deployment::fleet::ScalingGroup;

    #[test]
    fn it_is_waited_for_capacity_and_no_longer_than_the_limit() {
        let group = |in_service, desired| ScalingGroup {
            name: "web".to_owned(),
            desired,
            in_service,
            instances: in_service,
        };
        let at = |second| Timestamp::from_second(second).ok();
        let limit = Duration::from_secs(60);
        let proceeds =
            |groups: &[ScalingGroup], since, now| judge(groups, since, now, limit).state == State::Proceed;
        assert!(proceeds(&[group(3, 3), group(0, 0), group(4, 3)], at(0), at(1)));
        assert!(proceeds(&[], at(0), at(1)), "a group that is gone is CodeDeploy's to tell");
        assert!(!proceeds(&[group(3, 3), group(2, 3)], at(0), at(59)));
        assert!(!proceeds(&[group(2, 3)], None, at(59)), "without a clock the deadline of the wait ends it");
        assert!(proceeds(&[group(2, 3)], at(0), at(60)));
        let late = judge(&[group(2, 3)], at(0), at(60), limit).cause.unwrap();
        assert!(late.message.contains("web (2 of 3 in service) after 60 seconds"), "{}", late.message);
    }
}
