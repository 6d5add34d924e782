//! Jobs: pods that end.
//! <https://kubernetes.io/docs/concepts/workloads/controllers/job/>

use serde_json::{Value, json};

use crate::clock::ms;
use crate::kubernetes::state::ClusterState;
use crate::kubernetes::store::ObjectKey;
use crate::kubernetes::write::DeleteOptions;

use super::CONTROLLER;
use super::workload::{
    condition, conditioned, controlled, count, counts, create, delete_pod, event, is_active, is_stale,
    is_true, name_of, pod_of, text,
};

pub(super) fn look(state: &mut ClusterState, key: &ObjectKey, job: &Value) {
    if job["metadata"]["deletionTimestamp"].is_string() || is_stale(state, key, job) {
        return;
    }
    if is_true(job, "Complete") || is_true(job, "Failed") {
        return expire(state, key, job);
    }
    let pods = controlled(state, job, "", "pods");
    let in_phase = |phase: &str| pods.iter().filter(|pod| pod["status"]["phase"] == phase).count();
    let number = |count: usize| i64::try_from(count).unwrap_or_default();
    let (succeeded, failed) = (number(in_phase("Succeeded")), number(in_phase("Failed")));
    let active: Vec<&Value> = pods.iter().filter(|pod| is_active(pod)).collect();
    let restarts: i64 =
        active.iter().map(|pod| count(&pod["status"]["containerStatuses"][0]["restartCount"])).sum();
    let wanted = job["spec"]["completions"].as_i64().unwrap_or(1);
    let mut status = job["status"].clone();
    if !status.is_object() {
        status = json!({});
    }
    if job["spec"]["suspend"] == json!(true) {
        for pod in active {
            delete_pod(state, pod);
        }
        let suspended = condition_now(state, job, ("Suspended", true, "JobSuspended", "Job suspended"));
        status["conditions"] = json!([suspended]);
        return state.write_status(key, status, CONTROLLER);
    }
    if status["startTime"].is_null() {
        status["startTime"] = state.stamp().into();
    }
    let too_often = failed + restarts > count(&job["spec"]["backoffLimit"]);
    if succeeded >= wanted {
        end(state, job, &mut status, &End::Complete);
    } else if too_often {
        for pod in &active {
            delete_pod(state, pod);
        }
        end(state, job, &mut status, &End::Failed);
    } else {
        let most = count(&job["spec"]["parallelism"]).min(wanted - succeeded);
        for _ in number(active.len())..most {
            make(state, job);
        }
    }
    write(state, key, job, status, (succeeded, failed));
}

/// How a Job ends. Before that, a first condition says that it will.
enum End {
    Complete,
    Failed,
}

fn end(state: &ClusterState, job: &Value, status: &mut Value, end: &End) {
    let (first, last, reason, message) = match end {
        End::Complete => (
            "SuccessCriteriaMet",
            "Complete",
            "CompletionsReached",
            "Reached expected number of succeeded pods",
        ),
        End::Failed => {
            ("FailureTarget", "Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
        }
    };
    let mut conditions = status["conditions"].as_array().cloned().unwrap_or_default();
    if condition(job, first).is_null() {
        conditions.push(condition_now(state, job, (first, true, reason, message)));
    } else {
        conditions.push(condition_now(state, job, (last, true, reason, message)));
        if last == "Complete" {
            status["completionTime"] = state.stamp().into();
        }
    }
    status["conditions"] = conditions.into();
}

fn condition_now(state: &ClusterState, job: &Value, what: (&str, bool, &str, &str)) -> Value {
    let mut condition = conditioned(state, job, what);
    condition["lastProbeTime"] = state.stamp().into();
    condition
}

fn make(state: &mut ClusterState, job: &Value) {
    let prefix = format!("{}-", name_of(job));
    match create(state, "", "pods", pod_of(job, ("generateName", &prefix), &[])) {
        Ok(name) => event(state, job, ("Normal", "SuccessfulCreate", &format!("Created pod: {name}"))),
        Err(why) => {
            event(state, job, ("Warning", "FailedCreate", &format!("Error creating: {why}")));
            let key = ObjectKey::new("batch", "jobs", text(&job["metadata"]["namespace"]), name_of(job));
            state.look_after(&key, ms(1_000));
        }
    }
}

fn write(
    state: &mut ClusterState,
    key: &ObjectKey,
    job: &Value,
    mut status: Value,
    (succeeded, failed): (i64, i64),
) {
    let pods = controlled(state, job, "", "pods");
    let active = pods.iter().filter(|pod| is_active(pod)).count();
    let ready = pods.iter().filter(|pod| is_active(pod) && is_true(pod, "Ready")).count();
    for name in ["active", "succeeded", "failed"] {
        if let Some(members) = status.as_object_mut() {
            members.shift_remove(name);
        }
    }
    let number = |count: usize| i64::try_from(count).unwrap_or_default();
    counts(&mut status, &[("active", number(active)), ("succeeded", succeeded), ("failed", failed)]);
    status["ready"] = ready.into();
    status["terminating"] = json!(0);
    status["uncountedTerminatedPods"] = json!({});
    state.write_status(key, status, CONTROLLER);
}

/// A Job that has ended is deleted after its `ttlSecondsAfterFinished`.
fn expire(state: &mut ClusterState, key: &ObjectKey, job: &Value) {
    let Some(seconds) = job["spec"]["ttlSecondsAfterFinished"].as_u64() else { return };
    if state.waited(key, ms(seconds * 1_000)) {
        let Some(kind) = state.kinds.of("batch", "jobs").cloned() else { return };
        let options = DeleteOptions { propagation: "Foreground".to_owned(), ..DeleteOptions::default() };
        // It may be gone by now, which is what is wanted.
        let _ = state.delete(&kind, &key.namespace, &key.name, &options);
    }
}
