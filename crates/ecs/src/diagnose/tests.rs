//! Real texts of ECS and container runtimes, and the cause they must come to.

use serde_json::{Value, json};

use super::classify::stopped;
use super::group::{group, normalised};
use crate::facts::{self, Task, TaskDefinition};

fn task(stop_code: &str, reason: &str, containers: &[Value]) -> Task {
    facts::read(json!({
        "taskArn": "arn:aws:ecs:eu-central-1:111122223333:task/demo/0123456789abcdef0123456789abcdef",
        "taskDefinitionArn": "arn:aws:ecs:eu-central-1:111122223333:task-definition/web:3",
        "lastStatus": "STOPPED", "stopCode": stop_code, "stoppedReason": reason, "containers": containers,
    }))
    .unwrap()
}

fn definition() -> TaskDefinition {
    facts::read(json!({
        "memory": "512",
        "containerDefinitions": [
            { "name": "web", "image": "registry.example.com/web:9", "essential": true, "memory": 256 },
            { "name": "sidecar", "image": "sidecar:3", "essential": false },
        ],
    }))
    .unwrap()
}

fn code(stop_code: &str, reason: &str, containers: &[Value]) -> Option<&'static str> {
    stopped(&task(stop_code, reason, containers), Some(&definition())).first().map(|finding| finding.code)
}

#[test]
fn reasons_of_stopped_tasks_come_to_their_cause() {
    let failed = "TaskFailedToStart";
    let rows: &[(&str, &str)] = &[
        (
            "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref web:9: web:9: not found",
            "image-not-found",
        ),
        (
            "CannotPullContainerError: Error response from daemon: manifest for web:9 not found: manifest unknown",
            "image-not-found",
        ),
        (
            "CannotPullContainerError: pull access denied for web, repository does not exist or may require 'docker login'",
            "image-pull-denied",
        ),
        (
            "CannotPullContainerError: AccessDeniedException: User is not authorized to perform: ecr:BatchGetImage",
            "image-pull-denied",
        ),
        ("CannotPullContainerError: dial tcp 10.0.0.7:443: i/o timeout", "image-pull-network"),
        (
            "CannotPullContainerError: toomanyrequests: You have reached your pull rate limit",
            "pull-rate-limited",
        ),
        ("CannotPullContainerError: failed to register layer: no space left on device", "disk-full"),
        (
            "CannotPullContainerError: image Manifest does not contain descriptor matching platform 'linux/arm64'",
            "wrong-architecture",
        ),
        (
            "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: i/o timeout",
            "startup-network",
        ),
        (
            "ResourceInitializationError: unable to retrieve secret from asm: ResourceNotFoundException",
            "secret-missing",
        ),
        (
            "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secret from asm: service call has been retried 1 time(s): AccessDeniedException: User is not authorized to perform: secretsmanager:GetSecretValue",
            "secret-denied",
        ),
        (
            "ResourceInitializationError: unable to retrieve secret from asm: retrieved secret from Secrets Manager did not contain json key url",
            "secret-missing",
        ),
        (
            "ResourceInitializationError: unable to retrieve secrets from ssm: service call has been retried 5 time(s): RequestCanceled: context deadline exceeded",
            "startup-network",
        ),
        ("ResourceInitializationError: unable to retrieve secret from asm: unknown", "secret-unavailable"),
        (
            "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve ecr registry auth: AccessDeniedException: not authorized to perform: ecr:GetAuthorizationToken",
            "image-pull-denied",
        ),
        ("CannotPullContainerError: ref web@sha256:40312403abc: not found", "image-not-found"),
        (
            "ResourceInitializationError: failed to download env files: file download command: StatusCode: 403, api error Forbidden",
            "environment-file",
        ),
        (
            "ResourceInitializationError: failed to validate logger args: The task cannot find the Amazon CloudWatch log group. There is a connection issue between the task and Amazon CloudWatch",
            "startup-network",
        ),
        (
            "ResourceInitializationError: failed to configure ENI: failed to setup regular eni: netplugin failed",
            "network-interface",
        ),
        (
            "Unexpected EC2 error while attempting to Create Network Interface in subnet 'subnet-1': InsufficientFreeAddressesInSubnet",
            "network-interface",
        ),
        ("ResourceInitializationError: access denied to something else", "resource-initialization"),
        ("CannotCreateVolumeError: Get driver options: no", "volume-mount"),
        (
            "CannotStartContainerError: runc create failed: unable to start container process: exec: \"/srv/web\": stat /srv/web: no such file or directory: unknown",
            "bad-command",
        ),
        (
            "CannotStartContainerError: Error response from daemon: no room left in zoom",
            "container-cannot-start",
        ),
        (
            "ResourceInitializationError: failed to validate logger args: create stream has been retried: log group does not exist",
            "log-setup",
        ),
        (
            "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: mount timed out",
            "volume-mount",
        ),
        ("OutOfMemoryError: Container killed due to memory usage", "out-of-memory"),
        ("CannotStartContainerError: exec: \"/app\": executable file not found in $PATH", "bad-command"),
        ("exec /app: exec format error", "wrong-architecture"),
        ("Task failed container health checks", "container-health"),
        (
            "Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:...)",
            "load-balancer-health",
        ),
    ];
    for (reason, expected) in rows {
        assert_eq!(code(failed, reason, &[]), Some(*expected), "{reason}");
    }
}

#[test]
fn a_secret_is_named_with_its_variable_container_and_reader() {
    let arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:shop/database-AbCdEf";
    let definition: TaskDefinition = facts::read(json!({
        "executionRoleArn": "arn:aws:iam::111122223333:role/web-execution",
        "containerDefinitions": [{ "name": "web", "image": "web:9", "secrets": [
            { "name": "OTHER", "valueFrom": "arn:aws:secretsmanager:eu-central-1:111122223333:secret:other-123456" },
            { "name": "DATABASE_URL", "valueFrom": format!("{arn}:url::") },
        ] }],
    }))
    .unwrap();
    let told = |why: &str| {
        let text = format!(
            "ResourceInitializationError: unable to retrieve secret from asm: failed to fetch secret {arn}: {why}"
        );
        stopped(&task("TaskFailedToStart", &text, &[]), Some(&definition)).remove(0)
    };
    let denied = told("AccessDeniedException: is not authorized to perform: secretsmanager:GetSecretValue");
    for words in ["web-execution may not read", arn, "DATABASE_URL of container web"] {
        assert!(denied.message.contains(words), "{words}: {}", denied.message);
    }
    assert!(denied.hint.contains("secretsmanager:GetSecretValue") && !denied.message.contains("OTHER"));
    let missing = told("ResourceNotFoundException: can't find the specified secret");
    assert!(
        missing.message.contains("no such secret") && missing.message.contains(arn),
        "{}",
        missing.message
    );
}

#[test]
fn a_command_is_shown_and_the_platform_named() {
    let definition: TaskDefinition = facts::read(json!({
        "runtimePlatform": { "cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX" },
        "containerDefinitions": [{ "name": "web", "image": "web:9", "entryPoint": ["/srv/web"], "command": ["--port", "1"] }],
    }))
    .unwrap();
    let of = |reason: &str| {
        let container = json!({ "name": "web", "reason": reason });
        stopped(&task("TaskFailedToStart", reason, &[container]), Some(&definition)).remove(0).message
    };
    let command = of("CannotStartContainerError: exec: \"/srv/web\": executable file not found in $PATH");
    assert!(command.contains("[\"/srv/web\"]") && command.contains("[\"--port\", \"1\"]"), "{command}");
    let platform = of(
        "CannotPullContainerError: image Manifest does not contain descriptor matching platform 'linux/arm64'",
    );
    assert!(platform.contains("LINUX/ARM64") && platform.contains("web:9"), "{platform}");
    assert!(!format!("{definition:?}").contains("--port"), "the debug form shows the command");
}

#[test]
fn the_container_knows_more_than_the_task() {
    let container = json!({ "name": "web", "reason": "CannotPullContainerError: manifest unknown" });
    let found =
        stopped(&task("TaskFailedToStart", "Task failed to start", &[container]), Some(&definition()));
    assert_eq!(found[0].message, "container web of web:3: there is no image registry.example.com/web:9");
}

#[test]
fn only_an_essential_container_that_ended_by_itself_is_a_cause() {
    let ended = |name: &str, code: i64| json!({ "name": name, "exitCode": code });
    let reason = "Essential container in task exited";
    let found = stopped(
        &task("EssentialContainerExited", reason, &[ended("sidecar", 1), ended("web", 3)]),
        Some(&definition()),
    );
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].message, "essential container web of web:3 exited with code 3");
    assert!(found[0].logs);
}

#[test]
fn a_container_out_of_memory_is_told_with_its_limit() {
    let container = json!({ "name": "web", "exitCode": 137, "reason": "OutOfMemoryError: Container killed due to memory usage" });
    let found = stopped(
        &task("EssentialContainerExited", "Essential container in task exited", &[container]),
        Some(&definition()),
    );
    assert!(found[0].message.contains("256 MiB"), "{}", found[0].message);
}

#[test]
fn a_task_that_the_scheduler_stopped_is_no_cause() {
    let stopped_by_ecs = json!({ "name": "web", "exitCode": 143 });
    let reason = "Scaling activity initiated by (deployment ecs-svc/5434307699940903438)";
    assert_eq!(code("ServiceSchedulerInitiated", reason, &[stopped_by_ecs]), None);
}

#[test]
fn hosts_and_people_are_told_apart_from_the_image() {
    assert_eq!(code("SpotInterruption", "Your Spot Task was interrupted.", &[]), Some("host-taken-away"));
    assert_eq!(code("UserInitiated", "Task stopped by user", &[]), Some("stopped-by-a-person"));
    assert_eq!(code("SomethingNew", "because", &[]), Some("task-stopped"));
}

#[test]
fn equal_causes_of_many_tasks_are_one_with_their_number() {
    let of = |ip: u32| {
        let reason =
            format!("CannotPullContainerError: dial tcp 10.0.0.{ip}:443: i/o timeout (request 9f8e{ip})");
        stopped(&task("TaskFailedToStart", &reason, &[]), None)
    };
    let other = stopped(&task("TaskFailedToStart", "OutOfMemoryError", &[]), None);
    let groups = group(other.into_iter().chain((1..=7).flat_map(of)));
    let counts: Vec<(&str, u32)> = groups.iter().map(|group| (group.finding.code, group.count)).collect();
    assert_eq!(counts, [("image-pull-network", 7), ("out-of-memory", 1)]);
}

#[test]
fn ids_and_numbers_are_left_out_of_comparisons() {
    assert_eq!(normalised("task 0a1b failed at 10.0.0.1:443, twice"), "task # failed at #.#.#.#:#, twice");
}

/// A service with these events, newest first as ECS lists them, and what is watched.
fn eventful(messages: &[&str]) -> (facts::Service, crate::memory::Watch) {
    let events: Vec<Value> = messages
        .iter()
        .rev()
        .enumerate()
        .map(|(index, message)| json!({ "id": index.to_string(), "createdAt": 1_786_000_010, "message": message }))
        .collect();
    let service = facts::read(json!({ "serviceName": "web", "desiredCount": 2, "events": events })).unwrap();
    let watch = json!({
        "purpose": "deploy", "service_arn": "", "desired": 2, "old_tasks": 2, "before": null, "goal": null,
        "deployment": { "id": "ecs-svc/1", "created_at": "2026-08-06T07:06:40Z", "task_definition": "web:3", "service_deployment": null },
    });
    (service, serde_json::from_value(watch).unwrap())
}

#[test]
fn events_that_name_a_reason_come_to_their_cause_before_those_that_name_a_phase() {
    let rows = [
        (
            "(service web) was unable to place a task. Reason: Capacity is unavailable at this time.",
            "no-capacity",
        ),
        (
            "(service web) was unable to place a task. Reason: You've reached the limit on the number of tasks",
            "quota-reached",
        ),
        (
            "(service web) was unable to place a task because no container instance met all of its requirements. RESOURCE:ENI",
            "network-interface",
        ),
        ("(service web) was unable to place a task because no container instance met", "unable-to-place"),
        (
            "(service web) failed to launch a task with (error ECS was unable to assume the role 'arn:aws:iam::1:role/x' that",
            "role-unusable",
        ),
        (
            "(service web) failed to launch a task with (error ECS was unable to assume the role 'arn:aws:iam::1:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS' that",
            "service-linked-role",
        ),
        (
            "(service web) (task a) (port 80) is unhealthy in (target-group x) due to (reason y)",
            "load-balancer-health",
        ),
    ];
    for (message, expected) in rows {
        let (service, watch) = eventful(&[message]);
        let found: Vec<String> =
            super::events::causes(&service, &watch).into_iter().map(|cause| cause.code).collect();
        assert_eq!(found, [expected], "{message}");
    }
}

#[test]
fn trouble_is_causes_in_events_and_tasks_started_anew() {
    let trouble = |messages: &[&str]| {
        let (service, watch) = eventful(messages);
        super::trouble(&service, &watch)
    };
    let started = "(service web) has started 2 tasks: (task a) (task b).";
    let one_more = "(service web) has started 1 tasks: (task c).";
    assert_eq!(trouble(&[started, "(service web) has reached a steady state."]), 0);
    assert_eq!(trouble(&[started, one_more]), 1, "two are wanted, and three were started");
    assert_eq!(trouble(&["(service web) was unable to place a task because"]), 1);
}
