//! Jobs and CronJobs.
//!
//! Conditions: "Job termination and cleanup" and "Success policy" in the Kubernetes documentation
//! (<https://kubernetes.io/docs/concepts/workloads/controllers/job/>). `FailureTarget` and `SuccessCriteriaMet` come first
//! and decide; `Failed` and `Complete` follow when the Job's last pods have ended.

use landfall_core::event::Level;
use landfall_core::{Cause, Progress};

use super::Judgement;
use super::deployment::up_to;
use crate::facts::{Condition, Object, command};

pub(super) fn judge(object: Object<'_>) -> Judgement {
    if let Some(condition) = object.has("Failed").or_else(|| object.has("FailureTarget")) {
        return Judgement::failed(failed(object, condition));
    }
    let wanted = object.at("spec.completions").number().unwrap_or(1).max(0);
    let count = |name: &str| object.at("status").member(name).count();
    let (succeeded, failed, active) = (count("succeeded"), count("failed"), count("active"));
    let progress =
        vec![Progress::new("pods succeeded", up_to(succeeded, wanted), Some(up_to(wanted, wanted)), "pods")];
    if is_complete(object) {
        return Judgement::ready().counting(progress);
    }
    let judged = if object.has("SuccessCriteriaMet").is_some() {
        Judgement::waiting("its last pods to end; it has succeeded")
    } else if object.at("spec.suspend").is_true() {
        suspended(object)
    } else if !object.at("status.startTime").exists() {
        Judgement::waiting("the job controller to start it")
    } else {
        let failed = if failed > 0 { format!(", {failed} failed") } else { String::new() };
        Judgement::waiting(format!("{succeeded} of {wanted} pods to succeed; {active} running{failed}"))
    };
    judged.counting(progress)
}

pub(super) fn is_complete(object: Object<'_>) -> bool {
    (object.group(), object.kind()) == ("batch", "Job") && object.has("Complete").is_some()
}

/// A Job that waits in a queue of Kueue is suspended, and started by it
/// (<https://kueue.sigs.k8s.io/docs/tasks/run/jobs/>).
fn suspended(object: Object<'_>) -> Judgement {
    match object.label("kueue.x-k8s.io/queue-name") {
        Some(queue) => Judgement::waiting(format!("queue {queue} of Kueue to start it")),
        None => {
            Judgement::waiting_for_somebody("somebody to set spec.suspend to false: the Job is suspended")
        }
    }
}

fn failed(object: Object<'_>, condition: Condition<'_>) -> Cause {
    let meaning = match condition.reason {
        "BackoffLimitExceeded" => {
            let limit = object.at("spec.backoffLimit").number().unwrap_or(6);
            format!("more than {limit} of its pods failed")
        }
        "DeadlineExceeded" => {
            let seconds = object.at("spec.activeDeadlineSeconds").count();
            format!("it did not end within its activeDeadlineSeconds of {seconds} s")
        }
        "PodFailurePolicy" => "its pod failure policy ended it".to_owned(),
        "MaxFailedIndexesExceeded" => "more indexes failed than maxFailedIndexes allows".to_owned(),
        "FailedIndexes" => "some of its indexes failed".to_owned(),
        other => other.to_owned(),
    };
    let meaning = if meaning.is_empty() { String::new() } else { format!(" ({meaning})") };
    let message = condition.message.trim_end_matches('.');
    let message = if message.is_empty() { String::new() } else { format!(": {message}") };
    let text = format!("{} failed{meaning}{message}", object.named());
    Cause::new("job-failed", text)
        .with_hint(format!("the logs of its pods say why; {}", command::describe(object)))
}

pub(super) fn cron_job(object: Object<'_>) -> Judgement {
    if object.at("spec.suspend").is_true() {
        let text = format!("{} is suspended: it starts no Job", object.named());
        return Judgement::ready().noting(Level::Info, "cron-job-suspended", text);
    }
    Judgement::ready()
}
