//! From the shapes in which task definitions are found to the one that RegisterTaskDefinition takes.

use landfall_core::Cause;

use super::json::{Json, Member, Node};
use super::source::Source;

/// What DescribeTaskDefinition's TaskDefinition has and RegisterTaskDefinition does not take: the difference of
/// the two member lists in the model of the API. A list of what to leave out and not of what to keep, so that
/// a member that AWS adds tomorrow is kept.
const ADDED_BY_ECS: [&str; 9] = [
    "taskDefinitionArn",
    "revision",
    "status",
    "requiresAttributes",
    "compatibilities",
    "registeredAt",
    "registeredBy",
    "deregisteredAt",
    "deleteRequestedAt",
];

/// Members beside `taskDefinition` that say nothing about it: the AWS SDK for Python adds this one.
const ENVELOPE: [&str; 1] = ["ResponseMetadata"];

/// Brings the content of a file to the request's shape, or says what kind of file it is instead.
pub(super) fn of_file(root: Node, source: &Source) -> Result<(Node, Vec<Cause>), Vec<Cause>> {
    if !root.is_object() {
        return Err(vec![not_an_object(&root, source)]);
    }
    if !root.member("taskDefinition").is_some_and(Node::is_object) {
        if let Some(problem) = other_kind(&root, source) {
            return Err(vec![problem]);
        }
        return Ok((clean(root), Vec::new()));
    }
    let (root, left_out) = unwrap(root, source)?;
    match other_kind(&root, source) {
        Some(problem) => Err(vec![problem]),
        None => Ok((clean(root), left_out)),
    }
}

/// Brings an answer of ECS to the request's shape.
pub(super) fn of_answer(root: Node, source: &Source) -> Result<Node, Vec<Cause>> {
    if root.member("taskDefinition").is_some_and(Node::is_object) {
        Ok(clean(unwrap(root, source)?.0))
    } else {
        Err(vec![source.invalid("taskDefinition", "the answer has no object `taskDefinition`", root.at)])
    }
}

/// Takes the task definition out of `{"taskDefinition": ..., "tags": [...]}` and moves the tags into it.
fn unwrap(mut root: Node, source: &Source) -> Result<(Node, Vec<Cause>), Vec<Cause>> {
    let Some(inner) = root.take("taskDefinition") else { return Ok((root, Vec::new())) };
    let mut definition = inner.value;
    if let Some(tags) = root.take("tags").filter(|tags| !tags.value.is_null()) {
        let own = definition.member("tags").filter(|own| !own.is_null());
        if own.is_some_and(|own| !own.items().is_empty()) && !tags.value.items().is_empty() {
            let message = "`tags` are given both beside `taskDefinition` and in it; keep one of the two";
            return Err(vec![source.invalid("tags", message, tags.key_at)]);
        }
        if own.is_none_or(|own| own.items().is_empty()) {
            definition.take("tags");
            if let Some(members) = definition.members_mut() {
                members.push(tags);
            }
        }
    }
    let left_out = root.members().iter().filter(|member| !ENVELOPE.contains(&member.key.as_str()));
    let left_out = left_out.map(|member| beside(member, source)).collect();
    Ok((definition, left_out))
}

fn beside(member: &Member, source: &Source) -> Cause {
    let message = format!("`{}` stands beside `taskDefinition`, not in it, and is left out", member.key);
    source.invalid(&member.key, message, member.key_at)
}

fn clean(mut root: Node) -> Node {
    for key in ADDED_BY_ECS {
        root.take(key);
    }
    without_nulls(&mut root);
    if let Some(tags) = root.member_mut("tags").and_then(Node::items_mut) {
        tags.retain(|tag| !tag.text("key").is_some_and(is_reserved));
        if tags.is_empty() {
            root.take("tags");
        }
    }
    root
}

/// Tags that AWS sets itself, and that nobody else can set (Tag `key`: "in any upper or lowercase combination").
pub(super) fn is_reserved(key: &str) -> bool {
    key.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:"))
}

/// A member that is `null` is one that is absent, in the AWS JSON protocols as in the files of many generators.
fn without_nulls(node: &mut Node) {
    match &mut node.value {
        Json::Object(members) => {
            members.retain(|member| !member.value.is_null());
            members.iter_mut().for_each(|member| without_nulls(&mut member.value));
        }
        Json::Array(items) => items.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

fn not_an_object(root: &Node, source: &Source) -> Cause {
    let cause = |message: &str| source.invalid("", message, root.at);
    if root.items().first().is_some_and(|first| first.member("image").is_some()) {
        return cause("the file is a list of container definitions, not a task definition")
            .with_hint("put it into an object: {\"family\": \"...\", \"containerDefinitions\": [...]}");
    }
    let found = if root.is_array() { "a list" } else { root.kind() };
    cause(&format!(
        "the file holds {found}; a task definition is an object with `family` and `containerDefinitions`"
    ))
}

/// Keys by which other files are told from a task definition, the file's kind, and what to do about it.
const OTHER_KINDS: [(&[&str], &str, &str); 5] = [
    (
        &[
            "ContainerDefinitions",
            "Family",
            "TaskDefinition",
            "Properties",
            "Resources",
            "AWSTemplateFormatVersion",
        ],
        "spelt as in CloudFormation, with capital initials (PascalCase)",
        "convert the keys to the spelling of the ECS API (`family`, `containerDefinitions`), except in `Options`, \
         `DockerLabels`, `DriverOpts` and `Labels`, whose keys are yours",
    ),
    (
        &["taskDefinitionArns", "services", "serviceArns", "taskDefinitions"],
        "a list of several things",
        "give the file of one task definition",
    ),
    (
        &["serviceName", "desiredCount", "deploymentConfiguration", "loadBalancers", "networkConfiguration"],
        "a service definition",
        "give the file of the task definition; the service is named by cluster and name",
    ),
    (
        &["applicationName", "revisionType", "Hooks"],
        "a CodeDeploy file",
        "give the file of the task definition that it refers to",
    ),
    (
        &["image", "portMappings", "environment", "essential"],
        "a single container definition",
        "put it into the list `containerDefinitions` of an object with `family`",
    ),
];

fn other_kind(root: &Node, source: &Source) -> Option<Cause> {
    if root.member("containerDefinitions").is_some() {
        return None;
    }
    OTHER_KINDS.iter().find_map(|(keys, kind, hint)| {
        let found = root.members().iter().find(|member| keys.contains(&member.key.as_str()))?;
        let message = format!("the file is {kind} (it has `{}` and no `containerDefinitions`)", found.key);
        Some(source.invalid(&found.key, message, found.key_at).with_hint(hint))
    })
}
