//! Judges what runs already, when there is nothing to do: "unchanged" says that it is healthy.

use landfall_core::{Cause, End, State};

use super::rollout::LAG;
use super::{Facts, Judgement, counts, deleted, ready, superseded, tasks};
use crate::memory::Watch;

/// Whether the deployment that was there is still there and has its tasks.
pub(crate) fn judge(watch: &Watch, facts: &Facts) -> Judgement {
    let Some(service) = &facts.service else {
        return Judgement::new(State::pending("DescribeServices to show the service"));
    };
    if let Some(deleted) = deleted(service) {
        return deleted;
    }
    let Some(primary) = service.primary() else {
        return Judgement::new(State::pending("DescribeServices to list the service's deployments"));
    };
    if primary.id != watch.deployment.id && primary.task_definition != watch.deployment.task_definition {
        // One that was there before ours, while ours is this young, is a read from before ours was made.
        let since = facts.now.map(|now| now.duration_since(watch.deployment.created_at));
        if !watch.is_newer(primary) && since.is_none_or(|since| since < LAG) {
            let (id, shown) = (&watch.deployment.id, &primary.id);
            let what = format!("DescribeServices to show deployment {id}; it still shows {shown}");
            return Judgement::new(State::pending(what));
        }
        return Judgement::new(State::Ended(End::Superseded { by: primary.id.clone() })).because(superseded(
            watch,
            &primary.id,
            Some(&primary.task_definition),
        ));
    }
    let progress = counts(watch, primary.running_count, primary.desired_count, 0);
    if primary.rollout_state.as_deref() == Some("FAILED") {
        let why = primary.rollout_state_reason.as_deref().unwrap_or_default().trim_end_matches('.');
        return Judgement::new(State::Ended(End::Failed)).counting(progress).because(
            Cause::new(
                "current-deployment-failed",
                format!(
                    "the service has the wanted revision already, and its deployment {} failed: {why}",
                    primary.id
                ),
            )
            .with_hint("mend the cause; to start new tasks of the same revision, force a new deployment"),
        );
    }
    if primary.is_rolling_out() || !primary.is_full() {
        let (running, wanted) = (primary.running_count, primary.desired_count);
        let what = format!("nothing to change; {running} of {wanted} {} running", tasks(wanted));
        return Judgement::new(State::pending(what)).counting(progress);
    }
    ready(watch, None, service.desired_count).counting(progress)
}
