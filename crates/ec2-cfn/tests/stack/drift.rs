//! What somebody changed outside of CloudFormation: left alone, or put back when asked.

use landfall_core::runtime::Local;
use landfall_core::target::{run_step, undo_step};
use landfall_core::{DeployTarget, Outcome, Policy, Undone};
use landfall_ec2_cfn::stack::TemplateSource;
use landfall_simulator::StackRule;
use serde_json::json;

use crate::stage::{NAME, Stage, TEMPLATE, earlier, told};

const TIMEOUT: &str = "VisibilityTimeout";

/// A stack with the template that is deployed, whose queue somebody has changed.
fn stage() -> Stage {
    let stage = Stage::seeded(json!({ "template": TEMPLATE, "parameters": { "Stage": "test" } }));
    drift(&stage);
    stage
}

/// The template says 30.
fn drift(stage: &Stage) {
    assert!(stage.aws().change_resource_as_other(NAME, "Queue", TIMEOUT, json!(900)));
}

fn timeout(stage: &Stage) -> Option<u64> {
    stage.stack().actual["Queue"][TIMEOUT].as_u64()
}

#[tokio::test(start_paused = true)]
async fn drift_stays_unless_it_is_to_be_put_back_and_then_the_plan_says_so() {
    let stage = stage();
    let report = stage.deploy().await;
    assert_eq!(report.verdict.outcome, Outcome::Unchanged, "{}", told(&report));
    assert_eq!(timeout(&stage), Some(900));
    let target = stage.made(stage.builder().revert_drift(true));
    let cx = stage.context("demo/2/deploy/production");
    let plan = target.plan(&cx).await.unwrap();
    let details = plan.changes[0].details.clone();
    assert_eq!(details.len(), 1, "one line: {details:?}");
    assert!(details[0].contains("changed outside of CloudFormation is put back"), "{details:?}");
    let report = run_step(&Local::new(cx.clone()), &target, &cx, &Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert_eq!(timeout(&stage), Some(30));
    let news = stage.news();
    let line = "Properties.VisibilityTimeout 900 -> 30 (deployed as 30, and changed since outside of CloudFormation)";
    assert!(news.iter().any(|told| told.starts_with("Modify Queue") && told.contains(line)), "{news:?}");
}

#[tokio::test(start_paused = true)]
async fn without_drift_there_is_nothing_to_do() {
    let stage = Stage::seeded(json!({ "template": TEMPLATE, "parameters": { "Stage": "test" } }));
    let report = stage.run(&stage.made(stage.builder().revert_drift(true)), &Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Unchanged, "{}", told(&report));
    assert_eq!(stage.writes(), ["CreateChangeSet", "DeleteChangeSet"]);
}

#[tokio::test(start_paused = true)]
async fn an_update_of_another_property_leaves_drift_alone_and_one_that_puts_back_does_not() {
    for (revert, after) in [(false, 900), (true, 30)] {
        let stage = Stage::updating();
        drift(&stage);
        let report = stage.run(&stage.made(stage.builder().revert_drift(revert)), &Policy::default()).await;
        assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
        assert_eq!(stage.stack().actual["Queue"]["MessageRetentionPeriod"], 1_209_600);
        assert_eq!(timeout(&stage), Some(after), "{revert}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_template_that_takes_the_drift_over_changes_no_resource() {
    let stage = stage();
    let text = TEMPLATE.replace("!If [IsProduction, 300, 30]", "900");
    let builder = stage.builder().template(TemplateSource::text("queue.yaml", text)).revert_drift(true);
    let report = stage.run(&stage.made(builder), &Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    let news = stage.news();
    assert!(
        news.iter().any(|line| line.starts_with("SyncWithActual Queue") && line.contains("already so")),
        "{news:?}"
    );
    assert!(!news.iter().any(|line| line.starts_with("Queue (AWS::SQS::Queue) UPDATE")), "{news:?}");
    assert_eq!(stage.stack().properties["Queue"][TIMEOUT], 900);
}

#[tokio::test(start_paused = true)]
async fn a_failure_restores_what_there_really_was() {
    let stage = Stage::updating();
    drift(&stage);
    stage.aws().behave(StackRule { takes_ms: Some(9_000), ..StackRule::failing("Alarm", "create", "no") });
    let report = stage.run(&stage.made(stage.builder().revert_drift(true)), &Policy::default()).await;
    assert_eq!(report.exit_code(), 3, "{}", told(&report));
    assert!(stage.news().iter().any(|line| line.starts_with("Queue (AWS::SQS::Queue) UPDATE_COMPLETE")));
    assert_eq!(timeout(&stage), Some(900));
}

#[tokio::test(start_paused = true)]
async fn an_undo_does_not_bring_drift_back_and_says_so() {
    let stage = Stage::updating();
    drift(&stage);
    let target = stage.made(stage.builder().revert_drift(true));
    let cx = stage.context("demo/1/deploy/production");
    let runtime = Local::new(cx.clone());
    let report = run_step(&runtime, &target, &cx, &Policy::default()).await;
    let (plan, receipt) = (report.plan.unwrap(), report.receipt);
    let landfall_core::Revert::Plan(back) = target.revert(&cx, &plan, receipt.as_ref()).await.unwrap() else {
        panic!("nothing to undo")
    };
    assert!(back.changes[0].details[0].contains("does not come back"), "{back:?}");
    let undone = undo_step(&runtime, &target, &cx, &Policy::default(), &plan, receipt.as_ref()).await;
    assert_eq!(undone, Undone::Reverted);
    assert_eq!((stage.stack().template, timeout(&stage)), (earlier(TEMPLATE), Some(30)));
}

#[tokio::test(start_paused = true)]
async fn a_new_stack_has_no_drift_and_is_created() {
    let stage = Stage::new();
    let report = stage.run(&stage.made(stage.builder().revert_drift(true)), &Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
}

#[tokio::test(start_paused = true)]
async fn nested_stacks_are_refused_unless_whatever_happens_in_them_is_meant() {
    let stage = Stage::new();
    let url = "https://s3.eu-central-1.amazonaws.com/demo-bucket/outer.yaml";
    let text =
        "Resources:\n  Inner:\n    Type: AWS::CloudFormation::Stack\n    Properties: {TemplateURL: 'x'}\n";
    stage.aws().put_template(url, text);
    let builder = stage.builder().template(TemplateSource::text("outer.yaml", text)).revert_drift(true);
    let error = builder.clone().build().unwrap_err().report();
    assert!(
        error.contains("nested stacks") && error.contains("allow-replacement and allow-deletion"),
        "{error}"
    );
    assert!(builder.allow_replacement(true).allow_deletion(true).build().is_ok());
    let by_url = stage.builder().template(TemplateSource::parse(url).unwrap()).revert_drift(true);
    let report = stage.run(&stage.made(by_url), &Policy::default()).await;
    assert_eq!(report.exit_code(), 2, "{}", told(&report));
    assert!(stage.writes().is_empty());
}
