//! What there is: stacks, their resources, events and change sets.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use jiff::Timestamp;
use serde_json::Value;

/// What a stack is asked to be.
#[derive(Debug, Clone, Default)]
pub(super) struct Desired {
    /// As it was submitted.
    pub(super) body: String,
    /// Every parameter of the template, defaults included.
    pub(super) parameters: BTreeMap<String, String>,
    pub(super) tags: Vec<(String, String)>,
    pub(super) capabilities: Vec<String>,
    pub(super) role_arn: Option<String>,
    pub(super) notification_arns: Vec<String>,
}

#[derive(Debug, Clone)]
pub(super) struct StackState {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) status: String,
    pub(super) reason: Option<String>,
    pub(super) desired: Desired,
    pub(super) policy: Option<String>,
    pub(super) protected: bool,
    pub(super) created: Timestamp,
    pub(super) updated: Option<Timestamp>,
    pub(super) deleted: Option<Timestamp>,
    pub(super) change_set: Option<String>,
    pub(super) parent: Option<String>,
    pub(super) outputs: Vec<(String, String, Option<String>)>,
    pub(super) resources: IndexMap<String, ResourceState>,
    /// Oldest first.
    pub(super) events: Vec<EventState>,
    pub(super) change_sets: Vec<ChangeSetState>,
    pub(super) operation: Option<Operation>,
    /// The last creation or update was an express one.
    pub(super) express: bool,
    /// And rollback was off.
    pub(super) rollback_off: bool,
    /// Type and id, newest first.
    pub(super) operations: Vec<(String, String)>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct ResourceState {
    pub(super) kind: String,
    /// As the template has them, evaluated.
    pub(super) properties: Value,
    /// What it is really like, when somebody has changed it outside of CloudFormation.
    pub(super) actual: Option<Value>,
    pub(super) physical: String,
    pub(super) status: String,
    pub(super) reason: Option<String>,
    /// `DeletionPolicy: Retain` or `RetainExceptOnCreate`.
    pub(super) retain: bool,
    /// `DeletionPolicy: RetainExceptOnCreate`.
    pub(super) except_on_create: bool,
    /// Property and value of a name of its own that stands in the template as it is.
    pub(super) name: Option<(String, String)>,
    /// It was there before the stack, which took it over.
    pub(super) imported: bool,
    /// Logical ids of what it refers to.
    pub(super) needs: BTreeSet<String>,
}

impl ResourceState {
    /// What it is really like.
    pub(super) fn live(&self) -> &Value {
        self.actual.as_ref().unwrap_or(&self.properties)
    }

    /// What it is really like after an update, if not what the template says: an update changes what differs between two
    /// templates, and nothing that somebody changed beside them ("Traditional change sets ... do not account for stack
    /// drift").
    pub(super) fn drift_after(&self, wanted: &Value) -> Option<Value> {
        let mut live = self.actual.clone()?;
        let (was, is, members) = (self.properties.as_object()?, wanted.as_object()?, live.as_object_mut()?);
        for name in was.keys().chain(is.keys()).filter(|name| was.get(*name) != is.get(*name)) {
            match is.get(name) {
                Some(value) => members.insert(name.clone(), value.clone()),
                None => members.remove(name),
            };
        }
        (live != *wanted).then_some(live)
    }
}

#[derive(Debug, Clone)]
pub(super) struct EventState {
    pub(super) id: String,
    pub(super) logical: String,
    pub(super) physical: String,
    pub(super) kind: String,
    pub(super) status: String,
    pub(super) reason: Option<String>,
    pub(super) at: Timestamp,
    pub(super) token: Option<String>,
    pub(super) operation: Option<String>,
    /// A hook of the resource that has refused it.
    pub(super) hook: Option<HookState>,
}

/// An invocation of a hook.
#[derive(Debug, Clone)]
pub(super) struct HookState {
    pub(super) id: String,
    pub(super) hook: crate::StackHook,
}

#[derive(Debug, Clone)]
pub(super) struct ChangeSetState {
    pub(super) arn: String,
    pub(super) name: String,
    pub(super) token: Option<String>,
    pub(super) description: Option<String>,
    pub(super) status: String,
    pub(super) execution: String,
    pub(super) reason: Option<String>,
    pub(super) created: Timestamp,
    pub(super) creates: bool,
    /// `ImportExistingResources`.
    pub(super) imports: bool,
    /// The names in the template are not checked before.
    pub(super) unchecked: bool,
    pub(super) manner: Manner,
    pub(super) desired: Desired,
    pub(super) changes: Vec<ChangeState>,
    pub(super) validations: Vec<crate::Validation>,
    pub(super) operation: String,
    /// Token with which it was executed.
    pub(super) executed_by: Option<String>,
    /// What creation comes to.
    pub(super) fails: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct ChangeState {
    pub(super) action: &'static str,
    pub(super) logical: String,
    pub(super) physical: String,
    pub(super) kind: String,
    pub(super) replacement: &'static str,
    pub(super) policy_action: &'static str,
    /// The drift status of the resource, of a change set that looks at drift.
    pub(super) drift: Option<&'static str>,
    pub(super) properties: Vec<PropertyDifference>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct PropertyDifference {
    pub(super) name: String,
    pub(super) before: Option<Value>,
    pub(super) after: Option<Value>,
    /// It makes a new resource.
    pub(super) replaces: bool,
    /// What it was when it was last deployed, if it was changed since outside of CloudFormation.
    pub(super) deployed: Option<Value>,
}

/// How an operation is made.
#[derive(Debug, Clone, Default)]
pub(super) struct Manner {
    /// `ROLLBACK`, `DO_NOTHING` or `DELETE`.
    pub(super) on_failure: String,
    /// Logical ids of what is there already and is taken over.
    pub(super) imports: BTreeSet<String>,
    /// `DeploymentMode=REVERT_DRIFT`.
    pub(super) revert_drift: bool,
    /// `DeploymentConfig.Mode=EXPRESS`.
    pub(super) express: bool,
}

impl Manner {
    pub(super) fn on_failure(what: &str) -> Self {
        Self { on_failure: what.to_owned(), ..Self::default() }
    }

    pub(super) fn is_rollback_off(&self) -> bool {
        self.on_failure == "DO_NOTHING"
    }
}

/// What is being done to a stack.
#[derive(Debug, Clone)]
pub(super) struct Operation {
    pub(super) id: String,
    pub(super) token: Option<String>,
    pub(super) phase: Phase,
    pub(super) creates: bool,
    pub(super) steps: Vec<Step>,
    pub(super) manner: Manner,
    pub(super) before: Desired,
    pub(super) resources_before: IndexMap<String, ResourceState>,
    /// Old physical resources, deleted in the clean-up.
    pub(super) replaced: Vec<(String, ResourceState)>,
    pub(super) retain: Vec<String>,
    pub(super) retain_except_on_create: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Forward,
    Cleanup,
    Rollback,
    RollbackCleanup,
    Delete,
    Over,
}

#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) logical: String,
    pub(super) verb: Verb,
    pub(super) needs: BTreeSet<String>,
    pub(super) state: StepState,
    /// What the resource is afterwards.
    pub(super) after: ResourceState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Create,
    Update,
    Replace,
    Delete,
    /// Taken over as it is.
    Import,
    /// Not touched: it is already so, and CloudFormation takes note of it.
    Sync,
    /// Back to what it was.
    Restore,
}

impl Verb {
    /// The beginning of the resource's statuses.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update | Self::Replace | Self::Restore | Self::Sync => "UPDATE",
            Self::Delete => "DELETE",
            Self::Import => "IMPORT",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StepState {
    Waiting,
    Running,
    Done,
    Failed,
}
