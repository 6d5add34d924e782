//! What waiting costs, and how late it notices.

use std::collections::BTreeMap;

use landfall_core::{Outcome, Policy};
use landfall_simulator::{Behaviour, BehaviourRule};

use crate::stage::{Stage, told};

fn by_operation(stage: &Stage) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for call in stage.simulator.calls() {
        *counts.entry(call.operation).or_default() += 1;
    }
    counts
}

#[tokio::test(start_paused = true)]
async fn waiting_costs_at_most_120_calls_in_ten_minutes() {
    for (scenario, most) in [("good", 30), ("slow-good", 50), ("long", 120)] {
        let stage = Stage::of(scenario);
        let report = stage.deploy().await;
        assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
        let calls = stage.simulator.calls().len();
        println!(
            "{scenario}: {calls} calls, {} ms late, {:?}",
            stage.lateness_ms(&report),
            by_operation(&stage)
        );
        assert!(calls <= most, "{scenario}: {calls} calls {:?}", by_operation(&stage));
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_in_trouble_for_half_an_hour_costs_no_more_than_a_call_in_three_seconds() {
    for scenario in ["never-settles", "unable-to-place", "image-not-found-no-breaker"] {
        let stage = Stage::of(scenario);
        stage.deploy().await;
        let calls = stage.simulator.calls().len();
        println!("{scenario}: {calls} calls in half an hour, {:?}", by_operation(&stage));
        assert!(calls <= 600, "{scenario}: {calls} calls {:?}", by_operation(&stage));
    }
}

/// Deploys with this behaviour of the tasks: how late the end was noticed, in milliseconds, and for how many calls.
async fn measured(behaviour: Behaviour) -> (u128, usize) {
    let stage = Stage::of("good");
    stage.ecs().behave(BehaviourRule::everything(behaviour));
    let report = stage.run(&stage.target(), &Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    (stage.lateness_ms(&report).unsigned_abs(), stage.simulator.calls().len())
}

fn sorted(mut late: Vec<u128>, what: &str) -> Vec<u128> {
    late.sort_unstable();
    let last = late.len() - 1;
    println!(
        "{what}: late by ms: median {}, 90th {}, worst {}",
        late[last / 2],
        late[last * 9 / 10],
        late[last]
    );
    late
}

#[tokio::test(start_paused = true)]
async fn the_end_is_noticed_within_a_second_in_the_median() {
    let mut late = Vec::new();
    for seed in 0..40_u64 {
        let behaviour = Behaviour {
            start_ms: 2_000 + seed * 1_700,
            healthy_ms: 700 + seed * 310,
            drain_ms: 1_000 + seed * 530,
            ..Behaviour::default()
        };
        late.push(measured(behaviour).await.0);
    }
    let late = sorted(late, "up to two minutes");
    assert!(late[20] <= 1_000, "{late:?}");
    assert!(late[39] <= 10_000, "{late:?}");
}

#[tokio::test(start_paused = true)]
async fn the_end_of_ten_minutes_is_noticed_within_a_second_in_the_median_for_120_calls() {
    let mut late = Vec::new();
    let mut most = 0;
    for seed in 0..20_u64 {
        // Minutes of pulling and starting, then health checks, then a deregistration delay of up to half a minute.
        let behaviour = Behaviour {
            start_ms: 480_000 + seed * 3_700,
            healthy_ms: 20_000 + seed * 1_310,
            drain_ms: 5_000 + seed * 1_130,
            ..Behaviour::default()
        };
        let (by, calls) = measured(behaviour).await;
        late.push(by);
        most = most.max(calls);
    }
    println!("ten minutes: at most {most} calls");
    let late = sorted(late, "ten minutes");
    assert!(late[10] <= 1_000, "{late:?}");
    assert!(most <= 120, "{most}");
}
