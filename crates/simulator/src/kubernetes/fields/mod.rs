//! Who owns which fields: server-side apply.
//! <https://kubernetes.io/docs/reference/using-api/server-side-apply/>, done as in
//! <https://github.com/kubernetes-sigs/structured-merge-diff>.
//!
//! A [`FieldSet`] names fields of an object. [`walk`] makes sets of objects, compares, merges and prunes them by their
//! schema. [`managers`] keeps `metadata.managedFields`, and finds the conflicts.

pub(crate) mod managers;
pub(crate) mod walk;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// Fields of an object, as a tree. An element is written as in `fieldsV1`: `f:` and a field's name, `k:` and the keys of a
/// list's item, `v:` and a member of a set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FieldSet {
    /// The field at this place is in the set, and not only something below it.
    member: bool,
    below: BTreeMap<String, FieldSet>,
}

impl FieldSet {
    pub(crate) fn is_empty(&self) -> bool {
        !self.member && self.below.is_empty()
    }

    /// Adds the place itself.
    pub(crate) fn add(&mut self) {
        self.member = true;
    }

    /// What is below an element; an empty set is made there.
    pub(crate) fn at(&mut self, element: &str) -> &mut FieldSet {
        self.below.entry(element.to_owned()).or_default()
    }

    pub(crate) fn below(&self) -> &BTreeMap<String, FieldSet> {
        &self.below
    }

    /// Takes an element and all below it out.
    pub(crate) fn cut(&mut self, path: &[&str]) {
        match path {
            [] => {}
            [last] => {
                self.below.remove(*last);
            }
            [first, rest @ ..] => {
                if let Some(inner) = self.below.get_mut(*first) {
                    inner.cut(rest);
                    if inner.is_empty() {
                        self.below.remove(*first);
                    }
                }
            }
        }
    }

    pub(crate) fn union(&self, other: &FieldSet) -> FieldSet {
        let mut all = self.clone();
        all.include(other);
        all
    }

    pub(crate) fn include(&mut self, other: &FieldSet) {
        self.member |= other.member;
        for (element, inner) in &other.below {
            self.at(element).include(inner);
        }
    }

    /// The fields that are in both.
    pub(crate) fn intersection(&self, other: &FieldSet) -> FieldSet {
        let mut both = FieldSet { member: self.member && other.member, below: BTreeMap::new() };
        for (element, inner) in &self.below {
            let inner = other.below.get(element).map(|theirs| inner.intersection(theirs)).unwrap_or_default();
            if !inner.is_empty() {
                both.below.insert(element.clone(), inner);
            }
        }
        both
    }

    /// The fields that are not in the other.
    pub(crate) fn difference(&self, other: &FieldSet) -> FieldSet {
        let mut left = FieldSet { member: self.member && !other.member, below: BTreeMap::new() };
        for (element, inner) in &self.below {
            let inner =
                other.below.get(element).map_or_else(|| inner.clone(), |theirs| inner.difference(theirs));
            if !inner.is_empty() {
                left.below.insert(element.clone(), inner);
            }
        }
        left
    }

    /// The fields as messages name them: `.spec.template.spec.containers[name="web"].image`.
    pub(crate) fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        self.collect("", &mut paths);
        paths
    }

    fn collect(&self, path: &str, paths: &mut Vec<String>) {
        if self.member {
            paths.push(path.to_owned());
        }
        for (element, inner) in &self.below {
            inner.collect(&format!("{path}{}", shown(element)), paths);
        }
    }

    /// As `fieldsV1`.
    pub(crate) fn to_json(&self) -> Value {
        let mut object = Map::new();
        if self.member && !self.below.is_empty() {
            object.insert(".".to_owned(), json!({}));
        }
        for (element, inner) in &self.below {
            object.insert(element.clone(), inner.to_json());
        }
        Value::Object(object)
    }

    pub(crate) fn from_json(value: &Value) -> FieldSet {
        let mut set = Self::read(value);
        // The root is no field, even when nothing is below it.
        set.member = false;
        set
    }

    fn read(value: &Value) -> FieldSet {
        let mut set = FieldSet::default();
        let members = value.as_object();
        set.member = members.is_none_or(|members| members.is_empty() || members.contains_key("."));
        for (element, inner) in members.into_iter().flatten().filter(|(element, _)| *element != ".") {
            set.below.insert(element.clone(), Self::read(inner));
        }
        set
    }
}

/// An element as messages write it.
pub(crate) fn shown(element: &str) -> String {
    match element.split_once(':') {
        Some(("f", name)) => format!(".{name}"),
        Some(("v", value)) => format!("[={value}]"),
        Some(("k", keys)) => {
            let keys: Value = serde_json::from_str(keys).unwrap_or_default();
            let pairs = keys.as_object().into_iter().flatten();
            let pairs: Vec<String> = pairs.map(|(name, value)| format!("{name}={value}")).collect();
            format!("[{}]", pairs.join(","))
        }
        _ => format!("[{element}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::FieldSet;
    use serde_json::json;

    #[test]
    fn a_set_is_written_as_fields_v1_and_read_again() {
        let text = json!({
            "f:metadata": { "f:labels": { ".": {}, "f:app": {} } },
            "f:spec": { "f:ports": { "k:{\"port\":80,\"protocol\":\"TCP\"}": { ".": {}, "f:port": {} } } }
        });
        let set = FieldSet::from_json(&text);
        assert_eq!(set.to_json(), text);
        let mut paths = set.paths();
        paths.sort();
        assert_eq!(
            paths,
            [
                ".metadata.labels",
                ".metadata.labels.app",
                ".spec.ports[port=80,protocol=\"TCP\"]",
                ".spec.ports[port=80,protocol=\"TCP\"].port"
            ]
        );
        assert!(set.difference(&set).is_empty());
        assert_eq!(set.intersection(&set), set);
        assert_eq!(set.difference(&FieldSet::default()), set);
    }
}
