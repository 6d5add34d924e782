//! The scheduler and the kubelets: how a pod comes to run, or does not.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::run::{Run, Stage};
use super::workload::{conditioned, event, is_active, name_of, rule, text, workload_of};
use super::{nodes, pod_status};
use crate::clock::{later, ms};
use crate::kubernetes::setup::{PodBehaviour, PodEvent};
use crate::kubernetes::state::{ClusterState, stamp};
use crate::kubernetes::store::ObjectKey;

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

fn begin(state: &mut ClusterState, key: &ObjectKey, pod: &Value) -> Run {
    let (workload, kind) = workload_of(state, key, pod);
    let rule = rule(state, &workload, &kind, &pod["spec"]).cloned().unwrap_or_default();
    for PodEvent { kind, reason, message } in &rule.events {
        event(state, pod, (kind, reason, message));
    }
    let behaviour = match rule.behaviour {
        PodBehaviour::Evicted { .. } if has_evicted(state, pod) => PodBehaviour::default(),
        PodBehaviour::InitCrashLoop { .. } if pod["spec"]["initContainers"].is_null() => {
            PodBehaviour::default()
        }
        other => other,
    };
    Run {
        behaviour,
        ends: matches!(kind.as_str(), "Job" | "CronJob"),
        stage: Stage::Created,
        since: state.now,
        restarts: 0,
        ready_at: None,
        started: String::new(),
        finished: String::new(),
    }
}

/// Whether another pod of the same owner has been evicted.
fn has_evicted(state: &ClusterState, pod: &Value) -> bool {
    let owner = |pod: &Value| pod["metadata"]["ownerReferences"][0]["uid"].clone();
    let namespace = text(&pod["metadata"]["namespace"]);
    let mut pods = state.store.of_kind("", "pods", namespace).map(|(_, one)| one);
    pods.any(|one| one["status"]["reason"] == "Evicted" && owner(one) == owner(pod))
}

fn enter(state: &mut ClusterState, pod: &Value, run: &mut Run, stage: Stage, at: Timestamp) {
    if run.stage == Stage::Running && stage != Stage::Ready {
        run.finished = stamp(at);
        if matches!(run.behaviour, PodBehaviour::FailsLiveness { .. }) {
            killed(state, pod);
        }
    }
    if stage == Stage::Running && matches!(run.stage, Stage::CrashBackOff | Stage::Running) {
        run.restarts += 1;
    }
    (run.stage, run.since) = (stage, at);
    match stage {
        Stage::Running => run.started = stamp(at),
        Stage::Ready => run.ready_at = Some(at),
        Stage::Succeeded | Stage::Failed => run.finished = stamp(at),
        _ => {}
    }
    if let Some((kind, reason, message)) = told(state, pod, run) {
        event(state, pod, (kind, reason, &message));
    }
    if stage == Stage::Running && run.behaviour == PodBehaviour::NeverReady {
        let message = "Readiness probe failed: HTTP probe failed with statuscode: 503";
        event(state, pod, ("Warning", "Unhealthy", message));
    }
}

/// What is told of a stage that begins.
fn told(state: &ClusterState, pod: &Value, run: &Run) -> Option<(&'static str, &'static str, String)> {
    let list = if run.in_init() { "initContainers" } else { "containers" };
    let first = &pod["spec"][list][0];
    let (container, image) = (text(&first["name"]), text(&first["image"]));
    let told = match run.stage {
        Stage::Unscheduled => ("Warning", "FailedScheduling", pod_status::unschedulable(state)),
        Stage::Running => ("Normal", "Started", format!("Started container {container}")),
        Stage::PullFailed => {
            let why = pod_status::said(run, image);
            ("Warning", "Failed", format!("Failed to pull image {image:?}: {why}"))
        }
        Stage::PullBackOff => ("Normal", "BackOff", format!("Back-off pulling image {image:?}")),
        Stage::Waiting => match pod_status::said(run, image) {
            nothing if nothing.is_empty() => return None,
            why => ("Warning", "Failed", format!("Error: {why}")),
        },
        Stage::CrashBackOff => {
            let why = format!("Back-off restarting failed container {container} in pod {}", name_of(pod));
            ("Warning", "BackOff", why)
        }
        Stage::Failed => match &run.behaviour {
            PodBehaviour::Evicted { message } => ("Warning", "Evicted", message.clone()),
            _ => return None,
        },
        _ => return None,
    };
    Some(told)
}

/// The kubelet kills a container for its liveness probe.
fn killed(state: &mut ClusterState, pod: &Value) {
    let container = text(&pod["spec"]["containers"][0]["name"]);
    let why = "Liveness probe failed: HTTP probe failed with statuscode: 500";
    event(state, pod, ("Warning", "Unhealthy", why));
    let message = format!("Container {container} failed liveness probe, will be restarted");
    event(state, pod, ("Normal", "Killing", &message));
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

/// What a container has written. That with the trouble writes what its rule says, and with every restart the same again.
pub(crate) fn written(state: &ClusterState, pod: &Value, container: &str) -> Vec<String> {
    let run = state.runs.get(text(&pod["metadata"]["uid"]));
    let troubled = run.is_some_and(|run| {
        let list = if run.in_init() { "initContainers" } else { "containers" };
        pod["spec"][list][0]["name"] == container
    });
    match run.and_then(Run::logs) {
        Some(logs) if troubled => logs.to_vec(),
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
