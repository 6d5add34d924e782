//! Errors for the person at 3 a.m.: what failed, on what, why, and what to do next.
//!
//! There is one opaque [`Error`]. It is data (serialisable, cloneable), because a verdict that one process
//! recorded is reported by another with the same exit code. Sources become text at that boundary and every
//! text passes [`redact`] when it comes in, so that no later formatting can leak a secret.
//!
//! Timeouts, cancellations and endings of a deployment are not errors; see [`crate::Outcome`].

mod cause;
mod redact;
#[cfg(test)]
mod tests;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use cause::{Cause, Location};
pub(crate) use redact::one_line;
pub use redact::{EVIDENCE_LIMIT, excerpt, redact};

/// A result whose error is landfall's.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What an error means for the one who has to act on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// The input is wrong; nothing was sent because of it.
    Invalid,
    /// No usable credentials, the wrong account, or an expired session.
    Auth,
    /// The caller is known but may not do this; names the missing permission where AWS does.
    Denied,
    /// Something named by the input does not exist.
    NotFound,
    /// The world is not as the plan expects it: somebody else's deployment, another spec on resume.
    Conflict,
    /// The service asked us to slow down, and still did after every retry.
    Throttled,
    /// A fault that may pass by itself: connection lost, 500, 503.
    Transient,
    /// The service understood the request and said no.
    Rejected,
    /// landfall or the service does not do this (for example a CODE_DEPLOY controller).
    Unsupported,
    /// A defect in landfall or an answer that makes no sense.
    Internal,
}

impl ErrorKind {
    /// Whether the same call may succeed a little later without anybody changing anything.
    #[must_use]
    pub fn is_passing(self) -> bool {
        matches!(self, Self::Throttled | Self::Transient)
    }
}

/// What went wrong, in words for a person and in a form for a program.
///
/// `Display` gives the message alone; [`Error::report`] adds causes, source and hint over several lines.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Error(Box<Inner>);

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
struct Inner {
    kind: ErrorKind,
    message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    causes: Vec<Cause>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<String>,
}

impl Error {
    /// An error of this kind. The message names what failed and on what.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl AsRef<str>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: one_line(message.as_ref()),
            hint: None,
            causes: Vec::new(),
            source: None,
        }))
    }

    /// Input that cannot be used. See [`ErrorKind::Invalid`].
    #[must_use]
    pub fn invalid(message: impl AsRef<str>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    /// A defect or an answer that makes no sense. See [`ErrorKind::Internal`].
    #[must_use]
    pub fn internal(message: impl AsRef<str>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// All problems of one input at once: an [`ErrorKind::Invalid`] error whose causes are `problems`.
    ///
    /// # Errors
    /// When there is at least one problem; no problems are `Ok`.
    pub fn all(message: impl AsRef<str>, problems: Vec<Cause>) -> Result<()> {
        if problems.is_empty() { Ok(()) } else { Err(Self::invalid(message).with_causes(problems)) }
    }

    /// Says what to do next.
    #[must_use]
    pub fn with_hint(mut self, hint: impl AsRef<str>) -> Self {
        self.0.hint = Some(one_line(hint.as_ref()));
        self
    }

    /// Adds one cause.
    #[must_use]
    pub fn with_cause(mut self, cause: Cause) -> Self {
        self.0.causes.push(cause);
        self
    }

    /// Adds several causes.
    #[must_use]
    pub fn with_causes(mut self, causes: impl IntoIterator<Item = Cause>) -> Self {
        self.0.causes.extend(causes);
        self
    }

    /// Keeps the whole chain of `source` as text.
    #[must_use]
    pub fn with_source(mut self, source: &dyn std::error::Error) -> Self {
        let mut text = source.to_string();
        let mut next = source.source();
        while let Some(inner) = next {
            let inner_text = inner.to_string();
            if !text.contains(&inner_text) {
                text.push_str(": ");
                text.push_str(&inner_text);
            }
            next = inner.source();
        }
        self.0.source = Some(one_line(&text));
        self
    }

    /// Puts what was being done before the message: "{doing}: {message}".
    #[must_use]
    pub fn while_doing(mut self, doing: impl AsRef<str>) -> Self {
        self.0.message = format!("{}: {}", one_line(doing.as_ref()), self.0.message);
        self
    }

    /// What the error means for the one who has to act on it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What failed, on what, in one sentence.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What to do next, if that is known.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Why: each problem of the input, or each root cause found.
    #[must_use]
    pub fn causes(&self) -> &[Cause] {
        &self.0.causes
    }

    /// The text of the library or service error below, if there is one.
    #[must_use]
    pub fn source_text(&self) -> Option<&str> {
        self.0.source.as_deref()
    }

    /// Everything that is known, over several lines without a final line break.
    #[must_use]
    pub fn report(&self) -> String {
        let mut text = self.0.message.clone();
        for cause in &self.0.causes {
            text.push_str("\n  - ");
            text.push_str(&cause.report().replace('\n', "\n    "));
        }
        if let Some(source) = &self.0.source
            && !text.contains(source.as_str())
        {
            text.push_str("\n  because: ");
            text.push_str(source);
        }
        if let Some(hint) = &self.0.hint {
            text.push_str("\n  next: ");
            text.push_str(hint);
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("hint", &self.0.hint)
            .field("causes", &self.0.causes)
            .field("source", &self.0.source)
            .finish()
    }
}

impl std::error::Error for Error {}
