//! Calls about hooks.

use aws_sdk_cloudformation::types as sdk;
use landfall_aws::failure::Failure;
use landfall_core::Context;

use super::{Client, send};

/// Most results of which the details are asked for.
const MOST: usize = 5;

/// What a hook that refused says of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct HookResult {
    /// The hook's type: `Org::Guard::Queues`.
    pub(crate) hook: String,
    /// What is wrong and what to change, a line each.
    pub(crate) lines: Vec<String>,
}

impl Client {
    /// ListHookResults of a change set, those that failed, and GetHookResult of each.
    pub(crate) async fn hook_results(
        &self,
        cx: &Context,
        change_set: &str,
    ) -> Result<Vec<HookResult>, Failure> {
        let request = || {
            self.cloudformation
                .list_hook_results()
                .target_type(sdk::ListHookResultsTargetType::ChangeSet)
                .target_id(change_set)
                .status(sdk::HookStatus::HookCompleteFailed)
        };
        let listed = send!(self, cx, self.read("ListHookResults"), request())?;
        let ids = listed.hook_results().iter().filter_map(sdk::HookResultSummary::hook_result_id);
        let mut results = Vec::new();
        for id in ids.take(MOST) {
            results.push(self.hook_result(cx, id).await?);
        }
        Ok(results)
    }

    /// GetHookResult, by the id of a result or of the invocation that an event tells of.
    pub(crate) async fn hook_result(&self, cx: &Context, id: &str) -> Result<HookResult, Failure> {
        let request = || self.cloudformation.get_hook_result().hook_result_id(id);
        let found = send!(self, cx, self.read("GetHookResult"), request())?;
        let lines = found.annotations().iter().filter(|one| !passed(one)).map(line);
        let hook = found.original_type_name().or(found.type_name()).unwrap_or_default().to_owned();
        Ok(HookResult { hook, lines: lines.map(|line| self.masks.apply(&line)).collect() })
    }
}

fn passed(annotation: &sdk::Annotation) -> bool {
    matches!(annotation.status(), Some(sdk::AnnotationStatus::Passed | sdk::AnnotationStatus::Skipped))
}

/// `queues.encrypted: Queue is not encrypted; to do: set KmsMasterKeyId (https://...)`.
fn line(annotation: &sdk::Annotation) -> String {
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let mut line = format!("{}: {}", text(annotation.annotation_name()), text(annotation.status_message()));
    if let Some(remedy) = annotation.remediation_message() {
        line.push_str(&format!("; to do: {remedy}"));
    }
    if let Some(link) = annotation.remediation_link() {
        line.push_str(&format!(" ({link})"));
    }
    line
}
