//! CloudFormation as its documents and service model have it.

use std::time::Duration;

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use aws_sdk_cloudformation::types::{Capability, ChangeSetType, Parameter};
use landfall_simulator::{DEMO_ACCOUNT, DEMO_REGION, Simulator, StackRule};

const TEMPLATE: &str = "
Parameters:
  Word: {Type: String, NoEcho: true}
Resources:
  Topic: {Type: AWS::SNS::Topic, Properties: {DisplayName: !Ref Word}}
  Policy: {Type: AWS::SNS::TopicPolicy, Properties: {Topics: [!Ref Topic]}}
Outputs:
  Topic: {Value: !Ref Topic}
";

struct Stage {
    simulator: Simulator,
    client: Client,
}

fn stage() -> Stage {
    let simulator = Simulator::builder().build();
    let client = Client::new(&simulator.sdk_config());
    Stage { simulator, client }
}

fn word(value: &str) -> Parameter {
    Parameter::builder().parameter_key("Word").parameter_value(value).build()
}

async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

impl Stage {
    /// Makes a change set that creates the stack `s`.
    async fn change_set(
        &self,
        name: &str,
        token: &str,
        kind: ChangeSetType,
        template: &str,
    ) -> Result<String, String> {
        let request =
            self.client.create_change_set().stack_name("s").change_set_name(name).client_token(token);
        let request = request.change_set_type(kind).template_body(template).parameters(word("secret"));
        let sent = request
            .send()
            .await
            .map_err(|error| format!("{}: {}", error.code().unwrap(), error.message().unwrap()))?;
        Ok(sent.id.unwrap())
    }

    async fn execute(&self, arn: &str, token: &str) -> Result<(), String> {
        let request = self.client.execute_change_set().change_set_name(arn).client_request_token(token);
        request.send().await.map(|_| ()).map_err(|error| error.code().unwrap().to_owned())
    }

    async fn created(&self) -> String {
        let arn = self.change_set("first", "t1", ChangeSetType::Create, TEMPLATE).await.unwrap();
        seconds(3).await;
        self.execute(&arn, "x1").await.unwrap();
        seconds(30).await;
        arn
    }

    async fn status(&self) -> String {
        let answer = self.client.describe_stacks().stack_name("s").send().await.unwrap();
        answer.stacks()[0].stack_status().unwrap().as_str().to_owned()
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_set_goes_through_its_statuses_and_makes_a_shell_until_it_is_executed() {
    let stage = stage();
    let arn = stage.change_set("first", "t1", ChangeSetType::Create, TEMPLATE).await.unwrap();
    let describe = async || stage.client.describe_change_set().change_set_name(&arn).send().await.unwrap();
    let first = describe().await;
    assert_eq!(
        (first.status().unwrap().as_str(), first.execution_status().unwrap().as_str()),
        ("CREATE_PENDING", "UNAVAILABLE")
    );
    assert_eq!(stage.status().await, "REVIEW_IN_PROGRESS");
    assert_eq!(stage.execute(&arn, "x1").await.unwrap_err(), "InvalidChangeSetStatus");
    seconds(3).await;
    let made = describe().await;
    assert_eq!(
        (made.status().unwrap().as_str(), made.execution_status().unwrap().as_str()),
        ("CREATE_COMPLETE", "AVAILABLE")
    );
    assert_eq!(made.parameters()[0].parameter_value(), Some("****"), "NoEcho is not told");
    stage.execute(&arn, "x1").await.unwrap();
    stage.execute(&arn, "x1").await.unwrap();
    assert_eq!(stage.execute(&arn, "x2").await.unwrap_err(), "InvalidChangeSetStatus", "executed by another");
    assert_eq!(stage.status().await, "CREATE_IN_PROGRESS");
    seconds(30).await;
    assert_eq!(stage.status().await, "CREATE_COMPLETE");
}

#[tokio::test(start_paused = true)]
async fn a_name_with_the_same_token_is_the_same_change_set_and_with_another_a_conflict() {
    let stage = stage();
    let arn = stage.change_set("first", "t1", ChangeSetType::Create, TEMPLATE).await.unwrap();
    assert_eq!(stage.change_set("first", "t1", ChangeSetType::Create, TEMPLATE).await.unwrap(), arn);
    let refused = stage.change_set("first", "t2", ChangeSetType::Create, TEMPLATE).await.unwrap_err();
    assert!(
        refused.starts_with("AlreadyExistsException: ChangeSet first cannot be created due to a mismatch"),
        "{refused}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_change_set_without_changes_fails_with_the_documented_words() {
    let stage = stage();
    stage.created().await;
    let arn = stage.change_set("second", "t2", ChangeSetType::Update, TEMPLATE).await.unwrap();
    seconds(3).await;
    let made = stage.client.describe_change_set().change_set_name(&arn).send().await.unwrap();
    assert_eq!(made.status().unwrap().as_str(), "FAILED");
    assert_eq!(
        made.status_reason(),
        Some(
            "The submitted information didn't contain changes. Submit different information to create a change set."
        )
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_busy_or_not_allowed_is_refused_in_cloudformations_words() {
    let stage = stage();
    let missing = stage.client.describe_stacks().stack_name("s").send().await.unwrap_err();
    assert_eq!(
        (missing.code(), missing.message()),
        (Some("ValidationError"), Some("Stack with id s does not exist"))
    );
    let gone =
        stage.client.describe_change_set().stack_name("s").change_set_name("none").send().await.unwrap_err();
    assert_eq!(gone.code(), Some("ChangeSetNotFound"));
    let without = stage
        .client
        .create_change_set()
        .stack_name("s")
        .change_set_name("c")
        .change_set_type(ChangeSetType::Create);
    let error = without.clone().template_body(TEMPLATE).send().await.unwrap_err();
    assert_eq!(error.message(), Some("Parameters: [Word] must have values"));
    let role = "Resources: {Role: {Type: AWS::IAM::Role, Properties: {RoleName: deploy}}}";
    let error =
        without.clone().template_body(role).capabilities(Capability::CapabilityIam).send().await.unwrap_err();
    assert_eq!(error.code(), Some("InsufficientCapabilitiesException"));
    assert_eq!(error.message(), Some("Requires capabilities : [CAPABILITY_NAMED_IAM]"));
    let large = format!("{TEMPLATE}# {}", "x".repeat(51_200));
    let error = without.template_body(large).send().await.unwrap_err();
    assert!(error.message().unwrap().contains("length less than or equal to 51200"));
    let arn = stage.change_set("first", "t1", ChangeSetType::Create, TEMPLATE).await.unwrap();
    seconds(3).await;
    stage.execute(&arn, "x1").await.unwrap();
    let busy = stage.change_set("second", "t2", ChangeSetType::Update, TEMPLATE).await.unwrap_err();
    assert!(busy.contains("is in CREATE_IN_PROGRESS state and can not be updated."), "{busy}");
}

#[tokio::test(start_paused = true)]
async fn events_are_newest_first_and_bear_token_and_operation() {
    let stage = stage();
    stage.created().await;
    let events = stage.client.describe_stack_events().stack_name("s").send().await.unwrap();
    let events = events.stack_events();
    assert_eq!(
        (events[0].logical_resource_id(), events[0].resource_status().unwrap().as_str()),
        (Some("s"), "CREATE_COMPLETE")
    );
    assert!(events.windows(2).all(|pair| pair[0].timestamp() >= pair[1].timestamp()));
    let of_operation: Vec<_> =
        events.iter().filter(|event| event.client_request_token() == Some("x1")).collect();
    assert_eq!(of_operation.len(), events.len() - 1, "all but the event of the shell");
    assert!(of_operation.iter().all(|event| event.operation_id() == of_operation[0].operation_id()));
    let order: Vec<&str> = events
        .iter()
        .rev()
        .filter(|event| event.resource_status().unwrap().as_str() == "CREATE_COMPLETE")
        .filter_map(|event| event.logical_resource_id())
        .collect();
    assert_eq!(order, ["Topic", "Policy", "s"], "what is needed comes first");
}

#[tokio::test(start_paused = true)]
async fn a_failed_update_goes_back_and_after_it_the_newest_operation_is_not_the_failed_one() {
    let stage = stage();
    stage.created().await;
    stage
        .simulator
        .cloudformation(DEMO_ACCOUNT, DEMO_REGION)
        .behave(StackRule::failing("Policy", "update", "no"));
    let changed = TEMPLATE.replace("[!Ref Topic]}", "[!Ref Topic], Note: x}");
    let arn = stage.change_set("second", "t2", ChangeSetType::Update, &changed).await.unwrap();
    seconds(3).await;
    stage.execute(&arn, "x2").await.unwrap();
    seconds(60).await;
    assert_eq!(stage.status().await, "UPDATE_ROLLBACK_COMPLETE");
    let template = stage.client.get_template().stack_name("s").send().await.unwrap();
    assert_eq!(template.template_body(), Some(TEMPLATE));
    let statuses: Vec<String> = stage
        .simulator
        .cloudformation(DEMO_ACCOUNT, DEMO_REGION)
        .events("s")
        .into_iter()
        .filter(|event| event.logical == "s")
        .map(|event| event.status)
        .skip(3)
        .collect();
    assert_eq!(
        statuses,
        [
            "UPDATE_IN_PROGRESS",
            "UPDATE_ROLLBACK_IN_PROGRESS",
            "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
            "UPDATE_ROLLBACK_COMPLETE",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_fails_is_continued_with_what_is_skipped() {
    let stage = stage();
    stage.created().await;
    let aws = stage.simulator.cloudformation(DEMO_ACCOUNT, DEMO_REGION);
    aws.behave(StackRule::failing("Policy", "", "no"));
    let changed = TEMPLATE.replace("[!Ref Topic]}", "[!Ref Topic], Note: x}");
    let arn = stage.change_set("second", "t2", ChangeSetType::Update, &changed).await.unwrap();
    seconds(3).await;
    stage.execute(&arn, "x2").await.unwrap();
    seconds(60).await;
    assert_eq!(stage.status().await, "UPDATE_ROLLBACK_FAILED");
    let busy = stage.change_set("third", "t3", ChangeSetType::Update, TEMPLATE).await.unwrap_err();
    assert!(busy.contains("UPDATE_ROLLBACK_FAILED state"), "{busy}");
    let go_on = stage.client.continue_update_rollback().stack_name("s");
    go_on.clone().send().await.unwrap();
    seconds(60).await;
    assert_eq!(stage.status().await, "UPDATE_ROLLBACK_FAILED", "it fails again");
    go_on.resources_to_skip("Policy").send().await.unwrap();
    seconds(60).await;
    assert_eq!(stage.status().await, "UPDATE_ROLLBACK_COMPLETE");
}

#[tokio::test(start_paused = true)]
async fn a_deleted_stack_is_shown_by_its_id_only() {
    let stage = stage();
    stage.created().await;
    let id = stage.client.describe_stacks().stack_name("s").send().await.unwrap().stacks()[0]
        .stack_id()
        .unwrap()
        .to_owned();
    stage.client.delete_stack().stack_name("s").client_request_token("d").send().await.unwrap();
    assert_eq!(stage.status().await, "DELETE_IN_PROGRESS");
    seconds(60).await;
    assert!(stage.client.describe_stacks().stack_name("s").send().await.is_err());
    let by_id = stage.client.describe_stacks().stack_name(&id).send().await.unwrap();
    assert_eq!(by_id.stacks()[0].stack_status().unwrap().as_str(), "DELETE_COMPLETE");
    stage.client.delete_stack().stack_name("s").send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn protection_and_retention_are_kept() {
    let stage = stage();
    stage.created().await;
    let protect = stage.client.update_termination_protection().stack_name("s");
    protect.clone().enable_termination_protection(true).send().await.unwrap();
    let error = stage.client.delete_stack().stack_name("s").send().await.unwrap_err();
    assert_eq!(error.message(), Some("Stack [s] cannot be deleted while TerminationProtection is enabled"));
    protect.enable_termination_protection(false).send().await.unwrap();
    let error =
        stage.client.delete_stack().stack_name("s").retain_resources("Topic").send().await.unwrap_err();
    assert!(error.message().unwrap().contains("DELETE_FAILED state"));
}

/// "Fn::GetAtt" of AWS::CloudFormation::Stack: `Outputs.NestedStackOutputName`.
#[tokio::test(start_paused = true)]
async fn outputs_of_a_nested_stack_are_attributes_of_it() {
    let stage = stage();
    let url = "https://s3.eu-central-1.amazonaws.com/demo-bucket/inner.yaml";
    let inner = "Resources:\n  Topic: {Type: AWS::SNS::Topic, Properties: {TopicName: inner-topic}}\nOutputs:\n  Name: {Value: !Ref Topic}\n";
    stage.simulator.cloudformation(DEMO_ACCOUNT, DEMO_REGION).put_template(url, inner);
    let outer = format!(
        "Parameters:\n  Word: {{Type: String}}\nResources:\n  Inner:\n    Type: AWS::CloudFormation::Stack\n    Properties: \
         {{TemplateURL: '{url}'}}\n  Queue:\n    Type: AWS::SQS::Queue\n    Properties:\n      QueueName: !Sub          '${{Inner.Outputs.Name}}-queue'\nOutputs:\n  Topic: {{Value: !GetAtt Inner.Outputs.Name}}\n  Queue: {{Value: !Ref Queue}}\n"
    );
    let arn = stage.change_set("first", "t1", ChangeSetType::Create, &outer).await.unwrap();
    seconds(3).await;
    stage.execute(&arn, "x1").await.unwrap();
    seconds(60).await;
    assert_eq!(stage.status().await, "CREATE_COMPLETE");
    let answer = stage.client.describe_stacks().stack_name("s").send().await.unwrap();
    let mut outputs: Vec<&str> =
        answer.stacks()[0].outputs().iter().filter_map(|output| output.output_value()).collect();
    outputs.sort_unstable();
    assert_eq!(outputs, ["inner-topic", "inner-topic-queue"]);
}
