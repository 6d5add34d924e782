//! What RegisterTaskDefinition refuses. The checks are the documented ones that deployments meet; wordings are AWS's
//! where they are known from its pages or from public issues.

use serde_json::Value;

use super::client;
use crate::wire::{Object, ServiceError};

/// vCPU units on Fargate and the memory, in MiB, that each can have: smallest, largest, step ("Task size").
const FARGATE_SIZES: [(u64, u64, u64, u64); 7] = [
    (256, 512, 2_048, 512),
    (512, 1_024, 4_096, 1_024),
    (1_024, 2_048, 8_192, 1_024),
    (2_048, 4_096, 16_384, 1_024),
    (4_096, 8_192, 30_720, 1_024),
    (8_192, 16_384, 61_440, 4_096),
    (16_384, 32_768, 122_880, 8_192),
];

pub(super) fn validate(input: &Object) -> Result<(), ServiceError> {
    family(input)?;
    let containers = input.value("containerDefinitions");
    let containers = containers.as_array().map(Vec::as_slice).unwrap_or_default();
    if containers.is_empty() {
        return Err(client("Container list cannot be empty."));
    }
    container_names(containers)?;
    let network = input.string("networkMode").unwrap_or_default();
    if network == "awsvpc" {
        host_ports(containers)?;
    }
    if input.strings("requiresCompatibilities").iter().any(|wanted| wanted == "FARGATE") {
        fargate(input, &network)?;
    } else {
        memory(input, containers)?;
    }
    if !containers.iter().any(|container| container["essential"].as_bool().unwrap_or(true)) {
        return Err(client("At least one container in the task definition must be marked as essential."));
    }
    tags(input)
}

fn family(input: &Object) -> Result<(), ServiceError> {
    let family = input.string("family").unwrap_or_default();
    if family.is_empty() {
        return Err(client("Family should not be blank."));
    }
    let allowed = |character: char| character.is_ascii_alphanumeric() || character == '-' || character == '_';
    if family.len() > 255 || !family.chars().all(allowed) {
        return Err(client("Family contains invalid characters."));
    }
    Ok(())
}

fn container_names(containers: &[Value]) -> Result<(), ServiceError> {
    let mut seen = Vec::new();
    for container in containers {
        let name = container["name"].as_str().unwrap_or_default();
        if name.is_empty() {
            return Err(client("Container.name should not be null or empty."));
        }
        if container["image"].as_str().unwrap_or_default().is_empty() {
            return Err(client("Container.image should not be null or empty."));
        }
        if seen.contains(&name) {
            return Err(client(format!("Container.name '{name}' is not unique within the task definition.")));
        }
        seen.push(name);
    }
    Ok(())
}

fn host_ports(containers: &[Value]) -> Result<(), ServiceError> {
    let ports = containers.iter().filter_map(|container| container["portMappings"].as_array()).flatten();
    for port in ports {
        let host = &port["hostPort"];
        if !host.is_null() && host != &port["containerPort"] {
            return Err(client(
                "When networkMode=awsvpc, the host ports and container ports in port mappings must match.",
            ));
        }
    }
    Ok(())
}

fn fargate(input: &Object, network: &str) -> Result<(), ServiceError> {
    if network != "awsvpc" {
        return Err(client("Fargate only supports network mode 'awsvpc'."));
    }
    for member in ["cpu", "memory"] {
        if !input.has(member) {
            return Err(client(format!("Fargate requires that '{member}' be defined at the task level.")));
        }
    }
    let cpu = size(&input.string("cpu").unwrap_or_default(), "VCPU");
    let memory = size(&input.string("memory").unwrap_or_default(), "GB");
    let fits = |(units, smallest, largest, step): &(u64, u64, u64, u64)| {
        cpu == Some(*units)
            && memory.is_some_and(|memory| (*smallest..=*largest).contains(&memory) && memory % step == 0)
    };
    if FARGATE_SIZES.iter().any(fits) {
        return Ok(());
    }
    Err(client("No Fargate configuration exists for given values."))
}

/// `1024`, `1 vCPU`, `.25 vCPU`, `0.5GB`: units or MiB.
fn size(text: &str, unit: &str) -> Option<u64> {
    let upper = text.trim().to_ascii_uppercase();
    match upper.strip_suffix(unit) {
        Some(number) => {
            let number: f64 = number.trim().parse().ok()?;
            // All valid sizes are whole numbers of units; anything else fits no row of the table.
            Some((number * 1_024.0) as u64)
        }
        None => upper.parse().ok(),
    }
}

fn memory(input: &Object, containers: &[Value]) -> Result<(), ServiceError> {
    if input.has("memory") {
        return Ok(());
    }
    for container in containers {
        if container["memory"].is_null() && container["memoryReservation"].is_null() {
            let name = container["name"].as_str().unwrap_or_default();
            return Err(client(format!(
                "Invalid setting for container '{name}'. At least one of 'memory' or 'memoryReservation' must be specified."
            )));
        }
    }
    Ok(())
}

fn tags(input: &Object) -> Result<(), ServiceError> {
    if !input.has("tags") {
        return Ok(());
    }
    let tags = input.value("tags");
    let tags = tags.as_array().map(Vec::as_slice).unwrap_or_default();
    if tags.is_empty() {
        return Err(client("Tags can not be empty."));
    }
    check_tags(tags)
}

/// The limits of the Tag data type: 50 tags, keys of 1 to 128 characters, no `aws:` prefix.
pub(super) fn check_tags(tags: &[Value]) -> Result<(), ServiceError> {
    if tags.len() > 50 {
        return Err(super::invalid("Too many tags: the maximum is 50."));
    }
    for tag in tags {
        let key = tag["key"].as_str().unwrap_or_default();
        if key.is_empty() || key.chars().count() > 128 {
            return Err(super::invalid("A tag's key must have between 1 and 128 characters."));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(super::invalid("Tag keys that start with aws: are reserved for system use."));
        }
    }
    Ok(())
}
