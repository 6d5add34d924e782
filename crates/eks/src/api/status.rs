//! What the server says when it says no.

use std::fmt;

use serde::Deserialize;

/// Longest text of an answer that is no `Status`, in characters: proxies answer with pages.
const LONGEST_TEXT: usize = 500;

/// A `Status` of the server: <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/>. `Debug`
/// shows code and reason only: the texts may quote what was sent.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Status {
    /// The status of HTTP.
    pub code: u16,
    /// One word for programs: `Conflict`, `Invalid`, `Forbidden`. May be empty.
    pub reason: String,
    /// The whole in words.
    pub message: String,
    /// What it is about.
    pub details: StatusDetails,
}

/// What a [`Status`] is about.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct StatusDetails {
    /// The object's name.
    pub name: String,
    /// Its group.
    pub group: String,
    /// Its kind, or the plural of it.
    pub kind: String,
    /// Every single problem.
    pub causes: Vec<StatusCause>,
}

/// One problem of a [`Status`].
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct StatusCause {
    /// `FieldValueInvalid`, `FieldManagerConflict` and others.
    pub reason: String,
    /// In words.
    pub message: String,
    /// The field, as the server writes it.
    pub field: String,
}

impl Status {
    /// The status in an answer that is no success.
    #[must_use]
    pub fn read(code: u16, body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Typed {
            kind: String,
            #[serde(flatten)]
            status: Status,
        }
        let status = serde_json::from_slice::<Typed>(body).ok().filter(|typed| typed.kind == "Status");
        match status {
            Some(typed) => Self { code, ..typed.status },
            None => {
                let text = String::from_utf8_lossy(body);
                let message = text.trim().chars().take(LONGEST_TEXT).collect();
                Self { code, message, ..Self::default() }
            }
        }
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Status")
            .field("code", &self.code)
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for StatusDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatusDetails").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl fmt::Debug for StatusCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatusCause")
            .field("reason", &self.reason)
            .field("field", &self.field)
            .finish_non_exhaustive()
    }
}
