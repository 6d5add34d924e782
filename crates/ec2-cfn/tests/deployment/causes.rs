//! Each way to fail, with its cause, its next step and its outcome.

use std::time::Duration;

use landfall_core::{Cause, End, Outcome, Policy, StepReport};
use landfall_ec2_cfn::deployment::{Revision, WhenReady};

use crate::stage::{Stage, keep, told};

/// All causes of a report, those of an error that refused it included, as code, message and hint.
fn causes(report: &StepReport) -> Vec<(String, String, String)> {
    let of =
        |cause: &Cause| (cause.code.clone(), cause.message.clone(), cause.hint.clone().unwrap_or_default());
    let mut all: Vec<_> = report.verdict.causes.iter().map(of).collect();
    if let Outcome::Refused { error } = &report.verdict.outcome {
        all.push((
            "refused".to_owned(),
            error.message().to_owned(),
            error.hint().unwrap_or_default().to_owned(),
        ));
    }
    all
}

#[tokio::test(start_paused = true)]
async fn every_failure_mode_names_its_cause_its_next_step_and_its_exit_code() {
    // Scenario, code of the cause, words of its message, words of its next step, exit code with nothing undone by landfall.
    let table = [
        (
            "deployment-application-missing",
            "refused",
            "no application `demo`",
            "check the application's name",
            1,
        ),
        ("deployment-role-missing", "role-missing", "IAM_ROLE_MISSING", "service role", 1),
        ("deployment-no-instances", "no-instances", "NO_INSTANCES", "tag filters", 1),
        ("deployment-busy", "refused", "d-", "--if-busy", 1),
        (
            "deployment-hook-fails",
            "script-failed",
            "scripts/migrate.sh ended with exit code 3",
            "last lines",
            3,
        ),
        ("deployment-hook-fails", "health-constraints", "1 failed, first i-0aaaaaaaaaaaaaaa1", "repair", 3),
        (
            "deployment-script-missing",
            "script-missing",
            "scripts/prepare.sh is not in the revision",
            "appspec.yml",
            3,
        ),
        (
            "deployment-script-not-executable",
            "script-not-executable",
            "scripts/start.sh",
            "executable bit",
            3,
        ),
        ("deployment-script-timed-out", "script-timed-out", "did not end in time", "redirect", 3),
        (
            "deployment-stop-hook-fails",
            "script-failed",
            "ApplicationStop failed",
            "ignoreApplicationStopFailures",
            3,
        ),
        ("deployment-file-exists", "file-exists", "/srv/demo/index.html", "fileExistsBehavior", 3),
        ("deployment-alarm", "alarm", "demo-errors", "alarm", 1),
        ("deployment-stopped", "stopped", "somebody stopped", "CloudTrail", 1),
        ("deployment-timeout", "timed-out", "TIMEOUT", "did not come to its end", 3),
        ("deployment-rollback-fails", "rollback-failed", "has failed too", "neither revision", 1),
        (
            "deployment-no-rollback",
            "rollback-not-started",
            "no last known successful revision",
            "known to work",
            1,
        ),
        ("deployment-bundle-missing", "bundle-missing", "REVISION_MISSING", "push", 1),
        ("deployment-bundle-changed", "bundle-changed", "etag", "push again", 3),
        ("deployment-bundle-denied", "bundle-denied", "Access Denied", "s3:GetObject", 3),
        ("deployment-bundle-absent", "bundle-missing", "key does not exist", "push and deploy again", 3),
        ("deployment-bundle-unreadable", "bundle-invalid", "central directory", "bundle type", 3),
        ("deployment-bundle-key-denied", "bundle-denied", "kms:Decrypt", "policy", 3),
        (
            "deployment-bundle-elsewhere",
            "bundle-denied",
            "not opened for reading",
            "region of the instances",
            1,
        ),
        ("deployment-no-appspec", "appspec-missing", "did not find an AppSpec file", "root of the bundle", 3),
        ("deployment-disk-full", "disk-full", "The disk is (or was) full", "make room", 3),
    ];
    for (scenario, code, message, hint, exit) in table {
        let stage = Stage::of(scenario);
        // The eTag is pinned only where that is what the scenario is about.
        let open = stage.builder().revision(&Revision::s3("demo-bucket", "demo/2.zip"));
        let target = if scenario == "deployment-bundle-changed" { stage.target() } else { stage.made(open) };
        let report = stage.run(&target, &keep()).await;
        let causes = causes(&report);
        let fits = |one: &(String, String, String)| {
            one.0 == code && one.1.to_lowercase().contains(&message.to_lowercase()) && one.2.contains(hint)
        };
        assert!(causes.iter().any(fits), "{scenario} {code}: {causes:#?}\n{}", told(&report));
        assert_eq!(report.exit_code(), exit, "{scenario}: {}", told(&report));
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_script_is_told_with_its_log_while_the_deployment_goes_on() {
    let stage = Stage::of("deployment-hook-fails");
    let report = stage.deploy().await;
    let log = stage.told();
    let at = |words: &str| log.iter().position(|line| line.contains(words));
    let (cause, rollback) = (at("column price is missing"), at("rolled-back-by-aws"));
    assert!(cause.is_some() && cause < rollback, "{log:#?}");
    assert!(at("i-0aaaaaaaaaaaaaaa1: AfterInstall failed").is_some(), "{log:#?}");
    let Outcome::Ended(End::RolledBack { to }) = &report.verdict.outcome else { panic!("{}", told(&report)) };
    assert!(to.contains("demo/1.zip"), "{to}");
    assert_eq!((stage.calls("CreateDeployment"), stage.calls("StopDeployment")), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_success_that_leaves_instances_behind_lists_them() {
    let stage = Stage::of("deployment-partial");
    let report = stage.deploy().await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    let log = stage.told();
    assert!(
        log.iter().any(|line| line.starts_with("instances-failed") && line.contains("i-0aaaaaaaaaaaaaaa3")),
        "{log:#?}"
    );
    assert!(log.iter().any(|line| line.starts_with("script-failed")), "{log:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_agent_is_told_after_three_minutes_and_again_at_the_deadline() {
    let stage = Stage::of("deployment-agent-silent");
    let report = stage.run(&stage.target(), &keep().timeout(Duration::from_secs(600))).await;
    assert_eq!(report.exit_code(), 6, "{}", told(&report));
    assert!(report.verdict.causes.iter().any(|cause| cause.code == "agent-silent"), "{}", told(&report));
    assert!(
        stage
            .told()
            .iter()
            .any(|line| line.starts_with("agent-silent") && line.contains("i-0aaaaaaaaaaaaaaa1"))
    );

    let stage = Stage::of("deployment-agent-silent");
    let target = stage.made(stage.builder().agent_limit(Duration::from_secs(300)));
    let report = stage.run(&target, &keep()).await;
    assert_eq!(report.verdict.outcome, Outcome::Ended(End::Failed), "{}", told(&report));
    assert!(report.verdict.causes.iter().any(|cause| cause.code == "agent-limit"));

    let stage = Stage::of("deployment-agent-silent");
    let report = stage.run(&stage.target(), &keep().timeout(Duration::from_secs(3 * 3_600))).await;
    assert!(report.verdict.causes.iter().any(|cause| cause.code == "agent-unreachable"), "{}", told(&report));
}

#[tokio::test(start_paused = true)]
async fn a_ready_deployment_waits_for_a_person_or_goes_on_or_stops_as_asked() {
    let stage = Stage::of("deployment-ready");
    let report = stage.run(&stage.target(), &keep().timeout(Duration::from_secs(120))).await;
    assert_eq!(report.exit_code(), 8, "{}", told(&report));
    assert!(
        report.verdict.causes.iter().any(|cause| cause.code == "waits-for-continue"),
        "{}",
        told(&report)
    );

    let stage = Stage::of("deployment-ready");
    let report = stage.run(&stage.target(), &keep().timeout(Duration::from_secs(2 * 3_600))).await;
    assert_eq!(report.verdict.outcome, Outcome::Ended(End::Stopped), "{}", told(&report));
    assert!(report.verdict.causes.iter().any(|cause| cause.code == "timed-out"), "{}", told(&report));

    let stage = Stage::of("deployment-ready");
    let report =
        stage.run(&stage.made(stage.builder().when_ready(WhenReady::Continue)), &Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert_eq!((stage.calls("ContinueDeployment"), stage.live().as_str()), (1, "demo/2.zip"));

    let stage = Stage::of("deployment-ready");
    let report = stage.run(&stage.made(stage.builder().when_ready(WhenReady::Stop)), &keep()).await;
    assert!(matches!(report.verdict.outcome, Outcome::Ended(_)), "{}", told(&report));
    assert_eq!((stage.calls("StopDeployment"), stage.live().as_str()), (1, "demo/1.zip"));
}
