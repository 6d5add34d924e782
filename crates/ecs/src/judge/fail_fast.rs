//! Whether a deployment that AWS would not end is beyond hope.
//!
//! Without a circuit breaker ECS starts tasks of an image that does not exist for ever, and a wait for them burns all of
//! its time. The end of such a wait is landfall's judgement and is told as that.

use landfall_core::Cause;

use super::Facts;
use crate::facts::{RolloutStatus, Service, ServiceDeployment};
use crate::memory::{Purpose, Watch};

/// How many tasks must have stopped for the same reason. The smallest number of failures for which the circuit breaker of
/// ECS ends a deployment by default ("Deployment circuit breaker" in the developer guide): where AWS gives up at the
/// earliest, so does landfall.
pub(crate) const TASKS: u32 = 3;

/// A cause that does not pass by itself, and how many tasks of our deployment stopped for it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Repeated {
    pub(crate) code: String,
    pub(crate) tasks: u32,
}

/// Why the wait should end now; nothing when it should go on: too few tasks, one that runs, somebody else's deployment, or
/// an end that AWS itself will make.
pub(crate) fn judge(watch: &Watch, facts: &Facts, repeated: Option<&Repeated>) -> Option<Cause> {
    let repeated = repeated.filter(|repeated| repeated.tasks >= TASKS)?;
    let ours = matches!(watch.purpose, Purpose::Deploy | Purpose::Restore) && !watch.adopted;
    if !ours || running(watch, facts)? > 0 || is_ended_by_aws(facts) {
        return None;
    }
    let (id, tasks) = (&watch.deployment.id, repeated.tasks);
    let cause = Cause::new(
        "fail-fast",
        format!(
            "landfall, not ECS, ends the wait: {tasks} tasks of deployment {id} stopped for one reason ({}) that does not \
             pass by itself, none of its tasks runs, and no circuit breaker or alarm of the service would end it",
            repeated.code
        ),
    );
    Some(cause.with_hint(
        "mend that reason and deploy again; ECS itself goes on starting tasks until the deployment is undone or replaced",
    ))
}

/// How many tasks of our deployment run; nothing when neither answer tells.
fn running(watch: &Watch, facts: &Facts) -> Option<u64> {
    let by_deployment =
        facts.service_deployment.as_ref().map(|ours| ours.target_service_revision.running_task_count);
    let listed = facts.service.as_ref().and_then(|service| service.deployment(&watch.deployment.id));
    by_deployment.max(listed.map(|ours| ours.running_count))
}

/// Whether AWS ends it: it has begun to, or its circuit breaker counts. An alarm that merely watches does not: it measures
/// tasks that run, and none does.
fn is_ended_by_aws(facts: &Facts) -> bool {
    let ours = facts.service_deployment.as_ref();
    let ending =
        ours.is_some_and(|ours| ours.standing() == RolloutStatus::GoingBack || ours.alarm_triggered());
    ending || breaker_counts(ours, facts.service.as_ref())
}

/// By what the service deployment says; the service's configuration where that is not known.
fn breaker_counts(ours: Option<&ServiceDeployment>, service: Option<&Service>) -> bool {
    match ours.and_then(ServiceDeployment::breaker_status) {
        Some("DISABLED") => false,
        Some(_) => true,
        None => {
            service.is_none_or(|service| service.deployment_configuration.deployment_circuit_breaker.enable)
        }
    }
}
