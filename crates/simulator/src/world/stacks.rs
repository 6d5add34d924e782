//! CloudFormation's part of the world: stacks, and how their resources behave.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A CloudFormation stack that exists at the start, a day old.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Stack {
    /// The template: its text, or the template itself as JSON.
    pub template: Value,
    /// Values of parameters; others have their defaults.
    pub parameters: BTreeMap<String, String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// A stack status.
    pub status: String,
    /// Its reason.
    pub reason: Option<String>,
    /// Termination protection.
    pub termination_protection: bool,
    /// The stack policy.
    pub policy: Option<String>,
    /// The service role.
    pub role_arn: Option<String>,
    /// Name of the change set that was executed last.
    pub change_set: Option<String>,
    /// The last operation was made in express mode, with rollback off.
    pub express: bool,
    /// For a status in progress: after how many milliseconds it ends.
    pub ends_ms: Option<u64>,
    /// The status it ends with.
    pub ends_as: String,
}

impl Default for Stack {
    fn default() -> Self {
        Self {
            template: Value::Null,
            parameters: BTreeMap::new(),
            tags: BTreeMap::new(),
            status: "CREATE_COMPLETE".to_owned(),
            reason: None,
            termination_protection: false,
            policy: None,
            role_arn: None,
            change_set: None,
            express: false,
            ends_ms: None,
            ends_as: "UPDATE_COMPLETE".to_owned(),
        }
    }
}

/// A resource that belongs to no stack: somebody made it by hand, or a stack left it behind.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExistingResource {
    /// Its type: `AWS::SQS::Queue`.
    pub kind: String,
    /// Its name, which a template may give to a resource of this type.
    pub name: String,
}

impl ExistingResource {
    /// A resource of this type and name.
    pub fn new(kind: &str, name: &str) -> Self {
        Self { kind: kind.to_owned(), name: name.to_owned() }
    }
}

/// How resources of stacks behave. The first rule that fits a resource is used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StackRule {
    /// Only in stacks with a name like this; `*` stands for any characters. Empty: in every stack.
    pub stack: String,
    /// Only resources with a logical id like this. Empty: every resource.
    pub resource: String,
    /// `create`, `update`, `import` or `delete`, and `rollback` for what is done on the way back. Empty: all of them.
    pub operation: String,
    /// How long it takes, in milliseconds.
    pub takes_ms: Option<u64>,
    /// The reason with which it fails; none: it does not.
    pub fails: Option<String>,
    /// A hook refuses it before it is begun.
    pub hook: Option<StackHook>,
    /// How often the rule is used; 0: always.
    pub times: u32,
}

/// A hook that refuses a resource: an annotation of it, as Guard and Control Tower make them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StackHook {
    /// The hook's type: `Org::Guard::Queues`.
    pub name: String,
    /// Why it refuses.
    pub reason: String,
    /// What its result says in detail.
    pub message: String,
    /// What it suggests to change; empty: nothing.
    pub remediation: String,
}

impl StackRule {
    /// A resource that fails when it is created or updated, or whatever the operation is.
    pub fn failing(resource: &str, operation: &str, reason: &str) -> Self {
        Self {
            resource: resource.to_owned(),
            operation: operation.to_owned(),
            fails: Some(reason.to_owned()),
            ..Self::default()
        }
    }
}

/// How change sets of stacks behave. The first rule that fits is used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChangeSetRule {
    /// Only of stacks with a name like this; `*` stands for any characters. Empty: of every stack.
    pub stack: String,
    /// How long it takes to be made, in milliseconds.
    pub takes_ms: Option<u64>,
    /// The status reason with which it fails; none: it does not.
    pub fails: Option<String>,
    /// What validation before the deployment finds. One of mode `FAIL` makes the change set fail.
    pub validations: Vec<Validation>,
    /// How often the rule is used; 0: always.
    pub times: u32,
}

/// What validation before a deployment, or a hook, finds wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validation {
    /// The logical id.
    pub resource: String,
    /// The resource's type.
    pub kind: String,
    /// The path in the template: `/Resources/Bucket/Properties/BucketName`.
    #[serde(default)]
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// `FAIL` or `WARN`.
    pub mode: String,
    /// The validation's name; `PROPERTY_VALIDATION` when it is empty.
    #[serde(default)]
    pub name: String,
    /// A hook says so, and not CloudFormation's own validation.
    #[serde(default)]
    pub hook: bool,
    /// What the hook suggests to change; empty: nothing.
    #[serde(default)]
    pub remediation: String,
}
