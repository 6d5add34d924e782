//! UpdateStack, and in which manner an update may be made.
//!
//! Express mode: "Deploy AWS CloudFormation stacks faster with express mode"
//! (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-express-mode.html>). What is refused after one
//! that failed is in no document: it is what users met (aws/aws-cdk-cli issues 1739 and 1973).

use serde_json::Value;

use super::super::model::{Manner, StackState};
use super::super::{CloudFormation, template};
use super::change_sets::is_same;
use super::invalid;
use crate::wire::query::element;
use crate::wire::{Form, ServiceError};

/// How an operation is to be made: "When you use express mode, CloudFormation disables rollback by default."
pub(super) fn manner(form: &Form) -> Manner {
    let express = form.text("DeploymentConfig.Mode") == Some("EXPRESS");
    let disabled = form.text("DeploymentConfig.DisableRollback").or(form.text("DisableRollback"));
    let off = disabled.map_or(express, |disabled| disabled == "true");
    let usual = if off { "DO_NOTHING" } else { "ROLLBACK" };
    Manner { express, ..Manner::on_failure(form.text("OnStackFailure").unwrap_or(usual)) }
}

/// Refuses what cannot follow an express operation that failed.
pub(super) fn check_express(stack: &StackState, manner: &Manner) -> Result<(), ServiceError> {
    let failed = matches!(stack.status.as_str(), "CREATE_FAILED" | "UPDATE_FAILED");
    if !failed || !stack.express {
        return Ok(());
    }
    if !manner.express {
        return Err(invalid(format!(
            "This stack is in a {} state from a previous operation that used EXPRESS deployment mode with disable-rollback. Follow-up operations must use the same DeploymentConfig (mode=EXPRESS) until the stack reaches a *_COMPLETE state",
            stack.status
        )));
    }
    if !manner.is_rollback_off() {
        return Err(invalid(format!(
            "This stack is currently in a non-terminal [{}] state. To update the stack from this state, please use the disable-rollback parameter with update-stack API. To rollback to the last known good state, use the rollback-stack API",
            stack.status
        )));
    }
    Ok(())
}

impl CloudFormation {
    pub(super) fn update_stack(&mut self, form: &Form) -> Result<String, ServiceError> {
        let at = self.named(form)?;
        let token = form.text("ClientRequestToken").map(str::to_owned);
        let what = format!("update {}", self.stacks[at].id);
        let known = token.as_ref().and_then(|token| self.tokens.get(token));
        if known == Some(&what) {
            return Ok(self.updated(at));
        }
        let manner = manner(form);
        Self::check_updatable(&self.stacks[at])?;
        check_express(&self.stacks[at], &manner)?;
        let desired = self.desired(form, Some(at))?;
        let parsed = template::parse(&desired.body).unwrap_or(Value::Null);
        let wanted = self.resolve(at, &parsed, &desired.parameters);
        let differs =
            !self.differences(at, &wanted, false).is_empty() || !is_same(&self.stacks[at].desired, &desired);
        // A failed stack is brought to its end by an update without differences too (aws/aws-cdk-cli pull request 1970).
        if !differs && self.stacks[at].status != "UPDATE_FAILED" {
            return Err(invalid("No updates are to be performed."));
        }
        self.is_repeated(token.as_deref(), &what)?;
        self.stacks[at].change_set = None;
        self.update(at, desired, token, manner);
        Ok(self.updated(at))
    }

    fn updated(&self, at: usize) -> String {
        let stack = &self.stacks[at];
        let mut text = String::new();
        element(&mut text, "StackId", &stack.id);
        if let Some((_, id)) = stack.operations.first() {
            element(&mut text, "OperationId", id);
        }
        text
    }
}
