//! "Import AWS resources into a CloudFormation stack automatically" of the user guide: what is imported, and what is not.

use std::time::Duration;

use aws_sdk_cloudformation::operation::describe_change_set::DescribeChangeSetOutput;
use aws_sdk_cloudformation::types::{ChangeSetType, Parameter};

use crate::stage::Stage;

/// A bucket `logs` exists outside of every stack.
fn stage() -> Stage {
    let stage = Stage::empty();
    stage.aws.put_resource("AWS::S3::Bucket", "logs");
    stage
}

fn template(policy: &str, name: &str) -> String {
    format!(
        "Parameters:\n  Name: {{Type: String, Default: logs}}\nResources:\n  Logs:\n    Type: AWS::S3::Bucket\n    \
         DeletionPolicy: {policy}\n    Properties: {{BucketName: {name}}}\n"
    )
}

impl Stage {
    /// A change set that creates the stack, as it is once it is made.
    async fn creation(&self, stack: &str, template: &str, import: bool) -> DescribeChangeSetOutput {
        let request = self.client.create_change_set().stack_name(stack).change_set_name("c");
        let request = request.change_set_type(ChangeSetType::Create).template_body(template);
        let request =
            request.parameters(Parameter::builder().parameter_key("Name").parameter_value("logs").build());
        let made = request.import_existing_resources(import).send().await.unwrap();
        tokio::time::sleep(Duration::from_secs(3)).await;
        self.client.describe_change_set().change_set_name(made.id.unwrap()).send().await.unwrap()
    }
}

fn action(set: &DescribeChangeSetOutput) -> &str {
    set.changes()[0].resource_change().unwrap().action().unwrap().as_str()
}

#[tokio::test(start_paused = true)]
async fn a_named_resource_that_is_retained_is_imported_and_not_made() {
    for policy in ["Retain", "RetainExceptOnCreate"] {
        let stage = stage();
        let set = stage.creation("s", &template(policy, "logs"), true).await;
        assert_eq!((set.status().unwrap().as_str(), action(&set)), ("CREATE_COMPLETE", "Import"));
        assert_eq!(set.changes()[0].resource_change().unwrap().physical_resource_id(), Some("logs"));
        assert_eq!(stage.aws.existing_resources().len(), 1, "until it is executed");
        stage.execute(&set).await;
        let statuses: Vec<String> = stage
            .aws
            .events("s")
            .into_iter()
            .filter(|event| event.logical == "Logs")
            .map(|event| event.status)
            .collect();
        assert_eq!(statuses, ["IMPORT_IN_PROGRESS", "IMPORT_COMPLETE"]);
        assert!(stage.aws.existing_resources().is_empty());
        stage.client.delete_stack().stack_name("s").send().await.unwrap();
        tokio::time::sleep(Duration::from_secs(30)).await;
        assert_eq!(stage.aws.existing_resources().len(), 1, "and the stack leaves it behind");
    }
}

#[tokio::test(start_paused = true)]
async fn without_retention_the_change_set_fails_in_cloudformations_words() {
    let set = stage().creation("s", &template("Delete", "logs"), true).await;
    assert_eq!(set.status().unwrap().as_str(), "FAILED");
    assert_eq!(
        set.status_reason(),
        Some(
            "CloudFormation is attempting to import some resources because they already exist in your account. The resources must have the DeletionPolicy attribute set to 'Retain' or 'RetainExceptOnCreate' in the template for successful import. The affected resources are Logs ({BucketName=logs})"
        )
    );
}

#[tokio::test(start_paused = true)]
async fn a_name_by_a_function_is_not_imported_and_what_is_not_imported_is_in_the_way() {
    for (name, import) in [("!Ref Name", true), ("logs", false)] {
        let stage = stage();
        let set = stage.creation("s", &template("Retain", name), import).await;
        assert_eq!((set.status().unwrap().as_str(), action(&set)), ("FAILED", "Add"), "{name}");
        assert!(set.status_reason().unwrap().contains("AWS::EarlyValidation::ResourceExistenceCheck"));
        let events = stage.client.describe_events().change_set_name(set.change_set_id().unwrap());
        let events = events.send().await.unwrap();
        let event = &events.operation_events()[0];
        assert_eq!(event.validation_name(), Some("NAME_CONFLICT_VALIDATION"));
        assert_eq!(event.validation_path(), Some("/Resources/Logs/Properties/BucketName"));
    }
}

#[tokio::test(start_paused = true)]
async fn what_comes_to_be_after_the_change_set_fails_the_operation() {
    let stage = stage();
    stage.aws.put_resource("AWS::S3::Bucket", "other");
    let set = stage.creation("s", &template("Retain", "late"), true).await;
    assert_eq!(action(&set), "Add");
    stage.aws.put_resource("AWS::S3::Bucket", "late");
    stage.execute(&set).await;
    let failed = stage.aws.events("s").into_iter().find(|event| event.status == "CREATE_FAILED").unwrap();
    assert!(failed.reason.unwrap().contains("HandlerErrorCode: AlreadyExists"));
    assert_eq!(stage.aws.stack("s").unwrap().status, "ROLLBACK_COMPLETE");
    assert_eq!(stage.aws.existing_resources().len(), 3, "nobody deleted it");
}
