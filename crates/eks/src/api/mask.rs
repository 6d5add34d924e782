//! Takes the values of a Secret out of what the server says about it.
//!
//! The server quotes what it refuses (`data[password]: Invalid value: "..."`), and so would every log of ours.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use landfall_aws::mask::hide;
use serde_json::Value;

use super::status::Status;

/// What may not be told.
#[derive(Clone, Default)]
pub(super) struct Mask(Vec<String>);

impl Mask {
    /// The values of the Secret in a request: as they were sent, and what they are behind base64.
    pub(super) fn of_secret(body: &[u8]) -> Self {
        let object: Value = serde_json::from_slice(body).unwrap_or_default();
        let mut values = Vec::new();
        for map in ["data", "stringData"] {
            for value in object[map].as_object().into_iter().flat_map(|map| map.values()) {
                let text = match value {
                    Value::String(text) => text.clone(),
                    Value::Number(number) => number.to_string(),
                    _ => continue,
                };
                values.extend(STANDARD.decode(&text).ok().and_then(|bytes| String::from_utf8(bytes).ok()));
                values.push(text);
            }
        }
        values.retain(|value| !value.is_empty());
        // The longest first: one value may be a part of another.
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        Self(values)
    }

    /// The status without those values.
    pub(super) fn status(&self, mut status: Status) -> Status {
        status.message = self.text(&status.message);
        for cause in &mut status.details.causes {
            cause.message = self.text(&cause.message);
            cause.field = self.text(&cause.field);
        }
        status
    }

    fn text(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, value| {
            // The server quotes as Go does, with the same escapes as JSON's for what is usual in a secret.
            let quoted = Value::from(value.as_str()).to_string();
            let quoted = quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(value);
            hide(&hide(&text, quoted), value)
        })
    }
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mask(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::{Mask, Status};

    #[test]
    fn values_of_a_secret_are_hidden_as_sent_decoded_and_quoted() {
        let body =
            br#"{"data": {"a": "aHVudGVyMg=="}, "stringData": {"b": "two\nlines \"here\"", "n": 12345}}"#;
        let status = Status {
            message: r#"got "aHVudGVyMg==", hunter2, "two\nlines \"here\"" and 12345"#.to_owned(),
            ..Status::default()
        };
        let masked = Mask::of_secret(body).status(status);
        assert_eq!(masked.message, r#"got "****", ****, "****" and ****"#);
    }
}
