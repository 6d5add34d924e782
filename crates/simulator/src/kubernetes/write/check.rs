//! Whether a document has the fields of its kind, and values of their types.

use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use base64::{DecodeError, Engine};
use serde_json::Value;

use crate::kubernetes::fields::shown;
use crate::kubernetes::fields::walk::element_of;
use crate::kubernetes::kinds::{Kind, Scalar, Schema};
use crate::kubernetes::refusal::Refusal;

/// What is wrong at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Flaw {
    Unknown,
    /// The words of the typed parser, as in `expected numeric (int or float), got string`.
    Mistyped(String),
    KeyMissing(usize, String),
    Twice(String),
    /// What says that a text is not base64. The typed parser does not look into it.
    NotBase64(String),
}

/// A place, as apply's messages and as decoding's messages name it: `.spec.ports[port=80]`, `spec.ports[0]`.
#[derive(Debug, Clone, Default)]
struct Place {
    typed: String,
    decoded: String,
}

impl Place {
    fn field(&self, name: &str) -> Self {
        let dot = if self.decoded.is_empty() { "" } else { "." };
        Self { typed: format!("{}.{name}", self.typed), decoded: format!("{}{dot}{name}", self.decoded) }
    }

    fn item(&self, element: &str, index: usize) -> Self {
        let typed = format!("{}{}", self.typed, shown(element));
        Self { typed, decoded: format!("{}[{index}]", self.decoded) }
    }
}

/// Refuses a configuration that apply cannot read by its schema: an error inside of the server, HTTP 500 without a reason.
pub(super) fn applicable(kind: &Kind, namespace: &str, name: &str, object: &Value) -> Result<(), Refusal> {
    let flaws = flaws_of(object, &kind.schema);
    let named = if namespace.is_empty() { format!("/{name}") } else { format!("{namespace}/{name}") };
    let version = format!("{}/{}, Kind={}", kind.group, kind.version, kind.kind);
    let told: Vec<String> = flaws
        .iter()
        .filter_map(|(place, flaw)| Some(match flaw {
            Flaw::Unknown => format!("{}: field not declared in schema", place.typed),
            Flaw::Mistyped(why) => format!("{}: {why}", place.typed),
            Flaw::KeyMissing(index, key) => format!(
                "{}: element {index}: associative list with keys has an element that omits key field {key:?} (and \
                 doesn't have default value)",
                place.typed
            ),
            Flaw::Twice(element) => format!("{}: duplicate entries for key {}", place.typed, shown(element)),
            Flaw::NotBase64(_) => return None,
        }))
        .collect();
    if let (true, Some(why)) = (told.is_empty(), not_base64(&flaws)) {
        return Err(Refusal::internal(format!(
            "failed to convert new object ({named}; {version}) to proper version: unable to convert unstructured object to \
             {version}: error decoding from json: {why}"
        )));
    }
    let told = match told.as_slice() {
        [] => return Ok(()),
        [one] => one.clone(),
        _ => format!("errors:\n  {}", told.join("\n  ")),
    };
    Err(Refusal::internal(format!("failed to create typed patch object ({named}; {version}): {told}")))
}

fn not_base64(flaws: &[(Place, Flaw)]) -> Option<&str> {
    flaws.iter().find_map(|(_, flaw)| match flaw {
        Flaw::NotBase64(why) => Some(why.as_str()),
        _ => None,
    })
}

/// What `fieldValidation` says to do with fields that a kind does not have.
/// <https://kubernetes.io/docs/reference/using-api/api-concepts/#field-validation>
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Validation {
    Strict,
    #[default]
    Warn,
    Ignore,
}

/// Reads an object as POST, PUT and the other patches do: wrong types are refused, and unknown fields are refused, told of
/// or dropped. The warnings come back.
pub(super) fn decode(
    kind: &Kind,
    object: &mut Value,
    validation: Validation,
) -> Result<Vec<String>, Refusal> {
    let flaws = flaws_of(object, &kind.schema);
    let version = &kind.version;
    let cannot = |why: String| {
        Refusal::bad_request(format!(
            "{} in version {version:?} cannot be handled as a {}: {why}",
            kind.kind, kind.kind
        ))
    };
    if let Some((place, Flaw::Mistyped(why))) =
        flaws.iter().find(|(_, flaw)| matches!(flaw, Flaw::Mistyped(_)))
    {
        return Err(cannot(format!("json: cannot unmarshal field {}: {why}", place.decoded)));
    }
    if let Some(why) = not_base64(&flaws) {
        return Err(cannot(why.to_owned()));
    }
    let unknown: Vec<String> = flaws
        .iter()
        .filter(|(_, flaw)| *flaw == Flaw::Unknown)
        .map(|(place, _)| format!("unknown field {:?}", place.decoded))
        .collect();
    if validation == Validation::Strict && !unknown.is_empty() {
        return Err(cannot(format!("strict decoding error: {}", unknown.join(", "))));
    }
    drop_unknown(object, &kind.schema);
    Ok(if validation == Validation::Warn { unknown } else { Vec::new() })
}

fn drop_unknown(value: &mut Value, schema: &Schema) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| schema.field(name).is_some());
            for (name, member) in members.iter_mut() {
                if let Some(schema) = schema.field(name) {
                    drop_unknown(member, schema);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| drop_unknown(item, schema.item())),
        _ => {}
    }
}

fn flaws_of(value: &Value, schema: &Schema) -> Vec<(Place, Flaw)> {
    let mut flaws = Vec::new();
    inspect(value, schema, &Place::default(), &mut flaws);
    flaws
}

fn inspect(value: &Value, schema: &Schema, place: &Place, flaws: &mut Vec<(Place, Flaw)>) {
    if value.is_null() {
        return;
    }
    let mut mistyped = |why: String| flaws.push((place.clone(), Flaw::Mistyped(why)));
    match (schema, value) {
        (Schema::Any, _) => {}
        (Schema::Atomic(inner), _) => inspect(value, inner, place, flaws),
        (Schema::Scalar(scalar), _) => {
            if let Some(why) = wrong_scalar(*scalar, value) {
                mistyped(why);
            } else if let (Scalar::Bytes, Some(why)) = (*scalar, value.as_str().and_then(wrong_base64)) {
                flaws.push((place.clone(), Flaw::NotBase64(why)));
            }
        }
        (Schema::Struct(_) | Schema::Map(_), Value::Object(members)) => {
            for (name, member) in members {
                let place = place.field(name);
                match schema.field(name) {
                    Some(inner) => inspect(member, inner, &place, flaws),
                    None => flaws.push((place, Flaw::Unknown)),
                }
            }
        }
        (Schema::Struct(_) | Schema::Map(_), _) => mistyped(format!("expected map, got {}", named(value))),
        (Schema::List(_) | Schema::Keyed(..) | Schema::Set(_), Value::Array(items)) => {
            inspect_items(items, schema, place, flaws);
        }
        (Schema::List(_) | Schema::Keyed(..) | Schema::Set(_), _) => {
            mistyped(format!("expected list, got {}", named(value)));
        }
    }
}

fn inspect_items(items: &[Value], schema: &Schema, place: &Place, flaws: &mut Vec<(Place, Flaw)>) {
    let keys = match schema {
        Schema::Keyed(_, keys) => Some(&**keys),
        _ => None,
    };
    let mut seen: Vec<String> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let mut element = format!("{index}");
        if keys.is_some() || matches!(schema, Schema::Set(_)) {
            match element_of(item, keys) {
                Some(named) if seen.contains(&named) => {
                    flaws.push((place.clone(), Flaw::Twice(named.clone())));
                    element = named;
                }
                Some(named) => {
                    seen.push(named.clone());
                    element = named;
                }
                None => {
                    let missing = keys.into_iter().flatten().find(|key| item.get(&key.name).is_none());
                    let missing = missing.map(|key| key.name.clone()).unwrap_or_default();
                    flaws.push((place.clone(), Flaw::KeyMissing(index, missing)));
                }
            }
        }
        inspect(item, schema.item(), &place.item(&element, index), flaws);
    }
}

fn wrong_scalar(scalar: Scalar, value: &Value) -> Option<String> {
    let right = match scalar {
        Scalar::Text | Scalar::Bytes => value.is_string(),
        Scalar::Integer => value.is_i64() || value.is_u64(),
        Scalar::Number => value.is_number(),
        Scalar::Boolean => value.is_boolean(),
        Scalar::NumberOrText => value.is_number() || value.is_string(),
    };
    let expected = match scalar {
        _ if right => return None,
        Scalar::Text | Scalar::Bytes => {
            return Some(format!("expected string, got &value.valueUnstructured{{Value:{value}}}"));
        }
        Scalar::Integer | Scalar::Number => "numeric (int or float)",
        Scalar::Boolean => "boolean",
        Scalar::NumberOrText => "number or string",
    };
    Some(format!("expected {expected}, got {}", named(value)))
}

/// What Go's `encoding/base64` says about a text that is not base64; it passes over ends of lines.
fn wrong_base64(text: &str) -> Option<String> {
    const ENGINE: GeneralPurpose =
        GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));
    let text = text.replace(['\r', '\n'], "");
    let at = match ENGINE.decode(&text).err()? {
        DecodeError::InvalidByte(at, _) => at,
        // The four letters that are not complete.
        _ => text.len() / 4 * 4,
    };
    Some(format!("illegal base64 data at input byte {at}"))
}

fn named(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "map",
    }
}
