//! Deploying, deploying again, lost answers, and others who deploy meanwhile.

use std::time::Duration;

use landfall_core::Outcome;
use landfall_core::Policy;
use landfall_ec2_cfn::deployment::{IfBusy, Revision};
use landfall_simulator::{CallNumbers, Fault, FaultKind, Phase};

use crate::stage::{Stage, told};

#[tokio::test(start_paused = true)]
async fn a_revision_is_deployed_once_and_each_instance_is_told() {
    let stage = Stage::of("good");
    let report = stage.deploy().await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert_eq!((stage.calls("CreateDeployment"), stage.live().as_str()), (1, "demo/2.zip"));
    assert!(report.verdict.outputs.find("deployment_id").unwrap().starts_with("d-"));
    for instance in 1..=3 {
        let line = format!("i-0aaaaaaaaaaaaaaa{instance}: ValidateService succeeded");
        assert!(stage.told().contains(&line), "{line}: {:#?}", stage.told());
    }
}

#[tokio::test(start_paused = true)]
async fn a_pinned_revision_that_is_there_is_nothing_to_do_and_an_open_one_is_deployed_again() {
    let stage = Stage::of("good");
    stage.deploy().await;
    let cx = stage.context("demo/2/deploy");
    let runtime = landfall_core::runtime::Local::new(cx.clone());
    let again = landfall_core::target::run_step(&runtime, &stage.target(), &cx, &Policy::default()).await;
    assert_eq!(again.verdict.outcome, Outcome::Unchanged, "{}", told(&again));
    assert_eq!(stage.calls("CreateDeployment"), 1);
    let forced = stage.made(stage.builder().redeploy(true));
    let cx = stage.context("demo/3/deploy");
    let runtime = landfall_core::runtime::Local::new(cx.clone());
    let forced = landfall_core::target::run_step(&runtime, &forced, &cx, &Policy::default()).await;
    assert_eq!((forced.verdict.outcome, stage.calls("CreateDeployment")), (Outcome::Succeeded, 2));
    let open = stage.made(stage.builder().revision(&Revision::s3("demo-bucket", "demo/2.zip")));
    let cx = stage.context("demo/4/deploy");
    let runtime = landfall_core::runtime::Local::new(cx.clone());
    let open = landfall_core::target::run_step(&runtime, &open, &cx, &Policy::default()).await;
    assert_eq!((open.verdict.outcome, stage.calls("CreateDeployment")), (Outcome::Succeeded, 3));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_lost_before_or_after_the_effect_makes_no_second_deployment() {
    for phase in [Phase::Before, Phase::After] {
        for kind in [FaultKind::Reset, FaultKind::Html500, FaultKind::Truncate] {
            let stage = Stage::of("good");
            let fault = Fault::new("codedeploy", "CreateDeployment", kind.clone())
                .on(CallNumbers::Nth(1))
                .phase(phase);
            stage.simulator.add_fault(fault);
            let report = stage.deploy().await;
            assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{phase:?} {kind:?}: {}", told(&report));
            assert_eq!(stage.code_deploy().deployments().len(), 2, "{phase:?} {kind:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_lists_do_not_show_yet_is_known_by_the_refusal_of_a_second_one() {
    let stage = Stage::of("good");
    let lost = Fault::new("codedeploy", "CreateDeployment", FaultKind::Reset).on(CallNumbers::Nth(1));
    stage.simulator.add_fault(lost.phase(Phase::After));
    stage.simulator.add_fault(Fault::new("codedeploy", "ListDeployments", FaultKind::Stale { seconds: 20 }));
    stage.simulator.add_fault(Fault::new(
        "codedeploy",
        "GetDeploymentGroup",
        FaultKind::Stale { seconds: 20 },
    ));
    let report = stage.deploy().await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert_eq!(stage.code_deploy().deployments().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_reads_do_not_show_yet_is_waited_for() {
    let stage = Stage::of("good");
    for operation in ["GetDeployment", "ListDeploymentTargets", "BatchGetDeploymentTargets"] {
        let fault = Fault::new("codedeploy", operation, FaultKind::Stale { seconds: 4 });
        stage.simulator.add_fault(fault);
    }
    let report = stage.deploy().await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert_eq!(stage.calls("CreateDeployment"), 1);
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_deployment_is_waited_for_or_adopted_and_never_stopped() {
    let stage = Stage::of("deployment-busy");
    let report = stage.run(&stage.made(stage.builder().if_busy(IfBusy::Wait)), &Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert_eq!((stage.live().as_str(), stage.calls("StopDeployment")), ("demo/2.zip", 0));

    let stage = Stage::of("deployment-busy");
    let other = Revision::s3("demo-bucket", "demo/other.zip");
    let adopted = stage.made(stage.builder().revision(&other).if_busy(IfBusy::Adopt));
    let report = stage.run(&adopted, &Policy::default()).await;
    assert!(report.is_success(), "{}", told(&report));
    assert_eq!((stage.live().as_str(), stage.simulator.writes().len()), ("demo/other.zip", 0));

    let stage = Stage::of("deployment-busy");
    let report = stage.run(&stage.made(stage.builder().if_busy(IfBusy::Adopt)), &Policy::default()).await;
    assert!(told(&report).contains("cannot be adopted"), "{}", told(&report));
    assert!(stage.simulator.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn instances_that_may_not_be_seen_cost_causes_and_not_the_verdict() {
    let stage = Stage::of("good");
    let denied = FaultKind::Error {
        code: "AccessDeniedException".to_owned(),
        message: "User: x is not authorized to perform: codedeploy:ListDeploymentTargets".to_owned(),
        status: 400,
    };
    stage.simulator.add_fault(Fault::new("codedeploy", "ListDeploymentTargets", denied));
    let report = stage.deploy().await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert!(stage.told().iter().any(|line| line.starts_with("targets-unseen")));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_lost_its_records_follows_its_own_deployment_and_the_rollback_of_it_whenever_it_was_cut_off()
 {
    for second in 1..12 {
        let stage = Stage::of("deployment-hook-fails");
        let (target, policy) = (stage.target(), Policy::default());
        let cut = tokio::time::timeout(Duration::from_secs(second), stage.run(&target, &policy)).await;
        assert!(cut.is_err(), "it was over by {second} s");
        let report = stage.deploy().await;
        assert_eq!(report.exit_code(), 3, "cut at {second} s: {}", told(&report));
        assert_eq!(stage.calls("CreateDeployment"), 1, "cut at {second} s");
    }
}
