//! AWS CloudFormation in one region of one account: stacks, change sets, events, nested stacks.
//!
//! API: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/Welcome.html>, awsQuery, version 2010-05-15.
//! Resources are not made for real: each takes its time, and fails when a rule of the world says so. Not modelled: stack
//! sets, reports of drift, imports by `ResourcesToImport`, macros (a template with `Transform` is taken as it is), rollback triggers.

mod agenda;
mod changes;
mod engine;
mod evaluate;
mod imports;
mod inspect;
mod model;
mod nested;
mod operations;
mod phases;
mod seed;
mod template;
mod view;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::iam::Principal;
use crate::ids::Ids;
use crate::wire::Form;
use agenda::Due;
use model::StackState;

pub use inspect::{CloudFormation as CloudFormationHandle, StackEventView, StackView};
pub(crate) use operations::OPERATIONS;

/// CloudFormation in one region of one account.
#[derive(Debug, Clone)]
pub(crate) struct CloudFormation {
    account: String,
    region: String,
    /// The time of the transition at hand; between requests, that of the last request.
    now: Timestamp,
    stacks: Vec<StackState>,
    ids: Ids,
    agenda: BTreeMap<(Timestamp, u64), Due>,
    next: u64,
    rules: Vec<(crate::StackRule, u32)>,
    change_set_rules: Vec<(crate::ChangeSetRule, u32)>,
    /// Templates by URL.
    templates: BTreeMap<String, String>,
    /// What exists outside of every stack.
    existing: Vec<crate::ExistingResource>,
    /// Where all other templates are read from.
    s3: crate::s3::S3Store,
    /// Tokens of operations, with what they were used for.
    tokens: BTreeMap<String, String>,
    /// What the region was like before each of the last writes, for stale reads.
    snapshots: Vec<(Timestamp, Arc<CloudFormation>)>,
}

/// The actions a caller needs, on the stack that is named.
pub(crate) fn required(operation: &str, form: &Form, principal: &Principal) -> Vec<(String, String)> {
    let Principal { region, account, .. } = principal;
    let named = form.text("StackName").or(form.text("ChangeSetName")).unwrap_or("*");
    let resource = if named.starts_with("arn:") {
        named.to_owned()
    } else {
        format!("arn:aws:cloudformation:{region}:{account}:stack/{named}/*")
    };
    vec![(format!("cloudformation:{operation}"), resource)]
}
