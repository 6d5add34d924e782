//! One deployment behind something that changes answers, and what must be true of its report.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use landfall_core::context::Clock;
use landfall_core::event::{Event, EventKind};
use landfall_core::runtime::Local;
use landfall_core::target::{Undo, run_step};
use landfall_core::{Context, Error, Outcome, Place, Policy, StepReport};
use landfall_ecs::EcsService;
use landfall_simulator::{
    DEMO_ACCOUNT, DEMO_CLUSTER, DEMO_REGION, DEMO_SECRET_ACCESS_KEY, DEMO_SERVICE, Outcome as Made, Scenario,
    Simulator, World,
};
use serde_json::json;

use crate::chance::Chance;
use crate::garble::Garble;

const NEW_IMAGE: &str = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/demo/web:1.2";
const LIVE_IMAGE: &str = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/demo/web:1.1";
const SECRET: &str = "canary-value-of-an-environment";
const TIMEOUT: Duration = Duration::from_secs(240);

/// A look that hangs is cut after 30 seconds; the rest is the pause between the calls of the last one.
const LATEST: SignedDuration = SignedDuration::from_secs(240 + 30 + 5);

/// The operations that an error may be about.
const NAMES: [&str; 13] = [
    "DescribeServices",
    "UpdateService",
    "ListServiceDeployments",
    "DescribeServiceDeployments",
    "DescribeServiceRevisions",
    "StopServiceDeployment",
    "DescribeTaskDefinition",
    "RegisterTaskDefinition",
    "ListTaskDefinitions",
    "ListServices",
    "ListClusters",
    "ListTasks",
    "DescribeTasks",
];

pub(crate) struct Ran {
    pub(crate) simulator: Simulator,
    pub(crate) report: StepReport,
    pub(crate) events: Vec<Event>,
    image: &'static str,
    undo: Undo,
}

/// Deploys with the faults that follow from a seed, and checks what is said.
pub(crate) fn deployed(seed: u64) {
    let garble = Garble::of(seed);
    let mut chance = Chance::of(seed ^ 0x1f);
    let scenario = chance.one_of(&[
        "good",
        "good",
        "slow-good",
        "crash",
        "never-settles",
        "superseded",
        "service-deployments-denied",
        "manual-stop",
    ]);
    let image = chance.one_of(&[NEW_IMAGE, NEW_IMAGE, NEW_IMAGE, LIVE_IMAGE]);
    let undo = chance.one_of(&[Undo::Keep, Undo::Revert]);
    let what = format!("seed {seed}: {scenario}, {image}, {undo:?}, {garble:?}");
    let ran = on_paused_clock(deploy(scenario, image, undo, garble));
    ran.is_true(&what);
}

/// Deploys a new image with one fault, keeping what comes of it.
pub(crate) fn deployed_with(scenario: &str, garble: Garble) -> Ran {
    let what = format!("{scenario}, {garble:?}");
    let ran = on_paused_clock(deploy(scenario, NEW_IMAGE, Undo::Keep, garble));
    ran.is_true(&what);
    ran
}

fn on_paused_clock<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(work)
}

/// The demonstration world with a secret where nobody should keep one.
fn world() -> World {
    let mut world = World::demo();
    let region = world.account(DEMO_ACCOUNT).region(DEMO_REGION);
    for document in region.task_definitions.values_mut().flatten() {
        document["containerDefinitions"][0]["environment"] = json!([{ "name": "KEY", "value": SECRET }]);
    }
    world
}

async fn deploy(scenario: &str, image: &'static str, undo: Undo, garble: Garble) -> Ran {
    let scenario = Scenario::named(scenario).unwrap();
    let simulator = Simulator::builder().world(world()).scenario(scenario).build();
    let http = simulator.http_client_altering(move |answered| garble.apply(answered));
    let config = simulator.sdk_config().into_builder().http_client(http).build();
    let wanted = EcsService::builder().cluster(DEMO_CLUSTER).service(DEMO_SERVICE).image("web", image);
    let place = Place::new("aws", DEMO_ACCOUNT, DEMO_REGION);
    let target = wanted.build().unwrap().target(&config, place).unwrap();
    let told: Arc<Mutex<Vec<Event>>> = Arc::default();
    let ears = Arc::clone(&told);
    let cx = Context::builder("demo/1/deploy/production")
        .clock(Clock::starting_at(simulator.now()))
        .observer(Arc::new(move |event: &Event| ears.lock().unwrap().push(event.clone())))
        .build();
    let policy = Policy::default().timeout(TIMEOUT).grace(TIMEOUT).on_failure(undo);
    let report = run_step(&Local::new(cx.clone()), &target, &cx, &policy).await;
    let events = told.lock().unwrap().clone();
    Ran { simulator, report, events, image, undo }
}

impl Ran {
    /// Everything that holds whatever the server said.
    pub(crate) fn is_true(&self, what: &str) {
        let told = format!("{what}\n{:?}, undone {:?}", self.report.verdict.outcome, self.report.undone);
        self.success_is_one(&told);
        self.ends_in_time(&told);
        self.changes_once(&told);
        self.keeps_secrets(&told);
        match &self.report.verdict.outcome {
            Outcome::Refused { error } | Outcome::Unknown { error } => names_a_call(error, &told),
            _ => {}
        }
    }

    fn success_is_one(&self, told: &str) {
        if !matches!(self.report.verdict.outcome, Outcome::Succeeded | Outcome::Unchanged) {
            return;
        }
        let ecs = self.simulator.ecs(DEMO_ACCOUNT, DEMO_REGION);
        let deployments = ecs.deployments(DEMO_CLUSTER, DEMO_SERVICE);
        let primary = deployments.iter().find(|deployment| deployment.primary).unwrap();
        let revision = ecs.task_definitions("web").into_iter().find(|it| it.arn == primary.task_definition);
        assert!(revision.unwrap().json.contains(self.image), "PRIMARY runs another image: {told}");
        assert_eq!(primary.rollout_state, "COMPLETED", "{told}");
        let history = ecs.service_deployments(DEMO_CLUSTER, DEMO_SERVICE);
        let ours = history.iter().find(|it| it.deployment_id == primary.id).unwrap();
        assert_eq!(ours.status, "SUCCESSFUL", "{told}");
    }

    fn ends_in_time(&self, told: &str) {
        let at =
            |wanted: fn(&EventKind) -> bool| self.events.iter().find(|it| wanted(&it.kind)).map(|it| it.at);
        let planned = at(|kind| matches!(kind, EventKind::Planned { .. })).unwrap_or(self.report.started);
        let verdict = at(|kind| matches!(kind, EventKind::Verdict { .. })).unwrap_or(self.report.ended);
        let took = verdict.duration_since(planned);
        assert!(took <= LATEST, "{took:?}: {told}");
        let plan = planned.duration_since(self.report.started);
        assert!(plan <= LATEST, "{plan:?}: {told}");
        let undo = self.report.ended.duration_since(verdict);
        assert!(undo <= LATEST + LATEST, "{undo:?}: {told}");
    }

    /// One deployment forward and one back at most.
    fn changes_once(&self, told: &str) {
        let updates = self
            .simulator
            .writes()
            .iter()
            .filter(|it| it.operation == "UpdateService" && it.outcome == Made::Answered)
            .count();
        let most = if self.undo == Undo::Keep { 1 } else { 2 };
        assert!(updates <= most, "{updates} UpdateService: {told}");
        let start = Timestamp::constant(1_767_225_600, 0);
        let ecs = self.simulator.ecs(DEMO_ACCOUNT, DEMO_REGION);
        let history = ecs.service_deployments(DEMO_CLUSTER, DEMO_SERVICE);
        let new = history.iter().filter(|it| it.created_at >= start).count();
        assert!(new <= 3, "{new} deployments, that of the scenario included: {told}");
        let registered = ecs.task_definitions("web").len() - 2;
        assert!(registered <= 1, "{registered} revisions were registered: {told}");
    }

    fn keeps_secrets(&self, told: &str) {
        let said = format!("{} {:?}", serde_json::to_string(&self.events).unwrap(), self.report);
        for secret in [SECRET, DEMO_SECRET_ACCESS_KEY] {
            assert!(!said.contains(secret), "{secret} was told: {told}");
        }
    }
}

fn names_a_call(error: &Error, told: &str) {
    let report = error.report();
    let said = NAMES.iter().any(|name| report.contains(name));
    assert!(said || names_the_finding(&report), "no operation is named: {report}\n{told}");
}

/// Findings about what was read, which say what they are about.
fn names_the_finding(report: &str) -> bool {
    ["service `web`", "task definition", "cluster `demo`"].iter().any(|words| report.contains(words))
}
