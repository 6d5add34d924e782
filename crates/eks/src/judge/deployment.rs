//! Deployments and ReplicaSets.
//!
//! Conditions and their reasons: "Deployment status" in the Kubernetes documentation
//! (<https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#deployment-status>).

use jiff::{SignedDuration, Timestamp};
use landfall_core::event::Level;
use landfall_core::{Cause, Progress};

use super::{Applied, Judgement, by_condition};
use crate::facts::{Condition, Object, command, counted};

/// The reason of condition Progressing once the deadline has passed.
pub(super) const DEADLINE_EXCEEDED: &str = "ProgressDeadlineExceeded";

/// What `progressDeadlineSeconds` is by default.
const DEFAULT_DEADLINE: i64 = 600;

/// What `progressDeadlineSeconds` is where there is no deadline: the largest 32-bit integer.
const NO_DEADLINE: i64 = 2_147_483_647;

pub(super) fn judge(object: Object<'_>, applied: &Applied, now: Option<Timestamp>) -> Judgement {
    if let Some(condition) =
        object.condition("Progressing").filter(|condition| is_beyond_deadline(*condition))
        && counts(object, condition, applied, now)
    {
        return Judgement::failed(deadline_exceeded(object, condition));
    }
    let wanted = wanted(object);
    let status = |name: &str| object.at("status").member(name).count();
    let (updated, available) = (status("updatedReplicas"), status("availableReplicas"));
    let progress = vec![
        Progress::new("new pods made", up_to(updated, wanted), Some(up_to(wanted, wanted)), "pods"),
        Progress::new("pods available", up_to(available, wanted), Some(up_to(wanted, wanted)), "pods"),
    ];
    if let Some(judged) = incomplete(object, wanted) {
        return judged.counting(progress);
    }
    let ready = Judgement::ready().counting(progress);
    if wanted > 0 {
        return ready;
    }
    ready.noting(Level::Warning, "image-not-proven", not_proven(object))
}

/// How many pods a workload wants; 1 where nothing is said.
pub(super) fn wanted(object: Object<'_>) -> i64 {
    object.at("spec.replicas").number().unwrap_or(1).max(0)
}

/// That zero pods prove nothing.
pub(super) fn not_proven(object: Object<'_>) -> String {
    format!("{} wants 0 pods, so nothing shows that its images start", object.named())
}

/// A count as progress, no more than what is wanted.
pub(super) fn up_to(count: i64, wanted: i64) -> u64 {
    u64::try_from(count.min(wanted)).unwrap_or_default()
}

/// What is still to be done before the rollout is complete; nothing when it is.
fn incomplete(object: Object<'_>, wanted: i64) -> Option<Judgement> {
    let status = |name: &str| object.at("status").member(name).count();
    let (all, updated) = (status("replicas"), status("updatedReplicas"));
    let (available, ready) = (status("availableReplicas"), status("readyReplicas"));
    let terminating = status("terminatingReplicas");
    let paused = object.at("spec.paused").is_true();
    let why = object.has("ReplicaFailure").map(Condition::why).unwrap_or_default();
    if updated < wanted {
        if paused {
            return Some(resume(object));
        }
        if object.at("spec.strategy.type").text() == Some("Recreate") && updated == 0 && all + terminating > 0
        {
            let old = counted(all + terminating, "old pod");
            return Some(Judgement::waiting(format!("{old} to end first, as strategy Recreate says")));
        }
        return Some(Judgement::waiting(format!("{updated} of {wanted} new pods to become {wanted}{why}")));
    }
    if all < wanted {
        return Some(Judgement::waiting(format!("{all} of {wanted} pods to become {wanted}{why}")));
    }
    if all > updated {
        let old = counted(all - updated, "old pod");
        return Some(Judgement::waiting(format!("{old} to end")));
    }
    if all > wanted {
        let old = counted(all - wanted, "pod");
        return Some(Judgement::waiting(format!("{old} too many to end")));
    }
    if ready < wanted {
        return Some(Judgement::waiting(format!("{ready} of {wanted} new pods to be ready")));
    }
    if available < wanted {
        let seconds = object.at("spec.minReadySeconds").count();
        return Some(Judgement::waiting(format!(
            "{available} of {wanted} new pods to be available, which takes {seconds} s of being ready"
        )));
    }
    if !paused && has_deadline(object) && !is_complete(object) {
        return Some(Judgement::waiting("the deployment controller to call the rollout complete"));
    }
    match object.condition("Available") {
        Some(condition) if condition.is("True") => None,
        Some(condition) => Some(by_condition(object, condition)),
        None => Some(Judgement::waiting("the deployment controller to call it available")),
    }
}

fn resume(object: Object<'_>) -> Judgement {
    let command = command::on(object, "rollout resume");
    Judgement::waiting_for_somebody(format!("somebody to resume the rollout, which is paused: {command}"))
}

fn has_deadline(object: Object<'_>) -> bool {
    object.at("spec.progressDeadlineSeconds").number().is_some_and(|seconds| seconds != NO_DEADLINE)
}

fn is_complete(object: Object<'_>) -> bool {
    object.has("Progressing").is_some_and(|condition| condition.reason == "NewReplicaSetAvailable")
}

fn is_beyond_deadline(condition: Condition<'_>) -> bool {
    condition.reason == DEADLINE_EXCEEDED && condition.is("False")
}

/// Whether the deadline was passed by this rollout. The controller keeps the condition of the one before it until there
/// is progress (`syncRolloutStatus` in kubernetes/pkg/controller/deployment/progress.go), so it counts when it was written
/// after the PATCH, when it was seen to appear, or when its time has passed since the PATCH.
fn counts(object: Object<'_>, condition: Condition<'_>, applied: &Applied, now: Option<Timestamp>) -> bool {
    // An object that was not changed is judged as it stands: there is no rollout before it.
    if !applied.changed || applied.within_deadline {
        return true;
    }
    let Some(at) = applied.at else { return false };
    let deadline = object.at("spec.progressDeadlineSeconds").number().unwrap_or(DEFAULT_DEADLINE);
    let written_since = condition.updated.or(condition.changed).is_some_and(|written| written > at);
    written_since || now.is_some_and(|now| now.duration_since(at) > SignedDuration::from_secs(deadline))
}

fn deadline_exceeded(object: Object<'_>, condition: Condition<'_>) -> Cause {
    let seconds = object.at("spec.progressDeadlineSeconds").number().unwrap_or(DEFAULT_DEADLINE);
    let text = format!("{} has made no progress for {seconds} s{}", object.named(), condition.why());
    Cause::new("progress-deadline", text).with_hint(format!(
        "the causes in its pods are listed beside this one where there are any; {}",
        command::describe(object)
    ))
}

/// A ReplicaSet or ReplicationController that nobody manages.
pub(super) fn replica_set(object: Object<'_>) -> Judgement {
    let wanted = wanted(object);
    let status = |name: &str| object.at("status").member(name).count();
    let (all, labelled) = (status("replicas"), status("fullyLabeledReplicas"));
    let (ready, available) = (status("readyReplicas"), status("availableReplicas"));
    let why = object.has("ReplicaFailure").map(Condition::why).unwrap_or_default();
    let progress =
        vec![Progress::new("pods available", up_to(available, wanted), Some(up_to(wanted, wanted)), "pods")];
    let judged = if all < wanted || labelled < wanted {
        Judgement::waiting(format!("{} of {wanted} pods to become {wanted}{why}", all.min(labelled)))
    } else if all > wanted {
        Judgement::waiting(format!("{} too many to end", counted(all - wanted, "pod")))
    } else if ready < wanted || available < wanted {
        Judgement::waiting(format!("{} of {wanted} pods to be ready and available", ready.min(available)))
    } else if wanted == 0 {
        Judgement::ready().noting(Level::Warning, "image-not-proven", not_proven(object))
    } else {
        Judgement::ready()
    };
    judged.counting(progress)
}
