//! Templates, JSON or YAML with short forms, as JSON.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html>

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};
use serde_json::{Map, Value, json};

/// A collection that is being read, with its tag and anchor.
enum Open {
    List(Vec<Value>),
    Map(Map<String, Value>, Option<String>),
}

/// The template, or CloudFormation's words for what is wrong with it.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text)
            .map_err(|error| format!("Template format error: JSON not well-formed. ({error})"));
    }
    let mut open: Vec<(Open, Option<String>, usize)> = Vec::new();
    let mut anchors: HashMap<usize, Value> = HashMap::new();
    let mut root = None;
    for event in Parser::new_from_str(text) {
        let (event, _) = event.map_err(|error| {
            format!(
                "Template format error: YAML not well-formed. (line {}, column {})",
                error.marker().line(),
                error.marker().col() + 1
            )
        })?;
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => (
                tagged(
                    tag.as_deref().map(name).as_deref(),
                    scalar(&text, matches!(style, ScalarStyle::Plain)),
                ),
                anchor,
            ),
            Event::Alias(anchor) => (anchors.get(&anchor).cloned().unwrap_or_default(), 0),
            Event::SequenceStart(anchor, tag) => {
                open.push((Open::List(Vec::new()), tag.as_deref().map(name), anchor));
                continue;
            }
            Event::MappingStart(anchor, tag) => {
                open.push((Open::Map(Map::new(), None), tag.as_deref().map(name), anchor));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some((Open::List(items), tag, anchor)) => {
                    (tagged(tag.as_deref(), Value::Array(items)), anchor)
                }
                Some((Open::Map(members, _), tag, anchor)) => {
                    (tagged(tag.as_deref(), Value::Object(members)), anchor)
                }
                None => continue,
            },
            _ => continue,
        };
        if anchor > 0 {
            anchors.insert(anchor, value.clone());
        }
        match open.last_mut() {
            None => root = Some(value),
            Some((Open::List(items), ..)) => items.push(value),
            Some((Open::Map(members, key), ..)) => match key.take() {
                None => *key = Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
                // Merged members never go before the map's own.
                Some(key) if key == "<<" => {
                    for (key, value) in value.as_object().cloned().unwrap_or_default() {
                        members.entry(key).or_insert(value);
                    }
                }
                Some(key) => {
                    members.insert(key, value);
                }
            },
        }
    }
    root.ok_or_else(|| "Template format error: unsupported structure.".to_owned())
}

fn name(tag: &Tag) -> String {
    if tag.is_yaml_core_schema() { String::new() } else { tag.suffix.clone() }
}

fn tagged(tag: Option<&str>, value: Value) -> Value {
    match tag {
        None | Some("") => value,
        Some(tag @ ("Ref" | "Condition")) => json!({ tag: value }),
        Some("GetAtt") => match value.as_str().and_then(|text| text.split_once('.')) {
            Some((resource, attribute)) => json!({ "Fn::GetAtt": [resource, attribute] }),
            None => json!({ "Fn::GetAtt": value }),
        },
        Some(tag) => json!({ format!("Fn::{tag}"): value }),
    }
}

fn scalar(text: &str, plain: bool) -> Value {
    match text {
        _ if !plain => Value::from(text),
        "" | "~" | "null" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => text
            .parse::<i64>()
            .ok()
            .filter(|number| number.to_string() == text)
            .map_or_else(|| Value::from(text), Value::from),
    }
}

/// Capabilities that a template needs, with CloudFormation's word why.
pub(super) fn capabilities(template: &Value) -> Vec<&'static str> {
    const IAM: [(&str, &str); 6] = [
        ("AWS::IAM::Role", "RoleName"),
        ("AWS::IAM::User", "UserName"),
        ("AWS::IAM::Group", "GroupName"),
        ("AWS::IAM::ManagedPolicy", "ManagedPolicyName"),
        ("AWS::IAM::InstanceProfile", "InstanceProfileName"),
        ("AWS::IAM::Policy", ""),
    ];
    let none = Map::new();
    let resources = template.get("Resources").and_then(Value::as_object).unwrap_or(&none);
    let (mut iam, mut named) = (false, false);
    for resource in resources.values() {
        let kind = resource.get("Type").and_then(Value::as_str).unwrap_or_default();
        if let Some((_, name)) = IAM.iter().find(|(known, _)| *known == kind) {
            let has_name = resource.get("Properties").and_then(|properties| properties.get(name)).is_some();
            (iam, named) = (iam || !has_name, named || has_name);
        }
    }
    // CAPABILITY_NAMED_IAM covers both, and is the only one that is asked for then.
    match (iam, named) {
        (_, true) => vec!["CAPABILITY_NAMED_IAM"],
        (true, false) => vec!["CAPABILITY_IAM"],
        (false, false) => Vec::new(),
    }
}
