//! The target itself: the contract's methods, and nothing else than where each one is done.

use async_trait::async_trait;
use landfall_core::{
    Context, DeployTarget, Look, Observation, Place, Plan, Receipt, Resource, Result, Revert,
};

use super::client::Client;
use super::memory::{Purpose, VERSION, Watch, Work};
use super::spec::{DeploymentBuilder, DeploymentSpec};
use super::{apply, observe, plan, revert};

/// The target's kind.
pub(crate) const KIND: &str = "codedeploy-deployment";

/// A deployment group of CodeDeploy, and the revision that its instances are to run.
///
/// One deployment is exactly one CreateDeployment; the wait follows that very deployment, and its automatic rollback.
///
/// ```no_run
/// use landfall_core::{Context, DeployTargetExt, Place, Policy};
/// use landfall_ec2_cfn::deployment::{Deployment, Revision};
///
/// # async fn example(config: aws_types::SdkConfig) -> landfall_core::Result<()> {
/// let wanted = Deployment::builder()
///     .application("demo")
///     .deployment_group("demo")
///     .revision(&Revision::s3("demo-bucket", "demo/2.zip").with_etag("9e107d9d372bb6826bd81d3542a419d6"))
///     .build()?;
/// let deployment = wanted.target(&config, Place::new("aws", "111122223333", "eu-central-1"))?;
/// let report = deployment.deploy(&Context::builder("shop/1234/deploy/production").build(), &Policy::default()).await;
/// assert!(report.is_success());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Deployment {
    pub(crate) place: Place,
    pub(crate) spec: DeploymentSpec,
    pub(crate) client: Client,
}

impl Deployment {
    /// Begins to describe a deployment.
    pub fn builder() -> DeploymentBuilder {
        DeploymentBuilder::new()
    }

    pub(crate) fn new(place: Place, spec: DeploymentSpec, client: Client) -> Self {
        Self { place, spec, client }
    }

    /// `deployment group demo of application demo`.
    #[must_use]
    pub fn subject(&self) -> String {
        format!("deployment group {} of application {}", self.spec.group, self.spec.application)
    }
}

#[async_trait]
impl DeployTarget for Deployment {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn resource(&self) -> Resource {
        Resource::new(self.place.clone(), KIND, [self.spec.application.as_str(), self.spec.group.as_str()])
    }

    fn specification(&self) -> String {
        self.spec.digest()
    }

    async fn plan(&self, cx: &Context) -> Result<Plan> {
        plan::plan(self, cx).await
    }

    async fn apply(&self, cx: &Context, plan: &Plan, so_far: Option<&Receipt>) -> Result<Receipt> {
        let so_far = so_far.map(|receipt| receipt.read::<Watch>(KIND, VERSION)).transpose()?;
        let watch = match plan.read::<Work>(KIND, VERSION)? {
            Work::Forward(forward) => {
                apply::forward(self, cx, &plan.token, &forward, plan.is_empty(), so_far).await?
            }
            Work::Back(back) => apply::back(self, cx, &plan.token, &back, so_far).await?,
        };
        let prepares = matches!(watch.purpose, Purpose::Busy | Purpose::Capacity);
        Ok(Receipt::new(KIND, VERSION, summary(&watch), &watch)?.preparing(prepares))
    }

    async fn observe(&self, cx: &Context, receipt: &Receipt, look: Look<'_>) -> Result<Observation> {
        observe::observe(self, cx, &receipt.read(KIND, VERSION)?, look).await
    }

    async fn revert(&self, cx: &Context, plan: &Plan, receipt: Option<&Receipt>) -> Result<Revert> {
        let receipt = receipt.map(|receipt| receipt.read::<Watch>(KIND, VERSION)).transpose()?;
        match plan.read::<Work>(KIND, VERSION)? {
            Work::Forward(forward) if !plan.is_empty() => {
                revert::revert(self, cx, &plan.token, &forward, receipt.as_ref()).await
            }
            _ => Ok(Revert::NothingToDo),
        }
    }
}

fn summary(watch: &Watch) -> String {
    let (id, revision) = (&watch.deployment, &watch.revision);
    match watch.purpose {
        Purpose::Deploy => format!("deployment {id} deploys {revision}"),
        Purpose::Capacity => {
            format!(
                "deploys {revision} once Auto Scaling group {} has its capacity",
                watch.scaling.join(", ")
            )
        }
        Purpose::Busy => format!("waiting for somebody else's deployment {id} of {revision}"),
        Purpose::Unchanged => format!("nothing to change: {revision} was deployed by {id}"),
        Purpose::Stop => format!("deployment {id} of {revision} is stopped"),
        Purpose::Restore => format!("deployment {id} puts back {revision}"),
    }
}
