//! What is put back when a part fails.

use landfall_core::Undone;
use landfall_core::pipeline::Rollback;
use landfall_simulator::{DEMO_ACCOUNT, DEMO_REGION, StackRule, World};

use crate::stage::{Stage, TEMPLATE};

fn undone(report: &landfall_core::Report, step: &str) -> Undone {
    report.step(step).unwrap().settled().unwrap_or_else(|| panic!("{}", report.text())).undone.clone()
}

#[tokio::test(start_paused = true)]
async fn a_failing_hook_puts_back_revision_stack_and_bundle_in_this_order() {
    let stage = Stage::updating("deployment-hook-fails");
    let before = stage.there().unwrap().template;
    let report = stage.run(stage.known()).await;
    assert_eq!(report.exit_code, 3, "{}", report.text());
    for words in ["scripts/migrate.sh ended with exit code 3", "column price is missing"] {
        assert!(report.text().contains(words), "{words:?} is not in\n{}", report.text());
    }
    assert_eq!(undone(&report, "stack"), Undone::Reverted, "{}", report.text());
    assert_eq!(undone(&report, "bundle"), Undone::Reverted, "{}", report.text());
    let stack = stage.there().unwrap();
    assert_eq!((stack.template, stack.status.as_str()), (before, "UPDATE_COMPLETE"));
    assert_eq!(stage.live()["key"].as_str(), Some("demo/1.zip"));
    let objects = stage.objects();
    assert!(objects.len() == 2 && objects[1].deleted, "hidden, and its version is there: {objects:?}");
    assert_eq!(
        stage.writes(),
        [
            "CreateChangeSet",
            "PutObject",
            "ExecuteChangeSet",
            "CreateDeployment",
            "CreateChangeSet",
            "ExecuteChangeSet",
            "DeleteObject"
        ],
        "CodeDeploy has rolled back by itself"
    );
}

#[tokio::test(start_paused = true)]
async fn a_stack_that_the_release_has_made_is_deleted_again() {
    let stage = Stage::with(World::demo(), "deployment-hook-fails");
    let report = stage.run(stage.known()).await;
    assert_eq!(report.exit_code, 3, "{}", report.text());
    assert!(stage.there().is_none());
}

#[tokio::test(start_paused = true)]
async fn what_had_succeeded_stays_when_that_is_asked_for() {
    let stage = Stage::updating("deployment-hook-fails");
    let report = stage.run_pipeline(stage.made(stage.known()).on_failure(Rollback::RevertFailed)).await;
    assert_eq!((undone(&report, "stack"), undone(&report, "bundle")), (Undone::NotNeeded, Undone::NotNeeded));
    assert_eq!((stage.there().unwrap().template, stage.objects().len()), (TEMPLATE.to_owned(), 1));
    assert_eq!(stage.live()["key"].as_str(), Some("demo/1.zip"), "{}", report.text());
}

#[tokio::test(start_paused = true)]
async fn a_stack_that_fails_keeps_the_deployment_from_being_begun_and_the_bundle_goes_again() {
    let stage = Stage::new();
    let rule = StackRule::failing("Group", "create", "Value () for parameter groupId is invalid.");
    stage.simulator.cloudformation(DEMO_ACCOUNT, DEMO_REGION).behave(rule);
    let report = stage.run(stage.known()).await;
    assert_eq!(report.exit_code, 3, "{}", report.text());
    assert!(report.text().contains("Value () for parameter groupId is invalid"), "{}", report.text());
    assert!(report.text().contains("not started: stack did not succeed"), "{}", report.text());
    assert_eq!(undone(&report, "bundle"), Undone::Reverted);
    assert_eq!(stage.simulator.count("codedeploy", "CreateDeployment"), 0);
}

#[tokio::test(start_paused = true)]
async fn an_output_that_is_missing_in_the_end_is_named() {
    let stage = Stage::new();
    // Only the URL is known beforehand.
    let url = "https://demo-bucket.s3.eu-central-1.amazonaws.com/shop.yaml";
    stage.simulator.cloudformation(DEMO_ACCOUNT, DEMO_REGION).put_template(url, TEMPLATE);
    let source = landfall_ec2_cfn::stack::TemplateSource::parse(url).unwrap();
    let release = landfall_ec2_cfn::release::release(
        stage.stack().template(source),
        stage.bundle(),
        stage.deployment(),
    );
    let report = stage.run(release.bucket_from("Bucket")).await;
    let text = report.text();
    assert!(text.contains("step stack gave no output Bucket (it gave: Application, Bundles, "), "{text}");
    assert_eq!(report.exit_code, 3, "{text}");
}
