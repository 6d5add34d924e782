//! Each cause as a person sees it: what the binary prints, and its exit code.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::support::{Cloud, run};

/// Scenario, further arguments, exit code, words that must be told.
type Row = (&'static str, &'static [&'static str], i32, &'static [&'static str]);

const ROWS: [Row; 26] = [
    ("service-inactive", &[], 1, &["is INACTIVE", "create it again", "nothing was changed"]),
    ("service-draining", &[], 1, &["is DRAINING", "once it is INACTIVE", "nothing was changed"]),
    (
        "pass-role-denied",
        &[],
        1,
        &["iam:PassRole", "role/web-task", "iam:PassedToService", "ecs-tasks.amazonaws.com"],
    ),
    ("service-linked-role", &[], 1, &["aws iam create-service-linked-role"]),
    (
        "role-not-assumable",
        &["--timeout", "4s"],
        6,
        &["role/web-task", "trust policy names ecs-tasks.amazonaws.com"],
    ),
    ("fargate-capacity", &["--timeout", "4s"], 6, &["Capacity is unavailable", "the image is not at fault"]),
    ("pull-denied", &[], 3, &["may not be pulled by execution role web-execution", "ecr:BatchGetImage"]),
    ("pull-network", &[], 3, &["could not be pulled", "i/o timeout", "NAT"]),
    ("pull-rate-limit", &[], 3, &["toomanyrequests", "use a mirror"]),
    ("platform-missing", &[], 3, &["LINUX/ARM64", "linux/arm64"]),
    ("wrong-architecture", &[], 3, &["LINUX/ARM64", "exec format error"]),
    ("bad-command", &[], 3, &["entryPoint [\"/srv/web\"]", "command [\"--port\", \"8080\"]"]),
    ("secret-missing", &[], 3, &["there is no such secret", "DATABASE_URL of container web"]),
    ("secret-denied", &[], 3, &["role/web-execution may not read", "secretsmanager:GetSecretValue"]),
    ("log-group-missing", &[], 3, &["log group /ecs/web", "create the log group"]),
    ("environment-file", &[], 3, &["demo-bucket/web.env"]),
    ("efs-mount", &[], 3, &["fs-0123456789abcdef0", "2049"]),
    ("subnet-full", &[], 3, &["no free address"]),
    ("network-interface", &[], 3, &["no network interface"]),
    ("disk-full", &[], 3, &["its disk is full", "ephemeralStorage"]),
    ("container-health", &[], 3, &["failed the health check of container web", "curl -f"]),
    (
        "load-balancer-health",
        &[],
        3,
        &["Health checks failed with these codes: [404]", "HTTP /health on port"],
    ),
    ("load-balancer-port", &[], 3, &["go to port 9090", "maps 8080 only"]),
    ("target-health-denied", &[], 3, &["not seen: elasticloadbalancing:DescribeTargetHealth is refused"]),
    ("evidence-denied", &[], 3, &["not seen: ecs:DescribeTasks is refused"]),
    (
        "tasks-stopped",
        &["--timeout", "12s", "--on-failure", "keep"],
        6,
        &["somebody stopped a task of web:3", "StopTask"],
    ),
];

/// How many of them run at once: they mostly wait.
const AT_ONCE: usize = 6;

#[tokio::test]
async fn every_cause_is_told_with_its_next_step_and_exit_code() {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    for (scenario, arguments, code, words) in ROWS {
        let places = Arc::clone(&places);
        running.spawn(async move {
            let _place = places.acquire_owned().await;
            let cloud = Cloud::new(scenario).await;
            (scenario, run(cloud.deploy(arguments)).await, code, words)
        });
    }
    while let Some(ended) = running.join_next().await {
        let (scenario, ran, code, words) = ended.unwrap();
        assert_eq!(ran.code, code, "{scenario}: {}", ran.told());
        for words in words.iter().chain(&["next:"]) {
            assert!(ran.stdout.contains(words), "{scenario}: {words:?} is not in\n{}", ran.stdout);
        }
    }
}

#[tokio::test]
async fn a_paused_hook_prints_the_command_that_continues_it_and_waits_for_a_person() {
    let cloud = Cloud::new("paused-hook").await;
    let ran = run(cloud.deploy(&["--timeout", "8s", "--on-failure", "keep"])).await;
    assert_eq!(ran.code, 8, "{}", ran.told());
    for words in ["POST_SCALE_UP", "aws ecs continue-service-deployment", "--hook-id", "WAITS FOR A PERSON"] {
        assert!(ran.stdout.contains(words), "{words:?} is not in\n{}", ran.stdout);
    }
}

#[tokio::test]
async fn a_lasting_cause_without_a_circuit_breaker_ends_the_wait_unless_that_is_switched_off() {
    let cloud = Cloud::new("image-not-found-no-breaker").await;
    let ran = run(cloud.deploy(&[])).await;
    assert_eq!(ran.code, 3, "{}", ran.told());
    for words in ["landfall, not ECS, ends the wait", "there is no image", "undone"] {
        assert!(ran.stdout.contains(words), "{words:?} is not in\n{}", ran.stdout);
    }
    let cloud = Cloud::new("image-not-found-no-breaker").await;
    let ran = run(cloud.deploy(&["--fail-fast", "off", "--timeout", "15s", "--on-failure", "keep"])).await;
    assert_eq!(ran.code, 6, "{}", ran.told());
    assert!(ran.stdout.contains("there is no image"), "{}", ran.stdout);
}
