//! The tree as JSON, with short forms written out, so that two templates can be compared.

use serde_json::{Map, Number, Value, json};

use super::{Entry, Kind, Mark, Node};

/// The node as JSON. `!Ref X` becomes `{"Ref": "X"}`, `!GetAtt A.B` becomes `{"Fn::GetAtt": ["A", "B"]}`, and any
/// other `!Name` becomes `{"Fn::Name": ...}`.
pub(crate) fn to_value(node: &Node) -> Value {
    let bare = match &node.kind {
        Kind::Scalar { text, plain } => scalar(text, *plain),
        Kind::List(items) => items.iter().map(to_value).collect(),
        Kind::Map(entries) => {
            let members = entries.iter().map(|entry| (entry.key.clone(), to_value(&entry.value)));
            Value::Object(members.collect::<Map<_, _>>())
        }
    };
    match node.tag.as_deref() {
        None | Some("") => bare,
        Some(tag @ ("Ref" | "Condition")) => json!({ tag: bare }),
        Some("GetAtt") => {
            let split = bare.as_str().and_then(|text| text.split_once('.'));
            let value =
                split.map_or_else(|| bare.clone(), |(resource, attribute)| json!([resource, attribute]));
            json!({ "Fn::GetAtt": value })
        }
        Some(tag) => json!({ format!("Fn::{tag}"): bare }),
    }
}

/// What an unquoted scalar means by the core schema; what only looks like a number, such as `012` or `1.10`, stays
/// the text that it is.
fn scalar(text: &str, plain: bool) -> Value {
    if !plain {
        return Value::String(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => match text.parse::<i64>() {
            Ok(number) if number.to_string() == text => Value::Number(Number::from(number)),
            _ => Value::String(text.to_owned()),
        },
    }
}

/// A tree of JSON whose places are not known.
pub(super) fn from_json(json: &Value) -> Node {
    let at = Mark { line: 1, column: 1 };
    let plain = |text: String| Kind::Scalar { text, plain: true };
    let kind = match json {
        Value::String(text) => Kind::Scalar { text: text.clone(), plain: false },
        Value::Array(items) => Kind::List(items.iter().map(from_json).collect()),
        Value::Object(members) => {
            let entry =
                |(key, value): (&String, &Value)| Entry { key: key.clone(), at, value: from_json(value) };
            Kind::Map(members.iter().map(entry).collect())
        }
        other => plain(other.to_string()),
    };
    Node { at, tag: None, kind }
}
