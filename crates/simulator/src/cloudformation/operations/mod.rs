//! The operations, and what they share: finding a stack, beginning what was asked for.

mod change_sets;
mod events;
mod hooks;
mod stacks;
mod templates;
mod update;

use std::collections::BTreeMap;

use serde_json::Value;

use super::model::{Desired, Manner, Operation, Phase, StackState, Verb};
use super::{CloudFormation, template};
use crate::wire::{Form, ServiceError};

/// The operations there are.
pub(crate) const OPERATIONS: [&str; 27] = [
    "CancelUpdateStack",
    "ContinueUpdateRollback",
    "CreateChangeSet",
    "DeleteChangeSet",
    "DeleteStack",
    "DescribeChangeSet",
    "DescribeEvents",
    "DescribeStackEvents",
    "DescribeStackResource",
    "DescribeStackResources",
    "DescribeStacks",
    "ExecuteChangeSet",
    "GetHookResult",
    "GetStackPolicy",
    "GetTemplate",
    "GetTemplateSummary",
    "ListChangeSets",
    "ListExports",
    "ListHookResults",
    "ListImports",
    "ListStackResources",
    "ListStacks",
    "RollbackStack",
    "SetStackPolicy",
    "UpdateStack",
    "UpdateTerminationProtection",
    "ValidateTemplate",
];

pub(super) fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::client("ValidationError", message)
}

impl CloudFormation {
    /// Answers with the inner XML of the result. A read may be told to see what was before the writes of the last seconds.
    pub(crate) fn call(
        &mut self,
        operation: &str,
        form: &Form,
        stale: Option<u64>,
    ) -> Result<String, ServiceError> {
        if crate::calls::is_write(operation) {
            self.remember();
        } else if let Some(before) = stale.and_then(|seconds| self.stale(seconds)) {
            return (*before).clone().answer(operation, form);
        }
        self.answer(operation, form)
    }

    fn answer(&mut self, operation: &str, form: &Form) -> Result<String, ServiceError> {
        match operation {
            "CreateChangeSet" => self.create_change_set(form),
            "DescribeChangeSet" => self.describe_change_set(form),
            "ExecuteChangeSet" => self.execute_change_set(form),
            "DeleteChangeSet" => self.delete_change_set(form),
            "ListChangeSets" => self.list_change_sets(form),
            "DescribeStacks" => self.describe_stacks(form),
            "ListStacks" => Ok(self.list_stacks()),
            "DescribeStackEvents" => self.describe_stack_events(form),
            "DescribeEvents" => self.describe_events(form),
            "DescribeStackResources" | "DescribeStackResource" => {
                self.describe_stack_resources(form, operation)
            }
            "ListStackResources" => self.list_stack_resources(form),
            "ListExports" => Ok(self.list_exports()),
            "ListImports" => self.list_imports(form),
            "ListHookResults" => self.list_hook_results(form),
            "GetHookResult" => self.hook_result(form),
            "GetTemplate" => self.get_template(form),
            "GetTemplateSummary" => self.get_template_summary(form),
            "ValidateTemplate" => self.validate_template(form),
            "GetStackPolicy" => self.get_stack_policy(form),
            "SetStackPolicy" => self.set_stack_policy(form),
            "UpdateTerminationProtection" => self.update_termination_protection(form),
            "UpdateStack" => self.update_stack(form),
            "DeleteStack" => self.delete_stack(form),
            "CancelUpdateStack" => self.cancel_update_stack(form),
            "ContinueUpdateRollback" => self.continue_update_rollback(form),
            "RollbackStack" => self.rollback_stack(form),
            _ => Err(ServiceError::new(
                400,
                "InvalidAction",
                format!("Could not find operation {operation} for version 2010-05-15"),
            )),
        }
    }

    /// Remembers what the region is like, before a write changes it.
    fn remember(&mut self) {
        /// No fault hides a write for longer.
        const LONGEST: std::time::Duration = std::time::Duration::from_secs(600);
        let oldest = crate::clock::earlier(self.now, LONGEST);
        let mut kept = std::mem::take(&mut self.snapshots);
        kept.retain(|(written_at, _)| *written_at >= oldest);
        kept.push((self.now, std::sync::Arc::new(self.clone())));
        self.snapshots = kept;
    }

    fn stale(&self, seconds: u64) -> Option<std::sync::Arc<CloudFormation>> {
        let since = crate::clock::earlier(self.now, std::time::Duration::from_secs(seconds));
        self.snapshots.iter().find(|(written_at, _)| *written_at > since).map(|(_, before)| before.clone())
    }

    /// A stack by name or id. One that was deleted is found by its id only.
    pub(super) fn find(&self, named: &str) -> Option<usize> {
        if named.starts_with("arn:") {
            return self.position(named);
        }
        self.stacks.iter().rposition(|stack| stack.name == named && stack.status != "DELETE_COMPLETE")
    }

    pub(super) fn named(&self, form: &Form) -> Result<usize, ServiceError> {
        let named = form.text("StackName").ok_or_else(|| invalid("1 validation error detected: Value at 'stackName' failed to satisfy constraint: Member must not be null"))?;
        self.find(named).ok_or_else(|| invalid(format!("Stack [{named}] does not exist")))
    }

    /// Refuses while something is under way, and in states from which there is no update.
    pub(super) fn check_updatable(stack: &StackState) -> Result<(), ServiceError> {
        let bad = stack.status.ends_with("_IN_PROGRESS")
            || matches!(
                stack.status.as_str(),
                "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" | "DELETE_FAILED" | "UPDATE_ROLLBACK_FAILED"
            );
        if bad {
            return Err(invalid(format!(
                "Stack:{} is in {} state and can not be updated.",
                stack.id, stack.status
            )));
        }
        Ok(())
    }

    /// A token of one operation is none of another (`TokenAlreadyExistsException`). True: this very request came before.
    pub(super) fn is_repeated(&mut self, token: Option<&str>, what: &str) -> Result<bool, ServiceError> {
        let Some(token) = token else { return Ok(false) };
        match self.tokens.get(token) {
            None => {
                self.tokens.insert(token.to_owned(), what.to_owned());
                Ok(false)
            }
            Some(known) if known == what => Ok(true),
            Some(_) => Err(ServiceError::client(
                "TokenAlreadyExistsException",
                format!("ClientRequestToken {token} is already used"),
            )),
        }
    }

    pub(super) fn operation(
        &mut self,
        at: usize,
        token: Option<String>,
        creates: bool,
        manner: Manner,
    ) -> Operation {
        let stack = &self.stacks[at];
        Operation {
            id: self.ids.uuid(),
            token,
            phase: Phase::Forward,
            creates,
            steps: Vec::new(),
            manner,
            before: stack.desired.clone(),
            resources_before: stack.resources.clone(),
            replaced: Vec::new(),
            retain: Vec::new(),
            retain_except_on_create: false,
        }
    }

    /// Begins to create what a stack is to be.
    pub(super) fn create(&mut self, at: usize, desired: Desired, token: Option<String>, manner: Manner) {
        let operation = self.planned(at, desired, token, true, manner);
        self.begin(at, operation, "CREATE_STACK", "CREATE_IN_PROGRESS", Some("User Initiated"));
    }

    /// Begins to update a stack.
    pub(super) fn update(&mut self, at: usize, desired: Desired, token: Option<String>, manner: Manner) {
        let operation = self.planned(at, desired, token, false, manner);
        self.begin(at, operation, "UPDATE_STACK", "UPDATE_IN_PROGRESS", Some("User Initiated"));
    }

    /// An operation with its steps.
    fn planned(
        &mut self,
        at: usize,
        desired: Desired,
        token: Option<String>,
        creates: bool,
        manner: Manner,
    ) -> Operation {
        let mut operation = self.operation(at, token, creates, manner);
        // "OBSOLETE: ... the stack was already updated" (ExecutionStatus of DescribeChangeSet). The one that is executed is
        // not available any more by now.
        for set in self.stacks[at].change_sets.iter_mut().filter(|set| set.execution == "AVAILABLE") {
            "OBSOLETE".clone_into(&mut set.execution);
        }
        self.stacks[at].express = operation.manner.express;
        self.stacks[at].rollback_off = operation.manner.is_rollback_off();
        let parsed = template::parse(&desired.body).unwrap_or(Value::Null);
        self.stacks[at].desired = desired;
        let wanted = self.resolve(at, &parsed, &self.stacks[at].desired.parameters.clone());
        let mut changes = self.differences(at, &wanted, operation.manner.revert_drift);
        for change in changes.iter_mut().filter(|change| operation.manner.imports.contains(&change.logical)) {
            change.action = "Import";
        }
        operation.steps = self.steps(&wanted, &changes);
        for step in operation.steps.iter().filter(|step| step.verb == Verb::Sync) {
            if let Some(known) = self.stacks[at].resources.get_mut(&step.logical) {
                (known.properties, known.actual) = (step.after.properties.clone(), None);
            }
        }
        operation
    }

    /// Begins to delete a stack.
    pub(super) fn delete(&mut self, at: usize, token: Option<String>, retain: Vec<String>) {
        let mut operation = self.operation(at, token, false, Manner::default());
        operation.phase = Phase::Delete;
        operation.retain = retain;
        self.stacks[at].operations.insert(0, ("DELETE_STACK".to_owned(), operation.id.clone()));
        self.stacks[at].operation = Some(operation);
        self.delete_phase(at, Phase::Delete, "DELETE_IN_PROGRESS", "User Initiated");
    }

    /// Outputs of the template as it is now.
    pub(super) fn set_outputs(&mut self, at: usize) {
        let stack = &self.stacks[at];
        let parsed = template::parse(&stack.desired.body).unwrap_or(Value::Null);
        let physical = self.scope_ids(at);
        let scope = self.scope(stack, &parsed, &stack.desired.parameters, &physical);
        let mut outputs = Vec::new();
        for (name, output) in parsed.get("Outputs").and_then(Value::as_object).into_iter().flatten() {
            let condition = output.get("Condition").and_then(Value::as_str);
            if condition.is_none_or(|condition| scope.condition(condition)) {
                let text = |value: Option<&Value>| {
                    let value = scope.evaluate(value?)?;
                    Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
                };
                let export = text(output.get("Export").and_then(|export| export.get("Name")));
                outputs.push((name.clone(), text(output.get("Value")).unwrap_or_default(), export));
            }
        }
        self.stacks[at].outputs = outputs;
    }
}

/// The parameters with the template's defaults, or what is wrong with them in CloudFormation's words.
pub(super) fn with_defaults(
    template: &Value,
    given: BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, String> {
    let none = serde_json::Map::new();
    let declared = template.get("Parameters").and_then(Value::as_object).unwrap_or(&none);
    let unknown: Vec<&str> =
        given.keys().filter(|name| !declared.contains_key(*name)).map(String::as_str).collect();
    if !unknown.is_empty() {
        return Err(format!("Parameters: [{}] do not exist in the template", unknown.join(", ")));
    }
    let (mut values, mut missing) = (given, Vec::new());
    for (name, parameter) in declared {
        let default = parameter
            .get("Default")
            .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        match (values.get(name), default) {
            (None, Some(default)) => {
                values.insert(name.clone(), default);
            }
            (None, None) => missing.push(name.as_str()),
            (Some(value), _) => {
                let allowed = parameter.get("AllowedValues").and_then(Value::as_array);
                let is_it =
                    |one: &Value| one.as_str().map_or_else(|| one.to_string(), str::to_owned) == *value;
                if allowed.is_some_and(|allowed| !allowed.iter().any(is_it)) {
                    return Err(format!("Parameter '{name}' must be one of AllowedValues"));
                }
            }
        }
    }
    if missing.is_empty() {
        Ok(values)
    } else {
        Err(format!("Parameters: [{}] must have values", missing.join(", ")))
    }
}

/// One page: `token` is where it begins.
pub(super) fn page<'a, T>(
    all: &'a [T],
    size: usize,
    form: &Form,
) -> Result<(&'a [T], Option<String>), ServiceError> {
    let from = match form.text("NextToken") {
        None => 0,
        Some(token) => token
            .strip_prefix("page-")
            .and_then(|number| number.parse().ok())
            .filter(|from| *from <= all.len())
            .ok_or_else(|| invalid("Invalid NextToken"))?,
    };
    let to = (from + size).min(all.len());
    Ok((&all[from..to], (to < all.len()).then(|| format!("page-{to}"))))
}
