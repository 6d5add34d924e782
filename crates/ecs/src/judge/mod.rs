//! From observed facts to a verdict. Nothing here makes a call, reads a clock or remembers anything.
//!
//! Three judges, each for what can be seen:
//!
//! - [`rollout`]: by the service deployment that belongs to our deployment. The one that knows best.
//! - [`legacy`]: by the service's list of deployments alone, where service deployments may not be read.
//! - [`standing`]: whether what runs already is healthy, when there was nothing to do.
//!
//! Beside them, [`fail_fast`] says when a deployment that AWS would not end is beyond hope.
//!
//! A status that nobody knows never counts as success: it is told, and the wait goes on.

mod fail_fast;
mod legacy;
mod rollout;
mod standing;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use landfall_core::event::Level;
use landfall_core::{Cause, End, Outputs, Progress, State};

pub(crate) use fail_fast::{Repeated, judge as fail_fast};
pub(crate) use legacy::judge as legacy;
pub(crate) use rollout::judge as rollout;
pub(crate) use standing::judge as standing;

use crate::facts::{Brief, Deployment, Service, ServiceDeployment, short};
use crate::memory::Watch;

/// What one look brought to light.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    /// The service, when it was asked for at this look.
    pub(crate) service: Option<Service>,
    /// Our service deployment; none when AWS says it is missing.
    pub(crate) service_deployment: Option<ServiceDeployment>,
    /// Service deployments made after ours, when they were asked for.
    pub(crate) newer: Vec<Brief>,
    /// What the clock of AWS showed.
    pub(crate) now: Option<Timestamp>,
    /// The look before saw the service steady.
    pub(crate) steady_before: bool,
}

/// What the facts mean.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Judgement {
    pub(crate) state: State,
    pub(crate) progress: Vec<Progress>,
    /// Why it ended as it did. Causes inside of tasks are found by [`crate::diagnose`].
    pub(crate) causes: Vec<Cause>,
    pub(crate) notes: Vec<Note>,
    /// The service is steady in this look.
    pub(crate) steady: bool,
}

/// Something a person should know though it decides nothing; told once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) level: Level,
    pub(crate) code: &'static str,
    pub(crate) text: String,
}

impl Judgement {
    fn new(state: State) -> Self {
        Self { state, progress: Vec::new(), causes: Vec::new(), notes: Vec::new(), steady: false }
    }

    pub(crate) fn because(mut self, cause: Cause) -> Self {
        self.causes.push(cause);
        self
    }

    fn noting(mut self, level: Level, code: &'static str, text: impl Into<String>) -> Self {
        self.notes.push(Note { level, code, text: text.into() });
        self
    }

    fn counting(mut self, progress: Vec<Progress>) -> Self {
        self.progress = progress;
        self
    }
}

/// What a success hands to later steps.
fn outputs(watch: &Watch, service_deployment: Option<&str>) -> Outputs {
    let ours = &watch.deployment;
    let arn = service_deployment.or(ours.service_deployment.as_deref());
    let outputs = Outputs::new()
        .with("service_arn", &watch.service_arn)
        .with("task_definition_arn", &ours.task_definition)
        .with("task_definition", short(&ours.task_definition))
        .with("deployment_id", &ours.id);
    match arn {
        Some(arn) => outputs.with("service_deployment_arn", arn),
        None => outputs,
    }
}

/// A success, with the note that zero tasks prove nothing.
fn ready(watch: &Watch, service_deployment: Option<&str>, desired: u64) -> Judgement {
    let ready = Judgement::new(State::Ready(outputs(watch, service_deployment)));
    if desired > 0 {
        return ready;
    }
    ready.noting(
        Level::Warning,
        "image-not-proven",
        format!(
            "the service wants 0 tasks, so {} was rolled out without starting one: nothing shows that its images start",
            short(&watch.deployment.task_definition)
        ),
    )
}

/// The server shows our deployment, and another task definition in it. ECS does not do so; servers that imitate it have
/// been seen to count an update as done and to keep the old task definition, and none of them may make a success.
fn other_revision(watch: &Watch, ours: &Deployment) -> Option<Judgement> {
    let (wanted, shown) = (&watch.deployment.task_definition, &ours.task_definition);
    (wanted != shown).then(|| {
        let (id, wanted, shown) = (&ours.id, short(wanted), short(shown));
        Judgement::new(State::pending(format!(
            "DescribeServices to show {wanted} in deployment {id}; it shows {shown}"
        )))
    })
}

/// Counts while a deployment runs. Old tasks count backwards from how many there were when it began.
fn counts(watch: &Watch, running: u64, wanted: u64, old: u64) -> Vec<Progress> {
    // ECS asks for no task yet right after a deployment was made; what it will ask for is known.
    let wanted = if wanted == 0 { watch.desired } else { wanted };
    let all_old = watch.old_tasks.max(old);
    let mut counts = vec![Progress::new("new tasks running", running.min(wanted), Some(wanted), "tasks")];
    if all_old > 0 {
        counts.push(Progress::new("old tasks stopped", all_old - old, Some(all_old), "tasks"));
    }
    counts
}

/// The counts as a sentence: `1 of 2 new tasks running, 2 old tasks still there`.
fn counted(watch: &Watch, running: u64, wanted: u64, old: u64) -> String {
    let wanted = if wanted == 0 { watch.desired } else { wanted };
    let new = format!("{running} of {wanted} new {} running", tasks(wanted));
    match old {
        0 if running >= wanted => format!("{new}, waiting for ECS to call it steady"),
        0 => new,
        old => format!("{new}, {old} old {} still there", tasks(old)),
    }
}

fn tasks(count: u64) -> &'static str {
    if count == 1 { "task" } else { "tasks" }
}

/// The service is being deleted, or has been: nothing will roll out any more.
fn deleted(service: &Service) -> Option<Judgement> {
    if !matches!(service.status.as_str(), "DRAINING" | "INACTIVE") {
        return None;
    }
    let text = format!("the service is {}: somebody has deleted it", service.status);
    let cause = Cause::new("service-deleted", text).with_hint("CloudTrail names who called DeleteService");
    Some(Judgement::new(State::Ended(End::Failed)).because(cause))
}

/// The cause of having been superseded.
fn superseded(watch: &Watch, by: &str, task_definition: Option<&str>) -> Cause {
    let with = task_definition.map(|arn| format!(", which rolls out {},", short(arn))).unwrap_or_default();
    Cause::new(
        "superseded",
        format!("another deployment, {by}{with} took the place of deployment {}", watch.deployment.id),
    )
    .with_hint("look at that deployment; run again only if yours is the one that should win")
}
