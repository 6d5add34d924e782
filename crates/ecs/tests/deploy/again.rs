//! The same run id again, in a process without records: a retried job, on a machine of its own.

use std::time::Duration;

use landfall_core::runtime::Local;
use landfall_core::target::run_step;
use landfall_core::{End, Outcome, Policy, Undone};
use landfall_ecs::IfBusy;
use landfall_simulator::{Behaviour, BehaviourRule, CallNumbers, Fault, FaultKind, Phase};

use crate::stage::{IMAGE, Stage, codes, keep, told};

/// From now on new tasks come up.
fn mended(stage: &Stage) {
    stage.ecs().behave(BehaviourRule::everything(Behaviour::default()));
}

#[tokio::test(start_paused = true)]
async fn after_a_rollback_by_aws_it_is_a_new_deployment_of_the_same_revision() {
    let stage = Stage::of("image-not-found");
    assert_eq!(stage.deploy().await.exit_code(), 3);
    let report = stage.deploy().await;
    assert_eq!(report.exit_code(), 3, "{}", told(&report));
    assert_eq!((stage.new_deployments().len(), stage.revisions()), (2, 3), "a retry tries");
    mended(&stage);
    let report = stage.deploy().await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert_eq!((stage.calls("UpdateService"), stage.revisions()), (3, 3), "{}", told(&report));
}

#[tokio::test(start_paused = true)]
async fn after_our_undo_it_is_a_new_deployment_of_the_same_revision() {
    for scenario in ["never-settles", "breaker-no-rollback"] {
        let stage = Stage::of(scenario);
        let report = stage.run(&stage.target(), &Policy::default().timeout(Duration::from_secs(120))).await;
        assert_eq!(report.undone, Undone::Reverted, "{}", told(&report));
        mended(&stage);
        let report = stage.deploy().await;
        assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{scenario}: {}", told(&report));
        assert_eq!((stage.live().as_str(), stage.revisions()), ("web:3", 3), "{scenario}");
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_timeout_that_was_kept_the_deployment_under_way_is_followed() {
    let stage = Stage::of("long");
    let policy = keep().timeout(Duration::from_secs(10));
    let report = stage.run(&stage.target(), &policy).await;
    assert!(matches!(report.verdict.outcome, Outcome::TimedOut { .. }), "{}", told(&report));
    let report = stage.deploy().await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert_eq!((stage.calls("UpdateService"), stage.revisions()), (1, 3));
}

#[tokio::test(start_paused = true)]
async fn after_somebody_else_took_over_it_is_a_new_deployment_over_theirs() {
    let stage = Stage::of("superseded");
    assert_eq!(stage.deploy().await.exit_code(), 5);
    tokio::time::sleep(Duration::from_secs(60)).await;
    let report = stage.deploy().await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert_eq!(stage.calls("UpdateService"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_failed_deployment_that_was_kept_is_tried_again_and_not_only_told_again() {
    let stage = Stage::of("breaker-no-rollback");
    assert_eq!(stage.run(&stage.target(), &keep()).await.exit_code(), 1);
    let report = stage.run(&stage.target(), &keep()).await;
    assert_eq!(report.verdict.outcome, Outcome::Ended(End::Failed), "{}", told(&report));
    assert_eq!(codes(&report).last(), Some(&"circuit-breaker"), "{}", told(&report));
    mended(&stage);
    let report = stage.run(&stage.target(), &keep()).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert_eq!((stage.live().as_str(), stage.revisions(), stage.calls("UpdateService")), ("web:3", 3, 3));
}

#[tokio::test(start_paused = true)]
async fn a_failed_deployment_that_stands_where_failures_are_put_back_is_put_back_and_not_tried_again() {
    let stage = Stage::of("breaker-no-rollback");
    let report = stage.run(&stage.target(), &keep()).await;
    assert_eq!((report.exit_code(), stage.live().as_str()), (1, "web:3"), "{}", told(&report));
    let report = stage.deploy().await;
    assert_eq!((report.exit_code(), &report.undone), (3, &Undone::Reverted), "{}", told(&report));
    assert_eq!(
        (stage.new_deployments().len(), stage.live().as_str()),
        (2, "web:2"),
        "one of them is the undo"
    );
}

#[tokio::test(start_paused = true)]
async fn cut_off_in_its_undo_a_run_waits_for_the_undo_and_deploys_nothing() {
    let stage = Stage::of("breaker-no-rollback");
    let (target, policy) = (stage.target(), Policy::default());
    let cut_off = async {
        while stage.calls("UpdateService") < 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        report = stage.run(&target, &policy) => panic!("it was not cut off: {}", told(&report)),
        () = cut_off => {}
    }
    let report = stage.deploy().await;
    let back = Outcome::Ended(End::RolledBack { to: "web:2".to_owned() });
    assert_eq!((report.exit_code(), &report.verdict.outcome), (3, &back), "{}", told(&report));
    assert!(codes(&report).contains(&"circuit-breaker"), "{}", told(&report));
    assert_eq!((stage.calls("UpdateService"), stage.live().as_str()), (2, "web:2"));
}

#[tokio::test(start_paused = true)]
async fn a_run_id_of_odd_characters_is_found_again() {
    let stage = Stage::of("image-not-found");
    for _ in 0..2 {
        let cx = stage.context("größe & co/#7 <prod>/🚀");
        let report = run_step(&Local::new(cx.clone()), &stage.target(), &cx, &Policy::default()).await;
        assert_eq!(report.exit_code(), 3, "{}", told(&report));
    }
    assert_eq!(stage.revisions(), 3, "the second finds the revision of the first by its tag");
}

#[tokio::test(start_paused = true)]
async fn after_a_lost_answer_there_is_one_deployment_though_somebody_else_was_waited_for() {
    for operation in ["RegisterTaskDefinition", "UpdateService"] {
        for kind in [FaultKind::Reset, FaultKind::Html500, FaultKind::Truncate] {
            let stage = Stage::of("busy");
            let lost = Fault::new("ecs", operation, kind.clone()).on(CallNumbers::Nth(1)).phase(Phase::After);
            stage.simulator.add_fault(lost);
            let target = stage.made(stage.builder().image("web", IMAGE).if_busy(IfBusy::Wait));
            let report = stage.run(&target, &Policy::default()).await;
            let what = format!("{operation} {kind:?}: {}", told(&report));
            assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{what}");
            assert_eq!((stage.new_deployments().len(), stage.revisions()), (2, 3), "{what}");
            assert_eq!(
                (stage.calls("UpdateService"), stage.calls("RegisterTaskDefinition")),
                (1, 1),
                "{what}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn throttles_and_faults_before_the_effect_are_repeated_into_one_deployment() {
    for operation in ["RegisterTaskDefinition", "UpdateService"] {
        let throttle = FaultKind::Throttle { code: "ThrottlingException".to_owned() };
        for kind in [throttle, FaultKind::Reset, FaultKind::Html500] {
            let stage = Stage::of("busy");
            stage.simulator.add_fault(Fault::new("ecs", operation, kind.clone()).on(CallNumbers::First(2)));
            let target = stage.made(stage.builder().image("web", IMAGE).if_busy(IfBusy::Wait));
            let report = stage.run(&target, &Policy::default()).await;
            let what = format!("{operation} {kind:?}: {}", told(&report));
            assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{what}");
            assert_eq!((stage.new_deployments().len(), stage.revisions()), (2, 3), "{what}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_forced_redeployment_whose_answer_was_lost_is_not_repeated_while_reads_are_stale() {
    let stage = Stage::of("good");
    let lost = Fault::new("ecs", "UpdateService", FaultKind::Reset).on(CallNumbers::Nth(1));
    stage.simulator.add_fault(lost.phase(Phase::After));
    for operation in ["DescribeServices", "ListServiceDeployments", "DescribeServiceRevisions"] {
        stage.simulator.add_fault(Fault::new("ecs", operation, FaultKind::Stale { seconds: 3 }));
    }
    let target = stage.made(stage.builder().force_new_deployment(true));
    let report = stage.run(&target, &Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert_eq!(stage.calls("UpdateService"), 1, "{}", told(&report));
}
