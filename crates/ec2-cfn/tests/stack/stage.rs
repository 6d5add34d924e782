//! A simulated AWS, a target that deploys to it, and what was told meanwhile.

use std::sync::{Arc, Mutex};

use landfall_core::context::Clock;
use landfall_core::event::{Event, EventKind};
use landfall_core::runtime::Local;
use landfall_core::target::{Undo, run_step};
use landfall_core::{Context, DeployTarget, Observer, Place, Policy, StepReport};
use landfall_ec2_cfn::stack::{Stack, StackBuilder, TemplateSource};
use landfall_simulator::{CloudFormation, DEMO_ACCOUNT, DEMO_REGION, Simulator, StackView, World};
use serde_json::json;

/// The template that tests deploy.
pub(crate) const TEMPLATE: &str = include_str!("templates/queue.yaml");

/// The stack that tests update.
pub(crate) const NAME: &str = "web";

pub(crate) struct Stage {
    pub(crate) simulator: Simulator,
    told: Arc<Mutex<Vec<Event>>>,
    clock: Clock,
}

impl Stage {
    /// No stack.
    pub(crate) fn new() -> Self {
        Self::with(Simulator::builder().build())
    }

    /// A stack `web` made of an earlier template.
    pub(crate) fn updating() -> Self {
        Self::seeded(json!({ "template": earlier(TEMPLATE), "parameters": { "Stage": "test" } }))
    }

    /// A stack `web` as the world says.
    pub(crate) fn seeded(stack: serde_json::Value) -> Self {
        let mut world = World::demo();
        let seed = serde_json::from_value(stack).unwrap();
        world.account(DEMO_ACCOUNT).region(DEMO_REGION).stacks.insert(NAME.to_owned(), seed);
        Self::with(Simulator::builder().world(world).build())
    }

    pub(crate) fn with(simulator: Simulator) -> Self {
        let clock = Clock::starting_at(simulator.now());
        Self { simulator, told: Arc::default(), clock }
    }

    pub(crate) fn aws(&self) -> CloudFormation {
        self.simulator.cloudformation(DEMO_ACCOUNT, DEMO_REGION)
    }

    pub(crate) fn builder(&self) -> StackBuilder {
        Stack::builder().name(NAME).template(TemplateSource::text("queue.yaml", TEMPLATE))
    }

    /// The target of a builder, in the demonstration's place.
    pub(crate) fn made(&self, builder: StackBuilder) -> Stack {
        let place = Place::new("aws", DEMO_ACCOUNT, DEMO_REGION);
        builder.build().unwrap().target(&self.simulator.sdk_config(), place).unwrap()
    }

    pub(crate) fn target(&self) -> Stack {
        self.made(self.builder())
    }

    pub(crate) fn context(&self, run: &str) -> Context {
        let told = Arc::clone(&self.told);
        let observer: Arc<dyn Observer> =
            Arc::new(move |event: &Event| told.lock().unwrap().push(event.clone()));
        Context::builder(run).clock(self.clock).observer(observer).build()
    }

    /// One whole step in a process of its own, whose records are lost with it.
    pub(crate) async fn run(&self, target: &dyn DeployTarget, policy: &Policy) -> StepReport {
        let cx = self.context("demo/1/deploy/production");
        run_step(&Local::new(cx.clone()), target, &cx, policy).await
    }

    pub(crate) async fn deploy(&self) -> StepReport {
        self.run(&self.target(), &Policy::default()).await
    }

    /// Names of the operations that changed something, in order.
    pub(crate) fn writes(&self) -> Vec<String> {
        self.simulator.writes().into_iter().map(|call| call.operation).collect()
    }

    pub(crate) fn calls(&self, operation: &str) -> usize {
        self.simulator.count("cloudformation", operation)
    }

    pub(crate) fn stack(&self) -> StackView {
        self.aws().stack(NAME).unwrap()
    }

    fn client(&self) -> aws_sdk_cloudformation::Client {
        aws_sdk_cloudformation::Client::new(&self.simulator.sdk_config())
    }

    /// ARNs of the stack's change sets.
    pub(crate) async fn change_set_arns(&self) -> Vec<String> {
        let listed = self.client().list_change_sets().stack_name(NAME).send().await.unwrap();
        listed.summaries().iter().map(|one| one.change_set_id().unwrap().to_owned()).collect()
    }

    /// What the stack's change sets say of themselves.
    pub(crate) async fn descriptions(&self) -> Vec<String> {
        let listed = self.client().list_change_sets().stack_name(NAME).send().await.unwrap();
        listed.summaries().iter().map(|one| one.description().unwrap_or_default().to_owned()).collect()
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

    pub(crate) fn notes(&self) -> Vec<String> {
        let told = self.told.lock().unwrap();
        told.iter()
            .filter_map(|event| match &event.kind {
                EventKind::Note { code, .. } => Some(code.clone()),
                _ => None,
            })
            .collect()
    }

    /// All events, as an observer would write them.
    pub(crate) fn everything_told(&self) -> String {
        serde_json::to_string(&*self.told.lock().unwrap()).unwrap()
    }
}

/// The template as it was before: without the alarm, and with another retention.
pub(crate) fn earlier(template: &str) -> String {
    let (before, _) = template.split_once("  # since the second version\n").unwrap();
    let (_, outputs) = template.split_once("Outputs:\n").unwrap();
    format!("{}Outputs:\n{outputs}", before.replace("1209600", "345600"))
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
