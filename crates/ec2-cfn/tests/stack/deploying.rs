//! Creating, updating, and doing nothing.

use landfall_core::{Outcome, Policy};

use crate::stage::{NAME, Stage, TEMPLATE, told};

#[tokio::test(start_paused = true)]
async fn a_stack_is_created_by_one_change_set_and_its_outputs_are_handed_on() {
    let stage = Stage::new();
    let report = stage.deploy().await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert_eq!(stage.writes(), ["CreateChangeSet", "ExecuteChangeSet"]);
    let stack = stage.stack();
    assert_eq!(
        (stack.status.as_str(), stack.template.as_str()),
        ("CREATE_COMPLETE", TEMPLATE),
        "byte for byte"
    );
    let outputs = &report.verdict.outputs;
    assert_eq!(outputs.find("QueueUrl"), stack.resources.get("Queue").map(String::as_str));
    assert_eq!(outputs.find("stack_id"), Some(stack.id.as_str()));
    assert_eq!(outputs.find("stack_name"), Some(NAME));
    let news = stage.news();
    assert!(news.iter().any(|line| line.starts_with("Add Queue (AWS::SQS::Queue)")), "{news:?}");
    assert!(news.iter().any(|line| line == "Queue (AWS::SQS::Queue) CREATE_COMPLETE"), "{news:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stack_is_updated_and_keeps_the_values_that_are_not_named() {
    let stage = Stage::updating();
    let report = stage.deploy().await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert_eq!(stage.writes(), ["CreateChangeSet", "ExecuteChangeSet"]);
    let stack = stage.stack();
    assert_eq!(stack.status, "UPDATE_COMPLETE");
    assert_eq!(
        stack.parameters.get("Stage").map(String::as_str),
        Some("test"),
        "not the default of the template"
    );
    let plan = report.plan.unwrap();
    let details = plan.changes[0].details.join("\n");
    assert!(details.contains("+ Alarm (AWS::CloudWatch::Alarm)"), "{details}");
    assert!(details.contains("~ Queue.Properties.MessageRetentionPeriod: 345600 -> 1209600"), "{details}");
}

#[tokio::test(start_paused = true)]
async fn what_the_stack_has_already_is_unchanged_without_a_write() {
    let stage = Stage::updating();
    assert_eq!(stage.deploy().await.verdict.outcome, Outcome::Succeeded);
    stage.simulator.reset_calls();
    let cx = stage.context("demo/2/deploy/production");
    let target = stage.target();
    let report = landfall_core::DeployTargetExt::deploy(&target, &cx, &Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Unchanged, "{}", told(&report));
    assert!(stage.writes().is_empty(), "{:?}", stage.writes());
    assert!(report.verdict.outputs.find("QueueUrl").is_some());
}

#[tokio::test(start_paused = true)]
async fn a_change_set_that_finds_nothing_is_deleted_and_the_outcome_is_unchanged() {
    let stage = Stage::updating();
    assert_eq!(stage.deploy().await.verdict.outcome, Outcome::Succeeded);
    stage.simulator.reset_calls();
    let cx = stage.context("demo/2/deploy/production");
    // The value of a parameter that is not shown cannot be compared by landfall.
    let target = stage.made(stage.builder().parameter("Token", "none-given"));
    let report = landfall_core::DeployTargetExt::deploy(&target, &cx, &Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Unchanged, "{}", told(&report));
    assert_eq!(stage.writes(), ["CreateChangeSet", "DeleteChangeSet"]);
    assert_eq!(stage.stack().change_sets.len(), 1, "only the executed one of the first deployment");
    assert_eq!(report.exit_code(), 0);
}

#[tokio::test(start_paused = true)]
async fn without_waiting_the_change_set_is_executed_all_the_same() {
    let stage = Stage::updating();
    let report = stage.run(&stage.target(), &Policy::default().without_wait()).await;
    assert_eq!(report.verdict.outcome, Outcome::Started, "{}", told(&report));
    assert_eq!(stage.writes(), ["CreateChangeSet", "ExecuteChangeSet"]);
    assert_eq!(stage.stack().status, "UPDATE_IN_PROGRESS");
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    let report = stage.deploy().await;
    assert!(report.is_success() && stage.writes().len() == 2, "{}", told(&report));
}
