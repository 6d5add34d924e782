//! A run that was cut off goes on from its records: killed before and after every recorded value.

use std::collections::BTreeMap;
use std::time::Duration;

use landfall_core::runtime::{Local, Recorded};
use landfall_core::target::run_step;
use landfall_core::{Context, End, Outcome, Outputs, Policy, State, StepReport, Undone};
use landfall_testkit::{Call, Moment, ScriptedTarget};

type Records = BTreeMap<String, Recorded>;

fn cx() -> Context {
    Context::builder("run").step("web").build()
}

async fn run(target: &ScriptedTarget, records: Records) -> (StepReport, Records) {
    let cx = cx();
    let local = Local::resuming(cx.clone(), records);
    let report = run_step(&local, target, &cx, &Policy::default()).await;
    (report, local.records())
}

/// What a process that died after `kept` records would have left behind.
fn cut(all: &Records, order: &[&str], kept: usize) -> Records {
    let names = &order[..kept];
    all.iter()
        .filter(|(name, _)| names.contains(&name.as_str()))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_success_that_was_cut_off_anywhere_is_one_deployment_in_the_end() {
    let order = ["plan", "apply.0", "apply.1", "settled"];
    for kept in 0..=order.len() {
        let target = ScriptedTarget::new("web")
            .parts(2)
            .at(Duration::from_secs(30), Moment::state(State::Ready(Outputs::new().with("revision", "2"))));
        let (whole, records) = run(&target, Records::new()).await;
        assert_eq!(
            records.keys().map(String::as_str).collect::<Vec<_>>(),
            ["apply.0", "apply.1", "plan", "settled"]
        );
        let (again, _) = run(&target, cut(&records, &order, kept)).await;
        assert_eq!(again.verdict, whole.verdict, "after {kept} records");
        assert_eq!(target.effects().len(), 2, "after {kept} records: {:?}", target.effects());
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_with_undo_that_was_cut_off_anywhere_ends_undone_and_keeps_its_verdict() {
    let order = ["plan", "apply.0", "verdict", "undo.plan", "undo.apply.0", "undo.settled", "closed"];
    for kept in 0..=order.len() {
        let target = ScriptedTarget::new("web")
            .at(Duration::from_secs(5), Moment::state(State::Ended(End::Failed)))
            .undo_at(Duration::from_secs(5), Moment::state(State::Ready(Outputs::new())));
        let (_, records) = run(&target, Records::new()).await;
        assert_eq!(records.len(), order.len(), "{:?}", records.keys());
        let (again, _) = run(&target, cut(&records, &order, kept)).await;
        assert_eq!(again.verdict.outcome, Outcome::Ended(End::Failed), "after {kept} records");
        assert_eq!(again.undone, Undone::Reverted, "after {kept} records");
        assert_eq!(target.effects().len(), 2, "after {kept} records: {:?}", target.effects());
    }
}

#[tokio::test(start_paused = true)]
async fn a_recorded_plan_is_never_made_again() {
    let target = ScriptedTarget::new("web").at(Duration::ZERO, Moment::state(State::Ready(Outputs::new())));
    let (_, records) = run(&target, Records::new()).await;
    run(&target, cut(&records, &["plan"], 1)).await;
    assert_eq!(target.calls().iter().filter(|call| **call == Call::Plan).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_could_not_be_awaited_stays_open_for_the_next_call() {
    let target =
        ScriptedTarget::new("web").at(Duration::from_secs(90), Moment::state(State::Ready(Outputs::new())));
    let cx = cx();
    let first = Local::new(cx.clone());
    let short =
        Policy::default().timeout(Duration::from_secs(10)).on_failure(landfall_core::target::Undo::Keep);
    let report = run_step(&first, &target, &cx, &short).await;
    assert_eq!(report.exit_code(), 6);
    assert_eq!(first.records().keys().map(String::as_str).collect::<Vec<_>>(), ["apply.0", "plan"]);
    let (second, _) = run(&target, first.records()).await;
    assert_eq!((second.exit_code(), target.effects().len()), (0, 1));
}
