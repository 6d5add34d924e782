//! Cut off anywhere and run again, with and without records: one deployment, one revision.

use std::time::Duration;

use landfall_core::runtime::Local;
use landfall_core::target::run_step;
use landfall_core::{Outcome, Policy, StepReport, Undone};
use landfall_ecs::{EcsService, IfBusy};
use landfall_simulator::{Call, CallNumbers, Fault, FaultKind, Phase};

use crate::stage::{Stage, told};

const RUN: &str = "demo/1/deploy/production";

/// Long enough to be cut off in the middle of the call, and shorter than the SDK's patience with a connection.
const HANGS: FaultKind = FaultKind::Delay { ms: 2_000 };

/// Every call of a run that went undisturbed: operation and number.
async fn calls_of(scenario: &str, policy: &Policy) -> Vec<(String, u64)> {
    let stage = Stage::of(scenario);
    stage.run(&stage.target(), policy).await;
    stage.simulator.calls().into_iter().map(|call| (call.operation, call.number)).collect()
}

/// Runs a process that is killed in this call, after AWS has done what it asked for and before the answer has
/// come; then nobody looks for a while. The runtime tells what the process recorded.
async fn killed_in(
    stage: &Stage,
    target: &EcsService,
    policy: &Policy,
    (operation, number): &(String, u64),
    pause: Duration,
) -> Local {
    stage
        .simulator
        .add_fault(Fault::new("ecs", operation, HANGS).on(CallNumbers::Nth(*number)).phase(Phase::After));
    let cx = stage.context(RUN);
    let runtime = Local::new(cx.clone());
    let reached = async {
        let is_it = |call: &Call| call.operation == *operation && call.number == *number;
        while !stage.simulator.calls().iter().any(is_it) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        report = run_step(&runtime, target, &cx, policy) => panic!("{operation} {number}: {}", told(&report)),
        () = reached => {}
    }
    stage.simulator.clear_faults();
    tokio::time::sleep(pause).await;
    runtime
}

/// The same run again, in another process, with the records of the first.
async fn resumed(stage: &Stage, target: &EcsService, policy: &Policy, runtime: &Local) -> StepReport {
    let cx = stage.context(RUN);
    run_step(&Local::resuming(cx.clone(), runtime.records()), target, &cx, policy).await
}

#[tokio::test(start_paused = true)]
async fn killed_in_any_call_and_run_again_without_records_there_is_one_deployment_of_one_revision() {
    let policy = Policy::default();
    for call in calls_of("good", &policy).await {
        for pause in [Duration::ZERO, Duration::from_secs(120)] {
            let stage = Stage::of("good");
            killed_in(&stage, &stage.target(), &policy, &call, pause).await;
            let report = stage.deploy().await;
            let what = format!("killed in {call:?}, {pause:?} ago: {}", told(&report));
            assert!(matches!(report.verdict.outcome, Outcome::Succeeded | Outcome::Unchanged), "{what}");
            assert_eq!((stage.new_deployments().len(), stage.revisions()), (1, 3), "{what}");
            assert_eq!((stage.live().as_str(), stage.calls("UpdateService")), ("web:3", 1), "{what}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn killed_in_any_call_and_run_again_with_records_there_is_one_deployment_of_one_revision() {
    let policy = Policy::default();
    for call in calls_of("good", &policy).await {
        for pause in [Duration::ZERO, Duration::from_secs(120)] {
            let stage = Stage::of("good");
            let runtime = killed_in(&stage, &stage.target(), &policy, &call, pause).await;
            let report = resumed(&stage, &stage.target(), &policy, &runtime).await;
            let what = format!("killed in {call:?}, {pause:?} ago: {}", told(&report));
            assert!(matches!(report.verdict.outcome, Outcome::Succeeded | Outcome::Unchanged), "{what}");
            assert_eq!((stage.new_deployments().len(), stage.revisions()), (1, 3), "{what}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn killed_while_reads_are_stale_and_run_again_at_once_there_is_one_deployment_of_one_revision() {
    let policy = Policy::default();
    for call in [("RegisterTaskDefinition".to_owned(), 1), ("UpdateService".to_owned(), 1)] {
        for with_records in [false, true] {
            let stage = Stage::of("good");
            let pause = Duration::from_millis(500);
            let runtime = killed_in(&stage, &stage.target(), &policy, &call, pause).await;
            for operation in ["DescribeServices", "ListServiceDeployments", "DescribeServiceDeployments"] {
                stage.simulator.add_fault(Fault::new("ecs", operation, FaultKind::Stale { seconds: 3 }));
            }
            let report = if with_records {
                resumed(&stage, &stage.target(), &policy, &runtime).await
            } else {
                stage.deploy().await
            };
            let what = format!("killed in {call:?}, records {with_records}: {}", told(&report));
            assert!(report.verdict.outcome.is_success(), "{what}");
            assert_eq!((stage.new_deployments().len(), stage.revisions()), (1, 3), "{what}");
            assert_eq!(stage.calls("UpdateService"), 1, "{what}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_bad_revision_that_aws_rolled_back_meanwhile_is_not_deployed_again_on_resume() {
    let policy = Policy::default();
    for call in [("RegisterTaskDefinition".to_owned(), 1), ("UpdateService".to_owned(), 1)] {
        let stage = Stage::of("image-not-found");
        let runtime = killed_in(&stage, &stage.target(), &policy, &call, Duration::from_secs(300)).await;
        let report = resumed(&stage, &stage.target(), &policy, &runtime).await;
        assert_eq!(report.exit_code(), 3, "{call:?}: {}", told(&report));
        assert_eq!((stage.calls("UpdateService"), stage.revisions()), (1, 3), "{call:?}: {}", told(&report));
    }
}

#[tokio::test(start_paused = true)]
async fn killed_in_any_call_of_an_undo_and_run_again_what_was_there_before_is_there_again() {
    let policy = Policy::default().timeout(Duration::from_secs(30));
    for scenario in ["never-settles", "breaker-no-rollback"] {
        for call in calls_of(scenario, &policy).await {
            let stage = Stage::of(scenario);
            let runtime = killed_in(&stage, &stage.target(), &policy, &call, Duration::from_secs(90)).await;
            let report = resumed(&stage, &stage.target(), &policy, &runtime).await;
            let what = format!("{scenario}, killed in {call:?}: {}", told(&report));
            let back = matches!(report.undone, Undone::Reverted | Undone::NothingToDo);
            assert!(back && stage.live() == "web:2", "{what}; live {}", stage.live());
            assert_eq!(stage.revisions(), 3, "{what}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_lost_before_or_after_the_effect_changes_nothing_about_it() {
    for operation in ["RegisterTaskDefinition", "UpdateService"] {
        for phase in [Phase::Before, Phase::After] {
            for kind in [FaultKind::Reset, FaultKind::Html500] {
                let stage = Stage::of("good");
                let fault = Fault::new("ecs", operation, kind.clone()).on(CallNumbers::Nth(1)).phase(phase);
                stage.simulator.add_fault(fault);
                let report = stage.deploy().await;
                let what = format!("{operation} {phase:?} {kind:?}: {}", told(&report));
                assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{what}");
                assert_eq!((stage.new_deployments().len(), stage.revisions()), (1, 3), "{what}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_forced_redeployment_whose_answer_was_lost_is_found_and_not_repeated() {
    let stage = Stage::of("good");
    let fault =
        Fault::new("ecs", "UpdateService", FaultKind::Reset).on(CallNumbers::Nth(1)).phase(Phase::After);
    stage.simulator.add_fault(fault);
    let target = stage.made(stage.builder().force_new_deployment(true));
    let report = stage.run(&target, &Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert_eq!(stage.new_deployments().len(), 1);
    assert!(stage.notes().contains(&"taken-for-ours".to_owned()), "{:?}", stage.notes());
}

#[tokio::test(start_paused = true)]
async fn a_forced_redeployment_that_cannot_be_told_from_anothers_is_refused() {
    let stage = Stage::of("good");
    let fault =
        Fault::new("ecs", "UpdateService", FaultKind::Reset).on(CallNumbers::Nth(1)).phase(Phase::After);
    stage.simulator.add_fault(fault);
    let target = stage.made(stage.builder().force_new_deployment(true).if_busy(IfBusy::Supersede));
    let cx = stage.context(RUN);
    let runtime = Local::new(cx.clone());
    let policy = Policy::default();
    let one = run_step(&runtime, &target, &cx, &policy);
    let other = async {
        // In the pause before the repetition.
        while stage.calls("UpdateService") == 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(stage.ecs().update_service_as_other("demo", "web", "web:2"));
    };
    let (report, ()) = tokio::join!(one, other);
    let Outcome::Refused { error } = &report.verdict.outcome else { panic!("{}", told(&report)) };
    assert!(error.message().contains("cannot be told"), "{error}");
    assert_eq!(stage.calls("UpdateService"), 1);
}

#[tokio::test(start_paused = true)]
async fn another_specification_with_the_same_records_is_a_conflict() {
    let stage = Stage::of("good");
    let policy = Policy::default();
    let runtime = killed_in(
        &stage,
        &stage.target(),
        &policy,
        &("RegisterTaskDefinition".to_owned(), 1),
        Duration::from_secs(1),
    )
    .await;
    let other = stage.made(stage.builder().image("web", "other:1"));
    let report = resumed(&stage, &other, &policy, &runtime).await;
    assert!(told(&report).contains("not what the recorded plan was made for"), "{}", told(&report));
    assert_eq!(stage.calls("UpdateService"), 0);
}

#[tokio::test(start_paused = true)]
async fn somebody_who_deploys_between_plan_and_apply_is_not_overwritten() {
    let stage = Stage::of("good");
    let target = stage.target();
    let policy = Policy::default();
    let call = ("RegisterTaskDefinition".to_owned(), 1);
    let runtime = killed_in(&stage, &target, &policy, &call, Duration::from_secs(1)).await;
    assert!(stage.ecs().update_service_as_other("demo", "web", "web:1"));
    let report = resumed(&stage, &target, &policy, &runtime).await;
    let Outcome::Refused { error } = &report.verdict.outcome else { panic!("{}", told(&report)) };
    assert!(error.message().contains("somebody else has deployed"), "{error}");
    assert_eq!((stage.calls("UpdateService"), stage.live()), (0, "web:1".to_owned()));
}
