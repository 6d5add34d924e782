//! Express mode: quicker, less certain, and with another way back.

use landfall_core::{DeployTarget, End, Outcome, Policy, StepReport, Undone};
use landfall_ec2_cfn::stack::OnStackFailure;
use landfall_simulator::{CallNumbers, Fault, FaultKind, Phase, Scenario, Simulator, StackRule};
use serde_json::json;

use crate::stage::{NAME, Stage, TEMPLATE, earlier, keep, told};

const NOT_STABLE: &str = "express-not-stable";

async fn deployed(stage: &Stage, choice: OnStackFailure, policy: &Policy) -> StepReport {
    stage.run(&stage.made(stage.builder().express(true).on_stack_failure(choice)), policy).await
}

/// An update of which the new resource cannot be made.
fn failing() -> Stage {
    let stage = Stage::updating();
    stage.aws().behave(StackRule::failing("Alarm", "create", "Invalid metric"));
    stage
}

#[tokio::test(start_paused = true)]
async fn success_says_that_nothing_was_waited_for_and_the_plan_did_so_before() {
    for stage in [Stage::new(), Stage::updating()] {
        let begun = tokio::time::Instant::now();
        let report = deployed(&stage, OnStackFailure::Rollback, &Policy::default()).await;
        assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
        assert!(stage.notes().contains(&NOT_STABLE.to_owned()), "{:?}", stage.notes());
        let details = report.plan.unwrap().changes[0].details.join("\n");
        assert!(
            details.contains("express mode: it ends when") && details.contains("rollback is on"),
            "{details}"
        );
        let news = stage.news();
        assert!(news.iter().any(|line| line.contains("completed using Express Mode")), "{news:?}");
        let took = begun.elapsed();
        let usual = Stage::new();
        let begun = tokio::time::Instant::now();
        assert!(usual.deploy().await.is_success());
        assert!(took < begun.elapsed(), "{took:?}");
        assert!(!usual.notes().contains(&NOT_STABLE.to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn rollback_stays_on_and_a_failure_is_put_back_by_aws() {
    let stage = failing();
    let report = deployed(&stage, OnStackFailure::Rollback, &Policy::default()).await;
    assert!(matches!(report.verdict.outcome, Outcome::Ended(End::RolledBack { .. })), "{}", told(&report));
    assert_eq!(stage.writes(), ["CreateChangeSet", "ExecuteChangeSet"]);
    assert_eq!(stage.stack().status, "UPDATE_ROLLBACK_COMPLETE");
    assert!(!stage.notes().contains(&NOT_STABLE.to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_kept_failure_is_undone_by_the_previous_template_since_it_cannot_be_rolled_back() {
    let stage = failing();
    let report = deployed(&stage, OnStackFailure::Keep, &Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Ended(End::Failed), "{}", told(&report));
    assert_eq!(report.undone, Undone::Reverted, "{}", told(&report));
    assert_eq!(stage.writes(), ["CreateChangeSet", "ExecuteChangeSet", "UpdateStack"]);
    let stack = stage.stack();
    assert_eq!((stack.status.as_str(), stack.template), ("UPDATE_COMPLETE", earlier(TEMPLATE)));
    assert_eq!(stack.properties["Queue"]["MessageRetentionPeriod"], 345_600);
    let plan = report.plan.unwrap().changes[0].details.join("\n");
    assert!(plan.contains("rollback is off"), "{plan}");
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_of_the_way_back_makes_no_second_update() {
    for phase in [Phase::Before, Phase::After] {
        let stage = failing();
        let lost = Fault::new("cloudformation", "UpdateStack", FaultKind::Reset);
        stage.simulator.add_fault(lost.on(CallNumbers::Nth(1)).phase(phase));
        let report = deployed(&stage, OnStackFailure::Keep, &Policy::default()).await;
        assert_eq!(report.undone, Undone::Reverted, "{phase:?} {}", told(&report));
        let events = stage.aws().events(NAME).into_iter();
        let begun =
            events.filter(|event| event.logical == NAME && event.status == "UPDATE_IN_PROGRESS").count();
        assert_eq!(begun, 2, "{phase:?}: the update and its undo");
    }
}

#[tokio::test(start_paused = true)]
async fn a_success_is_taken_back_in_the_same_mode() {
    let stage = Stage::updating();
    let target = stage.made(stage.builder().express(true));
    let cx = stage.context("demo/1/deploy/production");
    let runtime = landfall_core::runtime::Local::new(cx.clone());
    let report = landfall_core::target::run_step(&runtime, &target, &cx, &Policy::default()).await;
    let (plan, receipt) = (report.plan.unwrap(), report.receipt);
    let undone =
        landfall_core::target::undo_step(&runtime, &target, &cx, &Policy::default(), &plan, receipt.as_ref())
            .await;
    assert_eq!(undone, Undone::Reverted);
    assert_eq!(stage.stack().template, earlier(TEMPLATE));
    assert_eq!(
        stage.notes().iter().filter(|code| *code == NOT_STABLE).count(),
        2,
        "the undo is not waited for either"
    );
}

#[tokio::test(start_paused = true)]
async fn a_new_stack_that_failed_and_was_kept_is_undone_by_deleting_it() {
    let stage = Stage::new();
    stage.aws().behave(StackRule::failing("Alarm", "create", "Invalid metric"));
    let report = deployed(&stage, OnStackFailure::Keep, &Policy::default()).await;
    assert_eq!((report.exit_code(), &report.undone), (3, &Undone::Reverted), "{}", told(&report));
    assert!(stage.aws().stack(NAME).is_none());
}

#[tokio::test(start_paused = true)]
async fn replacements_are_refused_before_anything_is_changed_while_rollback_is_off() {
    for (express, choice, possible) in [
        (true, OnStackFailure::Keep, false),
        (false, OnStackFailure::Keep, false),
        (true, OnStackFailure::Rollback, true),
    ] {
        let scenario = Scenario::named("stack-replaces").unwrap();
        let stage = Stage::with(Simulator::builder().scenario(scenario).build());
        let builder = stage.builder().express(express).on_stack_failure(choice).allow_replacement(true);
        let report = stage.run(&stage.made(builder), &Policy::default()).await;
        assert_eq!(report.is_success(), possible, "{express} {choice:?} {}", told(&report));
        if possible {
            continue;
        }
        let Outcome::Refused { error } = &report.verdict.outcome else { panic!("{}", told(&report)) };
        assert_eq!(error.causes()[0].code, "replacement-without-rollback");
        let text = error.report();
        assert!(
            text.contains("Queue (AWS::SQS::Queue)") && text.contains("on-stack-failure=rollback"),
            "{text}"
        );
        assert_eq!(stage.writes(), ["CreateChangeSet", "DeleteChangeSet"]);
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_failed_express_operation_only_another_one_goes_on() {
    for status in ["UPDATE_FAILED", "CREATE_FAILED"] {
        let seed = json!({ "template": earlier(TEMPLATE), "status": status, "express": true });
        let stage = Stage::seeded(seed);
        let usual = stage.made(stage.builder().on_stack_failure(OnStackFailure::Keep));
        let report = stage.run(&usual, &keep()).await;
        let Outcome::Refused { error } = &report.verdict.outcome else { panic!("{}", told(&report)) };
        let text = error.report();
        assert!(text.contains("cannot be rolled back") && text.contains("deploy with express"), "{text}");
        assert!(!text.contains("rollback-stack"), "{text}");
        assert!(stage.writes().is_empty());
        let report = deployed(&stage, OnStackFailure::Keep, &keep()).await;
        assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{status} {}", told(&report));
    }
}

#[tokio::test(start_paused = true)]
async fn settings_alone_are_made_without_the_mode_and_a_failed_stack_is_not_deleted_in_it() {
    let stage = Stage::seeded(json!({ "template": TEMPLATE }));
    let target = stage.made(stage.builder().express(true).termination_protection(true));
    let plan = target.plan(&stage.context("demo/1/plan")).await.unwrap();
    assert_eq!(plan.changes[0].details, ["termination protection: false -> true"]);
    let report = stage.run(&stage.made(stage.builder().express(true)), &Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Unchanged, "the mode is no change: {}", told(&report));
    let error = stage.builder().express(true).on_stack_failure(OnStackFailure::Delete).build().unwrap_err();
    assert!(error.report().contains("on-stack-failure=rollback or keep"), "{}", error.report());
}
