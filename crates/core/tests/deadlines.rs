//! What the deadline ends, what it leaves alone, and numbers at the edge of what can be counted.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use landfall_core::context::Clock;
use landfall_core::target::Undo;
use landfall_core::wait::Pace;
use landfall_core::{
    Context, DeployTargetExt, End, Error, ErrorKind, Observation, Outcome, Outputs, Policy, Progress, State,
    StepReport, Undone,
};
use landfall_testkit::{Call, Moment, ScriptedTarget};

const SECOND: Duration = Duration::from_secs(1);

fn ready() -> Moment {
    Moment::state(State::Ready(Outputs::new()))
}

fn transient() -> Error {
    Error::new(ErrorKind::Transient, "connection reset")
}

fn applies(target: &ScriptedTarget) -> usize {
    target.calls().iter().filter(|call| matches!(call, Call::Apply { .. })).count()
}

async fn deploy(target: &ScriptedTarget, policy: &Policy) -> StepReport {
    target.deploy(&Context::builder("run").step("web").build(), policy).await
}

/// A context whose whole run ends this many seconds from now.
fn ends_in(seconds: i64) -> Context {
    let clock = Clock::start();
    let deadline = clock.now() + SignedDuration::from_secs(seconds);
    Context::builder("run").step("web").clock(clock).deadline(deadline).build()
}

#[tokio::test(start_paused = true)]
async fn no_further_part_is_begun_after_the_deadline() {
    let target = ScriptedTarget::new("web").parts(5).apply_takes(20 * SECOND).undo_at(SECOND, ready());
    let report = deploy(&target, &Policy::default().timeout(30 * SECOND)).await;
    assert!(matches!(report.verdict.outcome, Outcome::TimedOut { .. }), "{:?}", report.verdict);
    let forward = target.effects().iter().filter(|(token, _)| !token.ends_with("/undo")).count();
    assert_eq!((forward, &report.undone), (2, &Undone::Reverted));
}

#[tokio::test(start_paused = true)]
async fn apply_is_not_tried_again_after_the_deadline() {
    let failing = |count| (0..count).fold(ScriptedTarget::new("web"), |t, _| t.apply_fails(transient()));
    let target = failing(9).apply_takes(20 * SECOND);
    let policy = Policy::default().timeout(30 * SECOND).on_failure(Undo::Keep);
    let report = deploy(&target, &policy).await;
    assert_eq!(report.verdict.outcome, Outcome::Refused { error: transient() });
    assert_eq!(applies(&target), 2, "one at 0 s, one at 21 s, none at 42 s");
}

#[tokio::test(start_paused = true)]
async fn an_undo_has_its_own_time_when_that_of_the_run_is_over() {
    let target = ScriptedTarget::new("web").undo_at(20 * SECOND, ready());
    let report = target.deploy(&ends_in(30), &Policy::default()).await;
    assert!(matches!(report.verdict.outcome, Outcome::TimedOut { .. }));
    assert_eq!(report.undone, Undone::Reverted);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_begun_when_the_time_of_the_run_is_over() {
    let target = ScriptedTarget::new("web");
    let report = target.deploy(&ends_in(0), &Policy::default()).await;
    assert_eq!((report.exit_code(), &report.undone), (6, &Undone::NotNeeded));
    assert_eq!(applies(&target), 0);
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_hangs_ends_at_the_deadline_and_nothing_is_begun() {
    let target = ScriptedTarget::new("web").plan_takes(Duration::MAX);
    let began = tokio::time::Instant::now();
    let report = deploy(&target, &Policy::default().timeout(60 * SECOND)).await;
    assert_eq!((report.exit_code(), &report.undone), (6, &Undone::NotNeeded));
    assert_eq!(began.elapsed(), 60 * SECOND);
    assert_eq!(target.calls(), [Call::Plan]);
}

#[tokio::test(start_paused = true)]
async fn a_look_that_the_deadline_cuts_off_is_no_failure() {
    let pending = || Moment::state(State::pending("tasks"));
    let target = ScriptedTarget::new("web")
        .at(Duration::ZERO, pending())
        .at(5 * SECOND, Moment::Hang)
        .at(20 * SECOND, pending());
    let mut policy = Policy::default().timeout(20 * SECOND).on_failure(Undo::Keep);
    policy.tolerated = 0;
    assert_eq!(deploy(&target, &policy).await.exit_code(), 6);
}

#[tokio::test(start_paused = true)]
async fn as_many_errors_in_a_row_are_tolerated_as_the_policy_says_and_no_more() {
    let failing = ScriptedTarget::new("web").at(Duration::ZERO, Moment::Failed(transient()));
    for tolerated in [0, 1, 4] {
        let target = failing.clone();
        let before = target.looks();
        let mut policy = Policy::default();
        policy.tolerated = tolerated;
        assert_eq!(deploy(&target, &policy).await.exit_code(), 9);
        assert_eq!(target.looks() - before, tolerated as usize + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn near_the_end_an_unreachable_service_is_tolerated_as_long_as_anywhere() {
    let complete = Observation::new(State::pending("steady state")).with_progress([Progress::new(
        "new tasks running",
        2,
        Some(2),
        "tasks",
    )]);
    let target = ScriptedTarget::new("web")
        .at(Duration::ZERO, Moment::seen(complete))
        .at(20 * SECOND, Moment::Failed(transient()))
        .at(60 * SECOND, ready());
    assert_eq!(deploy(&target, &Policy::default()).await.exit_code(), 0);
}

#[tokio::test(start_paused = true)]
async fn slow_looks_are_not_made_back_to_back() {
    let target = ScriptedTarget::new("web").look_takes(12 * SECOND).at(120 * SECOND, ready());
    let began = tokio::time::Instant::now();
    assert_eq!(deploy(&target, &Policy::default()).await.exit_code(), 0);
    let looking = 12 * SECOND * u32::try_from(target.looks()).unwrap();
    assert!(began.elapsed() - looking > SECOND * 4, "{} looks in {:?}", target.looks(), began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn durations_and_times_at_the_edge_are_counted_and_do_not_panic() {
    let pace = Pace { first: Duration::MAX, longest: Duration::MAX, nearly: Duration::MAX, nearly_looks: 1 };
    let ended = Moment::state(State::Ended(End::Failed));
    for policy in [
        Policy::default().timeout(Duration::MAX).grace(Duration::MAX),
        Policy::default().timeout(100 * SECOND).grace(100 * SECOND).pace(pace),
        Policy::default().timeout(Duration::ZERO).grace(Duration::ZERO),
        Policy::default().timeout(Duration::MAX).grace(Duration::ZERO),
    ] {
        for now in [Timestamp::MAX, Timestamp::MIN, Timestamp::UNIX_EPOCH] {
            let target = ScriptedTarget::new("web").at(SECOND, ended.clone()).undo_at(SECOND, ready());
            let cx = Context::builder("run").clock(Clock::starting_at(now)).deadline(Timestamp::MAX).build();
            assert_ne!(target.deploy(&cx, &policy).await.exit_code(), 0);
        }
    }
    let target = ScriptedTarget::new("web").at(SECOND, ready());
    let hasty =
        Pace { first: Duration::ZERO, longest: Duration::ZERO, nearly: Duration::ZERO, nearly_looks: 9 };
    assert_eq!(deploy(&target, &Policy::default().pace(hasty)).await.exit_code(), 0);
    assert!(target.looks() <= 101, "a pause of nothing is not a busy loop: {} looks", target.looks());
}
