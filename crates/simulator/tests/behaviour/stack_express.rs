//! "Deploy AWS CloudFormation stacks faster with express mode" of the user guide, and what users met after a failure.

use std::time::Duration;

use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use aws_sdk_cloudformation::types::{DeploymentConfig, DeploymentConfigMode};
use landfall_simulator::StackRule;

use crate::stage::Stage;

const TEMPLATE: &str = "Resources:
  Jobs:
    Type: AWS::SQS::Queue
    Properties: {DelaySeconds: 1}
";

fn stage() -> Stage {
    Stage::with_stack(TEMPLATE)
}

fn changed() -> String {
    TEMPLATE.replace("Seconds: 1", "Seconds: 2")
}

impl Stage {
    async fn update(&self, template: &str, rollback_off: Option<bool>) -> Result<String, String> {
        let config = DeploymentConfig::builder().mode(DeploymentConfigMode::Express);
        let config = config.set_disable_rollback(rollback_off).build();
        let request =
            self.client.update_stack().stack_name("s").template_body(template).deployment_config(config);
        let sent = request.send().await.map_err(|error| error.message().unwrap_or_default().to_owned())?;
        tokio::time::sleep(Duration::from_secs(30)).await;
        Ok(sent.operation_id.unwrap())
    }

    fn status(&self) -> String {
        self.aws.stack("s").unwrap().status
    }
}

#[tokio::test(start_paused = true)]
async fn an_operation_ends_sooner_and_says_of_each_resource_that_it_may_not_be_ready() {
    let stage = stage();
    stage.update(&changed(), None).await.unwrap();
    assert_eq!(stage.status(), "UPDATE_COMPLETE");
    let events = stage.aws.events("s");
    let (begun, done) = (
        events.iter().find(|event| event.logical == "Jobs" && event.status == "UPDATE_IN_PROGRESS").unwrap(),
        events.iter().find(|event| event.logical == "Jobs" && event.status == "UPDATE_COMPLETE").unwrap(),
    );
    assert!(done.at.duration_since(begun.at).as_millis() < 500);
    assert!(done.reason.as_ref().unwrap().contains("may continue becoming available in the background"));
    let shown = stage.client.describe_stacks().stack_name("s").send().await.unwrap();
    let config = shown.stacks()[0].deployment_config().unwrap();
    assert_eq!(
        (config.mode(), config.disable_rollback()),
        (Some(&DeploymentConfigMode::Express), Some(true))
    );
}

#[tokio::test(start_paused = true)]
async fn rollback_is_off_unless_it_is_turned_on() {
    for (off, status) in
        [(None, "UPDATE_FAILED"), (Some(true), "UPDATE_FAILED"), (Some(false), "UPDATE_ROLLBACK_COMPLETE")]
    {
        let stage = stage();
        stage.aws.behave(StackRule { times: 1, ..StackRule::failing("Jobs", "update", "no") });
        stage.update(&changed(), off).await.unwrap();
        assert_eq!(stage.status(), status, "{off:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_express_operation_is_followed_by_another_one_only() {
    let stage = stage();
    stage.aws.behave(StackRule { times: 1, ..StackRule::failing("Jobs", "update", "no") });
    stage.update(&changed(), None).await.unwrap();
    let rollback = stage.client.rollback_stack().stack_name("s").send().await.unwrap_err();
    assert!(
        rollback
            .message()
            .unwrap()
            .starts_with("RollbackStack is not supported for stacks that were last updated")
    );
    let usual = stage.client.create_change_set().stack_name("s").change_set_name("c").template_body(TEMPLATE);
    let usual = usual.send().await.unwrap_err();
    assert!(
        usual.message().unwrap().contains("must use the same DeploymentConfig (mode=EXPRESS)"),
        "{usual:?}"
    );
    let rolling = stage.update(TEMPLATE, Some(false)).await.unwrap_err();
    assert!(rolling.contains("non-terminal [UPDATE_FAILED] state"), "{rolling}");
    stage.update(TEMPLATE, None).await.unwrap();
    assert_eq!(stage.status(), "UPDATE_COMPLETE");
    let again = stage.update(TEMPLATE, None).await.unwrap_err();
    assert_eq!(again, "No updates are to be performed.");
}

#[tokio::test(start_paused = true)]
async fn without_rollback_nothing_is_replaced() {
    let named = TEMPLATE.replace("{Delay", "{QueueName: jobs, Delay");
    for (off, status) in [(None, "UPDATE_FAILED"), (Some(false), "UPDATE_COMPLETE")] {
        let stage = stage();
        stage.update(&named, off).await.unwrap();
        assert_eq!(stage.status(), status);
        let events = stage.aws.events("s");
        let told = events.iter().filter_map(|event| event.reason.as_deref());
        let refused =
            told.filter(|reason| reason.contains("not supported on stack with disable-rollback")).count();
        assert_eq!(refused, usize::from(off.is_none()));
    }
}

#[tokio::test(start_paused = true)]
async fn the_mode_reaches_nested_stacks_and_no_custom_resources() {
    let stage = stage();
    let url = "https://s3.eu-central-1.amazonaws.com/demo-bucket/inner.yaml";
    stage.aws.put_template(url, "Resources:\n  Topic: {Type: AWS::SNS::Topic}\n");
    let outer = format!(
        "{TEMPLATE}  Inner:\n    Type: AWS::CloudFormation::Stack\n    Properties: {{TemplateURL: '{url}'}}\n  Own:\n    \
         Type: Custom::Thing\n"
    );
    stage.update(&outer, None).await.unwrap();
    assert_eq!(stage.status(), "UPDATE_COMPLETE");
    let inner = stage.aws.stacks().into_iter().find(|stack| stack.parent.is_some()).unwrap();
    let reason = |events: Vec<landfall_simulator::StackEventView>, logical: &str| {
        let done = events
            .into_iter()
            .find(|event| event.logical == logical && event.status.ends_with("CREATE_COMPLETE"));
        done.unwrap().reason
    };
    assert!(reason(stage.aws.events(&inner.id), "Topic").is_some());
    assert_eq!(reason(stage.aws.events("s"), "Own"), None);
}
