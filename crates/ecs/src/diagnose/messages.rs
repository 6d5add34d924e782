//! What a reason means for this very task definition: which image, secret, role, command or limit it is about. Pure.

use super::reasons::Row;
use crate::facts::{Container, Secret, Task, TaskContainer, TaskDefinition, last_segment, short};

/// Message and next step.
pub(super) struct Told {
    pub(super) message: String,
    pub(super) hint: String,
}

/// Tells a row's cause of one container, or of the task as a whole.
pub(super) fn tell(
    task: &Task,
    row: &Row,
    container: Option<&TaskContainer>,
    text: &str,
    definition: Option<&TaskDefinition>,
) -> Told {
    let revision = short(&task.task_definition_arn);
    let name = container.map(|container| container.name.as_str());
    let place = name
        .map_or_else(|| format!("a task of {revision}"), |name| format!("container {name} of {revision}"));
    let known = name.and_then(|name| definition?.container(name));
    let image = container.map(|container| image_of(container, known)).filter(|image| !image.is_empty());
    let hint = row.hint.to_owned();
    let message = match (row.code, image) {
        ("image-not-found", Some(image)) => format!("{place}: there is no image {image}"),
        ("image-pull-denied", Some(image)) => {
            format!("{place}: image {image} may not be pulled{}", role(definition))
        }
        ("wrong-architecture", image) => {
            format!("{place}: {}", unfit(image.unwrap_or("its image"), definition))
        }
        ("disk-full", _) => format!("{place}: its disk is full"),
        ("out-of-memory", _) => {
            format!("{place} was killed because it ran out of memory{}", limit(known, definition))
        }
        ("bad-command", _) => {
            let command = known.map(|known| format!(": {}", known.invocation())).unwrap_or_default();
            format!("{place} could not be started{command}")
        }
        ("container-health", _) => format!("{place} failed {}", health_checks(definition)),
        ("load-balancer-health", _) => format!("{place} failed the health checks of its load balancer"),
        ("log-setup", _) => {
            format!("{place}: the container's log cannot be set up{}", log_groups(definition))
        }
        ("environment-file", _) => format!("{place}: {}", files(definition)),
        ("volume-mount", _) => format!("{place}: a volume cannot be mounted{}", file_systems(definition)),
        ("network-interface", _) => format!("{place} got no network interface"),
        ("startup-network", _) => format!("{place} cannot reach what it needs to start"),
        ("secret-denied" | "secret-missing" | "secret-unavailable", _) => {
            return secret(&place, row, text, definition);
        }
        (code, Some(image)) if code.contains("pull") => format!("{place}: image {image} could not be pulled"),
        (code, _) => format!("{place} stopped: {}", code.replace('-', " ")),
    };
    Told { message, hint }
}

/// That an image and the platform do not fit.
pub(super) fn unfit(image: &str, definition: Option<&TaskDefinition>) -> String {
    let platform = definition.map(|definition| definition.runtime_platform.name()).unwrap_or_default();
    format!("image {image} does not run on the platform of the task definition, {platform}")
}

fn image_of<'a>(container: &'a TaskContainer, known: Option<&'a Container>) -> &'a str {
    known.map_or(container.image.as_str(), |known| known.image.as_str())
}

fn role(definition: Option<&TaskDefinition>) -> String {
    let role = definition.and_then(|definition| definition.execution_role_arn.as_deref());
    role.map(|role| format!(" by execution role {}", last_segment(role))).unwrap_or_default()
}

fn limit(known: Option<&Container>, definition: Option<&TaskDefinition>) -> String {
    let of_container = known.and_then(|known| known.memory);
    match (of_container, definition.and_then(|definition| definition.memory.as_deref())) {
        (Some(memory), _) => format!(" (the container's limit is {memory} MiB)"),
        (None, Some(memory)) => format!(" (the task's limit is {memory} MiB)"),
        (None, None) => String::new(),
    }
}

/// The health checks there are: ECS does not say which one failed.
fn health_checks(definition: Option<&TaskDefinition>) -> String {
    let containers =
        definition.map(|definition| definition.container_definitions.as_slice()).unwrap_or_default();
    let checks: Vec<String> = containers
        .iter()
        .filter_map(|container| {
            let check = container.health_check.as_ref()?;
            Some(format!(
                "the health check of container {}: {:?}, every {} s, timeout {} s, {} tries, startPeriod {} s",
                container.name, check.command.0, check.interval, check.timeout, check.retries, check.start_period
            ))
        })
        .collect();
    if checks.is_empty() { "its container health checks".to_owned() } else { checks.join("; ") }
}

fn log_groups(definition: Option<&TaskDefinition>) -> String {
    let containers =
        definition.map(|definition| definition.container_definitions.as_slice()).unwrap_or_default();
    let group =
        |container: &Container| Some(container.log_configuration.options.get("awslogs-group")?.clone());
    listed(" (log group ", containers.iter().filter_map(group).collect())
}

fn files(definition: Option<&TaskDefinition>) -> String {
    let containers =
        definition.map(|definition| definition.container_definitions.as_slice()).unwrap_or_default();
    let files = containers.iter().flat_map(|container| &container.environment_files);
    format!(
        "its environment file cannot be read{}",
        listed(" (", files.map(|file| file.value.clone()).collect())
    )
}

fn file_systems(definition: Option<&TaskDefinition>) -> String {
    let volumes = definition.map(|definition| definition.volumes.as_slice()).unwrap_or_default();
    let named = volumes.iter().filter(|volume| !volume.efs_volume_configuration.file_system_id.is_empty());
    let names = named
        .map(|volume| format!("{} from {}", volume.name, volume.efs_volume_configuration.file_system_id));
    listed(" (", names.collect())
}

fn listed(before: &str, mut names: Vec<String>) -> String {
    names.sort();
    names.dedup();
    if names.is_empty() { String::new() } else { format!("{before}{})", names.join(", ")) }
}

/// Which secret it is, for which variable of which container, and who reads it.
fn secret(place: &str, row: &Row, text: &str, definition: Option<&TaskDefinition>) -> Told {
    let containers =
        definition.map(|definition| definition.container_definitions.as_slice()).unwrap_or_default();
    let all = containers
        .iter()
        .flat_map(|container| container.secrets.iter().map(move |secret| (container, secret)));
    let candidates: Vec<(&Container, &Secret)> = all.collect();
    let meant = candidates.iter().filter(|(_, secret)| is_named(secret, text));
    let meant: Vec<&(&Container, &Secret)> = meant.collect();
    // Where the text names none, it can only be the one there is.
    let meant = if meant.is_empty() && candidates.len() == 1 { candidates.iter().collect() } else { meant };
    let what = match meant.as_slice() {
        [] => "a secret or parameter".to_owned(),
        some => {
            let names = some.iter().map(|(container, secret)| {
                format!("secret {} ({} of container {})", secret.value_from, secret.name, container.name)
            });
            names.collect::<Vec<_>>().join(", ")
        }
    };
    let role = definition.and_then(|definition| definition.execution_role_arn.as_deref());
    let reader =
        role.map_or_else(|| "the execution role".to_owned(), |role| format!("execution role {role}"));
    let message = match row.code {
        "secret-denied" => format!("{place}: {reader} may not read {what}"),
        "secret-missing" => format!("{place}: there is no such {what}"),
        _ => format!("{place}: {reader} could not read {what}"),
    };
    let hint = match row.code {
        "secret-denied" => {
            let action =
                if text.contains("ssm") { "ssm:GetParameters" } else { "secretsmanager:GetSecretValue" };
            format!("allow {reader} {action} on it, and kms:Decrypt if it has a key of its own")
        }
        _ => row.hint.to_owned(),
    };
    Told { message, hint }
}

/// Whether a text names a secret: by its ARN without JSON key, stage and version, or by a parameter's name.
fn is_named(secret: &Secret, text: &str) -> bool {
    let parts: Vec<&str> = secret.value_from.split(':').collect();
    let plain = match parts.get(..7) {
        Some(arn) if parts.first() == Some(&"arn") => arn.join(":"),
        _ => secret.value_from.clone(),
    };
    !plain.is_empty() && text.contains(plain.as_str())
}
