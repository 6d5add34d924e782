//! What answers look like: elements of the service model, in its order.

use jiff::Timestamp;
use serde_json::Value;

use super::model::{ChangeSetState, ChangeState, EventState, HookState, ResourceState, StackState};
use super::template;
use crate::wire::query::element;

fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

fn optional(text: &mut String, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        element(text, name, value);
    }
}

fn list(text: &mut String, name: &str, values: &[String]) {
    text.push_str(&format!("<{name}>"));
    values.iter().for_each(|value| element(text, "member", value));
    text.push_str(&format!("</{name}>"));
}

pub(super) fn next(text: &mut String, token: Option<&str>) {
    optional(text, "NextToken", token);
}

pub(super) fn stack(text: &mut String, stack: &StackState) {
    text.push_str("<member>");
    element(text, "StackId", &stack.id);
    element(text, "StackName", &stack.name);
    optional(text, "ChangeSetId", stack.change_set.as_deref());
    let parsed = template::parse(&stack.desired.body).unwrap_or(Value::Null);
    parameters(text, &parsed, &stack.desired.parameters);
    element(text, "CreationTime", &time(stack.created));
    optional(text, "DeletionTime", stack.deleted.map(time).as_deref());
    optional(text, "LastUpdatedTime", stack.updated.map(time).as_deref());
    element(text, "StackStatus", &stack.status);
    optional(text, "StackStatusReason", stack.reason.as_deref());
    element(text, "DisableRollback", if stack.rollback_off { "true" } else { "false" });
    deployment(text, stack.express, stack.rollback_off);
    list(text, "NotificationARNs", &stack.desired.notification_arns);
    list(text, "Capabilities", &stack.desired.capabilities);
    text.push_str("<Outputs>");
    for (name, value, export) in &stack.outputs {
        text.push_str("<member>");
        element(text, "OutputKey", name);
        element(text, "OutputValue", value);
        optional(text, "ExportName", export.as_deref());
        text.push_str("</member>");
    }
    text.push_str("</Outputs>");
    optional(text, "RoleARN", stack.desired.role_arn.as_deref());
    tags(text, &stack.desired.tags);
    element(text, "EnableTerminationProtection", if stack.protected { "true" } else { "false" });
    optional(text, "ParentId", stack.parent.as_deref());
    text.push_str("<LastOperations>");
    for (kind, id) in stack.operations.iter().take(5) {
        text.push_str("<member>");
        element(text, "OperationType", kind);
        element(text, "OperationId", id);
        text.push_str("</member>");
    }
    text.push_str("</LastOperations></member>");
}

fn deployment(text: &mut String, express: bool, rollback_off: bool) {
    text.push_str("<DeploymentConfig>");
    element(text, "Mode", if express { "EXPRESS" } else { "STANDARD" });
    element(text, "DisableRollback", if rollback_off { "true" } else { "false" });
    text.push_str("</DeploymentConfig>");
}

fn tags(text: &mut String, tags: &[(String, String)]) {
    text.push_str("<Tags>");
    for (key, value) in tags {
        text.push_str("<member>");
        element(text, "Key", key);
        element(text, "Value", value);
        text.push_str("</member>");
    }
    text.push_str("</Tags>");
}

/// Values of parameters with `NoEcho` are four asterisks, whatever they are.
fn parameters(text: &mut String, template: &Value, values: &std::collections::BTreeMap<String, String>) {
    text.push_str("<Parameters>");
    for (name, value) in values {
        let no_echo =
            template.get("Parameters").and_then(|all| all.get(name)).and_then(|one| one.get("NoEcho"));
        let hidden =
            no_echo.is_some_and(|value| value == &Value::Bool(true) || value.as_str() == Some("true"));
        text.push_str("<member>");
        element(text, "ParameterKey", name);
        element(text, "ParameterValue", if hidden { "****" } else { value });
        text.push_str("</member>");
    }
    text.push_str("</Parameters>");
}

pub(super) fn stack_summary(text: &mut String, stack: &StackState) {
    text.push_str("<member>");
    element(text, "StackId", &stack.id);
    element(text, "StackName", &stack.name);
    element(text, "CreationTime", &time(stack.created));
    optional(text, "DeletionTime", stack.deleted.map(time).as_deref());
    element(text, "StackStatus", &stack.status);
    text.push_str("</member>");
}

pub(super) fn resource(
    text: &mut String,
    stack: &StackState,
    id: &str,
    resource: &ResourceState,
    at: &str,
    now: Timestamp,
) {
    let last = stack.events.iter().rev().find(|event| event.logical == id).map_or(now, |event| event.at);
    element(text, "StackName", &stack.name);
    element(text, "StackId", &stack.id);
    element(text, "LogicalResourceId", id);
    element(text, "PhysicalResourceId", &resource.physical);
    element(text, "ResourceType", &resource.kind);
    element(text, at, &time(last));
    element(text, "ResourceStatus", &resource.status);
    optional(text, "ResourceStatusReason", resource.reason.as_deref());
}

pub(super) fn event(text: &mut String, stack: &StackState, event: &EventState) {
    element(text, "StackId", &stack.id);
    element(text, "EventId", &event.id);
    element(text, "StackName", &stack.name);
    optional(text, "OperationId", event.operation.as_deref());
    element(text, "LogicalResourceId", &event.logical);
    element(text, "PhysicalResourceId", &event.physical);
    element(text, "ResourceType", &event.kind);
    element(text, "Timestamp", &time(event.at));
    element(text, "ResourceStatus", &event.status);
    optional(text, "ResourceStatusReason", event.reason.as_deref());
    optional(text, "ClientRequestToken", event.token.as_deref());
    if let Some(HookState { id, hook }) = &event.hook {
        refused_by_hook(text, hook);
        element(text, "HookInvocationId", id);
    }
}

fn refused_by_hook(text: &mut String, hook: &crate::StackHook) {
    element(text, "HookType", &hook.name);
    element(text, "HookStatus", "HOOK_COMPLETE_FAILED");
    element(text, "HookStatusReason", &hook.reason);
    element(text, "HookInvocationPoint", "PRE_PROVISION");
    element(text, "HookFailureMode", "FAIL");
}

pub(super) fn operation_event(stack: &StackState, event: &EventState) -> String {
    let mut text = String::new();
    element(&mut text, "EventId", &event.id);
    element(&mut text, "StackId", &stack.id);
    optional(&mut text, "OperationId", event.operation.as_deref());
    let kind = stack.operations.iter().find(|(_, id)| Some(id) == event.operation.as_ref());
    optional(&mut text, "OperationType", kind.map(|(kind, _)| kind.as_str()));
    let kind = match (&event.hook, event.status.ends_with("_FAILED")) {
        (Some(_), _) => "HOOK_INVOCATION_ERROR",
        (None, true) => "PROVISIONING_ERROR",
        (None, false) => "STACK_EVENT",
    };
    element(&mut text, "EventType", kind);
    element(&mut text, "LogicalResourceId", &event.logical);
    element(&mut text, "PhysicalResourceId", &event.physical);
    element(&mut text, "ResourceType", &event.kind);
    element(&mut text, "Timestamp", &time(event.at));
    element(&mut text, "ResourceStatus", &event.status);
    optional(&mut text, "ResourceStatusReason", event.reason.as_deref());
    optional(&mut text, "ClientRequestToken", event.token.as_deref());
    if let Some(state) = &event.hook {
        refused_by_hook(&mut text, &state.hook);
    }
    text
}

pub(super) fn validation(
    stack: &StackState,
    set: &ChangeSetState,
    number: usize,
    one: &crate::Validation,
    now: Timestamp,
) -> String {
    let mut text = String::new();
    element(&mut text, "EventId", &format!("{}-{number}", set.operation));
    element(&mut text, "StackId", &stack.id);
    element(&mut text, "OperationId", &set.operation);
    element(&mut text, "OperationType", "CREATE_CHANGESET");
    element(&mut text, "EventType", if one.hook { "HOOK_INVOCATION_ERROR" } else { "VALIDATION_ERROR" });
    element(&mut text, "LogicalResourceId", &one.resource);
    element(&mut text, "ResourceType", &one.kind);
    element(&mut text, "Timestamp", &time(now));
    if one.hook {
        element(&mut text, "HookFailureMode", &one.mode);
        element(&mut text, "HookStatusReason", &one.message);
    } else {
        element(&mut text, "ValidationFailureMode", &one.mode);
        let name = if one.name.is_empty() { "PROPERTY_VALIDATION" } else { &one.name };
        element(&mut text, "ValidationName", name);
        element(&mut text, "ValidationStatus", "FAILED");
        element(&mut text, "ValidationStatusReason", &one.message);
        element(&mut text, "ValidationPath", &one.path);
    }
    text
}

pub(super) fn change_set_head(text: &mut String, stack: &StackState, set: &ChangeSetState) {
    element(text, "StackId", &stack.id);
    element(text, "StackName", &stack.name);
    element(text, "ChangeSetId", &set.arn);
    element(text, "ChangeSetName", &set.name);
    element(text, "ExecutionStatus", &set.execution);
    element(text, "Status", &set.status);
    optional(text, "StatusReason", set.reason.as_deref());
    optional(text, "Description", set.description.as_deref());
    element(text, "CreationTime", &time(set.created));
}

pub(super) fn change_set(
    stack: &StackState,
    set: &ChangeSetState,
    changes: &[ChangeState],
    token: Option<&str>,
    values: bool,
) -> String {
    let mut text = String::new();
    change_set_head(&mut text, stack, set);
    let parsed = template::parse(&set.desired.body).unwrap_or(Value::Null);
    parameters(&mut text, &parsed, &set.desired.parameters);
    list(&mut text, "Capabilities", &set.desired.capabilities);
    tags(&mut text, &set.desired.tags);
    text.push_str("<Changes>");
    for one in changes {
        text.push_str("<member><Type>Resource</Type><ResourceChange>");
        change(&mut text, one, values.then_some(set.created));
        text.push_str("</ResourceChange></member>");
    }
    text.push_str("</Changes>");
    deployment(&mut text, set.manner.express, set.manner.is_rollback_off());
    if set.manner.revert_drift {
        element(&mut text, "DeploymentMode", "REVERT_DRIFT");
        let drifted = set.changes.iter().any(|change| change.drift == Some("MODIFIED"));
        element(&mut text, "StackDriftStatus", if drifted { "DRIFTED" } else { "IN_SYNC" });
    }
    next(&mut text, token);
    text
}

/// `values` is when drift was looked for, if values are asked for.
fn change(text: &mut String, change: &ChangeState, values: Option<Timestamp>) {
    if !change.policy_action.is_empty() {
        element(text, "PolicyAction", change.policy_action);
    }
    element(text, "Action", change.action);
    element(text, "LogicalResourceId", &change.logical);
    if !change.physical.is_empty() {
        element(text, "PhysicalResourceId", &change.physical);
    }
    element(text, "ResourceType", &change.kind);
    if !change.replacement.is_empty() {
        element(text, "Replacement", change.replacement);
    }
    optional(text, "ResourceDriftStatus", change.drift);
    text.push_str("<Details>");
    for property in &change.properties {
        text.push_str("<member><Target><Attribute>Properties</Attribute>");
        element(text, "Name", &property.name);
        element(text, "RequiresRecreation", if property.replaces { "Always" } else { "Never" });
        element(text, "Path", &format!("/Properties/{}", property.name));
        let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if let Some(looked) = values {
            let before = property.before.as_ref().map(shown);
            optional(text, "BeforeValue", before.as_deref());
            optional(text, "AfterValue", property.after.as_ref().map(shown).as_deref());
            if change.drift.is_some() {
                element(text, "BeforeValueFrom", "ACTUAL_STATE");
                element(text, "AfterValueFrom", "TEMPLATE");
            }
            if let Some(deployed) = &property.deployed {
                text.push_str("<Drift>");
                element(text, "PreviousValue", &shown(deployed));
                optional(text, "ActualValue", before.as_deref());
                element(text, "DriftDetectionTimestamp", &time(looked));
                text.push_str("</Drift>");
            }
        }
        if change.action == "SyncWithActual" {
            element(text, "AttributeChangeType", "SyncWithActual");
        }
        text.push_str("</Target><Evaluation>Static</Evaluation><ChangeSource>DirectModification</ChangeSource></member>");
    }
    text.push_str("</Details>");
}
