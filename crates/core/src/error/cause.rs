//! Root causes: what a person needs to know to mend a failure.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::redact::{excerpt, one_line};

/// One reason for a failure, with its evidence and the next step.
///
/// `code` is stable and made for programs (`image-not-found`); the texts are for people and may change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Cause {
    /// Stable name of the kind of cause, in kebab case.
    pub code: String,
    /// What happened, in one sentence.
    pub message: String,
    /// Where in the user's input, for problems of input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Location>,
    /// The field of the input or of the AWS object that is meant, as a path such as
    /// `containerDefinitions[0].image` or a flag such as `--image`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What was seen: reasons given by AWS, last log lines. Redacted, at most [`super::EVIDENCE_LIMIT`] bytes in all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// How often the same cause was seen; 1 or more.
    #[serde(default = "one")]
    pub count: u32,
}

fn one() -> u32 {
    1
}

impl Cause {
    /// A cause seen once.
    #[must_use]
    pub fn new(code: impl Into<String>, message: impl AsRef<str>) -> Self {
        Self {
            code: code.into(),
            message: one_line(message.as_ref()),
            at: None,
            field: None,
            evidence: Vec::new(),
            hint: None,
            count: 1,
        }
    }

    /// A problem of the input in this field.
    #[must_use]
    pub fn invalid(field: impl Into<String>, message: impl AsRef<str>) -> Self {
        Self::new("invalid-input", message).in_field(field)
    }

    /// Names the field that is meant.
    #[must_use]
    pub fn in_field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Names the place in the user's input.
    #[must_use]
    pub fn at(mut self, location: Location) -> Self {
        self.at = Some(location);
        self
    }

    /// Adds lines of evidence; older lines are cut first when the limit is passed.
    #[must_use]
    pub fn with_evidence<S: AsRef<str>>(mut self, lines: impl IntoIterator<Item = S>) -> Self {
        self.evidence.extend(lines.into_iter().map(|line| line.as_ref().to_owned()));
        self.evidence = excerpt(&self.evidence);
        self
    }

    /// Says what to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl AsRef<str>) -> Self {
        self.hint = Some(one_line(hint.as_ref()));
        self
    }

    /// Says how often the same cause was seen; 0 counts as 1.
    #[must_use]
    pub fn seen(mut self, count: u32) -> Self {
        self.count = count.max(1);
        self
    }

    /// The cause with place, evidence and next step, over several lines without a final line break.
    #[must_use]
    pub fn report(&self) -> String {
        let mut text = String::new();
        if let Some(at) = &self.at {
            text.push_str(&format!("{at}: "));
        }
        if let Some(field) = &self.field
            && !self.message.contains(field.as_str())
        {
            text.push_str(&format!("{field}: "));
        }
        text.push_str(&self.message);
        if self.count > 1 {
            text.push_str(&format!(" (seen {} times)", self.count));
        }
        for line in &self.evidence {
            text.push_str("\n| ");
            text.push_str(line);
        }
        if let Some(hint) = &self.hint {
            text.push_str("\nnext: ");
            text.push_str(hint);
        }
        text
    }
}

/// A place in a file of the user's. Lines and columns count from 1; a column counts characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Location {
    /// The file as the user named it.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}
