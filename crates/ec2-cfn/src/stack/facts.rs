//! What CloudFormation says, as plain data: only what is used, and with text where its lists of values may grow.

use aws_sdk_cloudformation::operation::describe_change_set::DescribeChangeSetOutput;
use aws_sdk_cloudformation::primitives::DateTime;
use aws_sdk_cloudformation::types as sdk;
use jiff::Timestamp;

/// A stack.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct StackFacts {
    pub(crate) id: String,
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
    /// ARN of the change set that was last executed, or made for a stack that is not created yet.
    pub(crate) change_set: Option<String>,
    pub(crate) updated: Option<Timestamp>,
    /// Values that are not to be shown are `****`.
    pub(crate) parameters: Vec<(String, String)>,
    pub(crate) tags: Vec<(String, String)>,
    pub(crate) outputs: Vec<(String, String)>,
    pub(crate) role_arn: Option<String>,
    pub(crate) notification_arns: Vec<String>,
    pub(crate) protected: bool,
    /// The last operation was made in express mode.
    pub(crate) express: bool,
    /// Type and id, oldest last, as `LastOperations` has them.
    pub(crate) operations: Vec<(String, String)>,
}

/// A resource of a stack, as it is now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ResourceFacts {
    pub(crate) logical: String,
    pub(crate) physical: String,
    pub(crate) kind: String,
    pub(crate) status: String,
    pub(crate) reason: String,
}

/// An event of a stack.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct EventFacts {
    pub(crate) id: String,
    pub(crate) stack_id: String,
    pub(crate) logical: String,
    pub(crate) physical: String,
    pub(crate) kind: String,
    pub(crate) status: String,
    pub(crate) reason: String,
    pub(crate) token: Option<String>,
    pub(crate) operation: Option<String>,
    pub(crate) at: Option<Timestamp>,
    /// Type and mode of a validation or hook, and the path in the template that it is about.
    pub(crate) event_type: Option<String>,
    pub(crate) mode: Option<String>,
    pub(crate) path: Option<String>,
    /// A hook that has refused the resource: its type, and the id of its invocation.
    pub(crate) hook: Option<(String, Option<String>)>,
}

impl EventFacts {
    /// The event is about the stack itself and not about something in it.
    pub(crate) fn is_of_the_stack(&self) -> bool {
        self.kind == "AWS::CloudFormation::Stack" && self.physical == self.stack_id
    }
}

/// A change set.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ChangeSetFacts {
    pub(crate) arn: String,
    pub(crate) stack_id: String,
    pub(crate) status: String,
    pub(crate) execution: String,
    pub(crate) reason: String,
    pub(crate) created: Option<Timestamp>,
    pub(crate) changes: Vec<ResourceChange>,
}

/// What a change set does to one resource.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ResourceChange {
    /// `Add`, `Modify`, `Remove`, `Import`, `Dynamic`, `SyncWithActual`.
    pub(crate) action: String,
    pub(crate) logical: String,
    pub(crate) kind: String,
    /// `True`, `False`, `Conditional`.
    pub(crate) replacement: String,
    /// `Delete`, `Retain`, `ReplaceAndDelete` and so on.
    pub(crate) policy_action: String,
    /// `IN_SYNC`, `MODIFIED` and so on, where the change set looks at drift; else empty.
    pub(crate) drift: String,
    pub(crate) details: Vec<PropertyChange>,
    /// The change set of a nested stack.
    pub(crate) nested: Option<String>,
}

/// What changes of a resource.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct PropertyChange {
    /// `Properties.BucketName`, `Tags`.
    pub(crate) path: String,
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
    /// `Never`, `Conditionally`, `Always`.
    pub(crate) recreation: String,
    /// The value is decided when the change set is executed.
    pub(crate) dynamic: bool,
    /// The value of the last deployment, where somebody has changed it since.
    pub(crate) deployed: Option<String>,
}

fn text(value: Option<&str>) -> String {
    value.unwrap_or_default().to_owned()
}

pub(crate) fn time(at: Option<&DateTime>) -> Option<Timestamp> {
    let at = at?;
    Timestamp::new(at.secs(), i32::try_from(at.subsec_nanos()).unwrap_or_default()).ok()
}

pub(crate) fn stack(stack: &sdk::Stack) -> StackFacts {
    let pair = |tag: &sdk::Tag| (text(tag.key()), text(tag.value()));
    let parameter = |one: &sdk::Parameter| (text(one.parameter_key()), text(one.parameter_value()));
    let output = |one: &sdk::Output| (text(one.output_key()), text(one.output_value()));
    let operation = |one: &sdk::OperationEntry| {
        (text(one.operation_type().map(sdk::OperationType::as_str)), text(one.operation_id()))
    };
    StackFacts {
        id: text(stack.stack_id()),
        status: text(stack.stack_status().map(sdk::StackStatus::as_str)),
        reason: stack.stack_status_reason().map(str::to_owned),
        change_set: stack.change_set_id().map(str::to_owned),
        updated: time(stack.last_updated_time()),
        parameters: stack.parameters().iter().map(parameter).collect(),
        tags: stack.tags().iter().map(pair).collect(),
        outputs: stack.outputs().iter().map(output).collect(),
        role_arn: stack.role_arn().map(str::to_owned),
        notification_arns: stack.notification_arns().to_vec(),
        protected: stack.enable_termination_protection().unwrap_or_default(),
        express: stack.deployment_config().and_then(sdk::DeploymentConfig::mode)
            == Some(&sdk::DeploymentConfigMode::Express),
        operations: stack.last_operations().iter().map(operation).collect(),
    }
}

pub(crate) fn resource(one: &sdk::StackResourceSummary) -> ResourceFacts {
    ResourceFacts {
        logical: text(one.logical_resource_id()),
        physical: text(one.physical_resource_id()),
        kind: text(one.resource_type()),
        status: text(one.resource_status().map(sdk::ResourceStatus::as_str)),
        reason: text(one.resource_status_reason()),
    }
}

pub(crate) fn event(event: &sdk::StackEvent) -> EventFacts {
    EventFacts {
        id: text(event.event_id()),
        stack_id: text(event.stack_id()),
        logical: text(event.logical_resource_id()),
        physical: text(event.physical_resource_id()),
        kind: text(event.resource_type()),
        status: text(event.resource_status().map(sdk::ResourceStatus::as_str)),
        reason: text(event.resource_status_reason().or(event.hook_status_reason())),
        token: event.client_request_token().map(str::to_owned),
        operation: event.operation_id().map(str::to_owned),
        at: time(event.timestamp()),
        event_type: event.hook_type().map(str::to_owned),
        mode: event.hook_failure_mode().map(|mode| mode.as_str().to_owned()),
        path: None,
        hook: refusing(event.hook_type(), event.hook_status(), event.hook_invocation_id()),
    }
}

fn refusing(
    hook: Option<&str>,
    status: Option<&sdk::HookStatus>,
    id: Option<&str>,
) -> Option<(String, Option<String>)> {
    let refused = matches!(status, Some(sdk::HookStatus::HookCompleteFailed | sdk::HookStatus::HookFailed));
    hook.filter(|_| refused).map(|hook| (hook.to_owned(), id.map(str::to_owned)))
}

pub(crate) fn operation_event(event: &sdk::OperationEvent) -> EventFacts {
    let reason =
        event.validation_status_reason().or(event.resource_status_reason()).or(event.hook_status_reason());
    let mode = event.validation_failure_mode().or(event.hook_failure_mode());
    EventFacts {
        id: text(event.event_id()),
        stack_id: text(event.stack_id()),
        logical: text(event.logical_resource_id()),
        physical: text(event.physical_resource_id()),
        kind: text(event.resource_type()),
        status: text(event.resource_status().map(sdk::ResourceStatus::as_str)),
        reason: text(reason),
        token: event.client_request_token().map(str::to_owned),
        operation: event.operation_id().map(str::to_owned),
        at: time(event.timestamp().or(event.start_time())),
        event_type: event.event_type().map(|kind| kind.as_str().to_owned()),
        mode: mode.map(|mode| mode.as_str().to_owned()),
        path: event.validation_path().map(str::to_owned),
        hook: refusing(event.hook_type(), event.hook_status(), None),
    }
}

pub(crate) fn change_set(page: &DescribeChangeSetOutput) -> ChangeSetFacts {
    ChangeSetFacts {
        arn: text(page.change_set_id()),
        stack_id: text(page.stack_id()),
        status: text(page.status().map(sdk::ChangeSetStatus::as_str)),
        execution: text(page.execution_status().map(sdk::ExecutionStatus::as_str)),
        reason: text(page.status_reason()),
        created: time(page.creation_time()),
        changes: page
            .changes()
            .iter()
            .filter_map(sdk::Change::resource_change)
            .map(resource_change)
            .collect(),
    }
}

fn resource_change(change: &sdk::ResourceChange) -> ResourceChange {
    ResourceChange {
        action: text(change.action().map(sdk::ChangeAction::as_str)),
        logical: text(change.logical_resource_id()),
        kind: text(change.resource_type()),
        replacement: text(change.replacement().map(sdk::Replacement::as_str)),
        policy_action: text(change.policy_action().map(sdk::PolicyAction::as_str)),
        drift: text(change.resource_drift_status().map(sdk::StackResourceDriftStatus::as_str)),
        details: change.details().iter().map(property_change).collect(),
        nested: change.change_set_id().map(str::to_owned),
    }
}

fn property_change(detail: &sdk::ResourceChangeDetail) -> PropertyChange {
    let target = detail.target();
    let attribute =
        target.and_then(sdk::ResourceTargetDefinition::attribute).map(sdk::ResourceAttribute::as_str);
    let path = match (target.and_then(sdk::ResourceTargetDefinition::name), attribute) {
        (Some(name), Some(attribute)) => format!("{attribute}.{name}"),
        (None, attribute) => text(attribute),
        (Some(name), None) => name.to_owned(),
    };
    let recreation = target.and_then(sdk::ResourceTargetDefinition::requires_recreation);
    PropertyChange {
        path,
        before: target.and_then(|target| target.before_value()).map(str::to_owned),
        after: target.and_then(|target| target.after_value()).map(str::to_owned),
        recreation: text(recreation.map(sdk::RequiresRecreation::as_str)),
        dynamic: detail.evaluation() == Some(&sdk::EvaluationType::Dynamic),
        deployed: target
            .and_then(sdk::ResourceTargetDefinition::drift)
            .and_then(sdk::LiveResourceDrift::previous_value)
            .map(str::to_owned),
    }
}
