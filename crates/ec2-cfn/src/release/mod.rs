//! A whole release to EC2: a stack, a bundle and a deployment, in this order as far as one needs the other.
//!
//! [`release`] takes the three as they are described by themselves, and gives a pipeline of three steps, `stack`, `bundle`
//! and `deployment`. Nothing else in this crate knows more than one of the targets: what passes between them are outputs.
//!
//! | Step | Begins | Takes |
//! |---|---|---|
//! | `stack` | at once | nothing |
//! | `bundle` | at once, while the stack is made, when its bucket is known; after the stack when the bucket is one of its outputs ([`ReleaseBuilder::bucket_from`]) | the bucket |
//! | `deployment` | after both | `bucket`, `key`, `bundle_type`, `e_tag` and, where the bucket keeps versions, `version_id` of the bundle; application and group, if they are outputs of the stack |
//!
//! What is deployed is the very object that the bundle brought or found, pinned by eTag and version.
//!
//! When a step fails, everything is put back in reverse order of completion ([`Rollback::RevertAll`]): the revision that was
//! deployed last with success, the previous template and values of the stack (a stack that this release has made is
//! deleted), and the object is taken away. Say [`on_failure`](landfall_core::pipeline::PipelineBuilder::on_failure) for
//! something else. After a stop everything stays as it is.
//!
//! ```no_run
//! use landfall_core::{Context, Place};
//! use landfall_ec2_cfn::bundle::Bundle;
//! use landfall_ec2_cfn::deployment::Deployment;
//! use landfall_ec2_cfn::release::release;
//! use landfall_ec2_cfn::stack::{Stack, TemplateSource};
//!
//! # async fn example(config: aws_types::SdkConfig) -> landfall_core::Result<()> {
//! let place = Place::new("aws", "111122223333", "eu-central-1");
//! let wanted = release(
//!     Stack::builder().name("shop").template(TemplateSource::parse("deploy/shop.yaml")?).parameter("Size", "2"),
//!     Bundle::builder().source("build").bucket("shop-bundles").prefix("web/"),
//!     Deployment::builder(),
//! )
//! .application_from("Application")
//! .deployment_group_from("DeploymentGroup")
//! .build()?;
//! let report = wanted.pipeline(&config, &place)?.build()?.run(&Context::builder("shop/81/release").build()).await;
//! println!("{}", report.text());
//! # Ok(())
//! # }
//! ```

mod check;
mod pipeline;

#[cfg(doc)]
use landfall_core::pipeline::Rollback;
use landfall_core::{Cause, Error, Result};

use crate::bundle::BundleBuilder;
use crate::deployment::DeploymentBuilder;
use crate::stack::{StackBuilder, StackSpec};

/// The name of the step that deploys the stack.
pub const STACK: &str = "stack";
/// The name of the step that brings the bundle.
pub const BUNDLE: &str = "bundle";
/// The name of the step that deploys the bundle to instances: the last one.
pub const DEPLOYMENT: &str = "deployment";

/// Begins to describe a release. The bundle is what is deployed: `deployment` needs no revision.
pub fn release(stack: StackBuilder, bundle: BundleBuilder, deployment: DeploymentBuilder) -> ReleaseBuilder {
    ReleaseBuilder { stack, bundle, deployment, from: FromStack::default() }
}

/// Makes a [`ReleaseSpec`].
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until it is built"]
pub struct ReleaseBuilder {
    stack: StackBuilder,
    bundle: BundleBuilder,
    deployment: DeploymentBuilder,
    from: FromStack,
}

/// Which outputs of the stack say what is not said beforehand.
#[derive(Debug, Clone, Default)]
struct FromStack {
    bucket: Option<String>,
    application: Option<String>,
    group: Option<String>,
}

/// A release, checked without a call. [`ReleaseSpec::pipeline`] makes the pipeline of it.
#[derive(Debug, Clone)]
pub struct ReleaseSpec {
    stack: StackSpec,
    bundle: BundleBuilder,
    deployment: DeploymentBuilder,
    from: FromStack,
}

impl ReleaseBuilder {
    /// The bundle goes to the bucket that this output of the stack names. It is packed and sent only when the stack is
    /// complete.
    pub fn bucket_from(mut self, output: impl Into<String>) -> Self {
        self.from.bucket = Some(output.into());
        self
    }

    /// The application is the one that this output of the stack names.
    pub fn application_from(mut self, output: impl Into<String>) -> Self {
        self.from.application = Some(output.into());
        self
    }

    /// The deployment group is the one that this output of the stack names.
    pub fn deployment_group_from(mut self, output: impl Into<String>) -> Self {
        self.from.group = Some(output.into());
        self
    }

    /// Checks all three, and what they are to each other. No call is made, and the folder is not read.
    ///
    /// # Errors
    /// [`landfall_core::ErrorKind::Invalid`] with one cause for each problem of each of them; beside these: an output that
    /// the template does not have, a value that is given and taken from an output as well, a revision in the deployment's
    /// input that is not the bundle.
    pub fn build(self) -> Result<ReleaseSpec> {
        let Self { stack, bundle, deployment, from } = self;
        let mut problems = Vec::new();
        let stack = found(stack.build(), &mut problems);
        check::all(stack.as_ref(), &bundle, &deployment, &from, &mut problems);
        match stack {
            Some(stack) if problems.is_empty() => Ok(ReleaseSpec { stack, bundle, deployment, from }),
            _ => {
                Error::all("the release cannot be made as asked", problems)?;
                Err(Error::internal("a stack was refused without a reason"))
            }
        }
    }
}

/// The value, or its problems beside the others.
fn found<T>(made: Result<T>, problems: &mut Vec<Cause>) -> Option<T> {
    made.map_err(|error| match error.causes() {
        [] => problems.push(Cause::new("invalid-input", error.message())),
        causes => problems.extend(causes.iter().cloned()),
    })
    .ok()
}
