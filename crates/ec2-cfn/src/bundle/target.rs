//! The target itself: the contract's methods, and nothing else than where each one is done.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use aws_types::SdkConfig;
use landfall_core::event::Level;
use landfall_core::{
    Context, DeployTarget, Error, Look, Observation, Place, Plan, Receipt, Resource, Result, Revert,
};
use tokio::time::Instant;

use super::bucket::NewBucket;
use super::client::{Client, Head};
use super::error::Refusal;
use super::memory::{VERSION, Watch, Work};
use super::pack::Tree;
use super::session::Session;
use super::spec::{BundleBuilder, BundleSpec, Key};
use super::{apply, observe, plan, revert};

/// The target's kind.
pub(crate) const KIND: &str = "s3-bundle";

/// How long what the plan saw of an unchanged object counts as seen now.
const FRESH: Duration = Duration::from_secs(30);

/// A folder that is to be in a bucket as an archive.
///
/// ```no_run
/// use landfall_core::{Context, DeployTargetExt, Place, Policy};
/// use landfall_ec2_cfn::bundle::Bundle;
///
/// # async fn example(config: aws_types::SdkConfig) -> landfall_core::Result<()> {
/// let wanted = Bundle::builder().source("build").bucket("demo-bucket").prefix("web/").build()?;
/// let bundle = wanted.target(&config, Place::new("aws", "111122223333", "eu-central-1"))?;
/// let report = bundle.deploy(&Context::builder("shop/1234/push/production").build(), &Policy::default()).await;
/// assert!(report.is_success());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Bundle {
    pub(crate) place: Place,
    pub(crate) spec: BundleSpec,
    pub(crate) client: Client,
    /// The folder as this process has read it.
    tree: Arc<Mutex<Option<Arc<Tree>>>>,
    /// The object that the plan found unchanged, and when.
    seen: Arc<Mutex<Option<(Instant, Head)>>>,
    /// The upload that this process is at work on.
    pub(crate) session: Arc<tokio::sync::Mutex<Option<Session>>>,
    /// The bucket, if this process makes it.
    pub(crate) new_bucket: Arc<Mutex<NewBucket>>,
}

impl Bundle {
    /// Begins to describe a bundle.
    pub fn builder() -> BundleBuilder {
        BundleBuilder::new()
    }

    /// A target that can undo what the recorded `plan` of a bundle did, and cannot send anything: for a process that does
    /// not have what was asked for. No call is made.
    ///
    /// # Errors
    /// [`landfall_core::ErrorKind::Conflict`] for a plan of another kind or version,
    /// [`landfall_core::ErrorKind::Invalid`] when `config` is for another region than `place`.
    pub fn recorded(plan: &Plan, config: &SdkConfig, place: Place) -> Result<Self> {
        BundleSpec::recorded(plan)?.target(config, place)
    }

    pub(crate) fn new(place: Place, spec: BundleSpec, client: Client) -> Self {
        Self {
            place,
            spec,
            client,
            tree: Arc::default(),
            seen: Arc::default(),
            session: Arc::default(),
            new_bucket: Arc::default(),
        }
    }

    /// The folder, read anew.
    pub(crate) async fn read(&self, cx: &Context) -> Result<Arc<Tree>> {
        if self.spec.source.as_os_str().is_empty() {
            return Err(Refusal::NoSource.into());
        }
        let spec = self.spec.clone();
        let read = tokio::task::spawn_blocking(move || Tree::read(&spec)).await;
        let tree = Arc::new(
            read.map_err(|error| Error::internal("reading the folder panicked").with_source(&error))??,
        );
        for (code, text) in &tree.notes {
            cx.note(Level::Warning, *code, text);
        }
        *self.tree.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&tree));
        Ok(tree)
    }

    /// The folder as this process has read it, or read now.
    pub(crate) async fn tree(&self, cx: &Context) -> Result<Arc<Tree>> {
        let kept = self.tree.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match kept {
            Some(tree) => Ok(tree),
            None => self.read(cx).await,
        }
    }

    pub(crate) fn saw(&self, head: &Head) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), head.clone()));
    }

    /// The object with this eTag, if the plan of this process has just seen it.
    pub(crate) fn seen(&self, etag: &str) -> Option<Head> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).take();
        seen.filter(|(at, head)| at.elapsed() < FRESH && head.object.etag == etag).map(|(_, head)| head)
    }

    /// `s3://demo-bucket/web/0123.zip`.
    pub(crate) fn address(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.spec.bucket)
    }
}

#[async_trait]
impl DeployTarget for Bundle {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn resource(&self) -> Resource {
        let key = match &self.spec.key {
            Key::Addressed { prefix } => format!("{prefix}*"),
            Key::Fixed(key) => key.clone(),
        };
        Resource::new(self.place.clone(), KIND, [self.spec.bucket.clone(), key])
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
            Work::Forward(forward) => apply::forward(self, cx, &plan.token, &forward, so_far).await?,
            Work::Back(back) => apply::back(self, cx, &back).await?,
        };
        Receipt::new(KIND, VERSION, apply::summary(self, &watch), &watch)
    }

    async fn observe(&self, cx: &Context, receipt: &Receipt, _look: Look<'_>) -> Result<Observation> {
        observe::observe(self, cx, &receipt.read(KIND, VERSION)?).await
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
