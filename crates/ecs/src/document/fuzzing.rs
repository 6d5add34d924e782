//! What holds for every text that is read as a task definition.
#![allow(clippy::panic, reason = "a panic is the finding")]

use serde_json::Value;

use super::json::{self, Json, Node};
use super::source::Source;
use super::{Document, RUN_TAG, diff, echo_check};

const IMAGE: &str = "registry.example.com/fuzzed:1";

/// Reads, checks, edits, compares and sends any text.
///
/// # Panics
/// When something does not hold that must.
pub fn task_definition(text: &str) {
    printed_and_read_again(text);
    match Document::parse("td.json", text) {
        Ok(document) => accepted(text, &document),
        Err(error) => {
            assert!(!error.causes().is_empty(), "refused without a reason: {error}");
            error.causes().iter().for_each(|cause| is_inside(text, cause));
        }
    }
    // What ECS answers is taken as it is, so the edits meet trees that nobody has checked.
    if let Ok(described) = Document::from_answer(text.as_bytes()) {
        edited(&described);
    }
}

/// Compares any two task definitions.
///
/// # Panics
/// When something does not hold that must.
pub fn task_definitions(one: &str, other: &str) {
    let (Ok(one), Ok(other)) = (Document::parse("one", one), Document::parse("other", other)) else { return };
    let (there, back) = (diff(&one, &other), diff(&other, &one));
    assert_eq!(there.is_empty(), back.is_empty(), "{there:?} {back:?}");
    if there.is_empty() {
        let lost = echo_check(&one.without_tag(RUN_TAG), &other);
        assert!(lost.is_empty(), "the same, and yet without {lost:?}");
    }
    if one.digest() == other.digest() {
        assert!(there.is_empty(), "{there:?}");
    }
}

fn is_inside(text: &str, cause: &landfall_core::Cause) {
    let Some(at) = &cause.at else { return };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let line = text.split('\n').nth(at.line as usize - 1);
    let inside = line.is_some_and(|line| at.column >= 1 && at.column as usize <= line.chars().count() + 1);
    assert!(inside, "{at} is no place in the text");
}

/// What one reader takes the other takes too, and what is printed reads the same.
fn printed_and_read_again(text: &str) {
    let source = Source::new("td.json", text);
    let value = serde_json::from_str::<Value>(source.text());
    let node = match json::parse(&source) {
        Ok(node) => node,
        Err(problems) => {
            let by_us = |problem: &landfall_core::Cause| {
                problem.message.contains("given twice") || problem.message.contains("levels")
            };
            assert!(value.is_err() || problems.iter().all(by_us), "the two readers differ: {problems:?}");
            return;
        }
    };
    let printed = node.to_string();
    assert!(value.is_ok_and(|value| serde_json::from_str::<Value>(&printed).is_ok_and(|read| read == value)));
    let again = json::parse(&Source::new("td.json", &printed)).unwrap_or_else(|problems| {
        panic!("what was printed cannot be read: {problems:?}");
    });
    assert!(are_equal(&node, &again), "{printed}");
    assert_eq!(again.to_string(), printed);
    has_its_places(source.text(), &node);
}

fn are_equal(one: &Node, other: &Node) -> bool {
    match (&one.value, &other.value) {
        (Json::Null, Json::Null) => true,
        (Json::Bool(one), Json::Bool(other)) => one == other,
        (Json::Number(one), Json::Number(other)) | (Json::String(one), Json::String(other)) => one == other,
        (Json::Array(one), Json::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| are_equal(one, other))
        }
        (Json::Object(one), Json::Object(other)) => {
            let pairs = || one.iter().zip(other);
            one.len() == other.len()
                && pairs().all(|(one, other)| one.key == other.key && are_equal(&one.value, &other.value))
        }
        _ => false,
    }
}

/// Each value is found where it is said to be.
fn has_its_places(text: &str, node: &Node) {
    let first = node.at.and_then(|at| text.get(at..)).and_then(|rest| rest.chars().next());
    let expected = match &node.value {
        Json::Null => "n",
        Json::Bool(_) => "tf",
        Json::Number(_) => "-0123456789",
        Json::String(_) => "\"",
        Json::Array(_) => "[",
        Json::Object(_) => "{",
    };
    assert!(first.is_some_and(|first| expected.contains(first)), "{first:?} begins {}", node.kind());
    node.items().iter().for_each(|item| has_its_places(text, item));
    for member in node.members() {
        let key = member.key_at.and_then(|at| text.get(at..));
        assert!(key.is_some_and(|key| key.starts_with('"')), "{}", member.key);
        has_its_places(text, &member.value);
    }
}

fn accepted(text: &str, document: &Document) {
    document.warnings().iter().for_each(|warning| is_inside(text, warning));
    if let Err(error) = document.finish() {
        error.causes().iter().for_each(|cause| is_inside(text, cause));
    }
    let body = document.to_body();
    if let Some(expected) = expected(text) {
        assert_eq!(serde_json::from_str::<Value>(&body).ok(), Some(expected), "{body}");
    }
    let answer = format!(r#"{{"taskDefinition":{body}}}"#);
    let again = Document::from_answer(answer.as_bytes())
        .unwrap_or_else(|error| panic!("what was sent cannot be read: {}", error.report()));
    assert_eq!(again.to_body(), body);
    assert_eq!(again.digest(), document.digest());
    assert!(diff(document, &again).is_empty() && echo_check(document, &again).is_empty());
    edited(document);
}

/// What must be sent of a file without an envelope, by another reader and other rules of looking: everything but
/// what is null, what ECS adds, and reserved tags.
fn expected(text: &str) -> Option<Value> {
    let mut value: Value = serde_json::from_str(text.strip_prefix('\u{feff}').unwrap_or(text)).ok()?;
    let root = value.as_object_mut()?;
    if root.get("taskDefinition").is_some_and(Value::is_object) {
        return None;
    }
    for added in [
        "taskDefinitionArn",
        "revision",
        "status",
        "requiresAttributes",
        "compatibilities",
        "registeredAt",
        "registeredBy",
        "deregisteredAt",
        "deleteRequestedAt",
    ] {
        root.shift_remove(added);
    }
    without_nulls(&mut value);
    let root = value.as_object_mut()?;
    if let Some(Value::Array(tags)) = root.get_mut("tags") {
        tags.retain(|tag| {
            let key = tag.get("key").and_then(Value::as_str).unwrap_or_default();
            !key.to_ascii_lowercase().starts_with("aws:")
        });
        if tags.is_empty() {
            root.shift_remove("tags");
        }
    }
    Some(value)
}

fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(without_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

/// Edits change what they name and nothing else.
fn edited(document: &Document) {
    for name in document.containers().into_iter().take(3) {
        let mut with_image = document.clone();
        assert!(with_image.set_image(name, IMAGE).is_ok(), "{name}");
        assert_eq!(with_image.image(name), Some(IMAGE));
        assert!(with_image.set_image(name, "Not An Image").is_err());
        let changes = diff(document, &with_image);
        assert_eq!(changes.is_empty(), document.image(name) == Some(IMAGE), "{changes:?}");
        let _ = (document.ports(name), document.log_configuration(name));
    }
    let mut for_all = document.clone();
    assert!(for_all.set_image_for_all(IMAGE).is_ok());
    assert!(for_all.containers().iter().all(|name| for_all.image(name) == Some(IMAGE)));
    let mut tagged = document.clone();
    tagged.set_tag(RUN_TAG, "run/1");
    assert_eq!(tagged.tag(RUN_TAG), Some("run/1"));
    assert!(diff(document, &tagged).is_empty());
    let _ = (document.family(), document.requires_fargate(), format!("{document:?}"), document.finish());
}
