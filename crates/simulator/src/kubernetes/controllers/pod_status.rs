//! The status of a pod, as the kubelet writes it at each stage.

use serde_json::{Value, json};

use super::nodes;
use super::pods::{Run, Stage, pod_condition};
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

/// What containerd says about an image that its registry does not have.
pub(super) fn not_found(image: &str) -> String {
    format!(
        "rpc error: code = NotFound desc = failed to pull and unpack image {image:?}: failed to resolve reference \
         {image:?}: {image}: not found"
    )
}

pub(super) fn of(state: &ClusterState, pod: &Value, run: &Run) -> Value {
    let ready = run.stage == Stage::Ready;
    let scheduled = !matches!(run.stage, Stage::Created | Stage::Unscheduled);
    let phase = match run.stage {
        Stage::Created | Stage::Unscheduled | Stage::Starting | Stage::PullFailed | Stage::PullBackOff => {
            "Pending"
        }
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
    if scheduled {
        status["conditions"] = json!([
            condition("Initialized", true, ("", "")),
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
    } else if run.stage == Stage::Unscheduled {
        let message = unschedulable(state);
        status["conditions"] = json!([condition("PodScheduled", false, ("Unschedulable", &message))]);
    }
    status
}

fn unready_names(pod: &Value, run: &Run) -> String {
    let containers = items(&pod["spec"]["containers"]).iter();
    let all = matches!(run.stage, Stage::Starting);
    let names = containers.enumerate().filter(|(number, _)| all || *number == 0);
    names.map(|(_, container)| text(&container["name"])).collect::<Vec<_>>().join(" ")
}

/// The status of a container. Only the first one has the troubles of its pod; the others run.
fn container_status(container: &Value, run: &Run, first: bool) -> Value {
    let image = text(&container["image"]);
    let waiting = |reason: &str, message: String| {
        let mut waiting = json!({ "reason": reason });
        if !message.is_empty() {
            waiting["message"] = message.into();
        }
        json!({ "waiting": waiting })
    };
    let running = || json!({ "running": { "startedAt": run.started } });
    let ended = |code: u64, reason: &str| {
        json!({ "terminated": {
            "exitCode": code,
            "reason": reason,
            "startedAt": run.started,
            "finishedAt": run.finished
        } })
    };
    let code = match run.behaviour {
        PodBehaviour::CrashLoop { exit_code, .. } | PodBehaviour::Fails { exit_code, .. } => {
            u64::from(exit_code)
        }
        _ => 0,
    };
    let reason = if code == 137 { "OOMKilled" } else { "Error" };
    let state = match run.stage {
        Stage::Created | Stage::Unscheduled | Stage::Starting => waiting("ContainerCreating", String::new()),
        Stage::PullFailed if first => waiting("ErrImagePull", not_found(image)),
        Stage::PullBackOff if first => {
            let why = format!("Back-off pulling image {image:?}: ErrImagePull: {}", not_found(image));
            waiting("ImagePullBackOff", why)
        }
        Stage::CrashBackOff if first => {
            let name = text(&container["name"]);
            let why = format!("back-off 10s restarting failed container={name}");
            waiting("CrashLoopBackOff", why)
        }
        Stage::Succeeded => ended(0, "Completed"),
        Stage::Failed if first => ended(code, reason),
        Stage::Failed => ended(0, "Completed"),
        _ => running(),
    };
    let crashed = first && run.restarts > 0;
    let up = state["running"].is_object();
    let ready = if first { run.stage == Stage::Ready } else { up };
    let restarts = if first { run.restarts } else { 0 };
    json!({
        "name": container["name"],
        "image": image,
        "imageID": if up { format!("{image}@sha256:simulated") } else { String::new() },
        "state": state,
        "lastState": if crashed { ended(code, reason) } else { json!({}) },
        "ready": ready,
        "restartCount": restarts,
        "started": up
    })
}
