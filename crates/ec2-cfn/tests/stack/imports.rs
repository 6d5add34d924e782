//! Resources that exist already: in the way of a deployment, or taken over by it.

use landfall_core::runtime::Local;
use landfall_core::target::{run_step, undo_step};
use landfall_core::{DeployTarget, Outcome, Policy, StepReport, Undone};
use landfall_ec2_cfn::stack::{StackBuilder, TemplateSource};
use landfall_simulator::{ExistingResource, StackRule};
use serde_json::json;

use crate::stage::{NAME, Stage, codes, told};

const QUEUE: &str = "AWS::SQS::Queue";

/// A queue with a name of its own, and a topic that fails or not.
const TEMPLATE: &str = "Resources:
  Jobs:
    Type: AWS::SQS::Queue
    DeletionPolicy: Retain
    Properties: {QueueName: jobs}
  Topic:
    Type: AWS::SNS::Topic
    Properties: {DisplayName: !GetAtt Jobs.QueueName}
";

fn existing() -> Vec<ExistingResource> {
    vec![ExistingResource::new(QUEUE, "jobs")]
}

/// No stack, and a queue `jobs` that somebody has made by hand.
fn stage() -> Stage {
    let stage = Stage::new();
    stage.aws().put_resource(QUEUE, "jobs");
    stage
}

fn with_template(stage: &Stage, text: &str) -> StackBuilder {
    stage.builder().template(TemplateSource::text("jobs.yaml", text))
}

async fn deployed(stage: &Stage, builder: StackBuilder) -> StepReport {
    stage.run(&stage.made(builder), &Policy::default()).await
}

fn read(report: &StepReport) -> String {
    report.verdict.causes.iter().map(|cause| cause.report() + "\n").collect()
}

#[tokio::test(start_paused = true)]
async fn a_resource_that_exists_is_taken_over_when_asked_and_the_template_retains_it() {
    for policy in ["Retain", "RetainExceptOnCreate"] {
        let stage = stage();
        let text = TEMPLATE.replace("DeletionPolicy: Retain", &format!("DeletionPolicy: {policy}"));
        let report = deployed(&stage, with_template(&stage, &text).import_existing(true)).await;
        assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{policy} {}", told(&report));
        assert_eq!(stage.stack().resources.get("Jobs").map(String::as_str), Some("jobs"));
        assert!(stage.aws().existing_resources().is_empty(), "it is the stack's");
        let news = stage.news();
        assert!(news.iter().any(|line| line.starts_with("Import Jobs (AWS::SQS::Queue)")), "{news:?}");
        assert!(news.iter().any(|line| line == "Jobs (AWS::SQS::Queue) IMPORT_COMPLETE"), "{news:?}");
        assert!(!news.iter().any(|line| line.starts_with("Jobs") && line.contains("CREATE_")), "{news:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_taken_over_is_left_behind_by_the_undo_and_by_a_failed_creation() {
    let stage = Stage::seeded(json!({ "template": "Resources:\n  Other: {Type: AWS::SNS::Topic}\n" }));
    stage.aws().put_resource(QUEUE, "jobs");
    let text = format!("{TEMPLATE}  Other: {{Type: AWS::SNS::Topic}}\n");
    let target = stage.made(with_template(&stage, &text).import_existing(true));
    let cx = stage.context("demo/1/deploy/production");
    let runtime = Local::new(cx.clone());
    let report = run_step(&runtime, &target, &cx, &Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    let (plan, receipt) = (report.plan.unwrap(), report.receipt);
    let undone = undo_step(&runtime, &target, &cx, &Policy::default(), &plan, receipt.as_ref()).await;
    assert_eq!(undone, Undone::Reverted);
    assert_eq!(stage.aws().existing_resources(), existing(), "it exists as before");
    let failing = self::stage();
    failing.aws().behave(StackRule::failing("Topic", "create", "no"));
    for policy in ["Retain", "RetainExceptOnCreate"] {
        let text = TEMPLATE.replace("DeletionPolicy: Retain", &format!("DeletionPolicy: {policy}"));
        let builder = with_template(&failing, &text).import_existing(true).name(format!("of{policy}"));
        let report = deployed(&failing, builder.retain_except_on_create(true)).await;
        assert_eq!(report.exit_code(), 3, "{}", told(&report));
        assert_eq!(failing.aws().existing_resources(), existing(), "{policy}: nothing of it was made");
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_consent_the_change_set_fails_and_the_flag_is_named() {
    let stage = stage();
    let report = deployed(&stage, with_template(&stage, TEMPLATE)).await;
    assert_eq!((report.exit_code(), codes(&report)), (1, vec!["already-exists"]), "{}", told(&report));
    let text = read(&report);
    for word in
        ["jobs.yaml:2:3", "/Resources/Jobs/Properties/QueueName", "import-existing", "DeletionPolicy: Retain"]
    {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert!(stage.aws().stack(NAME).is_none(), "and leaves no empty stack");
    assert_eq!(stage.aws().existing_resources(), existing());
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_taken_fails_the_operation_where_nothing_checked_it_before() {
    let stage = stage();
    let report = deployed(&stage, with_template(&stage, TEMPLATE).disable_validation(true)).await;
    assert_eq!((report.exit_code(), codes(&report)), (3, vec!["already-exists"]), "{}", told(&report));
    let text = read(&report);
    assert!(text.contains("HandlerErrorCode: AlreadyExists") && text.contains("import-existing"), "{text}");
    assert_eq!(stage.aws().existing_resources(), existing(), "the rollback does not touch it");
}

#[tokio::test(start_paused = true)]
async fn an_import_without_retention_names_what_it_is_about_and_the_fix() {
    let stage = stage();
    let text = TEMPLATE.replace("    DeletionPolicy: Retain\n", "");
    let report = deployed(&stage, with_template(&stage, &text).import_existing(true)).await;
    assert_eq!((report.exit_code(), codes(&report)), (1, vec!["import-conflict"]), "{}", told(&report));
    let text = read(&report);
    for word in ["Jobs ({QueueName=jobs}), declared at jobs.yaml:2:3", "`DeletionPolicy: Retain`"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert!(stage.aws().stack(NAME).is_none());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_taken_from_another_stack() {
    let stage = stage();
    let builder = with_template(&stage, TEMPLATE).import_existing(true);
    assert!(deployed(&stage, builder.clone().name("first")).await.is_success());
    let report = deployed(&stage, builder).await;
    assert_eq!(codes(&report), ["import-conflict"], "{}", told(&report));
    let text = read(&report);
    assert!(text.contains("jobs already exists in stack arn:") && text.contains("one stack only"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_plan_by_a_change_set_shows_what_would_be_taken_over() {
    let stage = stage();
    let target = stage.made(with_template(&stage, TEMPLATE).import_existing(true));
    let cx = stage.context("demo/1/plan");
    let told: Vec<String> =
        target.plan(&cx).await.unwrap().changes.into_iter().flat_map(|change| change.details).collect();
    assert!(told.iter().any(|line| line.contains("exist already are imported")), "{told:?}");
    let planned = target.plan_with_change_set(&cx).await.unwrap();
    let lines: Vec<String> = planned.plan.changes.iter().flat_map(|change| change.details.clone()).collect();
    assert!(lines.iter().any(|line| line.starts_with("Import Jobs")), "{lines:?}");
    assert!(planned.refusal.is_none());
    assert_eq!(stage.aws().existing_resources(), existing(), "a plan takes nothing");
}
