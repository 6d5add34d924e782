//! What CodeDeploy refuses: error codes are those of the service model.

use aws_sdk_codedeploy::error::ProvideErrorMetadata;
use landfall_simulator::{DEMO_ACCOUNT, Denial};

use super::{code, in_s3, revision, seconds, stage, staged};

#[tokio::test(start_paused = true)]
async fn what_a_deployment_needs_must_be_there() {
    let stage = stage(|_| {});
    let create = || stage.client.create_deployment().revision(revision(in_s3("demo/2.zip")));
    let of = async |application: &str, group: &str| {
        code(create().application_name(application).deployment_group_name(group).send().await)
    };
    assert_eq!(of("", "demo").await, "ApplicationNameRequiredException");
    assert_eq!(of("none", "demo").await, "ApplicationDoesNotExistException");
    assert_eq!(of("demo", "").await, "DeploymentGroupNameRequiredException");
    assert_eq!(of("demo", "none").await, "DeploymentGroupDoesNotExistException");
    let bare = stage.client.create_deployment().application_name("demo").deployment_group_name("demo");
    assert_eq!(code(bare.send().await), "RevisionRequiredException");
    let config = stage.create().deployment_config_name("none").send().await;
    assert_eq!(code(config), "DeploymentConfigDoesNotExistException");
    let long = stage.create().description("x".repeat(257)).send().await;
    assert_eq!(code(long), "DescriptionTooLongException");
    let unknown = stage.client.get_deployment().deployment_id("d-NONE00000").send().await;
    assert_eq!(code(unknown), "DeploymentDoesNotExistException");
    assert_eq!(stage.aws().deployments().len(), 1, "nothing was made");
}

#[tokio::test(start_paused = true)]
async fn a_group_has_one_deployment_at_a_time_and_its_id_is_in_the_refusal() {
    let stage = stage(|_| {});
    let id = stage.created().await;
    seconds(2).await;
    let error = stage.create().send().await.unwrap_err();
    assert_eq!(error.code(), Some("DeploymentLimitExceededException"));
    assert!(error.message().unwrap().contains(&id), "{error:?}");
    seconds(60).await;
    stage.created().await;
}

#[tokio::test(start_paused = true)]
async fn a_group_without_instances_fails_as_documented() {
    let stage = stage(|group| {
        group.instances.clear();
        group.settings = serde_json::json!({});
    });
    let id = stage.created().await;
    seconds(2).await;
    assert_eq!((stage.status(&id).await, stage.error(&id).await.0), ("Failed".into(), "NO_INSTANCES".into()));
}

#[tokio::test(start_paused = true)]
async fn what_is_denied_is_refused_with_action_and_resource() {
    let stage = staged(|world| {
        world.account(DEMO_ACCOUNT).denied = vec![Denial::of("codedeploy:CreateDeployment")];
    });
    let error = stage.create().send().await.unwrap_err();
    assert_eq!(error.code(), Some("AccessDeniedException"));
    let resource = "arn:aws:codedeploy:eu-central-1:111122223333:deploymentgroup:demo/demo";
    let message = error.message().unwrap();
    assert!(message.contains("codedeploy:CreateDeployment") && message.contains(resource), "{message}");
}
