//! Results of hooks: of change sets, by lists; of resources, by the id that their event has. An annotation is what Control Tower, Guard or the hook itself says.

use super::super::CloudFormation;
use super::super::model::ChangeSetState;
use super::invalid;
use crate::Validation;
use crate::wire::query::element;
use crate::wire::{Form, ServiceError};

/// The id of a result: made of the change set's.
fn id(set: &ChangeSetState, number: usize) -> String {
    let uuid = set.arn.rsplit('/').next().unwrap_or_default();
    format!("{}{number:04x}", uuid.get(..uuid.len().saturating_sub(4)).unwrap_or_default())
}

fn none(message: &str) -> ServiceError {
    ServiceError::new(404, "HookResultNotFound", message)
}

impl CloudFormation {
    fn hook_results(&self) -> impl Iterator<Item = (&ChangeSetState, String, &Validation)> {
        let sets = self.stacks.iter().flat_map(|stack| &stack.change_sets);
        sets.flat_map(|set| {
            let hooks = set.validations.iter().enumerate().filter(|(_, one)| one.hook);
            hooks.map(move |(number, one)| (set, id(set, number), one))
        })
    }

    pub(super) fn list_hook_results(&self, form: &Form) -> Result<String, ServiceError> {
        let (Some("CHANGE_SET"), Some(target)) = (form.text("TargetType"), form.text("TargetId")) else {
            return Err(invalid("The simulator has results of hooks for change sets only"));
        };
        let wanted = form.text("Status").unwrap_or("HOOK_COMPLETE_FAILED") == "HOOK_COMPLETE_FAILED";
        let found: Vec<_> = self.hook_results().filter(|(set, ..)| wanted && set.arn == target).collect();
        if found.is_empty() {
            return Err(none("The specified target doesn't have any requested Hook invocations."));
        }
        let mut text = String::from("<HookResults>");
        for (_, id, one) in found {
            text.push_str("<member>");
            element(&mut text, "HookResultId", &id);
            element(&mut text, "Status", "HOOK_COMPLETE_FAILED");
            element(&mut text, "HookStatusReason", &one.message);
            text.push_str("</member>");
        }
        text.push_str("</HookResults>");
        Ok(text)
    }

    pub(super) fn hook_result(&self, form: &Form) -> Result<String, ServiceError> {
        let wanted = form.text("HookResultId").unwrap_or_default();
        let mut events =
            self.stacks.iter().flat_map(|stack| &stack.events).filter_map(|event| event.hook.as_ref());
        if let Some(invoked) = events.find(|invoked| invoked.id == wanted) {
            let crate::StackHook { name, reason, message, remediation } = &invoked.hook;
            return Ok(result(wanted, name, reason, message, remediation));
        }
        let found = self.hook_results().find(|(_, id, _)| id == wanted);
        let (_, id, one) = found.ok_or_else(|| none("The specified hook result does not exist."))?;
        Ok(result(&id, "Org::Guard::Hook", &one.message, &one.message, &one.remediation))
    }
}

fn result(id: &str, name: &str, reason: &str, message: &str, remediation: &str) -> String {
    let mut text = String::new();
    element(&mut text, "HookResultId", id);
    element(&mut text, "TypeName", name);
    element(&mut text, "Status", "HOOK_COMPLETE_FAILED");
    element(&mut text, "HookStatusReason", reason);
    text.push_str("<Annotations><member>");
    element(&mut text, "AnnotationName", "rule");
    element(&mut text, "Status", "FAILED");
    element(&mut text, "StatusMessage", message);
    if !remediation.is_empty() {
        element(&mut text, "RemediationMessage", remediation);
    }
    text.push_str("</member></Annotations>");
    text
}
