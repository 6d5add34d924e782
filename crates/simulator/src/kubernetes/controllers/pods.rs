//! The scheduler and the kubelets: how a pod comes to run, or does not.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::workload::{behaviour, conditioned, event, is_active, name_of, text, workload_of};
use super::{nodes, pod_status};
use crate::clock::{later, ms};
use crate::kubernetes::kinds::Kind;
use crate::kubernetes::refusal::Refusal;
use crate::kubernetes::setup::PodBehaviour;
use crate::kubernetes::state::{ClusterState, stamp};
use crate::kubernetes::store::ObjectKey;

/// How long a container that crashes runs, in milliseconds.
const CRASHES_AFTER: u64 = 20;
/// The longest pause before a restart, as a multiple of the first.
const LONGEST_PAUSE: u64 = 32;

/// What a pod does.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(super) behaviour: PodBehaviour,
    /// It belongs to a Job: it ends by itself.
    pub(super) ends: bool,
    pub(super) stage: Stage,
    /// When the stage began.
    pub(super) since: Timestamp,
    pub(super) restarts: u32,
    /// When it became ready.
    pub(super) ready_at: Option<Timestamp>,
    pub(super) started: String,
    pub(super) finished: String,
}

/// How far a pod has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Created,
    Unscheduled,
    Starting,
    PullFailed,
    PullBackOff,
    Running,
    Ready,
    CrashBackOff,
    Succeeded,
    Failed,
}

impl Run {
    fn ready_after(&self) -> u64 {
        match self.behaviour {
            PodBehaviour::Good { ready_after_ms } => ready_after_ms,
            _ => 100,
        }
    }

    fn crashes(&self) -> bool {
        match &self.behaviour {
            PodBehaviour::CrashLoop { recovers_after, .. } => {
                recovers_after.is_none_or(|recovers| self.restarts < recovers)
            }
            PodBehaviour::Fails { .. } => true,
            _ => false,
        }
    }

    /// What comes next, and after how long in this stage; none when nothing more happens.
    fn next(&self, restarts_pod: bool, restart_after: u64) -> Option<(Stage, u64)> {
        let half = self.ready_after() / 2;
        match self.stage {
            Stage::Created => match self.behaviour {
                PodBehaviour::Unschedulable { .. } => Some((Stage::Unscheduled, 0)),
                _ => Some((Stage::Starting, 0)),
            },
            Stage::Unscheduled => match self.behaviour {
                PodBehaviour::Unschedulable { for_ms: Some(length) } => Some((Stage::Starting, length)),
                _ => None,
            },
            Stage::Starting => match self.behaviour {
                PodBehaviour::ImageNotFound => Some((Stage::PullFailed, half)),
                _ => Some((Stage::Running, half)),
            },
            Stage::PullFailed => Some((Stage::PullBackOff, half)),
            Stage::PullBackOff | Stage::Succeeded | Stage::Failed => None,
            Stage::Running if self.crashes() => {
                let next = match self.restarts {
                    _ if !restarts_pod => Stage::Failed,
                    // The first restart is without a pause.
                    0 => Stage::Running,
                    _ => Stage::CrashBackOff,
                };
                Some((next, CRASHES_AFTER))
            }
            Stage::Running if self.behaviour == PodBehaviour::NeverReady => None,
            Stage::Running => Some((Stage::Ready, half)),
            Stage::Ready if self.ends => Some((Stage::Succeeded, self.ready_after())),
            Stage::Ready => None,
            Stage::CrashBackOff => {
                let doubled = 1_u64.checked_shl(self.restarts.saturating_sub(1)).unwrap_or(LONGEST_PAUSE);
                let doubled = doubled.min(LONGEST_PAUSE);
                Some((Stage::Running, restart_after * doubled))
            }
        }
    }
}

/// Refuses a pod that the quota of its namespace does not allow, as the rule for it says.
pub(crate) fn admit(state: &ClusterState, kind: &Kind, namespace: &str, pod: &Value) -> Result<(), Refusal> {
    if !kind.is("", "pods") {
        return Ok(());
    }
    let prefix = text(&pod["metadata"]["generateName"]);
    // A name that was made up is not told: nothing of it exists.
    let name = if prefix.is_empty() { name_of(pod) } else { prefix };
    let (workload, owner) = workload_of(state, &ObjectKey::of(kind, namespace, name), pod);
    match behaviour(state, &workload, &owner, &pod["spec"]) {
        PodBehaviour::QuotaExceeded { quota } => {
            let why = format!("exceeded quota: {quota}, requested: pods=1, used: pods=0, limited: pods=0");
            Err(Refusal::forbidden(kind, name, &why))
        }
        _ => Ok(()),
    }
}

/// What becomes of a pod now.
pub(super) fn look(state: &mut ClusterState, key: &ObjectKey, pod: &Value) {
    if pod["metadata"]["deletionTimestamp"].is_string() {
        if state.waited(key, ms(state.setup.deletion_ms)) {
            state.erase(key);
        }
        return;
    }
    if !is_active(pod) {
        return;
    }
    let uid = text(&pod["metadata"]["uid"]).to_owned();
    let mut run = match state.runs.get(&uid) {
        Some(run) => run.clone(),
        None => begin(state, key, pod),
    };
    let restarts_pod = pod["spec"]["restartPolicy"] != json!("Never");
    while let Some((stage, after)) = run.next(restarts_pod, state.setup.restart_after_ms) {
        let at = later(run.since, Duration::from_millis(after));
        if at > state.now {
            state.look_after(key, ms(after.min(wait(state.now, at))));
            break;
        }
        enter(state, pod, &mut run, stage, at);
    }
    state.runs.insert(uid, run.clone());
    assign(state, key, &run);
    if let Some(pod) = state.store.get(key).cloned() {
        let status = pod_status::of(state, &pod, &run);
        state.write_status(key, status, "kubelet");
    }
}

/// Milliseconds from one time to a later one, rounded up.
fn wait(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.duration_since(from).as_millis()).unwrap_or_default() + 1
}

fn begin(state: &ClusterState, key: &ObjectKey, pod: &Value) -> Run {
    let (workload, kind) = workload_of(state, key, pod);
    Run {
        behaviour: behaviour(state, &workload, &kind, &pod["spec"]),
        ends: matches!(kind.as_str(), "Job" | "CronJob"),
        stage: Stage::Created,
        since: state.now,
        restarts: 0,
        ready_at: None,
        started: String::new(),
        finished: String::new(),
    }
}

fn enter(state: &mut ClusterState, pod: &Value, run: &mut Run, stage: Stage, at: Timestamp) {
    if stage == Stage::Running && matches!(run.stage, Stage::CrashBackOff | Stage::Running) {
        run.restarts += 1;
    }
    if run.stage == Stage::Running && stage != Stage::Ready {
        run.finished = stamp(at);
    }
    (run.stage, run.since) = (stage, at);
    let container = text(&pod["spec"]["containers"][0]["name"]).to_owned();
    let image = text(&pod["spec"]["containers"][0]["image"]).to_owned();
    let told = match stage {
        Stage::Unscheduled => Some(("Warning", "FailedScheduling", pod_status::unschedulable(state))),
        Stage::Running => {
            run.started = stamp(at);
            Some(("Normal", "Started", format!("Started container {container}")))
        }
        Stage::Ready => {
            run.ready_at = Some(at);
            None
        }
        Stage::PullFailed => Some((
            "Warning",
            "Failed",
            format!("Failed to pull image {image:?}: {}", pod_status::not_found(&image)),
        )),
        Stage::PullBackOff => Some(("Normal", "BackOff", format!("Back-off pulling image {image:?}"))),
        Stage::CrashBackOff => {
            let why = format!("Back-off restarting failed container {container} in pod {}", name_of(pod));
            Some(("Warning", "BackOff", why))
        }
        Stage::Succeeded => {
            run.finished = stamp(at);
            None
        }
        _ => None,
    };
    if let Some((kind, reason, message)) = told {
        event(state, pod, (kind, reason, &message));
    }
    if stage == Stage::Running && run.behaviour == PodBehaviour::NeverReady {
        let message = "Readiness probe failed: HTTP probe failed with statuscode: 503";
        event(state, pod, ("Warning", "Unhealthy", message));
    }
}

/// Binds a scheduled pod to a node.
fn assign(state: &mut ClusterState, key: &ObjectKey, run: &Run) {
    let Some(mut pod) = state.store.get(key).cloned() else { return };
    if matches!(run.stage, Stage::Created | Stage::Unscheduled) || pod["spec"]["nodeName"].is_string() {
        return;
    }
    let nodes = nodes(state);
    let number = state.runs.len() % nodes.len().max(1);
    pod["spec"]["nodeName"] = nodes.get(number).cloned().unwrap_or_else(|| "node".to_owned()).into();
    state.write_object(key, pod, "kube-scheduler");
}

/// Since when a pod is ready; none when it is not.
pub(super) fn ready_since(state: &ClusterState, pod: &Value) -> Option<Timestamp> {
    let run = state.runs.get(text(&pod["metadata"]["uid"]))?;
    run.ready_at.filter(|_| run.stage == Stage::Ready)
}

/// What a container has written. The first one writes what its rule says, and with every restart the same again.
pub(crate) fn written(state: &ClusterState, pod: &Value, container: &str) -> Vec<String> {
    let first = pod["spec"]["containers"][0]["name"] == container;
    let run = state.runs.get(text(&pod["metadata"]["uid"]));
    match run.map(|run| &run.behaviour) {
        Some(PodBehaviour::CrashLoop { logs, .. } | PodBehaviour::Fails { logs, .. }) if first => {
            logs.clone()
        }
        _ => vec![format!("{container} started")],
    }
}

/// A condition of a pod.
pub(super) fn pod_condition(
    state: &ClusterState,
    pod: &Value,
    (kind, holds): (&str, bool),
    (reason, message): (&str, &str),
) -> Value {
    let mut condition = conditioned(state, pod, (kind, holds, reason, message));
    condition["lastProbeTime"] = Value::Null;
    condition
}
