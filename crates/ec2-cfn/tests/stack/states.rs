//! Stacks as they are found: busy, failed, empty, protected; and runs that go on where another was cut off.

use landfall_core::runtime::Local;
use landfall_core::target::run_step;
use landfall_core::{DeployTarget, DeployTargetExt, Outcome, Policy};
use landfall_ec2_cfn::stack::{IfBusy, ParameterSource, RecreateFailed, TemplateSource};
use landfall_simulator::{CallNumbers, Fault, FaultKind, Phase, Scenario, Simulator, StackRule};
use serde_json::json;

use crate::stage::{NAME, Stage, TEMPLATE, codes, earlier, told};

fn stage(scenario: &str) -> Stage {
    Stage::with(Simulator::builder().scenario(Scenario::named(scenario).unwrap()).build())
}

#[tokio::test(start_paused = true)]
async fn a_busy_stack_is_waited_for_when_asked_and_its_then_state_is_what_an_undo_returns_to() {
    let stage = stage("stack-busy");
    let target = stage.made(stage.builder().if_busy(IfBusy::Wait));
    let report = stage.run(&target, &Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert_eq!(stage.writes(), ["CreateChangeSet", "ExecuteChangeSet"]);
    assert_eq!(stage.stack().template, TEMPLATE);
}

#[tokio::test(start_paused = true)]
async fn an_empty_failed_stack_is_created_anew_with_consent_only() {
    for (choice, succeeds) in
        [(RecreateFailed::Never, false), (RecreateFailed::IfOurs, true), (RecreateFailed::Always, true)]
    {
        let stage = stage("stack-is-rollback-complete");
        let report =
            stage.run(&stage.made(stage.builder().recreate_failed(choice)), &Policy::default()).await;
        assert_eq!(report.is_success(), succeeds, "{choice:?} {}", told(&report));
        if succeeds {
            assert_eq!(stage.writes(), ["DeleteStack", "CreateChangeSet", "ExecuteChangeSet"]);
            assert_eq!(stage.stack().status, "CREATE_COMPLETE");
            assert_eq!(stage.aws().stacks().len(), 2, "the old one is deleted, and this is another");
        } else {
            assert!(stage.writes().is_empty());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_stack_that_somebody_else_made_or_protects_is_not_created_anew() {
    let foreign = Stage::seeded(json!({ "template": earlier(TEMPLATE), "status": "ROLLBACK_COMPLETE" }));
    let target = foreign.made(foreign.builder().recreate_failed(RecreateFailed::IfOurs));
    let report = foreign.run(&target, &Policy::default()).await;
    assert!(told(&report).contains("landfall did not create it"), "{}", told(&report));
    let seed = json!({ "template": earlier(TEMPLATE), "status": "ROLLBACK_COMPLETE", "termination_protection": true });
    let protected = Stage::seeded(seed);
    let target = protected.made(protected.builder().recreate_failed(RecreateFailed::Always));
    let report = protected.run(&target, &Policy::default()).await;
    assert!(told(&report).contains("protected against deletion"), "{}", told(&report));
    assert!(foreign.writes().is_empty() && protected.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_shell_of_somebody_elses_change_set_is_created_and_never_deleted() {
    let stage = stage("stack-is-a-shell");
    let report = stage.deploy().await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    let other = self::stage("stack-is-a-shell");
    other.aws().change_sets_behave(landfall_simulator::ChangeSetRule {
        fails: Some("Template error".to_owned()),
        ..landfall_simulator::ChangeSetRule::default()
    });
    let report = other.deploy().await;
    assert!(!report.is_success());
    assert_eq!(other.stack().status, "REVIEW_IN_PROGRESS", "it was there before");
}

#[tokio::test(start_paused = true)]
async fn a_failed_first_change_set_leaves_no_shell_behind() {
    let stage = Stage::new();
    stage.aws().change_sets_behave(landfall_simulator::ChangeSetRule {
        fails: Some("Template error".to_owned()),
        ..landfall_simulator::ChangeSetRule::default()
    });
    let report = stage.deploy().await;
    assert_eq!(codes(&report), ["change-set-failed"], "{}", told(&report));
    assert!(stage.aws().stack(NAME).is_none(), "{:?}", stage.writes());
}

#[tokio::test(start_paused = true)]
async fn settings_are_made_with_the_stack_and_alone() {
    let policy = r#"{"Statement":[{"Effect":"Allow","Action":"Update:*","Principal":"*","Resource":"*"}]}"#;
    let stage = Stage::new();
    let protect =
        |stage: &Stage| stage.made(stage.builder().termination_protection(true).stack_policy(policy));
    let report = stage.run(&protect(&stage), &Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    let stack = stage.stack();
    assert!(stack.protected && stack.policy.as_deref() == Some(policy), "{stack:?}");
    let existing = Stage::seeded(json!({ "template": TEMPLATE, "parameters": { "Stage": "production" } }));
    let report = existing.run(&protect(&existing), &Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert_eq!(
        existing.writes(),
        ["SetStackPolicy", "UpdateTerminationProtection"],
        "no change set for that"
    );
}

#[tokio::test(start_paused = true)]
async fn an_allowed_replacement_is_made_and_told() {
    let stage = stage("stack-replaces");
    let report = stage.run(&stage.made(stage.builder().allow_replacement(true)), &Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    let news = stage.news();
    assert!(
        news.iter().any(|line| line.contains("Modify Queue") && line.contains("replaced (ReplaceAndDelete)")),
        "{news:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_an_update_could_not_delete_is_told_with_its_success() {
    let stage = stage("stack-deletes");
    stage.aws().behave(StackRule::failing("Dead", "delete", "it is in use"));
    let report = stage.run(&stage.made(stage.builder().allow_deletion(true)), &Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert!(stage.notes().contains(&"left-behind".to_owned()), "{:?}", stage.notes());
    assert!(stage.everything_told().contains("Dead (AWS::SQS::Queue, "), "{:?}", stage.news());
}

#[tokio::test(start_paused = true)]
async fn a_run_without_records_finds_its_own_operation_and_follows_it() {
    let stage = Stage::updating();
    let cx = stage.context("demo/1/deploy/production");
    let target = stage.target();
    let plan = target.plan(&cx).await.unwrap().stamped(landfall_core::Token::new(cx.id()));
    let receipt = target.apply(&cx, &plan, None).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    target.apply(&cx, &plan, Some(&receipt)).await.unwrap();
    // The process is gone, and its records with it.
    let report = stage.run(&stage.target(), &Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert!(stage.notes().contains(&"found-again".to_owned()));
    assert_eq!(stage.writes(), ["CreateChangeSet", "ExecuteChangeSet"]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_of_any_write_makes_nothing_twice() {
    for operation in ["CreateChangeSet", "ExecuteChangeSet"] {
        for phase in [Phase::Before, Phase::After] {
            let stage = Stage::updating();
            let lost = Fault::new("cloudformation", operation, FaultKind::Reset)
                .on(CallNumbers::Nth(1))
                .phase(phase);
            stage.simulator.add_fault(lost);
            let report = stage.deploy().await;
            assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{operation} {phase:?} {}", told(&report));
            let updates = stage
                .aws()
                .events(NAME)
                .into_iter()
                .filter(|event| event.status == "UPDATE_IN_PROGRESS" && event.logical == NAME);
            assert_eq!(updates.count(), 1, "{operation} {phase:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_leaf_in_a_nested_stack_is_the_cause_and_its_events_are_told() {
    let stage = Stage::new();
    let url = |name: &str| format!("https://s3.eu-central-1.amazonaws.com/demo-bucket/{name}.yaml");
    let inner = "Resources:\n  Subnet:\n    Type: AWS::EC2::Subnet\n  Other:\n    Type: AWS::EC2::Subnet\n";
    let middle = format!(
        "Resources:\n  Inner:\n    Type: AWS::CloudFormation::Stack\n    Properties: {{TemplateURL: '{}'}}\n",
        url("inner")
    );
    let outer = format!(
        "Resources:\n  Network:\n    Type: AWS::CloudFormation::Stack\n    Properties: {{TemplateURL: '{}'}}\n  Topic: {{Type: AWS::SNS::Topic}}\n",
        url("middle")
    );
    stage.aws().put_template(&url("inner"), inner);
    stage.aws().put_template(&url("middle"), &middle);
    stage.aws().behave(StackRule {
        takes_ms: Some(4_000),
        ..StackRule::failing("Subnet", "create", "The CIDR '10.0.0.0/8' is invalid.")
    });
    let target = stage.made(stage.builder().template(TemplateSource::text("outer.yaml", outer)));
    let report = stage.run(&target, &Policy::default()).await;
    assert_eq!(codes(&report).len(), 1, "{}", told(&report));
    let cause = &report.verdict.causes[0];
    assert!(
        cause.message.starts_with("Network.Inner.Subnet (AWS::EC2::Subnet) CREATE_FAILED: The CIDR"),
        "{}",
        told(&report)
    );
    let news = stage.news();
    assert!(
        news.iter().any(|line| line.starts_with("Network.Inner.Other (AWS::EC2::Subnet) CREATE_COMPLETE")),
        "{news:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn no_secret_is_in_anything_that_leaves_the_target_even_when_aws_says_it() {
    let secret = "correct-horse-battery";
    let stage = Stage::updating();
    stage.aws().behave(StackRule::failing("Secret", "", &format!("Value {secret} is too simple")));
    let file = ParameterSource::File {
        name: "p.json".to_owned(),
        text: json!([{ "ParameterKey": "Token", "ParameterValue": secret }]).to_string(),
    };
    let target = stage.made(stage.builder().parameters(file));
    let report = stage.run(&target, &Policy::default()).await;
    assert!(!report.is_success());
    let texts = [
        told(&report),
        stage.everything_told(),
        serde_json::to_string(&report.plan).unwrap(),
        serde_json::to_string(&report.receipt).unwrap(),
        format!("{target:?}"),
        target.specification(),
    ];
    for text in &texts {
        assert!(!text.contains(secret), "{text}");
    }
    assert!(told(&report).contains("Value **** is too simple"), "{}", told(&report));
}

#[tokio::test(start_paused = true)]
async fn a_plan_by_a_change_set_is_exact_and_leaves_nothing_behind() {
    let stage = stage("stack-replaces");
    let cx = stage.context("demo/1/plan");
    let planned = stage.target().plan_with_change_set(&cx).await.unwrap();
    let lines: Vec<String> = planned.plan.changes.iter().flat_map(|change| change.details.clone()).collect();
    assert!(
        lines.iter().any(|line| line.contains("Properties.MessageRetentionPeriod 345600 -> 1209600")),
        "{lines:?}"
    );
    assert!(planned.refusal.unwrap().report().contains("allow-replacement"));
    assert_eq!(stage.writes(), ["CreateChangeSet", "DeleteChangeSet"]);
    assert!(stage.notes().contains(&"plan-writes".to_owned()));
    assert!(stage.stack().change_sets.is_empty());
    let new = Stage::new();
    let planned = new.target().plan_with_change_set(&new.context("demo/1/plan")).await.unwrap();
    assert!(planned.plan.changes.len() == 5 && planned.refusal.is_none(), "{planned:?}");
    assert!(new.aws().stack(NAME).is_none(), "nor the empty stack: {:?}", new.writes());
}

#[tokio::test(start_paused = true)]
async fn a_plan_reads_only_and_a_deployment_costs_few_calls() {
    let stage = Stage::updating();
    let cx = stage.context("demo/1/deploy/production");
    let plan = stage.target().preview(&cx).await.unwrap();
    assert!(!plan.is_empty() && stage.writes().is_empty());
    stage.simulator.reset_calls();
    let report = stage.deploy().await;
    assert!(report.is_success(), "{}", told(&report));
    let (events, stacks) = (stage.calls("DescribeStackEvents"), stage.calls("DescribeStacks"));
    println!("events {events}, stacks {stacks}, all {}", stage.simulator.calls().len());
    assert!(stacks <= 6 && events <= 12, "events {events}, stacks {stacks}");
    let cx = stage.context("demo/2/deploy/production");
    assert!(run_step(&Local::new(cx.clone()), &stage.target(), &cx, &Policy::default()).await.is_success());
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_more_events_than_a_page_is_told_whole() {
    let stage = Stage::new();
    let many: String =
        (0..120).map(|number| format!("  Topic{number}: {{Type: AWS::SNS::Topic}}\n")).collect();
    let target = stage
        .made(stage.builder().template(TemplateSource::text("many.yaml", format!("Resources:\n{many}"))));
    let report = stage.run(&target, &Policy::default()).await;
    assert!(report.is_success(), "{}", told(&report));
    let complete = stage.news().iter().filter(|line| line.ends_with("CREATE_COMPLETE")).count();
    assert_eq!(complete, 121, "each topic and the stack");
}

#[tokio::test(start_paused = true)]
async fn a_stack_that_somebody_deletes_is_waited_for_and_created_anew() {
    let seed = json!({
        "template": earlier(TEMPLATE), "status": "DELETE_IN_PROGRESS", "ends_ms": 30_000, "ends_as": "DELETE_COMPLETE",
    });
    let stage = Stage::seeded(seed);
    let report = stage.run(&stage.made(stage.builder().if_busy(IfBusy::Wait)), &Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert_eq!((stage.stack().status.as_str(), stage.aws().stacks().len()), ("CREATE_COMPLETE", 2));
}

#[tokio::test(start_paused = true)]
async fn a_failed_creation_leaves_nothing_retained_behind_when_asked() {
    let text = TEMPLATE
        .replace("    Type: AWS::SNS::Topic\n", "    Type: AWS::SNS::Topic\n    DeletionPolicy: Retain\n");
    for (choice, gone) in [(false, "DELETE_SKIPPED"), (true, "DELETE_COMPLETE")] {
        let stage = Stage::new();
        stage.aws().behave(StackRule::failing("Subscription", "create", "no"));
        let builder = stage.builder().template(TemplateSource::text("queue.yaml", text.clone()));
        let target = stage.made(builder.retain_except_on_create(choice));
        let report = stage.run(&target, &Policy::default()).await;
        assert_eq!(report.exit_code(), 3, "{}", told(&report));
        let events = stage.aws().events(NAME);
        assert!(
            events.iter().any(|event| event.logical == "Topic" && event.status == gone),
            "{choice}: {events:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_creation_deletes_the_stack_when_asked() {
    let stage = Stage::new();
    stage.aws().behave(StackRule::failing("Queue", "create", "no"));
    let target =
        stage.made(stage.builder().on_stack_failure(landfall_ec2_cfn::stack::OnStackFailure::Delete));
    let report = stage.run(&target, &Policy::default()).await;
    assert_eq!(report.exit_code(), 3, "{}", told(&report));
    assert!(
        told(&report).contains("no stack: it was deleted")
            && told(&report).contains("Queue (AWS::SQS::Queue)"),
        "{}",
        told(&report)
    );
    assert!(stage.aws().stack(NAME).is_none());
}
