//! Differences in words, without values that may be secret.

use landfall_core::error::redact;

use super::compare::{is_keyed, normalised, pairs, same};
use super::json::{Json, Node};
use super::members::{self, Kind, TASK_DEFINITION};
use super::{Document, RUN_TAG, path};

/// Longest value that a line shows, in characters.
const LONGEST_VALUE: usize = 200;

/// What registering `wanted` would change in comparison with `live`, one line for each difference such as
/// `containerDefinitions[web].image: web:1 -> web:2`; empty when there is nothing to do.
///
/// What ECS fills in by itself, the order of named entries and the tag [`RUN_TAG`] make no difference. Values of
/// environments, of string maps (log options, labels) and of fields that landfall does not know are not shown, because
/// they may be secrets; commands are shown redacted.
#[must_use]
pub fn diff(live: &Document, wanted: &Document) -> Vec<String> {
    let (live, wanted) = (normalised(&live.without_tag(RUN_TAG)), normalised(&wanted.without_tag(RUN_TAG)));
    let mut lines = Vec::new();
    let place = Place { path: String::new(), key: String::new(), kind: Some(Kind::Object(TASK_DEFINITION)) };
    compare(&place, Some(&live), Some(&wanted), &mut lines);
    lines
}

/// Where two values stand: the path to name, the key they are members under, and what the model says of them.
struct Place {
    path: String,
    key: String,
    kind: Option<Kind>,
}

impl Place {
    fn member(&self, key: &str) -> Self {
        let kind = match self.kind {
            Some(Kind::Object(shape)) => members::kind(shape, key),
            _ => None,
        };
        Self { path: path::member(&self.path, key), key: key.to_owned(), kind }
    }

    fn entry(&self, label: &str) -> Self {
        let kind = match self.kind {
            Some(Kind::Objects(shape)) => Some(Kind::Object(shape)),
            _ => None,
        };
        Self { path: path::named(&self.path, label), key: self.key.clone(), kind }
    }

    /// An entry of `environment` is told as a whole, by its name.
    fn is_variable(&self) -> bool {
        self.key == "environment" && matches!(self.kind, Some(Kind::Object(_)))
    }
}

fn compare(place: &Place, live: Option<&Node>, wanted: Option<&Node>, lines: &mut Vec<String>) {
    if let (Some(live), Some(wanted)) = (live, wanted)
        && same(&place.key, live, wanted)
    {
        return;
    }
    if let (Some(live), Some(wanted)) = (live, wanted)
        && live.is_object()
        && wanted.is_object()
        && matches!(place.kind, Some(Kind::Object(_) | Kind::Map))
        && !place.is_variable()
    {
        return compare_members(place, live, wanted, lines);
    }
    let either = live.or(wanted);
    if is_keyed(&place.key)
        && matches!(place.kind, Some(Kind::Objects(_)))
        && either.is_some_and(Node::is_array)
        && let Some(pairs) = pairs(&place.key, items(live), items(wanted))
    {
        for (label, live, wanted) in pairs {
            compare(&place.entry(&label), live, wanted, lines);
        }
        return;
    }
    lines.push(format!("{}: {}", place.path, change(place, live, wanted)));
}

fn compare_members(place: &Place, live: &Node, wanted: &Node, lines: &mut Vec<String>) {
    for member in live.members() {
        compare(&place.member(&member.key), Some(&member.value), wanted.member(&member.key), lines);
    }
    for member in wanted.members().iter().filter(|member| live.member(&member.key).is_none()) {
        compare(&place.member(&member.key), None, Some(&member.value), lines);
    }
}

fn items(node: Option<&Node>) -> &[Node] {
    node.map_or(&[], Node::items)
}

fn change(place: &Place, live: Option<&Node>, wanted: Option<&Node>) -> String {
    let shown = |node: &Node| shown(place, node);
    match (live, wanted) {
        (Some(live), Some(wanted)) => match (shown(live), shown(wanted)) {
            // A secret may have changed where the shown texts are equal.
            (Some(old), Some(new)) if old != new => format!("{old} -> {new}"),
            _ => "changed".to_owned(),
        },
        (None, Some(wanted)) => with_value("added", shown(wanted)),
        _ => with_value("removed", live.and_then(shown)),
    }
}

fn with_value(what: &str, value: Option<String>) -> String {
    match value {
        Some(value) => format!("{what} ({value})"),
        None => what.to_owned(),
    }
}

/// The value in words, where it can be no secret by its place.
fn shown(place: &Place, node: &Node) -> Option<String> {
    match place.kind? {
        Kind::Text | Kind::Integer | Kind::Boolean => Some(short(&text(node))),
        Kind::Texts | Kind::Integers => Some(short(&arguments(node))),
        Kind::Map | Kind::Object(_) | Kind::Objects(_) => None,
    }
}

fn text(node: &Node) -> String {
    match &node.value {
        Json::String(text) => redact(text),
        Json::Array(_) | Json::Object(_) => node.kind().to_owned(),
        _ => node.to_string(),
    }
}

/// A list of arguments. What follows `--password` and its like is a secret without a form of its own.
fn arguments(list: &Node) -> String {
    let mut after_flag = false;
    let shown = list.items().iter().map(|item| {
        let argument = text(item);
        let hidden = std::mem::replace(&mut after_flag, announces_secret(&argument));
        if hidden { "[redacted]".to_owned() } else { argument }
    });
    let shown: Vec<String> = shown.collect();
    redact(&serde_json::Value::from(shown).to_string())
}

fn announces_secret(argument: &str) -> bool {
    let flag = argument.to_ascii_lowercase();
    flag.starts_with('-')
        && !flag.contains('=')
        && ["password", "passwd", "secret", "token", "key"].iter().any(|word| flag.contains(word))
}

fn short(text: &str) -> String {
    match text.char_indices().nth(LONGEST_VALUE) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
