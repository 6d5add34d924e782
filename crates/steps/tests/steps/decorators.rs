use std::time::Duration;

use landfall_core::{
    Cause, Context, DeployTarget, DeployTargetExt, End, Error, ErrorKind, Observation, Outcome, Outputs,
    Policy, Revert, State, StepReport, Undone,
};
use landfall_steps::{Retry, Timeout};
use landfall_testkit::{Moment, Recorder, ScriptedTarget};

const SECOND: Duration = Duration::from_secs(1);

fn ready() -> Moment {
    Moment::state(State::Ready(Outputs::new()))
}

fn failing() -> ScriptedTarget {
    let failed = Observation::new(State::Ended(End::Failed)).with_causes([Cause::new("x", "no image")]);
    ScriptedTarget::new("web").at(5 * SECOND, Moment::seen(failed)).undo_at(5 * SECOND, ready())
}

async fn deploy(target: impl DeployTarget) -> StepReport {
    target.deploy(&Context::builder("run").step("web").build(), &Policy::default()).await
}

fn tokens(target: &ScriptedTarget) -> Vec<String> {
    target.effects().into_iter().map(|(token, _)| token).collect()
}

#[tokio::test(start_paused = true)]
async fn a_step_that_fails_is_undone_and_made_again_as_often_as_was_said() {
    let target = failing();
    let recorder = Recorder::new();
    let cx = Context::builder("run").step("web").observer(std::sync::Arc::new(recorder.clone())).build();
    let report = Retry::new(target.clone(), 3).deploy(&cx, &Policy::default()).await;
    assert_eq!((report.exit_code(), &report.undone), (3, &Undone::Reverted));
    assert_eq!(report.verdict.causes[0].message, "no image");
    let expected = [
        "run/web/1",
        "run/web/1/try-1/undo",
        "run/web/1/try-2",
        "run/web/1/try-2/undo",
        "run/web/1/try-3",
        "run/web/1/undo",
    ];
    assert_eq!(tokens(&target), expected, "the last undo is the life cycle's own");
    let retries = recorder.notes().into_iter().filter(|(code, _)| code == "retry").count();
    assert_eq!(retries, 2);
}

#[tokio::test(start_paused = true)]
async fn an_error_of_a_named_kind_is_tried_again_and_others_are_not() {
    let denied = || Error::new(ErrorKind::Denied, "not yet");
    let target = ScriptedTarget::new("web").apply_fails(denied()).apply_fails(denied()).at(SECOND, ready());
    let target = target.revert_answers(Revert::NothingToDo);
    let retried = Retry::new(target.clone(), 3).on_errors([ErrorKind::Denied]);
    assert_eq!(deploy(retried).await.verdict.outcome, Outcome::Succeeded);
    assert_eq!(tokens(&target), ["run/web/1/try-3"]);
    let target = ScriptedTarget::new("web").apply_fails(denied()).revert_answers(Revert::NothingToDo);
    let other = Retry::new(target, 3).on_errors([ErrorKind::Rejected]);
    assert_eq!(deploy(other).await.exit_code(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_error_that_may_pass_is_tried_again_with_the_same_plan_which_finds_its_own_effect() {
    let lost = Error::new(ErrorKind::Transient, "connection reset");
    let target = ScriptedTarget::new("web").apply_loses_its_answer(lost).at(SECOND, ready());
    let report = deploy(Retry::new(target.clone(), 3).on_errors([ErrorKind::Transient])).await;
    assert_eq!((report.verdict.outcome, tokens(&target)), (Outcome::Succeeded, vec!["run/web/1".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn what_a_refused_try_did_even_so_is_undone_before_the_next() {
    let denied = Error::new(ErrorKind::Denied, "not yet");
    let target = ScriptedTarget::new("web").apply_loses_its_answer(denied).at(SECOND, ready());
    let target = target.undo_at(SECOND, ready());
    let report = deploy(Retry::new(target.clone(), 3).on_errors([ErrorKind::Denied])).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded);
    assert_eq!(tokens(&target), ["run/web/1", "run/web/1/try-1/undo", "run/web/1/try-2"]);
}

#[tokio::test(start_paused = true)]
async fn an_undo_of_a_try_that_fails_is_told_beside_why_the_try_failed() {
    let stuck = Observation::new(State::Ended(End::Failed)).with_causes([Cause::new("y", "no capacity")]);
    let failed = Observation::new(State::Ended(End::Failed)).with_causes([Cause::new("x", "no image")]);
    let target = ScriptedTarget::new("web").at(SECOND, Moment::seen(failed));
    let report = deploy(Retry::new(target.undo_at(SECOND, Moment::seen(stuck)), 3)).await;
    let causes: Vec<_> = report.verdict.causes.iter().map(|cause| cause.message.as_str()).collect();
    assert_eq!(causes, ["no image", "the undo of try 1 did not come to its end", "no capacity"]);
    assert_eq!(report.exit_code(), 4);
}

#[tokio::test(start_paused = true)]
async fn an_undo_that_cannot_be_told_does_not_hide_why_the_try_failed() {
    let unknown = Error::new(ErrorKind::Denied, "its history cannot be read");
    let report = deploy(Retry::new(failing().revert_fails(unknown), 3)).await;
    let causes: Vec<_> = report.verdict.causes.iter().map(|cause| cause.message.as_str()).collect();
    assert_eq!((causes[0], report.verdict.outcome), ("no image", Outcome::Ended(End::Failed)));
    assert!(causes[1].contains("its history cannot be read"), "{causes:?}");
}

#[tokio::test(start_paused = true)]
async fn an_undo_that_finds_nothing_to_change_is_followed_by_the_next_try() {
    let failed = Moment::state(State::Ended(End::Failed));
    let target = ScriptedTarget::new("web").at(SECOND, failed);
    let target = target.undo_at(SECOND, Moment::state(State::Unchanged(Outputs::new())));
    let report = deploy(Retry::new(target.clone(), 2)).await;
    assert_eq!(report.verdict.outcome, Outcome::Ended(End::Failed));
    assert!(tokens(&target).contains(&"run/web/1/try-2".to_owned()), "{:?}", target.effects());
}

#[tokio::test(start_paused = true)]
async fn what_was_rolled_back_or_cannot_be_undone_is_not_made_again() {
    let ended = |end| ScriptedTarget::new("web").at(SECOND, Moment::state(State::Ended(end)));
    let rolled_back = ended(End::RolledBack { to: "web:1".into() });
    assert_eq!(deploy(Retry::new(rolled_back.clone(), 3)).await.exit_code(), 3);
    assert_eq!(rolled_back.effects().len(), 1);
    let stuck = ended(End::Failed).revert_answers(Revert::Impossible { reason: "first deployment".into() });
    assert_eq!(deploy(Retry::new(stuck.clone(), 3)).await.exit_code(), 4);
    assert_eq!(stuck.effects().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_takes_too_long_has_failed_and_its_undo_has_its_own_time() {
    let slow = ScriptedTarget::new("web").at(600 * SECOND, ready()).undo_at(300 * SECOND, ready());
    let report = deploy(Timeout::new(slow, 60 * SECOND)).await;
    assert_eq!((report.exit_code(), &report.undone), (3, &Undone::Reverted));
    let cause = report.verdict.causes.last().unwrap();
    assert_eq!((cause.code.as_str(), &report.verdict.outcome), ("timeout", &Outcome::Ended(End::Failed)));
    let quick = ScriptedTarget::new("web").parts(3).at(30 * SECOND, ready());
    assert_eq!(deploy(Timeout::new(quick, 60 * SECOND)).await.exit_code(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_takes_too_long_can_be_made_again() {
    let slow = ScriptedTarget::new("web").at(600 * SECOND, ready()).undo_at(SECOND, ready());
    let report = deploy(Retry::new(Timeout::new(slow.clone(), 60 * SECOND), 2)).await;
    assert_eq!(report.exit_code(), 3);
    assert!(tokens(&slow).contains(&"run/web/1/try-2".to_owned()), "{:?}", slow.effects());
}
