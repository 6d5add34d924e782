//! Events, newest first and in pages.

use super::super::model::EventState;
use super::super::{CloudFormation, view};
use super::{invalid, page};
use crate::wire::{Form, ServiceError};

/// Events on a page: about what AWS sends. It does not document a number.
const PAGE: usize = 100;

impl CloudFormation {
    pub(super) fn describe_stack_events(&self, form: &Form) -> Result<String, ServiceError> {
        let stack = &self.stacks[self.named(form)?];
        let newest_first: Vec<&EventState> = stack.events.iter().rev().collect();
        let (shown, next) = page(&newest_first, PAGE, form)?;
        let mut text = String::from("<StackEvents>");
        for event in shown {
            text.push_str("<member>");
            view::event(&mut text, stack, event);
            text.push_str("</member>");
        }
        text.push_str("</StackEvents>");
        view::next(&mut text, next.as_deref());
        Ok(text)
    }

    /// By the ARN of a change set, or by stack and operation.
    pub(super) fn describe_events(&self, form: &Form) -> Result<String, ServiceError> {
        let failed_only = form.text("Filters.FailedEvents") == Some("true");
        let mut members: Vec<String> = Vec::new();
        if let Some(arn) = form.text("ChangeSetName") {
            if !arn.starts_with("arn:") && form.text("StackName").is_none() {
                return Err(invalid(
                    "StackName must be specified if ChangeSetName is not specified as an ARN.",
                ));
            }
            let found = self.stacks.iter().find_map(|stack| {
                Some((stack, stack.change_sets.iter().find(|set| set.arn == arn || set.name == arn)?))
            });
            let (stack, set) = found.ok_or_else(|| {
                ServiceError::new(404, "ChangeSetNotFound", format!("ChangeSet [{arn}] does not exist"))
            })?;
            members.extend(
                set.validations
                    .iter()
                    .enumerate()
                    .map(|(number, one)| view::validation(stack, set, number, one, self.now)),
            );
        } else {
            let operation = form.text("OperationId");
            let at = match (operation, form.text("StackName")) {
                (_, Some(_)) => self.named(form)?,
                (Some(id), None) => self
                    .stacks
                    .iter()
                    .position(|stack| stack.operations.iter().any(|(_, known)| known == id))
                    .ok_or_else(|| invalid(format!("Operation {id} does not exist")))?,
                (None, None) => {
                    return Err(invalid(
                        "At least one of StackName, ChangeSetName, or OperationId must be specified",
                    ));
                }
            };
            let stack = &self.stacks[at];
            // Without an operation: the newest, which after a failure is the rollback's.
            let newest = stack.operations.first().map(|(_, id)| id.as_str());
            let wanted = operation.or(newest);
            for event in stack.events.iter().rev().filter(|event| event.operation.as_deref() == wanted) {
                if !failed_only || event.status.ends_with("_FAILED") || event.hook.is_some() {
                    members.push(view::operation_event(stack, event));
                }
            }
        }
        let (shown, next) = page(&members, PAGE, form)?;
        let mut text = String::from("<OperationEvents>");
        for member in shown {
            text.push_str(&format!("<member>{member}</member>"));
        }
        text.push_str("</OperationEvents>");
        view::next(&mut text, next.as_deref());
        Ok(text)
    }
}
