//! A simulated AWS, a target that deploys to it, and what was told meanwhile.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use landfall_core::context::Clock;
use landfall_core::event::{Event, EventKind};
use landfall_core::runtime::Local;
use landfall_core::target::{Undo, run_step};
use landfall_core::{Context, Observer, Place, Policy, StepReport};
use landfall_ecs::{EcsService, EcsServiceBuilder};
use landfall_simulator::{
    DEMO_ACCOUNT, DEMO_CLUSTER, DEMO_REGION, DEMO_SERVICE, Ecs, Scenario, ServiceDeploymentView, Simulator,
};

/// The image that tests deploy.
pub(crate) const IMAGE: &str = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/demo/web:1.2";

pub(crate) struct Stage {
    pub(crate) simulator: Simulator,
    told: Arc<Mutex<Vec<Event>>>,
    clock: Clock,
}

impl Stage {
    pub(crate) fn of(scenario: &str) -> Self {
        Self::with(Simulator::builder().scenario(Scenario::named(scenario).unwrap()).build())
    }

    pub(crate) fn with(simulator: Simulator) -> Self {
        let clock = Clock::starting_at(simulator.now());
        Self { simulator, told: Arc::default(), clock }
    }

    pub(crate) fn ecs(&self) -> Ecs {
        self.simulator.ecs(DEMO_ACCOUNT, DEMO_REGION)
    }

    /// A target with nothing but its names.
    pub(crate) fn builder(&self) -> EcsServiceBuilder {
        EcsService::builder().cluster(DEMO_CLUSTER).service(DEMO_SERVICE)
    }

    /// The target of a builder, in the demonstration's place.
    pub(crate) fn made(&self, builder: EcsServiceBuilder) -> EcsService {
        let place = Place::new("aws", DEMO_ACCOUNT, DEMO_REGION);
        builder.build().unwrap().target(&self.simulator.sdk_config(), place).unwrap()
    }

    /// A target that deploys the live task definition with another image.
    pub(crate) fn target(&self) -> EcsService {
        self.made(self.builder().image("web", IMAGE))
    }

    pub(crate) fn context(&self, run: &str) -> Context {
        let told = Arc::clone(&self.told);
        let observer: Arc<dyn Observer> =
            Arc::new(move |event: &Event| told.lock().unwrap().push(event.clone()));
        Context::builder(run).clock(self.clock).observer(observer).build()
    }

    /// One whole step in a process of its own, whose records are lost with it.
    pub(crate) async fn run(&self, target: &EcsService, policy: &Policy) -> StepReport {
        let cx = self.context("demo/1/deploy/production");
        run_step(&Local::new(cx.clone()), target, &cx, policy).await
    }

    pub(crate) async fn deploy(&self) -> StepReport {
        self.run(&self.target(), &Policy::default()).await
    }

    pub(crate) fn calls(&self, operation: &str) -> usize {
        self.simulator.count("ecs", operation)
    }

    /// Names of the operations that changed something, in order.
    pub(crate) fn writes(&self) -> Vec<String> {
        self.simulator.writes().into_iter().map(|call| call.operation).collect()
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.told.lock().unwrap().clone()
    }

    pub(crate) fn notes(&self) -> Vec<String> {
        let told = self.told.lock().unwrap();
        told.iter()
            .filter_map(|event| match &event.kind {
                EventKind::Note { code, .. } => Some(code.clone()),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn news(&self) -> Vec<String> {
        let told = self.told.lock().unwrap();
        told.iter()
            .filter_map(|event| match &event.kind {
                EventKind::News { news } => Some(news.text.clone()),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn waited_for(&self) -> Vec<String> {
        let told = self.told.lock().unwrap();
        told.iter()
            .filter_map(|event| match &event.kind {
                EventKind::Progress { waiting_for, .. } => Some(waiting_for.clone()),
                _ => None,
            })
            .collect()
    }

    /// The service deployments since the start of the test.
    pub(crate) fn new_deployments(&self) -> Vec<ServiceDeploymentView> {
        let start = Timestamp::constant(1_767_225_600, 0);
        let all = self.ecs().service_deployments(DEMO_CLUSTER, DEMO_SERVICE);
        all.into_iter().filter(|deployment| deployment.created_at >= start).collect()
    }

    pub(crate) fn revisions(&self) -> usize {
        self.ecs().task_definitions("web").len()
    }

    /// The task definition of the primary deployment, as `family:revision`.
    pub(crate) fn live(&self) -> String {
        let deployments = self.ecs().deployments(DEMO_CLUSTER, DEMO_SERVICE);
        let primary = deployments.iter().find(|deployment| deployment.primary).unwrap();
        primary.task_definition.rsplit('/').next().unwrap().to_owned()
    }

    /// Milliseconds from the deployment's end in AWS to the verdict.
    pub(crate) fn lateness_ms(&self, report: &StepReport) -> i128 {
        let settled = self.new_deployments().last().unwrap().settled_at.unwrap();
        report.ended.duration_since(settled).as_millis()
    }

    /// All events, as an observer would write them.
    pub(crate) fn everything_told(&self) -> String {
        serde_json::to_string(&*self.told.lock().unwrap()).unwrap()
    }
}

/// The codes of a verdict's causes.
pub(crate) fn codes(report: &StepReport) -> Vec<&str> {
    report.verdict.causes.iter().map(|cause| cause.code.as_str()).collect()
}

/// Everything about a report, for a failed assertion.
pub(crate) fn told(report: &StepReport) -> String {
    let causes: Vec<String> = report.verdict.causes.iter().map(landfall_core::Cause::report).collect();
    format!("{:?}, undone {:?}, causes:\n{}", report.verdict.outcome, report.undone, causes.join("\n"))
}

pub(crate) fn keep() -> Policy {
    Policy::default().on_failure(Undo::Keep)
}
