//! What every object has to say about itself: version, kind and name.

use landfall_core::Cause;

use super::super::document::{Mark, Node, Value};
use super::scope::{Scope, scope_of};
use super::{Manifest, Origin};

/// Longest name of an object, and of a group or version: <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/>.
const LONGEST_NAME: usize = 253;
/// Longest name of a namespace: the same page, "RFC 1123 Label Names".
const LONGEST_NAMESPACE: usize = 63;

/// Groups whose names are subdomains of RFC 1123, as the same page calls them; those of RBAC, for one, are not. Services and
/// some others allow less, which the server knows.
const SUBDOMAINS: [&str; 6] = ["", "apps", "autoscaling", "batch", "networking.k8s.io", "policy"];

/// The object of a tree.
pub(super) fn read(origin: Origin, root: Node) -> Result<Manifest, Vec<Cause>> {
    if !root.is_map() {
        return Err(vec![no_map(&origin, &root)]);
    }
    if let Some(problem) = foreign(&origin, &root) {
        return Err(vec![problem]);
    }
    let mut problems = Vec::new();
    let api_version = text(&origin, &root, "apiVersion", &mut problems);
    let kind = text(&origin, &root, "kind", &mut problems);
    let kind_named = kind.as_ref().map_or("object", |(kind, _)| kind.as_str()).to_owned();
    if let Some((version, at)) = &api_version
        && !is_version(version)
    {
        let message =
            format!("the apiVersion `{}` is not of the form `v1` or `group/v1`", version.escape_debug());
        problems.push(origin.problem(*at, message).in_field("apiVersion"));
    }
    let group = api_version.as_ref().filter(|(version, _)| is_version(version));
    let group = group.map(|(version, _)| version.split_once('/').map_or("", |(group, _)| group));
    if let Some((kind, at)) = &kind
        && !(kind.starts_with(|c: char| c.is_ascii_alphabetic())
            && kind.chars().all(|c| c.is_ascii_alphanumeric()))
    {
        let message = format!("the kind `{}` is no name of a kind", kind.escape_debug());
        problems.push(origin.problem(*at, message).in_field("kind"));
    } else if let (Some((kind, at)), Some(group)) = (&kind, group)
        && scope_of(group, kind) != Scope::Unknown
        && kind.starts_with(|c: char| c.is_ascii_lowercase())
    {
        let message = format!("the kind `{kind}` begins with a small letter, and no kind of Kubernetes does");
        let problem = origin.problem(*at, message).in_field("kind");
        problems.push(
            problem.with_hint("write it as in `kubectl api-resources`, such as Deployment or ConfigMap"),
        );
    }
    let strict = group.is_some_and(|group| SUBDOMAINS.contains(&group)) && kind_named != "IPAddress";
    let name = metadata(&origin, &root, &kind_named, strict, &mut problems);
    let (Some((api_version, _)), Some((kind, _)), Some((name, namespace)), true) =
        (api_version, kind, name, problems.is_empty())
    else {
        return Err(problems);
    };
    let scope = scope_of(api_version.split_once('/').map_or("", |(group, _)| group), &kind);
    Ok(Manifest { origin, scope, api_version, kind, namespace, name, root })
}

/// What stands where an object has to be.
fn no_map(origin: &Origin, root: &Node) -> Cause {
    let what = root.kind();
    let message =
        format!("this is {what}, and a Kubernetes object is a map with apiVersion, kind and metadata");
    let problem = origin.problem(root.at, message);
    match &root.value {
        Value::Null => {
            problem.with_hint("there is nothing behind this dash: take it out, or indent what belongs to it")
        }
        Value::List(_) => problem.with_hint(
            "write the objects one after the other with `---` in between, or as items of a `kind: List`",
        ),
        Value::Text(text) if is_glued(text) => problem.with_hint(GLUED),
        _ => problem,
    }
}

const GLUED: &str = "a blank is missing behind a colon";

/// `name:web`, which is a text.
fn is_glued(text: &str) -> bool {
    text.contains(':') && !text.contains(": ")
}

/// What is often found beside manifests and is none.
fn foreign(origin: &Origin, root: &Node) -> Option<Cause> {
    let version = root.member("apiVersion").and_then(Node::as_str).unwrap_or_default();
    let kind = root.member("kind").and_then(Node::as_str).unwrap_or_default();
    if version.starts_with("kustomize.config.k8s.io/") {
        let problem = origin
            .problem(root.at, format_args!("this is a {kind} of kustomize, and no object of a cluster"));
        return Some(
            problem.with_hint(
                "name its folder as a kustomization, or give what `kustomize build FOLDER` prints",
            ),
        );
    }
    let chart = matches!(version, "v1" | "v2") && kind.is_empty() && root.member("name").is_some();
    if chart && root.member("version").is_some() && root.member("metadata").is_none() {
        let problem =
            origin.problem(root.at, "this is the description of a Helm chart, and no object of a cluster");
        return Some(problem.with_hint("name its folder as a chart, or give what `helm template` prints"));
    }
    if ["apiVersion", "kind", "metadata"].iter().all(|key| root.member(key).is_none()) {
        let problem = origin
            .problem(root.at, "this is no Kubernetes object: it has no apiVersion, no kind and no metadata");
        return Some(problem.with_hint(
            "leave out files that are no manifests, such as values of a chart; where a program made this, look at what it says",
        ));
    }
    None
}

/// A member of text that has to be there.
fn text(origin: &Origin, root: &Node, key: &str, problems: &mut Vec<Cause>) -> Option<(String, Mark)> {
    let problem = match root.member(key) {
        None => {
            let hint = "`kubectl api-resources` shows kinds and their apiVersion";
            origin.problem(root.at, format_args!("the object has no {key}")).with_hint(hint)
        }
        Some(node) => match node.as_str().map(str::trim) {
            None => {
                let message = format!("{key} is {}, and not a string", written(node));
                let example = if key == "kind" { "Deployment" } else { "v1 or apps/v1" };
                origin.problem(node.at, message).with_hint(format!("write it like {example}"))
            }
            Some("") => origin.problem(node.at, format_args!("{key} is empty")),
            Some(_) => return node.as_str().map(|text| (text.to_owned(), node.at)),
        },
    };
    problems.push(problem.in_field(key));
    None
}

fn metadata(
    origin: &Origin,
    root: &Node,
    kind: &str,
    strict: bool,
    problems: &mut Vec<Cause>,
) -> Option<(String, Option<String>)> {
    let Some(metadata) = root.member("metadata").filter(|node| !node.is_null()) else {
        problems.push(
            origin
                .problem(root.at, format_args!("the {kind} has no metadata, and so no name"))
                .in_field("metadata"),
        );
        return None;
    };
    if !metadata.is_map() {
        let message = format!("metadata of the {kind} is {}, and not a map", metadata.kind());
        let problem = origin.problem(metadata.at, message).in_field("metadata");
        problems.push(if metadata.as_str().is_some_and(is_glued) {
            problem.with_hint(GLUED)
        } else {
            problem
        });
        return None;
    }
    if let Some(managed) = metadata.member("managedFields").filter(|node| !node.items().is_empty()) {
        let problem = origin.problem(
            managed.at,
            format_args!("the {kind} has metadata.managedFields, which server-side apply refuses"),
        );
        problems.push(
            problem.in_field("metadata.managedFields").with_hint("take it out: it belongs to the server"),
        );
    }
    let name = name(origin, metadata, kind, strict, problems);
    let namespace = match metadata.member("namespace").filter(|node| !node.is_null()) {
        None => None,
        Some(node) => match node.as_str() {
            Some("") => None,
            Some(text) => {
                if let Some(wrong) = wrong_namespace(text) {
                    problems.push(
                        origin
                            .problem(node.at, format_args!("the {kind}'s {wrong}"))
                            .in_field("metadata.namespace"),
                    );
                }
                Some(text.to_owned())
            }
            None => {
                let message = format!("the {kind}'s namespace is {}, and not a string", written(node));
                problems
                    .push(origin.problem(node.at, message).in_field("metadata.namespace").with_hint(QUOTES));
                None
            }
        },
    };
    Some((name?, namespace))
}

const QUOTES: &str = "put it in quotes";

fn name(
    origin: &Origin,
    metadata: &Node,
    kind: &str,
    strict: bool,
    problems: &mut Vec<Cause>,
) -> Option<String> {
    let field = "metadata.name";
    let Some(node) = metadata.member("name").filter(|node| !node.is_null()) else {
        let problem = origin.problem(metadata.at, format_args!("the {kind} has no name")).in_field(field);
        problems.push(if metadata.member("generateName").is_some() {
            problem.with_hint("give it a metadata.name: what is applied again has to be found again, and generateName makes a new one each time")
        } else {
            problem
        });
        return None;
    };
    let Some(name) = node.as_str() else {
        let message = format!("the {kind}'s name is {}, and not a string", written(node));
        problems.push(origin.problem(node.at, message).in_field(field).with_hint(QUOTES));
        return None;
    };
    if let Some(wrong) = wrong_name(name).or_else(|| no_subdomain(name).filter(|_| strict)) {
        let message = format!("the {kind}'s name `{}` {wrong}", name.escape_debug());
        problems.push(origin.problem(node.at, message).in_field(field));
        return None;
    }
    Some(name.to_owned())
}

/// `the number 5`, `the boolean no`.
fn written(node: &Node) -> String {
    match node.as_written() {
        Some(text) => format!("{} (`{text}`)", node.kind()),
        None => node.kind().to_owned(),
    }
}

/// `v1`, `apps/v1`, `example.com/v1alpha1`.
fn is_version(text: &str) -> bool {
    let part = |text: &str| {
        !text.is_empty()
            && text.len() <= LONGEST_NAME
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c))
    };
    match text.split_once('/') {
        Some((group, version)) => part(group) && part(version),
        None => part(text),
    }
}

/// What no kind allows in a name: it is a part of the address (`IsValidPathSegmentName` of apimachinery). The kinds
/// differ in the rest, and the server knows.
fn wrong_name(name: &str) -> Option<String> {
    if let Some(letter) = name.chars().find(|c| "${}<>".contains(*c)) {
        return Some(format!("contains `{letter}`: a variable in it was not replaced"));
    }
    match name {
        "" => Some("is empty; a variable for it was probably not set".to_owned()),
        "." | ".." => Some("may not be a name".to_owned()),
        _ if name.len() > LONGEST_NAME => Some(format!("is longer than {LONGEST_NAME} characters")),
        _ if name.starts_with('-') || name.ends_with('-') => {
            Some("begins or ends with `-`; a variable in it was probably empty".to_owned())
        }
        _ => {
            let bad = name.chars().find(|c| c.is_whitespace() || c.is_control() || "/%".contains(*c))?;
            Some(format!("contains `{}`, which no name may", bad.escape_debug()))
        }
    }
}

/// What the kinds of most groups of Kubernetes' own allow in addition: their names are subdomains (RFC 1123).
fn no_subdomain(name: &str) -> Option<String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    if let Some(letter) = name.chars().find(|c| !allowed(*c)) {
        return Some(format!(
            "contains `{}`: it may hold lower-case letters, digits, `-` and `.`",
            letter.escape_debug()
        ));
    }
    let edge = |part: &str| part.is_empty() || part.starts_with('-') || part.ends_with('-');
    name.split('.')
        .any(edge)
        .then(|| "has a `.` or `-` too many: letters or digits stand on both sides of each `.`".to_owned())
}

/// What is wrong with the name of a namespace, if anything: it is a label of RFC 1123.
pub(crate) fn wrong_namespace(name: &str) -> Option<String> {
    if name.trim().is_empty() {
        return Some("namespace is empty; a variable for it was probably not set".to_owned());
    }
    let letters = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    let good = letters && !name.starts_with('-') && !name.ends_with('-');
    if good && name.len() <= LONGEST_NAMESPACE {
        return None;
    }
    Some(format!(
        "namespace `{}` is not valid: up to {LONGEST_NAMESPACE} lower-case letters, digits and `-`, the first and the last no `-`",
        name.escape_debug()
    ))
}
