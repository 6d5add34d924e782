//! Stops, rollbacks, and the waits of blue/green deployments.

use aws_sdk_codedeploy::types::DeploymentWaitType;
use landfall_simulator::{DeploymentGroup, HookFailure, HookRule};
use serde_json::json;

use super::{Stage, code, seconds, stage};

#[tokio::test(start_paused = true)]
async fn a_stop_is_pending_first_and_final_after_it() {
    let stage = stage(|_| {});
    let id = stage.created().await;
    seconds(2).await;
    let stop = || stage.client.stop_deployment().deployment_id(&id);
    let answer = stop().send().await.unwrap();
    assert_eq!(answer.status.unwrap().as_str(), "Pending");
    assert_eq!(stage.status(&id).await, "InProgress");
    seconds(1).await;
    assert_eq!(stage.status(&id).await, "Stopped");
    assert_eq!(stage.error(&id).await.0, "MANUAL_STOP");
    assert_eq!(code(stop().send().await), "DeploymentAlreadyCompletedException");
    seconds(30).await;
    assert_eq!(stage.aws().deployments().len(), 2, "the group rolls back failures only");
}

#[tokio::test(start_paused = true)]
async fn a_stop_rolls_back_when_it_is_asked_to() {
    let stage = stage(|_| {});
    let id = stage.created().await;
    seconds(2).await;
    stage.client.stop_deployment().deployment_id(&id).auto_rollback_enabled(true).send().await.unwrap();
    seconds(3).await;
    let rollback = stage.info(&id).await.rollback_info.unwrap().rollback_deployment_id.unwrap();
    seconds(30).await;
    assert_eq!((stage.status(&rollback).await, stage.live()), ("Succeeded".to_owned(), json!("demo/1.zip")));
}

fn failing(event: &str) -> HookRule {
    let fails = HookFailure { error_code: "ScriptFailed".to_owned(), ..HookFailure::default() };
    HookRule { event: event.to_owned(), fails: Some(fails), ..HookRule::default() }
}

#[tokio::test(start_paused = true)]
async fn an_automatic_rollback_is_a_deployment_of_its_own() {
    let stage = stage(|group| group.rules = vec![failing("Install")]);
    let id = stage.created().await;
    seconds(40).await;
    let failed = stage.info(&id).await;
    assert_eq!(failed.status.unwrap().as_str(), "Failed");
    let rollback = failed.rollback_info.unwrap().rollback_deployment_id.unwrap();
    let info = stage.info(&rollback).await;
    assert_eq!(info.creator.unwrap().as_str(), "codeDeployRollback");
    assert_eq!(info.rollback_info.unwrap().rollback_triggering_deployment_id.unwrap(), id);
    assert_eq!(info.revision.unwrap().s3_location.unwrap().key.unwrap(), "demo/1.zip");
    assert_eq!(info.status.unwrap().as_str(), "Succeeded");
}

#[tokio::test(start_paused = true)]
async fn a_failed_application_stop_is_ignored_when_asked() {
    let stage = stage(|group| group.rules = vec![failing("ApplicationStop")]);
    let id =
        stage.create().ignore_application_stop_failures(true).send().await.unwrap().deployment_id.unwrap();
    seconds(30).await;
    assert_eq!(stage.status(&id).await, "Succeeded");
}

#[tokio::test(start_paused = true)]
async fn codedeploy_gives_a_silent_agent_up_after_an_hour() {
    let stage = stage(|group| {
        group.rules = vec![HookRule { silent: true, in_rollbacks: true, ..HookRule::default() }];
    });
    let id = stage.created().await;
    seconds(3_500).await;
    assert_eq!(stage.status(&id).await, "InProgress");
    seconds(200).await;
    assert_eq!(stage.status(&id).await, "Failed");
    let diagnostics = stage.targets(&id).await[0].lifecycle_events()[0].diagnostics.clone().unwrap();
    assert!(diagnostics.message.unwrap().contains("was not able to receive the lifecycle event"));
}

fn blue_green(group: &mut DeploymentGroup, ready: &str, minutes: u64, terminate: &str) {
    group.replacements = vec!["i-0bbbbbbbbbbbbbbb1".to_owned()];
    group.settings["blueGreenDeploymentConfiguration"] = json!({
        "deploymentReadyOption": { "actionOnTimeout": ready, "waitTimeInMinutes": minutes },
        "terminateBlueInstancesOnDeploymentSuccess": { "action": terminate, "terminationWaitTimeInMinutes": 5 }
    });
}

async fn go_on(stage: &Stage, id: &str, wait: DeploymentWaitType) -> String {
    let proceed = stage.client.continue_deployment().deployment_id(id).deployment_wait_type(wait);
    code(proceed.send().await)
}

async fn statuses(stage: &Stage, id: &str, label: &str) -> Vec<String> {
    let targets = stage.targets(id).await.into_iter();
    let of = targets.filter(|target| target.instance_label.as_ref().unwrap().as_str() == label);
    of.map(|target| target.status.unwrap().as_str().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_blue_green_deployment_waits_twice_and_is_continued_twice() {
    let stage = stage(|group| blue_green(group, "STOP_DEPLOYMENT", 60, "TERMINATE"));
    let id = stage.created().await;
    seconds(1).await;
    let early = go_on(&stage, &id, DeploymentWaitType::ReadyWait).await;
    assert_eq!(early, "DeploymentIsNotInReadyStateException");
    seconds(20).await;
    assert_eq!(stage.status(&id).await, "Ready");
    assert_eq!(statuses(&stage, &id, "Green").await, ["Ready"]);
    assert_eq!(statuses(&stage, &id, "Blue").await, ["Pending"; 3], "they have the traffic");
    assert_eq!(go_on(&stage, &id, DeploymentWaitType::ReadyWait).await, "none");
    seconds(10).await;
    assert_eq!(statuses(&stage, &id, "Blue").await, ["Succeeded"; 3], "they are out of the traffic");
    let info = stage.info(&id).await;
    assert!(info.instance_termination_wait_time_started, "{info:?}");
    assert_eq!(info.status.unwrap().as_str(), "InProgress");
    assert_eq!(go_on(&stage, &id, DeploymentWaitType::TerminationWait).await, "none");
    seconds(10).await;
    assert_eq!(stage.status(&id).await, "Succeeded");
    let after = go_on(&stage, &id, DeploymentWaitType::ReadyWait).await;
    assert_eq!(after, "DeploymentAlreadyCompletedException");
}

#[tokio::test(start_paused = true)]
async fn a_blue_green_deployment_that_nobody_continues_is_stopped() {
    let stage = stage(|group| blue_green(group, "STOP_DEPLOYMENT", 60, "KEEP_ALIVE"));
    let id = stage.created().await;
    seconds(3_700).await;
    assert_eq!(stage.status(&id).await, "Stopped");
    assert_eq!(stage.error(&id).await.0, "TIMEOUT");
    assert_eq!(stage.live(), "demo/1.zip");
}
