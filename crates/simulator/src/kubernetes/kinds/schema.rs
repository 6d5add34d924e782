//! What the fields of a kind are: which of them there are, and how their values are merged.
//!
//! "Merge strategy": <https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy>.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use serde_json::{Value, json};

/// The built-in kinds.
const BUILT_IN: &str = include_str!("schema.txt");

/// A value of a kind.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Schema {
    Scalar(Scalar),
    /// Not described: maps are merged, lists are atomic.
    Any,
    /// A structure; the fields by name.
    Struct(Arc<BTreeMap<String, Schema>>),
    /// A map, merged key by key.
    Map(Box<Schema>),
    /// A list that is replaced as a whole.
    List(Box<Schema>),
    /// A list merged by these fields of its items.
    Keyed(Box<Schema>, Arc<[Key]>),
    /// A list of scalars, each at most once.
    Set(Box<Schema>),
    /// A structure or map that is replaced as a whole.
    Atomic(Box<Schema>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scalar {
    Text,
    /// A text in base64.
    Bytes,
    Integer,
    Number,
    Boolean,
    /// A number or a text, as quantities and `IntOrString` are.
    NumberOrText,
}

/// A field by which the items of a list are told apart.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Key {
    pub(crate) name: String,
    /// What it is where an item does not say.
    pub(crate) default: Option<Value>,
}

static NOTHING_DESCRIBED: Schema = Schema::Any;

impl Schema {
    /// The schema of a built-in kind.
    pub(crate) fn built_in(kind: &str) -> Schema {
        BUILT_IN_KINDS.get(kind).cloned().unwrap_or(Schema::Any)
    }

    /// The schema of a field or of a key of a map; none for a field that a structure does not have.
    pub(crate) fn field(&self, name: &str) -> Option<&Schema> {
        match self {
            Schema::Struct(fields) => fields.get(name),
            Schema::Map(inner) => Some(inner),
            Schema::Atomic(inner) => inner.field(name),
            _ => Some(&NOTHING_DESCRIBED),
        }
    }

    /// The schema of a list's items.
    pub(crate) fn item(&self) -> &Schema {
        match self {
            Schema::List(inner) | Schema::Keyed(inner, _) | Schema::Set(inner) => inner,
            _ => &NOTHING_DESCRIBED,
        }
    }

    /// What a validation schema of a CustomResourceDefinition says: structural, with the extensions
    /// `x-kubernetes-list-type`, `-list-map-keys`, `-map-type` and `-preserve-unknown-fields`.
    /// <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/>
    pub(crate) fn of_validation(document: &Value) -> Schema {
        let flag = |name: &str| document[name] == json!(true);
        if flag("x-kubernetes-int-or-string") {
            return Schema::Scalar(Scalar::NumberOrText);
        }
        match document["type"].as_str() {
            Some("string") => Schema::Scalar(Scalar::Text),
            Some("integer") => Schema::Scalar(Scalar::Integer),
            Some("number") => Schema::Scalar(Scalar::Number),
            Some("boolean") => Schema::Scalar(Scalar::Boolean),
            Some("array") => list_of(document),
            Some("object") => {
                let inner = object_of(document);
                if document["x-kubernetes-map-type"] == json!("atomic") {
                    Schema::Atomic(Box::new(inner))
                } else {
                    inner
                }
            }
            _ => Schema::Any,
        }
    }
}

fn object_of(document: &Value) -> Schema {
    if let Some(values) = document.get("additionalProperties").filter(|values| values.is_object()) {
        return Schema::Map(Box::new(Schema::of_validation(values)));
    }
    let open = document["x-kubernetes-preserve-unknown-fields"] == json!(true);
    match document["properties"].as_object() {
        // What an open object has beside its properties is kept; describing none of it merges all of it alike.
        Some(properties) if !open => {
            let fields = properties.iter().map(|(name, field)| (name.clone(), Schema::of_validation(field)));
            Schema::Struct(Arc::new(fields.collect()))
        }
        _ if open => Schema::Any,
        _ => Schema::Struct(Arc::default()),
    }
}

fn list_of(document: &Value) -> Schema {
    let item = Box::new(Schema::of_validation(&document["items"]));
    match document["x-kubernetes-list-type"].as_str() {
        Some("set") => Schema::Set(item),
        Some("map") => {
            let names = document["x-kubernetes-list-map-keys"].as_array().cloned().unwrap_or_default();
            let default = |name: &str| document["items"]["properties"][name].get("default").cloned();
            let key = |name: &str| Key { name: name.to_owned(), default: default(name) };
            Schema::Keyed(item, names.iter().filter_map(Value::as_str).map(key).collect())
        }
        _ => Schema::List(item),
    }
}

static BUILT_IN_KINDS: LazyLock<BTreeMap<String, Schema>> = LazyLock::new(|| {
    let texts = types_of(BUILT_IN);
    let mut kinds = BTreeMap::new();
    for name in texts.keys() {
        let schema = structure(name, &texts);
        kinds.insert((*name).to_owned(), schema);
    }
    kinds
});

/// The fields of each type with what they are, as the text has them.
fn types_of(text: &'static str) -> BTreeMap<&'static str, Vec<(&'static str, &'static str)>> {
    let mut types: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    let mut current = "";
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.split_once(": ") {
            None => {
                current = line;
                types.entry(current).or_default();
            }
            Some((names, kind)) => {
                let fields = types.entry(current).or_default();
                fields.extend(names.split(' ').map(|name| (name, kind)));
            }
        }
    }
    types
}

fn structure(name: &str, types: &BTreeMap<&str, Vec<(&str, &str)>>) -> Schema {
    let Some(fields) = types.get(name) else { return Schema::Any };
    let mut described: BTreeMap<String, Schema> =
        fields.iter().map(|(field, kind)| ((*field).to_owned(), parsed(kind, types))).collect();
    if fields.contains(&("metadata", "ObjectMeta")) && !name.ends_with("TemplateSpec") {
        for own in ["apiVersion", "kind"] {
            described.insert(own.to_owned(), Schema::Scalar(Scalar::Text));
        }
    }
    Schema::Struct(Arc::new(described))
}

fn parsed(text: &str, types: &BTreeMap<&str, Vec<(&str, &str)>>) -> Schema {
    let inside = |open: char, close: char| text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
    let inner = |text: &str| Box::new(parsed(text, types));
    if let Some(rest) = text.strip_prefix('!') {
        return Schema::Atomic(inner(rest));
    }
    if let Some(values) = inside('{', '}') {
        return Schema::Map(inner(values));
    }
    if let Some(items) = inside('<', '>') {
        return Schema::Set(inner(items));
    }
    if let Some(items) = inside('[', ']') {
        return match items.split_once(' ') {
            None => Schema::List(inner(items)),
            Some((item, keys)) => Schema::Keyed(inner(item), keys.split(',').map(key_of).collect()),
        };
    }
    match text {
        "string" => Schema::Scalar(Scalar::Text),
        "bytes" => Schema::Scalar(Scalar::Bytes),
        "int" => Schema::Scalar(Scalar::Integer),
        "number" => Schema::Scalar(Scalar::Number),
        "bool" => Schema::Scalar(Scalar::Boolean),
        "intstr" | "quantity" => Schema::Scalar(Scalar::NumberOrText),
        "any" => Schema::Any,
        name => structure(name, types),
    }
}

fn key_of(text: &str) -> Key {
    match text.split_once('=') {
        None => Key { name: text.to_owned(), default: None },
        Some((name, default)) => Key { name: name.to_owned(), default: Some(json!(default)) },
    }
}

#[cfg(test)]
mod tests {
    use super::{BUILT_IN, Schema, types_of};

    #[test]
    fn every_type_that_a_field_names_is_described() {
        let types = types_of(BUILT_IN);
        let scalars = ["string", "bytes", "int", "number", "bool", "intstr", "quantity", "any"];
        for (name, fields) in &types {
            for (field, kind) in fields {
                let bare = kind.trim_matches(|mark| "[]{}<>!".contains(mark));
                let bare = bare.split(' ').next().unwrap_or_default();
                assert!(scalars.contains(&bare) || types.contains_key(bare), "{name}.{field}: {kind}");
            }
        }
    }

    #[test]
    fn the_lists_of_a_pod_are_merged_by_their_keys() {
        let spec = Schema::built_in("Pod");
        let spec = spec.field("spec").unwrap();
        let container = spec.field("containers").unwrap().item();
        let keys = |schema: &Schema| match schema {
            Schema::Keyed(_, keys) => keys.iter().map(|key| key.name.clone()).collect::<Vec<_>>().join("+"),
            _ => String::new(),
        };
        for (schema, expected) in [
            (spec.field("containers"), "name"),
            (spec.field("volumes"), "name"),
            (spec.field("tolerations"), ""),
            (container.field("env"), "name"),
            (container.field("ports"), "containerPort+protocol"),
            (container.field("volumeMounts"), "mountPath"),
            (container.field("args"), ""),
        ] {
            assert_eq!(keys(schema.unwrap()), expected);
        }
        assert!(spec.field("nosuch").is_none());
    }
}
