//! The validated input of a deletion.

use aws_types::SdkConfig;
use landfall_core::{Cause, Error, Place, Result};
use serde_json::json;

use super::StackDeletion;
use crate::stack::client::Client;
use crate::stack::spec::{IfBusy, check};
use crate::stack::template::digest;

/// What is to be deleted, checked without a call. [`StackDeletionSpec::target`] makes the target of it.
#[derive(Debug, Clone, Default)]
pub struct StackDeletionSpec {
    pub(crate) name: String,
    pub(crate) retain: Vec<String>,
    pub(crate) force: bool,
    pub(crate) role_arn: Option<String>,
    pub(crate) if_busy: IfBusy,
}

/// Makes a [`StackDeletionSpec`].
#[derive(Debug, Clone, Default)]
#[must_use = "a builder does nothing until it is built"]
pub struct StackDeletionBuilder {
    spec: StackDeletionSpec,
}

impl StackDeletionBuilder {
    /// The stack's name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.spec.name = name.into();
        self
    }

    /// Logical ids of resources that are left behind. CloudFormation takes them only when a deletion has failed before
    /// (`DELETE_FAILED`).
    pub fn retain<S: Into<String>>(mut self, resources: impl IntoIterator<Item = S>) -> Self {
        self.spec.retain = resources.into_iter().map(Into::into).collect();
        self
    }

    /// Whether everything that cannot be deleted is left behind (`FORCE_DELETE_STACK`); only when a deletion has failed
    /// before.
    pub fn force(mut self, force: bool) -> Self {
        self.spec.force = force;
        self
    }

    /// The service role; the stack's own when it is not given.
    pub fn role_arn(mut self, arn: impl Into<String>) -> Self {
        self.spec.role_arn = Some(arn.into());
        self
    }

    /// What to do when another operation of the stack is under way; [`IfBusy::Fail`] when it is not said.
    pub fn if_busy(mut self, choice: IfBusy) -> Self {
        self.spec.if_busy = choice;
        self
    }

    /// Checks the input. No call is made.
    ///
    /// # Errors
    /// [`landfall_core::ErrorKind::Invalid`] with one cause for each problem.
    pub fn build(self) -> Result<StackDeletionSpec> {
        let mut problems = Vec::new();
        check::name(&mut problems, &self.spec.name);
        if self.spec.force && !self.spec.retain.is_empty() {
            let text = "resources to retain are named, and force leaves behind whatever cannot be deleted";
            problems.push(Cause::invalid("force", text).with_hint("give one of the two"));
        }
        Error::all(format!("the deletion of stack `{}` cannot be made as asked", self.spec.name), problems)?;
        Ok(self.spec)
    }
}

impl StackDeletionSpec {
    /// The target in this place. No call is made.
    ///
    /// # Errors
    /// [`landfall_core::ErrorKind::Invalid`] when `config` is for another region than `place`.
    pub fn target(self, config: &SdkConfig, place: Place) -> Result<StackDeletion> {
        let mut problems = Vec::new();
        check::place(&mut problems, config, &place, self.role_arn.as_deref());
        Error::all(format!("the deletion of stack `{}` cannot be made as asked", self.name), problems)?;
        let client = Client::new(config, &place, &self.name);
        Ok(StackDeletion { place, spec: self, client })
    }

    pub(super) fn digest(&self) -> String {
        let pinned =
            json!({ "delete": self.name, "retain": self.retain, "force": self.force, "role": self.role_arn });
        digest(pinned.to_string().as_bytes())
    }
}
