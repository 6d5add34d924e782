//! A place in a JSON document.

use jiff::Timestamp;
use serde_json::{Number, Value};

/// No count or generation of Kubernetes is larger, and sums of a few such numbers do not overflow.
const LARGEST: i64 = 1_000_000_000_000_000;

/// A place in a document, which may be empty or hold something else than expected: reading it never fails. `null` counts
/// as absent, as everywhere in Kubernetes.
#[derive(Clone, Copy)]
pub(crate) struct Field<'a>(Option<&'a Value>);

impl<'a> Field<'a> {
    pub(crate) fn of(value: &'a Value) -> Self {
        Self(Some(value).filter(|value| !value.is_null()))
    }

    /// The member of this name; it may hold dots.
    pub(crate) fn member(self, name: &str) -> Self {
        let member = self.0.and_then(Value::as_object).and_then(|members| members.get(name));
        member.map_or(Self(None), Self::of)
    }

    /// The place that names without dots lead to: `spec.strategy.type`.
    pub(crate) fn at(self, path: &str) -> Self {
        path.split('.').fold(self, Field::member)
    }

    pub(crate) fn exists(self) -> bool {
        self.0.is_some()
    }

    /// An object or array with nothing in it, or nothing at all.
    pub(crate) fn is_empty(self) -> bool {
        match self.0 {
            None => true,
            Some(Value::Object(members)) => members.is_empty(),
            Some(Value::Array(items)) => items.is_empty(),
            Some(_) => false,
        }
    }

    /// Text that is not empty: Kubernetes writes `""` where it means nothing.
    pub(crate) fn text(self) -> Option<&'a str> {
        self.0.and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    pub(crate) fn text_or_empty(self) -> &'a str {
        self.text().unwrap_or_default()
    }

    /// A whole number. Some controllers write generations as text (Argo Rollouts does).
    pub(crate) fn number(self) -> Option<i64> {
        let number = match self.0? {
            Value::Number(number) => number.as_i64().or_else(|| whole(number))?,
            Value::String(text) => text.trim().parse().ok()?,
            _ => return None,
        };
        Some(number).filter(|number| (-LARGEST..=LARGEST).contains(number))
    }

    /// A count that is left out where it is 0.
    pub(crate) fn count(self) -> i64 {
        self.number().unwrap_or_default()
    }

    pub(crate) fn is_true(self) -> bool {
        self.0.and_then(Value::as_bool).unwrap_or_default()
    }

    pub(crate) fn time(self) -> Option<Timestamp> {
        self.text()?.parse().ok()
    }

    pub(crate) fn items(self) -> impl Iterator<Item = Field<'a>> {
        self.0.and_then(Value::as_array).into_iter().flatten().map(Field::of)
    }
}

/// The integer that a float stands for.
#[expect(clippy::cast_possible_truncation, reason = "a float cast saturates, and such a number is refused")]
fn whole(number: &Number) -> Option<i64> {
    let float = number.as_f64().filter(|float| float.fract() == 0.0)?;
    Some(float as i64)
}
