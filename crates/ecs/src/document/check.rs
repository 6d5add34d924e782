//! The checks of a document: types, names, tags, images. Each problem is found on its own, so that all of them can
//! be told at once.

use std::collections::HashMap;

use landfall_core::Cause;

use super::json::{self, Json, Member, Node};
use super::members::{self, Kind, Shape, TASK_DEFINITION};
use super::source::Source;
use super::{image, near, path, shape};

/// Longest family and container name (RegisterTaskDefinition `family`, ContainerDefinition `name`).
const LONGEST_NAME: usize = 255;
/// Most tags on a resource, longest key and value in characters (Tag, "Basic restrictions").
const MOST_TAGS: usize = 50;
const LONGEST_TAG_KEY: usize = 128;
const LONGEST_TAG_VALUE: usize = 256;

/// Levels that a document may have: the model has eight. Readers of JSON go down 127, and an answer of ECS has one more
/// around the document.
const DEEPEST: usize = 100;
/// Problems that are told of one file: nobody mends more at a time, and the place of each is searched for.
const MOST_PROBLEMS: usize = 100;

/// What a check of a whole document found.
pub(super) struct Found<'a> {
    source: &'a Source,
    pub(super) problems: Vec<Cause>,
    pub(super) warnings: Vec<Cause>,
}

/// Checks everything but the images, which may still be set.
pub(super) fn document<'a>(root: &Node, source: &'a Source) -> Found<'a> {
    let mut found = Found { source, problems: Vec::new(), warnings: Vec::new() };
    if depth(root) > DEEPEST {
        found.problem("", format!("the file has more than {DEEPEST} levels of objects and lists"), root);
    }
    found.object(root, TASK_DEFINITION, "");
    found.family(root);
    found.containers(root);
    found.tags(root);
    found
}

/// Checks what edits may have changed: images and tags.
pub(super) fn finished(root: &Node, source: &Source) -> Vec<Cause> {
    let mut found = Found { source, problems: Vec::new(), warnings: Vec::new() };
    found.images(root);
    found.tags(root);
    found.problems
}

impl Found<'_> {
    fn problem(&mut self, path: &str, message: impl AsRef<str>, node: &Node) {
        add(&mut self.problems, || self.source.invalid(path, message, node.at));
    }

    /// A required member that is not there; a key that looks like it is named.
    fn missing(&mut self, object: &Node, path: &str, key: &str, message: &str) {
        add(&mut self.problems, || {
            let cause = self.source.invalid(path, message, object.at);
            let present = object.members().iter().map(|member| member.key.as_str());
            match near::nearest(key, present) {
                Some(other) => cause.with_hint(format!("`{other}` looks like it; did you mean `{key}`?")),
                None => cause,
            }
        });
    }

    fn object(&mut self, node: &Node, shape: Shape, path: &str) {
        for member in node.members() {
            let field = path::member(path, &member.key);
            match members::kind(shape, &member.key) {
                Some(kind) => self.value(&member.value, kind, &field),
                None => self.unknown(member, shape, &field),
            }
        }
    }

    fn unknown(&mut self, member: &Member, shape: Shape, field: &str) {
        if let Some(known) = near::nearest(&member.key, shape.iter().map(|(name, _)| *name)) {
            add(&mut self.warnings, || {
                let message =
                    format!("`{}` is not a field that is known here; did you mean `{known}`?", member.key);
                let cause = self.source.invalid(field, message, member.key_at);
                cause.with_hint("it is kept and sent as it is")
            });
        }
    }

    fn value(&mut self, node: &Node, kind: Kind, path: &str) {
        let list = |element: Kind| -> Vec<(String, &Node, Kind)> {
            node.items().iter().enumerate().map(|(i, item)| (path::index(path, i), item, element)).collect()
        };
        let inner = match kind {
            Kind::Texts => list(Kind::Text),
            Kind::Integers => list(Kind::Integer),
            Kind::Objects(shape) => list(Kind::Object(shape)),
            Kind::Map => node
                .members()
                .iter()
                .map(|member| (path::member(path, &member.key), &member.value, Kind::Text))
                .collect(),
            Kind::Text | Kind::Integer | Kind::Boolean | Kind::Object(_) => Vec::new(),
        };
        if let Some(expected) = unlike(node, kind) {
            self.wrong_type(node, expected, path);
        } else if let Kind::Object(shape) = kind {
            self.object(node, shape, path);
        }
        for (path, item, kind) in inner {
            self.value(item, kind, &path);
        }
    }

    fn wrong_type(&mut self, node: &Node, expected: &str, path: &str) {
        let fraction = node.as_number().is_some_and(|number| !json::is_whole(number));
        let found = if fraction { "a number with a fraction" } else { node.kind() };
        let message = format!("`{path}`: expected {expected}, found {found}");
        let hint = match (&node.value, expected) {
            (Json::Number(_) | Json::Bool(_), "a string") => Some("put the value in quotes"),
            (Json::String(_), "a whole number" | "true or false") => Some("write the value without quotes"),
            _ => None,
        };
        add(&mut self.problems, || {
            let cause = self.source.invalid(path, message, node.at);
            match hint {
                Some(hint) => cause.with_hint(hint),
                None => cause,
            }
        });
    }

    fn family(&mut self, root: &Node) {
        match root.member("family") {
            None => {
                self.missing(root, "family", "family", "`family` is missing: it names the task definition");
            }
            Some(node) => self.name(node, "family"),
        }
    }

    /// Families and container names follow the same rule.
    fn name(&mut self, node: &Node, path: &str) {
        let Some(name) = node.as_str() else { return };
        let well_formed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() {
            self.problem(path, format!("`{path}` is empty"), node);
        } else if let Some(odd) = name.chars().find(|c| !well_formed(*c)) {
            let odd = odd.escape_debug();
            let message =
                format!("`{path}` contains `{odd}`; allowed are letters A-Z and a-z, digits, `-` and `_`");
            self.problem(path, message, node);
        } else if name.len() > LONGEST_NAME {
            let message =
                format!("`{path}` has {} characters; at most {LONGEST_NAME} are allowed", name.len());
            self.problem(path, message, node);
        }
    }

    fn containers(&mut self, root: &Node) {
        const FIELD: &str = "containerDefinitions";
        let Some(node) = root.member(FIELD) else {
            return self.missing(root, FIELD, FIELD, "`containerDefinitions` is missing");
        };
        if node.is_array() && node.items().is_empty() {
            self.problem(FIELD, "`containerDefinitions` is empty: a task has at least one container", node);
        }
        let mut first_places: HashMap<&str, Option<usize>> = HashMap::new();
        for (index, container) in node.items().iter().enumerate().filter(|(_, node)| node.is_object()) {
            let parent = path::index(FIELD, index);
            let field = path::member(&parent, "name");
            let Some(name) = container.member("name") else {
                self.missing(container, &field, "name", &format!("`{parent}` has no `name`"));
                continue;
            };
            self.name(name, &field);
            let Some(text) = name.as_str().filter(|text| !text.is_empty()) else { continue };
            if let Some(first) = first_places.get(text) {
                let first = first.map(|at| format!("; the first is at {}", self.source.location(at)));
                let message = format!("two containers are named `{text}`{}", first.unwrap_or_default());
                self.problem(&field, message, name);
            } else {
                first_places.insert(text, name.at);
            }
        }
    }

    fn tags(&mut self, root: &Node) {
        let Some(node) = root.member("tags") else { return };
        if node.items().len() > MOST_TAGS {
            let message =
                format!("`tags` has {} entries; at most {MOST_TAGS} are allowed", node.items().len());
            self.problem("tags", message, node);
        }
        let mut seen: HashMap<&str, usize> = HashMap::new();
        for (index, tag) in node.items().iter().enumerate().filter(|(_, tag)| tag.is_object()) {
            let parent = path::index("tags", index);
            self.tag(tag, &parent);
            if let Some(key) = tag.text("key")
                && let Some(first) = seen.insert(key, index)
            {
                self.problem(
                    &parent,
                    format!("`tags[{first}]` and `{parent}` have the same key `{key}`"),
                    tag,
                );
            }
        }
    }

    fn tag(&mut self, tag: &Node, parent: &str) {
        let field = path::member(parent, "key");
        match tag.member("key") {
            None => self.missing(tag, &field, "key", &format!("`{parent}` has no `key`")),
            Some(key) => {
                let text = key.as_str().unwrap_or("?");
                if text.is_empty() || text.chars().count() > LONGEST_TAG_KEY {
                    let message = format!("`{field}` must have 1 to {LONGEST_TAG_KEY} characters");
                    self.problem(&field, message, key);
                } else if shape::is_reserved(text) {
                    self.problem(&field, format!("`{field}` starts with `aws:`, which is reserved"), key);
                }
            }
        }
        if let Some(value) = tag.member("value")
            && value.as_str().is_some_and(|text| text.chars().count() > LONGEST_TAG_VALUE)
        {
            let field = path::member(parent, "value");
            let message = format!("`{field}` must have at most {LONGEST_TAG_VALUE} characters");
            self.problem(&field, message, value);
        }
    }

    fn images(&mut self, root: &Node) {
        let containers = root.member("containerDefinitions").map_or(&[][..], Node::items);
        for (index, container) in containers.iter().enumerate() {
            let field = path::member(&path::index("containerDefinitions", index), "image");
            let name = container.text("name").unwrap_or_default();
            match container.member("image") {
                None => {
                    let message = format!("container `{name}` has no `image` and was given none");
                    self.missing(container, &field, "image", &message);
                }
                Some(node) => {
                    if let Err(cause) = image::check(node.as_str().unwrap_or_default()) {
                        self.problem(&field, format!("container `{name}`: {}", cause.message), node);
                    }
                }
            }
        }
    }
}

/// Adds to what is told, up to the most that is.
pub(super) fn add(told: &mut Vec<Cause>, make: impl FnOnce() -> Cause) {
    match told.len() {
        MOST_PROBLEMS => told.push(Cause::new("more-problems", "there are more, told when these are mended")),
        more if more > MOST_PROBLEMS => {}
        _ => told.push(make()),
    }
}

fn depth(node: &Node) -> usize {
    let below = node.items().iter().chain(node.members().iter().map(|member| &member.value));
    let below = below.map(depth).max().unwrap_or(0);
    below + usize::from(node.is_array() || node.is_object())
}

/// What was expected, when the value is of another kind.
fn unlike(node: &Node, kind: Kind) -> Option<&'static str> {
    let (fits, expected) = match kind {
        Kind::Text => (node.as_str().is_some(), "a string"),
        Kind::Integer => (node.as_number().is_some_and(json::is_whole), "a whole number"),
        Kind::Boolean => (matches!(node.value, Json::Bool(_)), "true or false"),
        Kind::Texts | Kind::Integers | Kind::Objects(_) => (node.is_array(), "an array"),
        Kind::Map | Kind::Object(_) => (node.is_object(), "an object"),
    };
    (!fits).then_some(expected)
}
