//! The target itself: the contract's methods, and nothing else than where each one is done.

use async_trait::async_trait;
use landfall_core::{
    Change, Context, DeployTarget, Look, Observation, Place, Plan, Receipt, Resource, Result, Revert, Token,
};

use super::client::Client;
use super::memory::{Purpose, VERSION, Watch, Work};
use super::spec::{StackBuilder, StackSpec};
use super::template::digest;
use super::{apply, deletion, observe, plan, revert};

/// The target's kind.
pub(crate) const KIND: &str = "cloudformation-stack";

/// What the names of change sets begin with that landfall makes.
pub(crate) const PREFIX: &str = "landfall-";

/// A stack of AWS CloudFormation, and what it is to be.
///
/// One deployment is one change set and its execution. `plan` reads only; the change set is the first part of `apply`,
/// and what it would replace or delete is refused before it is executed, unless that is allowed.
///
/// ```no_run
/// use landfall_core::{Context, DeployTargetExt, Place, Policy};
/// use landfall_ec2_cfn::stack::{Stack, TemplateSource};
///
/// # async fn example(config: aws_types::SdkConfig) -> landfall_core::Result<()> {
/// let wanted = Stack::builder()
///     .name("web")
///     .template(TemplateSource::parse("deploy/web.yaml")?)
///     .parameter("Stage", "production")
///     .build()?;
/// let stack = wanted.target(&config, Place::new("aws", "111122223333", "eu-central-1"))?;
/// let report = stack.deploy(&Context::builder("shop/1234/deploy/production").build(), &Policy::default()).await;
/// assert!(report.is_success());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Stack {
    pub(crate) place: Place,
    pub(crate) spec: StackSpec,
    pub(crate) client: Client,
}

impl Stack {
    /// Begins to describe a deployment of a stack.
    pub fn builder() -> StackBuilder {
        StackBuilder::default()
    }

    pub(crate) fn new(place: Place, spec: StackSpec, client: Client) -> Self {
        let declared = spec.text().map(super::template::Template::parameters);
        client.masks.learn(&spec.parameters, declared.as_deref());
        Self { place, spec, client }
    }

    /// `stack web`.
    #[must_use]
    pub fn subject(&self) -> String {
        format!("stack {}", self.spec.name)
    }

    pub(crate) fn plan_of(&self, changes: Vec<Change>, work: &Work) -> Result<Plan> {
        Plan::new(KIND, VERSION, changes, work)
    }
}

/// The name of the change set of a plan. The same plan for the same input gives the same name, in any process.
pub(crate) fn change_set_name(token: &Token, specification: &str) -> String {
    let seed = format!("{token}\n{specification}");
    format!("{PREFIX}{}", &digest(seed.as_bytes())[..32])
}

/// The token of the execution of a change set.
pub(crate) fn execution_token(change_set: &str) -> String {
    format!("{change_set}-x")
}

/// The token of the deletion by which an undo takes a new stack away.
pub(crate) fn deletion_token(change_set: &str) -> String {
    format!("{change_set}-d")
}

#[async_trait]
impl DeployTarget for Stack {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn resource(&self) -> Resource {
        Resource::new(self.place.clone(), KIND, [self.spec.name.as_str()])
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
            Work::Back(back) => apply::back(self, cx, &plan.token, &back, so_far.as_ref()).await?,
            Work::Delete(_) => return Err(super::error::Refusal::OtherSpecification.into()),
        };
        receipt(&watch)
    }

    async fn observe(&self, cx: &Context, receipt: &Receipt, look: Look<'_>) -> Result<Observation> {
        let watch = receipt.read(KIND, VERSION)?;
        let template = self.spec.text();
        observe::observe(&observe::Subject::new(&self.client, &self.spec.name, template), cx, &watch, look)
            .await
    }

    async fn revert(&self, cx: &Context, plan: &Plan, receipt: Option<&Receipt>) -> Result<Revert> {
        let receipt = receipt.map(|receipt| receipt.read::<Watch>(KIND, VERSION)).transpose()?;
        match plan.read::<Work>(KIND, VERSION)? {
            Work::Forward(forward) if !plan.is_empty() => {
                revert::revert(self, cx, &plan.token, &forward, receipt.as_ref()).await
            }
            Work::Delete(work) => deletion::revert(&self.client, cx, &work).await,
            _ => Ok(Revert::NothingToDo),
        }
    }
}

/// A receipt for what is looked at.
pub(crate) fn receipt(watch: &Watch) -> Result<Receipt> {
    let prepares =
        matches!(watch.purpose, Purpose::Busy | Purpose::Recreate | Purpose::BringBack | Purpose::ChangeSet);
    Ok(Receipt::new(KIND, VERSION, summary(watch), watch)?.preparing(prepares))
}

/// What was started, in words.
fn summary(watch: &Watch) -> String {
    let change_set = watch.change_set.as_deref().map(short).unwrap_or_default();
    match watch.purpose {
        Purpose::Busy => "waiting for somebody else's operation of the stack".to_owned(),
        Purpose::Recreate => "the failed stack is deleted, to be created anew".to_owned(),
        Purpose::BringBack => "the failed stack is brought back, to be updated then".to_owned(),
        Purpose::ChangeSet => format!("change set {change_set} is made"),
        Purpose::Create => format!("change set {change_set} is executed: the stack is created"),
        Purpose::Update => format!("change set {change_set} is executed: the stack is updated"),
        Purpose::RollBack => "the stack is rolled back".to_owned(),
        Purpose::Delete => "the stack is deleted".to_owned(),
        Purpose::TakenBack => "this run has taken the stack back already".to_owned(),
        Purpose::Standing => "nothing is to be changed".to_owned(),
        Purpose::Cleared => "what had been made was put away".to_owned(),
        Purpose::Failed => format!("change set {change_set} could not be made"),
    }
}

/// The name in the ARN of a change set or stack.
pub(crate) fn short(arn: &str) -> &str {
    arn.split('/').nth(1).unwrap_or(arn)
}
