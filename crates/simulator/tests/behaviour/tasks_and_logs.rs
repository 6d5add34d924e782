//! Tasks: what is listed, why they stopped, and what they wrote.

use std::time::Duration;

use aws_sdk_ecs::error::ProvideErrorMetadata;
use aws_sdk_ecs::types::{DesiredStatus, Task};
use landfall_simulator::{DEMO_ACCOUNT, DEMO_REGION};

use crate::driver::{Driver, driver};

async fn stopped(driver: &Driver) -> Vec<Task> {
    let request =
        driver.ecs.list_tasks().cluster("demo").service_name("web").desired_status(DesiredStatus::Stopped);
    let arns = request.send().await.unwrap().task_arns.unwrap_or_default();
    if arns.is_empty() {
        return Vec::new();
    }
    let described = driver.ecs.describe_tasks().cluster("demo").set_tasks(Some(arns)).send().await.unwrap();
    described.tasks.unwrap()
}

#[tokio::test(start_paused = true)]
async fn tasks_of_a_failed_deployment_name_it_and_the_cause() {
    let driver = driver("image-not-found");
    let id = driver.deploy_new_image("demo/web:missing").await;
    driver.settle(Duration::from_secs(120)).await;
    let tasks = stopped(&driver).await;
    let failed: Vec<&Task> =
        tasks.iter().filter(|task| task.stop_code().unwrap().as_str() == "TaskFailedToStart").collect();
    assert!(failed.len() >= 3);
    for task in failed {
        assert_eq!(task.started_by(), Some(id.as_str()));
        let reason = task.stopped_reason().unwrap();
        assert!(reason.starts_with("CannotPullContainerError: "), "{reason}");
        assert!(reason.contains("demo/web:missing not found: manifest unknown"), "{reason}");
        assert_eq!(task.containers()[0].exit_code(), None);
        assert!(task.started_at().is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_leaves_its_exit_code_and_its_last_lines() {
    let driver = driver("crash");
    driver.deploy_with_sidecar("demo/web:2").await;
    driver.settle(Duration::from_secs(120)).await;
    let tasks = stopped(&driver).await;
    let task =
        tasks.iter().find(|task| task.stop_code().unwrap().as_str() == "EssentialContainerExited").unwrap();
    assert_eq!(task.stopped_reason(), Some("Essential container in task exited"));
    let web = task.containers().iter().find(|container| container.name() == Some("web")).unwrap();
    assert_eq!(web.exit_code(), Some(1));
    let id = task.task_arn().unwrap().rsplit('/').next().unwrap();
    let logs = aws_sdk_cloudwatchlogs::Client::new(&driver.simulator.sdk_config());
    let read = |stream: String| logs.get_log_events().log_group_name("/ecs/web").log_stream_name(stream);
    let answer = read(format!("web/web/{id}")).limit(1).send().await.unwrap();
    let last = answer.events()[0].message().unwrap();
    assert_eq!(last, "Error: environment variable DATABASE_URL is not set");
    let answer = read(format!("web/web/{id}")).start_from_head(true).send().await.unwrap();
    assert_eq!(answer.events().len(), 3);
    let error = read("web/web/nope".to_owned()).send().await.unwrap_err();
    assert_eq!(error.message(), Some("The specified log stream does not exist."));
    let error = logs.get_log_events().log_group_name("nope").log_stream_name("x").send().await.unwrap_err();
    assert_eq!(error.code(), Some("ResourceNotFoundException"));
}

#[tokio::test(start_paused = true)]
async fn a_task_out_of_memory_exits_with_137_and_says_why() {
    let driver = driver("out-of-memory");
    driver.deploy_new_image("demo/web:2").await;
    driver.settle(Duration::from_secs(120)).await;
    let tasks = stopped(&driver).await;
    let container =
        tasks.iter().flat_map(Task::containers).find(|container| container.exit_code() == Some(137));
    assert_eq!(container.unwrap().reason(), Some("OutOfMemoryError: Container killed due to memory usage"));
}

#[tokio::test(start_paused = true)]
async fn stopped_tasks_are_listed_for_an_hour() {
    let driver = driver("good");
    driver.deploy_new_image("demo/web:2").await;
    driver.settle(Duration::from_secs(30)).await;
    let old = stopped(&driver).await;
    assert_eq!(old.len(), 2);
    assert!(
        old[0].stopped_reason().unwrap().starts_with("Scaling activity initiated by (deployment ecs-svc/")
    );
    tokio::time::sleep(Duration::from_secs(3_500)).await;
    assert_eq!(stopped(&driver).await.len(), 2);
    tokio::time::sleep(Duration::from_secs(200)).await;
    assert!(stopped(&driver).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn started_by_must_be_the_only_filter() {
    let driver = driver("good");
    let id = driver.service().await.deployments()[0].id().unwrap().to_owned();
    let alone = driver.ecs.list_tasks().cluster("demo").started_by(&id).send().await.unwrap();
    assert_eq!(alone.task_arns().len(), 2);
    let request = driver.ecs.list_tasks().cluster("demo").started_by(&id).service_name("web");
    assert_eq!(request.send().await.unwrap_err().code(), Some("InvalidParameterException"));
}

#[tokio::test(start_paused = true)]
async fn a_task_that_somebody_stops_is_replaced() {
    let driver = driver("good");
    let ecs = driver.simulator.ecs(DEMO_ACCOUNT, DEMO_REGION);
    let victim = ecs.tasks("demo", "web").remove(0).id;
    assert!(ecs.stop_task(&victim));
    assert!(!ecs.stop_task(&victim));
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(driver.service().await.running_count(), 2);
    let stopped = stopped(&driver).await;
    assert_eq!(stopped[0].stop_code().unwrap().as_str(), "UserInitiated");
    assert_eq!(driver.history().len(), 2, "no deployment was started");
}
