//! Blue/green deployments: the waits, the old instances, and what is told of them.

use std::time::Duration;

use landfall_core::{Outcome, Policy};
use landfall_ec2_cfn::deployment::WhenReady;
use serde_json::json;

use crate::stage::{Stage, told};

/// A stage whose deployments move the traffic by themselves, and terminate the old instances after so many minutes.
fn stage(minutes: u64) -> Stage {
    let stage = Stage::of("deployment-ready");
    stage.code_deploy().change_group("demo", "demo", |group| {
        group.settings["blueGreenDeploymentConfiguration"] = json!({
            "deploymentReadyOption": { "actionOnTimeout": "CONTINUE_DEPLOYMENT" },
            "terminateBlueInstancesOnDeploymentSuccess":
                { "action": "TERMINATE", "terminationWaitTimeInMinutes": minutes }
        });
    });
    stage
}

fn says(stage: &Stage, words: &str) -> bool {
    stage.told().iter().any(|line| line.contains(words))
}

#[tokio::test(start_paused = true)]
async fn old_instances_are_taken_out_of_the_traffic_and_followed_until_they_are_terminated() {
    let stage = stage(10);
    let (begun, report) = (tokio::time::Instant::now(), stage.deploy().await);
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert!(begun.elapsed() >= Duration::from_secs(600), "{:?}", begun.elapsed());
    assert!(says(&stage, "i-0aaaaaaaaaaaaaaa1: BlockTraffic succeeded"), "{:#?}", stage.told());
    assert!(says(&stage, "old-instances-stand-by: deployment d-"), "{:#?}", stage.told());
    assert!(says(&stage, "TERMINATION_WAIT"), "{:#?}", stage.told());
}

#[tokio::test(start_paused = true)]
async fn success_may_be_when_the_traffic_is_moved_and_the_termination_is_told_of() {
    let stage = stage(120);
    let target = stage.made(stage.builder().wait_for_termination(false));
    let begun = tokio::time::Instant::now();
    let report = stage.run(&target, &Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert!(begun.elapsed() < Duration::from_secs(120), "{:?}", begun.elapsed());
    assert!(says(&stage, "terminated after 120 minutes"), "{:#?}", stage.told());
    assert_eq!(stage.code_deploy().deployments().pop().unwrap().status, "InProgress");
}

#[tokio::test(start_paused = true)]
async fn a_termination_behind_the_deadline_is_in_the_plan_and_is_told_when_the_wait_is_over() {
    let stage = stage(120);
    let policy = crate::stage::keep().timeout(Duration::from_secs(1_800));
    let report = stage.run(&stage.target(), &policy).await;
    assert_eq!(report.exit_code(), 6, "{}", told(&report));
    let plan = report.plan.as_ref().unwrap().changes[0].details.join("\n");
    assert!(plan.contains("old instances are terminated after 120 minutes"), "{plan}");
    assert!(
        report.verdict.causes.iter().any(|cause| cause.code == "old-instances-stand-by"),
        "{}",
        told(&report)
    );
}

#[tokio::test(start_paused = true)]
async fn a_plan_tells_the_waits_and_the_configuration_of_the_account() {
    let stage = Stage::with(|world| {
        let region = world.account(landfall_simulator::DEMO_ACCOUNT).region(landfall_simulator::DEMO_REGION);
        let minimum = json!({ "type": "HOST_COUNT", "value": 2 });
        region.deployment_configs.insert("two-stay".to_owned(), minimum);
    });
    let target = stage.made(stage.builder().config("two-stay").when_ready(WhenReady::Continue));
    let plan = landfall_core::DeployTarget::plan(&target, &stage.context("demo/1/deploy")).await.unwrap();
    let details = plan.changes[0].details.join("\n");
    assert!(details.contains("two-stay (at least 2 instances stay healthy)"), "{details}");
    assert!(
        details.contains("blue/green: is continued at once; old instances are terminated after 0 minutes")
    );
}
