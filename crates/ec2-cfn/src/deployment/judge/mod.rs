//! From observed facts to a verdict. Nothing here makes a call, reads a clock or remembers anything.
//!
//! A status that nobody knows never counts as success: the wait goes on.

mod blue_green;
#[cfg(test)]
mod tests;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use landfall_core::{Cause, End, Outputs, Progress, State};

use super::diagnose;
use super::facts::{Info, Target};
use super::memory::{Purpose, Watch};
use super::spec::{WhenReady, in_words};

/// How long after the end of a deployment its rollback may take to appear. Not documented; the limit is ours.
const ROLLBACK_APPEARS: SignedDuration = SignedDuration::from_secs(60);

/// What one look brought to light.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    pub(crate) deployment: Info,
    pub(crate) targets: Vec<Target>,
    /// The deployment that rolls it back, if there is one.
    pub(crate) rollback: Option<Info>,
    pub(crate) rollback_targets: Vec<Target>,
    /// What is known otherwise of instances whose agents are silent, in words.
    pub(crate) agents: Vec<String>,
    /// What the clock of AWS showed.
    pub(crate) now: Option<Timestamp>,
}

/// What was asked for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Rules {
    pub(crate) when_ready: WhenReady,
    pub(crate) agent_limit: Option<Duration>,
    /// Success is when the traffic is moved, and not when the old instances are terminated.
    pub(crate) leaves_old_instances: bool,
}

/// What the facts mean.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Judgement {
    pub(crate) state: State,
    pub(crate) progress: Vec<Progress>,
    pub(crate) causes: Vec<Cause>,
    /// Something a person should know though it decides nothing.
    pub(crate) warnings: Vec<Cause>,
}

impl Judgement {
    fn new(state: State) -> Self {
        Self { state, progress: Vec::new(), causes: Vec::new(), warnings: Vec::new() }
    }
}

/// Judges a look.
pub(crate) fn judge(watch: &Watch, facts: &Facts, rules: Rules) -> Judgement {
    let mut judgement = match watch.purpose {
        Purpose::Busy if facts.deployment.is_final() => Judgement::new(State::Proceed),
        Purpose::Busy => Judgement::new(State::pending(format!(
            "somebody else's deployment {} ({})",
            facts.deployment.deployment_id, facts.deployment.status
        ))),
        // What waits for capacity is looked at elsewhere, and has no deployment.
        Purpose::Unchanged | Purpose::Deploy | Purpose::Restore | Purpose::Capacity => {
            deploying(watch, facts, rules)
        }
        Purpose::Stop => stopping(watch, facts),
    };
    judgement.progress = progress(facts);
    judgement
}

fn deploying(watch: &Watch, facts: &Facts, rules: Rules) -> Judgement {
    match facts.deployment.status.as_str() {
        "Succeeded" => succeeded(facts),
        "Failed" | "Stopped" => ended(watch, facts),
        "Ready" => blue_green::ready(watch, facts, rules),
        _ => going(facts, rules),
    }
}

pub(super) fn outputs(info: &Info) -> Outputs {
    Outputs::new().with("deployment_id", &info.deployment_id).with("revision", in_words(&info.revision))
}

/// CodeDeploy calls a deployment successful when enough instances are healthy: those that are not are told.
fn succeeded(facts: &Facts) -> Judgement {
    let left: Vec<&Target> = facts
        .targets
        .iter()
        .filter(|target| !target.is_original())
        .filter(|target| matches!(target.status.as_str(), "Failed" | "Skipped" | "Unknown"))
        .collect();
    let mut judgement = Judgement::new(State::Ready(outputs(&facts.deployment)));
    if !left.is_empty() {
        let of = facts.targets.iter().filter(|target| !target.is_original()).count();
        let count = left.len();
        let lines: Vec<String> =
            left.iter().map(|target| format!("{}: {}", target.target_id, target.status)).collect();
        let message = format!(
            "the deployment succeeded, but not on {count} of {of} instances: {}; configuration {} tolerates that",
            lines.join(", "),
            facts.deployment.deployment_config_name
        );
        let cause = Cause::new("instances-failed", message).with_evidence(lines).with_hint(
            "these instances run an older revision or a half of this one: repair or replace them, then deploy again with \
             only the outdated instances",
        );
        judgement.warnings.push(cause);
        judgement.warnings.extend(diagnose::of_targets(&facts.targets, &facts.deployment.deployment_id));
    }
    judgement
}

fn going(facts: &Facts, rules: Rules) -> Judgement {
    let info = &facts.deployment;
    if info.instance_termination_wait_time_started {
        return blue_green::terminating(info, rules);
    }
    let (old, new): (Vec<&Target>, Vec<&Target>) = facts.targets.iter().partition(|one| one.is_original());
    let done = |targets: &[&Target]| targets.iter().filter(|target| target.status == "Succeeded").count();
    let moved = !old.is_empty() && done(&new) == new.len();
    let (what, of) = if moved { (" out of the traffic", &old) } else { (" done", &new) };
    let (id, status, done, of) = (&info.deployment_id, &info.status, done(of), of.len());
    let kind = if moved { "old instances" } else { "instances" };
    let mut judgement =
        Judgement::new(State::pending(format!("deployment {id} ({status}), {done} of {of} {kind}{what}")));
    judgement.causes.extend(diagnose::of_targets(&facts.targets, &info.deployment_id));
    if let Some((silent, length)) = diagnose::silent(&facts.targets, info, facts.now) {
        if rules
            .agent_limit
            .is_some_and(|limit| length >= SignedDuration::try_from(limit).unwrap_or(SignedDuration::MAX))
        {
            judgement.state = State::Ended(End::Failed);
            let message = "CodeDeploy would wait for about an hour; that the wait ends now is landfall's own judgement, by \
                           the limit for silent agents";
            let hint = "repair the agent, or allow it longer with --agent-limit; then run again";
            judgement.causes.push(Cause::new("agent-limit", message).with_hint(hint));
        }
        judgement.causes.push(silent.with_evidence(&facts.agents));
    }
    judgement
}

/// Whether CodeDeploy is to roll back what ended like this.
fn rolls_back(watch: &Watch, info: &Info) -> bool {
    if !info.rollback_info.rollback_triggering_deployment_id.is_empty() {
        return false;
    }
    let event = match (info.status.as_str(), info.error_code()) {
        (_, "ALARM_ACTIVE") => "DEPLOYMENT_STOP_ON_ALARM",
        ("Stopped", _) => "DEPLOYMENT_STOP_ON_REQUEST",
        _ => "DEPLOYMENT_FAILURE",
    };
    let configured = &info.auto_rollback_configuration;
    watch.rollback_asked || (configured.enabled && configured.events.iter().any(|one| one == event))
}

/// Where an automatic rollback stands.
enum Rollback<'a> {
    None,
    /// It is expected, and nothing is to be seen of it yet.
    Awaited,
    Going(&'a Info),
    Done(&'a Info),
    Failed(&'a Info),
    /// It was expected and did not begin.
    NotStarted(String),
}

fn rollback<'a>(watch: &Watch, facts: &'a Facts) -> Rollback<'a> {
    let info = &facts.deployment;
    if let Some(rollback) = &facts.rollback {
        return match rollback.status.as_str() {
            "Succeeded" => Rollback::Done(rollback),
            "Failed" | "Stopped" => Rollback::Failed(rollback),
            _ => Rollback::Going(rollback),
        };
    }
    if !rolls_back(watch, info) {
        return Rollback::None;
    }
    let message = &info.rollback_info.rollback_message;
    if info.rollback().is_none() && !message.is_empty() {
        return Rollback::NotStarted(message.clone());
    }
    let overdue = match (facts.now, info.complete_time) {
        (Some(now), Some(ended)) => now.duration_since(ended) > ROLLBACK_APPEARS,
        _ => false,
    };
    if overdue { Rollback::NotStarted("CodeDeploy shows no rollback".to_owned()) } else { Rollback::Awaited }
}

/// The deployment failed or was stopped; its rollback decides what is there now.
fn ended(watch: &Watch, facts: &Facts) -> Judgement {
    let info = &facts.deployment;
    let mut causes = diagnose::of_targets(&facts.targets, &info.deployment_id);
    causes.extend(diagnose::of_end(info, &facts.targets));
    let end = if info.status == "Stopped" { End::Stopped } else { End::Failed };
    let state = match rollback(watch, facts) {
        Rollback::None => State::Ended(end),
        Rollback::Awaited => State::pending(format!("CodeDeploy's rollback of {}", info.deployment_id)),
        Rollback::Going(rollback) => {
            State::pending(format!("the automatic rollback {} ({})", rollback.deployment_id, rollback.status))
        }
        Rollback::Done(rollback) => State::Ended(End::RolledBack { to: in_words(&rollback.revision) }),
        Rollback::Failed(rollback) => {
            causes.push(failed_rollback(rollback, facts));
            State::Ended(end)
        }
        Rollback::NotStarted(why) => {
            causes.push(not_started(&why));
            State::Ended(end)
        }
    };
    Judgement { causes, ..Judgement::new(state) }
}

fn failed_rollback(rollback: &Info, facts: &Facts) -> Cause {
    let id = &rollback.deployment_id;
    let inner = diagnose::of_targets(&facts.rollback_targets, id);
    let lines: Vec<String> = inner.iter().map(|cause| cause.message.clone()).collect();
    Cause::new(
        "rollback-failed",
        format!(
            "the automatic rollback {id} to {} has {} too",
            in_words(&rollback.revision),
            rollback.status.to_lowercase()
        ),
    )
    .with_evidence(lines)
    .with_hint(
        "the instances run neither revision reliably: repair what both have in common, then deploy again",
    )
}

fn not_started(why: &str) -> Cause {
    Cause::new("rollback-not-started", format!("CodeDeploy did not roll back: {why}"))
        .with_hint("deploy a revision that is known to work; a group can only roll back to one that has succeeded before")
}

/// An undo, its first part: what was under way is stopped, and perhaps rolled back by CodeDeploy.
fn stopping(watch: &Watch, facts: &Facts) -> Judgement {
    let info = &facts.deployment;
    if !info.is_final() {
        return Judgement::new(State::pending(format!("deployment {} to stop", info.deployment_id)));
    }
    if info.status == "Succeeded" {
        return Judgement::new(if watch.restores { State::Proceed } else { State::Ended(End::Failed) });
    }
    let state = match rollback(watch, facts) {
        Rollback::Awaited => State::pending(format!("CodeDeploy's rollback of {}", info.deployment_id)),
        Rollback::Going(rollback) => {
            State::pending(format!("the rollback {} ({})", rollback.deployment_id, rollback.status))
        }
        Rollback::Done(rollback) => State::Ready(outputs(rollback)),
        // What CodeDeploy did not do is done by a deployment of our own.
        Rollback::None | Rollback::Failed(_) | Rollback::NotStarted(_) if watch.restores => State::Proceed,
        Rollback::Failed(rollback) => {
            let cause = failed_rollback(rollback, facts);
            return Judgement { causes: vec![cause], ..Judgement::new(State::Ended(End::Failed)) };
        }
        Rollback::None | Rollback::NotStarted(_) => {
            let cause = not_started("no revision had been deployed with success before");
            return Judgement { causes: vec![cause], ..Judgement::new(State::Ended(End::Stopped)) };
        }
    };
    Judgement::new(state)
}

fn progress(facts: &Facts) -> Vec<Progress> {
    let of = |name: &str, targets: &[Target], original: bool| {
        let of = || targets.iter().filter(|target| target.is_original() == original);
        let done = of().filter(|target| matches!(target.status.as_str(), "Succeeded" | "Ready")).count();
        let total = of().count();
        (total > 0).then(|| Progress::new(name, done as u64, Some(total as u64), "instances"))
    };
    [
        of("instances deployed", &facts.targets, false),
        of("old instances out of the traffic", &facts.targets, true),
        of("instances rolled back", &facts.rollback_targets, false),
    ]
    .into_iter()
    .flatten()
    .collect()
}
