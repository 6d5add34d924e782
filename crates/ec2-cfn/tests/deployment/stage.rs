//! A simulated AWS, a target that deploys to it, and what was told meanwhile.

use std::sync::{Arc, Mutex};

use landfall_core::context::Clock;
use landfall_core::event::{Event, EventKind};
use landfall_core::runtime::Local;
use landfall_core::target::{Undo, run_step};
use landfall_core::{Context, DeployTarget, Observer, Place, Policy, StepReport};
use landfall_ec2_cfn::deployment::{Deployment, DeploymentBuilder, Revision};
use landfall_simulator::{CodeDeploy, DEMO_ACCOUNT, DEMO_BUCKET, DEMO_REGION, Scenario, Simulator, World};

/// The eTag of `demo/2.zip` as it was pushed, whatever a scenario makes of it.
fn pushed() -> String {
    Simulator::builder().build().s3().object(DEMO_BUCKET, "demo/2.zip").unwrap().etag
}

pub(crate) struct Stage {
    pub(crate) simulator: Simulator,
    told: Arc<Mutex<Vec<Event>>>,
    clock: Clock,
}

impl Stage {
    pub(crate) fn of(scenario: &str) -> Self {
        Self::on(Simulator::builder().scenario(Scenario::named(scenario).unwrap()).build())
    }

    /// A blue/green group in a world that is changed first.
    pub(crate) fn with(change: impl FnOnce(&mut World)) -> Self {
        Self::altered("deployment-ready", change)
    }

    /// A scenario in a world that is changed first.
    pub(crate) fn altered(scenario: &str, change: impl FnOnce(&mut World)) -> Self {
        let mut world = World::demo();
        change(&mut world);
        let scenario = Scenario::named(scenario).unwrap();
        Self::on(Simulator::builder().world(world).scenario(scenario).build())
    }

    /// The demonstration world, changed first.
    pub(crate) fn changed(change: impl FnOnce(&mut World)) -> Self {
        let mut world = World::demo();
        change(&mut world);
        Self::on(Simulator::builder().world(world).build())
    }

    fn on(simulator: Simulator) -> Self {
        let clock = Clock::starting_at(simulator.now());
        Self { simulator, told: Arc::default(), clock }
    }

    pub(crate) fn code_deploy(&self) -> CodeDeploy {
        self.simulator.code_deploy(DEMO_ACCOUNT, DEMO_REGION)
    }

    pub(crate) fn builder(&self) -> DeploymentBuilder {
        let revision = Revision::s3("demo-bucket", "demo/2.zip").with_etag(pushed());
        Deployment::builder().application("demo").deployment_group("demo").revision(&revision)
    }

    pub(crate) fn made(&self, builder: DeploymentBuilder) -> Deployment {
        let place = Place::new("aws", DEMO_ACCOUNT, DEMO_REGION);
        builder.build().unwrap().target(&self.simulator.sdk_config(), place).unwrap()
    }

    pub(crate) fn target(&self) -> Deployment {
        self.made(self.builder())
    }

    pub(crate) fn context(&self, run: &str) -> Context {
        let told = Arc::clone(&self.told);
        let observer: Arc<dyn Observer> =
            Arc::new(move |event: &Event| told.lock().unwrap().push(event.clone()));
        Context::builder(run).clock(self.clock).observer(observer).build()
    }

    /// One whole step in a process of its own, whose records are lost with it.
    pub(crate) async fn run(&self, target: &Deployment, policy: &Policy) -> StepReport {
        self.run_as("demo/1/deploy", target, policy).await
    }

    /// The same as another run.
    pub(crate) async fn run_as(&self, run: &str, target: &Deployment, policy: &Policy) -> StepReport {
        let cx = self.context(run);
        run_step(&Local::new(cx.clone()), target, &cx, policy).await
    }

    /// The lines of the plan.
    pub(crate) async fn planned(&self, target: &Deployment) -> String {
        let plan = DeployTarget::plan(target, &self.context("demo/1/deploy")).await.unwrap();
        plan.changes[0].details.join("\n")
    }

    pub(crate) async fn deploy(&self) -> StepReport {
        self.run(&self.target(), &Policy::default()).await
    }

    pub(crate) fn calls(&self, operation: &str) -> usize {
        self.simulator.count("codedeploy", operation)
    }

    /// The key of the bundle deployed last with success.
    pub(crate) fn live(&self) -> String {
        self.code_deploy().live("demo", "demo")["s3Location"]["key"].as_str().unwrap_or("none").to_owned()
    }

    /// The texts of news and notes, with the code of a note before it.
    pub(crate) fn told(&self) -> Vec<String> {
        let told = self.told.lock().unwrap();
        told.iter()
            .filter_map(|event| match &event.kind {
                EventKind::Note { code, text, .. } => Some(format!("{code}: {text}")),
                EventKind::News { news } => Some(news.text.clone()),
                _ => None,
            })
            .collect()
    }
}

/// Everything of a report, for messages of failing tests.
pub(crate) fn told(report: &StepReport) -> String {
    format!("{:?}\nundone: {:?}", report.verdict, report.undone)
}

/// Leaves what failed as it is.
pub(crate) fn keep() -> Policy {
    Policy::default().on_failure(Undo::Keep)
}
