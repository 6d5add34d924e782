//! HorizontalPodAutoscalers: they keep a workload within its bounds. Metrics never ask for more or less here.
//! <https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/>, as in `pkg/controller/podautoscaler`.

use serde_json::{Value, json};

use super::CONTROLLER;
use super::workload::{conditioned, count, event, text};
use crate::kubernetes::kinds::KindRef;
use crate::kubernetes::state::ClusterState;
use crate::kubernetes::store::ObjectKey;
use crate::kubernetes::write::Options;

/// The workload that an autoscaler scales; none when its kind is not served.
fn target(state: &ClusterState, key: &ObjectKey, autoscaler: &Value) -> Option<(KindRef, ObjectKey)> {
    let reference = &autoscaler["spec"]["scaleTargetRef"];
    let kind = state.kinds.named(text(&reference["apiVersion"]), text(&reference["kind"]))?.clone();
    let target = ObjectKey::of(&kind, &key.namespace, text(&reference["name"]));
    Some((kind, target))
}

/// True when it scales this workload.
pub(super) fn scales(
    state: &ClusterState,
    key: &ObjectKey,
    autoscaler: &Value,
    workload: &ObjectKey,
) -> bool {
    target(state, key, autoscaler).is_some_and(|(_, target)| target == *workload)
}

pub(super) fn look(state: &mut ClusterState, key: &ObjectKey, autoscaler: &Value) {
    let found = target(state, key, autoscaler);
    let scale = found.and_then(|(kind, target)| {
        let scale = state.scale(&kind, &target.namespace, &target.name).ok()?;
        Some((kind, target, scale))
    });
    let Some((kind, target, mut scale)) = scale else {
        let why = format!(
            "the HPA controller was unable to get the target's current scale: {} {:?} not found",
            text(&autoscaler["spec"]["scaleTargetRef"]["kind"]),
            text(&autoscaler["spec"]["scaleTargetRef"]["name"])
        );
        let able = conditioned(state, autoscaler, ("AbleToScale", false, "FailedGetScale", &why));
        let status = json!({ "currentReplicas": 0, "desiredReplicas": 0, "conditions": [able] });
        return state.write_status(key, status, CONTROLLER);
    };
    let spec = &autoscaler["spec"];
    let (current, least, most) =
        (count(&scale["spec"]["replicas"]), count(&spec["minReplicas"]), count(&spec["maxReplicas"]));
    // Who scales to none by hand turns the autoscaler off.
    let wanted = if current == 0 { 0 } else { current.min(most).max(least) };
    let mut rescaled = None;
    if wanted != current {
        scale["spec"]["replicas"] = wanted.into();
        let options = Options { subresource: "scale".to_owned(), ..Options::of(CONTROLLER) };
        if state.update(&kind, &target.namespace, &target.name, scale, &options).is_ok() {
            let bound = if wanted > current { "below Spec.MinReplicas" } else { "above Spec.MaxReplicas" };
            let message = format!("New size: {wanted}; reason: Current number of replicas {bound}");
            event(state, autoscaler, ("Normal", "SuccessfulRescale", &message));
            rescaled = Some(state.stamp());
        }
    }
    let status = status(state, autoscaler, (current, wanted), rescaled);
    state.write_status(key, status, CONTROLLER);
}

fn status(
    state: &ClusterState,
    autoscaler: &Value,
    (current, wanted): (i64, i64),
    rescaled: Option<String>,
) -> Value {
    let able = match rescaled {
        Some(_) => {
            let why = format!("the HPA controller was able to update the target scale to {wanted}");
            conditioned(state, autoscaler, ("AbleToScale", true, "SucceededRescale", &why))
        }
        None => {
            let why = "recommended size matches current size";
            conditioned(state, autoscaler, ("AbleToScale", true, "ReadyForNewScale", why))
        }
    };
    let active = if wanted == 0 {
        let why = "scaling is disabled since the replica count of the target is zero";
        conditioned(state, autoscaler, ("ScalingActive", false, "ScalingDisabled", why))
    } else {
        let why = "the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of \
                   request)";
        conditioned(state, autoscaler, ("ScalingActive", true, "ValidMetricFound", why))
    };
    let mut status =
        json!({ "currentReplicas": current, "desiredReplicas": wanted, "conditions": [able, active] });
    let before = autoscaler["status"]["lastScaleTime"].as_str().map(str::to_owned);
    if let Some(at) = rescaled.or(before) {
        status["lastScaleTime"] = at.into();
    }
    status
}
