//! What is put back, what cannot be, and what is somebody else's.

use std::time::Duration;

use landfall_core::context::CancellationToken;
use landfall_core::event::{Event, EventKind};
use landfall_core::runtime::Local;
use landfall_core::target::{Undo, run_step, undo_step};
use landfall_core::{Context, DeployTarget, End, Outcome, Place, Policy, Undone};
use landfall_ec2_cfn::stack::{OnStackFailure, Stack, TemplateSource};
use landfall_simulator::{DEMO_ACCOUNT, DEMO_REGION, Fault, FaultKind, StackRule};
use serde_json::json;

use crate::stage::{NAME, Stage, TEMPLATE, codes, earlier, keep, told};

/// A success that a later step's failure takes back.
async fn taken_back(stage: &Stage, target: &landfall_ec2_cfn::stack::Stack) -> Undone {
    let cx = stage.context("demo/1/deploy/production");
    let runtime = Local::new(cx.clone());
    let report = run_step(&runtime, target, &cx, &Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    undo_step(&runtime, target, &cx, &Policy::default(), &report.plan.unwrap(), report.receipt.as_ref()).await
}

#[tokio::test(start_paused = true)]
async fn an_update_is_taken_back_by_the_previous_template_and_values() {
    let stage = Stage::updating();
    let target = stage.made(stage.builder().parameter("Stage", "production").tag("team", "web"));
    assert_eq!(taken_back(&stage, &target).await, Undone::Reverted);
    let stack = stage.stack();
    assert_eq!((stack.status.as_str(), stack.template), ("UPDATE_COMPLETE", earlier(TEMPLATE)));
    assert_eq!(stack.parameters.get("Stage").map(String::as_str), Some("test"));
    assert!(!stack.resources.contains_key("Alarm"), "{:?}", stack.resources);
}

#[tokio::test(start_paused = true)]
async fn a_new_stack_is_taken_back_by_deleting_it() {
    let stage = Stage::new();
    assert_eq!(taken_back(&stage, &stage.target()).await, Undone::Reverted);
    assert!(stage.aws().stack(NAME).is_none());
}

/// A process is killed in the middle of its undo, and its records are lost with it; then the same job runs again, and once
/// more.
async fn again_after_half_an_undo(stage: &Stage) {
    let (cx, target) = (stage.context("demo/1/deploy/production"), stage.target());
    let runtime = Local::new(cx.clone());
    let report = run_step(&runtime, &target, &cx, &Policy::default()).await;
    let (policy, plan) = (Policy::default(), report.plan.unwrap());
    let begun = async {
        while !stage.stack().status.ends_with("_IN_PROGRESS") {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::select! {
        undone = undo_step(&runtime, &target, &cx, &policy, &plan, report.receipt.as_ref()) => panic!("{undone:?}"),
        () = begun => {}
    }
    let before = stage.writes();
    let report = stage.run(&target, &policy).await;
    assert!(matches!(report.verdict.outcome, Outcome::Ended(End::RolledBack { .. })), "{}", told(&report));
    assert_eq!((report.exit_code(), codes(&report)), (3, vec!["taken-back"]), "{}", told(&report));
    assert_eq!(stage.writes(), before, "the undo is waited for, and nothing else");
}

#[tokio::test(start_paused = true)]
async fn an_own_undo_whose_records_are_lost_is_found_again_and_told_as_what_it_is() {
    let stage = Stage::updating();
    again_after_half_an_undo(&stage).await;
    assert_eq!(
        (stage.stack().status.as_str(), stage.stack().template),
        ("UPDATE_COMPLETE", earlier(TEMPLATE))
    );
    let (writes, again) = (stage.writes(), stage.deploy().await);
    assert_eq!((again.exit_code(), codes(&again)), (3, vec!["taken-back"]), "{}", told(&again));
    assert_eq!(stage.writes(), writes, "the same run id, later");
    let stage = Stage::new();
    again_after_half_an_undo(&stage).await;
    assert!(stage.aws().stack(NAME).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_value_that_is_not_shown_and_was_given_anew_cannot_be_taken_back_and_that_is_said() {
    let stage = Stage::updating();
    let target = stage.made(stage.builder().parameter("Token", "another-secret"));
    let Undone::Impossible { reason } = taken_back(&stage, &target).await else { panic!("it was undone") };
    assert!(reason.contains("Token") && reason.contains("NoEcho"), "{reason}");
    assert!(!reason.contains("another-secret"));
    assert_eq!(stage.stack().template, TEMPLATE, "it stands");
}

#[tokio::test(start_paused = true)]
async fn a_value_that_is_not_shown_and_was_kept_stays_through_the_undo() {
    let stage =
        Stage::seeded(json!({ "template": earlier(TEMPLATE), "parameters": { "Token": "first-secret" } }));
    assert_eq!(taken_back(&stage, &stage.target()).await, Undone::Reverted);
    assert_eq!(stage.stack().parameters.get("Token").map(String::as_str), Some("first-secret"));
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_has_deployed_since_is_left_alone() {
    let stage = Stage::updating();
    let (cx, target) = (stage.context("demo/1/deploy/production"), stage.target());
    let runtime = Local::new(cx.clone());
    let report = run_step(&runtime, &target, &cx, &Policy::default()).await;
    assert!(stage.aws().update_as_other(NAME, &TEMPLATE.replace("600", "900")));
    tokio::time::sleep(Duration::from_secs(60)).await;
    let writes = stage.writes();
    let undone =
        undo_step(&runtime, &target, &cx, &Policy::default(), &report.plan.unwrap(), report.receipt.as_ref())
            .await;
    let Undone::Failed { verdict } = undone else { panic!("{undone:?}") };
    let Outcome::Refused { error } = verdict.outcome else { panic!("{verdict:?}") };
    assert!(error.report().contains("somebody else has changed stack web"), "{}", error.report());
    assert_eq!(stage.writes(), writes);
}

#[tokio::test(start_paused = true)]
async fn an_update_that_takes_too_long_is_cancelled_and_rolled_back() {
    let stage = Stage::updating();
    stage.aws().behave(StackRule {
        resource: "Alarm".to_owned(),
        operation: "create".to_owned(),
        takes_ms: Some(3_600_000),
        ..StackRule::default()
    });
    let policy = Policy::default().timeout(Duration::from_secs(60));
    let report = stage.run(&stage.target(), &policy).await;
    assert_eq!((report.exit_code(), &report.undone), (6, &Undone::Reverted), "{}", told(&report));
    let writes = stage.writes();
    assert_eq!(writes, ["CreateChangeSet", "ExecuteChangeSet", "CancelUpdateStack"]);
    assert_eq!(
        (stage.stack().status.as_str(), stage.stack().template),
        ("UPDATE_ROLLBACK_COMPLETE", earlier(TEMPLATE))
    );
}

#[tokio::test(start_paused = true)]
async fn an_update_that_failed_and_was_kept_is_rolled_back_by_the_undo() {
    let stage = Stage::updating();
    stage.aws().behave(StackRule::failing("Alarm", "create", "Invalid metric"));
    let target = stage.made(stage.builder().on_stack_failure(OnStackFailure::Keep));
    let report = stage.run(&target, &Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Ended(End::Failed), "{}", told(&report));
    assert_eq!(report.undone, Undone::Reverted, "{}", told(&report));
    assert!(stage.writes().contains(&"RollbackStack".to_owned()), "{:?}", stage.writes());
    assert_eq!(stage.stack().status, "UPDATE_ROLLBACK_COMPLETE");
}

#[tokio::test(start_paused = true)]
async fn what_a_kept_failure_has_made_is_deleted_by_its_rollback_although_retained_when_asked() {
    let retained = format!(
        "{}\n",
        TEMPLATE.replace("Outputs:", "  Extra: {Type: AWS::SNS::Topic, DeletionPolicy: Retain}\n\nOutputs:")
    );
    for (choice, gone) in [(false, "DELETE_SKIPPED"), (true, "DELETE_COMPLETE")] {
        let stage = Stage::updating();
        stage
            .aws()
            .behave(StackRule { takes_ms: Some(9_000), ..StackRule::failing("Alarm", "create", "no") });
        let builder = stage.builder().template(TemplateSource::text("queue.yaml", retained.clone()));
        let builder = builder.on_stack_failure(OnStackFailure::Keep).retain_except_on_create(choice);
        let report = stage.run(&stage.made(builder), &Policy::default()).await;
        assert_eq!(report.undone, Undone::Reverted, "{}", told(&report));
        let events = stage.aws().events(NAME);
        assert!(
            events.iter().any(|event| event.logical == "Extra" && event.status == gone),
            "{choice}: {events:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_kept_failure_is_gone_on_from_by_a_better_template() {
    let stage = Stage::updating();
    stage.aws().behave(StackRule { times: 1, ..StackRule::failing("Alarm", "create", "Invalid metric") });
    let target = stage.made(stage.builder().on_stack_failure(OnStackFailure::Keep));
    let report = stage.run(&target, &keep()).await;
    assert_eq!(stage.stack().status, "UPDATE_FAILED", "{}", told(&report));
    let cx = stage.context("demo/2/deploy/production");
    let report = run_step(&Local::new(cx.clone()), &target, &cx, &keep()).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert!(stage.stack().resources.contains_key("Alarm"));
}

#[tokio::test(start_paused = true)]
async fn a_stop_leaves_the_update_alone_or_cancels_it_as_asked() {
    for (on_cancel, status) in [(Undo::Keep, "UPDATE_COMPLETE"), (Undo::Revert, "UPDATE_ROLLBACK_COMPLETE")] {
        let stage = Stage::updating();
        stage.aws().behave(StackRule {
            operation: "create".to_owned(),
            takes_ms: Some(20_000),
            ..StackRule::default()
        });
        let token = CancellationToken::new();
        let stop = token.clone();
        let observer = move |event: &Event| {
            if matches!(&event.kind, EventKind::Applied { part: 1, .. }) {
                stop.cancel();
            }
        };
        let cx = Context::builder("demo/1/deploy/production")
            .cancel(token)
            .observer(std::sync::Arc::new(observer))
            .build();
        let report =
            run_step(&Local::new(cx.clone()), &stage.target(), &cx, &Policy::default().on_cancel(on_cancel))
                .await;
        assert_eq!(report.exit_code(), 130, "{}", told(&report));
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(stage.stack().status, status);
    }
}

#[tokio::test(start_paused = true)]
async fn an_order_to_cancel_that_comes_too_late_is_followed_by_the_previous_template() {
    let stage = Stage::updating();
    let too_late = FaultKind::Error {
        code: "ValidationError".to_owned(),
        message: "CancelUpdateStack cannot be called from current stack status: UPDATE_COMPLETE".to_owned(),
        status: 400,
    };
    stage.simulator.add_fault(Fault::new("cloudformation", "CancelUpdateStack", too_late));
    stage.aws().behave(StackRule {
        operation: "create".to_owned(),
        takes_ms: Some(70_000),
        ..StackRule::default()
    });
    let report = stage.run(&stage.target(), &Policy::default().timeout(Duration::from_secs(60))).await;
    assert_eq!(report.undone, Undone::Reverted, "{}", told(&report));
    assert_eq!(
        (stage.stack().status.as_str(), stage.stack().template),
        ("UPDATE_COMPLETE", earlier(TEMPLATE))
    );
}

#[tokio::test(start_paused = true)]
async fn a_process_that_has_only_the_records_takes_an_update_and_its_settings_back() {
    let stage = Stage::updating();
    let target = stage.made(stage.builder().parameter("Stage", "production").termination_protection(true));
    let cx = stage.context("demo/1/deploy/production");
    let runtime = Local::new(cx.clone());
    let report = run_step(&runtime, &target, &cx, &Policy::default()).await;
    assert!(stage.stack().protected, "{}", told(&report));
    let place = Place::new("aws", DEMO_ACCOUNT, DEMO_REGION);
    let spec = Stack::builder().name(NAME).build_for_undo().unwrap();
    let recorded = spec.target(&stage.simulator.sdk_config(), place).unwrap();
    let error = recorded.plan(&cx).await.unwrap_err();
    assert!(error.message().contains("can undo what was recorded, and not deploy"), "{error}");
    let (plan, receipt) = (report.plan.unwrap(), report.receipt);
    assert!(recorded.apply(&cx, &plan, None).await.is_err(), "it has nothing to deploy");
    let undone = undo_step(&runtime, &recorded, &cx, &Policy::default(), &plan, receipt.as_ref()).await;
    assert_eq!(undone, Undone::Reverted);
    let stack = stage.stack();
    assert_eq!((stack.status.as_str(), stack.template), ("UPDATE_COMPLETE", earlier(TEMPLATE)));
    assert_eq!(stack.parameters.get("Stage").map(String::as_str), Some("test"));
    assert!(!stack.protected);
}
