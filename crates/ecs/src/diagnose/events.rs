//! Causes that only the service's events tell: no task was started, so no task can say why.

use landfall_core::Cause;

use super::group::normalised;
use crate::facts::Service;
use crate::memory::Watch;

/// Words of an event, the cause they mean, and the next step. Texts: "Amazon ECS service event messages" in the
/// developer guide. The first that fits is taken, so that a reason goes before "unable to place a task".
const TABLE: [(&[&str], &str, &str); 9] = [
    (
        &["capacity is unavailable", "insufficient capacity"],
        "no-capacity",
        "AWS has no capacity of this kind at the moment: try again later, or allow more subnets (availability zones) or \
         another capacity provider; the image is not at fault",
    ),
    (
        &["reached the limit on the number of tasks", "vcpu limit"],
        "quota-reached",
        "ask for a higher quota of Fargate tasks or vCPUs, or end tasks that are not needed",
    ),
    (
        &["resource:eni", "enough free addresses"],
        "network-interface",
        "the instances have no free network interface, or the subnet no free address: ENI trunking, more instances or a \
         larger subnet help",
    ),
    (
        &["unable to place a task"],
        "unable-to-place",
        "make room: add container instances or capacity, or ask for less CPU, memory or ports in the task definition",
    ),
    (
        &["is unhealthy in (target-group", "failed elb health checks", "is unhealthy in (elb"],
        "load-balancer-health",
        "check the target group's path, port and expected codes, and whether the grace period is longer than the start",
    ),
    (
        &["unable to assume the service linked role", "awsserviceroleforecs"],
        "service-linked-role",
        SERVICE_LINKED_ROLE,
    ),
    (
        &["unable to assume the role", "unable to assume role"],
        "role-unusable",
        "check that the role exists and that its trust policy names ecs-tasks.amazonaws.com; a new role takes a minute",
    ),
    (
        &["operations are being throttled"],
        "scheduler-throttled",
        "ECS is throttled in this account: others deploy at the same time; it goes on by itself",
    ),
    (
        &["was unable to start a task", "unable to consistently start tasks"],
        "tasks-do-not-start",
        "look at the reasons of the service's stopped tasks",
    ),
];

/// How the role that ECS itself works with is made, once in an account.
pub(crate) const SERVICE_LINKED_ROLE: &str =
    "create it once in the account: aws iam create-service-linked-role --aws-service-name ecs.amazonaws.com";

fn meaning(message: &str) -> Option<(&'static str, &'static str)> {
    let lower = message.to_lowercase();
    let fits = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    TABLE.iter().find(|(words, ..)| fits(words)).map(|(_, code, hint)| (*code, *hint))
}

/// Causes in the events since the deployment began, equal ones counted.
pub(super) fn causes(service: &Service, watch: &Watch) -> Vec<Cause> {
    let mut found: Vec<(Cause, String)> = Vec::new();
    for event in service.events_since(watch.deployment.created_at) {
        let Some((code, hint)) = meaning(&event.message) else { continue };
        let key = format!("{code} {}", normalised(&event.message));
        match found.iter_mut().find(|(_, known)| *known == key) {
            Some((cause, _)) => cause.count += 1,
            None => found.push((Cause::new(code, &event.message).with_hint(hint), key)),
        }
    }
    found.into_iter().map(|(cause, _)| cause).collect()
}

/// What a load balancer said, in an event that a task `is unhealthy in (target-group ...) due to (reason ...)`.
pub(super) fn reason(message: &str) -> Option<&str> {
    message.split_once("due to (reason ")?.1.trim_end_matches('.').strip_suffix(')')
}

/// How much trouble the events show: those that mean a cause, and tasks started beyond those that are wanted, for one
/// that is started again has stopped. ECS counts neither among the failed tasks.
pub(crate) fn trouble(service: &Service, watch: &Watch) -> u64 {
    let (mut causes, mut started) = (0, 0);
    for event in service.events_since(watch.deployment.created_at) {
        causes += u64::from(meaning(&event.message).is_some());
        started += tasks_started(&event.message);
    }
    causes + started.saturating_sub(service.desired_count)
}

/// `(service web) has started 2 tasks: (task ...) (task ...).`
fn tasks_started(message: &str) -> u64 {
    let count = message.split_once(" has started ").and_then(|(_, rest)| rest.split_once(" tasks"));
    count.and_then(|(count, _)| count.parse().ok()).unwrap_or(0)
}
