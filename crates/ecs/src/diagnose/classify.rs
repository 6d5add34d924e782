//! What the words of a stopped task mean. Pure.
//!
//! Texts: "Amazon ECS stopped tasks error messages" in the developer guide, and what container runtimes say.
//! The first row that fits is taken; rows that name a reason come before rows that only name a phase.

use super::group::Finding;
use crate::facts::{Task, TaskContainer, TaskDefinition, short};

/// A row: the phase the text must name, words of which one must be in it (none: any), cause and next step.
struct Row {
    phase: &'static str,
    words: &'static [&'static str],
    code: &'static str,
    hint: &'static str,
}

const fn row(
    phase: &'static str,
    words: &'static [&'static str],
    code: &'static str,
    hint: &'static str,
) -> Row {
    Row { phase, words, code, hint }
}

const PULL: &str = "cannotpull";
const INIT: &str = "resourceinitializationerror";
const NETWORK: &[&str] = &[
    "i/o timeout",
    "timed out",
    "timeout",
    "dial tcp",
    "connection issue",
    "deadline exceeded",
    "no route to host",
];
const NETWORK_HINT: &str = "the task's subnet needs a way to the registry: NAT, or endpoints for the registry (api and \
                            dkr), the object store and logs; check assignPublicIp and security groups";

static ROWS: [Row; 21] = [
    row("", &["no space left on device"], "disk-full", "raise ephemeralStorage, or free the instance's disk"),
    row(
        "",
        &[
            "exec format error",
            "no matching manifest",
            "does not match the specified platform",
            "image platform",
        ],
        "wrong-architecture",
        "build the image for the runtimePlatform of the task definition, or change that",
    ),
    row(
        PULL,
        &["toomanyrequests", "rate limit"],
        "pull-rate-limited",
        "the registry limits anonymous pulls: give credentials (repositoryCredentials) or use a mirror",
    ),
    row(
        PULL,
        &[
            "pull access denied",
            "access denied",
            "accessdenied",
            "not authorized",
            "unauthorized",
            "403",
            "no basic auth",
        ],
        "image-pull-denied",
        "allow the execution role to pull (ecr:GetAuthorizationToken, ecr:BatchGetImage, ecr:GetDownloadUrlForLayer) and \
         check the repository's policy; some registries answer the same for a repository that does not exist",
    ),
    row(
        PULL,
        &["manifest unknown", "not found", "notfound", "does not exist", "name unknown", "manifest for"],
        "image-not-found",
        "push the image, or correct its repository, tag or digest",
    ),
    row(PULL, NETWORK, "image-pull-network", NETWORK_HINT),
    row(
        PULL,
        &[],
        "image-pull-failed",
        "pull the image by hand with the execution role to see what the registry says",
    ),
    row(INIT, &["registry auth", "pull registry"], "startup-network", NETWORK_HINT),
    row(
        INIT,
        &["environment file", "env file", "envfile"],
        "environment-file",
        "check that the file exists and that the execution role may read it (s3:GetObject)",
    ),
    row(
        INIT,
        &["logger", "log group", "loggroup", "awslogs"],
        "log-setup",
        "create the log group, or set awslogs-create-group and allow logs:CreateLogGroup; the execution role needs \
         logs:CreateLogStream and logs:PutLogEvents",
    ),
    row(
        INIT,
        &["efs", "mount", "volume"],
        "volume-mount",
        "check the file system's mount targets, access point and security group (port 2049), and the task role",
    ),
    row(
        INIT,
        &["secret", "ssm", "parameter"],
        "secret-unavailable",
        "check that the secret or parameter and its JSON key exist, and that the execution role may read it",
    ),
    row(
        INIT,
        &["network interface", "eni"],
        "network-interface",
        "check the subnets' free addresses and the account's ENI quota",
    ),
    row(INIT, &[], "resource-initialization", "the message names what could not be prepared"),
    row(
        "",
        &["outofmemory", "out of memory", "oom"],
        "out-of-memory",
        "raise the memory of the container or task, or find out why the program needs that much",
    ),
    row(
        "",
        &["executable file not found", "no such file or directory", "permission denied: unknown"],
        "bad-command",
        "check entryPoint and command, and that the file is in the image and executable",
    ),
    row("cannotstartcontainer", &[], "container-cannot-start", "the message is the container runtime's"),
    row(
        "",
        &["failed container health checks"],
        "container-health",
        "check the container's health check: command, timeout, retries and startPeriod",
    ),
    row(
        "",
        &["failed elb health checks", "health checks failed"],
        "load-balancer-health",
        "check the target group's path, port and expected codes, and healthCheckGracePeriodSeconds of the service",
    ),
    row(
        "",
        &["port is already", "address already in use"],
        "port-in-use",
        "use a dynamic host port, or another one",
    ),
    row(
        "",
        &["unable to assume"],
        "role-unusable",
        "check that the role exists and trusts ecs-tasks.amazonaws.com",
    ),
];

/// The reasons why a task stopped; none when it was meant to.
pub(super) fn stopped(task: &Task, definition: Option<&TaskDefinition>) -> Vec<Finding> {
    if task.last_status != "STOPPED" && task.stopped_reason.is_empty() {
        return Vec::new();
    }
    let by_words: Vec<Finding> = words(task, definition);
    if !by_words.is_empty() {
        return by_words;
    }
    let exited: Vec<Finding> = exited(task, definition);
    if !exited.is_empty() {
        return exited;
    }
    by_stop_code(task).into_iter().collect()
}

fn finding(task: &Task, code: &'static str, message: String, hint: &str) -> Finding {
    Finding {
        code,
        container: None,
        message,
        evidence: Vec::new(),
        hint: hint.to_owned(),
        logs: false,
        task_arn: task.task_arn.clone(),
    }
}

/// Reasons that are told by words: first those of containers, which know more, then the task's own.
fn words(task: &Task, definition: Option<&TaskDefinition>) -> Vec<Finding> {
    let of_containers: Vec<Finding> = task
        .containers
        .iter()
        .filter_map(|container| {
            let row = fitting(&container.reason)?;
            Some(by_row(task, row, Some(container), &container.reason, definition))
        })
        .collect();
    if !of_containers.is_empty() {
        return of_containers;
    }
    let Some(row) = fitting(&task.stopped_reason) else { return Vec::new() };
    vec![by_row(task, row, None, &task.stopped_reason, definition)]
}

fn fitting(text: &str) -> Option<&'static Row> {
    let lower = text.to_lowercase();
    let has = |word: &&str| lower.contains(*word);
    let fits = |row: &&Row| lower.contains(row.phase) && (row.words.is_empty() || row.words.iter().any(has));
    ROWS.iter().filter(|_| !lower.is_empty()).find(fits)
}

fn by_row(
    task: &Task,
    row: &Row,
    container: Option<&TaskContainer>,
    text: &str,
    definition: Option<&TaskDefinition>,
) -> Finding {
    let revision = short(&task.task_definition_arn);
    let name = container.map(|container| container.name.as_str());
    let place = name
        .map_or_else(|| format!("a task of {revision}"), |name| format!("container {name} of {revision}"));
    let image = container.map(|container| image_of(container, definition)).filter(|image| !image.is_empty());
    let message = match (row.code, image) {
        ("image-not-found", Some(image)) => format!("{place}: there is no image {image}"),
        ("image-pull-denied", Some(image)) => format!("{place}: image {image} may not be pulled"),
        ("out-of-memory", _) => {
            format!("{place} was killed because it ran out of memory{}", limit(name, definition))
        }
        (code, Some(image)) if code.contains("pull") => format!("{place}: image {image} could not be pulled"),
        (code, _) => format!("{place} stopped: {}", code.replace('-', " ")),
    };
    Finding {
        container: name.map(str::to_owned),
        evidence: vec![text.to_owned()],
        logs: matches!(
            row.code,
            "out-of-memory" | "container-health" | "load-balancer-health" | "wrong-architecture"
        ),
        ..finding(task, row.code, message, row.hint)
    }
}

fn image_of<'a>(container: &'a TaskContainer, definition: Option<&'a TaskDefinition>) -> &'a str {
    let wanted = definition.and_then(|definition| definition.container(&container.name));
    wanted.map_or(container.image.as_str(), |wanted| wanted.image.as_str())
}

fn limit(name: Option<&str>, definition: Option<&TaskDefinition>) -> String {
    let Some(definition) = definition else { return String::new() };
    let of_container =
        name.and_then(|name| definition.container(name)).and_then(|container| container.memory);
    match (of_container, &definition.memory) {
        (Some(memory), _) => format!(" (its limit is {memory} MiB)"),
        (None, Some(memory)) => format!(" (the task's limit is {memory})"),
        (None, None) => String::new(),
    }
}

/// Containers that ended by themselves. One that is not essential does not stop a task; 143 (SIGTERM) and 137
/// (SIGKILL after the stop timeout) of others are what stopping a task looks like.
fn exited(task: &Task, definition: Option<&TaskDefinition>) -> Vec<Finding> {
    if task.stop_code == "ServiceSchedulerInitiated" || task.stop_code == "UserInitiated" {
        return Vec::new();
    }
    let essential = |container: &&TaskContainer| {
        let known = definition.and_then(|definition| definition.container(&container.name));
        known.and_then(|known| known.essential).unwrap_or(true)
    };
    let ended: Vec<&TaskContainer> =
        task.containers.iter().filter(|container| container.exit_code.is_some()).filter(essential).collect();
    let by_itself = |container: &&&TaskContainer| !matches!(container.exit_code, Some(137 | 143));
    let first: Vec<&TaskContainer> = ended.iter().filter(by_itself).copied().collect();
    let told = if first.is_empty() { ended } else { first };
    told.into_iter().map(|container| exit(task, container)).collect()
}

fn exit(task: &Task, container: &TaskContainer) -> Finding {
    let code = container.exit_code.unwrap_or_default();
    let (what, hint) = match code {
        0 => (
            ", though the service needs it to run on",
            "an essential container must not end: check its command",
        ),
        126 | 127 => {
            (": the command cannot be run", "check entryPoint and command against what is in the image")
        }
        134 => (" (SIGABRT)", "the program aborted; its log says why"),
        137 => (" (SIGKILL)", "it was killed: out of memory, or it did not stop within the stop timeout"),
        139 => (" (SIGSEGV)", "the program crashed; its log may say where"),
        143 => (" (SIGTERM)", "something asked it to stop; look at what stopped the task"),
        _ => ("", "its last log lines say why"),
    };
    let message = format!(
        "essential container {} of {} exited with code {code}{what}",
        container.name,
        short(&task.task_definition_arn)
    );
    let reason =
        [container.reason.as_str(), task.stopped_reason.as_str()].into_iter().find(|text| !text.is_empty());
    Finding {
        container: Some(container.name.clone()),
        evidence: reason.map(str::to_owned).into_iter().collect(),
        logs: true,
        ..finding(task, "essential-container-exited", message, hint)
    }
}

fn by_stop_code(task: &Task) -> Option<Finding> {
    let revision = short(&task.task_definition_arn);
    let (code, message, hint) = match task.stop_code.as_str() {
        "TaskFailedToStart" => (
            "task-failed-to-start",
            format!("a task of {revision} did not start"),
            "the message names what stood in the way",
        ),
        "SpotInterruption" | "TerminationNotice" | "InfrastructureHealth" => (
            "host-taken-away",
            format!("AWS took the host of a task of {revision} away ({})", task.stop_code),
            "this is not the image's fault: deploy again, or use capacity that is not interrupted",
        ),
        "UserInitiated" => (
            "stopped-by-a-person",
            format!("somebody stopped a task of {revision}"),
            "CloudTrail names who called StopTask",
        ),
        // The scheduler stops tasks in the ordinary course: that is no cause.
        "ServiceSchedulerInitiated" | "" => return None,
        other => ("task-stopped", format!("a task of {revision} stopped ({other})"), "the message is ECS's"),
    };
    let evidence = Some(task.stopped_reason.clone()).filter(|text| !text.is_empty()).into_iter().collect();
    Some(Finding { evidence, ..finding(task, code, message, hint) })
}
