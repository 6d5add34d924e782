//! "Using drift-aware change sets" of the user guide: three states are compared, and resources brought in line.

use std::time::Duration;

use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use aws_sdk_cloudformation::operation::describe_change_set::DescribeChangeSetOutput;
use aws_sdk_cloudformation::types::{ChangeSetType, DeploymentMode, ResourceChange};
use serde_json::json;

use crate::stage::Stage;

const TEMPLATE: &str = "Resources:
  Jobs:
    Type: AWS::SQS::Queue
    Properties: {QueueName: jobs, VisibilityTimeout: 30, DelaySeconds: 1}
";

fn stage() -> Stage {
    Stage::with_stack(TEMPLATE)
}

impl Stage {
    async fn change_set(&self, name: &str, template: &str, revert: bool) -> DescribeChangeSetOutput {
        let request = self.client.create_change_set().stack_name("s").change_set_name(name);
        let request = request.change_set_type(ChangeSetType::Update).template_body(template);
        let request = if revert { request.deployment_mode(DeploymentMode::RevertDrift) } else { request };
        let made = request.send().await.unwrap();
        tokio::time::sleep(Duration::from_secs(3)).await;
        let describe = self.client.describe_change_set().change_set_name(made.id.unwrap());
        describe.include_property_values(true).send().await.unwrap()
    }
}

fn only(set: &DescribeChangeSetOutput) -> &ResourceChange {
    assert_eq!(set.changes().len(), 1, "{set:?}");
    set.changes()[0].resource_change().unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_same_template_puts_drift_back_by_a_drift_aware_change_set_only() {
    let stage = stage();
    assert!(stage.aws.change_resource_as_other("s", "Jobs", "VisibilityTimeout", json!(900)));
    let usual = stage.change_set("usual", TEMPLATE, false).await;
    assert_eq!(usual.status().unwrap().as_str(), "FAILED", "templates alone do not differ");
    let aware = stage.change_set("aware", TEMPLATE, true).await;
    assert_eq!(aware.deployment_mode().unwrap().as_str(), "REVERT_DRIFT");
    assert_eq!(aware.stack_drift_status().unwrap().as_str(), "DRIFTED");
    let change = only(&aware);
    assert_eq!(change.action().unwrap().as_str(), "Modify");
    assert_eq!(change.resource_drift_status().unwrap().as_str(), "MODIFIED");
    let target = change.details()[0].target().unwrap();
    assert_eq!((target.before_value(), target.after_value()), (Some("900"), Some("30")));
    assert_eq!(target.before_value_from().unwrap().as_str(), "ACTUAL_STATE");
    let drift = target.drift().unwrap();
    assert_eq!((drift.previous_value(), drift.actual_value()), (Some("30"), Some("900")));
    stage.execute(&aware).await;
    assert_eq!(stage.aws.stack("s").unwrap().actual["Jobs"]["VisibilityTimeout"], 30);
    let again = stage.change_set("again", TEMPLATE, true).await;
    assert!(again.status_reason().unwrap().starts_with("The submitted information didn't contain changes"));
}

#[tokio::test(start_paused = true)]
async fn a_template_that_says_what_there_is_only_resets_the_drift() {
    let stage = stage();
    stage.aws.change_resource_as_other("s", "Jobs", "VisibilityTimeout", json!(900));
    let set = stage.change_set("c", &TEMPLATE.replace("Timeout: 30", "Timeout: 900"), true).await;
    assert_eq!(only(&set).action().unwrap().as_str(), "SyncWithActual");
    stage.execute(&set).await;
    let events = stage.aws.events("s");
    assert!(!events.iter().any(|event| event.logical == "Jobs" && event.status.starts_with("UPDATE")));
    let stack = stage.aws.stack("s").unwrap();
    assert_eq!((stack.status.as_str(), &stack.properties), ("UPDATE_COMPLETE", &stack.actual));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_changed_without_a_replacement_stays() {
    let stage = stage();
    stage.aws.change_resource_as_other("s", "Jobs", "QueueName", json!("others"));
    let set = stage.change_set("c", TEMPLATE, true).await;
    assert_eq!(set.status().unwrap().as_str(), "FAILED", "there is nothing that it could do");
}

#[tokio::test(start_paused = true)]
async fn the_mode_is_for_updates_of_one_stack() {
    let stage = stage();
    let request = stage.client.create_change_set().change_set_name("c").template_body(TEMPLATE);
    let request = request.deployment_mode(DeploymentMode::RevertDrift);
    let new =
        request.clone().stack_name("new").change_set_type(ChangeSetType::Create).send().await.unwrap_err();
    assert_eq!(new.code(), Some("ValidationError"));
    assert!(stage.aws.stack("new").is_none());
    let nested = request.clone().stack_name("s").include_nested_stacks(true).send().await.unwrap_err();
    assert!(nested.message().unwrap().contains("IncludeNestedStacks"), "{nested:?}");
    let other = request.stack_name("s").deployment_mode("KEEP_DRIFT".into()).send().await.unwrap_err();
    assert!(other.message().unwrap().contains("enum value set"), "{other:?}");
}
