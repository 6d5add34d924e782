//! Stacks that a failed operation has left where they cannot be updated: brought back first, when that is asked for.

use landfall_core::runtime::Local;
use landfall_core::target::{run_step, undo_step};
use landfall_core::{End, Outcome, Policy, StepReport, Undone};
use landfall_ec2_cfn::stack::{OnStackFailure, RecreateFailed, TemplateSource};
use landfall_simulator::{CallNumbers, Fault, FaultKind, Phase, Scenario, Simulator, StackRule};
use serde_json::json;

use crate::stage::{NAME, Stage, TEMPLATE, codes, earlier, keep, told};

fn stage(scenario: &str) -> Stage {
    Stage::with(Simulator::builder().scenario(Scenario::named(scenario).unwrap()).build())
}

/// A stack whose update failed and was left so.
async fn kept() -> Stage {
    let stage = Stage::updating();
    stage.aws().behave(StackRule { times: 1, ..StackRule::failing("Alarm", "create", "Invalid metric") });
    let target = stage.made(stage.builder().on_stack_failure(OnStackFailure::Keep));
    let report = stage.run(&target, &keep()).await;
    assert_eq!(stage.stack().status, "UPDATE_FAILED", "{}", told(&report));
    stage.simulator.reset_calls();
    stage
}

/// A stack whose rollback failed.
async fn stuck() -> Stage {
    let stage = stage("stack-rollback-fails");
    let report = stage.deploy().await;
    assert_eq!(stage.stack().status, "UPDATE_ROLLBACK_FAILED", "{}", told(&report));
    stage.simulator.reset_calls();
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    stage
}

/// A later run, which brings the stack back first.
async fn brought_back(stage: &Stage, policy: &Policy) -> StepReport {
    let cx = stage.context("demo/2/deploy/production");
    let target = stage.made(stage.builder().roll_back_first(true));
    run_step(&Local::new(cx.clone()), &target, &cx, policy).await
}

#[tokio::test(start_paused = true)]
async fn an_update_that_failed_and_was_kept_is_rolled_back_first_when_asked() {
    let stage = kept().await;
    let cx = stage.context("demo/2/deploy/production");
    let target = stage.made(stage.builder().roll_back_first(true));
    let runtime = Local::new(cx.clone());
    let report = run_step(&runtime, &target, &cx, &Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert_eq!(stage.writes(), ["RollbackStack", "CreateChangeSet", "ExecuteChangeSet"]);
    assert_eq!(
        (stage.stack().status.as_str(), stage.stack().template),
        ("UPDATE_COMPLETE", TEMPLATE.to_owned())
    );
    let plan = report.plan.unwrap();
    let details = &plan.changes[0].details;
    assert!(details[0].contains("it is UPDATE_FAILED, and brought back first"), "{details:?}");
    let undone = undo_step(&runtime, &target, &cx, &Policy::default(), &plan, report.receipt.as_ref()).await;
    assert_eq!(undone, Undone::Reverted);
    assert_eq!(stage.stack().template, earlier(TEMPLATE), "what there was before both");
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_failed_is_refused_with_what_is_stuck_and_gone_on_with_when_asked() {
    let stage = stuck().await;
    let cx = stage.context("demo/2/deploy/production");
    let report = run_step(&Local::new(cx.clone()), &stage.target(), &cx, &keep()).await;
    let Outcome::Refused { error } = &report.verdict.outcome else { panic!("{}", told(&report)) };
    let text = error.report();
    for word in [
        "Queue (AWS::SQS::Queue): Queue does not exist any more",
        "--resources-to-skip Queue`",
        "roll-back-first",
        "landfall leaves out none",
    ] {
        assert!(text.contains(word), "{word:?} is not in\n{text}");
    }
    assert!(!text.contains("cancelled") && stage.writes().is_empty(), "{text}");
    stage.aws().behave_well();
    let report = brought_back(&stage, &Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert_eq!(stage.writes(), ["ContinueUpdateRollback", "CreateChangeSet", "ExecuteChangeSet"]);
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_fails_again_is_the_cause_and_no_change_set_is_made() {
    let stage = stuck().await;
    let report = brought_back(&stage, &keep()).await;
    assert_eq!(report.verdict.outcome, Outcome::Ended(End::Failed), "{}", told(&report));
    assert_eq!((codes(&report), report.exit_code()), (vec!["rollback-failed"], 1), "{}", told(&report));
    assert_eq!(stage.writes(), ["ContinueUpdateRollback"], "nor is anything left out by itself");
}

#[tokio::test(start_paused = true)]
async fn stale_reads_and_a_lost_answer_bring_a_stack_back_once() {
    for fault in [
        Fault::new("cloudformation", "DescribeStacks", FaultKind::Stale { seconds: 9 }),
        Fault::new("cloudformation", "ContinueUpdateRollback", FaultKind::Reset)
            .on(CallNumbers::Nth(1))
            .phase(Phase::After),
    ] {
        let stage = stuck().await;
        stage.aws().behave_well();
        stage.simulator.add_fault(fault);
        let report = brought_back(&stage, &Policy::default()).await;
        assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
        let events = stage.aws().events(NAME);
        let begun =
            events.iter().filter(|one| one.logical == NAME && one.status == "UPDATE_ROLLBACK_IN_PROGRESS");
        assert_eq!(begun.count(), 2, "the first rollback, and the one that goes on with it: {events:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_stuck_in_a_nested_stack_is_named_behind_the_name_of_that_stack() {
    let stage = Stage::new();
    let url = "https://s3.eu-central-1.amazonaws.com/demo-bucket/inner.yaml";
    let inner = |delay: u32| {
        format!("Resources:\n  Jobs:\n    Type: AWS::SQS::Queue\n    Properties: {{DelaySeconds: {delay}}}\n")
    };
    let nested = "Resources:\n  Inner:\n    Type: AWS::CloudFormation::Stack\n    Properties:";
    let target = |more: &str| {
        let text = format!("{nested} {{TemplateURL: '{url}'}}\n{more}");
        stage.made(stage.builder().template(TemplateSource::text("outer.yaml", text)))
    };
    stage.aws().put_template(url, &inner(1));
    let report = stage.run(&target(""), &Policy::default()).await;
    assert!(report.is_success(), "{}", told(&report));
    stage.aws().put_template(url, &inner(2));
    stage.aws().behave(StackRule::failing("Jobs", "", "Jobs is gone"));
    let failing = target("  Topic: {Type: AWS::SNS::Topic, DependsOn: Inner}\n");
    let cx = stage.context("demo/2/deploy/production");
    let report = run_step(&Local::new(cx.clone()), &failing, &cx, &keep()).await;
    assert_eq!(stage.stack().status, "UPDATE_ROLLBACK_FAILED", "{}", told(&report));
    let nested = stage.aws().stacks().into_iter().find(|stack| stack.parent.is_some()).unwrap().name;
    let skip = format!("--resources-to-skip {nested}.Jobs`");
    assert!(told(&report).contains(&skip), "{skip} is not in\n{}", told(&report));
    let cx = stage.context("demo/3/deploy/production");
    let report = run_step(&Local::new(cx.clone()), &failing, &cx, &keep()).await;
    let Outcome::Refused { error } = &report.verdict.outcome else { panic!("{}", told(&report)) };
    let text = error.report();
    let line = format!("{nested}.Jobs (AWS::SQS::Queue): Jobs is gone");
    assert!(text.contains(&skip) && text.contains(&line), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_creation_that_failed_and_was_kept_is_created_anew_with_consent() {
    for (choice, succeeds) in [(RecreateFailed::Never, false), (RecreateFailed::Always, true)] {
        let stage = stage("stack-is-create-failed");
        let target = stage.made(stage.builder().recreate_failed(choice).roll_back_first(true));
        let report = stage.run(&target, &Policy::default()).await;
        assert_eq!(report.is_success(), succeeds, "{}", told(&report));
        if succeeds {
            assert_eq!(stage.writes(), ["DeleteStack", "CreateChangeSet", "ExecuteChangeSet"]);
        } else {
            assert!(
                stage.writes().is_empty() && told(&report).contains("recreate-failed"),
                "{}",
                told(&report)
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_express_update_is_not_rolled_back_since_that_cannot_be() {
    let seed = json!({ "template": earlier(TEMPLATE), "status": "UPDATE_FAILED", "express": true });
    let stage = Stage::seeded(seed);
    let report = brought_back(&stage, &Policy::default()).await;
    assert!(told(&report).contains("cannot be rolled back"), "{}", told(&report));
    assert!(stage.writes().is_empty() && stage.stack().name == NAME);
}

#[tokio::test(start_paused = true)]
async fn a_change_set_says_which_run_made_it_and_an_unchanged_stack_stays_unchanged_in_every_run() {
    let stage = Stage::updating();
    assert!(stage.deploy().await.is_success());
    assert_eq!(stage.descriptions().await, ["[landfall run=demo/1/deploy/production/deploy try=1]"]);
    assert!(stage.stack().tags.is_empty(), "tags would go to every resource");
    stage.simulator.reset_calls();
    let cx = stage.context("demo/2/deploy/production");
    let report = run_step(&Local::new(cx.clone()), &stage.target(), &cx, &Policy::default()).await;
    assert_eq!(
        (&report.verdict.outcome, stage.writes().len()),
        (&Outcome::Unchanged, 0),
        "{}",
        told(&report)
    );
}
