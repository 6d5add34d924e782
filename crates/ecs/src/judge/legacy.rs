//! Judges by the service's list of deployments, for callers who may not read service deployments.
//!
//! What makes it hard: a rollback puts the *old* deployment back with its old id and its old time of creation, and
//! a read may come from before our deployment was made. An id that is older than ours and is primary is the one or
//! the other; only time and `updatedAt` tell which.

use jiff::SignedDuration;
use landfall_core::event::Level;
use landfall_core::{Cause, End, State};

use super::{Facts, Judgement, counted, counts, deleted, other_revision, ready, superseded};
use crate::facts::{Deployment, Service, short};
use crate::memory::{Purpose, Watch};

/// For how long an answer without our deployment is taken for one from before it. An invented number, well
/// beyond the few seconds that stale reads of ECS have been seen to last.
const STALE: SignedDuration = SignedDuration::from_secs(30);

/// Where our deployment stands.
pub(crate) fn judge(watch: &Watch, facts: &Facts) -> Judgement {
    let Some(service) = &facts.service else {
        return Judgement::new(State::pending("DescribeServices to show the service"));
    };
    if let Some(deleted) = deleted(service) {
        return for_purpose(watch, deleted);
    }
    let Some(primary) = service.primary() else {
        return Judgement::new(State::pending("DescribeServices to list the service's deployments"));
    };
    let judged = if primary.id == watch.deployment.id {
        ours_is_primary(watch, facts, service, primary)
    } else {
        other_is_primary(watch, facts, service, primary)
    };
    for_purpose(watch, judged)
}

/// What an end means depends on why the deployment is looked at.
fn for_purpose(watch: &Watch, judged: Judgement) -> Judgement {
    let state = match (watch.purpose, &judged.state) {
        (Purpose::Busy, State::Ready(_) | State::Ended(_)) => State::Proceed,
        (Purpose::RollBack, State::Ready(_) | State::Ended(End::Failed | End::Stopped)) => State::Proceed,
        (Purpose::RollBack, State::Ended(End::RolledBack { .. })) => {
            State::Ready(landfall_core::Outputs::new().with("service_arn", &watch.service_arn))
        }
        _ => return judged,
    };
    Judgement { state, causes: Vec::new(), notes: Vec::new(), ..judged }
}

fn ours_is_primary(watch: &Watch, facts: &Facts, service: &Service, ours: &Deployment) -> Judgement {
    if let Some(other) = other_revision(watch, ours) {
        return other;
    }
    let old = service.tasks_of_others(&ours.id);
    let progress = counts(watch, ours.running_count, ours.desired_count, old);
    let waiting = counted(watch, ours.running_count, ours.desired_count, old);
    let why = ours.rollout_state_reason.as_deref().unwrap_or_default().trim_end_matches('.');
    match ours.rollout_state.as_deref() {
        Some("COMPLETED") => ready(watch, None, service.desired_count).counting(progress),
        Some("IN_PROGRESS") => Judgement::new(State::pending(waiting)).counting(progress),
        Some("FAILED") if service.deployment_configuration.rolls_back() && is_fresh(ours, facts) => {
            Judgement::new(State::pending(format!(
                "AWS to roll back the deployment, which has failed: {why}"
            )))
        }
        Some("FAILED") => Judgement::new(State::Ended(End::Failed)).because(
            Cause::new("circuit-breaker", format!("ECS reports that the deployment failed: {why}"))
                .with_hint(
                    "the causes of the failed tasks are listed beside this one; mend those and deploy again",
                ),
        ),
        Some(other) => Judgement::new(State::pending(waiting)).counting(progress).noting(
            Level::Warning,
            "unknown-status",
            format!(
                "ECS calls the deployment's rollout {other}, which landfall does not know; it goes on looking"
            ),
        ),
        None => without_rollout_state(watch, facts, service, ours, waiting).counting(progress),
    }
}

/// Whether a deployment has changed so lately that AWS may not have begun to roll it back. It does so at once, or, when
/// there is nothing to roll back to, never.
fn is_fresh(deployment: &Deployment, facts: &Facts) -> bool {
    facts.now.zip(deployment.updated_at).is_none_or(|(now, at)| now.duration_since(at) < STALE)
}

/// There is no rollout state behind a Classic Load Balancer. One deployment with all of its tasks, seen twice.
fn without_rollout_state(
    watch: &Watch,
    facts: &Facts,
    service: &Service,
    ours: &Deployment,
    waiting: String,
) -> Judgement {
    // Right after UpdateService the deployment wants no task yet; what the service wants is known.
    let wanted = service.desired_count.max(ours.desired_count);
    let steady = service.deployments.len() == 1 && ours.running_count == wanted && ours.pending_count == 0;
    if steady && facts.steady_before {
        return Judgement { steady, ..ready(watch, None, service.desired_count) };
    }
    Judgement { steady, ..Judgement::new(State::pending(waiting)) }
}

fn other_is_primary(watch: &Watch, facts: &Facts, service: &Service, primary: &Deployment) -> Judgement {
    let began = watch.deployment.created_at;
    if watch.is_newer(primary) {
        return Judgement::new(State::Ended(End::Superseded { by: primary.id.clone() })).because(superseded(
            watch,
            &primary.id,
            Some(&primary.task_definition),
        ));
    }
    let ours = service.deployment(&watch.deployment.id);
    let touched = primary.updated_at.is_some_and(|at| at > began);
    let young = facts.now.is_none_or(|now| now.duration_since(began) < STALE);
    if ours.is_none() && young && !touched {
        return Judgement::new(State::pending("DescribeServices to show the new deployment"));
    }
    if primary.is_rolling_out() {
        let count = format!("{} of {} tasks running", primary.running_count, primary.desired_count);
        return Judgement::new(State::pending(format!(
            "AWS to roll back to {}: {count}",
            short(&primary.task_definition)
        )));
    }
    let why =
        ours.and_then(|ours| ours.rollout_state_reason.as_deref()).unwrap_or_default().trim_end_matches('.');
    let why = if why.is_empty() { String::new() } else { format!(": {why}") };
    Judgement::new(State::Ended(End::RolledBack { to: short(&primary.task_definition).to_owned() })).because(
        Cause::new(
            "rolled-back",
            format!("AWS has put back deployment {}, which is older than ours{why}", primary.id),
        )
        .with_hint("allow ecs:ListServiceDeployments and ecs:DescribeServiceDeployments to be told why"),
    )
}
