//! The rules of the life cycle, each with a scripted target under a paused clock.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::time::Duration;

use landfall_core::context::CancellationToken;
use landfall_core::runtime::Local;
use landfall_core::target::{Undo, run_step};
use landfall_core::{
    Cause, Context, DeployTargetExt, End, Error, ErrorKind, Observation, Outcome, Outputs, Policy, Revert,
    State, StepReport, Undone,
};
use landfall_testkit::{Call, Moment, Recorder, ScriptedTarget};

const SECOND: Duration = Duration::from_secs(1);

fn cx() -> Context {
    Context::builder("run").step("web").build()
}

fn ready() -> Moment {
    Moment::state(State::Ready(Outputs::new().with("url", "https://example.com")))
}

fn ended(end: End) -> Moment {
    Moment::seen(
        Observation::new(State::Ended(end)).with_causes([Cause::new("image-not-found", "no such image")]),
    )
}

fn transient() -> Error {
    Error::new(ErrorKind::Transient, "connection reset")
}

async fn deploy(target: &ScriptedTarget, policy: Policy) -> StepReport {
    target.deploy(&cx(), &policy).await
}

#[tokio::test(start_paused = true)]
async fn a_success_that_was_seen_is_a_success_with_its_outputs() {
    let target = ScriptedTarget::new("web").at(30 * SECOND, ready());
    let report = deploy(&target, Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded);
    assert_eq!(report.verdict.outputs.find("url"), Some("https://example.com"));
    assert_eq!(report.undone, Undone::NotNeeded);
    assert_eq!(report.exit_code(), 0);
    assert_eq!(target.effects(), [("run/web/1".to_owned(), 0)]);
}

#[tokio::test(start_paused = true)]
async fn nothing_to_do_is_said_only_after_what_is_there_was_seen_healthy() {
    let healthy = ScriptedTarget::new("web").without_changes().at(Duration::ZERO, ready());
    let report = deploy(&healthy, Policy::default().without_wait()).await;
    assert_eq!(report.verdict.outcome, Outcome::Unchanged);
    assert_eq!(healthy.looks(), 1);
    let failing = ScriptedTarget::new("web").without_changes().at(Duration::ZERO, ended(End::Failed));
    let report = deploy(&failing, Policy::default()).await;
    assert_eq!((report.exit_code(), &report.undone), (1, &Undone::Kept));
    assert!(!failing.calls().contains(&Call::Revert), "what we did not change is not ours to undo");
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_undone_and_its_causes_are_kept() {
    let target = ScriptedTarget::new("web").at(5 * SECOND, ended(End::Failed)).undo_at(20 * SECOND, ready());
    let report = deploy(&target, Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Ended(End::Failed));
    assert_eq!(report.verdict.causes[0].code, "image-not-found");
    assert_eq!(report.undone, Undone::Reverted);
    assert_eq!(report.exit_code(), 3);
    assert_eq!(target.effects(), [("run/web/1".to_owned(), 0), ("run/web/1/undo".to_owned(), 0)]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_kept_when_the_policy_says_so() {
    let target = ScriptedTarget::new("web").at(5 * SECOND, ended(End::Failed));
    let report = deploy(&target, Policy::default().on_failure(Undo::Keep)).await;
    assert_eq!((report.exit_code(), &report.undone), (1, &Undone::Kept));
    assert_eq!(target.effects().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_undo_that_fails_or_is_impossible_is_told_beside_the_cause() {
    let failing =
        ScriptedTarget::new("web").at(SECOND, ended(End::Failed)).undo_at(SECOND, ended(End::Failed));
    let report = deploy(&failing, Policy::default()).await;
    assert!(matches!(report.undone, Undone::Failed { .. }), "{:?}", report.undone);
    assert_eq!(report.verdict.causes[0].code, "image-not-found");
    assert_eq!(report.exit_code(), 4);
    let impossible = ScriptedTarget::new("web")
        .at(SECOND, ended(End::Failed))
        .revert_answers(Revert::Impossible { reason: "first deployment of the service".into() });
    assert_eq!(deploy(&impossible, Policy::default()).await.exit_code(), 4);
    let refused = ScriptedTarget::new("web")
        .at(SECOND, ended(End::Failed))
        .revert_fails(Error::new(ErrorKind::Denied, "no permission"));
    assert_eq!(deploy(&refused, Policy::default()).await.exit_code(), 4);
}

#[tokio::test(start_paused = true)]
async fn what_aws_rolled_back_and_what_others_replaced_is_left_alone() {
    for (end, code) in
        [(End::RolledBack { to: "web:1".into() }, 3), (End::Superseded { by: "web:3".into() }, 5)]
    {
        let target = ScriptedTarget::new("web").at(SECOND, ended(end));
        let report = deploy(&target, Policy::default()).await;
        assert_eq!((report.exit_code(), &report.undone), (code, &Undone::Kept));
        assert!(!target.calls().contains(&Call::Revert));
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_of_looking_makes_the_outcome_unknown_and_undoes_nothing() {
    let denied = Error::new(ErrorKind::Denied, "not authorized to perform: ecs:DescribeServices");
    let target = ScriptedTarget::new("web").at(SECOND, Moment::Failed(denied.clone()));
    let report = deploy(&target, Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Unknown { error: denied });
    assert_eq!((report.exit_code(), &report.undone), (9, &Undone::Kept));
    let expired = Error::new(ErrorKind::Auth, "the session expired");
    let target = ScriptedTarget::new("web").at(SECOND, Moment::Failed(expired));
    assert_eq!(deploy(&target, Policy::default()).await.exit_code(), 7);
}

#[tokio::test(start_paused = true)]
async fn passing_errors_are_tolerated_for_a_while_but_not_for_ever() {
    let target = ScriptedTarget::new("web").at(SECOND, Moment::Failed(transient())).at(40 * SECOND, ready());
    assert_eq!(deploy(&target, Policy::default()).await.verdict.outcome, Outcome::Succeeded);
    let gone = ScriptedTarget::new("web").at(SECOND, Moment::Failed(transient()));
    let report = deploy(&gone, Policy::default()).await;
    assert_eq!(report.exit_code(), 9);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_the_wait_with_a_last_look_that_may_find_causes() {
    let stuck = Observation::new(State::pending("1 of 2 tasks running"))
        .with_causes([Cause::new("cannot-place", "no instance has room")]);
    let target = ScriptedTarget::new("web").at(Duration::ZERO, Moment::seen(stuck)).undo_at(SECOND, ready());
    let began = tokio::time::Instant::now();
    let report = deploy(&target, Policy::default().timeout(60 * SECOND)).await;
    let waiting_for = "1 of 2 tasks running".to_owned();
    assert_eq!(report.verdict.outcome, Outcome::TimedOut { waiting_for, person: false });
    assert_eq!(report.verdict.causes[0].code, "cannot-place");
    assert_eq!((report.exit_code(), &report.undone), (6, &Undone::Reverted));
    let last: Vec<_> =
        target.calls().into_iter().filter(|call| *call == Call::Observe { last: true }).collect();
    assert_eq!(last.len(), 1);
    assert!(began.elapsed() < 65 * SECOND, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_look_that_hangs_does_not_carry_the_wait_far_past_the_deadline() {
    let target = ScriptedTarget::new("web").at(Duration::ZERO, Moment::Hang);
    let began = tokio::time::Instant::now();
    let report = deploy(&target, Policy::default().timeout(60 * SECOND).on_failure(Undo::Keep)).await;
    assert_eq!(report.exit_code(), 9, "nothing was ever seen: {:?}", report.verdict);
    assert!(began.elapsed() < 91 * SECOND, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_person_has_its_own_exit_code() {
    let paused = State::Pending { waiting_for: "approval of the hook".into(), person: true };
    let target = ScriptedTarget::new("web").at(Duration::ZERO, Moment::state(paused));
    let report = deploy(&target, Policy::default().timeout(60 * SECOND).on_failure(Undo::Keep)).await;
    assert_eq!(report.exit_code(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_of_apply_is_asked_for_again_and_nothing_is_done_twice() {
    let target = ScriptedTarget::new("web").apply_loses_its_answer(transient()).at(SECOND, ready());
    let report = deploy(&target, Policy::default()).await;
    assert_eq!(report.exit_code(), 0);
    assert_eq!(target.effects().len(), 1);
    let calls = target.calls();
    assert_eq!(calls.iter().filter(|call| matches!(call, Call::Apply { .. })).count(), 2);
}

#[tokio::test(start_paused = true)]
async fn apply_is_not_repeated_for_ever_nor_after_a_refusal() {
    let mut target = ScriptedTarget::new("web").revert_answers(Revert::NothingToDo);
    for _ in 0..10 {
        target = target.apply_fails(transient());
    }
    let report = deploy(&target, Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Refused { error: transient() });
    assert_eq!(target.calls().iter().filter(|call| matches!(call, Call::Apply { .. })).count(), 4);
    let denied = ScriptedTarget::new("web")
        .apply_fails(Error::new(ErrorKind::Denied, "no"))
        .revert_answers(Revert::NothingToDo);
    let report = deploy(&denied, Policy::default()).await;
    assert_eq!((report.exit_code(), &report.undone), (1, &Undone::NothingToDo));
    assert!(denied.effects().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_refused_plan_changes_nothing_and_its_kind_decides_the_exit_code() {
    for (kind, code) in
        [(ErrorKind::Invalid, 2), (ErrorKind::Auth, 7), (ErrorKind::NotFound, 1), (ErrorKind::Unsupported, 1)]
    {
        let target = ScriptedTarget::new("web").plan_fails(Error::new(kind, "no"));
        let recorder = Recorder::new();
        let cx = Context::builder("run").observer(std::sync::Arc::new(recorder.clone())).build();
        let report = target.deploy(&cx, &Policy::default()).await;
        assert_eq!(recorder.kinds(), ["started", "verdict", "finished"]);
        assert_eq!((report.exit_code(), &report.undone), (code, &Undone::NotNeeded));
        assert_eq!(target.calls(), [Call::Plan]);
    }
}

#[tokio::test(start_paused = true)]
async fn parts_are_applied_one_after_the_other() {
    let target = ScriptedTarget::new("web").parts(3).at(10 * SECOND, ready());
    let report = deploy(&target, Policy::default()).await;
    assert_eq!(report.exit_code(), 0);
    let parts: Vec<u32> = target.effects().into_iter().map(|(_, part)| part).collect();
    assert_eq!(parts, [0, 1, 2]);
}

async fn cancelled_after(target: &ScriptedTarget, after: Duration, policy: Policy) -> (StepReport, Duration) {
    let token = CancellationToken::new();
    let cx = Context::builder("run").step("web").cancel(token.clone()).build();
    let stop = tokio::spawn(async move {
        tokio::time::sleep(after).await;
        token.cancel();
        tokio::time::Instant::now()
    });
    let report = target.deploy(&cx, &policy).await;
    let ended = tokio::time::Instant::now();
    (report, ended - stop.await.unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_the_wait_at_once_and_leaves_the_deployment_by_default() {
    let pending = State::pending("1 of 2 tasks");
    let target = ScriptedTarget::new("web").at(Duration::ZERO, Moment::state(pending));
    let (report, after) = cancelled_after(&target, 95 * SECOND, Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Cancelled { waiting_for: "1 of 2 tasks".into() });
    assert_eq!((report.exit_code(), &report.undone), (130, &Undone::Kept));
    assert_eq!(after, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_stop_can_undo_and_looks_for_causes_before_it_does() {
    let target = ScriptedTarget::new("web").undo_at(10 * SECOND, ready());
    let (report, _) = cancelled_after(&target, 95 * SECOND, Policy::default().on_cancel(Undo::Revert)).await;
    assert_eq!((report.exit_code(), &report.undone), (130, &Undone::Reverted));
    let calls = target.calls();
    let last = calls.iter().position(|call| *call == Call::Observe { last: true });
    let revert = calls.iter().position(|call| *call == Call::Revert);
    assert!(last.is_some() && last < revert, "{calls:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stop_while_apply_runs_lets_it_end_and_knows_its_receipt() {
    let target = ScriptedTarget::new("web").apply_takes(20 * SECOND);
    let (report, after) = cancelled_after(&target, 5 * SECOND, Policy::default()).await;
    assert_eq!(report.exit_code(), 130);
    assert_eq!(target.effects().len(), 1);
    assert!(report.receipt.is_some());
    assert_eq!(after, 15 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_stop_before_the_plan_changes_nothing() {
    let target = ScriptedTarget::new("web");
    let (report, _) = cancelled_after(&target, Duration::ZERO, Policy::default()).await;
    assert_eq!(report.exit_code(), 130);
    let token = CancellationToken::new();
    token.cancel();
    let untouched = ScriptedTarget::new("web");
    let report = untouched.deploy(&Context::builder("run").cancel(token).build(), &Policy::default()).await;
    assert_eq!((report.exit_code(), untouched.calls().len()), (130, 0));
}

#[tokio::test(start_paused = true)]
async fn without_a_wait_it_is_started_and_not_called_a_success() {
    let target = ScriptedTarget::new("web");
    let report = deploy(&target, Policy::default().without_wait()).await;
    assert_eq!(report.verdict.outcome, Outcome::Started);
    assert_eq!((report.exit_code(), target.looks()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_the_whole_run_bounds_the_step_too() {
    let cx = Context::builder("run").build();
    let soon = cx.clock().now() + jiff::SignedDuration::from_secs(30);
    let cx = Context::builder("run").clock(cx.clock()).deadline(soon).build();
    let target = ScriptedTarget::new("web");
    let began = tokio::time::Instant::now();
    let report = target.deploy(&cx, &Policy::default().on_failure(Undo::Keep)).await;
    assert_eq!(report.exit_code(), 6);
    assert!(began.elapsed() <= 31 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_preview_calls_nothing_but_plan() {
    let target = ScriptedTarget::new("web");
    let plan = target.preview(&cx()).await.unwrap();
    assert_eq!(plan.token.as_str(), "run/web/1");
    assert_eq!(target.calls(), [Call::Plan]);
}

#[tokio::test(start_paused = true)]
async fn every_phase_is_told_in_order_and_news_are_told_once() {
    let recorder = Recorder::new();
    let news = landfall_core::News::new("e1", landfall_core::event::Level::Info, "has started 2 tasks");
    let seen = Observation::new(State::pending("tasks")).with_news([news]);
    let target = ScriptedTarget::new("web").at(Duration::ZERO, Moment::seen(seen)).at(100 * SECOND, ready());
    let cx = Context::builder("run").step("web").observer(std::sync::Arc::new(recorder.clone())).build();
    run_step(&Local::new(cx.clone()), &target, &cx, &Policy::default()).await;
    let kinds = recorder.kinds();
    assert_eq!(kinds[..4], ["started", "planned", "applied", "news"]);
    assert_eq!(recorder.news().len(), 1);
    assert_eq!(kinds.last().map(String::as_str), Some("finished"));
    let beats = kinds.iter().filter(|kind| *kind == "progress").count();
    assert!((4..=7).contains(&beats), "a heartbeat every 15 to 30 s: {kinds:?}");
    let mut ids: Vec<_> = recorder.events().iter().map(|event| (event.record.clone(), event.index)).collect();
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all, "an event is identified by record and index");
}
