//! Many services deployed at once: what the common calls cost, how late they notice, and that nobody is told of
//! another's deployment.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use landfall_core::context::{CancellationToken, Clock, Shared};
use landfall_core::event::{Event, EventKind};
use landfall_core::runtime::Local;
use landfall_core::target::run_step;
use landfall_core::{
    Context, DeployTarget, End, Look, Observation, Observer, Outcome, Place, Plan, Policy, Receipt, Resource,
    Result, Revert, StepReport,
};
use landfall_ecs::EcsService;
use landfall_simulator::{
    Behaviour, BehaviourRule, DEMO_ACCOUNT, DEMO_CLUSTER, DEMO_REGION, Denial, Ecs, Failure, Fault,
    FaultKind, RevisionAge, Simulator, World,
};

use crate::stage::{IMAGE, told};

/// How long every call takes.
const CALL_MS: u64 = 40;

fn world(services: usize) -> World {
    World::demo().with_fleet(services)
}

fn name(n: usize) -> String {
    World::fleet_name(n)
}

/// Behaviour of the tasks of one service's new revisions.
fn of_service(n: usize, behaviour: Behaviour) -> BehaviourRule {
    BehaviourRule { family: name(n), revisions: RevisionAge::New, behaviour, ..BehaviourRule::default() }
}

/// A target whose looks are counted.
#[derive(Debug, Clone)]
struct Counted {
    service: EcsService,
    looks: Arc<AtomicUsize>,
}

#[async_trait]
impl DeployTarget for Counted {
    fn kind(&self) -> &'static str {
        self.service.kind()
    }
    fn resource(&self) -> Resource {
        self.service.resource()
    }
    fn specification(&self) -> String {
        self.service.specification()
    }
    async fn plan(&self, cx: &Context) -> Result<Plan> {
        self.service.plan(cx).await
    }
    async fn apply(&self, cx: &Context, plan: &Plan, so_far: Option<&Receipt>) -> Result<Receipt> {
        self.service.apply(cx, plan, so_far).await
    }
    async fn observe(&self, cx: &Context, receipt: &Receipt, look: Look<'_>) -> Result<Observation> {
        self.looks.fetch_add(1, Ordering::Relaxed);
        self.service.observe(cx, receipt, look).await
    }
    async fn revert(&self, cx: &Context, plan: &Plan, receipt: Option<&Receipt>) -> Result<Revert> {
        self.service.revert(cx, plan, receipt).await
    }
}

/// Services that are deployed at once by the steps of one run.
struct Fleet {
    simulator: Simulator,
    cx: Context,
    notes: Arc<std::sync::Mutex<Vec<(String, String)>>>,
    targets: Vec<Counted>,
}

impl Fleet {
    fn new(world: World, services: usize, restart: bool) -> Self {
        let simulator = Simulator::builder().world(world).build();
        simulator.add_fault(Fault::new("ecs", "*", FaultKind::Delay { ms: CALL_MS }));
        let notes: Arc<std::sync::Mutex<Vec<(String, String)>>> = Arc::default();
        let heard = Arc::clone(&notes);
        let observer: Arc<dyn Observer> = Arc::new(move |event: &Event| {
            if let EventKind::Note { code, .. } = &event.kind {
                heard.lock().unwrap().push((event.step.clone(), code.clone()));
            }
        });
        let clock = Clock::starting_at(simulator.now());
        let cx = Context::builder("demo/1/deploy/production").clock(clock).observer(observer).build();
        let (config, place) = (simulator.sdk_config(), Place::new("aws", DEMO_ACCOUNT, DEMO_REGION));
        let target = |n: usize| {
            let builder = EcsService::builder().cluster(DEMO_CLUSTER).service(name(n));
            let builder =
                if restart { builder.force_new_deployment(true) } else { builder.image("web", IMAGE) };
            let service = builder.build().unwrap().target(&config, place.clone()).unwrap();
            Counted { service, looks: Arc::default() }
        };
        let targets = (0..services).map(target).collect();
        Self { simulator, cx, notes, targets }
    }

    fn ecs(&self) -> Ecs {
        self.simulator.ecs(DEMO_ACCOUNT, DEMO_REGION)
    }

    fn behave(&self, behaviour: impl Fn(usize) -> Behaviour) {
        for n in 0..self.targets.len() {
            self.ecs().behave(of_service(n, behaviour(n)));
        }
    }

    /// Deploys them all, service `n` in the context `cx(n)`.
    async fn deploy_in(&self, cx: impl Fn(usize) -> Context) -> Vec<StepReport> {
        let steps: Vec<_> = (0..self.targets.len())
            .map(|n| {
                let (target, cx) = (self.targets[n].clone(), cx(n));
                tokio::spawn(async move {
                    run_step(&Local::new(cx.clone()), &target, &cx, &Policy::default()).await
                })
            })
            .collect();
        let mut reports = Vec::new();
        for step in steps {
            reports.push(step.await.unwrap());
        }
        reports
    }

    async fn deploy(&self) -> Vec<StepReport> {
        self.deploy_in(|n| self.cx.at_step(&name(n))).await
    }

    /// Looks of the one that looked most often: how many rounds there were.
    fn rounds(&self) -> usize {
        self.targets.iter().map(|target| target.looks.load(Ordering::Relaxed)).max().unwrap()
    }

    /// DescribeServiceDeployments, and looks of the one that looked most often, between two seconds.
    async fn between(&self, from: u64, to: u64) -> (usize, usize) {
        let looks = || -> Vec<usize> {
            self.targets.iter().map(|target| target.looks.load(Ordering::Relaxed)).collect()
        };
        tokio::time::sleep(Duration::from_secs(from)).await;
        let (calls, before) = (self.calls("DescribeServiceDeployments"), looks());
        tokio::time::sleep(Duration::from_secs(to - from)).await;
        let rounds = looks().iter().zip(before).map(|(after, before)| after - before).max();
        (self.calls("DescribeServiceDeployments") - calls, rounds.unwrap())
    }

    fn calls(&self, operation: &str) -> usize {
        self.simulator.count("ecs", operation)
    }

    /// Milliseconds from the end of each service's own deployment to the end of its step, sorted.
    fn late_ms(&self, reports: &[StepReport]) -> Vec<i128> {
        let late = |(n, report): (usize, &StepReport)| {
            let all = self.ecs().service_deployments(DEMO_CLUSTER, &name(n));
            report.ended.duration_since(all.last().unwrap().settled_at.unwrap()).as_millis()
        };
        let mut late: Vec<i128> = reports.iter().enumerate().map(late).collect();
        late.sort_unstable();
        late
    }
}

fn print(fleet: &Fleet, what: &str, late: &[i128]) {
    println!(
        "{what}: {} rounds, {} DescribeServiceDeployments, {} DescribeServices; late by ms: median {}, worst {}",
        fleet.rounds(),
        fleet.calls("DescribeServiceDeployments"),
        fleet.calls("DescribeServices"),
        late[late.len() / 2],
        late[late.len() - 1],
    );
}

#[tokio::test(start_paused = true)]
async fn twenty_deployments_are_watched_with_one_call_a_round() {
    let fleet = Fleet::new(world(20), 20, false);
    fleet.behave(|_| Behaviour {
        start_ms: 240_000,
        healthy_ms: 20_000,
        drain_ms: 20_000,
        ..Behaviour::default()
    });
    let (quiet, reports) = tokio::join!(fleet.between(60, 180), fleet.deploy());
    for report in &reports {
        assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(report));
    }
    let late = fleet.late_ms(&reports);
    print(&fleet, "twenty", &late);
    // They end at one moment, so this is one case and not twenty: a quick pause, and two calls.
    assert!(late[0] >= 0 && late[19] <= 2_000, "{late:?}");
    let (calls, rounds) = quiet;
    assert!(calls >= 5 && calls <= rounds, "while nothing moves: {calls} calls in {rounds} rounds");
    // What each learns about its service (ten a call) makes the pauses of some shorter for a while than those of
    // others, and the first one to look does not know of the others yet.
    let (calls, rounds) = (fleet.calls("DescribeServiceDeployments"), fleet.rounds());
    assert!(calls <= rounds + rounds / 3 + 1, "{calls} calls in {rounds} rounds");
}

#[tokio::test(start_paused = true)]
async fn deployments_of_all_shapes_share_calls_and_are_noticed_within_a_second_in_the_median() {
    let mut all = Vec::new();
    for run in 0..3_u64 {
        let fleet = Fleet::new(world(20), 20, false);
        fleet.behave(|n| Behaviour {
            start_ms: 20_000 + n as u64 * 5_000 + run * 370,
            healthy_ms: 5_000 + n as u64 * 700 + run * 130,
            drain_ms: 3_000 + n as u64 * 900,
            ..Behaviour::default()
        });
        let reports = fleet.deploy().await;
        let late = fleet.late_ms(&reports);
        let looks: usize = fleet.targets.iter().map(|target| target.looks.load(Ordering::Relaxed)).sum();
        print(&fleet, &format!("twenty shapes, {looks} looks"), &late);
        let calls = fleet.calls("DescribeServiceDeployments");
        assert!(calls * 3 <= looks, "{calls} calls for {looks} looks");
        all.extend(late);
    }
    all.sort_unstable();
    println!("sixty shapes: late by ms: median {}, 90 % {}, worst {}", all[30], all[54], all[59]);
    assert!(all[0] >= 0 && all[30] <= 1_000 && all[59] <= 10_000, "{all:?}");
}

#[tokio::test(start_paused = true)]
async fn sixty_deployments_take_three_calls_a_round() {
    let fleet = Fleet::new(world(60), 60, true);
    let slow = Behaviour { start_ms: 150_000, ..Behaviour::default() };
    fleet.ecs().behave(BehaviourRule::everything(slow));
    let (quiet, reports) = tokio::join!(fleet.between(45, 140), fleet.deploy());
    let late = fleet.late_ms(&reports);
    print(&fleet, "sixty", &late);
    let (calls, rounds) = quiet;
    assert!(calls >= 3 * 5 && calls <= 3 * (rounds + 1), "{calls} calls in {rounds} rounds");
    assert!(reports.iter().all(|report| report.verdict.outcome == Outcome::Succeeded));
}

#[tokio::test(start_paused = true)]
async fn each_verdict_is_its_own_when_half_of_the_deployments_fail() {
    let fleet = Fleet::new(world(20), 20, false);
    fleet.behave(|n| Behaviour {
        start_ms: 4_000 + n as u64 * 3_000,
        failure: (n % 2 == 1).then_some(Failure::ImageNotFound),
        ..Behaviour::default()
    });
    let reports = fleet.deploy().await;
    for (n, report) in reports.iter().enumerate() {
        let own = fleet.ecs().service_deployments(DEMO_CLUSTER, &name(n));
        let own = own.last().unwrap();
        match &report.verdict.outcome {
            Outcome::Succeeded => {
                assert_eq!((n % 2, own.status.as_str()), (0, "SUCCESSFUL"), "{}", told(report));
                let arn = report.verdict.outputs.find("service_deployment_arn");
                assert_eq!(arn, Some(own.arn.as_str()));
            }
            Outcome::Ended(End::RolledBack { .. }) => {
                assert_eq!((n % 2, own.status.as_str()), (1, "ROLLBACK_SUCCESSFUL"), "{}", told(report));
            }
            other => panic!("{other:?}: {}", told(report)),
        }
    }
    let late = fleet.late_ms(&reports);
    print(&fleet, "half fail", &late);
    assert!(late[0] >= 0, "a verdict came before the end of its deployment: {late:?}");
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_may_not_be_described_does_not_spoil_the_others() {
    let mut world = world(20);
    let denied = Denial::of("ecs:DescribeServiceDeployments").on("*:service-deployment/demo/s007/*");
    world.account(DEMO_ACCOUNT).denied.push(denied);
    let fleet = Fleet::new(world, 20, false);
    fleet.behave(|_| Behaviour { start_ms: 60_000, ..Behaviour::default() });
    let reports = fleet.deploy().await;
    for report in &reports {
        assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(report));
    }
    let blind: Vec<String> = fleet
        .notes
        .lock()
        .unwrap()
        .iter()
        .filter(|note| note.1 == "service-deployment-unseen")
        .map(|note| note.0.clone())
        .collect();
    assert_eq!(blind, ["deploy/s007"]);
    // The refused call, and all of its names once more.
    assert!(fleet.calls("DescribeServiceDeployments") <= fleet.rounds() + 2 + 20);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_stopped_leaves_the_wait_of_the_others_as_it_was() {
    let fleet = Fleet::new(world(10), 10, false);
    fleet.behave(|_| Behaviour { start_ms: 60_000, ..Behaviour::default() });
    let shared = Arc::new(Shared::default());
    let token = CancellationToken::new();
    let clock = fleet.cx.clock();
    let contexts = |n: usize| {
        let builder = Context::builder(format!("run-{n}")).clock(clock).shared(Arc::clone(&shared));
        if n == 0 { builder.cancel(token.clone()).build() } else { builder.build() }
    };
    let stop = async {
        tokio::time::sleep(Duration::from_secs(30)).await;
        token.cancel();
        Timestamp::UNIX_EPOCH
    };
    let (_, reports) = tokio::join!(stop, fleet.deploy_in(contexts));
    assert!(matches!(reports[0].verdict.outcome, Outcome::Cancelled { .. }), "{}", told(&reports[0]));
    for report in &reports[1..] {
        assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(report));
    }
    assert!(fleet.calls("DescribeServiceDeployments") <= fleet.rounds() + 3);
}

#[tokio::test(start_paused = true)]
async fn runs_with_other_credentials_share_nothing() {
    let fleet = Fleet::new(world(2), 2, false);
    fleet.behave(|_| Behaviour { start_ms: 30_000, ..Behaviour::default() });
    let mut own = Fleet { targets: fleet.targets.clone(), notes: Arc::default(), ..fleet };
    let builder = EcsService::builder().cluster(DEMO_CLUSTER).service(name(1)).image("web", IMAGE);
    let place = Place::new("aws", DEMO_ACCOUNT, DEMO_REGION);
    // A provider of its own, even of the same user's keys, is another caller.
    own.targets[1].service = builder.build().unwrap().target(&own.simulator.sdk_config(), place).unwrap();
    own.deploy().await;
    let looks: usize = own.targets.iter().map(|target| target.looks.load(Ordering::Relaxed)).sum();
    let resolving = own.calls("ListServiceDeployments");
    assert!(own.calls("DescribeServiceDeployments") + resolving >= looks, "each look made its own call");
}
