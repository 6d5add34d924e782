//! The status of a Deployment: its counts and its conditions, as in `pkg/controller/deployment/sync.go` and `progress.go`.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::clock::{later, ms};
use crate::kubernetes::state::ClusterState;
use crate::kubernetes::store::ObjectKey;

use super::deployment::Rollout;
use super::workload::{condition, conditioned, count, counts, name_of, text};

/// Stands for no deadline: the largest number of 32 bits.
const NO_DEADLINE: i64 = 2_147_483_647;

pub(super) fn set_condition(status: &mut Value, condition: Value) {
    if !status.is_object() {
        *status = json!({});
    }
    if !status["conditions"].is_array() {
        status["conditions"] = json!([]);
    }
    if let Some(all) = status["conditions"].as_array_mut() {
        all.retain(|one| one["type"] != condition["type"]);
        all.push(condition);
    }
}

fn remove_condition(status: &mut Value, kind: &str) {
    if let Some(all) = status["conditions"].as_array_mut() {
        all.retain(|one| one["type"] != kind);
    }
}

pub(super) fn of(state: &mut ClusterState, key: &ObjectKey, deployment: &Value, rollout: &Rollout) -> Value {
    let sum = |field: &str| rollout.all().map(|set| count(&set["status"][field])).sum::<i64>();
    let (replicas, ready, available) = (sum("replicas"), sum("readyReplicas"), sum("availableReplicas"));
    let updated = rollout.new.as_ref().map_or(0, |set| count(&set["status"]["replicas"]));
    let wanted = rollout.wanted();
    let mut status = json!({ "observedGeneration": deployment["metadata"]["generation"] });
    counts(
        &mut status,
        &[
            ("replicas", replicas),
            ("updatedReplicas", updated),
            ("readyReplicas", ready),
            ("availableReplicas", available),
            ("unavailableReplicas", (rollout.total() - available).max(0)),
        ],
    );
    status["conditions"] = deployment["status"]["conditions"].as_array().cloned().unwrap_or_default().into();
    let enough = available >= wanted - rollout.unavailable();
    let (reason, message) = if enough {
        ("MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        ("MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    };
    if condition(deployment, "Available")["reason"] != reason {
        set_with_update(state, deployment, &mut status, ("Available", enough, reason, message));
    }
    progress(state, key, deployment, rollout, &mut status);
    let failure =
        rollout.all().map(|set| condition(set, "ReplicaFailure")).find(|one| one["status"] == json!("True"));
    match failure {
        Some(failure) => {
            let (reason, message) =
                (text(&failure["reason"]).to_owned(), text(&failure["message"]).to_owned());
            if condition(deployment, "ReplicaFailure")["message"] != message {
                set_with_update(state, deployment, &mut status, ("ReplicaFailure", true, &reason, &message));
            }
        }
        None => remove_condition(&mut status, "ReplicaFailure"),
    }
    status
}

fn set_with_update(
    state: &ClusterState,
    deployment: &Value,
    status: &mut Value,
    condition: (&str, bool, &str, &str),
) {
    let mut condition = conditioned(state, deployment, condition);
    condition["lastUpdateTime"] = state.stamp().into();
    set_condition(status, condition);
}

/// The condition Progressing. One that says the deadline has passed stays until there is progress: a rollback to an old
/// ReplicaSet begins with it.
fn progress(
    state: &mut ClusterState,
    key: &ObjectKey,
    deployment: &Value,
    rollout: &Rollout,
    status: &mut Value,
) {
    let deadline =
        deployment["spec"]["progressDeadlineSeconds"].as_i64().filter(|limit| *limit != NO_DEADLINE);
    let Some(deadline) = deadline.filter(|_| deployment["spec"]["paused"] != json!(true)) else { return };
    let current = condition(deployment, "Progressing");
    let number = |field: &str| count(&status[field]);
    let complete = text(&current["reason"]) == "NewReplicaSetAvailable"
        && number("replicas") == number("updatedReplicas");
    if complete {
        return;
    }
    let (wanted, before) = (rollout.wanted(), &deployment["status"]);
    let name = rollout.new.as_ref().map_or("", name_of).to_owned();
    let done =
        ["updatedReplicas", "replicas", "availableReplicas"].iter().all(|field| number(field) == wanted)
            && rollout.new.is_some();
    let old = |status: &Value| count(&status["replicas"]) - count(&status["updatedReplicas"]);
    let more = |field: &str| number(field) > count(&before[field]);
    let moving = more("updatedReplicas")
        || old(status) < old(before)
        || more("readyReplicas")
        || more("availableReplicas");
    if done {
        let message = format!("ReplicaSet {name:?} has successfully progressed.");
        set_with_update(state, deployment, status, ("Progressing", true, "NewReplicaSetAvailable", &message));
    } else if moving {
        let message = format!("ReplicaSet {name:?} is progressing.");
        set_with_update(state, deployment, status, ("Progressing", true, "ReplicaSetUpdated", &message));
    } else if text(&current["reason"]) != "ProgressDeadlineExceeded" {
        let updated: Option<Timestamp> = text(&current["lastUpdateTime"]).parse().ok();
        let until =
            later(updated.unwrap_or(state.now), ms(u64::try_from(deadline).unwrap_or_default() * 1_000));
        if state.now >= until {
            let message = format!("ReplicaSet {name:?} has timed out progressing.");
            set_with_update(
                state,
                deployment,
                status,
                ("Progressing", false, "ProgressDeadlineExceeded", &message),
            );
        } else {
            state.look_at(key, until);
        }
    }
}
