//! The built-in scenarios are what they say.

use std::time::Duration;

use aws_sdk_ecs::error::ProvideErrorMetadata;
use landfall_simulator::{Scenario, World};

use crate::driver::driver;

#[test]
fn every_built_in_scenario_loads_has_its_files_name_and_makes_a_world_of_the_demonstration() {
    let names = Scenario::names();
    assert!(names.len() >= 28, "{names:?}");
    for name in names {
        let scenario = Scenario::named(name).unwrap();
        assert_eq!(scenario.name, name);
        assert!(scenario.description.ends_with('.'), "{name}");
        let world = scenario.apply_to(&World::demo()).unwrap();
        assert_eq!(world.accounts.len(), 2, "{name}");
        let text = serde_json::to_string(&scenario).unwrap();
        assert_eq!(Scenario::from_json(&text).unwrap(), scenario);
    }
}

#[test]
fn an_unknown_scenario_names_those_there_are() {
    let message = Scenario::named("nope").unwrap_err().to_string();
    assert!(message.contains("\"nope\"") && message.contains("image-not-found"), "{message}");
}

#[test]
fn a_misspelled_member_of_a_scenario_is_an_error() {
    assert!(Scenario::from_json(r#"{"name":"x","fault":[]}"#).is_err());
}

#[tokio::test(start_paused = true)]
async fn missing_things_are_missing() {
    let service = driver("service-missing").ecs.describe_services().cluster("demo").services("web");
    assert_eq!(service.send().await.unwrap().failures()[0].reason(), Some("MISSING"));
    let cluster = driver("cluster-missing").ecs.describe_services().cluster("demo").services("web");
    assert_eq!(cluster.send().await.unwrap_err().code(), Some("ClusterNotFoundException"));
    let without_family = driver("family-missing");
    let family = without_family.ecs.describe_task_definition().task_definition("web");
    assert_eq!(family.send().await.unwrap_err().code(), Some("ClientException"));
    assert_eq!(without_family.service().await.running_count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_busy_service_has_a_deployment_of_somebody_else_under_way() {
    let driver = driver("busy");
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(driver.list_newest().await.status().unwrap().as_str(), "IN_PROGRESS");
    let ended = driver.settle(Duration::from_secs(120)).await;
    assert_eq!(ended.status, "SUCCESSFUL");
}

#[tokio::test(start_paused = true)]
async fn the_last_deployment_failed_before_and_the_one_before_runs() {
    let driver = driver("failed-before");
    let statuses: Vec<String> = driver.history().into_iter().map(|deployment| deployment.status).collect();
    assert_eq!(statuses, ["SUCCESSFUL", "ROLLBACK_SUCCESSFUL"]);
    assert!(driver.service().await.task_definition().unwrap().ends_with("web:1"));
}

#[tokio::test(start_paused = true)]
async fn denied_service_deployment_calls_leave_the_others_allowed() {
    let driver = driver("service-deployments-denied");
    let error =
        driver.ecs.list_service_deployments().cluster("demo").service("web").send().await.unwrap_err();
    assert_eq!(error.code(), Some("AccessDeniedException"));
    driver.deploy_new_image("demo/web:2").await;
    assert_eq!(driver.settle(Duration::from_secs(30)).await.status, "SUCCESSFUL");
}

#[tokio::test(start_paused = true)]
async fn every_second_call_is_throttled() {
    let driver = driver("throttled");
    driver.service().await;
    let error = driver.ecs.describe_services().cluster("demo").services("web").send().await.unwrap_err();
    assert_eq!(error.code(), Some("ThrottlingException"));
    driver.service().await;
}
