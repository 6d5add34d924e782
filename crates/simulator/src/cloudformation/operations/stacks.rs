//! Stacks: described, deleted, rolled back, protected.

use super::super::CloudFormation;
use super::super::model::{Manner, Operation, Phase, StepState};
use super::super::view;
use super::{invalid, page};
use crate::wire::query::element;
use crate::wire::{Form, ServiceError};

impl CloudFormation {
    pub(super) fn describe_stacks(&self, form: &Form) -> Result<String, ServiceError> {
        let shown: Vec<usize> = match form.text("StackName") {
            Some(name) => {
                vec![self.find(name).ok_or_else(|| invalid(format!("Stack with id {name} does not exist")))?]
            }
            None => {
                (0..self.stacks.len()).filter(|at| self.stacks[*at].status != "DELETE_COMPLETE").collect()
            }
        };
        let mut text = String::from("<Stacks>");
        for at in shown {
            view::stack(&mut text, &self.stacks[at]);
        }
        text.push_str("</Stacks>");
        Ok(text)
    }

    pub(super) fn list_stacks(&self) -> String {
        let mut text = String::from("<StackSummaries>");
        for stack in self.stacks.iter().rev() {
            view::stack_summary(&mut text, stack);
        }
        text.push_str("</StackSummaries>");
        text
    }

    pub(super) fn describe_stack_resources(
        &self,
        form: &Form,
        operation: &str,
    ) -> Result<String, ServiceError> {
        let stack = &self.stacks[self.named(form)?];
        let wanted = form.text("LogicalResourceId");
        let shown = stack.resources.iter().filter(|(id, _)| wanted.is_none_or(|wanted| wanted == *id));
        if operation == "DescribeStackResource" {
            let (id, resource) =
                stack.resources.iter().find(|(id, _)| wanted == Some(id.as_str())).ok_or_else(|| {
                    invalid(format!(
                        "Resource {} does not exist for stack {}",
                        wanted.unwrap_or_default(),
                        stack.name
                    ))
                })?;
            let mut text = String::from("<StackResourceDetail>");
            view::resource(&mut text, stack, id, resource, "LastUpdatedTimestamp", self.now);
            text.push_str("</StackResourceDetail>");
            return Ok(text);
        }
        let mut text = String::from("<StackResources>");
        for (id, resource) in shown {
            text.push_str("<member>");
            view::resource(&mut text, stack, id, resource, "Timestamp", self.now);
            text.push_str("</member>");
        }
        text.push_str("</StackResources>");
        Ok(text)
    }

    pub(super) fn list_stack_resources(&self, form: &Form) -> Result<String, ServiceError> {
        let stack = &self.stacks[self.named(form)?];
        let all: Vec<_> = stack.resources.iter().collect();
        let (shown, next) = page(&all, 100, form)?;
        let mut text = String::from("<StackResourceSummaries>");
        for (id, resource) in shown {
            text.push_str("<member>");
            view::resource(&mut text, stack, id, resource, "LastUpdatedTimestamp", self.now);
            text.push_str("</member>");
        }
        text.push_str("</StackResourceSummaries>");
        view::next(&mut text, next.as_deref());
        Ok(text)
    }

    pub(super) fn list_exports(&self) -> String {
        let mut text = String::from("<Exports>");
        for stack in self.stacks.iter().filter(|stack| stack.status != "DELETE_COMPLETE") {
            for (_, value, name) in stack.outputs.iter().filter(|(.., name)| name.is_some()) {
                text.push_str("<member>");
                element(&mut text, "ExportingStackId", &stack.id);
                element(&mut text, "Name", name.as_deref().unwrap_or_default());
                element(&mut text, "Value", value);
                text.push_str("</member>");
            }
        }
        text.push_str("</Exports>");
        text
    }

    /// The names of stacks whose template imports an export.
    pub(super) fn importers(&self, export: &str) -> Vec<String> {
        let imports = |stack: &&super::super::model::StackState| {
            let body = &stack.desired.body;
            stack.status != "DELETE_COMPLETE" && body.contains("ImportValue") && body.contains(export)
        };
        self.stacks.iter().filter(imports).map(|stack| stack.name.clone()).collect()
    }

    pub(super) fn list_imports(&self, form: &Form) -> Result<String, ServiceError> {
        let export = form.text("ExportName").unwrap_or_default();
        let found = self.importers(export);
        if found.is_empty() {
            return Err(invalid(format!("Export '{export}' is not imported by any stack.")));
        }
        let mut text = String::from("<Imports>");
        found.iter().for_each(|name| element(&mut text, "member", name));
        text.push_str("</Imports>");
        Ok(text)
    }

    pub(super) fn get_stack_policy(&self, form: &Form) -> Result<String, ServiceError> {
        let stack = &self.stacks[self.named(form)?];
        let mut text = String::new();
        if let Some(policy) = &stack.policy {
            element(&mut text, "StackPolicyBody", policy);
        }
        Ok(text)
    }

    pub(super) fn set_stack_policy(&mut self, form: &Form) -> Result<String, ServiceError> {
        let at = self.named(form)?;
        let body = form
            .text("StackPolicyBody")
            .ok_or_else(|| invalid("StackPolicyBody or StackPolicyURL must be specified"))?;
        if serde_json::from_str::<serde_json::Value>(body).is_err() {
            return Err(invalid("Error validating stack policy: Invalid JSON in policy document"));
        }
        self.stacks[at].policy = Some(body.to_owned());
        Ok(String::new())
    }

    pub(super) fn update_termination_protection(&mut self, form: &Form) -> Result<String, ServiceError> {
        let at = self.named(form)?;
        if self.stacks[at].parent.is_some() {
            return Err(invalid("Termination protection cannot be set on nested stacks"));
        }
        self.stacks[at].protected = form.text("EnableTerminationProtection") == Some("true");
        let mut text = String::new();
        element(&mut text, "StackId", &self.stacks[at].id);
        Ok(text)
    }

    pub(super) fn delete_stack(&mut self, form: &Form) -> Result<String, ServiceError> {
        // A stack that does not exist is deleted already: DeleteStack then succeeds.
        let Some(at) = form.text("StackName").and_then(|name| self.find(name)) else {
            return Ok(String::new());
        };
        let stack = &self.stacks[at];
        if stack.protected {
            return Err(invalid(format!(
                "Stack [{}] cannot be deleted while TerminationProtection is enabled",
                stack.name
            )));
        }
        let status = stack.status.as_str();
        if matches!(status, "DELETE_IN_PROGRESS" | "DELETE_COMPLETE") {
            return Ok(String::new());
        }
        let busy = status.ends_with("_IN_PROGRESS")
            && !matches!(status, "CREATE_IN_PROGRESS" | "REVIEW_IN_PROGRESS" | "ROLLBACK_IN_PROGRESS");
        if busy {
            return Err(invalid(format!("Stack [{}] cannot be deleted while in status {status}", stack.id)));
        }
        let mut retain: Vec<String> = form.members("RetainResources", "").map(str::to_owned).collect();
        if form.text("DeletionMode") == Some("FORCE_DELETE_STACK") {
            if status != "DELETE_FAILED" {
                return Err(invalid("FORCE_DELETE_STACK is only allowed on a stack in DELETE_FAILED state"));
            }
            let left = stack.resources.iter().filter(|(_, resource)| resource.status == "DELETE_FAILED");
            retain.extend(left.map(|(id, _)| id.clone()));
        }
        if !retain.is_empty() && status != "DELETE_FAILED" {
            return Err(invalid(format!(
                "Invalid operation on stack [{}]. Resources can only be retained for stacks in the DELETE_FAILED state",
                stack.id
            )));
        }
        let exported: Vec<String> = stack.outputs.iter().filter_map(|(.., export)| export.clone()).collect();
        let used = exported
            .iter()
            .find_map(|export| Some((export.clone(), self.importers(export).into_iter().next()?)));
        let token = form.text("ClientRequestToken").map(str::to_owned);
        let what = format!("delete {}", self.stacks[at].id);
        if self.is_repeated(token.as_deref(), &what)? {
            return Ok(String::new());
        }
        if let Some((export, user)) = used {
            let mut operation = self.operation(at, token, false, Manner::default());
            operation.phase = Phase::Over;
            self.stacks[at].operations.insert(0, ("DELETE_STACK".to_owned(), operation.id.clone()));
            self.stacks[at].operation = Some(operation);
            self.root_event(at, "DELETE_IN_PROGRESS", Some("User Initiated"));
            let reason = format!("Export {export} cannot be deleted as it is in use by {user}");
            self.root_event(at, "DELETE_FAILED", Some(&reason));
            return Ok(String::new());
        }
        if status_is_shell(&self.stacks[at].status) {
            self.stacks[at].change_sets.clear();
        }
        self.delete(at, token, retain);
        Ok(String::new())
    }

    pub(super) fn cancel_update_stack(&mut self, form: &Form) -> Result<String, ServiceError> {
        let at = self.named(form)?;
        if self.stacks[at].status != "UPDATE_IN_PROGRESS" {
            return Err(invalid(format!(
                "CancelUpdateStack cannot be called from current stack status: {}",
                self.stacks[at].status
            )));
        }
        let token = form.text("ClientRequestToken");
        let what = format!("cancel {}", self.stacks[at].id);
        if self.is_repeated(token, &what)? {
            return Ok(String::new());
        }
        let names: Vec<String> = Vec::new();
        if self.stacks[at].operation.is_some() {
            self.fail(at, &names, Some("User Initiated"));
        } else {
            self.root_event(at, "UPDATE_ROLLBACK_COMPLETE", None);
        }
        Ok(String::new())
    }

    pub(super) fn continue_update_rollback(&mut self, form: &Form) -> Result<String, ServiceError> {
        let at = self.named(form)?;
        if self.stacks[at].status != "UPDATE_ROLLBACK_FAILED" {
            let text = format!(
                "Stack:{} is in {} state and can not continue update rollback.",
                self.stacks[at].id, self.stacks[at].status
            );
            return Err(invalid(text));
        }
        let skip: Vec<String> = form.members("ResourcesToSkip", "").map(str::to_owned).collect();
        let id = self.ids.uuid();
        self.stacks[at].operations.insert(0, ("CONTINUE_ROLLBACK".to_owned(), id.clone()));
        let Some(operation) = self.stacks[at].operation.as_mut() else {
            self.root_event(at, "UPDATE_ROLLBACK_IN_PROGRESS", Some("User Initiated"));
            self.root_event(at, "UPDATE_ROLLBACK_COMPLETE", None);
            return Ok(String::new());
        };
        resume(operation, id, form.text("ClientRequestToken"));
        for step in operation.steps.iter_mut().filter(|step| step.state == StepState::Failed) {
            step.state = if skip.contains(&step.logical) { StepState::Done } else { StepState::Waiting };
        }
        self.root_event(at, "UPDATE_ROLLBACK_IN_PROGRESS", Some("User Initiated"));
        self.go_on(at);
        Ok(String::new())
    }

    pub(super) fn rollback_stack(&mut self, form: &Form) -> Result<String, ServiceError> {
        let at = self.named(form)?;
        let status = self.stacks[at].status.clone();
        if !matches!(status.as_str(), "CREATE_FAILED" | "UPDATE_FAILED") {
            return Err(invalid(format!(
                "Stack:{} is in {status} state and can not be rolled back.",
                self.stacks[at].id
            )));
        }
        if self.stacks[at].express {
            return Err(invalid(
                "RollbackStack is not supported for stacks that were last updated using EXPRESS deployment mode and are in a failed state",
            ));
        }
        let id = self.ids.uuid();
        self.stacks[at].operations.insert(0, ("ROLLBACK".to_owned(), id.clone()));
        if let Some(operation) = self.stacks[at].operation.as_mut() {
            resume(operation, id.clone(), form.text("ClientRequestToken"));
            operation.retain_except_on_create |= form.text("RetainExceptOnCreate") == Some("true");
            if status == "CREATE_FAILED" {
                self.delete_phase(at, Phase::Rollback, "ROLLBACK_IN_PROGRESS", "User Initiated");
            } else {
                self.roll_update_back(at, "User Initiated");
            }
        } else {
            let end =
                if status == "CREATE_FAILED" { "ROLLBACK_COMPLETE" } else { "UPDATE_ROLLBACK_COMPLETE" };
            self.root_event(at, end, None);
        }
        let mut text = String::new();
        element(&mut text, "StackId", &self.stacks[at].id);
        element(&mut text, "OperationId", &id);
        Ok(text)
    }
}

fn status_is_shell(status: &str) -> bool {
    status == "REVIEW_IN_PROGRESS"
}

/// The way back of an operation that was over is another operation.
fn resume(operation: &mut Operation, id: String, token: Option<&str>) {
    operation.id = id;
    operation.token = token.map(str::to_owned);
    operation.phase = Phase::Rollback;
}
