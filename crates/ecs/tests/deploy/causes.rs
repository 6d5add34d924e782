//! Every cause: its scenario, what is said, and when.

use std::time::Duration;

use landfall_core::event::EventKind;
use landfall_core::{End, Outcome, Policy, Undone};
use landfall_simulator::Denial;

use crate::stage::{Stage, codes, keep, told};

/// The first words of a cause and the time they came, in seconds after the start.
fn first_told(stage: &Stage, code: &str) -> Option<f64> {
    let events = stage.events();
    let start = events.first()?.at;
    let said = events
        .iter()
        .find(|event| matches!(&event.kind, EventKind::Note { code: said, .. } if said == code))?;
    Some(said.at.duration_since(start).as_secs_f64())
}

/// Scenario, exit code, code of the first cause, words of its report.
type Row = (&'static str, u8, &'static str, &'static [&'static str]);

const ROWS: [Row; 22] = [
    (
        "pull-denied",
        3,
        "image-pull-denied",
        &["may not be pulled by execution role web-execution", "ecr:BatchGetImage"],
    ),
    ("pull-network", 3, "image-pull-network", &["could not be pulled", "i/o timeout", "NAT"]),
    ("pull-rate-limit", 3, "pull-rate-limited", &["repositoryCredentials", "toomanyrequests"]),
    ("platform-missing", 3, "wrong-architecture", &["LINUX/ARM64", "runtimePlatform", "linux/arm64"]),
    ("wrong-architecture", 3, "wrong-architecture", &["LINUX/ARM64", "exec format error", "demo/web:1.2"]),
    ("bad-command", 3, "bad-command", &["entryPoint [\"/srv/web\"]", "command [\"--port\", \"8080\"]"]),
    (
        "secret-missing",
        3,
        "secret-missing",
        &["there is no such secret arn:aws:secretsmanager", "DATABASE_URL of container web", "valueFrom"],
    ),
    (
        "secret-denied",
        3,
        "secret-denied",
        &[
            "role/web-execution may not read",
            "DATABASE_URL of container web",
            "secretsmanager:GetSecretValue",
        ],
    ),
    ("log-group-missing", 3, "log-setup", &["log group /ecs/web", "create the log group"]),
    ("environment-file", 3, "environment-file", &["arn:aws:s3:::demo-bucket/web.env", "s3:GetObject"]),
    ("efs-mount", 3, "volume-mount", &["data from fs-0123456789abcdef0", "2049"]),
    ("subnet-full", 3, "network-interface", &["no free address", "InsufficientFreeAddressesInSubnet"]),
    ("network-interface", 3, "network-interface", &["no network interface", "quota"]),
    ("disk-full", 3, "disk-full", &["its disk is full", "ephemeralStorage"]),
    ("out-of-memory", 3, "out-of-memory", &["ran out of memory", "the task's limit is 512 MiB"]),
    (
        "container-health",
        3,
        "container-health",
        &["curl -f http://localhost:8080/health", "every 5 s", "2 tries", "startPeriod"],
    ),
    (
        "load-balancer-health",
        3,
        "load-balancer-health",
        &[
            "Target.ResponseCodeMismatch, Health checks failed with these codes: [404]",
            "checks HTTP /health on port traffic-port, expects 200",
            "ignored for 6 s after its start (healthCheckGracePeriodSeconds of the service)",
            ":8080 (task ",
            "let /health answer 200",
            "of its load balancer: Health checks failed with these codes: [404] (seen",
        ],
    ),
    (
        "load-balancer-port",
        3,
        "load-balancer-health",
        &[
            "Target.Timeout, Request timed out",
            "go to port 9090, and container web maps 8080 only",
            "traffic-port",
        ],
    ),
    (
        "target-health-denied",
        3,
        "load-balancer-health",
        &["not seen: elasticloadbalancing:DescribeTargetHealth is refused", "codes: [404]"],
    ),
    (
        "evidence-denied",
        3,
        "evidence-not-seen",
        &["not seen: ecs:DescribeTasks is refused", "allow ecs:DescribeTasks"],
    ),
    (
        "fargate-capacity",
        6,
        "no-capacity",
        &["Capacity is unavailable at this time", "the image is not at fault"],
    ),
    ("role-not-assumable", 6, "role-unusable", &["role/web-task", "ecs-tasks.amazonaws.com"]),
];

#[tokio::test(start_paused = true)]
async fn every_cause_is_named_with_its_evidence_and_a_next_step_and_told_before_the_end() {
    for (scenario, exit_code, code, words) in ROWS {
        let stage = Stage::of(scenario);
        let report = stage.deploy().await;
        assert_eq!(
            (report.exit_code(), codes(&report)[0]),
            (exit_code, code),
            "{scenario}: {}",
            told(&report)
        );
        let cause = report.verdict.causes[0].report();
        for words in words {
            assert!(cause.contains(words), "{scenario}: {words:?} is not in\n{cause}");
        }
        assert!(cause.contains("\nnext: "), "{scenario}: no next step in\n{cause}");
        let at = first_told(&stage, code)
            .unwrap_or_else(|| panic!("{scenario}: {code} was not told while waiting"));
        assert!(at <= 25.0, "{scenario}: told after {at} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_gone_or_going_is_refused_with_what_to_do() {
    for (scenario, words) in [
        ("service-inactive", ["is INACTIVE", "it was deleted", "create it again"]),
        ("service-draining", ["is DRAINING", "once it is INACTIVE", "DeleteService"]),
    ] {
        let stage = Stage::of(scenario);
        let report = stage.deploy().await;
        let Outcome::Refused { error } = &report.verdict.outcome else { panic!("{}", told(&report)) };
        let said = error.report();
        for words in words {
            assert!(said.contains(words), "{scenario}: {words:?} is not in\n{said}");
        }
        assert_eq!((report.exit_code(), stage.writes().len()), (1, 0), "{scenario}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_that_may_not_be_passed_is_named_with_the_statement_that_allows_it() {
    let stage = Stage::of("pass-role-denied");
    let report = stage.deploy().await;
    let Outcome::Refused { error } = &report.verdict.outcome else { panic!("{}", told(&report)) };
    let said = error.report();
    for words in [
        "iam:PassRole",
        "taskRoleArn of the task definition is arn:aws:iam::111122223333:role/web-task",
        "\"iam:PassedToService\": \"ecs-tasks.amazonaws.com\"",
        "\"Resource\": \"arn:aws:iam::111122223333:role/web-task\"",
    ] {
        assert!(said.contains(words), "{words:?} is not in\n{said}");
    }
    assert_eq!((report.exit_code(), stage.calls("UpdateService")), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn without_the_service_linked_role_the_command_that_makes_it_is_told() {
    let report = Stage::of("service-linked-role").deploy().await;
    let Outcome::Refused { error } = &report.verdict.outcome else { panic!("{}", told(&report)) };
    assert!(error.report().contains("aws iam create-service-linked-role"), "{}", error.report());
    assert_eq!(report.exit_code(), 1, "{}", told(&report));
}

#[tokio::test(start_paused = true)]
async fn a_paused_hook_is_told_with_the_command_that_continues_it_and_ends_as_waiting_for_a_person() {
    let stage = Stage::of("paused-hook");
    let report = stage.run(&stage.target(), &keep().timeout(Duration::from_secs(120))).await;
    assert_eq!((report.exit_code(), codes(&report)), (8, vec!["paused-hook"]), "{}", told(&report));
    let said = report.verdict.causes[0].report();
    let arn = &stage.new_deployments()[0].arn;
    for words in [
        "paused at POST_SCALE_UP by lifecycle hook ",
        "until 2026-01-01T01:00:04",
        &format!("aws ecs continue-service-deployment --service-deployment-arn {arn} --hook-id "),
        "--action CONTINUE",
        "when nobody acts, AWS rolls back",
    ] {
        assert!(said.contains(words), "{words:?} is not in\n{said}");
    }
    assert!(first_told(&stage, "paused-hook").unwrap() <= 25.0);
}

#[tokio::test(start_paused = true)]
async fn tasks_that_a_person_stops_are_told_as_that_and_not_as_a_failure_of_the_image() {
    let stage = Stage::of("tasks-stopped");
    let report = stage.run(&stage.target(), &keep().timeout(Duration::from_secs(45))).await;
    assert_eq!((report.exit_code(), codes(&report)[0]), (6, "stopped-by-a-person"), "{}", told(&report));
    assert!(first_told(&stage, "stopped-by-a-person").is_some(), "{:?}", stage.notes());
}

#[tokio::test(start_paused = true)]
async fn without_a_circuit_breaker_a_lasting_cause_ends_the_wait_early_and_is_undone() {
    let stage = Stage::of("image-not-found-no-breaker");
    let report = stage.deploy().await;
    assert_eq!(report.verdict.outcome, Outcome::Ended(End::Failed), "{}", told(&report));
    assert_eq!(codes(&report), ["image-not-found", "fail-fast"], "{}", told(&report));
    assert_eq!((report.exit_code(), &report.undone), (3, &Undone::Reverted), "{}", told(&report));
    assert!(report.verdict.causes[1].message.contains("landfall, not ECS"), "{}", told(&report));
    assert_eq!(stage.live(), "web:2");
    let took = report.ended.duration_since(report.started).as_secs();
    assert!(took <= 60, "{took} s of half an hour");
}

#[tokio::test(start_paused = true)]
async fn failing_fast_can_be_switched_off() {
    let stage = Stage::of("image-not-found-no-breaker");
    let target = stage.made(stage.builder().image("web", crate::stage::IMAGE).fail_fast(false));
    let report = stage.run(&target, &keep().timeout(Duration::from_secs(300))).await;
    assert!(matches!(report.verdict.outcome, Outcome::TimedOut { .. }), "{}", told(&report));
    assert_eq!((report.exit_code(), codes(&report)), (6, vec!["image-not-found"]), "{}", told(&report));
}

#[tokio::test(start_paused = true)]
async fn a_cause_that_may_pass_is_waited_for_without_a_circuit_breaker_too() {
    for scenario in ["pull-network", "crash"] {
        let stage = Stage::of("image-not-found-no-breaker");
        let behaviour = landfall_simulator::Scenario::named(scenario).unwrap().behaviours[0].clone();
        stage.ecs().behave(behaviour);
        let report = stage.run(&stage.target(), &keep().timeout(Duration::from_secs(300))).await;
        assert!(matches!(report.verdict.outcome, Outcome::TimedOut { .. }), "{scenario}: {}", told(&report));
    }
}

#[tokio::test(start_paused = true)]
async fn failing_fast_works_by_the_service_alone_as_well() {
    let mut world = landfall_simulator::World::demo();
    world.account("111122223333").denied.push(Denial::of("ecs:ListServiceDeployments"));
    let scenario = landfall_simulator::Scenario::named("image-not-found-no-breaker").unwrap();
    let stage = Stage::with(landfall_simulator::Simulator::builder().world(world).scenario(scenario).build());
    let report = stage.deploy().await;
    assert_eq!(codes(&report), ["image-not-found", "fail-fast"], "{}", told(&report));
    assert_eq!((report.exit_code(), stage.live()), (3, "web:2".to_owned()), "{}", told(&report));
}

#[tokio::test(start_paused = true)]
async fn a_cause_is_told_once_however_often_tasks_fail() {
    let stage = Stage::of("image-not-found-no-breaker");
    let target = stage.made(stage.builder().image("web", crate::stage::IMAGE).fail_fast(false));
    stage.run(&target, &Policy::default().timeout(Duration::from_secs(600))).await;
    let said = stage.notes().into_iter().filter(|code| code == "image-not-found").count();
    assert_eq!(said, 1, "{:?}", stage.notes());
}
