//! What passes from one phase to another, perhaps in another process: the payloads of plan, receipt and cursor.
//!
//! Names, ARNs, digests, and what is needed to put the stack back: its previous template and the values that AWS shows.
//! Never a value that is not to be shown.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use landfall_core::{Cause, Token};
use serde::{Deserialize, Serialize};

use super::spec::{Options, StackSpec};
use super::target::{change_set_name, short};
use super::template::TemplateBucket;

/// Version of all payloads below.
pub(crate) const VERSION: u32 = 1;

/// The payload of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "direction", rename_all = "kebab-case")]
pub(crate) enum Work {
    /// To what was asked for.
    Forward(Box<Forward>),
    /// Back to what was there before.
    Back(Box<Back>),
    /// The stack is deleted.
    Delete(Box<Delete>),
}

/// A deployment, planned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Forward {
    /// Digest of the specification: another one on resume is a conflict.
    pub(crate) specification: String,
    pub(crate) means: Means,
    pub(crate) origin: Origin,
    /// An operation of somebody else's that is waited for first.
    pub(crate) busy: Option<String>,
    /// A stack that can only be deleted, and is, by its id, before it is created anew.
    pub(crate) recreate: Option<String>,
    /// A stack that an operation has left failed, and that is brought back before it is updated.
    #[serde(default)]
    pub(crate) bring_back: bool,
    /// Template and parameters are what the stack has: only its settings change.
    pub(crate) settings_only: bool,
    /// Id of the stack, where this very attempt was found to be taken back already: its undo is waited for.
    #[serde(default)]
    pub(crate) taken_back: Option<String>,
    /// ARN of the change set that was kept for this deployment: no other is made.
    #[serde(default)]
    pub(crate) saved: Option<String>,
}

impl Forward {
    /// Of a stack that is not there, or not looked at yet.
    pub(crate) fn of(spec: &StackSpec) -> Self {
        Self {
            specification: spec.digest(),
            means: Means::of(&spec.options),
            origin: Origin::Absent,
            busy: None,
            recreate: None,
            bring_back: false,
            settings_only: false,
            taken_back: None,
            saved: None,
        }
    }

    /// The name of its change set: the one that was kept, or the one that this plan makes.
    pub(crate) fn change_set_name(&self, token: &Token) -> String {
        match &self.saved {
            Some(arn) => short(arn).to_owned(),
            None => change_set_name(token, &self.specification),
        }
    }
}

/// What the undo of a deployment needs to know of its specification, which the process that undoes may not have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Means {
    /// It sets the stack policy.
    pub(crate) policy: bool,
    /// It turns termination protection on or off.
    pub(crate) protection: bool,
    pub(crate) template_bucket: Option<TemplateBucket>,
    pub(crate) disable_validation: bool,
    /// It puts back what was changed outside of CloudFormation.
    #[serde(default)]
    pub(crate) revert_drift: bool,
    /// It is made in express mode.
    #[serde(default)]
    pub(crate) express: bool,
    /// Its rollback deletes what it has made, retained or not.
    #[serde(default)]
    pub(crate) retain_except_on_create: bool,
}

impl Means {
    pub(crate) fn of(options: &Options) -> Self {
        Self {
            policy: options.stack_policy.is_some(),
            protection: options.termination_protection.is_some(),
            template_bucket: options.template_bucket.clone(),
            disable_validation: options.disable_validation,
            revert_drift: options.revert_drift,
            express: options.express,
            retain_except_on_create: options.retain_except_on_create,
        }
    }
}

/// What was there before a deployment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "was", rename_all = "kebab-case")]
pub(crate) enum Origin {
    /// No stack of this name.
    Absent,
    /// Only a change set that nobody has executed (`REVIEW_IN_PROGRESS`).
    Shell,
    Stack(Box<Before>),
    /// This run's own operation was found under way, and what was there before it is not known any more.
    Unknown {
        /// It is a creation.
        creating: bool,
    },
}

/// A stack as it was before.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Before {
    pub(crate) stack_id: String,
    pub(crate) status: String,
    pub(crate) updated: Option<Timestamp>,
    /// None: it could not be read, or is not fit to be kept; `template_missing` says why.
    pub(crate) template: Option<String>,
    pub(crate) template_missing: Option<String>,
    /// Names and values; no value for one that is not shown.
    pub(crate) parameters: Vec<(String, Option<String>)>,
    pub(crate) tags: Vec<(String, String)>,
    pub(crate) role_arn: Option<String>,
    pub(crate) notification_arns: Vec<String>,
    pub(crate) protected: bool,
    pub(crate) policy: Option<String>,
    /// Values that AWS does not show, and that the deployment gives anew: they cannot be put back.
    pub(crate) overwritten: Vec<String>,
}

/// An undo, planned: a goal, and what it expects to find. `apply` chooses the call by a fresh look.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Back {
    /// Digest of the specification of the deployment that is undone.
    pub(crate) specification: String,
    pub(crate) means: Means,
    /// The stack that is put back or deleted.
    pub(crate) stack_id: String,
    /// What it was before; none: there was none, and it is deleted.
    pub(crate) goal: Option<Before>,
    /// Name of the change set that is undone.
    pub(crate) change_set: String,
    /// The shell of the stack was there before and stays.
    pub(crate) keep_shell: bool,
    /// Nothing but settings had been changed.
    #[serde(default)]
    pub(crate) settings_only: bool,
}

/// A deletion, planned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Delete {
    pub(crate) specification: String,
    /// None: it is gone already.
    pub(crate) stack_id: Option<String>,
    /// Somebody else's operation that is waited for first.
    pub(crate) busy: Option<String>,
}

/// The payload of a receipt: what is looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Watch {
    pub(crate) purpose: Purpose,
    pub(crate) stack_id: String,
    /// ARN or name of the change set.
    pub(crate) change_set: Option<String>,
    /// Token of the operation that is looked at.
    pub(crate) token: String,
    /// From when on events are this operation's, by the clock of AWS.
    pub(crate) since: Option<Timestamp>,
    /// The change set had nothing to change.
    #[serde(default)]
    pub(crate) unchanged: bool,
    /// Why it failed, when that was found out by the part before.
    #[serde(default)]
    pub(crate) causes: Vec<Cause>,
    /// Settings are to be made once the stack is complete.
    #[serde(default)]
    pub(crate) settings: bool,
    /// What was there before, where it was found out only when the operation in the way had ended.
    #[serde(default)]
    pub(crate) origin: Option<Origin>,
    /// How many resources the change set changes; 0 when that is not known.
    #[serde(default)]
    pub(crate) resources: u64,
    /// Nothing is waited for to be ready.
    #[serde(default)]
    pub(crate) express: bool,
}

impl Watch {
    pub(crate) fn new(purpose: Purpose, stack_id: &str, token: &str) -> Self {
        Self {
            purpose,
            stack_id: stack_id.to_owned(),
            change_set: None,
            token: token.to_owned(),
            since: None,
            unchanged: false,
            causes: Vec::new(),
            settings: false,
            origin: None,
            resources: 0,
            express: false,
        }
    }
}

/// Why the stack is looked at, which decides what an end means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Purpose {
    /// Somebody else's operation is in the way: its end lets the next part begin.
    Busy,
    /// A failed stack is deleted before it is created anew.
    Recreate,
    /// A failed stack is brought back to where it can be updated.
    BringBack,
    /// The change set is being made.
    ChangeSet,
    /// The stack is being created.
    Create,
    /// The stack is being updated.
    Update,
    /// The stack is being rolled back, by us.
    RollBack,
    /// The stack is being deleted, which is what was wanted.
    Delete,
    /// Nothing is under way: it is what it should be.
    Standing,
    /// An undo of this attempt, whose records are lost.
    TakenBack,
    /// The change set could not be made, and was put away.
    Failed,
    /// What had been made was put away: there is nothing left to wait for.
    Cleared,
}

/// What a look remembers. It changes only when something moved, because a change makes the next look come soon.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Memory {
    /// The newest event that was seen, by stack.
    pub(crate) marks: BTreeMap<String, String>,
    /// The operation was seen to be under way.
    pub(crate) entered: bool,
    /// The status of the stack by the newest event of the operation.
    pub(crate) status: String,
    /// The operation's id, if AWS tells it.
    pub(crate) operation: Option<String>,
    /// Resources that are done, and that were begun.
    pub(crate) done: BTreeSet<String>,
    pub(crate) begun: BTreeSet<String>,
    /// Failed events so far, oldest first, a bounded number.
    pub(crate) failed: Vec<FailedEvent>,
    /// Why the stack says that it failed; it says so only while it goes back.
    pub(crate) reason: Option<String>,
    /// When the stack began to go back.
    pub(crate) rolling_since: Option<Timestamp>,
    /// Nested stacks that are followed.
    pub(crate) nested: BTreeMap<String, String>,
    /// Notes that have been told.
    pub(crate) noted: BTreeSet<String>,
    /// What hooks have refused, by the path of the resource.
    pub(crate) hooks: BTreeMap<String, Vec<RefusedByHook>>,
}

/// A hook that has refused a resource.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct RefusedByHook {
    pub(crate) hook: String,
    pub(crate) reason: String,
    /// Of its invocation.
    pub(crate) id: Option<String>,
}

/// A failure that an event told of.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct FailedEvent {
    pub(crate) stack_id: String,
    /// `Network.Subnet` for a resource of a nested stack.
    pub(crate) path: String,
    pub(crate) logical: String,
    pub(crate) physical: String,
    pub(crate) kind: String,
    pub(crate) status: String,
    pub(crate) reason: String,
    pub(crate) at: Option<Timestamp>,
    /// It failed while the operation was rolled back.
    pub(crate) rolling: bool,
    pub(crate) event_type: Option<String>,
    pub(crate) mode: Option<String>,
    pub(crate) property: Option<String>,
}

impl Before {
    pub(crate) fn value_of(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).and_then(|(_, value)| value.as_deref())
    }
}
