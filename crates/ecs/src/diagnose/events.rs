//! Causes that only the service's events tell: no task was started, so no task can say why.

use landfall_core::Cause;

use super::group::normalised;
use crate::facts::Service;
use crate::memory::Watch;

/// Words of an event, the cause they mean, and the next step. Texts: "Amazon ECS service event messages" in the
/// developer guide. The first that fits is taken.
const TABLE: [(&[&str], &str, &str); 6] = [
    (
        &["unable to place a task"],
        "unable-to-place",
        "make room: add container instances or capacity, or ask for less CPU, memory or ports in the task definition",
    ),
    (
        &["capacity is unavailable", "insufficient capacity"],
        "no-capacity",
        "AWS has no capacity of this kind at the moment: try again, or allow more subnets or another capacity provider",
    ),
    (
        &["is unhealthy in (target-group", "failed elb health checks", "is unhealthy in (elb"],
        "load-balancer-health",
        "check the target group's path, port and expected codes, and whether the grace period is longer than the start",
    ),
    (
        &["unable to assume the service linked role"],
        "service-linked-role",
        "create it: aws iam create-service-linked-role --aws-service-name ecs.amazonaws.com",
    ),
    (
        &["unable to assume the role", "unable to assume role"],
        "role-unusable",
        "check that the task and execution roles exist and trust ecs-tasks.amazonaws.com; a new role takes a minute",
    ),
    (
        &["was unable to start a task", "unable to consistently start tasks"],
        "tasks-do-not-start",
        "look at the reasons of the service's stopped tasks",
    ),
];

/// Causes in the events since the deployment began, equal ones counted.
pub(super) fn causes(service: &Service, watch: &Watch) -> Vec<Cause> {
    let mut found: Vec<(Cause, String)> = Vec::new();
    for event in service.events_since(watch.deployment.created_at) {
        let lower = event.message.to_lowercase();
        let Some((_, code, hint)) =
            TABLE.iter().find(|(words, ..)| words.iter().any(|word| lower.contains(word)))
        else {
            continue;
        };
        let key = format!("{code} {}", normalised(&event.message));
        match found.iter_mut().find(|(_, known)| *known == key) {
            Some((cause, _)) => cause.count += 1,
            None => found.push((Cause::new(*code, &event.message).with_hint(hint), key)),
        }
    }
    found.into_iter().map(|(cause, _)| cause).collect()
}
