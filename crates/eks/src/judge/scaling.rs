//! Autoscalers and disruption budgets.

use landfall_core::event::Level;

use super::{Judgement, not_true};
use crate::facts::Object;

/// A HorizontalPodAutoscaler that finds what it scales. Whether it has metrics yet decides nothing: they come a minute
/// after the pods.
pub(super) fn autoscaler(object: Object<'_>) -> Judgement {
    let Some(able) = object.condition("AbleToScale") else {
        return Judgement::waiting("the autoscaler to look at it");
    };
    if !able.is("True") {
        return Judgement::waiting(not_true(object, able));
    }
    match object.condition("ScalingActive").filter(|active| !active.is("True")) {
        Some(active) => Judgement::ready().noting(
            Level::Warning,
            "not-scaling",
            format!("{} does not scale yet{}", object.named(), active.why()),
        ),
        None => Judgement::ready(),
    }
}

/// A PodDisruptionBudget that its controller has counted.
pub(super) fn budget(object: Object<'_>) -> Judgement {
    let expected = object.at("status.expectedPods").count();
    let failing = object.condition("DisruptionAllowed").filter(|condition| condition.reason == "SyncFailed");
    if let Some(condition) = failing {
        return Judgement::waiting(not_true(object, condition));
    }
    if expected > 0 && object.at("status.disruptionsAllowed").number() == Some(0) {
        let healthy = object.at("status.currentHealthy").count();
        let text = format!(
            "{} allows no pod to be evicted now ({healthy} of {expected} healthy), which holds up drains of nodes",
            object.named()
        );
        return Judgement::ready().noting(Level::Info, "no-disruption-allowed", text);
    }
    Judgement::ready()
}
