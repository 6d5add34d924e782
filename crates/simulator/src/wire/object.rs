//! A JSON object that keeps the order of its members and the text of every value, numbers included.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};

/// A JSON object whose values are the very text that was sent: `1.10` stays `1.10`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Object(IndexMap<String, Box<RawValue>>);

impl Object {
    /// Parses a request's body. Members that are `null` are dropped: awsJson takes them for absent.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, serde_json::Error> {
        let mut object: Self = if text.is_empty() { Self::default() } else { serde_json::from_slice(text)? };
        object.0.retain(|_, value| value.get() != "null");
        Ok(object)
    }

    /// From a value that is an object; empty from any other.
    pub(crate) fn from_value(value: &Value) -> Self {
        let mut object = Self::default();
        for (name, member) in value.as_object().into_iter().flatten() {
            object.put(name, member);
        }
        object
    }

    /// Sets a member.
    pub(crate) fn put(&mut self, name: &str, value: impl Serialize) -> &mut Self {
        self.0.insert(name.to_owned(), raw(value));
        self
    }

    /// Sets a member if there is a value.
    pub(crate) fn put_some(&mut self, name: &str, value: Option<impl Serialize>) -> &mut Self {
        if let Some(value) = value {
            self.put(name, value);
        }
        self
    }

    /// Takes over a member as it stands in another object, if it is there.
    pub(crate) fn copy(&mut self, name: &str, from: &Object) -> &mut Self {
        if let Some(value) = from.0.get(name) {
            self.0.insert(name.to_owned(), value.clone());
        }
        self
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.0.shift_remove(name);
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The member, if it is there and has this form.
    pub(crate) fn read<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_str(self.0.get(name)?.get()).ok()
    }

    /// The member as a string, if it is one.
    pub(crate) fn string(&self, name: &str) -> Option<String> {
        self.read(name)
    }

    /// The member as a value; null when it is missing.
    pub(crate) fn value(&self, name: &str) -> Value {
        self.read(name).unwrap_or(Value::Null)
    }

    /// The member as a list of strings; empty when it is missing.
    pub(crate) fn strings(&self, name: &str) -> Vec<String> {
        self.read(name).unwrap_or_default()
    }

    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Any value as raw JSON. What cannot be written (there is nothing such here) becomes null.
fn raw(value: impl Serialize) -> Box<RawValue> {
    serde_json::value::to_raw_value(&value).unwrap_or_else(|_| RawValue::NULL.to_owned())
}
