//! What it costs to watch 1, 20 and 200 deployments at once, and how late their ends are noticed.
//!
//! `cargo bench --bench poll` measures calls and lateness on a simulated AWS in this process with a paused clock.
//! `cargo bench --bench poll -- http URL SERVICES` deploys to a simulator that is served elsewhere and says nothing:
//! `benches/run.py` measures that process from outside.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement, not a library")]

use std::collections::BTreeMap;

use landfall::auth::{Auth, Flags};
use landfall::aws::environment::Environment;
use landfall::context::Clock;
use landfall::ecs::{EcsService, ServiceSpec};
use landfall::{Context, DeployTargetExt, Place, Policy, StepReport};
use landfall_simulator::{
    Behaviour, BehaviourRule, DEMO_ACCESS_KEY_ID, DEMO_ACCOUNT, DEMO_CLUSTER, DEMO_REGION,
    DEMO_SECRET_ACCESS_KEY, Fault, FaultKind, Simulator, World,
};

/// How long every simulated call takes.
const CALL_MS: u64 = 40;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all();
    match arguments.as_slice() {
        [mode, url, services] if mode == "http" => {
            builder.build().unwrap().block_on(over_http(url, services.parse().unwrap()));
        }
        [] => {
            builder.start_paused(true);
            println!(
                "| deployments | minutes | DescribeServiceDeployments a minute | DescribeServices a minute | \
                 seen late: median | 90 % | worst | calls in all |"
            );
            println!("|---|---|---|---|---|---|---|---|");
            for services in [1, 20, 200] {
                builder.build().unwrap().block_on(in_memory(services));
            }
        }
        other => println!("not understood: {other:?}"),
    }
}

/// Starts all of them as steps of one run, and waits for their ends.
async fn deploy_all(cx: &Context, targets: Vec<EcsService>) -> Vec<StepReport> {
    let steps: Vec<_> = targets
        .into_iter()
        .enumerate()
        .map(|(n, target)| {
            let cx = cx.at_step(&World::fleet_name(n));
            tokio::spawn(async move { target.deploy(&cx, &Policy::default()).await })
        })
        .collect();
    let mut reports = Vec::new();
    for step in steps {
        let report = step.await.unwrap();
        assert_eq!(report.exit_code(), 0, "{:?}", report.verdict);
        reports.push(report);
    }
    reports
}

fn targets(services: usize, place: impl Fn(ServiceSpec) -> EcsService) -> Vec<EcsService> {
    let target = |n| {
        let service = EcsService::builder().cluster(DEMO_CLUSTER).service(World::fleet_name(n));
        place(service.force_new_deployment(true).build().unwrap())
    };
    (0..services).map(target).collect()
}

async fn over_http(url: &str, services: usize) {
    let environment = Environment::from_pairs([
        ("AWS_ENDPOINT_URL".to_owned(), url.to_owned()),
        ("AWS_REGION".to_owned(), DEMO_REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID".to_owned(), DEMO_ACCESS_KEY_ID.to_owned()),
        ("AWS_SECRET_ACCESS_KEY".to_owned(), DEMO_SECRET_ACCESS_KEY.to_owned()),
    ]);
    let cx = Context::builder("bench").build();
    let auth = Auth::detect(environment, &Flags::default()).unwrap();
    let session = auth.connect(&cx).await.unwrap();
    let place = |spec: ServiceSpec| spec.target(&session.config, session.place.clone()).unwrap();
    deploy_all(&cx, targets(services, place)).await;
}

/// Rollouts of many shapes, half a minute to five minutes long.
fn shape(service: u64, services: u64) -> Behaviour {
    let part = |seed: u64, most: u64| (service * seed + 7) % services.max(10) * most / services.max(10);
    Behaviour {
        start_ms: 15_000 + part(37, 240_000),
        healthy_ms: 5_000 + part(53, 15_000),
        drain_ms: 5_000 + part(71, 25_000),
        ..Behaviour::default()
    }
}

async fn in_memory(services: usize) {
    let simulator = Simulator::builder().world(World::demo().with_fleet(services)).build();
    simulator.add_fault(Fault::new("ecs", "*", FaultKind::Delay { ms: CALL_MS }));
    let ecs = simulator.ecs(DEMO_ACCOUNT, DEMO_REGION);
    for n in 0..services {
        let behaviour = shape(n as u64, services as u64);
        ecs.behave(BehaviourRule { family: World::fleet_name(n), behaviour, ..BehaviourRule::default() });
    }
    let clock = Clock::starting_at(simulator.now());
    let cx = Context::builder("bench").clock(clock).build();
    let (config, place) = (simulator.sdk_config(), Place::new("aws", DEMO_ACCOUNT, DEMO_REGION));
    let reports =
        deploy_all(&cx, targets(services, |spec| spec.target(&config, place.clone()).unwrap())).await;
    let mut late: Vec<f64> = Vec::new();
    for (n, report) in reports.iter().enumerate() {
        let own = ecs.service_deployments(DEMO_CLUSTER, &World::fleet_name(n));
        let settled = own.last().unwrap().settled_at.unwrap();
        late.push(report.ended.duration_since(settled).as_secs_f64());
    }
    late.sort_by(f64::total_cmp);
    let took = reports.iter().map(|report| report.ended.duration_since(report.started).as_secs_f64());
    let minutes = took.fold(0.0, f64::max) / 60.0;
    let mut calls: BTreeMap<String, usize> = BTreeMap::new();
    for call in simulator.calls() {
        *calls.entry(call.operation).or_default() += 1;
    }
    let count = |name: &str| calls.get(name).copied().unwrap_or_default() as f64;
    let told: Vec<String> = calls.iter().map(|(name, count)| format!("{name} {count}")).collect();
    println!(
        "| {services} | {minutes:.1} | {:.0} | {:.0} | {:.2} s | {:.2} s | {:.2} s | {} |",
        count("DescribeServiceDeployments") / minutes,
        count("DescribeServices") / minutes,
        late[late.len() / 2],
        late[late.len() * 9 / 10],
        late[late.len() - 1],
        told.join(", "),
    );
}
