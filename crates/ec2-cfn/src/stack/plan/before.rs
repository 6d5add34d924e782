//! The stack as it is now, kept for the way back.

use landfall_core::error::redact;
use landfall_core::{Context, Result};

use crate::stack::client::allowed;
use crate::stack::facts::StackFacts;
use crate::stack::memory::Before;
use crate::stack::parameters::Settled;
use crate::stack::target::Stack;

/// What CloudFormation shows in the place of a value that is not to be shown (`NoEcho`).
const HIDDEN: &str = "****";

/// Reads what an undo needs. Templates that hold what looks like a credential are not kept: plans are recorded.
pub(crate) async fn capture(
    target: &Stack,
    cx: &Context,
    stack: &StackFacts,
    parameters: &[Settled],
) -> Result<Before> {
    let read = target.client.template(cx, &stack.id).await;
    let (template, missing) = match allowed(cx, "cloudformation:GetTemplate", read)? {
        Some(Some(text)) if redact(&text) != text => {
            (None, Some("it holds what looks like a credential, and is not kept in a record".to_owned()))
        }
        Some(Some(text)) => (Some(text), None),
        Some(None) => (None, Some("CloudFormation has none of it".to_owned())),
        None => (None, Some("cloudformation:GetTemplate is refused".to_owned())),
    };
    let policy = match &target.spec.options.stack_policy {
        Some(_) => {
            allowed(cx, "cloudformation:GetStackPolicy", target.client.policy(cx, &stack.id).await)?.flatten()
        }
        None => None,
    };
    let shown = |(name, value): &(String, String)| (name.clone(), (value != HIDDEN).then(|| value.clone()));
    let values: Vec<(String, Option<String>)> = stack.parameters.iter().map(shown).collect();
    let is_sent_anew = |name: &str| parameters.iter().any(|one| one.name == name && one.value.is_some());
    let is_kept = |name: &str| parameters.iter().any(|one| one.name == name);
    // A value that is not shown is lost when another is sent, and when the parameter goes away.
    let overwritten = values
        .iter()
        .filter(|(name, value)| value.is_none() && (is_sent_anew(name) || !is_kept(name)))
        .map(|(name, _)| name.clone())
        .collect();
    Ok(Before {
        stack_id: stack.id.clone(),
        status: stack.status.clone(),
        updated: stack.updated,
        template,
        template_missing: missing,
        parameters: values,
        tags: stack.tags.clone(),
        role_arn: stack.role_arn.clone(),
        notification_arns: stack.notification_arns.clone(),
        protected: stack.protected,
        policy,
        overwritten,
    })
}
