//! Plans and receipts: what a target tells its later self, in this process or another.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::DeployTarget;
use super::data::{Resource, Token};
use crate::error::{Error, ErrorKind, Result};

/// What would change, and what `apply` needs to do it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Plan {
    /// The target's kind.
    pub kind: String,
    /// Version of the payload's form.
    pub version: u32,
    /// Stamped by the life cycle before the plan is recorded.
    pub token: Token,
    /// What is deployed to, and the digest of what was asked for; stamped with the token. A recorded plan is never
    /// carried out for another target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_for: Option<MadeFor>,
    /// What will change, for people. Empty: there is nothing to do.
    pub changes: Vec<Change>,
    /// The target's own data. Names, ARNs and digests, never secrets.
    pub payload: Value,
}

/// What a plan was made for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MadeFor {
    /// What is deployed to.
    pub resource: Resource,
    /// As [`DeployTarget::specification`].
    pub specification: String,
}

/// What is done to one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Effect {
    /// It is made.
    Create,
    /// It is changed in place.
    Update,
    /// It is deleted and made again.
    Replace,
    /// It is deleted.
    Delete,
}

/// One thing that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Change {
    /// What is done.
    pub effect: Effect,
    /// To what, in the field's terms: `task definition web`, `service web`.
    pub subject: String,
    /// The differences, a line each: `containerDefinitions[web].image: web:1 -> web:2`. No secrets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
}

impl Change {
    /// A change without details.
    #[must_use]
    pub fn new(effect: Effect, subject: impl Into<String>) -> Self {
        Self { effect, subject: subject.into(), details: Vec::new() }
    }

    /// Adds lines of detail.
    #[must_use]
    pub fn with_details<S: Into<String>>(mut self, details: impl IntoIterator<Item = S>) -> Self {
        self.details.extend(details.into_iter().map(Into::into));
        self
    }
}

impl Plan {
    /// A plan of this kind whose payload is `payload` in form `version`.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when the payload cannot be written as JSON.
    pub fn new<T: Serialize>(kind: &str, version: u32, changes: Vec<Change>, payload: &T) -> Result<Self> {
        Ok(Self {
            kind: kind.to_owned(),
            version,
            token: Token::default(),
            made_for: None,
            changes,
            payload: write(kind, payload)?,
        })
    }

    /// The payload.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] when another kind or version wrote it.
    pub fn read<T: DeserializeOwned>(&self, kind: &str, version: u32) -> Result<T> {
        read("plan", (&self.kind, self.version, &self.payload), kind, version)
    }

    /// The plan with this token.
    #[must_use]
    pub fn stamped(mut self, token: Token) -> Self {
        self.token = token;
        self
    }

    /// The plan, stamped with what it was made for.
    #[must_use]
    pub(crate) fn made_for<T: DeployTarget + ?Sized>(mut self, target: &T) -> Self {
        self.made_for = Some(MadeFor { resource: target.resource(), specification: target.specification() });
        self
    }

    /// Whether this is a plan for `target` as it is now.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`], which says what is different.
    pub(crate) fn check_made_for<T: DeployTarget + ?Sized>(&self, target: &T) -> Result<()> {
        let Some(made_for) = &self.made_for else { return Ok(()) };
        let resource = target.resource();
        if made_for.resource != resource {
            return Err(Error::new(
                ErrorKind::Conflict,
                format!(
                    "step {} has deployed to {} already, and not to {resource}",
                    self.token, made_for.resource
                ),
            )
            .with_hint("give each step of a run a name of its own, and each release a run id of its own"));
        }
        if made_for.specification != target.specification() {
            return Err(Error::new(
                ErrorKind::Conflict,
                format!("what is asked for is not what the recorded plan was made for (step {})", self.token),
            )
            .with_hint("go on with what was asked for when the run was begun, or begin a new run id"));
        }
        Ok(())
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

/// What `apply` started: enough to look at it from another process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Receipt {
    /// The target's kind.
    pub kind: String,
    /// Version of the payload's form.
    pub version: u32,
    /// What was started, in words.
    pub summary: String,
    /// The target's own data. Names, ARNs and digests, never secrets.
    pub payload: Value,
    /// The change itself has not been started by this part: another one comes before that. A step that does not wait for
    /// the end waits at least for that one, or else nothing would ever be changed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_prepares: bool,
}

impl Receipt {
    /// A receipt of this kind whose payload is `payload` in form `version`.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when the payload cannot be written as JSON.
    pub fn new<T: Serialize>(
        kind: &str,
        version: u32,
        summary: impl Into<String>,
        payload: &T,
    ) -> Result<Self> {
        let (kind, payload) = (kind.to_owned(), write(kind, payload)?);
        Ok(Self { kind, version, summary: summary.into(), payload, only_prepares: false })
    }

    /// Says whether another part comes before the change itself is started.
    #[must_use]
    pub fn preparing(mut self, only_prepares: bool) -> Self {
        self.only_prepares = only_prepares;
        self
    }

    /// The payload.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] when another kind or version wrote it.
    pub fn read<T: DeserializeOwned>(&self, kind: &str, version: u32) -> Result<T> {
        read("receipt", (&self.kind, self.version, &self.payload), kind, version)
    }
}

/// How to get back to what was there before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Revert {
    /// By this plan.
    Plan(Box<Plan>),
    /// It is there already.
    NothingToDo,
    /// It cannot be done.
    Impossible {
        /// Why, and what a person can do.
        reason: String,
    },
}

fn write<T: Serialize>(kind: &str, payload: &T) -> Result<Value> {
    serde_json::to_value(payload).map_err(|error| {
        Error::internal(format!("the payload of {kind} cannot be written")).with_source(&error)
    })
}

fn read<T: DeserializeOwned>(
    what: &str,
    (found_kind, found_version, payload): (&str, u32, &Value),
    kind: &str,
    version: u32,
) -> Result<T> {
    if found_kind != kind || found_version != version {
        return Err(Error::new(
            ErrorKind::Conflict,
            format!("this {what} is of {found_kind} version {found_version}, and {kind} version {version} was expected"),
        )
        .with_hint("finish the run with the version of landfall that began it, or begin a new run id"));
    }
    T::deserialize(payload).map_err(|error| {
        Error::new(ErrorKind::Conflict, format!("this {what} of {kind} cannot be read")).with_source(&error)
    })
}
