//! Why a deployment that has not failed does not come to its end either. Asked at the deadline only.

use landfall_core::Cause;

use crate::facts::{Service, Task, short};
use crate::memory::Watch;

/// Causes from the tasks that should run, and from what is missing among them.
pub(super) fn causes(service: &Service, watch: &Watch, running: &[Task]) -> Vec<Cause> {
    let revision = short(&watch.deployment.task_definition);
    let is_pending =
        |task: &&Task| matches!(task.last_status.as_str(), "PROVISIONING" | "PENDING" | "ACTIVATING");
    let pending: Vec<&Task> = running.iter().filter(is_pending).collect();
    let unhealthy =
        running.iter().filter(|task| task.last_status == "RUNNING" && task.health_status != "HEALTHY");
    if !pending.is_empty() {
        let cause = Cause::new(
            "tasks-not-starting",
            format!("{} of {} tasks of {revision} are still {}", pending.len(), running.len(), statuses(&pending)),
        )
        .with_evidence(reasons(&pending))
        .with_hint(
            "a task that stays there usually cannot reach the registry, its secrets or its logs: check routes, NAT or \
             endpoints, and security groups of the subnets",
        );
        return vec![cause];
    }
    let unhealthy: Vec<&Task> = unhealthy.collect();
    if !unhealthy.is_empty() {
        let statuses: Vec<String> = unhealthy
            .iter()
            .map(|task| format!("task {} is {}", short(&task.task_arn), health(task)))
            .collect();
        let cause = Cause::new(
            "tasks-not-healthy",
            format!("{} tasks of {revision} run, and ECS does not call them healthy yet", unhealthy.len()),
        )
        .with_evidence(statuses)
        .with_hint(
            "check the container's health check and that of the target group; they decide when a task counts",
        );
        return vec![cause];
    }
    if !running.is_empty() {
        let old = service.tasks_of_others(&watch.deployment.id);
        return vec![remains(service, revision, old)];
    }
    vec![none_started(service, watch)]
}

/// All new tasks run, and something is still waited for.
fn remains(service: &Service, revision: &str, old: u64) -> Cause {
    if old > 0 {
        return Cause::new("old-tasks-remain", format!("all tasks of {revision} run; {old} old tasks have not ended"))
            .with_hint(
                "they drain for the deregistration delay of the target group and may take the stop timeout after that; \
                 task protection holds them longer",
            );
    }
    Cause::new(
        "not-steady",
        format!(
            "the tasks of {revision} run, and ECS has not called service {} steady",
            service.service_name
        ),
    )
    .with_hint(
        "look at the service's events; a bake time, alarms or a lifecycle hook may still be waited for",
    )
}

fn none_started(service: &Service, watch: &Watch) -> Cause {
    let configuration = &service.deployment_configuration;
    let (most, least) = (configuration.maximum_percent, configuration.minimum_healthy_percent);
    if most.is_some_and(|most| most <= 100) && least.is_some_and(|least| least >= 100) {
        return Cause::new(
            "no-room-to-roll",
            "no new task may be started: maximumPercent 100 allows none beside the old ones, and \
             minimumHealthyPercent 100 lets none of those stop",
        )
        .with_hint(
            "raise maximumPercent or lower minimumHealthyPercent in the service's deployment configuration",
        );
    }
    Cause::new(
        "no-task-started",
        format!("ECS has not started a task of {}", short(&watch.deployment.task_definition)),
    )
    .with_hint("look at the service's events; capacity, placement constraints or quotas may stand in the way")
}

fn statuses(tasks: &[&Task]) -> String {
    let mut names: Vec<&str> = tasks.iter().map(|task| task.last_status.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names.join(" or ")
}

fn reasons(tasks: &[&Task]) -> Vec<String> {
    let mut reasons: Vec<String> = tasks
        .iter()
        .flat_map(|task| &task.containers)
        .filter(|container| !container.reason.is_empty())
        .map(|container| format!("container {}: {}", container.name, container.reason))
        .collect();
    reasons.sort();
    reasons.dedup();
    reasons
}

fn health(task: &Task) -> &str {
    if task.health_status.is_empty() { "UNKNOWN" } else { &task.health_status }
}
