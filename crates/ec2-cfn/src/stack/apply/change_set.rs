//! Makes the change set.

use landfall_aws::failure::Failure;
use landfall_core::{Cause, Context, Error, Result};

use super::sent;
use crate::stack::client::{NewChangeSet, SentTemplate};
use crate::stack::error::Refusal;
use crate::stack::facts::StackFacts;
use crate::stack::memory::{Purpose, Watch};
use crate::stack::plan::Wanted;
use crate::stack::run_mark::{MadeFor, description};
use crate::stack::spec::{OnStackFailure, Source};
use crate::stack::target::{Stack, execution_token};

/// Makes a change set for what is wanted; it creates the stack when there is none.
pub(crate) async fn make(
    target: &Stack,
    cx: &Context,
    name: &str,
    stack: Option<&StackFacts>,
    wanted: Wanted,
    made_for: MadeFor,
) -> Result<Watch> {
    let options = &target.spec.options;
    let template = match &target.spec.template {
        Source::Url(url) => SentTemplate::Url(url.clone()),
        Source::Text(template) => sent(target, cx, &template.text, options.template_bucket.as_ref()).await?,
        Source::Missing => return Err(Refusal::NoTemplate { name: target.spec.name.clone() }.into()),
    };
    let on_stack_failure = match options.on_stack_failure {
        // Said by the mode itself.
        _ if options.express => None,
        OnStackFailure::Rollback => None,
        // Of a stack that exists nothing is deleted; CloudFormation refuses DELETE for it.
        OnStackFailure::Delete if stack.is_some() => None,
        choice => Some(choice.as_str()),
    };
    let new = NewChangeSet {
        name: name.to_owned(),
        token: name.to_owned(),
        description: description(cx, made_for),
        create: stack.is_none(),
        template,
        parameters: wanted.parameters,
        capabilities: wanted.capabilities,
        tags: (!options.tags.is_empty()).then(|| options.tags.clone()),
        role_arn: options.role_arn.clone(),
        notification_arns: options.notification_arns.clone(),
        on_stack_failure,
        import_existing: options.import_existing,
        disable_validation: options.disable_validation,
        // A new stack has not drifted.
        revert_drift: options.revert_drift && stack.is_some(),
        express: options.express(),
    };
    sent_change_set(target, cx, &new).await
}

/// Sends it, and says what is looked at from now on.
pub(super) async fn sent_change_set(target: &Stack, cx: &Context, new: &NewChangeSet) -> Result<Watch> {
    let made = target.client.create_change_set(cx, new).await;
    let (arn, stack_id) = made.map_err(|failure| explained(target, failure))?;
    let mut watch = Watch::new(Purpose::ChangeSet, &stack_id, &execution_token(&new.name));
    watch.change_set = Some(arn);
    Ok(watch)
}

/// What AWS's refusals of a change set mean beyond their words.
fn explained(target: &Stack, failure: Failure) -> Error {
    let code = failure.code().map(str::to_owned);
    let message = failure.error().message().to_owned();
    let error = Error::from(failure);
    match code.as_deref() {
        Some("InsufficientCapabilitiesException") => {
            let needed = ["CAPABILITY_NAMED_IAM", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
                .iter()
                .find(|capability| message.contains(*capability))
                .unwrap_or(&"a capability");
            error.with_cause(Cause::new("capability-missing", format!("the stack needs {needed}"))).with_hint(format!(
                "a nested stack or macro needs it, which landfall does not look into: name {needed} among the capabilities"
            ))
        }
        Some("LimitExceededException") => error.with_hint(
            "stacks and change sets of an account and region are limited: delete old change sets, or ask for a higher quota",
        ),
        Some("ValidationError") if message.contains("Template") || message.contains("template") => {
            let file = target.spec.text().map(|template| template.file.clone()).unwrap_or_default();
            error.while_doing(format!("template {file}"))
        }
        _ => error,
    }
}
