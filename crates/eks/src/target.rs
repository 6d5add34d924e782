//! The target itself: the contract's methods, and nothing else than where each one is done.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use landfall_core::{
    Context, DeployTarget, Look, Observation, Place, Plan, Receipt, Resource, Result, Revert,
};

use crate::access::ApiServer;
use crate::api::Api;
use crate::feed::Feeds;
use crate::input::ManifestSet;
use crate::lock::Lock;
use crate::memory::{Goal, Progressed, Stage, VERSION, Work};
use crate::spec::{ManifestsBuilder, ManifestsSpec};
use crate::{carry, observe, plan, revert};

/// The target's kind.
pub(crate) const KIND: &str = "eks-release";

/// A release of manifests in a cluster.
///
/// One deployment is one set of objects, applied in waves. What is there before is planned by a dry run of the server;
/// everything has to be ready in one look before it counts as good, and only then is pruned what is no longer wanted, and
/// the set remembered as what an undo puts back.
///
/// Cloning is cheap; clones share the connection and the watches.
///
/// ```no_run
/// use aws_types::SdkConfig;
/// use landfall_core::context::Clock;
/// use landfall_core::{Context, DeployTargetExt, Place, Policy};
/// use landfall_eks::Manifests;
/// use landfall_eks::access::{ApiServer, Cluster, TokenSource};
/// use landfall_eks::input::ManifestSet;
/// use landfall_eks::inventory::Release;
///
/// # async fn example(config: SdkConfig) -> landfall_core::Result<()> {
/// let cx = Context::builder("shop/1234/deploy/production").build();
/// let set = ManifestSet::builder().path("deploy").namespace("shop").image("web", "registry.example.com/web:2.0").read()?;
/// let wanted = Manifests::builder()
///     .release(Release { namespace: "shop".to_owned(), name: "web".to_owned() })
///     .set(set)
///     .build()?;
/// let place = Place::new("aws", "111122223333", "eu-central-1");
/// let cluster = Cluster::find(&cx, &config, &place, "production").await?;
/// let tokens = TokenSource::new(&config, "eu-central-1", cluster.token_name(), Clock::start(), cluster.ahead())?;
/// let release = wanted.target(place, ApiServer::new(cluster, tokens)?);
/// let report = release.deploy(&cx, &Policy::default()).await;
/// assert!(report.is_success());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Manifests {
    pub(crate) place: Place,
    pub(crate) spec: Arc<ManifestsSpec>,
    pub(crate) api: Api,
    pub(crate) feeds: Arc<Feeds>,
    pub(crate) lock: Arc<Lock>,
    /// What was recalled from the cluster, which never changes there.
    pub(crate) recalled: Arc<Mutex<HashMap<Goal, Arc<ManifestSet>>>>,
}

impl Manifests {
    /// Begins to describe a release.
    pub fn builder() -> ManifestsBuilder {
        ManifestsBuilder::default()
    }

    pub(crate) fn new(place: Place, spec: ManifestsSpec, server: ApiServer) -> Self {
        Self {
            place,
            spec: Arc::new(spec),
            api: Api::new(server),
            feeds: Arc::default(),
            lock: Arc::default(),
            recalled: Arc::default(),
        }
    }

    /// `release shop/web`.
    #[must_use]
    pub fn subject(&self) -> String {
        format!("release {}", self.spec.release)
    }
}

#[async_trait]
impl DeployTarget for Manifests {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn resource(&self) -> Resource {
        let release = &self.spec.release;
        let cluster = self.api.server().cluster().name();
        Resource::new(self.place.clone(), KIND, [cluster, &release.namespace, &release.name])
    }

    fn specification(&self) -> String {
        self.spec.digest.clone()
    }

    async fn plan(&self, cx: &Context) -> Result<Plan> {
        plan::release(self, cx).await
    }

    async fn apply(&self, cx: &Context, plan: &Plan, so_far: Option<&Receipt>) -> Result<Receipt> {
        let so_far = so_far.map(|receipt| receipt.read::<Progressed>(KIND, VERSION)).transpose()?;
        let progressed = match plan.read::<Work>(KIND, VERSION)? {
            Work::Forward(forward) => carry::forward(self, cx, &forward, plan.is_empty(), so_far).await?,
            Work::Back(back) => carry::back(self, cx, &back, so_far).await?,
        };
        receipt(self, &progressed)
    }

    async fn observe(&self, cx: &Context, receipt: &Receipt, look: Look<'_>) -> Result<Observation> {
        let progressed = receipt.read(KIND, VERSION)?;
        observe::observe(self, cx, &progressed, look).await
    }

    async fn revert(&self, cx: &Context, plan: &Plan, receipt: Option<&Receipt>) -> Result<Revert> {
        let receipt = receipt.map(|receipt| receipt.read::<Progressed>(KIND, VERSION)).transpose()?;
        match plan.read::<Work>(KIND, VERSION)? {
            Work::Forward(forward) if !plan.is_empty() => {
                revert::revert(self, cx, &forward, receipt.as_ref()).await
            }
            _ => Ok(Revert::NothingToDo),
        }
    }
}

/// A receipt for what is looked at.
fn receipt(target: &Manifests, progressed: &Progressed) -> Result<Receipt> {
    // Who does not wait for the end waits until everything is applied.
    let waits = match progressed.stage {
        Stage::Busy => true,
        Stage::Applying => progressed.goal.is_none() && progressed.waves < target.spec.waves.len(),
        _ => false,
    };
    let summary = summary(target, progressed);
    Ok(Receipt::new(KIND, VERSION, summary, progressed)?.preparing(waits))
}

/// What was done, in words.
fn summary(target: &Manifests, progressed: &Progressed) -> String {
    let placed = progressed.placed.len();
    let release = target.subject();
    let objects = if placed == 1 { "1 object is".to_owned() } else { format!("{placed} objects are") };
    match &progressed.stage {
        Stage::Busy => "waiting for another run, which deploys the release".to_owned(),
        Stage::Applying if progressed.goal.is_some() => format!("{objects} put back"),
        Stage::Applying => format!("{objects} applied"),
        Stage::Failed { left, .. } if *left > 0 => {
            format!("{objects} applied; some could not be, and {left} were not tried")
        }
        Stage::Failed { .. } => format!("{objects} applied, and some could not be"),
        Stage::Standing => "nothing is to be changed".to_owned(),
        Stage::Done { .. } => match progressed.goal.as_ref().map(|goal| &goal.record) {
            None => format!("{release} is recorded as revision {}", progressed.revision),
            Some(Some(record)) => format!("{release} is at revision {} again", record.revision),
            Some(None) => format!("{release} is what it was before its first deployment"),
        },
    }
}
