//! The target itself: the contract's methods, and nothing else than where each one is done.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use landfall_core::{
    Change, Context, DeployTarget, Look, Observation, Place, Plan, Receipt, Resource, Result, Revert, State,
};

use crate::client::{Allowed, Client, Revision, allowed};
use crate::facts::{is_revision_of, short};
use crate::find::with_margin;
use crate::memory::{Purpose, Started, VERSION, Watch, Work};
use crate::spec::{EcsServiceBuilder, ServiceSpec};
use crate::{apply, observe, plan, revert};

/// The target's kind.
pub(crate) const KIND: &str = "ecs-service";

/// A service of Amazon ECS, and what it is to run.
///
/// One deployment is one RegisterTaskDefinition at most and exactly one UpdateService; the wait follows that very
/// deployment. Services with the deployment controller ECS only.
///
/// ```no_run
/// use landfall_core::{Context, DeployTargetExt, Place, Policy};
/// use landfall_ecs::EcsService;
///
/// # async fn example(config: aws_types::SdkConfig) -> landfall_core::Result<()> {
/// let wanted = EcsService::builder()
///     .cluster("demo")
///     .service("web")
///     .image("web", "111122223333.dkr.ecr.eu-central-1.amazonaws.com/demo/web:1.2")
///     .build()?;
/// let service = wanted.target(&config, Place::new("aws", "111122223333", "eu-central-1"))?;
/// let report = service.deploy(&Context::builder("shop/1234/deploy/production").build(), &Policy::default()).await;
/// assert!(report.is_success());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct EcsService {
    pub(crate) place: Place,
    pub(crate) spec: ServiceSpec,
    pub(crate) client: Client,
    /// Looks made by this process, by which the dearer calls are made at every fourth look only. Not part of the
    /// cursor, whose changes make the next look come soon.
    looks: Arc<AtomicU64>,
    /// The last revision that was read: revisions never change, and plan and apply need the same one.
    revision: Arc<Mutex<Option<Revision>>>,
}

impl EcsService {
    /// Begins to describe a deployment to a service.
    pub fn builder() -> EcsServiceBuilder {
        EcsServiceBuilder::new()
    }

    pub(crate) fn new(place: Place, spec: ServiceSpec, client: Client) -> Self {
        Self { place, spec, client, looks: Arc::default(), revision: Arc::default() }
    }

    /// Counts a look.
    pub(crate) fn next_look(&self) -> u64 {
        self.looks.fetch_add(1, Ordering::Relaxed)
    }

    /// A revision by its ARN, perhaps as it was read before.
    pub(crate) async fn revision(&self, cx: &Context, arn: &str) -> Result<Revision> {
        let kept = self.revision.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(kept) = kept.filter(|kept| kept.arn == arn) {
            return Ok(kept);
        }
        let read = self.client.describe_task_definition(cx, arn).await?;
        self.keep(&read);
        Ok(read)
    }

    pub(crate) fn keep(&self, revision: &Revision) {
        *self.revision.lock().unwrap_or_else(PoisonError::into_inner) = Some(revision.clone());
    }

    /// The ARN of the service deployment that belongs to a deployment, if it can be found out.
    pub(crate) async fn service_deployment_of(
        &self,
        cx: &Context,
        deployment: &Started,
    ) -> Result<Option<String>> {
        if deployment.service_deployment.is_some() {
            return Ok(deployment.service_deployment.clone());
        }
        let after = with_margin(deployment.created_at);
        let listed = self.client.list_service_deployments(cx, Some(after), &[]).await;
        let Allowed::Yes(listed) = allowed(cx, "ecs:ListServiceDeployments", listed)? else {
            return Ok(None);
        };
        Ok(listed
            .value
            .into_iter()
            .find(|brief| is_revision_of(&brief.target_service_revision_arn, &deployment.id))
            .map(|brief| brief.service_deployment_arn))
    }

    /// `service web in cluster demo`.
    #[must_use]
    pub fn subject(&self) -> String {
        format!("service {} in cluster {}", self.spec.service, self.spec.cluster)
    }

    pub(crate) fn plan_of(&self, changes: Vec<Change>, work: &Work) -> Result<Plan> {
        Plan::new(KIND, VERSION, changes, work)
    }
}

#[async_trait]
impl DeployTarget for EcsService {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn resource(&self) -> Resource {
        Resource::new(self.place.clone(), KIND, [self.spec.cluster.as_str(), self.spec.service.as_str()])
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
                apply::forward(self, cx, &plan.token, &forward, plan.is_empty(), so_far.as_ref()).await?
            }
            Work::Back(back) => apply::back(self, cx, &back, so_far.as_ref()).await?,
        };
        Receipt::new(KIND, VERSION, summary(&watch), &watch)
    }

    async fn observe(&self, cx: &Context, receipt: &Receipt, look: Look<'_>) -> Result<Observation> {
        let last = look.last;
        let seen = observe::observe(self, cx, &receipt.read(KIND, VERSION)?, look).await?;
        if last || !matches!(seen.state, State::Pending { .. }) {
            self.client.leave(cx);
        }
        Ok(seen)
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
    let (id, revision) = (&watch.deployment.id, short(&watch.deployment.task_definition));
    match watch.purpose {
        Purpose::Deploy => format!("deployment {id} rolls out {revision}"),
        Purpose::Busy => format!("waiting for somebody else's deployment {id} of {revision}"),
        Purpose::Unchanged => format!("nothing to change: deployment {id} runs {revision}"),
        Purpose::RollBack => format!("deployment {id} of {revision} is rolled back by AWS"),
        Purpose::Restore => format!("deployment {id} puts back {revision}"),
    }
}
