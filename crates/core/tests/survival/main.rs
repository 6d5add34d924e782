//! Killed at any moment and run again: one effect for each token and part, and the outcome of an undisturbed run.
//!
//! Every call of a [`Runtime`](landfall_core::runtime::Runtime) is a place to die: before it, after its work but
//! before its record, and after its record. The places are counted by an undisturbed run, and each is tried.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod engine;
mod mortal;
mod scenario;

use std::time::Duration;

use landfall_core::StepReport;
use landfall_core::runtime::{Local, Runtime};
use landfall_core::target::run_step;
use landfall_testkit::ScriptedTarget;

use engine::{Engine, Log};
use mortal::{Fuse, Mortal};
use scenario::{Scenario, scenarios};

/// How long nobody runs after a kill: not at all, and longer than any timeout and grace.
const GAPS: [Duration; 2] = [Duration::ZERO, Duration::from_secs(2 * 3600)];

/// The step until its end, or until the fuse kills it.
async fn lived(
    runtime: Box<dyn Runtime + '_>,
    scenario: &Scenario,
    target: &ScriptedTarget,
    fuse: &Fuse,
) -> Option<StepReport> {
    let cx = scenario.context();
    let mortal = Mortal::new(runtime, fuse.clone());
    tokio::select! {
        biased;
        () = fuse.burnt() => None,
        report = run_step(&mortal, target, &cx, &scenario.policy) => Some(report),
    }
}

fn effects(target: &ScriptedTarget) -> Vec<(String, u32)> {
    let mut effects = target.effects();
    effects.sort();
    effects
}

fn assert_same(
    scenario: &Scenario,
    place: usize,
    whole: &(StepReport, Vec<(String, u32)>),
    again: &StepReport,
    target: &ScriptedTarget,
) {
    let at = format!("{}, killed at {place}", scenario.name);
    assert_eq!(again.verdict, whole.0.verdict, "{at}");
    assert_eq!(again.undone, whole.0.undone, "{at}");
    assert_eq!(again.exit_code(), whole.0.exit_code(), "{at}");
    assert_eq!(effects(target), whole.1, "{at}");
}

#[tokio::test(start_paused = true)]
async fn a_run_killed_anywhere_goes_on_from_its_records_to_the_same_end() {
    for scenario in scenarios() {
        let (whole, places) = undisturbed(&scenario).await;
        for (place, gap) in (0..places).flat_map(|place| GAPS.map(|gap| (place, gap))) {
            let target = (scenario.target)();
            let first = Local::new(scenario.context());
            let fuse = Fuse::at(place);
            let dead = lived(Box::new(first.clone()), &scenario, &target, &fuse).await;
            assert!(dead.is_none(), "{}: nobody died at {place}", scenario.name);
            tokio::time::sleep(gap).await;
            let second = Local::resuming(scenario.context(), first.records());
            let again = lived(Box::new(second), &scenario, &target, &Fuse::never()).await.unwrap();
            assert_same(&scenario, place, &whole, &again, &target);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_killed_twice_anywhere_goes_on_to_the_same_end() {
    for scenario in scenarios().into_iter().filter(|scenario| scenario.short) {
        let (whole, places) = undisturbed(&scenario).await;
        for (place, later) in (0..places).flat_map(|place| (0..places).map(move |later| (place, later))) {
            let target = (scenario.target)();
            let mut records = Local::new(scenario.context());
            for fuse in [Fuse::at(place), Fuse::at(later), Fuse::never()] {
                records = Local::resuming(scenario.context(), records.records());
                let Some(again) = lived(Box::new(records.clone()), &scenario, &target, &fuse).await else {
                    continue;
                };
                assert_same(&scenario, place * 1000 + later, &whole, &again, &target);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_over_is_told_again_and_touches_nothing() {
    for scenario in scenarios().into_iter().filter(|scenario| scenario.closes) {
        let target = (scenario.target)();
        let first = Local::new(scenario.context());
        let whole = lived(Box::new(first.clone()), &scenario, &target, &Fuse::never()).await.unwrap();
        let calls = target.calls().len();
        for gap in GAPS {
            tokio::time::sleep(gap).await;
            let second = Local::resuming(scenario.context(), first.records());
            let again = lived(Box::new(second), &scenario, &target, &Fuse::never()).await.unwrap();
            assert_eq!(
                (again.verdict, again.undone),
                (whole.verdict.clone(), whole.undone.clone()),
                "{}",
                scenario.name
            );
            assert_eq!(
                (again.plan, again.receipt),
                (whole.plan.clone(), whole.receipt.clone()),
                "{}",
                scenario.name
            );
            assert_eq!(target.calls().len(), calls, "{}: {:?}", scenario.name, target.calls());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_replays_every_call_in_order_drives_the_same_function() {
    for scenario in scenarios() {
        let (whole, places) = undisturbed(&scenario).await;
        for (place, gap) in (0..places).flat_map(|place| GAPS.map(|gap| (place, gap))) {
            let target = (scenario.target)();
            let log = Log::default();
            let fuse = Fuse::at(place);
            let first = Engine::new(scenario.context(), log.clone());
            lived(Box::new(first), &scenario, &target, &fuse).await;
            tokio::time::sleep(gap).await;
            let second = Engine::new(scenario.context(), log.clone());
            let again = lived(Box::new(second), &scenario, &target, &Fuse::never()).await.unwrap();
            if gap.is_zero() {
                assert_same(&scenario, place, &whole, &again, &target);
            }
            let lost = 1;
            assert!(
                target.calls().len() <= log.works() + lost,
                "{}: a call outside of the seam, killed at {place}",
                scenario.name
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_replays_a_run_that_is_over_calls_nothing() {
    for scenario in scenarios() {
        let target = (scenario.target)();
        let log = Log::default();
        let first = Engine::new(scenario.context(), log.clone());
        let whole = lived(Box::new(first), &scenario, &target, &Fuse::never()).await.unwrap();
        let (calls, entries) = (target.calls().len(), log.len());
        let second = Engine::new(scenario.context(), log.clone());
        let again = lived(Box::new(second), &scenario, &target, &Fuse::never()).await.unwrap();
        assert_eq!((again.verdict, again.undone), (whole.verdict, whole.undone), "{}", scenario.name);
        assert_eq!((target.calls().len(), log.len()), (calls, entries), "{}", scenario.name);
    }
}

/// How it ends when nobody dies, with its effects, and how many places to die it has.
async fn undisturbed(scenario: &Scenario) -> ((StepReport, Vec<(String, u32)>), usize) {
    let target = (scenario.target)();
    let fuse = Fuse::never();
    let report = lived(Box::new(Local::new(scenario.context())), scenario, &target, &fuse).await.unwrap();
    ((report, effects(&target)), fuse.passed())
}
