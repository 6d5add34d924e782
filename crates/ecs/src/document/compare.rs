//! What ECS changes by itself between registering and describing, and how the entries of two lists belong
//! together. Shared by [`super::diff`] and [`super::echo_check`].

use std::collections::{HashMap, HashSet};

use super::Document;
use super::json::{Json, Node, canonical};
use super::members::{self, Kind, Shape, TASK_DEFINITION};

/// Values that mean the same as no value, by the lists and objects they stand in (ContainerDefinition, PortMapping,
/// HealthCheck, MountPoint, VolumeFrom, EFSVolumeConfiguration). ECS adds some of them to what it describes.
const DEFAULTS: [(&[&str], &str, &str); 10] = [
    (&["containerDefinitions"], "cpu", "0"),
    (&["containerDefinitions"], "essential", "true"),
    (&["containerDefinitions", "portMappings"], "protocol", "\"tcp\""),
    (&["containerDefinitions", "healthCheck"], "interval", "30"),
    (&["containerDefinitions", "healthCheck"], "timeout", "5"),
    (&["containerDefinitions", "healthCheck"], "retries", "3"),
    (&["containerDefinitions", "mountPoints"], "readOnly", "false"),
    (&["containerDefinitions", "volumesFrom"], "readOnly", "false"),
    (&["volumes"], "host", "{}"),
    (&["volumes", "efsVolumeConfiguration"], "rootDirectory", "\"/\""),
];

/// Lists whose entries are told apart by a member, so that their order says nothing.
const KEYED: [(&str, &str); 16] = [
    ("containerDefinitions", "name"),
    ("environment", "name"),
    ("secrets", "name"),
    ("secretOptions", "name"),
    ("properties", "name"),
    ("volumes", "name"),
    ("ulimits", "name"),
    ("mountPoints", "containerPath"),
    ("volumesFrom", "sourceContainer"),
    ("dependsOn", "containerName"),
    ("systemControls", "namespace"),
    ("resourceRequirements", "type"),
    ("inferenceAccelerators", "deviceName"),
    ("extraHosts", "hostname"),
    ("tmpfs", "containerPath"),
    ("tags", "key"),
];

/// Lists without such a member whose order says nothing either.
const UNORDERED: [&str; 5] =
    ["placementConstraints", "requiresCompatibilities", "add", "drop", "ignoredExitCodes"];

/// The document's tree without what ECS adds by itself, and with one spelling for what has several.
pub(super) fn normalised(document: &Document) -> Node {
    let mut root = document.root.clone();
    for (key, unit, factor) in [("cpu", "vcpu", 1024), ("memory", "gb", 1024)] {
        if let Some(plain) = root.text(key).and_then(|size| plain_size(size, unit, factor)) {
            root.set(key, Node::string(plain));
        }
    }
    let network_mode = root.text("networkMode").unwrap_or("bridge").to_owned();
    for container in root.member_mut("containerDefinitions").and_then(Node::items_mut).into_iter().flatten() {
        for mapping in container.member_mut("portMappings").and_then(Node::items_mut).into_iter().flatten() {
            without_implied_host_port(mapping, &network_mode);
        }
    }
    without_defaults(&mut root, &mut Vec::new());
    without_empty_lists(&mut root, TASK_DEFINITION);
    root
}

/// "1 vCPU" is 1024 CPU units, "2 GB" is 2048 MiB; ECS describes the number (RegisterTaskDefinition `cpu`, `memory`).
fn plain_size(size: &str, unit: &str, factor: u32) -> Option<String> {
    let lower = size.to_ascii_lowercase();
    let amount = lower.trim().strip_suffix(unit)?.trim().parse::<f64>().ok()?;
    Some((amount * f64::from(factor)).to_string())
}

/// Under `awsvpc` and `host` the host port is the container port, and ECS fills it in; elsewhere 0 asks for any port,
/// as no host port does (PortMapping `hostPort`).
fn without_implied_host_port(mapping: &mut Node, network_mode: &str) {
    let implied = match network_mode {
        "awsvpc" | "host" => mapping.member("containerPort").cloned(),
        _ => Some(Node::new(Json::Number("0".to_owned()))),
    };
    if let (Some(host), Some(implied)) = (mapping.member("hostPort"), implied)
        && same_scalar(host, &implied)
    {
        mapping.take("hostPort");
    }
}

fn without_defaults(node: &mut Node, place: &mut Vec<String>) {
    let here = |key: &str, value: &Node| {
        DEFAULTS.iter().any(|(path, name, default)| {
            *name == key && path.iter().eq(place.iter()) && value.to_string() == *default
        })
    };
    match &mut node.value {
        Json::Object(members) => {
            members.retain(|member| !here(&member.key, &member.value));
            for member in members {
                place.push(member.key.clone());
                without_defaults(&mut member.value, place);
                place.pop();
            }
        }
        Json::Array(items) => items.iter_mut().for_each(|item| without_defaults(item, place)),
        _ => {}
    }
}

/// ECS describes lists that were not given as empty ones. Only lists of the model: of others nobody knows whether
/// empty and absent are the same.
fn without_empty_lists(node: &mut Node, shape: Shape) {
    let Some(members) = node.members_mut() else { return };
    members.retain(|member| {
        let list = matches!(
            members::kind(shape, &member.key),
            Some(Kind::Texts | Kind::Integers | Kind::Objects(_))
        );
        !(list && member.value.is_array() && member.value.items().is_empty())
    });
    for member in members {
        match members::kind(shape, &member.key) {
            Some(Kind::Object(inner)) => without_empty_lists(&mut member.value, inner),
            Some(Kind::Objects(inner)) => {
                let items = member.value.items_mut().into_iter().flatten();
                items.for_each(|item| without_empty_lists(item, inner));
            }
            _ => {}
        }
    }
}

/// An entry's name and the entry on either side.
pub(super) type Pair<'a> = (String, Option<&'a Node>, Option<&'a Node>);

/// Brings the entries of the list `key` together by what tells them apart; `None` when the list has no such
/// member, or an entry lacks it, or two share it. Then only the order can tell.
pub(super) fn pairs<'a>(key: &str, one: &'a [Node], other: &'a [Node]) -> Option<Vec<Pair<'a>>> {
    let (one, other) = (labelled(key, one)?, labelled(key, other)?);
    let by_name =
        |side: &[(String, &'a Node)]| -> HashMap<String, &'a Node> { side.iter().cloned().collect() };
    let (ones, others) = (by_name(&one), by_name(&other));
    let mut pairs: Vec<Pair<'a>> = one
        .into_iter()
        .map(|(label, node)| {
            let partner = others.get(&label).copied();
            (label, Some(node), partner)
        })
        .collect();
    let new = other.into_iter().filter(|(label, _)| !ones.contains_key(label));
    pairs.extend(new.map(|(label, node)| (label, None, Some(node))));
    Some(pairs)
}

/// The entries with their names, or `None` when the names do not tell them apart.
fn labelled<'a>(key: &str, items: &'a [Node]) -> Option<Vec<(String, &'a Node)>> {
    let mut seen = HashSet::with_capacity(items.len());
    let mut entries = Vec::with_capacity(items.len());
    for item in items {
        let label = label(key, item)?;
        if !seen.insert(label.clone()) {
            return None;
        }
        entries.push((label, item));
    }
    Some(entries)
}

fn label(key: &str, item: &Node) -> Option<String> {
    if key == "portMappings" {
        let port = item.member("containerPort").or_else(|| item.member("containerPortRange"))?;
        let port = port.as_str().or_else(|| port.as_number())?;
        return Some(format!("{port}/{}", item.text("protocol").unwrap_or("tcp")));
    }
    let (_, member) = KEYED.iter().find(|(list, _)| *list == key)?;
    item.text(member).map(str::to_owned)
}

/// Whether `key` is a list whose entries have names, when it has any.
pub(super) fn is_keyed(key: &str) -> bool {
    key == "portMappings" || KEYED.iter().any(|(list, _)| *list == key)
}

/// Whether two values are the same: members in any order, numbers by value, lists in order unless the order of
/// `key` says nothing.
pub(super) fn same(key: &str, one: &Node, other: &Node) -> bool {
    match (&one.value, &other.value) {
        (Json::Object(left), Json::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|member| {
                    other.member(&member.key).is_some_and(|value| same(&member.key, &member.value, value))
                })
        }
        (Json::Array(left), Json::Array(right)) => same_lists(key, left, right),
        _ => same_scalar(one, other),
    }
}

fn same_lists(key: &str, left: &[Node], right: &[Node]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    if UNORDERED.contains(&key) {
        let sorted = |items: &[Node]| {
            let mut texts: Vec<String> = items.iter().map(Node::to_string).collect();
            texts.sort();
            texts
        };
        return sorted(left) == sorted(right);
    }
    let both = |one: Option<&Node>, other: Option<&Node>| match (one, other) {
        (Some(one), Some(other)) => same("", one, other),
        _ => false,
    };
    match pairs(key, left, right) {
        Some(pairs) => pairs.iter().all(|(_, one, other)| both(*one, *other)),
        None => left.iter().zip(right).all(|(one, other)| same("", one, other)),
    }
}

fn same_scalar(one: &Node, other: &Node) -> bool {
    match (one.as_number(), other.as_number()) {
        (Some(one), Some(other)) => canonical(one) == canonical(other),
        _ => one.to_string() == other.to_string(),
    }
}
