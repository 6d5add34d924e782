//! Timestamps as the JSON 1.1 protocol writes them: seconds since 1970 with a fraction.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

/// Reads seconds since 1970, or RFC 3339 text as the AWS CLI prints it and our own records hold it.
pub(crate) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form {
        Seconds(f64),
        Text(Timestamp),
    }
    Ok(match Option::<Form>::deserialize(deserializer)? {
        Some(Form::Seconds(seconds)) => from_seconds(seconds),
        Some(Form::Text(at)) => Some(at),
        None => None,
    })
}

/// To the millisecond, which is what ECS sends; a double holds no more of a present-day date than microseconds.
#[expect(clippy::cast_possible_truncation, reason = "a float cast saturates, and such a date is refused")]
fn from_seconds(seconds: f64) -> Option<Timestamp> {
    Timestamp::from_millisecond((seconds * 1000.0).round() as i64).ok()
}

#[cfg(test)]
mod tests {
    use super::from_seconds;

    #[test]
    fn seconds_with_a_fraction_keep_their_milliseconds() {
        let at = from_seconds(1_786_098_712.345).map(|at| at.to_string());
        assert_eq!(at.as_deref(), Some("2026-08-07T10:31:52.345Z"));
    }
}
