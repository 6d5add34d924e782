//! A simulated AWS, a folder, and a release between them.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use landfall_core::context::Clock;
use landfall_core::journal::{Journal, MemoryJournal};
use landfall_core::pipeline::PipelineBuilder;
use landfall_core::{Context, Place, Report};
use landfall_ec2_cfn::bundle::{Bundle, BundleBuilder};
use landfall_ec2_cfn::deployment::{Deployment, DeploymentBuilder};
use landfall_ec2_cfn::release::{ReleaseBuilder, release};
use landfall_ec2_cfn::stack::{Stack, StackBuilder, TemplateSource};
use landfall_simulator::{
    Bucket, CodeDeploy, DEMO_ACCOUNT, DEMO_BUCKET, DEMO_REGION, ObjectView, Scenario, Simulator, StackView,
    World,
};
use serde_json::json;
use tempfile::TempDir;

pub(crate) const TEMPLATE: &str = include_str!("shop.yaml");
pub(crate) const NAME: &str = "shop";

pub(crate) struct Stage {
    pub(crate) simulator: Simulator,
    pub(crate) folder: TempDir,
    journal: Arc<dyn Journal>,
    clock: Clock,
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

impl Stage {
    /// No stack; applications and buckets of the demonstration.
    pub(crate) fn new() -> Self {
        Self::with(World::demo(), "good")
    }

    /// There is the stack of an earlier release already.
    pub(crate) fn updating(scenario: &str) -> Self {
        let mut world = World::demo();
        let seed =
            serde_json::from_value(json!({ "template": TEMPLATE.replace("t3.micro", "t3.nano") })).unwrap();
        world.account(DEMO_ACCOUNT).region(DEMO_REGION).stacks.insert(NAME.to_owned(), seed);
        Self::with(world, scenario)
    }

    /// The bucket keeps no versions.
    pub(crate) fn without_versions() -> Self {
        let mut world = World::demo();
        let buckets = &mut world.account(DEMO_ACCOUNT).region(DEMO_REGION).buckets;
        buckets.insert(DEMO_BUCKET.to_owned(), Bucket::default());
        Self::with(world, "good")
    }

    pub(crate) fn with(world: World, scenario: &str) -> Self {
        let scenario = Scenario::named(scenario).unwrap();
        let simulator = Simulator::builder().world(world).scenario(scenario).build();
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "appspec.yml", "version: 0.0\nos: linux\n");
        write(folder.path(), "index.html", "<h1>shop</h1>\n");
        let clock = Clock::starting_at(simulator.now());
        Self { simulator, folder, journal: Arc::new(MemoryJournal::new()), clock }
    }

    pub(crate) fn stack(&self) -> StackBuilder {
        Stack::builder().name(NAME).template(TemplateSource::text("shop.yaml", TEMPLATE))
    }

    pub(crate) fn bundle(&self) -> BundleBuilder {
        Bundle::builder().source(self.folder.path()).prefix("web/")
    }

    pub(crate) fn deployment(&self) -> DeploymentBuilder {
        Deployment::builder().application("demo").deployment_group("demo")
    }

    /// All that can be known is known beforehand.
    pub(crate) fn known(&self) -> ReleaseBuilder {
        release(self.stack(), self.bundle().bucket(DEMO_BUCKET), self.deployment())
    }

    /// All that the stack can tell is taken from it.
    pub(crate) fn told(&self) -> ReleaseBuilder {
        release(self.stack(), self.bundle(), Deployment::builder())
            .bucket_from("Bundles")
            .application_from("Application")
            .deployment_group_from("DeploymentGroup")
    }

    pub(crate) fn made(&self, release: ReleaseBuilder) -> PipelineBuilder {
        let place = Place::new("aws", DEMO_ACCOUNT, DEMO_REGION);
        release.build().unwrap().pipeline(&self.simulator.sdk_config(), &place).unwrap()
    }

    pub(crate) fn context(&self, run: &str) -> Context {
        Context::builder(run).step("release").clock(self.clock).journal(Arc::clone(&self.journal)).build()
    }

    pub(crate) async fn run(&self, release: ReleaseBuilder) -> Report {
        self.run_pipeline(self.made(release)).await
    }

    pub(crate) async fn run_pipeline(&self, pipeline: PipelineBuilder) -> Report {
        pipeline.build().unwrap().run(&self.context("shop/81/release/production")).await
    }

    /// The same in a process that knows nothing of others.
    pub(crate) fn without_its_journal(self) -> Self {
        Self { journal: Arc::new(MemoryJournal::new()), ..self }
    }

    /// When the first call of this operation was answered.
    pub(crate) fn at(&self, operation: &str) -> Timestamp {
        let calls = self.simulator.calls();
        calls
            .into_iter()
            .find(|call| call.operation == operation)
            .unwrap_or_else(|| panic!("no {operation}"))
            .at
    }

    /// When the stack got this status.
    pub(crate) fn status_at(&self, status: &str) -> Timestamp {
        let events = self.simulator.cloudformation(DEMO_ACCOUNT, DEMO_REGION).events(NAME);
        let found = events.iter().rev().find(|event| event.logical == NAME && event.status == status);
        found.unwrap_or_else(|| panic!("never {status}: {events:?}")).at
    }

    pub(crate) fn writes(&self) -> Vec<String> {
        self.simulator.writes().into_iter().map(|call| call.operation).collect()
    }

    pub(crate) fn code_deploy(&self) -> CodeDeploy {
        self.simulator.code_deploy(DEMO_ACCOUNT, DEMO_REGION)
    }

    /// The revision deployed last with success: the S3 location.
    pub(crate) fn live(&self) -> serde_json::Value {
        self.code_deploy().live("demo", "demo")["s3Location"].clone()
    }

    pub(crate) fn there(&self) -> Option<StackView> {
        self.simulator.cloudformation(DEMO_ACCOUNT, DEMO_REGION).stack(NAME)
    }

    /// What releases have brought to the bucket, delete markers included.
    pub(crate) fn objects(&self) -> Vec<ObjectView> {
        let mut all = self.simulator.s3().versions(DEMO_BUCKET);
        all.retain(|object| object.key.starts_with("web/"));
        all
    }
}
