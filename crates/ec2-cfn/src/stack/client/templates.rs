//! Calls about templates.

use aws_sdk_cloudformation::types as sdk;
use landfall_aws::call::Call;
use landfall_aws::failure::Failure;
use landfall_core::{Context, ErrorKind};

use super::change_sets::SentTemplate;
use super::{Client, send};
use crate::stack::template::{Capability, Declared, TemplateBucket};

/// What CloudFormation says of a template.
#[derive(Debug, Clone, Default)]
pub(crate) struct Summary {
    pub(crate) parameters: Vec<Declared>,
    pub(crate) capabilities: Vec<Capability>,
    pub(crate) capabilities_reason: String,
    pub(crate) transforms: Vec<String>,
    pub(crate) resource_types: Vec<String>,
}

impl Client {
    /// GetTemplateSummary.
    pub(crate) async fn template_summary(
        &self,
        cx: &Context,
        template: &SentTemplate,
    ) -> Result<Summary, Failure> {
        let (body, url) = template.parts();
        let request = || {
            self.cloudformation
                .get_template_summary()
                .set_template_body(body.clone())
                .set_template_url(url.clone())
        };
        let answer = send!(self, cx, self.read("GetTemplateSummary"), request())?;
        let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
        let parameter = |one: &sdk::ParameterDeclaration| {
            let allowed =
                one.parameter_constraints().map(|all| all.allowed_values().to_vec()).unwrap_or_default();
            let (name, kind) = (text(one.parameter_key()), text(one.parameter_type()));
            let default = one.default_value().map(str::to_owned);
            Declared::told(&name, &kind, default, one.no_echo().unwrap_or_default(), allowed)
        };
        Ok(Summary {
            parameters: answer.parameters().iter().map(parameter).collect(),
            capabilities: answer.capabilities().iter().filter_map(|one| one.as_str().parse().ok()).collect(),
            capabilities_reason: text(answer.capabilities_reason()),
            transforms: answer.declared_transforms().to_vec(),
            resource_types: answer.resource_types().to_vec(),
        })
    }

    /// GetTemplate: the template as it was submitted. None: AWS keeps none, as for a stack that is not created yet.
    pub(crate) async fn template(&self, cx: &Context, stack_id: &str) -> Result<Option<String>, Failure> {
        let request = || {
            self.cloudformation
                .get_template()
                .stack_name(stack_id)
                .template_stage(sdk::TemplateStage::Original)
        };
        match send!(self, cx, self.read("GetTemplate"), request()) {
            Ok(answer) => Ok(answer.template_body().map(str::to_owned)),
            Err(failure) if super::is_missing(&failure) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// GetTemplate of a change set, by its ARN: the template as it was submitted. None: AWS does not tell.
    pub(crate) async fn template_of_change_set(
        &self,
        cx: &Context,
        arn: &str,
    ) -> Result<Option<String>, Failure> {
        let request = || {
            let request = self.cloudformation.get_template().change_set_name(arn);
            request.template_stage(sdk::TemplateStage::Original)
        };
        match send!(self, cx, self.read("GetTemplate"), request()) {
            Ok(answer) => Ok(answer.template_body().map(str::to_owned)),
            Err(failure) if failure.kind() == ErrorKind::NotFound || super::is_missing(&failure) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// PutObject of a template under a key made of its digest, and its URL. Put again it is the same object.
    pub(crate) async fn upload_template(
        &self,
        cx: &Context,
        bucket: &TemplateBucket,
        digest: &str,
        text: &str,
    ) -> Result<String, Failure> {
        let key = bucket.key(digest);
        let call = Call::write("s3", "PutObject").on(format!("s3://{}/{key}", bucket.bucket));
        let request = || {
            self.s3
                .put_object()
                .bucket(&bucket.bucket)
                .key(&key)
                .content_type("text/plain; charset=utf-8")
                .expected_bucket_owner(&self.place.account)
                .body(text.as_bytes().to_vec().into())
        };
        send!(self, cx, call, request()).map_err(|failure| self.of_bucket(failure, &bucket.bucket))?;
        let suffix = if self.place.partition == "aws-cn" { ".cn" } else { "" };
        Ok(format!("https://s3.{}.amazonaws.com{suffix}/{}/{key}", self.place.region, bucket.bucket))
    }

    fn of_bucket(&self, failure: Failure, bucket: &str) -> Failure {
        let account = &self.place.account;
        match failure.kind() {
            ErrorKind::NotFound => failure.map(|error| {
                error.with_hint(format!("make the bucket {bucket}, or give another one for templates"))
            }),
            ErrorKind::Denied => failure.map(|error| {
                let hint = format!(
                    "the bucket {bucket} must belong to account {account}, and s3:PutObject be allowed there"
                );
                error.with_hint(hint)
            }),
            _ => failure,
        }
    }
}
