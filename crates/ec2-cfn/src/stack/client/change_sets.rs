//! Calls about change sets.

use aws_sdk_cloudformation::types as sdk;
use landfall_aws::failure::Failure;
use landfall_core::{Context, ErrorKind};

use super::{Client, sdk_capability, sdk_parameter, sdk_tag, send};
use crate::stack::facts::{self, ChangeSetFacts};
use crate::stack::parameters::Settled;
use crate::stack::template::Capability;

/// A change set to be made.
#[derive(Debug, Clone)]
pub(crate) struct NewChangeSet {
    pub(crate) name: String,
    pub(crate) token: String,
    pub(crate) description: String,
    pub(crate) create: bool,
    pub(crate) template: SentTemplate,
    pub(crate) parameters: Vec<Settled>,
    pub(crate) capabilities: Vec<Capability>,
    /// None: they stay as they are.
    pub(crate) tags: Option<Vec<(String, String)>>,
    pub(crate) role_arn: Option<String>,
    pub(crate) notification_arns: Option<Vec<String>>,
    /// AWS's name; none: the default, which is to roll back.
    pub(crate) on_stack_failure: Option<&'static str>,
    pub(crate) import_existing: bool,
    pub(crate) disable_validation: bool,
    /// Drift is put back, and nested stacks are not looked at.
    pub(crate) revert_drift: bool,
    /// Express mode, with rollback off or on; none: the standard mode.
    pub(crate) express: Option<RollbackOff>,
}

/// Whether a failure is left as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RollbackOff(pub(crate) bool);

impl NewChangeSet {
    /// Rollback is always said: AWS turns it off in express mode when it is not.
    pub(super) fn deployment(&self) -> Option<sdk::DeploymentConfig> {
        let RollbackOff(off) = self.express?;
        let mode = sdk::DeploymentConfigMode::Express;
        Some(sdk::DeploymentConfig::builder().mode(mode).disable_rollback(off).build())
    }
}

/// How a template is sent.
#[derive(Clone)]
pub(crate) enum SentTemplate {
    Body(String),
    Url(String),
}

impl std::fmt::Debug for SentTemplate {
    /// Without the text.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Body(text) => write!(f, "Body({} bytes)", text.len()),
            Self::Url(url) => write!(f, "Url({url})"),
        }
    }
}

impl SentTemplate {
    pub(crate) fn parts(&self) -> (Option<String>, Option<String>) {
        match self {
            Self::Body(text) => (Some(text.clone()), None),
            Self::Url(url) => (None, Some(url.clone())),
        }
    }
}

impl Client {
    /// CreateChangeSet. Gives its ARN and the stack's.
    pub(crate) async fn create_change_set(
        &self,
        cx: &Context,
        new: &NewChangeSet,
    ) -> Result<(String, String), Failure> {
        let (body, url) = new.template.parts();
        let kind = if new.create { sdk::ChangeSetType::Create } else { sdk::ChangeSetType::Update };
        let request = || {
            let mut request = self
                .cloudformation
                .create_change_set()
                .stack_name(&self.name)
                .change_set_name(&new.name)
                .client_token(&new.token)
                .description(&new.description)
                .change_set_type(kind.clone())
                .set_template_body(body.clone())
                .set_template_url(url.clone())
                .set_parameters(Some(new.parameters.iter().map(sdk_parameter).collect()))
                .set_capabilities(Some(new.capabilities.iter().map(|one| sdk_capability(*one)).collect()))
                .set_tags(new.tags.as_ref().map(|tags| tags.iter().map(sdk_tag).collect()))
                .set_role_arn(new.role_arn.clone())
                .set_notification_arns(new.notification_arns.clone())
                .set_on_stack_failure(new.on_stack_failure.map(sdk::OnStackFailure::from))
                .set_deployment_config(new.deployment())
                .include_nested_stacks(!new.revert_drift);
            if new.revert_drift {
                request = request.deployment_mode(sdk::DeploymentMode::RevertDrift);
            }
            if new.import_existing {
                request = request.import_existing_resources(true);
            }
            if new.disable_validation {
                request = request.disable_validation(true);
            }
            request
        };
        let answer = send!(self, cx, self.write("CreateChangeSet"), request())?;
        Ok((answer.id().unwrap_or(&new.name).to_owned(), answer.stack_id().unwrap_or_default().to_owned()))
    }

    /// DescribeChangeSet, all pages, with values before and after where the server has them; none when there is no such
    /// change set, or no such stack.
    pub(crate) async fn describe_change_set(
        &self,
        cx: &Context,
        change_set: &str,
        values: bool,
    ) -> Result<Option<ChangeSetFacts>, Failure> {
        let mut whole: Option<ChangeSetFacts> = None;
        let mut token = None::<String>;
        let by_name = (!change_set.starts_with("arn:")).then(|| self.name.clone());
        loop {
            let request = || {
                let request = self
                    .cloudformation
                    .describe_change_set()
                    .change_set_name(change_set)
                    .set_stack_name(by_name.clone())
                    .set_next_token(token.clone());
                if values { request.include_property_values(true) } else { request }
            };
            let page = match send!(self, cx, self.read("DescribeChangeSet"), request()) {
                Ok(page) => page,
                Err(failure) if failure.kind() == ErrorKind::NotFound || super::is_missing(&failure) => {
                    return Ok(None);
                }
                Err(failure) => return Err(failure),
            };
            let read = facts::change_set(&page);
            match &mut whole {
                Some(whole) => whole.changes.extend(read.changes),
                None => whole = Some(read),
            }
            token = page.next_token().map(str::to_owned);
            if token.is_none() {
                return Ok(whole);
            }
        }
    }

    /// ExecuteChangeSet.
    pub(crate) async fn execute_change_set(
        &self,
        cx: &Context,
        arn: &str,
        token: &str,
        retain_except_on_create: bool,
    ) -> Result<(), Failure> {
        let retain = retain_except_on_create.then_some(true);
        let request = || {
            let request = self.cloudformation.execute_change_set().change_set_name(arn);
            request.client_request_token(token).set_retain_except_on_create(retain)
        };
        send!(self, cx, self.write("ExecuteChangeSet"), request()).map(|_| ())
    }

    /// DeleteChangeSet. One that is gone already counts as deleted.
    pub(crate) async fn delete_change_set(&self, cx: &Context, arn: &str) -> Result<(), Failure> {
        let request = || self.cloudformation.delete_change_set().change_set_name(arn);
        match send!(self, cx, self.write("DeleteChangeSet"), request()) {
            Err(failure) if failure.kind() == ErrorKind::NotFound || super::is_missing(&failure) => Ok(()),
            made => made.map(|_| ()),
        }
    }

    /// ListChangeSets, the first page: ARNs of the change sets that the stack has.
    pub(crate) async fn change_sets(&self, cx: &Context, stack_id: &str) -> Result<Vec<String>, Failure> {
        let request = || self.cloudformation.list_change_sets().stack_name(stack_id);
        let answer = send!(self, cx, self.read("ListChangeSets"), request())?;
        let arn = |one: &sdk::ChangeSetSummary| one.change_set_id().map(str::to_owned);
        Ok(answer.summaries().iter().filter_map(arn).collect())
    }
}
