//! Change sets that are looked at and executed later: "Update CloudFormation stacks using change sets" of the user guide.

use std::time::Duration;

use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use aws_sdk_cloudformation::operation::describe_change_set::DescribeChangeSetOutput;
use aws_sdk_cloudformation::types::ChangeSetType;

use crate::stage::Stage;

fn template(delay: u32) -> String {
    format!("Resources:\n  Jobs:\n    Type: AWS::SQS::Queue\n    Properties: {{DelaySeconds: {delay}}}\n")
}

impl Stage {
    async fn made(&self, name: &str, delay: u32) -> String {
        let request = self.client.create_change_set().stack_name("s").change_set_name(name);
        let request = request.change_set_type(ChangeSetType::Update).description("for release 81");
        let made = request.template_body(template(delay)).send().await.unwrap();
        tokio::time::sleep(Duration::from_secs(3)).await;
        made.id.unwrap()
    }

    async fn shown(&self, arn: &str) -> DescribeChangeSetOutput {
        self.client.describe_change_set().change_set_name(arn).send().await.unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_set_keeps_its_description_and_its_own_template() {
    let stage = Stage::with_stack(&template(1));
    let arn = stage.made("review", 2).await;
    assert_eq!(stage.shown(&arn).await.description(), Some("for release 81"));
    let of =
        |request: aws_sdk_cloudformation::operation::get_template::builders::GetTemplateFluentBuilder| async move {
            request.send().await.unwrap().template_body.unwrap()
        };
    assert_eq!(of(stage.client.get_template().change_set_name(&arn)).await, template(2));
    assert_eq!(of(stage.client.get_template().stack_name("s")).await, template(1), "the stack has its own");
}

#[tokio::test(start_paused = true)]
async fn a_change_set_is_obsolete_once_the_stack_was_updated_without_it() {
    let stage = Stage::with_stack(&template(1));
    let arn = stage.made("review", 2).await;
    assert_eq!(stage.shown(&arn).await.execution_status().unwrap().as_str(), "AVAILABLE");
    assert!(stage.aws.update_as_other("s", &template(3)));
    tokio::time::sleep(Duration::from_secs(30)).await;
    let found = stage.shown(&arn).await;
    assert_eq!(
        (found.status().unwrap().as_str(), found.execution_status().unwrap().as_str()),
        ("CREATE_COMPLETE", "OBSOLETE")
    );
    let refused = stage.client.execute_change_set().change_set_name(&arn).send().await.unwrap_err();
    assert_eq!(refused.code(), Some("InvalidChangeSetStatus"));
    assert!(refused.message().unwrap().ends_with("execution status of [OBSOLETE]"), "{refused:?}");
    assert_eq!(stage.aws.stack("s").unwrap().template, template(3));
}
