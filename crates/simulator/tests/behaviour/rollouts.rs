//! How deployments go, seen through the real ECS client on a paused clock.

use std::time::Duration;

use crate::driver::{Driver, driver};
use aws_sdk_ecs::types::{DeploymentCircuitBreaker, DeploymentConfiguration};
use landfall_simulator::{Behaviour, BehaviourRule, DEMO_ACCOUNT, DEMO_REGION, Failure};

#[tokio::test(start_paused = true)]
async fn a_good_rollout_settles_in_six_to_eight_seconds() {
    let driver = driver("good");
    let id = driver.deploy_new_image("demo/web:2").await;
    let deployment = driver.settle(Duration::from_secs(30)).await;
    assert_eq!(deployment.status, "SUCCESSFUL");
    assert_eq!(deployment.deployment_id, id);
    let took = deployment.settled_at.unwrap().duration_since(deployment.created_at);
    assert!((6..=8).contains(&took.as_secs()), "took {took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_rollout_is_the_same_whether_it_is_watched_or_not() {
    let watched = driver("good");
    watched.deploy_new_image("demo/web:2").await;
    for _ in 0..300 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        watched.service().await;
    }
    let unwatched = driver("good");
    unwatched.deploy_new_image("demo/web:2").await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    let took = |driver: &Driver| {
        let last = driver.history().pop().unwrap();
        last.settled_at.unwrap().duration_since(last.created_at)
    };
    assert_eq!(took(&watched), took(&unwatched));
    let ecs = |driver: &Driver| driver.simulator.ecs(DEMO_ACCOUNT, DEMO_REGION).events("demo", "web");
    assert_eq!(ecs(&watched), ecs(&unwatched));
}

#[tokio::test(start_paused = true)]
async fn scenarios_take_the_time_they_say() {
    for (name, seconds) in [("slow-good", 29..=31), ("long", 595..=605)] {
        let driver = driver(name);
        driver.deploy_new_image("demo/web:2").await;
        let deployment = driver.settle(Duration::from_secs(1_000)).await;
        let took = deployment.settled_at.unwrap().duration_since(deployment.created_at).as_secs();
        assert!(seconds.contains(&took), "{name} took {took} seconds");
    }
}

#[tokio::test(start_paused = true)]
async fn the_answer_of_update_service_has_a_new_primary_that_wants_nothing_yet() {
    let driver = driver("good");
    let before = driver.service().await;
    let answer = driver.update("web:1").await;
    let [new, old] = answer.deployments() else { panic!("two deployments: {answer:?}") };
    assert_eq!((new.status(), old.status()), (Some("PRIMARY"), Some("ACTIVE")));
    assert_eq!(old.id(), before.deployments()[0].id());
    assert_eq!(new.desired_count(), 0);
    assert_eq!(new.rollout_state().unwrap().as_str(), "IN_PROGRESS");
    assert_eq!(
        new.rollout_state_reason().unwrap(),
        format!("ECS deployment {} in progress.", new.id().unwrap())
    );
    assert!(answer.current_service_deployment().is_none());
}

#[tokio::test(start_paused = true)]
async fn the_service_deployment_is_found_by_the_digits_of_the_deployment_id() {
    let driver = driver("good");
    let id = driver.deploy_new_image("demo/web:2").await;
    let newest = driver.list_newest().await;
    let digits = id.strip_prefix("ecs-svc/").unwrap();
    assert_eq!(digits.len(), 19);
    assert_eq!(newest.target_service_revision_arn().unwrap().rsplit('/').next(), Some(digits));
    assert_eq!(newest.status().unwrap().as_str(), "PENDING");
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(driver.list_newest().await.status().unwrap().as_str(), "IN_PROGRESS");
}

#[tokio::test(start_paused = true)]
async fn new_tasks_run_beside_the_old_ones_before_those_drain() {
    let driver = driver("good");
    driver.deploy_new_image("demo/web:2").await;
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    let service = driver.service().await;
    assert_eq!((service.running_count(), service.pending_count()), (2, 2));
    tokio::time::sleep(Duration::from_millis(3_000)).await;
    let service = driver.service().await;
    assert_eq!((service.running_count(), service.pending_count()), (4, 0));
    tokio::time::sleep(Duration::from_millis(4_000)).await;
    let service = driver.service().await;
    assert_eq!((service.running_count(), service.deployments().len()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn the_circuit_breaker_brings_the_old_deployment_back_under_its_old_id_and_time() {
    let driver = driver("image-not-found");
    let before = driver.service().await.deployments()[0].clone();
    let failed = driver.deploy_new_image("demo/web:2").await;
    let deployment = driver.settle(Duration::from_secs(120)).await;
    assert_eq!(deployment.status, "ROLLBACK_SUCCESSFUL");
    let service = driver.service().await;
    let primary = &service.deployments()[0];
    assert_eq!(primary.id(), before.id());
    assert_eq!(primary.created_at(), before.created_at());
    assert!(primary.updated_at() > before.updated_at());
    assert_eq!(primary.rollout_state().unwrap().as_str(), "COMPLETED");
    assert_eq!(service.task_definition(), before.task_definition());
    let events: Vec<&str> = service.events().iter().filter_map(|event| event.message()).collect();
    let failed = format!("(service web) (deployment {failed}) deployment failed: tasks failed to start.");
    assert!(events.contains(&failed.as_str()), "{events:#?}");
    let back = format!("(service web) rolling back to deployment {}.", before.id().unwrap());
    assert!(events.contains(&back.as_str()), "{events:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_rollback_makes_no_new_service_revision_and_names_the_old_one() {
    let driver = driver("image-not-found");
    let before = driver.service().await.deployments()[0].id().unwrap().to_owned();
    driver.deploy_new_image("demo/web:2").await;
    driver.settle(Duration::from_secs(120)).await;
    let described = driver.describe_newest().await;
    let rollback = described.rollback().unwrap();
    let digits = before.strip_prefix("ecs-svc/").unwrap();
    assert!(rollback.service_revision_arn().unwrap().ends_with(digits));
    let breaker = described.deployment_circuit_breaker().unwrap();
    assert_eq!(breaker.status().unwrap().as_str(), "TRIGGERED");
    assert_eq!(breaker.threshold(), 3);
}

#[tokio::test(start_paused = true)]
async fn without_a_breaker_a_missing_image_fails_for_ever() {
    let driver = driver("image-not-found-no-breaker");
    driver.deploy_new_image("demo/web:2").await;
    tokio::time::sleep(Duration::from_secs(1_800)).await;
    let described = driver.describe_newest().await;
    assert_eq!(described.status().unwrap().as_str(), "IN_PROGRESS");
    assert_eq!(described.deployment_circuit_breaker().unwrap().status().unwrap().as_str(), "DISABLED");
    assert!(driver.service().await.deployments()[0].failed_tasks() > 10);
}

#[tokio::test(start_paused = true)]
async fn a_breaker_without_rollback_leaves_the_failed_deployment_primary() {
    let driver = driver("breaker-no-rollback");
    let id = driver.deploy_new_image("demo/web:2").await;
    let deployment = driver.settle(Duration::from_secs(120)).await;
    assert_eq!(deployment.status, "STOPPED");
    let service = driver.service().await;
    let primary = &service.deployments()[0];
    assert_eq!(primary.id(), Some(id.as_str()));
    assert_eq!(primary.rollout_state().unwrap().as_str(), "FAILED");
    assert_eq!(
        primary.rollout_state_reason(),
        Some("ECS deployment circuit breaker: tasks failed to start.")
    );
    assert_eq!(service.deployments()[1].running_count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_newer_deployment_stops_the_one_before_a_moment_later() {
    let driver = driver("good");
    driver.update("web:1").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    driver.update("web:2").await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let statuses = |driver: &Driver| -> Vec<String> {
        driver.history().into_iter().rev().take(2).map(|deployment| deployment.status).collect()
    };
    assert_eq!(statuses(&driver), ["IN_PROGRESS", "IN_PROGRESS"]);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(statuses(&driver), ["IN_PROGRESS", "STOPPED"]);
    assert_eq!(driver.settle(Duration::from_secs(30)).await.status, "SUCCESSFUL");
}

#[tokio::test(start_paused = true)]
async fn somebody_else_supersedes_in_mid_rollout() {
    let driver = driver("superseded");
    let id = driver.deploy_new_image("demo/web:2").await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    let history = driver.history();
    let ours = history.iter().find(|deployment| deployment.deployment_id == id).unwrap();
    assert_eq!(ours.status, "STOPPED");
    assert_eq!(history.last().unwrap().status, "SUCCESSFUL");
    assert!(driver.service().await.task_definition().unwrap().ends_with("web:1"));
}

#[tokio::test(start_paused = true)]
async fn desired_count_alone_starts_no_deployment() {
    let driver = driver("good");
    let before = driver.history().len();
    let service =
        driver.ecs.update_service().cluster("demo").service("web").desired_count(3).send().await.unwrap();
    let service = service.service.unwrap();
    assert_eq!((service.deployments().len(), service.desired_count()), (1, 3));
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(driver.service().await.running_count(), 3);
    assert_eq!(driver.history().len(), before);
}

#[tokio::test(start_paused = true)]
async fn the_same_task_definition_starts_a_deployment_only_when_forced() {
    let driver = driver("good");
    assert_eq!(driver.update("web:2").await.deployments().len(), 1);
    let forced = driver.ecs.update_service().cluster("demo").service("web").force_new_deployment(true);
    assert_eq!(forced.send().await.unwrap().service.unwrap().deployments().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn stopping_a_service_deployment_really_rolls_back_and_a_final_one_is_a_conflict() {
    let driver = driver("slow-good");
    driver.deploy_new_image("demo/web:2").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let arn = driver.list_newest().await.service_deployment_arn().unwrap().to_owned();
    let stop = || driver.ecs.stop_service_deployment().service_deployment_arn(&arn);
    stop().send().await.unwrap();
    assert_eq!(driver.list_newest().await.status().unwrap().as_str(), "ROLLBACK_REQUESTED");
    // Harmless while it is under way.
    stop().send().await.unwrap();
    assert_eq!(driver.settle(Duration::from_secs(60)).await.status, "ROLLBACK_SUCCESSFUL");
    assert!(driver.service().await.task_definition().unwrap().ends_with("web:2"));
    let error = stop().send().await.unwrap_err().into_service_error();
    assert!(error.is_conflict_exception(), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn scenarios_end_as_they_say() {
    let ends = [
        ("crash", "ROLLBACK_SUCCESSFUL"),
        ("out-of-memory", "ROLLBACK_SUCCESSFUL"),
        ("alarm-rollback", "ROLLBACK_SUCCESSFUL"),
        ("manual-stop", "ROLLBACK_SUCCESSFUL"),
        ("rollback-fails", "ROLLBACK_FAILED"),
        ("scaled-to-zero", "SUCCESSFUL"),
        ("failed-before", "SUCCESSFUL"),
    ];
    for (name, status) in ends {
        let driver = driver(name);
        driver.deploy_new_image("demo/web:2").await;
        assert_eq!(driver.settle(Duration::from_secs(300)).await.status, status, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn tasks_that_never_start_or_find_no_place_leave_the_deployment_in_progress() {
    for name in ["never-settles", "unable-to-place"] {
        let driver = driver(name);
        driver.deploy_new_image("demo/web:2").await;
        tokio::time::sleep(Duration::from_secs(7_200)).await;
        assert_eq!(driver.list_newest().await.status().unwrap().as_str(), "IN_PROGRESS", "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_finds_no_place_says_so_in_its_events() {
    let driver = driver("unable-to-place");
    driver.deploy_new_image("demo/web:2").await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let service = driver.service().await;
    let newest = service.events()[0].message().unwrap();
    assert!(newest.starts_with("(service web) was unable to place a task because "), "{newest}");
}

#[tokio::test(start_paused = true)]
async fn at_most_100_events_are_shown_newest_first() {
    let driver = driver("unable-to-place");
    driver.deploy_new_image("demo/web:2").await;
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    let service = driver.service().await;
    assert_eq!(service.events().len(), 100);
    assert!(service.events()[0].created_at() > service.events()[99].created_at());
}

#[tokio::test(start_paused = true)]
async fn a_healthy_task_resets_the_count_of_failures_unless_the_breaker_is_told_otherwise() {
    for (reset, count) in [(true, 0), (false, 2)] {
        let driver = driver("good");
        let ecs = driver.simulator.ecs(DEMO_ACCOUNT, DEMO_REGION);
        let breaker =
            DeploymentCircuitBreaker::builder().enable(true).rollback(true).reset_on_healthy_task(reset);
        let configuration =
            DeploymentConfiguration::builder().deployment_circuit_breaker(breaker.build()).build();
        let request = driver.ecs.update_service().cluster("demo").service("web");
        request.deployment_configuration(configuration).send().await.unwrap();
        ecs.behave(BehaviourRule::new_revisions(Behaviour::failing(Failure::ImageNotFound)));
        driver.deploy_new_image("demo/web:2").await;
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert_eq!(driver.describe_newest().await.deployment_circuit_breaker().unwrap().failure_count(), 2);
        ecs.behave(BehaviourRule::everything(Behaviour { start_ms: 1, ..Behaviour::default() }));
        assert_eq!(driver.settle(Duration::from_secs(30)).await.status, "SUCCESSFUL");
        let described = driver.describe_newest().await;
        assert_eq!(described.deployment_circuit_breaker().unwrap().failure_count(), count);
    }
}

#[tokio::test(start_paused = true)]
async fn an_aborted_service_deployment_stops_and_leaves_its_tasks() {
    let driver = driver("slow-good");
    let id = driver.deploy_new_image("demo/web:2").await;
    tokio::time::sleep(Duration::from_secs(17)).await;
    driver.simulator.ecs(DEMO_ACCOUNT, DEMO_REGION).stop_service_deployment_as_other("demo", "web", "ABORT");
    assert_eq!(driver.list_newest().await.status().unwrap().as_str(), "STOP_REQUESTED");
    assert_eq!(driver.settle(Duration::from_secs(10)).await.status, "STOPPED");
    let service = driver.service().await;
    assert_eq!(service.deployments()[0].id(), Some(id.as_str()));
    assert_eq!(service.running_count(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_second_failure_rolls_back_to_the_same_revision_again() {
    let driver = driver("image-not-found");
    let ecs = driver.simulator.ecs(DEMO_ACCOUNT, DEMO_REGION);
    driver.deploy_new_image("demo/web:2").await;
    driver.settle(Duration::from_secs(60)).await;
    // After the rollback the old revision runs again, so the next failure has a candidate too.
    assert!(ecs.update_service_as_other("demo", "web", "web:3"));
    assert_eq!(driver.settle(Duration::from_secs(60)).await.status, "ROLLBACK_SUCCESSFUL");
    assert!(driver.service().await.task_definition().unwrap().ends_with("web:2"));
}
