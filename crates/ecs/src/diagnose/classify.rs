//! Why a task stopped: from the words of its containers, its own, exit codes and the stop code. Pure.

use super::group::Finding;
use super::messages;
use super::reasons::{Row, fitting};
use crate::facts::{Task, TaskContainer, TaskDefinition, short};

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

fn by_row(
    task: &Task,
    row: &Row,
    container: Option<&TaskContainer>,
    text: &str,
    definition: Option<&TaskDefinition>,
) -> Finding {
    let told = messages::tell(task, row, container, text, definition);
    let logs = matches!(
        row.code,
        "out-of-memory" | "container-health" | "load-balancer-health" | "wrong-architecture"
    );
    // A failed health check is told of the task; its log is that of the container that is checked.
    let checked = || {
        let mut all = definition?.container_definitions.iter();
        all.find(|container| row.code == "container-health" && container.health_check.is_some())
    };
    let named = container.map(|container| container.name.clone());
    Finding {
        container: named.or_else(|| checked().map(|container| container.name.clone())),
        evidence: vec![text.to_owned()],
        logs,
        ..finding(task, row.code, told.message, &told.hint)
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
