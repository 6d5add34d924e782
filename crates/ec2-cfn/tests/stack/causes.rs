//! Every way to fail: what is said, what is to be done, and the exit code.

use std::time::Duration;

use landfall_core::{DeployTarget, Outcome, Policy, StepReport};
use landfall_ec2_cfn::stack::{StackBuilder, StackDeletion};
use landfall_simulator::{DEMO_ACCOUNT, DEMO_REGION, Fault, FaultKind, Scenario, Simulator};

use crate::stage::{NAME, Stage, TEMPLATE, codes, keep, told};

/// A failure mode, its scenario, and what must come of it.
struct Row {
    mode: &'static str,
    scenario: &'static str,
    exit: u8,
    /// The code of the first cause; empty for a refusal without one.
    code: &'static str,
    /// What the report must say, causes and next steps included.
    says: &'static [&'static str],
}

const fn row(
    mode: &'static str,
    scenario: &'static str,
    exit: u8,
    code: &'static str,
    says: &'static [&'static str],
) -> Row {
    Row { mode, scenario, exit, code, says }
}

const ROWS: [Row; 25] = [
    row(
        "S2 permission missing",
        "stack-denied",
        1,
        "missing-permission",
        &["cloudformation:CreateChangeSet", "user/deployer"],
    ),
    row(
        "S3 capability missing",
        "stack-capability",
        1,
        "capability-missing",
        &["CAPABILITY_NAMED_IAM", "name CAPABILITY_NAMED_IAM among"],
    ),
    row(
        "S4 early validation",
        "stack-early-validation",
        1,
        "early-validation",
        &[
            "queue.yaml:24:3",
            "/Resources/Queue/Properties/MessageRetentionPeriod",
            "(FAIL)",
            "disable-validation",
        ],
    ),
    row(
        "S4 hook",
        "stack-hook",
        1,
        "hook-refused",
        &["queues must be encrypted", "Org::Guard::Hook: rule: ", "to do: set KmsMasterKeyId"],
    ),
    row(
        "S4 hook of a resource",
        "stack-resource-hook",
        3,
        "hook-refused",
        &[
            "queue.yaml:24:3",
            "The following hook(s) failed: [Org::Guard::Queues]",
            "Org::Guard::Queues: Template failed validation",
            "Org::Guard::Queues: rule: queues must be encrypted; to do: set KmsMasterKeyId",
        ],
    ),
    row(
        "S5 import conflict",
        "stack-import-conflict",
        1,
        "import-conflict",
        &["import-existing", "DeletionPolicy: Retain"],
    ),
    row(
        "S5 change set",
        "stack-change-set-fails",
        1,
        "change-set-failed",
        &["QueueNam", "nothing was changed"],
    ),
    row(
        "S6 replacement",
        "stack-replaces",
        1,
        "replacement-not-allowed",
        &["Queue (AWS::SQS::Queue)", "Properties.QueueName", "allow-replacement"],
    ),
    row(
        "S6 deletion",
        "stack-deletes",
        1,
        "deletion-not-allowed",
        &["Dead (AWS::SQS::Queue)", "allow-deletion"],
    ),
    row(
        "S7 ROLLBACK_COMPLETE",
        "stack-is-rollback-complete",
        1,
        "",
        &["can only be deleted", "delete-stack --stack-name web", "recreate-failed"],
    ),
    row(
        "S7 ROLLBACK_FAILED",
        "stack-is-rollback-failed",
        1,
        "",
        &["some resources could not be deleted", "--retain-resources"],
    ),
    row(
        "S7 CREATE_FAILED",
        "stack-is-create-failed",
        1,
        "",
        &["kept for somebody to look at", "rollback-stack --stack-name web"],
    ),
    row(
        "S7 UPDATE_FAILED",
        "stack-is-update-failed",
        1,
        "",
        &["last state that worked", "rollback-stack --stack-name web"],
    ),
    row(
        "S7 UPDATE_ROLLBACK_FAILED",
        "stack-is-update-rollback-failed",
        1,
        "",
        &["continue-update-rollback --stack-name web", "differ from the template"],
    ),
    row("S7 DELETE_FAILED", "stack-is-delete-failed", 1, "", &["wanted it deleted", "FORCE_DELETE_STACK"]),
    row("S7 IMPORT_ROLLBACK_FAILED", "stack-is-import-rollback-failed", 1, "", &["AWS support"]),
    row("S8 busy", "stack-busy", 1, "", &["UPDATE_IN_PROGRESS", "since 20", "if-busy=wait"]),
    row(
        "S9 rollback failed",
        "stack-rollback-fails",
        4,
        "invalid-property",
        &["then the rollback failed on Queue", "--resources-to-skip Queue", "forced rollback"],
    ),
    row(
        "S9 rollback of a creation failed",
        "stack-create-rollback-fails",
        3,
        "quota-exceeded",
        &["Service Quotas", "then the rollback failed on Topic"],
    ),
    row(
        "S11 stack policy",
        "stack-policy",
        3,
        "stack-policy",
        &["Statement [#2]", "LogicalResourceId/Queue", "set-stack-policy"],
    ),
    row(
        "S12 signal",
        "stack-signal",
        3,
        "signal-missing",
        &["cfn-signal", "get-console-output", "cloud-init-output.log"],
    ),
    row(
        "already exists",
        "stack-create-fails",
        3,
        "already-exists",
        &["queue.yaml:24:3", "import-existing", "cancelled because of it: Topic"],
    ),
    row(
        "access denied to a resource",
        "stack-update-fails",
        3,
        "access-denied",
        &["cloudwatch:PutMetricAlarm", "service role"],
    ),
    row(
        "events may not be read",
        "stack-events-denied",
        3,
        "stack-failed",
        &["failed to update: [Alarm]", "console"],
    ),
    row("S15 session ended", "stack-session-expires", 7, "", &["ExpiredToken", "ask for a longer session"]),
];

fn stage(scenario: &str) -> Stage {
    Stage::with(Simulator::builder().scenario(Scenario::named(scenario).unwrap()).build())
}

async fn deployed(scenario: &str, policy: &Policy) -> (Stage, StepReport) {
    let stage = stage(scenario);
    let report = stage.run(&stage.target(), policy).await;
    (stage, report)
}

/// Everything that a person reads about a report.
fn read(report: &StepReport) -> String {
    let mut text: String = report.verdict.causes.iter().map(|cause| cause.report() + "\n").collect();
    match &report.verdict.outcome {
        Outcome::Refused { error } | Outcome::Unknown { error } => text.push_str(&error.report()),
        Outcome::TimedOut { waiting_for, .. } => text.push_str(waiting_for),
        _ => {}
    }
    text
}

fn first_code(report: &StepReport) -> String {
    let of_error = match &report.verdict.outcome {
        Outcome::Refused { error } | Outcome::Unknown { error } => {
            error.causes().first().map(|cause| cause.code.clone())
        }
        _ => None,
    };
    of_error.or_else(|| codes(report).first().map(|code| (*code).to_owned())).unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn every_failure_names_its_cause_and_the_next_step() {
    for row in &ROWS {
        let (stage, report) = deployed(row.scenario, &Policy::default()).await;
        let text = read(&report);
        let all =
            format!("{} {}: exit {}, {}\n{text}", row.mode, row.scenario, report.exit_code(), told(&report));
        assert_eq!(report.exit_code(), row.exit, "{all}");
        assert_eq!(first_code(&report), row.code, "{all}");
        for word in row.says {
            assert!(text.contains(word), "{word:?} is missing:\n{all}");
        }
        let left = stage.aws().stack(NAME).map(|stack| stack.change_sets.len()).unwrap_or_default();
        assert!(left <= 1, "{}: {left} change sets are left", row.scenario);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_hook_says_of_a_resource_is_told_once_and_without_its_result_where_that_may_not_be_read() {
    let (stage, report) = deployed("stack-resource-hook", &Policy::default()).await;
    assert_eq!(codes(&report), ["hook-refused"], "{}", told(&report));
    assert_eq!(stage.calls("GetHookResult"), 1);
    let denied = self::stage("stack-resource-hook");
    let refusal = FaultKind::Error {
        code: "AccessDenied".to_owned(),
        message: "not authorized to perform: cloudformation:GetHookResult".to_owned(),
        status: 403,
    };
    denied.simulator.add_fault(Fault::new("cloudformation", "GetHookResult", refusal));
    let report = denied.run(&denied.target(), &Policy::default()).await;
    assert_eq!((report.exit_code(), codes(&report)), (3, vec!["hook-refused"]), "{}", told(&report));
    let text = read(&report);
    assert!(text.contains("Template failed validation") && !text.contains("KmsMasterKeyId"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_failed_creation_is_rolled_back_by_aws_and_said_so() {
    let (stage, report) = deployed("stack-create-fails", &Policy::default()).await;
    let ended = matches!(&report.verdict.outcome, Outcome::Ended(landfall_core::End::RolledBack { to }) if to.contains("ROLLBACK_COMPLETE"));
    assert!(ended, "{}", told(&report));
    assert_eq!(stage.writes(), ["CreateChangeSet", "ExecuteChangeSet"], "nothing is deleted without consent");
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_over_says_that_the_stack_goes_on() {
    let stage = stage("stack-slow");
    let policy = keep().timeout(Duration::from_secs(120));
    let report = stage.run(&stage.target(), &policy).await;
    assert_eq!(report.exit_code(), 6, "{}", told(&report));
    let text = read(&report);
    for word in ["goes on in AWS", "same run id", "at work: Queue"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert_eq!(stage.stack().status, "CREATE_IN_PROGRESS");
}

#[tokio::test(start_paused = true)]
async fn throttling_beyond_every_retry_is_said_to_be_that_and_no_failure_of_the_deployment() {
    let (stage, report) = deployed("stack-throttled", &Policy::default()).await;
    assert_eq!(report.exit_code(), 9, "{}", told(&report));
    let text = read(&report);
    assert!(text.contains("Rate exceeded") && text.contains("share this account's limits"), "{text}");
    assert_eq!(stage.stack().status, "UPDATE_COMPLETE", "it has succeeded meanwhile, and nobody undid it");
}

#[tokio::test(start_paused = true)]
async fn an_expired_session_leaves_the_stack_alone_and_the_next_process_attaches() {
    let (stage, report) = deployed("stack-session-expires", &Policy::default()).await;
    assert_eq!(report.exit_code(), 7, "{}", told(&report));
    assert_eq!(stage.writes(), ["CreateChangeSet", "ExecuteChangeSet"]);
}

#[tokio::test(start_paused = true)]
async fn stale_reads_are_no_verdict() {
    let (stage, report) = deployed("stack-stale", &Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert_eq!(stage.writes(), ["CreateChangeSet", "ExecuteChangeSet"]);
    assert_eq!(stage.stack().status, "UPDATE_COMPLETE");
}

#[test]
fn another_region_than_the_place_is_refused_with_both() {
    let stage = stage("stack-update");
    let elsewhere = landfall_core::Place::new("aws", DEMO_ACCOUNT, "us-east-1");
    let error =
        stage.builder().build().unwrap().target(&stage.simulator.sdk_config(), elsewhere).unwrap_err();
    let text = error.report();
    assert!(text.contains(DEMO_REGION) && text.contains("us-east-1"), "{text}");
}

fn deletion(
    stage: &Stage,
    change: impl FnOnce(
        landfall_ec2_cfn::stack::StackDeletionBuilder,
    ) -> landfall_ec2_cfn::stack::StackDeletionBuilder,
) -> StackDeletion {
    let place = landfall_core::Place::new("aws", DEMO_ACCOUNT, DEMO_REGION);
    change(StackDeletion::builder().name(NAME))
        .build()
        .unwrap()
        .target(&stage.simulator.sdk_config(), place)
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_deletion_names_what_is_in_its_way_and_leaves_it_behind_when_asked() {
    let stage = stage("stack-delete-fails");
    let report = stage.run(&deletion(&stage, |builder| builder), &Policy::default()).await;
    assert_eq!(report.exit_code(), 4, "failed, and a deletion cannot be undone: {}", told(&report));
    assert_eq!(codes(&report), ["bucket-not-empty", "deletion-failed"]);
    let text = read(&report);
    for word in [
        "Queue (AWS::SQS::Queue) DELETE_FAILED",
        "--retain-resources",
        "stack web is still there with Queue",
        "by name (retain-resource)",
    ] {
        assert!(text.contains(word), "{word:?} is not in\n{text}");
    }
    assert_eq!(stage.stack().status, "DELETE_FAILED");
    let retaining = deletion(&stage, |builder| builder.retain(["Queue"]));
    let report = stage.run(&retaining, &Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert!(stage.aws().stack(NAME).is_none());
    let report = stage.run(&deletion(&stage, |builder| builder), &Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Unchanged, "{}", told(&report));
}

#[tokio::test(start_paused = true)]
async fn what_others_import_and_what_is_protected_is_not_deleted() {
    let exported = stage("stack-exported");
    let report = exported.run(&deletion(&exported, |builder| builder), &keep()).await;
    assert_eq!(codes(&report), ["export-in-use"], "{}", told(&report));
    assert!(read(&report).contains("web-topic is imported by: user"), "{}", read(&report));
    let protected = stage("stack-protected");
    let report = protected.run(&deletion(&protected, |builder| builder), &keep()).await;
    assert_eq!(report.exit_code(), 1);
    assert!(read(&report).contains("protected against deletion"), "{}", read(&report));
    assert!(protected.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_plan_of_a_deletion_names_what_goes_and_what_is_left_behind() {
    let topic = "    Type: AWS::SNS::Topic\n";
    let text = TEMPLATE.replace(topic, &format!("{topic}    DeletionPolicy: Retain\n"));
    let stage = Stage::seeded(serde_json::json!({ "template": text }));
    let plan = deletion(&stage, |builder| builder).plan(&stage.context("demo/1/plan")).await.unwrap();
    let lines = plan.changes[0].details.join("\n");
    for line in
        ["- Topic (AWS::SNS::Topic, retained by the template: left behind)", "- Queue (AWS::SQS::Queue)"]
    {
        assert!(lines.contains(line), "{line:?} is not in\n{lines}");
    }
    assert!(stage.writes().is_empty());
}

/// What of the input is wrong, found without a call.
fn problems(builder: StackBuilder) -> String {
    builder.build().unwrap_err().report()
}

#[test]
fn everything_that_is_wrong_with_the_input_is_said_at_once() {
    let stage = stage("stack-update");
    let text = problems(stage.builder().name("0bad").parameter("Stage", "prod").parameter("Colour", "red"));
    assert!(text.contains("`0bad` is no name of a stack"), "{text}");
    let text = problems(stage.builder().parameter("Stage", "prod").parameter("Colour", "red"));
    for word in [
        "declares no parameter Colour; it declares: Stage, Token",
        "Stage: `prod` is none of the allowed values",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }
    let broken = landfall_ec2_cfn::stack::TemplateSource::text(
        "web.yaml",
        "Resources:\n  A: {Type: X}\n  A: {Type: Y}\n",
    );
    let text = problems(stage.builder().template(broken));
    assert!(text.contains("web.yaml:3:3") && text.contains("second time"), "{text}");
    let large = format!("Resources:\n  A: {{Type: X}}\n# {}", "x".repeat(60_000));
    let text =
        problems(stage.builder().template(landfall_ec2_cfn::stack::TemplateSource::text("big.yaml", large)));
    assert!(text.contains("60032 bytes") || text.contains("bytes; more than 51200"), "{text}");
    assert!(text.contains("give a bucket for templates"), "{text}");
}
