//! Objects by their schema: which fields they have, what differs, and how two become one.

use serde_json::{Map, Value};

use super::FieldSet;
use crate::kubernetes::items;
use crate::kubernetes::kinds::{Key, Schema};

/// A value as its schema has it merged.
enum Shape<'a> {
    /// As a whole.
    Leaf,
    /// Field by field. In a map, other than in a structure, a key is a field of its own, whatever is below it.
    Fields { map: bool },
    /// Item by item.
    Items(Option<&'a [Key]>),
}

fn shape<'a>(schema: &'a Schema, value: &Value) -> Shape<'a> {
    match (schema, value) {
        (Schema::Struct(_), Value::Object(_)) => Shape::Fields { map: false },
        (Schema::Map(_) | Schema::Any, Value::Object(_)) => Shape::Fields { map: true },
        (Schema::Keyed(_, keys), Value::Array(_)) => Shape::Items(Some(keys)),
        (Schema::Set(_), Value::Array(_)) => Shape::Items(None),
        _ => Shape::Leaf,
    }
}

/// The element of a list's item; none when it lacks a key that has no default.
pub(crate) fn element_of(item: &Value, keys: Option<&[Key]>) -> Option<String> {
    let Some(keys) = keys else { return Some(format!("v:{item}")) };
    let mut named: Vec<(&str, &Value)> = Vec::new();
    for key in keys {
        let value = item.get(&key.name).filter(|value| !value.is_null()).or(key.default.as_ref())?;
        named.push((&key.name, value));
    }
    named.sort_by_key(|(name, _)| *name);
    let object: Map<String, Value> =
        named.into_iter().map(|(name, value)| (name.to_owned(), value.clone())).collect();
    Some(format!("k:{}", Value::Object(object)))
}

fn find<'a>(list: &'a [Value], element: &str, keys: Option<&[Key]>) -> Option<&'a Value> {
    list.iter().find(|item| element_of(item, keys).as_deref() == Some(element))
}

/// The fields that a value has.
pub(crate) fn fields_of(value: &Value, schema: &Schema) -> FieldSet {
    let mut set = FieldSet::default();
    gather(value, schema, &mut set);
    set
}

fn gather(value: &Value, schema: &Schema, set: &mut FieldSet) {
    match shape(schema, value) {
        Shape::Leaf => set.add(),
        Shape::Fields { map } => {
            for (name, inner) in value.as_object().into_iter().flatten() {
                let Some(inner_schema) = schema.field(name) else { continue };
                let place = set.at(&format!("f:{name}"));
                gather(inner, inner_schema, place);
                let nothing_below = inner.as_object().is_some_and(Map::is_empty);
                if nothing_below || map {
                    place.add();
                }
                if place.is_empty() {
                    set.cut(&[&format!("f:{name}")]);
                }
            }
        }
        Shape::Items(keys) => {
            for item in items(value) {
                if let Some(element) = element_of(item, keys) {
                    let place = set.at(&element);
                    if keys.is_some() {
                        gather(item, schema.item(), place);
                    }
                    place.add();
                }
            }
        }
    }
}

/// What differs between two states of an object.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Difference {
    /// Fields that were added, or have another value.
    pub(crate) written: FieldSet,
    pub(crate) removed: FieldSet,
}

/// Compares two states of an object.
pub(crate) fn compare(old: &Value, new: &Value, schema: &Schema) -> Difference {
    let mut difference = Difference::default();
    differ(old, new, schema, &mut difference.written, &mut difference.removed);
    difference
}

fn differ(old: &Value, new: &Value, schema: &Schema, written: &mut FieldSet, removed: &mut FieldSet) {
    if old == new {
        return;
    }
    match (shape(schema, old), shape(schema, new)) {
        (Shape::Fields { map }, Shape::Fields { .. }) => {
            let empty = Map::new();
            let (old, new) = (old.as_object().unwrap_or(&empty), new.as_object().unwrap_or(&empty));
            for name in old.keys().chain(new.keys().filter(|name| !old.contains_key(*name))) {
                let Some(inner) = schema.field(name) else { continue };
                let element = format!("f:{name}");
                beside(old.get(name), new.get(name), inner, (&element, map), written, removed);
            }
        }
        (Shape::Items(keys), Shape::Items(_)) => {
            let (old, new) = (items(old), items(new));
            let elements: Vec<String> =
                old.iter().chain(new).filter_map(|item| element_of(item, keys)).collect();
            for (at, element) in elements.iter().enumerate() {
                if elements[..at].contains(element) {
                    continue;
                }
                let (old, new) = (find(old, element, keys), find(new, element, keys));
                beside(old, new, schema.item(), (element, true), written, removed);
            }
        }
        _ => {
            removed.include(&fields_of(old, schema).difference(&fields_of(new, schema)));
            written.include(&fields_of(new, schema));
        }
    }
}

/// One field or item of both states. `counts`: it is a field of its own, whatever is below it.
fn beside(
    old: Option<&Value>,
    new: Option<&Value>,
    schema: &Schema,
    (element, counts): (&str, bool),
    written: &mut FieldSet,
    removed: &mut FieldSet,
) {
    let whole = |value: &Value, set: &mut FieldSet| {
        let place = set.at(element);
        gather(value, schema, place);
        if counts || value.as_object().is_some_and(Map::is_empty) {
            place.add();
        }
        if place.is_empty() {
            set.cut(&[element]);
        }
    };
    match (old, new) {
        (Some(old), Some(new)) if old != new => {
            let (mut inner_written, mut inner_removed) = (FieldSet::default(), FieldSet::default());
            differ(old, new, schema, &mut inner_written, &mut inner_removed);
            for (inner, set) in [(inner_written, written), (inner_removed, removed)] {
                if !inner.is_empty() {
                    set.at(element).include(&inner);
                }
            }
        }
        (None, Some(new)) => whole(new, written),
        (Some(old), None) => whole(old, removed),
        _ => {}
    }
}

/// `new` over `old`.
pub(crate) fn merge(old: &Value, new: &Value, schema: &Schema) -> Value {
    match (shape(schema, old), shape(schema, new)) {
        (Shape::Fields { .. }, Shape::Fields { .. }) => {
            let mut merged = old.as_object().cloned().unwrap_or_default();
            for (name, value) in new.as_object().into_iter().flatten() {
                let inner = schema.field(name).unwrap_or(&Schema::Any);
                let value = merged.get(name).map_or_else(|| value.clone(), |old| merge(old, value, inner));
                merged.insert(name.clone(), value);
            }
            Value::Object(merged)
        }
        (Shape::Items(keys), Shape::Items(_)) => merge_items(items(old), items(new), schema, keys),
        _ => new.clone(),
    }
}

/// Items of the old list keep their places; a new one stands behind the one that it follows in the new list.
fn merge_items(old: &[Value], new: &[Value], schema: &Schema, keys: Option<&[Key]>) -> Value {
    let mut merged: Vec<Value> = old.to_vec();
    let mut behind = None;
    for item in new {
        let element = element_of(item, keys);
        let place = merged.iter().position(|there| element_of(there, keys) == element);
        let place = match place {
            Some(place) => {
                merged[place] = merge(&merged[place], item, schema.item());
                place
            }
            None => {
                let place = behind.map_or(merged.len(), |behind: usize| behind + 1);
                merged.insert(place, item.clone());
                place
            }
        };
        behind = Some(place);
    }
    Value::Array(merged)
}

/// Removes what is in `last` and in `kept` no more: fields that their only owner has dropped.
pub(crate) fn prune(value: &mut Value, schema: &Schema, last: &FieldSet, kept: &FieldSet) {
    for (element, inner) in last.below() {
        let still = kept.below().get(element);
        if let Some(name) = element.strip_prefix("f:") {
            let Some(object) = value.as_object_mut() else { return };
            match (still, schema.field(name)) {
                (None, _) => {
                    object.shift_remove(name);
                }
                (Some(still), Some(schema)) => {
                    if let Some(field) = object.get_mut(name) {
                        prune(field, schema, inner, still);
                    }
                }
                _ => {}
            }
        } else {
            let keys = match schema {
                Schema::Keyed(_, keys) => Some(&**keys),
                _ => None,
            };
            let Some(list) = value.as_array_mut() else { return };
            let place = list.iter().position(|item| element_of(item, keys).as_deref() == Some(element));
            match (place, still) {
                (Some(place), None) => {
                    list.remove(place);
                }
                (Some(place), Some(still)) => prune(&mut list[place], schema.item(), inner, still),
                (None, _) => {}
            }
        }
    }
}

/// Removes members that are null, which say nothing.
pub(crate) fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(without_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{compare, fields_of, merge, prune};
    use crate::kubernetes::kinds::Schema;
    use serde_json::json;

    #[test]
    fn lists_with_keys_are_merged_item_by_item_and_others_replaced() {
        let schema = Schema::built_in("Pod");
        let old = json!({ "spec": {
            "containers": [{ "name": "a", "image": "1", "args": ["x", "y"] }, { "name": "b", "image": "1" }],
            "tolerations": [{ "key": "k" }]
        } });
        let new = json!({ "spec": {
            "containers": [{ "name": "a", "args": ["z"] }, { "name": "c", "image": "1" }],
            "tolerations": [{ "key": "other" }]
        } });
        assert_eq!(
            merge(&old, &new, &schema),
            json!({ "spec": {
                "containers": [
                    { "name": "a", "image": "1", "args": ["z"] },
                    { "name": "c", "image": "1" },
                    { "name": "b", "image": "1" }
                ],
                "tolerations": [{ "key": "other" }]
            } })
        );
    }

    #[test]
    fn fields_are_named_down_to_what_is_merged() {
        let schema = Schema::built_in("Service");
        let service = json!({
            "metadata": { "labels": { "app": "web" } },
            "spec": { "selector": { "app": "web" }, "ports": [{ "port": 80 }] }
        });
        assert_eq!(
            fields_of(&service, &schema).paths(),
            [
                ".metadata.labels.app",
                ".spec.ports[port=80,protocol=\"TCP\"]",
                ".spec.ports[port=80,protocol=\"TCP\"].port",
                ".spec.selector"
            ]
        );
    }

    #[test]
    fn what_differs_is_told_field_by_field() {
        let schema = Schema::built_in("ConfigMap");
        let difference = compare(
            &json!({ "data": { "a": "1", "b": "2" } }),
            &json!({ "data": { "a": "3", "c": "4" } }),
            &schema,
        );
        assert_eq!(difference.written.paths(), [".data.a", ".data.c"]);
        assert_eq!(difference.removed.paths(), [".data.b"]);
    }

    #[test]
    fn what_its_only_owner_drops_goes() {
        let schema = Schema::built_in("ConfigMap");
        let mut object = json!({ "data": { "mine": "1", "ours": "2", "theirs": "3" } });
        let last = fields_of(&json!({ "data": { "mine": "1", "ours": "2" } }), &schema);
        let kept = fields_of(&json!({ "data": { "ours": "2", "theirs": "3" } }), &schema);
        prune(&mut object, &schema, &last, &kept);
        assert_eq!(object, json!({ "data": { "ours": "2", "theirs": "3" } }));
    }
}
