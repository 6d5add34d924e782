//! Each outcome: scenario, words, exit code.

use crate::support::{Cloud, run};

/// Runs the main job in a scenario and checks the exit code and what must be told.
async fn outcome(scenario: &str, arguments: &[&str], code: i32, told: &[&str]) -> Cloud {
    let cloud = Cloud::new(scenario).await;
    let ran = run(cloud.deploy(arguments)).await;
    assert_eq!(ran.code, code, "{scenario}: {}", ran.told());
    for words in told {
        assert!(ran.stdout.contains(words), "{scenario}: {words:?} is not in\n{}", ran.told());
    }
    assert!(ran.stderr.is_empty(), "{scenario}: {}", ran.stderr);
    cloud
}

#[tokio::test]
async fn a_good_rollout_succeeds_with_one_update_of_the_service() {
    let cloud = outcome("good", &[], 0, &["SUCCEEDED", "containerDefinitions[web].image", "web:3"]).await;
    assert_eq!(cloud.written(), ["RegisterTaskDefinition", "UpdateService"]);
}

#[tokio::test]
async fn the_same_again_is_unchanged_and_writes_nothing() {
    let cloud = outcome("good", &[], 0, &["SUCCEEDED"]).await;
    cloud.simulator.reset_calls();
    let again = run(cloud.deploy(&[])).await;
    assert_eq!(again.code, 0);
    assert!(again.stdout.contains("UNCHANGED") && !again.stdout.contains("SUCCEEDED"), "{}", again.stdout);
    assert!(cloud.written().is_empty());
}

#[tokio::test]
async fn a_plan_shows_the_change_and_makes_none() {
    let cloud =
        outcome("good", &["--plan"], 0, &["containerDefinitions[web].image", "nothing was changed"]).await;
    assert!(cloud.written().is_empty());
}

#[tokio::test]
async fn without_a_wait_it_is_started_and_never_called_a_success() {
    let cloud = Cloud::new("good").await;
    let ran = run(cloud.deploy(&["--no-wait", "--run-id", "shop/1"])).await;
    assert_eq!(ran.code, 0);
    assert!(ran.stdout.contains("STARTED") && ran.stdout.contains("--run-id shop/1"), "{}", ran.stdout);
    assert!(!ran.told().to_lowercase().contains("succeeded"), "{}", ran.told());
}

#[tokio::test]
async fn a_missing_image_is_named_and_the_rollback_of_aws_told() {
    let cloud = outcome(
        "image-not-found",
        &[],
        3,
        &["ROLLED BACK by AWS to web:2", "CannotPullContainerError", "no image", "next:"],
    )
    .await;
    assert_eq!(cloud.updates(), 1, "AWS has rolled back: nothing is left to undo");
}

#[tokio::test]
async fn a_crashing_container_is_shown_with_its_code_and_last_log_lines() {
    outcome("crash", &[], 3, &["exited with code 1", "DATABASE_URL is not set", "circuit breaker"]).await;
}

#[tokio::test]
async fn a_breaker_without_rollback_fails_and_is_undone_by_landfall() {
    let told = ["FAILED", "exited with code 1", "undone"];
    let cloud = outcome("breaker-no-rollback", &[], 3, &told).await;
    assert_eq!(cloud.updates(), 2, "one to deploy, one to go back");
    let cloud =
        outcome("breaker-no-rollback", &["--on-failure", "keep"], 1, &["FAILED", "nothing was undone"]).await;
    assert_eq!(cloud.updates(), 1);
}

#[tokio::test]
async fn a_deployment_of_somebody_else_is_named_and_left_alone() {
    let cloud = outcome("superseded", &[], 5, &["SUPERSEDED by", "web:1", "left alone"]).await;
    assert_eq!(cloud.updates(), 1);
}

#[tokio::test]
async fn a_deadline_is_told_with_the_last_observation_and_undone() {
    let told = ["TIMED OUT while waiting for 0 of 2 new tasks running", "PENDING", "undone"];
    outcome("never-settles", &["--timeout", "5s"], 6, &told).await;
    let kept = ["TIMED OUT", "nothing was undone", "--run-id"];
    outcome("never-settles", &["--timeout", "5s", "--on-failure", "keep"], 6, &kept).await;
}

#[tokio::test]
async fn a_denied_call_names_action_and_resource() {
    for (scenario, action) in
        [("access-denied", "ecs:UpdateService"), ("register-denied", "ecs:RegisterTaskDefinition")]
    {
        let cloud =
            outcome(scenario, &[], 1, &[action, "arn:aws:ecs:eu-central-1:111122223333:", "allow"]).await;
        assert!(cloud.updates() <= 1);
    }
}

#[tokio::test]
async fn what_does_not_exist_is_named_with_where_it_was_looked_for() {
    for (scenario, arguments, told) in [
        ("cluster-missing", &[][..], &["demo", "eu-central-1", "111122223333"][..]),
        ("service-missing", &[], &["web", "cluster", "demo"]),
        ("family-missing", &["--task-definition", "web"], &["family", "web", "eu-central-1"]),
    ] {
        let cloud = outcome(scenario, arguments, 1, told).await;
        assert!(cloud.written().is_empty(), "{scenario}");
    }
}

#[tokio::test]
async fn other_deployment_controllers_are_refused() {
    for (scenario, controller) in [("code-deploy", "CODE_DEPLOY"), ("external", "EXTERNAL")] {
        let cloud = outcome(scenario, &[], 1, &[controller, "next:"]).await;
        assert!(cloud.written().is_empty());
    }
}

#[tokio::test]
async fn a_busy_service_is_left_alone_unless_told_otherwise() {
    let cloud = outcome("busy", &[], 1, &["--if-busy", "nothing was changed"]).await;
    assert!(cloud.written().is_empty());
    let cloud = outcome("busy", &["--if-busy", "supersede"], 0, &["SUCCEEDED"]).await;
    assert_eq!(cloud.updates(), 1);
}

#[tokio::test]
async fn throttling_and_lost_answers_are_survived_with_one_deployment() {
    for scenario in ["throttled", "broken-connections", "stale-reads"] {
        let cloud = outcome(scenario, &[], 0, &["SUCCEEDED"]).await;
        let ecs = cloud.simulator.ecs("111122223333", "eu-central-1");
        assert_eq!(ecs.task_definitions("web").len(), 3, "{scenario}: one new revision");
        let ours = ecs
            .service_deployments("demo", "web")
            .into_iter()
            .filter(|one| one.status == "SUCCESSFUL")
            .count();
        assert!(ours >= 1, "{scenario}");
    }
}

#[tokio::test]
async fn missing_permissions_for_comfort_are_told_and_done_without() {
    outcome("service-deployments-denied", &[], 0, &["SUCCEEDED", "ecs:ListServiceDeployments"]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("task-definition.json");
    let text = r#"{"family": "web", "containerDefinitions": [
        {"name": "web", "image": "web:1", "memory": 128, "portMappings": [{"containerPort": 8080}]}]}"#;
    std::fs::write(&file, text).unwrap();
    let file = ["--task-definition", &file.to_string_lossy()];
    outcome("tagging-denied", &file, 0, &["SUCCEEDED", "ecs:TagResource is denied"]).await;
}

#[tokio::test]
async fn tags_of_the_user_are_never_dropped_for_want_of_a_permission() {
    let cloud = outcome("tagging-denied", &[], 1, &["ecs:TagResource", "allow"]).await;
    assert_eq!(cloud.updates(), 0, "the live task definition has a tag of its own");
}

#[tokio::test]
async fn a_session_that_ends_in_mid_wait_says_what_goes_on_in_aws() {
    outcome(
        "session-expires",
        &["--run-id", "shop/7"],
        7,
        &["ExpiredToken", "goes on in AWS", "--run-id shop/7"],
    )
    .await;
}

#[tokio::test]
async fn a_service_without_tasks_succeeds_and_says_that_nothing_was_proven() {
    outcome("scaled-to-zero", &[], 0, &["SUCCEEDED", "0 tasks", "nothing shows that its images start"]).await;
}
