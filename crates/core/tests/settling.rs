//! What becomes of a change, over several processes and after a stop.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::time::Duration;

use landfall_core::context::CancellationToken;
use landfall_core::runtime::{Local, Recorded};
use landfall_core::target::{Undo, run_step, undo_step};
use landfall_core::{
    Context, DeployTarget, DeployTargetExt, End, Error, ErrorKind, Outcome, Outputs, Policy, Revert, State,
    StepReport, Undone,
};
use landfall_testkit::{Call, Moment, ScriptedTarget};

const SECOND: Duration = Duration::from_secs(1);

type Records = BTreeMap<String, Recorded>;

fn cx() -> Context {
    Context::builder("run").step("web").build()
}

fn ready() -> Moment {
    Moment::state(State::Ready(Outputs::new()))
}

fn ended(end: End) -> Moment {
    Moment::state(State::Ended(end))
}

async fn run(target: &ScriptedTarget, policy: &Policy, records: Records) -> (StepReport, Records) {
    let local = Local::resuming(cx(), records);
    (run_step(&local, target, &cx(), policy).await, local.records())
}

fn without(mut records: Records, names: &[&str]) -> Records {
    records.retain(|name, _| !names.contains(&name.as_str()));
    records
}

#[tokio::test(start_paused = true)]
async fn a_step_that_was_undone_later_is_not_called_a_success_by_the_next_call() {
    let target = ScriptedTarget::new("web").at(SECOND, ready()).undo_at(SECOND, ready());
    let (report, records) = run(&target, &Policy::default(), Records::new()).await;
    let local = Local::resuming(cx(), records);
    let policy = Policy::default();
    let plan = report.plan.unwrap();
    let undone = undo_step(&local, &target, &cx(), &policy, &plan, report.receipt.as_ref()).await;
    assert_eq!(undone, Undone::Reverted);
    let closed = local.records();
    let cut_off = without(closed.clone(), &["closed", "undo.settled"]);
    for records in [closed, cut_off] {
        let (again, _) = run(&target, &policy, records).await;
        assert_eq!((&again.undone, again.exit_code(), again.is_success()), (&Undone::Reverted, 3, false));
        assert_eq!(target.effects().len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn an_undo_that_was_begun_is_carried_to_its_end_whatever_the_policy_of_the_next_call() {
    let late = ScriptedTarget::new("web").undo_at(SECOND, ready());
    let failing = late.clone().at(SECOND, ended(End::Failed));
    for (target, begun) in [(failing, &["undo.apply.0"][..]), (late, &["undo.plan", "undo.apply.0"])] {
        let minute = Policy::default().timeout(60 * SECOND);
        let (_, records) = run(&target, &minute, Records::new()).await;
        let cut_off = without(without(records, &["closed", "undo.settled"]), begun);
        let (again, _) = run(&target, &minute.on_failure(Undo::Keep), cut_off).await;
        assert_eq!(again.undone, Undone::Reverted);
    }
}

#[tokio::test(start_paused = true)]
async fn an_undo_that_could_not_be_seen_stays_open_and_the_next_call_attaches_to_it() {
    let expired = Error::new(ErrorKind::Auth, "the session expired");
    let target = ScriptedTarget::new("web")
        .at(SECOND, ended(End::Failed))
        .undo_at(SECOND, Moment::Failed(expired))
        .undo_at(60 * SECOND, ready());
    let (report, records) = run(&target, &Policy::default(), Records::new()).await;
    assert_eq!(report.exit_code(), 4);
    tokio::time::sleep(60 * SECOND).await;
    let (again, _) = run(&target, &Policy::default(), records).await;
    assert_eq!((&again.undone, target.effects().len()), (&Undone::Reverted, 2));
}

#[tokio::test(start_paused = true)]
async fn records_that_cannot_be_read_make_the_outcome_unknown_and_touch_nothing() {
    let target = ScriptedTarget::new("web").at(SECOND, ended(End::Failed)).undo_at(SECOND, ready());
    let (_, records) = run(&target, &Policy::default(), Records::new()).await;
    let after = ["verdict", "undo.plan", "undo.apply.0", "undo.settled", "closed"];
    for (name, later) in [("plan", &after[..]), ("apply.0", &after), ("verdict", &after[1..])] {
        let mut records = without(records.clone(), later);
        records.get_mut(name).unwrap().value = Ok(serde_json::json!({ "of": "another version" }));
        let calls = target.calls().len();
        let (again, _) = run(&target, &Policy::default(), records).await;
        assert_eq!((again.exit_code(), &again.undone), (9, &Undone::Kept), "{name}: {:?}", again.verdict);
        assert_eq!(target.calls().len(), calls, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_after_an_effect_is_not_reported_as_if_nothing_was_changed() {
    let target = ScriptedTarget::new("web")
        .undo_at(SECOND, ready())
        .apply_loses_its_answer(Error::new(ErrorKind::Transient, "connection reset"))
        .apply_fails(Error::invalid("no such field"));
    let report = target.deploy(&cx(), &Policy::default()).await;
    assert!(matches!(report.verdict.outcome, Outcome::Refused { .. }));
    assert_eq!((report.exit_code(), &report.undone), (3, &Undone::Reverted));
}

/// The report of a step that somebody stopped after so many milliseconds.
async fn stopped(target: &ScriptedTarget, after: u64, policy: &Policy) -> StepReport {
    let token = CancellationToken::new();
    let cx = Context::builder("run").step("web").cancel(token.clone()).build();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(after)).await;
        token.cancel();
    });
    target.deploy(&cx, policy).await
}

#[tokio::test(start_paused = true)]
async fn a_stop_in_any_phase_ends_the_step_in_order() {
    let lost = Error::new(ErrorKind::Transient, "connection reset");
    let target = || {
        ScriptedTarget::new("web")
            .plan_takes(SECOND)
            .apply_takes(SECOND)
            .look_takes(SECOND)
            .apply_loses_its_answer(lost.clone())
            .undo_at(SECOND, ready())
    };
    let undo = Policy::default().on_cancel(Undo::Revert);
    for after in (50..12_000).step_by(100) {
        let kept = target();
        let report = stopped(&kept, after, &Policy::default()).await;
        assert_eq!(report.exit_code(), 130, "after {after} ms");
        assert!(kept.effects().len() <= 1 && !kept.calls().contains(&Call::Revert), "after {after} ms");
        let Outcome::Cancelled { waiting_for } = &report.verdict.outcome else {
            panic!("{after} ms: {report:?}")
        };
        let begun = kept.calls().iter().any(|call| matches!(call, Call::Apply { .. }));
        let seen = after > 6000;
        assert!(begun || waiting_for.is_empty(), "after {after} ms: {waiting_for}");
        assert!(!seen || !waiting_for.is_empty(), "after {after} ms");

        let undone = target();
        let report = stopped(&undone, after, &undo).await;
        let forward = undone.effects().iter().any(|(token, _)| token == "run/web/1");
        assert_eq!(report.exit_code(), 130, "after {after} ms");
        assert!(!forward || report.undone == Undone::Reverted, "after {after} ms: {:?}", report.undone);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_undo_what_others_have_replaced_or_aws_has_rolled_back() {
    for end in [End::Superseded { by: "web:3".into() }, End::RolledBack { to: "web:1".into() }] {
        let target = ScriptedTarget::new("web")
            .at(Duration::ZERO, Moment::state(State::pending("tasks")))
            .at(19 * SECOND, ended(end.clone()));
        let pace =
            landfall_core::wait::Pace { longest: 60 * SECOND, first: 60 * SECOND, ..Default::default() };
        let policy = Policy::default().on_cancel(Undo::Revert).pace(pace);
        let report = stopped(&target, 20_000, &policy).await;
        assert_eq!((&report.verdict.outcome, &report.undone), (&Outcome::Ended(end), &Undone::Kept));
        assert!(!target.calls().contains(&Call::Revert));
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_stop_request_does_not_interrupt_an_undo() {
    let target = ScriptedTarget::new("web").at(SECOND, ended(End::Failed)).undo_at(30 * SECOND, ready());
    let report = stopped(&target, 10_000, &Policy::default()).await;
    assert_eq!((report.exit_code(), &report.undone), (3, &Undone::Reverted));
}

#[tokio::test(start_paused = true)]
async fn boxed_and_shared_targets_are_deployed_like_any_other_from_any_task() {
    let target = ScriptedTarget::new("web").at(SECOND, ready()).revert_answers(Revert::NothingToDo);
    let boxed: Box<dyn DeployTarget> = Box::new(target.clone());
    let shared: std::sync::Arc<dyn DeployTarget> = std::sync::Arc::new(target);
    let first = tokio::spawn(async move { boxed.deploy(&cx(), &Policy::default()).await });
    assert!(first.await.unwrap().is_success());
    let second = tokio::spawn(async move {
        shared.preview(&cx()).await.unwrap();
        shared.deploy(&cx(), &Policy::default()).await
    });
    assert!(second.await.unwrap().is_success());
}

#[tokio::test(start_paused = true)]
async fn the_future_of_a_step_fits_on_any_stack() {
    let target = ScriptedTarget::new("web");
    let (cx, policy) = (cx(), Policy::default());
    let local = Local::new(cx.clone());
    let size = size_of_val(&run_step(&local, &target, &cx, &policy));
    assert!(size < 8 * 1024, "{size} bytes");
}

#[tokio::test(start_paused = true)]
async fn credentials_that_ended_before_a_later_part_leave_the_attempt_open_for_new_ones() {
    let expired = Error::new(ErrorKind::Auth, "the session expired");
    let target = ScriptedTarget::new("web").apply_fails(expired.clone()).at(SECOND, ready());
    let target = target.revert_fails(expired);
    let (report, records) = run(&target, &Policy::default(), Records::new()).await;
    assert_eq!((report.exit_code(), &report.undone), (7, &Undone::Kept), "an undo could not sign in either");
    let (again, _) = run(&target, &Policy::default(), records).await;
    assert_eq!((again.exit_code(), target.effects().len()), (0, 1), "with others the same call goes on");
}
