//! Judges by the service deployment: the one record that is about our deployment and nothing else.
//!
//! Statuses and their meaning: "Service deployments" in the Amazon ECS developer guide.

use jiff::SignedDuration;
use landfall_core::event::Level;
use landfall_core::{Cause, End, State};

use super::{Facts, Judgement, counted, counts, deleted, other_revision, ready, superseded};
use crate::facts::{Deployment, Hook, RolloutStatus, Service, ServiceDeployment, short};
use crate::memory::{Purpose, Watch};

/// How long ListServiceDeployments and DescribeServices may lag behind before it is worth a note. An invented
/// number: reads of ECS are documented as eventually consistent without saying by how much.
pub(super) const LAG: SignedDuration = SignedDuration::from_secs(60);

/// For how long a newer deployment may be missing in answers. Invented, and beyond the stale reads that were seen.
const UNSEEN: SignedDuration = SignedDuration::from_secs(15);

/// Where our deployment stands.
pub(crate) fn judge(watch: &Watch, facts: &Facts) -> Judgement {
    let Some(ours) = &facts.service_deployment else {
        return Judgement::new(State::pending("DescribeServiceDeployments to show the deployment"));
    };
    let status = ours.standing();
    if watch.purpose == Purpose::Busy {
        return busy(ours, status);
    }
    if !status.is_final()
        && let Some(deleted) = facts.service.as_ref().and_then(deleted)
    {
        return deleted;
    }
    match status {
        RolloutStatus::Going | RolloutStatus::GoingBack => going(watch, ours, status),
        RolloutStatus::Unknown => going(watch, ours, status).noting(
            Level::Warning,
            "unknown-status",
            format!("ECS calls the service deployment {}, which landfall does not know; it goes on looking", ours.status),
        ),
        RolloutStatus::Successful if watch.purpose == Purpose::RollBack => Judgement::new(State::Proceed).noting(
            Level::Warning,
            "stopped-too-late",
            "the deployment succeeded before it could be stopped; the service is updated back instead",
        ),
        RolloutStatus::Successful => successful(watch, ours, facts),
        RolloutStatus::RolledBack => rolled_back(watch, ours, facts),
        RolloutStatus::RollbackFailed => Judgement::new(State::Ended(End::Failed)).because(
            Cause::new(
                "rollback-failed",
                format!("the deployment failed, and so did AWS's rollback of it{}", reason(ours)),
            )
            .with_hint("the service may run both revisions or neither: look at its tasks, then update it to a revision that works"),
        ),
        RolloutStatus::Stopped => stopped(watch, ours, facts),
    }
}

fn busy(ours: &ServiceDeployment, status: RolloutStatus) -> Judgement {
    if status.is_final() {
        return Judgement::new(State::Proceed);
    }
    if let Some(paused) = paused(ours) {
        return paused;
    }
    let target = &ours.target_service_revision;
    Judgement::new(State::pending(format!(
        "somebody else's deployment to end first: it is {}, with {} of {} tasks running",
        ours.status, target.running_task_count, target.requested_task_count
    )))
}

/// A lifecycle hook waits for a person, whoever began the deployment.
fn paused(ours: &ServiceDeployment) -> Option<Judgement> {
    let hook = ours.paused_hook()?;
    let stage = ours.lifecycle_stage.as_deref().unwrap_or("a lifecycle hook");
    let until = hook.expires_at.map(|at| format!(", until {at}")).unwrap_or_default();
    let id = hook.hook_id.as_deref().unwrap_or("of unknown id");
    let waiting_for = format!("somebody to continue the deployment, paused at {stage} by hook {id}{until}");
    let cause = Cause::new(
        "paused-hook",
        format!("the deployment is paused at {stage} by lifecycle hook {id}{until}"),
    );
    let paused = Judgement::new(State::Pending { waiting_for, person: true });
    Some(paused.because(cause.with_hint(going_on(ours, hook))))
}

/// How a person lets a paused deployment go on, and what happens when nobody does.
fn going_on(ours: &ServiceDeployment, hook: &Hook) -> String {
    let id = hook.hook_id.as_deref().unwrap_or("HOOK-ID");
    let command = format!(
        "aws ecs continue-service-deployment --service-deployment-arn {} --hook-id {id} --action CONTINUE",
        ours.service_deployment_arn
    );
    let otherwise = match hook.timeout_action.as_deref() {
        Some("ROLLBACK") => "; when nobody acts, AWS rolls back",
        Some("CONTINUE") => "; when nobody acts, AWS goes on",
        _ => "",
    };
    format!("{command} (or ROLLBACK){otherwise}")
}

fn going(watch: &Watch, ours: &ServiceDeployment, status: RolloutStatus) -> Judgement {
    let target = &ours.target_service_revision;
    let (running, wanted, old) = (target.running_task_count, target.requested_task_count, ours.old_tasks());
    if let Some(paused) = paused(ours) {
        return paused.counting(counts(watch, running, wanted, old));
    }
    if status == RolloutStatus::GoingBack {
        let what = format!("AWS to roll back ({}): {old} old {} running", ours.status, super::tasks(old));
        return Judgement::new(State::pending(what));
    }
    let stage = ours.lifecycle_stage.as_deref().map(|stage| format!(" (stage {stage})")).unwrap_or_default();
    Judgement::new(State::pending(format!("{}{stage}", counted(watch, running, wanted, old))))
        .counting(counts(watch, running, wanted, old))
}

fn successful(watch: &Watch, ours: &ServiceDeployment, facts: &Facts) -> Judgement {
    let arn = Some(ours.service_deployment_arn.as_str());
    let target = &ours.target_service_revision;
    let desired = facts.service.as_ref().map_or(watch.desired, |service| service.desired_count);
    let done = ready(watch, arn, desired).counting(counts(
        watch,
        target.running_task_count.max(desired),
        desired,
        0,
    ));
    let Some(primary) = facts.service.as_ref().and_then(Service::primary) else { return done };
    if primary.id == watch.deployment.id {
        return other_revision(watch, primary).unwrap_or(done);
    }
    if watch.is_newer(primary) {
        return done.noting(
            Level::Warning,
            "superseded-afterwards",
            format!(
                "the deployment succeeded; since then {}, which rolls out {}, has taken its place",
                primary.id,
                short(&primary.task_definition)
            ),
        );
    }
    // An older primary beside a success can only be a stale read: a rollback of a later deployment would have put
    // ours back.
    let settled = ours.finished_at.or(ours.created_at);
    let stale = facts.now.zip(settled).is_none_or(|(now, at)| now.duration_since(at) < LAG);
    if stale {
        let what = format!("DescribeServices to show the success; it still shows {}", primary.id);
        return Judgement::new(State::pending(what)).counting(done.progress);
    }
    done.noting(
        Level::Warning,
        "primary-differs",
        format!("ECS reports success, and yet the service's primary deployment is the older {}", primary.id),
    )
}

fn rolled_back(watch: &Watch, ours: &ServiceDeployment, facts: &Facts) -> Judgement {
    let primary = facts.service.as_ref().and_then(Service::primary);
    let back = primary.filter(|primary| primary.id != watch.deployment.id && !watch.is_newer(primary));
    let back = back.map(|primary| primary.task_definition.clone());
    if watch.purpose == Purpose::RollBack {
        let back = back.or_else(|| watch.goal.clone()).unwrap_or_default();
        return Judgement::new(State::Ready(
            landfall_core::Outputs::new()
                .with("service_arn", &watch.service_arn)
                .with("task_definition_arn", &back)
                .with("task_definition", short(&back)),
        ));
    }
    let to = back
        .map(|arn| short(&arn).to_owned())
        .or_else(|| ours.rollback.as_ref().map(|rollback| rollback.service_revision_arn.clone()))
        .unwrap_or_else(|| "the revision before".to_owned());
    Judgement::new(State::Ended(End::RolledBack { to })).because(ending(ours, "rolled back"))
}

fn stopped(watch: &Watch, ours: &ServiceDeployment, facts: &Facts) -> Judgement {
    if let Some(by) = putting_back(watch, facts) {
        return put_back(ours, by);
    }
    let just_ended = facts.now.zip(ours.finished_at).is_some_and(|(now, at)| now.duration_since(at) < UNSEEN);
    if let Some((by, task_definition)) = newer(watch, facts) {
        let primary = facts.service.as_ref().and_then(Service::primary);
        if just_ended && primary.is_some_and(|primary| primary.id == watch.deployment.id) {
            // What it rolls out decides what its end means.
            return Judgement::new(State::pending(format!("DescribeServices to show {by}, which took over")));
        }
        return Judgement::new(State::Ended(End::Superseded { by: by.clone() })).because(superseded(
            watch,
            &by,
            task_definition.as_deref(),
        ));
    }
    if watch.purpose == Purpose::RollBack {
        // It has ended, but nothing was put back: the next part looks afresh.
        return Judgement::new(State::Proceed);
    }
    if ours.breaker_triggered() || ours.alarm_triggered() {
        return Judgement::new(State::Ended(End::Failed)).because(ending(ours, "stopped"));
    }
    // Nobody can be seen who took its place, and that is what STOPPED nearly always means: the lists may lag, and an
    // undo now would be an undo of somebody else's deployment.
    if just_ended {
        return Judgement::new(State::pending("ECS to show what stopped the deployment"));
    }
    Judgement::new(State::Ended(End::Stopped)).because(
        Cause::new("stopped", format!("somebody stopped the deployment{}", reason(ours)))
            .with_hint("CloudTrail names who called StopServiceDeployment"),
    )
}

/// The deployment that rolls out again what ours had replaced: an undo, be it of a process of this run that was cut off
/// and lost its records, or of somebody else.
fn putting_back<'a>(watch: &Watch, facts: &'a Facts) -> Option<&'a Deployment> {
    let before = &watch.before.as_ref()?.task_definition;
    let undoes = |primary: &&Deployment| {
        watch.is_newer(primary)
            && primary.task_definition == *before
            && *before != watch.deployment.task_definition
    };
    facts
        .service
        .as_ref()
        .and_then(Service::primary)
        .filter(undoes)
        .filter(|_| watch.purpose == Purpose::Deploy)
}

fn put_back(ours: &ServiceDeployment, by: &Deployment) -> Judgement {
    let to = short(&by.task_definition);
    if by.is_rolling_out() {
        return Judgement::new(State::pending(format!("deployment {} to put {to} back", by.id)));
    }
    if by.rollout_state.as_deref() == Some("FAILED") {
        let text = format!("deployment {} was to put {to} back after this one, and failed as well", by.id);
        let hint = "the service may run both revisions or neither: look at its tasks, then update it to a revision that works";
        return Judgement::new(State::Ended(End::Failed))
            .because(Cause::new("rollback-failed", text).with_hint(hint));
    }
    let cause = if ours.breaker_triggered() || ours.alarm_triggered() {
        ending(ours, "stopped")
    } else {
        Cause::new("put-back", format!("deployment {} took the place of this one and put {to} back", by.id))
            .with_hint("CloudTrail names who called UpdateService")
    };
    Judgement::new(State::Ended(End::RolledBack { to: to.to_owned() })).because(cause)
}

/// The deployment that took our place, with its task definition where that is known.
fn newer(watch: &Watch, facts: &Facts) -> Option<(String, Option<String>)> {
    let primary = facts.service.as_ref().and_then(Service::primary);
    if let Some(primary) = primary.filter(|primary| watch.is_newer(primary)) {
        return Some((primary.id.clone(), Some(primary.task_definition.clone())));
    }
    let later = |brief: &&crate::facts::Brief| {
        brief.created_at.is_some_and(|at| at > watch.deployment.created_at)
            && !crate::facts::is_revision_of(&brief.target_service_revision_arn, &watch.deployment.id)
    };
    facts.newer.iter().find(later).map(|brief| (brief.service_deployment_arn.clone(), None))
}

/// Why AWS ended the deployment: circuit breaker, alarm, or its own words.
fn ending(ours: &ServiceDeployment, how: &str) -> Cause {
    if ours.alarm_triggered() {
        let alarms = ours.alarms.as_ref();
        let names = alarms.map(|alarms| alarms.triggered_alarm_names.join(", ")).unwrap_or_default();
        return Cause::new(
            "alarm-rollback",
            format!("AWS {how} the deployment because of alarm {names}{}", reason(ours)),
        )
        .with_hint("look at what the alarm measures during the rollout");
    }
    if ours.breaker_triggered() {
        // The count begins again while AWS rolls back, so only the threshold can be told afterwards.
        let threshold = ours.deployment_circuit_breaker.as_ref().map_or(0, |breaker| breaker.threshold);
        return Cause::new(
            "circuit-breaker",
            format!(
                "the deployment circuit breaker {how} the deployment: its threshold of {threshold} failed {} was reached{}",
                super::tasks(threshold),
                reason(ours)
            ),
        )
        .with_hint("the causes of the failed tasks are listed beside this one; mend those and deploy again");
    }
    let asked = ours.rollback.as_ref().and_then(|rollback| rollback.reason.as_deref());
    let why = asked.map_or_else(|| reason(ours), |asked| format!(": {}", asked.trim_end_matches('.')));
    Cause::new("rolled-back", format!("AWS {how} the deployment{why}"))
        .with_hint("look at the service's events and at who called StopServiceDeployment")
}

fn reason(ours: &ServiceDeployment) -> String {
    let text = ours.status_reason.as_deref().unwrap_or_default().trim_end_matches('.');
    if text.is_empty() { String::new() } else { format!(": {text}") }
}
