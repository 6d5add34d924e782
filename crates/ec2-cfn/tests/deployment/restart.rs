//! Restarts of what was deployed last, and processes of Auto Scaling groups that are suspended meanwhile.

use landfall_core::{ErrorKind, Outcome, Policy, StepReport};
use landfall_ec2_cfn::deployment::{Deployment, DeploymentBuilder, ScalingProcess};
use landfall_simulator::{CallNumbers, Fault, FaultKind, Phase};
use serde_json::json;

use crate::stage::{Stage, keep, told};

fn restart() -> DeploymentBuilder {
    Deployment::builder().application("demo").deployment_group("demo").restart()
}

fn refused(report: &StepReport, words: &str) -> ErrorKind {
    let Outcome::Refused { error } = &report.verdict.outcome else { panic!("{words}: {}", told(report)) };
    assert!(error.message().contains(words), "{words}: {}", error.report());
    error.kind()
}

#[tokio::test(start_paused = true)]
async fn what_was_deployed_last_is_restarted_once_and_again_when_another_run_asks_for_it() {
    let stage = Stage::of("good");
    let target = stage.made(restart());
    let planned = stage.planned(&target).await;
    assert!(planned.contains("restart: of s3://demo-bucket/demo/1.zip"), "{planned}");
    let report = stage.run(&target, &Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    let summary = &report.receipt.as_ref().unwrap().summary;
    assert!(summary.contains("demo/1.zip") && summary.contains("once more, by a restart"), "{summary}");
    let made = stage.code_deploy().deployments().pop().unwrap();
    assert_eq!(made.revision["s3Location"]["key"], "demo/1.zip");
    assert_eq!((&made.input["deploymentMode"], made.input.get("revision")), (&json!("RESTART"), None));
    let again = stage.run(&target, &Policy::default()).await;
    assert_eq!(again.verdict.outcome, Outcome::Unchanged, "the same run: {}", told(&again));
    let other = stage.run_as("demo/2/deploy", &target, &Policy::default()).await;
    assert_eq!(other.verdict.outcome, Outcome::Succeeded, "{}", told(&other));
    assert_eq!(stage.calls("CreateDeployment"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_restart_whose_answer_was_lost_is_found_again() {
    let stage = Stage::of("good");
    let lost = Fault::new("codedeploy", "CreateDeployment", FaultKind::Reset).on(CallNumbers::Nth(1));
    stage.simulator.add_fault(lost.phase(Phase::After));
    let report = stage.run(&stage.made(restart()), &Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert_eq!(stage.code_deploy().deployments().len(), 2, "the one of a day ago, and the restart");
}

#[tokio::test(start_paused = true)]
async fn a_restart_that_fails_cannot_be_undone_by_the_same_revision_and_that_is_said() {
    let stage = Stage::of("deployment-agent-silent");
    let policy = Policy::default().timeout(std::time::Duration::from_secs(240));
    let report = stage.run(&stage.made(restart().stop_with_rollback(false)), &policy).await;
    assert_eq!(report.exit_code(), 4, "{}", told(&report));
    assert_eq!((stage.calls("StopDeployment"), stage.calls("CreateDeployment")), (1, 1), "{}", told(&report));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_restarted_is_refused_before_anything_is_changed() {
    let stage = Stage::of("deployment-ready");
    let report = stage.run(&stage.made(restart()), &keep()).await;
    assert_eq!(refused(&report, "restarts in place only"), ErrorKind::Invalid);
    let stage = Stage::of("deployment-no-rollback");
    let report = stage.run(&stage.made(restart()), &keep()).await;
    assert_eq!(refused(&report, "nothing to restart"), ErrorKind::Conflict);
    assert_eq!(stage.simulator.writes().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn processes_are_suspended_only_where_there_is_an_auto_scaling_group_deployed_to_in_place() {
    let suspending = |stage: &Stage| {
        let builder = stage.builder().suspend(&[ScalingProcess::Terminate, ScalingProcess::AzRebalance]);
        stage.made(builder)
    };
    for (scenario, words) in
        [("good", "has no Auto Scaling group"), ("deployment-ready", "deployed to blue/green")]
    {
        let stage = Stage::of(scenario);
        let report = stage.run(&suspending(&stage), &keep()).await;
        assert_eq!(refused(&report, words), ErrorKind::Invalid);
        assert_eq!(stage.simulator.writes().len(), 0);
    }
    let stage = Stage::of("good");
    stage.code_deploy().change_group("demo", "demo", |group| {
        group.settings["autoScalingGroups"] = json!([{ "name": "web" }]);
        group.settings["ec2DeploymentOptions"] =
            json!({ "autoScalingGroupProcessesToSuspend": ["Terminate"] });
    });
    let of_group = stage.planned(&stage.target()).await;
    assert!(of_group.contains("suspended in Auto Scaling meanwhile: Terminate"), "{of_group}");
    let target = suspending(&stage);
    let planned = stage.planned(&target).await;
    assert!(planned.contains("suspended in Auto Scaling meanwhile: Terminate, AZRebalance"), "{planned}");
    let report = stage.run(&target, &Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    let made = stage.code_deploy().deployments().pop().unwrap();
    let sent = &made.input["ec2DeploymentOptions"]["autoScalingGroupProcessesToSuspend"];
    assert_eq!(*sent, json!(["Terminate", "AZRebalance"]));
}
