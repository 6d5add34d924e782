//! Selectors: by labels and by fields.
//! <https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors>

use serde_json::Value;

use crate::kubernetes::asked::Query;
use crate::kubernetes::items;
use crate::kubernetes::refusal::Refusal;

/// Which objects of a list or watch are meant.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Selection {
    labels: Vec<Requirement>,
    /// Pointer into the object, value, and whether it has to be equal.
    fields: Vec<(String, String, bool)>,
}

#[derive(Debug, Clone, PartialEq)]
struct Requirement {
    key: String,
    operator: Operator,
}

#[derive(Debug, Clone, PartialEq)]
enum Operator {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    DoesNotExist,
}

impl Requirement {
    fn holds(&self, labels: &Value) -> bool {
        let value = labels.get(&self.key).and_then(Value::as_str);
        match &self.operator {
            Operator::In(values) => value.is_some_and(|value| values.iter().any(|one| one == value)),
            Operator::NotIn(values) => value.is_none_or(|value| values.iter().all(|one| one != value)),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
        }
    }
}

impl Selection {
    /// By the options `labelSelector` and `fieldSelector` of a request.
    pub(crate) fn of(query: &Query) -> Result<Self, Refusal> {
        Ok(Self {
            labels: parse_labels(query.text("labelSelector"))?,
            fields: parse_fields(query.text("fieldSelector"))?,
        })
    }

    pub(crate) fn takes(&self, object: &Value) -> bool {
        let labels = &object["metadata"]["labels"];
        self.labels.iter().all(|requirement| requirement.holds(labels))
            && self.fields.iter().all(|(pointer, value, equal)| {
                let there = object.pointer(pointer).map_or_else(String::new, |there| match there {
                    Value::String(text) => text.clone(),
                    Value::Null => String::new(),
                    other => other.to_string(),
                });
                (there == *value) == *equal
            })
    }
}

/// True if the `LabelSelector` of an object takes these labels.
pub(crate) fn labels_match(selector: &Value, labels: &Value) -> bool {
    let mut equal = selector["matchLabels"].as_object().into_iter().flatten();
    equal.all(|(name, value)| labels.get(name) == Some(value))
        && items(&selector["matchExpressions"]).iter().all(|expression| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let values = || items(&expression["values"]).iter().map(text).collect();
            let operator = match expression["operator"].as_str() {
                Some("In") => Operator::In(values()),
                Some("NotIn") => Operator::NotIn(values()),
                Some("Exists") => Operator::Exists,
                _ => Operator::DoesNotExist,
            };
            Requirement { key: text(&expression["key"]), operator }.holds(labels)
        })
}

/// At the commas that are in no parentheses.
fn parts(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0_i32, 0, Vec::new());
    for (at, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

fn parse_labels(text: &str) -> Result<Vec<Requirement>, Refusal> {
    let bad = |part: &str| Refusal::bad_request(format!("unable to parse requirement: found '{part}'"));
    parts(text)
        .into_iter()
        .map(|part| {
            let one = |key: &str, operator: Operator| {
                let key = key.trim().to_owned();
                if key.is_empty() || key.contains(' ') {
                    return Err(bad(part));
                }
                Ok(Requirement { key, operator })
            };
            let value = |text: &str| vec![text.trim().to_owned()];
            if let Some((key, values)) = part.strip_suffix(')').and_then(|part| part.split_once('(')) {
                let values = values.split(',').map(|value| value.trim().to_owned()).collect();
                return match key.trim().rsplit_once(' ') {
                    Some((key, "in")) => one(key, Operator::In(values)),
                    Some((key, "notin")) => one(key, Operator::NotIn(values)),
                    _ => Err(bad(part)),
                };
            }
            if let Some((key, text)) = part.split_once("!=") {
                return one(key, Operator::NotIn(value(text)));
            }
            if let Some((key, text)) = part.split_once("==").or_else(|| part.split_once('=')) {
                return one(key, Operator::In(value(text)));
            }
            match part.strip_prefix('!') {
                Some(key) => one(key, Operator::DoesNotExist),
                None => one(part, Operator::Exists),
            }
        })
        .collect()
}

/// Fields that can be selected by: those of every kind, of pods, and of events.
const SELECTABLE: [&str; 14] = [
    "metadata.name",
    "metadata.namespace",
    "spec.nodeName",
    "spec.restartPolicy",
    "status.phase",
    "status.podIP",
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.fieldPath",
    "reason",
    "type",
    "status.successful",
];

fn parse_fields(text: &str) -> Result<Vec<(String, String, bool)>, Refusal> {
    parts(text)
        .into_iter()
        .map(|part| {
            let (name, value, equal) = match part.split_once("!=") {
                Some((name, value)) => (name, value, false),
                None => {
                    let pair = part.split_once("==").or_else(|| part.split_once('='));
                    let bad = || Refusal::bad_request(format!("invalid field selector: {part:?}"));
                    let (name, value) = pair.ok_or_else(bad)?;
                    (name, value, true)
                }
            };
            if !SELECTABLE.contains(&name) {
                return Err(Refusal::bad_request(format!("field label not supported: {name}")));
            }
            Ok((format!("/{}", name.replace('.', "/")), value.to_owned(), equal))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{labels_match, parse_labels};
    use serde_json::json;

    #[test]
    fn label_selectors_are_read_in_both_forms() {
        let labels = json!({ "app": "web", "tier": "front" });
        for (text, holds) in [
            ("", true),
            ("app=web", true),
            ("app==web,tier=front", true),
            ("app!=web", false),
            ("none!=x", true),
            ("app in (api, web)", true),
            ("app notin (api,web)", false),
            ("tier", true),
            ("!tier", false),
            ("!none", true),
        ] {
            let all = parse_labels(text).unwrap();
            assert_eq!(all.iter().all(|one| one.holds(&labels)), holds, "{text}");
        }
        assert!(parse_labels("app within (x)").is_err());
        let selector = json!({
            "matchLabels": { "app": "web" },
            "matchExpressions": [{ "key": "tier", "operator": "In", "values": ["front"] }]
        });
        assert!(labels_match(&selector, &labels));
        assert!(!labels_match(&selector, &json!({ "app": "web" })));
    }
}
