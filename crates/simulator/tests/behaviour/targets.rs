//! Load balancers as the ELBv2 SDK client sees them, and deployments that wait for a person.

use std::time::Duration;

use aws_sdk_ecs::error::ProvideErrorMetadata;
use aws_sdk_ecs::types::{DeploymentLifecycleHookAction, ServiceDeployment};
use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::types::TargetHealthDescription;

use crate::driver::{Driver, driver};

const GROUP: &str = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/web/0123456789abcdef";

async fn targets(driver: &Driver) -> Vec<TargetHealthDescription> {
    let client = Client::new(&driver.simulator.sdk_config());
    let answer = client.describe_target_health().target_group_arn(GROUP).send().await.unwrap();
    answer.target_health_descriptions.unwrap_or_default()
}

/// States of the targets with their reasons, sorted.
async fn states(driver: &Driver) -> Vec<String> {
    let state = |target: TargetHealthDescription| {
        let health = target.target_health.unwrap();
        let reason = health.reason.map(|reason| format!(" {}", reason.as_str())).unwrap_or_default();
        format!("{}{reason}", health.state.unwrap().as_str())
    };
    let mut states: Vec<String> = targets(driver).await.into_iter().map(state).collect();
    states.sort();
    states
}

#[tokio::test(start_paused = true)]
async fn a_target_group_is_described_with_its_health_check() {
    let client = Client::new(&driver("good").simulator.sdk_config());
    let answer = client.describe_target_groups().target_group_arns(GROUP).send().await.unwrap();
    let group = &answer.target_groups()[0];
    assert_eq!((group.target_group_name(), group.target_group_arn()), (Some("web"), Some(GROUP)));
    assert_eq!(
        (group.health_check_path(), group.health_check_port()),
        (Some("/health"), Some("traffic-port"))
    );
    assert_eq!(group.matcher().and_then(|matcher| matcher.http_code()), Some("200"));
    assert_eq!(
        (group.health_check_interval_seconds(), group.unhealthy_threshold_count()),
        (Some(30), Some(2))
    );
    let by_name = client.describe_target_groups().names("web").send().await.unwrap();
    assert_eq!(by_name.target_groups().len(), 1);
    let missing =
        client.describe_target_health().target_group_arn(format!("{GROUP}0")).send().await.unwrap_err();
    assert_eq!(missing.code(), Some("TargetGroupNotFound"));
}

#[tokio::test(start_paused = true)]
async fn targets_follow_their_tasks_from_registration_to_draining() {
    let driver = driver("good");
    assert_eq!(states(&driver).await, ["healthy", "healthy"]);
    driver.deploy_new_image("demo/web:2").await;
    tokio::time::sleep(Duration::from_millis(3_500)).await;
    let initial = "initial Elb.InitialHealthChecking";
    assert_eq!(states(&driver).await, ["healthy", "healthy", initial, initial]);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let draining = "draining Target.DeregistrationInProgress";
    assert_eq!(states(&driver).await, [draining, draining, "healthy", "healthy"]);
    driver.settle(Duration::from_secs(30)).await;
    assert_eq!(states(&driver).await, ["healthy", "healthy"]);
}

#[tokio::test(start_paused = true)]
async fn a_target_has_the_address_of_its_task_and_the_port_of_its_container() {
    let driver = driver("good");
    let listed = driver.ecs.list_tasks().cluster("demo").service_name("web").send().await.unwrap();
    let tasks = driver.ecs.describe_tasks().cluster("demo").set_tasks(listed.task_arns).send().await.unwrap();
    let address = |task: &aws_sdk_ecs::types::Task| {
        task.containers()[0].network_interfaces()[0].private_ipv4_address().unwrap().to_owned()
    };
    let mut addresses: Vec<String> = tasks.tasks().iter().map(address).collect();
    addresses.sort();
    let mut ids: Vec<String> = Vec::new();
    for target in targets(&driver).await {
        assert_eq!(target.health_check_port(), Some("8080"));
        assert_eq!(target.target().unwrap().port(), Some(8080));
        ids.push(target.target().unwrap().id().unwrap().to_owned());
    }
    ids.sort();
    assert_eq!(ids, addresses);
}

#[tokio::test(start_paused = true)]
async fn a_task_whose_target_is_unhealthy_is_replaced_after_the_grace_period_and_counts_as_failed() {
    let driver = driver("load-balancer-health");
    driver.deploy_with_sidecar("demo/web:2").await;
    // Running after 3 s, unhealthy 2 s later, stopped when the grace period of 6 s is over.
    tokio::time::sleep(Duration::from_millis(7_600)).await;
    let unhealthy = "unhealthy Target.ResponseCodeMismatch";
    assert_eq!(states(&driver).await, ["healthy", "healthy", unhealthy, unhealthy]);
    let mut said = targets(&driver).await.into_iter().filter_map(|target| target.target_health?.description);
    assert_eq!(said.next_back().as_deref(), Some("Health checks failed with these codes: [404]"));
    assert_eq!(driver.service().await.deployments()[0].failed_tasks(), 0);
    tokio::time::sleep(Duration::from_millis(2_000)).await;
    assert_eq!(driver.service().await.deployments()[0].failed_tasks(), 2);
    let ecs = driver.simulator.ecs("111122223333", "eu-central-1");
    let events = ecs.events("demo", "web").join("\n");
    for words in [
        "(port 8080) is unhealthy in (target-group arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/web/0123456789abcdef) due to (reason Health checks failed with these codes: [404])",
        "registered 1 targets in (target-group",
        "deregistered 1 targets in (target-group",
        "has stopped 1 running tasks: (task",
    ] {
        assert!(events.contains(words), "{words:?} is not in\n{events}");
    }
    let stopped = ecs.tasks("demo", "web").into_iter().find_map(|task| task.stopped_reason).unwrap();
    assert_eq!(stopped, format!("Task failed ELB health checks in (target-group {GROUP})"));
    assert_eq!(driver.settle(Duration::from_secs(120)).await.status, "ROLLBACK_SUCCESSFUL");
}

/// A deployment of the scenario that is paused, and its newest description.
async fn paused() -> (Driver, ServiceDeployment) {
    let driver = driver("paused-hook");
    driver.deploy_new_image("demo/web:2").await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let deployment = driver.describe_newest().await;
    (driver, deployment)
}

async fn act(driver: &Driver, deployment: &ServiceDeployment, action: DeploymentLifecycleHookAction) {
    let hook = deployment.lifecycle_hook_details()[0].hook_id().unwrap();
    let arn = deployment.service_deployment_arn().unwrap();
    let request = driver.ecs.continue_service_deployment().service_deployment_arn(arn).hook_id(hook);
    request.action(action).send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_paused_hook_waits_with_both_generations_running_until_somebody_continues() {
    let (driver, deployment) = paused().await;
    let hook = &deployment.lifecycle_hook_details()[0];
    assert_eq!(hook.status().unwrap().as_str(), "AWAITING_ACTION");
    assert_eq!(deployment.lifecycle_stage().unwrap().as_str(), "POST_SCALE_UP");
    assert_eq!(hook.timeout_action().unwrap().as_str(), "ROLLBACK");
    assert_eq!(
        hook.expires_at().unwrap().secs(),
        1_767_225_600 + 4 + 3_600,
        "an hour after all tasks were healthy"
    );
    assert_eq!(driver.service().await.running_count(), 4);
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(driver.describe_newest().await.status().unwrap().as_str(), "IN_PROGRESS");
    act(&driver, &deployment, DeploymentLifecycleHookAction::Continue).await;
    assert_eq!(driver.settle(Duration::from_secs(30)).await.status, "SUCCESSFUL");
    assert_eq!(
        driver.describe_newest().await.lifecycle_hook_details()[0].status().unwrap().as_str(),
        "SUCCEEDED"
    );
}

#[tokio::test(start_paused = true)]
async fn a_paused_hook_that_is_rolled_back_or_forgotten_rolls_the_deployment_back() {
    let (driver, deployment) = paused().await;
    act(&driver, &deployment, DeploymentLifecycleHookAction::Rollback).await;
    assert_eq!(driver.settle(Duration::from_secs(30)).await.status, "ROLLBACK_SUCCESSFUL");
    let (driver, _) = paused().await;
    assert_eq!(driver.settle(Duration::from_secs(3_700)).await.status, "ROLLBACK_SUCCESSFUL");
    assert_eq!(
        driver.describe_newest().await.lifecycle_hook_details()[0].status().unwrap().as_str(),
        "TIMED_OUT"
    );
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_does_not_wait_cannot_be_continued() {
    let (driver, deployment) = paused().await;
    let arn = deployment.service_deployment_arn().unwrap();
    let request = driver.ecs.continue_service_deployment().service_deployment_arn(arn).hook_id("another");
    assert_eq!(request.send().await.unwrap_err().code(), Some("InvalidParameterException"));
}
