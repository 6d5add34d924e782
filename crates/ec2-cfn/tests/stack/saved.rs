//! A plan that somebody looks at, and a later process that carries out exactly that.

use std::time::Duration;

use landfall_core::runtime::Local;
use landfall_core::target::{run_step, undo_step};
use landfall_core::{DeployTarget, ErrorKind, Outcome, Place, Policy, StepReport, Token, Undone};
use landfall_ec2_cfn::stack::{ChangeSetPlan, IfBusy, SavedPlan, StackBuilder, TemplateSource};
use landfall_simulator::{
    CallNumbers, ChangeSetRule, DEMO_ACCOUNT, Fault, FaultKind, Phase, Scenario, Simulator,
};
use serde_json::json;

use crate::stage::{NAME, Stage, TEMPLATE, codes, earlier, told};

const FILE: &str = "plan.json";

async fn looked_at(stage: &Stage, builder: StackBuilder) -> ChangeSetPlan {
    stage.made(builder).save_plan(&stage.context("demo/1/plan")).await.unwrap()
}

/// As another job reads it.
fn read(planned: &ChangeSetPlan) -> SavedPlan {
    SavedPlan::parse(FILE, &planned.saved.as_ref().unwrap().to_json().unwrap()).unwrap()
}

async fn saved(stage: &Stage, builder: StackBuilder) -> SavedPlan {
    read(&looked_at(stage, builder).await)
}

/// Carries a plan out, in a process of its own.
async fn carried_out(stage: &Stage, builder: StackBuilder, plan: &SavedPlan) -> StepReport {
    stage.run(&stage.made(builder.saved_plan(plan.clone())), &Policy::default()).await
}

fn refusal(report: &StepReport) -> String {
    match &report.verdict.outcome {
        Outcome::Refused { error } => error.report(),
        _ => panic!("{}", told(report)),
    }
}

#[tokio::test(start_paused = true)]
async fn a_saved_plan_changes_nothing_until_exactly_its_change_set_is_executed_once() {
    let stage = Stage::updating();
    let planned = looked_at(&stage, stage.builder()).await;
    let lines: Vec<String> = planned.plan.changes.iter().flat_map(|change| change.details.clone()).collect();
    assert!(lines.iter().any(|line| line.contains("MessageRetentionPeriod 345600 -> 1209600")), "{lines:?}");
    let plan = read(&planned);
    let name = plan.change_set().unwrap().to_owned();
    assert_eq!(stage.stack().change_sets, [name.as_str()]);
    assert_eq!(stage.writes(), ["CreateChangeSet"]);
    assert_eq!(stage.stack().template, earlier(TEMPLATE));
    let report = carried_out(&stage, stage.builder(), &plan).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert_eq!(stage.writes(), ["CreateChangeSet", "ExecuteChangeSet"]);
    assert_eq!(stage.stack().template, TEMPLATE);
    let told = report.plan.unwrap();
    let first = &told.changes[0];
    assert!(first.subject == "stack web" && first.details[0].contains(&name), "{first:?}");
    let again = carried_out(&stage, stage.builder(), &plan).await;
    assert_eq!(again.verdict.outcome, Outcome::Unchanged, "{again:?}");
    assert_eq!(stage.writes().len(), 2);
    for note in ["plan-writes", "saved-plan", "already-executed"] {
        assert!(stage.notes().contains(&note.to_owned()), "{note}: {:?}", stage.notes());
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_stack_is_created_by_the_plan_that_was_saved_and_taken_back_by_deleting_it() {
    let stage = Stage::new();
    let plan = saved(&stage, stage.builder()).await;
    assert_eq!(stage.stack().status, "REVIEW_IN_PROGRESS");
    let target = stage.made(stage.builder().saved_plan(plan));
    let (cx, policy) = (stage.context("demo/1/deploy/production"), Policy::default());
    let runtime = Local::new(cx.clone());
    let report = run_step(&runtime, &target, &cx, &policy).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert_eq!(stage.writes(), ["CreateChangeSet", "ExecuteChangeSet"]);
    assert_eq!(stage.stack().status, "CREATE_COMPLETE");
    let plan = report.plan.unwrap();
    let undone = undo_step(&runtime, &target, &cx, &policy, &plan, report.receipt.as_ref()).await;
    assert_eq!(undone, Undone::Reverted);
    assert!(stage.aws().stack(NAME).is_none());
}

#[tokio::test(start_paused = true)]
async fn an_update_by_a_saved_plan_is_taken_back_by_the_previous_template_and_values() {
    let stage = Stage::updating();
    let builder = stage.builder().parameter("Stage", "production").tag("team", "web");
    let plan = saved(&stage, builder.clone()).await;
    let target = stage.made(builder.saved_plan(plan));
    let (cx, policy) = (stage.context("demo/1/deploy/production"), Policy::default());
    let runtime = Local::new(cx.clone());
    let report = run_step(&runtime, &target, &cx, &policy).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    let plan = report.plan.unwrap();
    let undone = undo_step(&runtime, &target, &cx, &policy, &plan, report.receipt.as_ref()).await;
    assert_eq!(undone, Undone::Reverted);
    let stack = stage.stack();
    assert_eq!((stack.template, stack.parameters["Stage"].as_str()), (earlier(TEMPLATE), "test"));
}

#[tokio::test(start_paused = true)]
async fn what_would_be_lost_is_refused_when_the_plan_is_carried_out_and_the_change_set_stays() {
    let stage =
        Stage::with(Simulator::builder().scenario(Scenario::named("stack-replaces").unwrap()).build());
    let refused = looked_at(&stage, stage.builder()).await;
    assert!(refused.refusal.is_some() && refused.saved.is_none(), "{refused:?}");
    assert!(stage.stack().change_sets.is_empty(), "what nobody may execute is not kept");
    let plan = saved(&stage, stage.builder().allow_replacement(true)).await;
    let report = carried_out(&stage, stage.builder(), &plan).await;
    let text = refusal(&report);
    assert!(text.contains("would replace resources") && text.contains("allow-replacement"), "{text}");
    assert_eq!(stage.stack().change_sets, [plan.change_set().unwrap()]);
    assert_eq!(report.undone, Undone::NothingToDo);
    let report = carried_out(&stage, stage.builder().allow_replacement(true), &plan).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert_eq!(stage.calls("ExecuteChangeSet"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_plan_with_nothing_to_do_and_one_of_settings_alone_are_carried_out_too() {
    let same = json!({ "template": TEMPLATE, "parameters": { "Stage": "production" } });
    let stage = Stage::seeded(same.clone());
    let plan = saved(&stage, stage.builder()).await;
    assert_eq!(plan.change_set(), None);
    let report = carried_out(&stage, stage.builder(), &plan).await;
    assert_eq!(
        (&report.verdict.outcome, stage.writes().len()),
        (&Outcome::Unchanged, 0),
        "{}",
        told(&report)
    );
    assert!(stage.aws().update_as_other(NAME, &earlier(TEMPLATE)));
    tokio::time::sleep(Duration::from_secs(60)).await;
    let text = refusal(&carried_out(&stage, stage.builder(), &plan).await);
    assert!(text.contains("the stack was updated since"), "nobody has looked at that change: {text}");
    let stage = Stage::seeded(same);
    let protecting = stage.builder().termination_protection(true);
    let planned = looked_at(&stage, protecting.clone()).await;
    assert!(planned.plan.changes[0].details[0].contains("termination protection"), "{planned:?}");
    let report = carried_out(&stage, protecting, &read(&planned)).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert_eq!(stage.writes(), ["CreateChangeSet", "DeleteChangeSet", "UpdateTerminationProtection"]);
    assert!(stage.stack().protected);
}

#[tokio::test(start_paused = true)]
async fn another_specification_or_place_is_refused_without_a_call_with_file_and_field() {
    let stage = Stage::updating();
    let secret = "correct-horse-battery";
    let builder = || stage.builder().parameter("Token", secret).parameter("Stage", "test");
    let plan = saved(&stage, builder()).await;
    assert!(!plan.to_json().unwrap().contains(secret));
    stage.simulator.reset_calls();
    let template = TemplateSource::text("queue.yaml", TEMPLATE.replace("600", "900"));
    for (other, says) in [
        (builder().template(template), "template was sha256 "),
        (builder().parameter("Stage", "production"), "parameter Stage was sha256 "),
        (builder().parameter("Token", "staple-horse"), "parameters that are not to be shown was sha256 "),
        (builder().tag("team", "web"), "tags was not given when plan.json was saved"),
        (builder().express(true), "express was not given when plan.json was saved, and is `true` now"),
        (builder().name("shop"), "plan.json is a plan for stack web, and stack shop is asked for"),
    ] {
        let error = other.saved_plan(plan.clone()).build().unwrap_err();
        let text = error.report();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(text.contains(says) && text.contains(FILE), "{says:?} is not in\n{text}");
        assert!(!text.contains(secret) && !text.contains("staple-horse"), "{text}");
    }
    let spec = builder().saved_plan(plan).build().unwrap();
    let place = Place::new("aws", "444455556666", "eu-central-1");
    let text = spec.target(&stage.simulator.sdk_config(), place).unwrap_err().report();
    assert!(text.contains(&format!("plan.json is a plan for {DEMO_ACCOUNT} eu-central-1")), "{text}");
    assert!(stage.simulator.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_stack_or_change_set_that_is_not_as_it_was_is_refused_and_nothing_is_changed() {
    type Meanwhile = fn(&Stage) -> u64;
    let cases: [(Meanwhile, &str); 4] = [
        (
            |stage| {
                stage.aws().update_as_other(NAME, &TEMPLATE.replace("600", "900"));
                60
            },
            "the stack was updated since at ",
        ),
        (
            |stage| {
                stage.aws().update_as_other(NAME, &TEMPLATE.replace("600", "900"));
                1
            },
            "another operation of the stack is under way: it is UPDATE_IN_PROGRESS",
        ),
        (
            |stage| {
                stage.aws().delete_change_sets_as_other(NAME);
                1
            },
            "is gone: somebody has deleted it",
        ),
        (
            |stage| {
                stage.aws().delete_as_other(NAME);
                60
            },
            "stack web is gone",
        ),
    ];
    for (meanwhile, says) in cases {
        let stage = Stage::updating();
        let plan = saved(&stage, stage.builder()).await;
        let seconds = meanwhile(&stage);
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let report = carried_out(&stage, stage.builder(), &plan).await;
        let text = refusal(&report);
        assert!(text.starts_with("plan.json cannot be carried out: "), "{text}");
        assert!(text.contains(says) && text.contains("save a new plan"), "{says:?} is not in\n{text}");
        assert_eq!((report.exit_code(), stage.writes().len()), (1, 1), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_between_the_look_and_the_execution_is_refused_too() {
    let stage = Stage::updating();
    let plan = saved(&stage, stage.builder()).await;
    let target = stage.made(stage.builder().saved_plan(plan));
    let cx = stage.context("demo/1/deploy/production");
    let plan = target.plan(&cx).await.unwrap().stamped(Token::new(cx.id()));
    let receipt = target.apply(&cx, &plan, None).await.unwrap();
    assert!(stage.aws().update_as_other(NAME, &TEMPLATE.replace("600", "900")));
    tokio::time::sleep(Duration::from_secs(60)).await;
    let text = target.apply(&cx, &plan, Some(&receipt)).await.unwrap_err().report();
    assert!(text.contains("is OBSOLETE: the stack was updated since"), "{text}");
    // Nor is another change set made where the one that was kept is gone.
    let gone = Stage::updating();
    let plan = saved(&gone, gone.builder()).await;
    let target = gone.made(gone.builder().saved_plan(plan));
    let cx = gone.context("demo/1/deploy/production");
    let plan = target.plan(&cx).await.unwrap().stamped(Token::new(cx.id()));
    gone.aws().delete_change_sets_as_other(NAME);
    let text = target.apply(&cx, &plan, None).await.unwrap_err().report();
    assert!(text.contains("is gone") && text.contains("save a new plan"), "{text}");
    assert_eq!(gone.calls("CreateChangeSet"), 1);
    // And when AWS is the first to know.
    let raced = Stage::updating();
    let plan = saved(&raced, raced.builder()).await;
    raced.simulator.add_fault(Fault::new(
        "cloudformation",
        "ExecuteChangeSet",
        FaultKind::Error {
            code: "InvalidChangeSetStatus".to_owned(),
            message: "ChangeSet cannot be executed in its current execution status of [OBSOLETE]".to_owned(),
            status: 400,
        },
    ));
    let text = refusal(&carried_out(&raced, raced.builder(), &plan).await);
    assert!(text.contains("[OBSOLETE]") && text.contains("save a new plan"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_file_that_names_another_change_set_than_that_of_its_template_is_refused() {
    let stage = Stage::updating();
    let other = TemplateSource::text("queue.yaml", TEMPLATE.replace("600", "900"));
    let theirs = saved(&stage, stage.builder().template(other)).await.change_set().unwrap().to_owned();
    let ours = looked_at(&stage, stage.builder()).await;
    let arn = format!("changeSet/{}", read(&ours).change_set().unwrap());
    let text = ours.saved.unwrap().to_json().unwrap();
    let arns = stage.change_set_arns().await;
    let swapped = |name: &str| arns.iter().find(|one| one.contains(name)).unwrap().clone();
    let forged = text.replace(&swapped(&arn), &swapped(&theirs));
    assert_ne!(forged, text);
    let forged = SavedPlan::parse(FILE, &forged).unwrap();
    let text = refusal(&carried_out(&stage, stage.builder(), &forged).await);
    assert!(text.contains("holds another template than the one that is given"), "{text}");
    assert_eq!(stage.calls("ExecuteChangeSet"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_or_process_executes_nothing_twice() {
    for phase in [Phase::Before, Phase::After] {
        let stage = Stage::updating();
        let plan = saved(&stage, stage.builder()).await;
        let lost = Fault::new("cloudformation", "ExecuteChangeSet", FaultKind::Reset);
        stage.simulator.add_fault(lost.on(CallNumbers::Nth(1)).phase(phase));
        let report = carried_out(&stage, stage.builder(), &plan).await;
        assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{phase:?} {}", told(&report));
    }
    let stage = Stage::updating();
    let plan = saved(&stage, stage.builder()).await;
    let target = stage.made(stage.builder().saved_plan(plan.clone()));
    let cx = stage.context("demo/1/deploy/production");
    let first = target.plan(&cx).await.unwrap().stamped(Token::new(cx.id()));
    let receipt = target.apply(&cx, &first, None).await.unwrap();
    target.apply(&cx, &first, Some(&receipt)).await.unwrap();
    // The process is gone, and its records with it.
    let report = carried_out(&stage, stage.builder(), &plan).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert_eq!(stage.writes(), ["CreateChangeSet", "ExecuteChangeSet"]);
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_failed_once_it_was_carried_out_is_not_carried_out_again() {
    let stage = Stage::updating();
    let plan = saved(&stage, stage.builder()).await;
    stage.aws().behave(landfall_simulator::StackRule::failing("Alarm", "create", "Invalid metric"));
    let report = carried_out(&stage, stage.builder(), &plan).await;
    assert_eq!((report.exit_code(), codes(&report)), (3, vec!["resource-failed"]), "{}", told(&report));
    let text = refusal(&carried_out(&stage, stage.builder(), &plan).await);
    assert!(text.contains("was executed, and the stack is UPDATE_ROLLBACK_COMPLETE since"), "{text}");
    assert_eq!(stage.calls("ExecuteChangeSet"), 1);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_kept_leaves_nothing_behind() {
    let stage = Stage::new();
    stage.aws().change_sets_behave(ChangeSetRule {
        fails: Some("Template error".to_owned()),
        ..ChangeSetRule::default()
    });
    let cx = stage.context("demo/1/plan");
    let error = stage.target().save_plan(&cx).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected, "{}", error.report());
    assert!(stage.aws().stack(NAME).is_none(), "{:?}", stage.writes());
    let busy = Stage::with(Simulator::builder().scenario(Scenario::named("stack-busy").unwrap()).build());
    let waiting = busy.made(busy.builder().if_busy(IfBusy::Wait));
    let text = waiting.save_plan(&busy.context("demo/1/plan")).await.unwrap_err().report();
    assert!(text.contains("a plan for stack web cannot be saved: it is UPDATE_IN_PROGRESS"), "{text}");
    assert!(busy.writes().is_empty());
}
