//! A CloudFormation stack, created or updated through a change set.
//!
//! [`Stack`] deploys a template; [`StackDeletion`] deletes a stack. Their rooms, in the order of a deployment:
//!
//! - `spec`: the input, checked without a call. [`TemplateSource`] and [`ParameterSource`] say where it comes from.
//! - `template`, `parameters`: a template as far as it can be understood without a call, and values checked against
//!   it. The text is sent as it is, byte for byte.
//! - `plan`: what would change, and what there is to come back to. Reads only.
//! - `apply`: a change set first; what it replaces and deletes is refused before it is executed, unless allowed.
//! - `observe`: one look at the operation that was started, by its token; tells its events, nested stacks included.
//! - `judge`: the verdict, a pure function of what was seen.
//! - `diagnose`: the first failure that has no other behind it, and what to do about it.
//! - `revert`: the way back to the previous template and values.
//! - `saved`: a plan that somebody looks at before another process carries it out.
//!
//! Outputs of a success: each output of the template by its own name, and beside them `stack_id` and `stack_name`.
//!
//! Permissions that are needed: `cloudformation:DescribeStacks`, `cloudformation:GetTemplateSummary` for a template by
//! URL, `cloudformation:CreateChangeSet`, `cloudformation:DescribeChangeSet`, `cloudformation:ExecuteChangeSet`, and those
//! of the resources, unless a service role has them. Each of the others makes something better and is done without when
//! denied: `cloudformation:DescribeStackEvents`, `cloudformation:DescribeEvents`, `cloudformation:GetTemplate`,
//! `cloudformation:GetStackPolicy`, `cloudformation:ListChangeSets`, `cloudformation:ListStackResources`,
//! `cloudformation:ListImports`, `cloudformation:ListHookResults`, `cloudformation:GetHookResult`. For what is asked for only: `cloudformation:DeleteChangeSet`,
//! `cloudformation:DeleteStack`, `cloudformation:CancelUpdateStack`, `cloudformation:RollbackStack`,
//! `cloudformation:ContinueUpdateRollback`,
//! `cloudformation:UpdateStack` (the undo of an express update that failed and was kept),
//! `cloudformation:SetStackPolicy`, `cloudformation:UpdateTerminationProtection`, `s3:PutObject`.
//!
//! Not done here: stack sets, drift reports (drift can be put back), stack refactoring.

mod apply;
mod client;
mod deletion;
mod diagnose;
mod document;
mod error;
mod facts;
mod judge;
mod masks;
mod memory;
mod observe;
mod parameters;
mod plan;
mod revert;
mod run_mark;
mod saved;
mod spec;
mod target;
mod template;

pub use deletion::{StackDeletion, StackDeletionBuilder, StackDeletionSpec};
pub use parameters::ParameterSource;
pub use plan::ChangeSetPlan;
pub use saved::SavedPlan;
pub use spec::{IfBusy, OnStackFailure, RecreateFailed, StackBuilder, StackSpec};
pub use target::Stack;
pub use template::{Capability, LARGEST_BODY, LARGEST_TEMPLATE, TemplateBucket, TemplateSource};
