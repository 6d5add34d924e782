//! Calls about the stack itself.

use aws_sdk_cloudformation::types as sdk;
use landfall_aws::failure::Failure;
use landfall_core::{Context, Error, ErrorKind};

use super::{Client, NewChangeSet, is_missing, sdk_capability, sdk_parameter, sdk_tag, send};
use crate::stack::facts::{self, ResourceFacts, StackFacts};

/// What is asked for beside the stack when one is deleted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Deletion {
    pub(crate) retain: Vec<String>,
    pub(crate) force: bool,
}

impl Client {
    /// DescribeStacks by name or id; none when there is no such stack.
    pub(crate) async fn describe_stack(
        &self,
        cx: &Context,
        stack: &str,
    ) -> Result<Option<StackFacts>, Failure> {
        let request = || self.cloudformation.describe_stacks().stack_name(stack);
        match send!(self, cx, self.read("DescribeStacks"), request()) {
            Ok(answer) => match answer.stacks().first() {
                Some(found) if is_asked_for(found, stack) => Ok(Some(facts::stack(found))),
                Some(other) => Err(another(other, stack)),
                None => Ok(None),
            },
            Err(failure) if is_missing(&failure) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// DeleteStack.
    pub(crate) async fn delete_stack(
        &self,
        cx: &Context,
        stack_id: &str,
        token: &str,
        how: &Deletion,
        role_arn: Option<&str>,
    ) -> Result<(), Failure> {
        let request = || {
            let mut request = self
                .cloudformation
                .delete_stack()
                .stack_name(stack_id)
                .client_request_token(token)
                .set_role_arn(role_arn.map(str::to_owned));
            if !how.retain.is_empty() {
                request = request.set_retain_resources(Some(how.retain.clone()));
            }
            if how.force {
                request = request.deletion_mode(sdk::DeletionMode::ForceDeleteStack);
            }
            request
        };
        send!(self, cx, self.write("DeleteStack"), request()).map(|_| ())
    }

    /// CancelUpdateStack: an update that is under way is rolled back.
    pub(crate) async fn cancel_update(
        &self,
        cx: &Context,
        stack_id: &str,
        token: &str,
    ) -> Result<(), Failure> {
        let request =
            || self.cloudformation.cancel_update_stack().stack_name(stack_id).client_request_token(token);
        send!(self, cx, self.write("CancelUpdateStack"), request()).map(|_| ())
    }

    /// RollbackStack: an operation that failed and was kept is rolled back.
    pub(crate) async fn rollback(
        &self,
        cx: &Context,
        stack_id: &str,
        token: &str,
        retain_except_on_create: bool,
    ) -> Result<(), Failure> {
        let retain = retain_except_on_create.then_some(true);
        let request = || {
            let request = self.cloudformation.rollback_stack().stack_name(stack_id);
            request.client_request_token(token).set_retain_except_on_create(retain)
        };
        send!(self, cx, self.write("RollbackStack"), request()).map(|_| ())
    }

    /// ContinueUpdateRollback: a rollback that failed is gone on with. Nothing is left out.
    pub(crate) async fn continue_rollback(
        &self,
        cx: &Context,
        stack_id: &str,
        token: &str,
    ) -> Result<(), Failure> {
        let request = || {
            self.cloudformation.continue_update_rollback().stack_name(stack_id).client_request_token(token)
        };
        send!(self, cx, self.write("ContinueUpdateRollback"), request()).map(|_| ())
    }

    /// UpdateStack: the update without a change set.
    pub(crate) async fn update(
        &self,
        cx: &Context,
        stack_id: &str,
        new: &NewChangeSet,
        token: &str,
    ) -> Result<(), Failure> {
        let (body, url) = new.template.parts();
        let request = || {
            self.cloudformation
                .update_stack()
                .stack_name(stack_id)
                .client_request_token(token)
                .set_template_body(body.clone())
                .set_template_url(url.clone())
                .set_parameters(Some(new.parameters.iter().map(sdk_parameter).collect()))
                .set_capabilities(Some(new.capabilities.iter().map(|one| sdk_capability(*one)).collect()))
                .set_tags(new.tags.as_ref().map(|tags| tags.iter().map(sdk_tag).collect()))
                .set_role_arn(new.role_arn.clone())
                .set_notification_arns(new.notification_arns.clone())
                .set_deployment_config(new.deployment())
        };
        send!(self, cx, self.write("UpdateStack"), request()).map(|_| ())
    }

    /// SetStackPolicy.
    pub(crate) async fn set_policy(&self, cx: &Context, stack_id: &str, policy: &str) -> Result<(), Failure> {
        let request =
            || self.cloudformation.set_stack_policy().stack_name(stack_id).stack_policy_body(policy);
        send!(self, cx, self.write("SetStackPolicy"), request()).map(|_| ())
    }

    /// GetStackPolicy; none when there is none.
    pub(crate) async fn policy(&self, cx: &Context, stack_id: &str) -> Result<Option<String>, Failure> {
        let request = || self.cloudformation.get_stack_policy().stack_name(stack_id);
        let answer = send!(self, cx, self.read("GetStackPolicy"), request())?;
        Ok(answer.stack_policy_body().map(str::to_owned))
    }

    /// UpdateTerminationProtection.
    pub(crate) async fn protect(&self, cx: &Context, stack_id: &str, on: bool) -> Result<(), Failure> {
        let request = || {
            self.cloudformation
                .update_termination_protection()
                .stack_name(stack_id)
                .enable_termination_protection(on)
        };
        send!(self, cx, self.write("UpdateTerminationProtection"), request()).map(|_| ())
    }

    /// ListStackResources, all pages.
    pub(crate) async fn resources(
        &self,
        cx: &Context,
        stack_id: &str,
    ) -> Result<Vec<ResourceFacts>, Failure> {
        let (mut found, mut token) = (Vec::new(), None::<String>);
        loop {
            let request = || {
                self.cloudformation.list_stack_resources().stack_name(stack_id).set_next_token(token.clone())
            };
            let page = send!(self, cx, self.read("ListStackResources"), request())?;
            found.extend(page.stack_resource_summaries().iter().map(|one| {
                let resource = facts::resource(one);
                ResourceFacts { reason: self.masks.apply(&resource.reason), ..resource }
            }));
            token = page.next_token().map(str::to_owned);
            if token.is_none() {
                return Ok(found);
            }
        }
    }

    /// ListImports, the first page: names of the stacks that use an export.
    pub(crate) async fn importers(&self, cx: &Context, export: &str) -> Result<Vec<String>, Failure> {
        let request = || self.cloudformation.list_imports().export_name(export);
        Ok(send!(self, cx, self.read("ListImports"), request())?.imports().to_vec())
    }
}

/// By name, id, or, for an alias, whatever AWS answers: the id is what everything after it is asked by.
fn is_asked_for(found: &sdk::Stack, asked: &str) -> bool {
    if asked.starts_with("arn:") {
        return found.stack_id() == Some(asked);
    }
    found.stack_name() == Some(asked)
}

/// May pass, as everything that something between us and AWS does.
fn another(other: &sdk::Stack, asked: &str) -> Failure {
    let seen = other.stack_name().unwrap_or("a stack without a name");
    let message = format!("DescribeStacks: the answer is about {seen}, and {asked} was asked for");
    Error::new(ErrorKind::Transient, message)
        .with_hint(
            "give the stack's own name and no alias; otherwise something between here and AWS mixes answers up: check \
             AWS_ENDPOINT_URL and the proxy variables",
        )
        .into()
}
