//! The status of a pod, as the kubelet writes it at each stage.

use serde_json::{Value, json};

use super::nodes;
use super::pods::pod_condition;
use super::run::{Run, Stage};
use super::workload::text;
use crate::kubernetes::items;
use crate::kubernetes::setup::PodBehaviour;
use crate::kubernetes::state::ClusterState;

/// What the scheduler says about a pod that no node takes.
pub(super) fn unschedulable(state: &ClusterState) -> String {
    let nodes = nodes(state).len();
    format!(
        "0/{nodes} nodes are available: {nodes} Insufficient cpu. preemption: 0/{nodes} nodes are available: {nodes} No \
         preemption victims found for incoming pod."
    )
}

/// What kubelet, container runtime or registry say about a container that is not started.
pub(super) fn said(run: &Run, image: &str) -> String {
    match &run.behaviour {
        PodBehaviour::PullFails { message } | PodBehaviour::Waits { message, .. } => {
            message.replace("{image}", image)
        }
        _ => not_found(image),
    }
}

/// What containerd says about an image that its registry does not have.
fn not_found(image: &str) -> String {
    format!(
        "rpc error: code = NotFound desc = failed to pull and unpack image {image:?}: failed to resolve reference \
         {image:?}: {image}: not found"
    )
}

pub(super) fn of(state: &ClusterState, pod: &Value, run: &Run) -> Value {
    let ready = run.stage == Stage::Ready;
    let scheduled = !matches!(run.stage, Stage::Created | Stage::Unscheduled);
    let phase = match run.stage {
        Stage::Created
        | Stage::Unscheduled
        | Stage::Starting
        | Stage::PullFailed
        | Stage::PullBackOff
        | Stage::Waiting => "Pending",
        Stage::Running | Stage::CrashBackOff if run.in_init() => "Pending",
        Stage::Running | Stage::Ready | Stage::CrashBackOff => "Running",
        Stage::Succeeded => "Succeeded",
        Stage::Failed => "Failed",
    };
    let mut status = json!({ "phase": phase, "qosClass": "BestEffort" });
    let unready = format!("containers with unready status: [{}]", unready_names(pod, run));
    let waits = match run.stage {
        Stage::Succeeded => ("PodCompleted", ""),
        Stage::Failed => ("PodFailed", ""),
        _ if ready => ("", ""),
        _ => ("ContainersNotReady", unready.as_str()),
    };
    let condition =
        |kind: &str, holds: bool, why: (&str, &str)| pod_condition(state, pod, (kind, holds), why);
    if let (Stage::Failed, PodBehaviour::Evicted { message }) = (run.stage, &run.behaviour) {
        status["reason"] = json!("Evicted");
        status["message"] = message.as_str().into();
    }
    if scheduled {
        let first = text(&pod["spec"]["initContainers"][0]["name"]);
        let incomplete = format!("containers with incomplete status: [{first}]");
        let waits_for_init = ("ContainersNotInitialized", incomplete.as_str());
        status["conditions"] = json!([
            condition("Initialized", !run.in_init(), if run.in_init() { waits_for_init } else { ("", "") }),
            condition("Ready", ready, waits),
            condition("ContainersReady", ready, waits),
            condition("PodScheduled", true, ("", ""))
        ]);
        status["startTime"] = pod["metadata"]["creationTimestamp"].clone();
        status["hostIP"] = json!("10.0.0.1");
        let containers = items(&pod["spec"]["containers"]).iter().enumerate();
        let statuses: Vec<Value> =
            containers.map(|(number, container)| container_status(container, run, number == 0)).collect();
        status["containerStatuses"] = statuses.into();
        let init: Vec<Value> = items(&pod["spec"]["initContainers"])
            .iter()
            .enumerate()
            .map(|(number, container)| init_status(container, run, number == 0))
            .collect();
        if !init.is_empty() {
            status["initContainerStatuses"] = init.into();
        }
    } else if run.stage == Stage::Unscheduled {
        let message = unschedulable(state);
        status["conditions"] = json!([condition("PodScheduled", false, ("Unschedulable", &message))]);
    }
    status
}

fn unready_names(pod: &Value, run: &Run) -> String {
    let containers = items(&pod["spec"]["containers"]).iter();
    let all = matches!(run.stage, Stage::Starting) || run.in_init();
    let names = containers.enumerate().filter(|(number, _)| all || *number == 0);
    names.map(|(_, container)| text(&container["name"])).collect::<Vec<_>>().join(" ")
}

fn waiting(reason: &str, message: &str) -> Value {
    let mut waiting = json!({ "reason": reason });
    if !message.is_empty() {
        waiting["message"] = message.into();
    }
    json!({ "waiting": waiting })
}

/// How a container ended.
fn ended(run: &Run, (code, reason): (u8, &str)) -> Value {
    json!({ "terminated": {
        "exitCode": code,
        "reason": reason,
        "startedAt": run.started,
        "finishedAt": run.finished
    } })
}

/// The state of the container that has the trouble of its pod.
fn troubled(container: &Value, run: &Run) -> Value {
    let image = text(&container["image"]);
    match run.stage {
        Stage::PullFailed => waiting("ErrImagePull", &said(run, image)),
        Stage::PullBackOff => {
            let why = format!("Back-off pulling image {image:?}: ErrImagePull: {}", said(run, image));
            waiting("ImagePullBackOff", &why)
        }
        Stage::Waiting => match &run.behaviour {
            PodBehaviour::Waits { reason, .. } => waiting(reason, &said(run, image)),
            _ => waiting("ContainerCreating", ""),
        },
        Stage::CrashBackOff => {
            let why = format!("back-off 10s restarting failed container={}", text(&container["name"]));
            waiting("CrashLoopBackOff", &why)
        }
        Stage::Failed => ended(run, run.exit()),
        _ => other(run),
    }
}

/// The state of a container without trouble.
fn other(run: &Run) -> Value {
    match run.stage {
        Stage::Created | Stage::Unscheduled | Stage::Starting => waiting("ContainerCreating", ""),
        Stage::Succeeded | Stage::Failed => ended(run, (0, "Completed")),
        _ => json!({ "running": { "startedAt": run.started } }),
    }
}

/// The status of a container. Only the first one has the troubles of its pod; the others run.
fn container_status(container: &Value, run: &Run, first: bool) -> Value {
    if run.in_init() {
        return described(container, &waiting("PodInitializing", ""), (false, 0, json!({})));
    }
    let state = if first { troubled(container, run) } else { other(run) };
    let up = state["running"].is_object();
    let ready = if first { run.stage == Stage::Ready } else { up };
    described(container, &state, (ready, if first { run.restarts } else { 0 }, last(run, first)))
}

/// The status of an init container: the first one may have the trouble, and those after it wait.
fn init_status(container: &Value, run: &Run, first: bool) -> Value {
    if !run.in_init() {
        let state = match run.stage {
            Stage::Starting => waiting("PodInitializing", ""),
            _ => ended(run, (0, "Completed")),
        };
        let done = state["terminated"].is_object();
        return described(container, &state, (done, 0, json!({})));
    }
    let state = if first { troubled(container, run) } else { waiting("PodInitializing", "") };
    described(container, &state, (false, if first { run.restarts } else { 0 }, last(run, first)))
}

/// How the run before this one ended.
fn last(run: &Run, first: bool) -> Value {
    if first && run.restarts > 0 { ended(run, run.exit()) } else { json!({}) }
}

fn described(container: &Value, state: &Value, (ready, restarts, last): (bool, u32, Value)) -> Value {
    let image = text(&container["image"]);
    let up = state["running"].is_object();
    json!({
        "name": container["name"],
        "image": image,
        "imageID": if up { format!("{image}@sha256:simulated") } else { String::new() },
        "state": state,
        "lastState": last,
        "ready": ready,
        "restartCount": restarts,
        "started": up
    })
}
