//! Undoing by itself, as a pipeline does it for steps that succeeded.

use std::time::Duration;

use landfall_core::runtime::Local;
use landfall_core::target::{run_step, undo_step};
use landfall_core::{ErrorKind, Outcome, Policy, StepReport, Token, Undone};
use landfall_ecs::EcsService;
use landfall_simulator::{
    Behaviour, BehaviourRule, DEMO_ACCOUNT, Denial, Fault, FaultKind, Simulator, World,
};

use crate::stage::{Stage, keep, told};

async fn undone(stage: &Stage, report: &StepReport) -> Undone {
    undone_by(&stage.target(), stage, report).await
}

async fn undone_by(target: &EcsService, stage: &Stage, report: &StepReport) -> Undone {
    let cx = stage.context("demo/1/deploy/production");
    let plan = report.plan.as_ref().unwrap();
    undo_step(&Local::new(cx.clone()), target, &cx, &keep(), plan, report.receipt.as_ref()).await
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_succeeded_is_undone_by_one_more_update() {
    let stage = Stage::of("good");
    let report = stage.deploy().await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert_eq!(undone(&stage, &report).await, Undone::Reverted);
    assert_eq!((stage.live().as_str(), stage.calls("UpdateService"), stage.revisions()), ("web:2", 2, 3));
}

#[tokio::test(start_paused = true)]
async fn what_was_undone_is_looked_at_and_not_undone_again() {
    let stage = Stage::of("good");
    let report = stage.deploy().await;
    undone(&stage, &report).await;
    stage.simulator.reset_calls();
    assert_eq!(undone(&stage, &report).await, Undone::Reverted);
    assert!(stage.writes().is_empty(), "{:?}", stage.writes());
}

#[tokio::test(start_paused = true)]
async fn without_a_receipt_the_deployment_is_found_by_its_tag() {
    let stage = Stage::of("good");
    let mut report = stage.deploy().await;
    report.receipt = None;
    assert_eq!(undone(&stage, &report).await, Undone::Reverted);
    assert_eq!(stage.live(), "web:2");
}

#[tokio::test(start_paused = true)]
async fn by_the_names_of_cluster_and_service_alone_a_deployment_is_undone_with_and_without_its_receipt() {
    for with_receipt in [true, false] {
        let stage = Stage::of("good");
        let mut report = stage.deploy().await;
        report.receipt = report.receipt.filter(|_| with_receipt);
        let nameless = stage.made(stage.builder());
        assert_eq!(undone_by(&nameless, &stage, &report).await, Undone::Reverted, "receipt: {with_receipt}");
        assert_eq!(stage.live(), "web:2");
    }
}

#[tokio::test(start_paused = true)]
async fn without_receipt_and_tag_what_was_asked_for_must_be_known_to_undo_it() {
    let stage = Stage::of("good");
    let mut report = stage.deploy().await;
    report.receipt = None;
    report.plan = report.plan.map(|plan| plan.stamped(Token::new("another/deploy/1")));
    stage.simulator.reset_calls();
    let Undone::Failed { verdict } = undone_by(&stage.made(stage.builder()), &stage, &report).await else {
        panic!("undone")
    };
    let Outcome::Refused { error } = verdict.outcome else { panic!("{verdict:?}") };
    assert!(error.message().contains("no revision carries its tag"), "{error}");
    assert!(stage.writes().is_empty() && stage.live() == "web:3");
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_later_deployment_stays() {
    let stage = Stage::of("good");
    let report = stage.deploy().await;
    assert!(stage.ecs().update_service_as_other("demo", "web", "web:1"));
    stage.simulator.reset_calls();
    let Undone::Failed { verdict } = undone(&stage, &report).await else { panic!("undone") };
    let Outcome::Refused { error } = verdict.outcome else { panic!("{verdict:?}") };
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert!(stage.writes().is_empty() && stage.live() == "web:1");
}

#[tokio::test(start_paused = true)]
async fn a_redeployment_of_the_same_revision_has_nothing_to_go_back_to() {
    let stage = Stage::of("good");
    let target = stage.made(stage.builder().force_new_deployment(true));
    let report = stage.run(&target, &keep()).await;
    let cx = stage.context("demo/1/deploy/production");
    let plan = report.plan.as_ref().unwrap();
    let undone =
        undo_step(&Local::new(cx.clone()), &target, &cx, &keep(), plan, report.receipt.as_ref()).await;
    assert!(matches!(&undone, Undone::Impossible { reason } if reason.contains("web:2")), "{undone:?}");
}

#[tokio::test(start_paused = true)]
async fn an_undo_passes_over_what_had_failed_before_to_what_had_succeeded() {
    let stage = Stage::of("breaker-no-rollback");
    stage.run(&stage.target(), &keep()).await;
    assert_eq!(stage.live(), "web:3", "a failed deployment is what the next one finds");
    let cx = stage.context("demo/2/deploy/production");
    let image = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/demo/web:1.3";
    let next = stage.made(stage.builder().image("web", image));
    let report = run_step(&Local::new(cx.clone()), &next, &cx, &Policy::default()).await;
    assert_eq!((report.exit_code(), &report.undone), (3, &Undone::Reverted), "{}", told(&report));
    assert_eq!(stage.live(), "web:2");
}

#[tokio::test(start_paused = true)]
async fn a_rollback_by_aws_is_not_asked_for_where_it_would_lead_elsewhere() {
    let stage = Stage::of("never-settles");
    let elsewhere = r#"{"serviceRevisions": [
        {"taskDefinition": "arn:aws:ecs:eu-central-1:111122223333:task-definition/web:1"}
    ]}"#;
    let kind = FaultKind::Http {
        status: 200,
        body: elsewhere.to_owned(),
        content_type: "application/x-amz-json-1.1".to_owned(),
    };
    stage.simulator.add_fault(Fault::new("ecs", "DescribeServiceRevisions", kind));
    let report = stage.run(&stage.target(), &Policy::default().timeout(Duration::from_secs(60))).await;
    assert_eq!((&report.undone, stage.live()), (&Undone::Reverted, "web:2".to_owned()), "{}", told(&report));
    assert_eq!((stage.calls("StopServiceDeployment"), stage.calls("UpdateService")), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn a_redeployment_that_may_not_be_stopped_is_not_said_to_be_undone() {
    let mut world = World::demo();
    world.account(DEMO_ACCOUNT).denied.push(Denial::of("ecs:StopServiceDeployment"));
    let stage = Stage::with(Simulator::builder().world(world).build());
    let slow = Behaviour { start_ms: 90_000, ..Behaviour::default() };
    stage.ecs().behave(BehaviourRule::everything(slow));
    let target = stage.made(stage.builder().force_new_deployment(true));
    let report = stage.run(&target, &Policy::default().timeout(Duration::from_secs(30))).await;
    let Undone::Failed { verdict } = &report.undone else { panic!("{}", told(&report)) };
    let Outcome::Refused { error } = &verdict.outcome else { panic!("{verdict:?}") };
    assert!(error.message().contains("could not be stopped"), "{error}");
    assert_eq!((report.exit_code(), stage.calls("UpdateService")), (4, 1), "{}", told(&report));
}
