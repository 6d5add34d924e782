//! How deployments go, and what of them is shown.

use aws_sdk_codedeploy::types::{DeploymentStatus, TimeRange};
use landfall_simulator::{DEMO_ACCOUNT, DEMO_REGION, Fault, FaultKind, HookFailure, HookRule};

use super::{code, in_s3, revision, seconds, stage, staged};

#[tokio::test(start_paused = true)]
async fn a_deployment_is_created_queued_goes_and_succeeds() {
    let stage = stage(|_| {});
    let id = stage.created().await;
    assert_eq!(stage.status(&id).await, "Created");
    let early = stage.client.list_deployment_targets().deployment_id(&id).send().await;
    assert_eq!(code(early), "DeploymentNotStartedException");
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(stage.status(&id).await, "Queued");
    seconds(1).await;
    let going = stage.info(&id).await;
    assert_eq!(going.status, Some(DeploymentStatus::InProgress));
    assert!(going.start_time.is_some() && going.complete_time.is_none());
    seconds(30).await;
    let info = stage.info(&id).await;
    assert_eq!(info.status, Some(DeploymentStatus::Succeeded), "{info:?}");
    assert!(info.complete_time >= info.start_time && info.start_time >= info.create_time);
    assert_eq!(info.deployment_overview.unwrap().succeeded, 3);
    assert_eq!(info.previous_revision.unwrap().s3_location.unwrap().key.unwrap(), "demo/1.zip");
    assert_eq!(stage.live(), "demo/2.zip");
    let events = &stage.targets(&id).await[0];
    let names: Vec<&str> =
        events.lifecycle_events().iter().filter_map(|event| event.lifecycle_event_name()).collect();
    assert_eq!(names[..3], ["ApplicationStop", "DownloadBundle", "BeforeInstall"]);
    let group = stage.client.get_deployment_group().application_name("demo").deployment_group_name("demo");
    let group = group.send().await.unwrap().deployment_group_info.unwrap();
    assert_eq!(group.last_successful_deployment.unwrap().deployment_id.unwrap(), id);
    assert_eq!(group.last_attempted_deployment.unwrap().deployment_id.unwrap(), id);
}

#[tokio::test(start_paused = true)]
async fn a_configuration_says_how_many_instances_are_deployed_to_at_once() {
    for (config, at_once) in [("OneAtATime", 1), ("HalfAtATime", 1), ("AllAtOnce", 3)] {
        let stage = stage(|_| {});
        let create = stage.create().deployment_config_name(format!("CodeDeployDefault.{config}"));
        let id = create.send().await.unwrap().deployment_id.unwrap();
        seconds(1).await;
        let going = stage.target_statuses(&id).await.iter().filter(|status| *status == "InProgress").count();
        assert_eq!(going, at_once, "{config}");
    }
}

/// "Minimum healthy hosts and deployment configurations", user guide.
#[tokio::test(start_paused = true)]
async fn a_configuration_of_the_account_says_how_many_stay_healthy() {
    let own = |kind: &str, value: u64| serde_json::json!({ "type": kind, "value": value });
    for (minimum, at_once) in
        [(own("HOST_COUNT", 2), 1), (own("HOST_COUNT", 1), 2), (own("FLEET_PERCENT", 34), 1)]
    {
        let stage = staged(|world| {
            let region = world.account(DEMO_ACCOUNT).region(DEMO_REGION);
            region.deployment_configs.insert("ours".to_owned(), minimum.clone());
        });
        let config =
            stage.client.get_deployment_config().deployment_config_name("ours").send().await.unwrap();
        let shown = config.deployment_config_info.unwrap().minimum_healthy_hosts.unwrap();
        assert_eq!(i64::from(shown.value), minimum["value"].as_i64().unwrap());
        let create = stage.create().deployment_config_name("ours");
        let id = create.send().await.unwrap().deployment_id.unwrap();
        seconds(1).await;
        let going = stage.target_statuses(&id).await.iter().filter(|status| *status == "InProgress").count();
        assert_eq!(going, at_once, "{minimum}");
        seconds(60).await;
        assert_eq!(stage.status(&id).await, "Succeeded");
    }
}

/// Fails AfterInstall on this instance.
fn failing(instance: &str) -> HookRule {
    HookRule {
        instance: instance.to_owned(),
        event: "AfterInstall".to_owned(),
        fails: Some(HookFailure { error_code: "ScriptFailed".to_owned(), ..HookFailure::default() }),
        ..HookRule::default()
    }
}

/// "Predefined deployment configurations for an EC2/on-premises compute platform", user guide.
#[tokio::test(start_paused = true)]
async fn a_configuration_says_how_many_instances_may_fail() {
    let (first, second, third) = ("i-0aaaaaaaaaaaaaaa1", "i-0aaaaaaaaaaaaaaa2", "i-0aaaaaaaaaaaaaaa3");
    for (config, instances, expected) in [
        ("AllAtOnce", vec![first, second], "Succeeded"),
        ("AllAtOnce", vec![first, second, third], "Failed"),
        ("HalfAtATime", vec![first], "Succeeded"),
        ("HalfAtATime", vec![first, second], "Failed"),
        ("OneAtATime", vec![third], "Succeeded"),
        ("OneAtATime", vec![first], "Failed"),
    ] {
        let stage = stage(|group| {
            group.settings = serde_json::json!({});
            group.rules = instances.iter().map(|id| failing(id)).collect();
        });
        let create = stage.create().deployment_config_name(format!("CodeDeployDefault.{config}"));
        let id = create.send().await.unwrap().deployment_id.unwrap();
        seconds(60).await;
        assert_eq!(stage.status(&id).await, expected, "{config} {instances:?}");
        let (code, _) = stage.error(&id).await;
        assert_eq!(code, if expected == "Failed" { "HEALTH_CONSTRAINTS" } else { "" }, "{config}");
    }
    // Those that are not begun any more are skipped.
    let stage = stage(|group| group.rules = vec![failing(first)]);
    let id = stage.created().await;
    seconds(60).await;
    assert_eq!(stage.target_statuses(&id).await, ["Failed", "Skipped", "Skipped"]);
}

#[tokio::test(start_paused = true)]
async fn lists_have_filters_and_come_newest_first() {
    let stage = stage(|_| {});
    let first = stage.created().await;
    seconds(60).await;
    let second = stage.created().await;
    let list = || stage.client.list_deployments().application_name("demo").deployment_group_name("demo");
    let ids = list().send().await.unwrap().deployments.unwrap();
    assert_eq!(ids[..2], [second.clone(), first.clone()]);
    assert_eq!(ids.len(), 3, "the one of a day ago is among them");
    let succeeded = list().include_only_statuses(DeploymentStatus::Succeeded).send().await.unwrap();
    assert!(!succeeded.deployments().contains(&second) && succeeded.deployments().contains(&first));
    let since = stage.info(&first).await.create_time.unwrap();
    let range = TimeRange::builder().start(since).build();
    assert_eq!(list().create_time_range(range).send().await.unwrap().deployments(), [second, first]);
    let bad = list().include_only_statuses(DeploymentStatus::from("Lost")).send().await;
    assert_eq!(code(bad), "InvalidDeploymentStatusException");
    let bad = list().next_token("x").send().await;
    assert_eq!(code(bad), "InvalidNextTokenException");
}

#[tokio::test(start_paused = true)]
async fn batches_have_a_limit_and_leave_out_what_is_not_there() {
    let stage = stage(|_| {});
    let id = stage.created().await;
    let batch = stage.client.batch_get_deployments();
    let many = batch.clone().set_deployment_ids(Some(vec![id.clone(); 26])).send().await;
    assert_eq!(code(many), "BatchLimitExceededException");
    let some = batch.deployment_ids(&id).deployment_ids("d-NONE00000").send().await.unwrap();
    assert_eq!(some.deployments_info().len(), 1);
    seconds(1).await;
    let targets = stage.client.batch_get_deployment_targets().deployment_id(&id);
    let many = targets.clone().set_target_ids(Some(vec!["i-0aaaaaaaaaaaaaaa1".to_owned(); 26])).send().await;
    assert_eq!(code(many), "DeploymentTargetListSizeExceededException");
    let unknown = targets.target_ids("i-none").send().await;
    assert_eq!(code(unknown), "DeploymentTargetDoesNotExistException");
}

#[tokio::test(start_paused = true)]
async fn a_stale_read_shows_what_was_there_before_the_last_write() {
    let stage = stage(|_| {});
    let stale = FaultKind::Stale { seconds: 5 };
    stage.simulator.add_fault(Fault::new("codedeploy", "ListDeployments", stale));
    let id = stage.created().await;
    let listed = stage.client.list_deployments().send().await.unwrap();
    assert!(!listed.deployments().contains(&id));
    seconds(6).await;
    let listed = stage.client.list_deployments().send().await.unwrap();
    assert!(listed.deployments().contains(&id));
}

#[tokio::test(start_paused = true)]
async fn revisions_are_registered_once_and_found_again() {
    let stage = stage(|_| {});
    let location = revision(in_s3("demo/2.zip"));
    let get =
        || stage.client.get_application_revision().application_name("demo").revision(location.clone()).send();
    assert_eq!(code(get().await), "RevisionDoesNotExistException");
    let register = stage.client.register_application_revision().application_name("demo");
    register.revision(location.clone()).send().await.unwrap();
    let at = get().await.unwrap().revision_info.unwrap().register_time;
    seconds(5).await;
    stage.created().await;
    assert_eq!(get().await.unwrap().revision_info.unwrap().register_time, at, "the same revision");
}
