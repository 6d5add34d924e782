//! The judges' tables: what was seen, and what it means.

mod doubts;
mod fail_fast;

use jiff::{SignedDuration, Timestamp};
use landfall_core::{End, State};
use serde_json::{Value, json};

use super::{Facts, Judgement, legacy, rollout, standing};
use crate::facts;
use crate::memory::{Known, Purpose, Started, Watch};

const OURS: &str = "ecs-svc/5434307699940903438";
const OLD: &str = "ecs-svc/1111111111111111111";
const NEWER: &str = "ecs-svc/7777777777777777777";
const ARN: &str = "arn:aws:ecs:eu-central-1:111122223333:service-deployment/demo/web/abcdefghijklmnop";

/// When our deployment was made.
fn began() -> Timestamp {
    Timestamp::constant(1_786_000_000, 0)
}

fn after(seconds: i64) -> Timestamp {
    began() + SignedDuration::from_secs(seconds)
}

#[expect(clippy::cast_precision_loss, reason = "whole seconds of a present-day date")]
fn epoch(at: Timestamp) -> f64 {
    at.as_second() as f64
}

fn task_definition(revision: u32) -> String {
    format!("arn:aws:ecs:eu-central-1:111122223333:task-definition/web:{revision}")
}

fn watch(purpose: Purpose) -> Watch {
    Watch {
        purpose,
        service_arn: "arn:aws:ecs:eu-central-1:111122223333:service/demo/web".to_owned(),
        deployment: Started {
            id: OURS.to_owned(),
            created_at: began(),
            task_definition: task_definition(3),
            service_deployment: None,
        },
        desired: 2,
        old_tasks: 2,
        before: Some(Known { id: OLD.to_owned(), task_definition: task_definition(2), ..Known::default() }),
        goal: Some(task_definition(2)),
        adopted: false,
    }
}

/// A deployment as DescribeServices lists it.
fn deployment(id: &str, status: &str, revision: u32, created: Timestamp, rollout: Option<&str>) -> Value {
    json!({
        "id": id, "status": status, "taskDefinition": task_definition(revision),
        "desiredCount": 2, "runningCount": 2, "pendingCount": 0, "failedTasks": 0,
        "createdAt": epoch(created), "updatedAt": epoch(created), "rolloutState": rollout,
    })
}

fn service(deployments: &[Value]) -> Value {
    json!({
        "serviceArn": "arn:aws:ecs:eu-central-1:111122223333:service/demo/web", "serviceName": "web",
        "status": "ACTIVE", "desiredCount": 2, "runningCount": 2, "pendingCount": 0,
        "deployments": deployments, "events": [], "loadBalancers": null,
    })
}

fn service_deployment(status: &str, more: &Value) -> Value {
    let mut answer = json!({
        "serviceDeploymentArn": ARN, "status": status, "createdAt": epoch(began()),
        "targetServiceRevision": {
            "arn": "arn:aws:ecs:eu-central-1:111122223333:service-revision/demo/web/5434307699940903438",
            "requestedTaskCount": 2, "runningTaskCount": 1, "pendingTaskCount": 1,
        },
        "sourceServiceRevisions": [{
            "arn": "arn:aws:ecs:eu-central-1:111122223333:service-revision/demo/web/1111111111111111111",
            "requestedTaskCount": 2, "runningTaskCount": 2, "pendingTaskCount": 0,
        }],
    });
    for (name, value) in more.as_object().unwrap() {
        answer[name] = value.clone();
    }
    answer
}

/// What a look saw, so many seconds after the deployment was made.
fn seen(seconds: i64, service_deployment: Option<Value>, service: Option<Value>) -> Facts {
    Facts {
        service: service.map(|value| facts::read(value).unwrap()),
        service_deployment: service_deployment.map(|value| facts::read(value).unwrap()),
        newer: Vec::new(),
        now: Some(after(seconds)),
        steady_before: false,
    }
}

fn ours_primary(rollout: Option<&str>) -> Value {
    service(&[
        deployment(OURS, "PRIMARY", 3, began(), rollout),
        deployment(OLD, "ACTIVE", 2, after(-86_400), Some("COMPLETED")),
    ])
}

fn old_primary(updated: i64, rollout: Option<&str>) -> Value {
    let mut old = deployment(OLD, "PRIMARY", 2, after(-86_400), rollout);
    old["updatedAt"] = json!(epoch(after(updated)));
    service(&[old])
}

fn newer_primary() -> Value {
    service(&[deployment(NEWER, "PRIMARY", 4, after(9), Some("IN_PROGRESS"))])
}

/// A state in one word, with what it names.
fn word(judgement: &Judgement) -> String {
    match &judgement.state {
        State::Pending { person: true, .. } => "person".to_owned(),
        State::Pending { .. } => "pending".to_owned(),
        State::Proceed => "proceed".to_owned(),
        State::Ready(_) => "ready".to_owned(),
        State::Ended(End::Failed) => "failed".to_owned(),
        State::Ended(End::Stopped) => "stopped".to_owned(),
        State::Ended(End::RolledBack { to }) => format!("rolled back to {to}"),
        State::Ended(End::Superseded { by }) => format!("superseded by {by}"),
        other => format!("{other:?}"),
    }
}

fn noted(judgement: &Judgement) -> Vec<&str> {
    judgement.notes.iter().map(|note| note.code).collect()
}

fn because(judgement: &Judgement) -> Vec<&str> {
    judgement.causes.iter().map(|cause| cause.code.as_str()).collect()
}

#[test]
fn a_service_deployment_is_judged_by_its_status() {
    let none = json!({});
    let triggered =
        json!({ "deploymentCircuitBreaker": { "status": "TRIGGERED", "failureCount": 3, "threshold": 3 } });
    let alarm = json!({ "alarms": { "status": "TRIGGERED", "triggeredAlarmNames": ["web-5xx"] } });
    let paused = json!({ "lifecycleStage": "POST_SCALE_UP", "lifecycleHookDetails": [{ "status": "AWAITING_ACTION" }] });
    type Row<'a> = (&'a str, &'a Value, Option<Value>, &'a str, &'a [&'a str]);
    let rows: Vec<Row<'_>> = vec![
        ("PENDING", &none, None, "pending", &[]),
        ("IN_PROGRESS", &none, Some(ours_primary(Some("IN_PROGRESS"))), "pending", &[]),
        ("IN_PROGRESS", &paused, None, "person", &["paused-hook"]),
        ("STOP_REQUESTED", &none, None, "pending", &[]),
        ("ROLLBACK_REQUESTED", &none, None, "pending", &[]),
        ("ROLLBACK_IN_PROGRESS", &triggered, None, "pending", &[]),
        ("SUCCESSFUL", &none, Some(ours_primary(Some("COMPLETED"))), "ready", &[]),
        ("SUCCESSFUL", &none, Some(newer_primary()), "ready", &[]),
        ("SUCCESSFUL", &none, Some(old_primary(-86_400, Some("COMPLETED"))), "pending", &[]),
        (
            "ROLLBACK_SUCCESSFUL",
            &triggered,
            Some(old_primary(60, Some("COMPLETED"))),
            "rolled back to web:2",
            &["circuit-breaker"],
        ),
        (
            "ROLLBACK_SUCCESSFUL",
            &alarm,
            Some(old_primary(60, Some("COMPLETED"))),
            "rolled back to web:2",
            &["alarm-rollback"],
        ),
        (
            "ROLLBACK_SUCCESSFUL",
            &none,
            Some(old_primary(60, Some("COMPLETED"))),
            "rolled back to web:2",
            &["rolled-back"],
        ),
        ("ROLLBACK_FAILED", &none, Some(old_primary(60, None)), "failed", &["rollback-failed"]),
        (
            "STOPPED",
            &none,
            Some(newer_primary()),
            "superseded by ecs-svc/7777777777777777777",
            &["superseded"],
        ),
        ("STOPPED", &triggered, Some(ours_primary(Some("FAILED"))), "failed", &["circuit-breaker"]),
        ("STOPPED", &none, Some(ours_primary(Some("FAILED"))), "stopped", &["stopped"]),
        ("SUSPENDED_BY_A_FUTURE_AWS", &none, Some(ours_primary(Some("COMPLETED"))), "pending", &[]),
    ];
    for (status, more, service, expected, causes) in rows {
        let judgement =
            rollout(&watch(Purpose::Deploy), &seen(20, Some(service_deployment(status, more)), service));
        assert_eq!(word(&judgement), expected, "{status} {more}");
        assert_eq!(because(&judgement), causes, "{status} {more}");
    }
}

#[test]
fn an_unknown_status_is_told_and_never_success() {
    let judgement =
        rollout(&watch(Purpose::Deploy), &seen(20, Some(service_deployment("DONE", &json!({}))), None));
    assert_eq!((word(&judgement).as_str(), noted(&judgement)), ("pending", vec!["unknown-status"]));
}

#[test]
fn a_missing_service_deployment_is_waited_for() {
    assert_eq!(word(&rollout(&watch(Purpose::Deploy), &seen(5, None, None))), "pending");
}

#[test]
fn a_deployment_that_was_stopped_nine_seconds_later_by_another_is_superseded_even_when_that_is_gone_again() {
    let mut facts = seen(20, Some(service_deployment("STOPPED", &json!({}))), Some(old_primary(15, None)));
    assert_eq!(word(&rollout(&watch(Purpose::Deploy), &facts)), "stopped");
    let newer = json!({
        "serviceDeploymentArn": "arn:newer", "status": "ROLLBACK_SUCCESSFUL", "createdAt": epoch(after(9)),
        "targetServiceRevisionArn": "arn:aws:ecs:eu-central-1:111122223333:service-revision/demo/web/7777777777777777777",
    });
    facts.newer = vec![facts::read(newer).unwrap()];
    assert_eq!(word(&rollout(&watch(Purpose::Deploy), &facts)), "superseded by arn:newer");
}

#[test]
fn while_the_service_does_not_show_who_took_over_it_is_not_known_whether_that_is_an_undo() {
    let newer = json!({
        "serviceDeploymentArn": "arn:newer", "status": "IN_PROGRESS", "createdAt": epoch(after(9)),
        "targetServiceRevisionArn": "arn:aws:ecs:eu-central-1:111122223333:service-revision/demo/web/7777777777777777777",
    });
    for (seconds, expected) in [(12, "pending"), (40, "superseded by arn:newer")] {
        let ended = service_deployment("STOPPED", &json!({ "finishedAt": epoch(after(8)) }));
        let mut facts = seen(seconds, Some(ended), Some(ours_primary(Some("FAILED"))));
        facts.newer = vec![facts::read(newer.clone()).unwrap()];
        assert_eq!(word(&rollout(&watch(Purpose::Deploy), &facts)), expected, "after {seconds} s");
    }
}

#[test]
fn a_deployment_in_whose_place_the_one_before_is_rolled_out_again_was_put_back() {
    let newer = |rollout| service(&[deployment(NEWER, "PRIMARY", 2, after(60), Some(rollout))]);
    let triggered = json!({ "deploymentCircuitBreaker": { "status": "TRIGGERED", "threshold": 3 } });
    let cases = [
        (json!({}), "IN_PROGRESS", Purpose::Deploy, "pending", [].as_slice()),
        (json!({}), "COMPLETED", Purpose::Deploy, "rolled back to web:2", &["put-back"]),
        (triggered, "COMPLETED", Purpose::Deploy, "rolled back to web:2", &["circuit-breaker"]),
        (json!({}), "FAILED", Purpose::Deploy, "failed", &["rollback-failed"]),
        (
            json!({}),
            "COMPLETED",
            Purpose::Restore,
            "superseded by ecs-svc/7777777777777777777",
            &["superseded"],
        ),
    ];
    for (more, rollout_state, purpose, expected, causes) in cases {
        let facts = seen(90, Some(service_deployment("STOPPED", &more)), Some(newer(rollout_state)));
        let judgement = rollout(&watch(purpose), &facts);
        assert_eq!(word(&judgement), expected, "{rollout_state} {purpose:?}");
        assert_eq!(because(&judgement), causes, "{rollout_state} {purpose:?}");
    }
}

#[test]
fn success_that_was_superseded_afterwards_is_success_with_a_note() {
    let facts = seen(30, Some(service_deployment("SUCCESSFUL", &json!({}))), Some(newer_primary()));
    assert_eq!(noted(&rollout(&watch(Purpose::Deploy), &facts)), ["superseded-afterwards"]);
}

#[test]
fn a_success_that_the_service_never_shows_is_believed_in_the_end() {
    let done = service_deployment("SUCCESSFUL", &json!({ "finishedAt": epoch(after(20)) }));
    let late = seen(200, Some(done), Some(old_primary(-86_400, Some("COMPLETED"))));
    let judgement = rollout(&watch(Purpose::Deploy), &late);
    assert_eq!((word(&judgement).as_str(), noted(&judgement)), ("ready", vec!["primary-differs"]));
}

#[test]
fn zero_tasks_succeed_and_prove_nothing() {
    let mut zero = ours_primary(Some("COMPLETED"));
    zero["desiredCount"] = json!(0);
    let done = service_deployment("SUCCESSFUL", &json!({}));
    for judgement in [
        rollout(&watch(Purpose::Deploy), &seen(2, Some(done), Some(zero.clone()))),
        legacy(&watch(Purpose::Deploy), &seen(2, None, Some(zero))),
    ] {
        assert_eq!((word(&judgement).as_str(), noted(&judgement)), ("ready", vec!["image-not-proven"]));
    }
}

#[test]
fn waiting_names_numbers() {
    let judgement =
        rollout(&watch(Purpose::Deploy), &seen(5, Some(service_deployment("IN_PROGRESS", &json!({}))), None));
    let State::Pending { waiting_for, .. } = judgement.state else { panic!("{judgement:?}") };
    assert_eq!(waiting_for, "1 of 2 new tasks running, 2 old tasks still there");
    let counts: Vec<(&str, u64, Option<u64>)> =
        judgement.progress.iter().map(|count| (count.of.as_str(), count.done, count.total)).collect();
    assert_eq!(counts, [("new tasks running", 1, Some(2)), ("old tasks stopped", 0, Some(2))]);
}

#[test]
fn counts_are_not_complete_before_ecs_has_asked_for_a_task() {
    let empty = json!({ "targetServiceRevision": { "requestedTaskCount": 0, "runningTaskCount": 0 } });
    let judgement =
        rollout(&watch(Purpose::Deploy), &seen(0, Some(service_deployment("PENDING", &empty)), None));
    assert!(judgement.progress.iter().all(|count| !count.is_complete()), "{judgement:?}");
}

#[test]
fn what_an_end_means_depends_on_why_it_is_looked_at() {
    let old = || Some(old_primary(60, Some("COMPLETED")));
    let rows = [
        (Purpose::RollBack, "ROLLBACK_IN_PROGRESS", "pending"),
        (Purpose::RollBack, "ROLLBACK_SUCCESSFUL", "ready"),
        (Purpose::RollBack, "SUCCESSFUL", "proceed"),
        (Purpose::RollBack, "STOPPED", "proceed"),
        (Purpose::RollBack, "ROLLBACK_FAILED", "failed"),
        (Purpose::Restore, "ROLLBACK_SUCCESSFUL", "rolled back to web:2"),
        (Purpose::Busy, "IN_PROGRESS", "pending"),
        (Purpose::Busy, "SUCCESSFUL", "proceed"),
        (Purpose::Busy, "ROLLBACK_SUCCESSFUL", "proceed"),
        (Purpose::Busy, "STOPPED", "proceed"),
    ];
    for (purpose, status, expected) in rows {
        let facts = seen(60, Some(service_deployment(status, &json!({}))), old());
        assert_eq!(word(&rollout(&watch(purpose), &facts)), expected, "{purpose:?} {status}");
    }
}

#[test]
fn without_service_deployments_the_primary_deployment_tells() {
    let mut gone = service(&[deployment(OURS, "PRIMARY", 3, began(), Some("IN_PROGRESS"))]);
    gone["status"] = json!("DRAINING");
    let mut rolling_back = ours_primary(Some("FAILED"));
    rolling_back["deploymentConfiguration"] =
        json!({ "deploymentCircuitBreaker": { "enable": true, "rollback": true } });
    rolling_back["deployments"][0]["updatedAt"] = json!(epoch(after(55)));
    let rows: Vec<(&str, i64, Value, &str)> = vec![
        ("ours and complete", 60, ours_primary(Some("COMPLETED")), "ready"),
        ("ours and under way", 60, ours_primary(Some("IN_PROGRESS")), "pending"),
        ("ours and failed for good", 60, ours_primary(Some("FAILED")), "failed"),
        ("ours, failed, about to be rolled back", 60, rolling_back, "pending"),
        ("an unknown rollout state", 60, ours_primary(Some("PAUSED")), "pending"),
        ("a stale first read", 2, old_primary(-86_400, Some("COMPLETED")), "pending"),
        ("the old one again, and touched", 12, old_primary(10, Some("COMPLETED")), "rolled back to web:2"),
        (
            "the old one again, after long",
            40,
            old_primary(-86_400, Some("COMPLETED")),
            "rolled back to web:2",
        ),
        ("the old one again, still filling up", 40, old_primary(35, Some("IN_PROGRESS")), "pending"),
        ("a newer one", 12, newer_primary(), "superseded by ecs-svc/7777777777777777777"),
        ("nothing at all", 12, service(&[]), "pending"),
        ("somebody deletes the service", 12, gone, "failed"),
    ];
    for (what, seconds, service, expected) in rows {
        let judgement = legacy(&watch(Purpose::Deploy), &seen(seconds, None, Some(service)));
        assert_eq!(word(&judgement), expected, "{what}");
    }
}

#[test]
fn a_service_of_code_deploy_has_no_deployments_and_is_never_ready() {
    let mut service = service(&[]);
    service["deploymentController"] = json!({ "type": "CODE_DEPLOY" });
    service["deployments"] = Value::Null;
    assert_eq!(word(&legacy(&watch(Purpose::Deploy), &seen(500, None, Some(service)))), "pending");
}

#[test]
fn without_a_rollout_state_two_steady_looks_are_needed() {
    let alone = || Some(service(&[deployment(OURS, "PRIMARY", 3, began(), None)]));
    let mut facts = seen(60, None, alone());
    let first = legacy(&watch(Purpose::Deploy), &facts);
    assert_eq!((word(&first).as_str(), first.steady), ("pending", true));
    facts.steady_before = true;
    assert_eq!(word(&legacy(&watch(Purpose::Deploy), &facts)), "ready");
    let beside = Facts { steady_before: true, ..seen(60, None, Some(ours_primary(None))) };
    assert_eq!(word(&legacy(&watch(Purpose::Deploy), &beside)), "pending");
}

#[test]
fn in_an_undo_and_while_waiting_for_others_the_legacy_ends_mean_the_same() {
    let rolled_back = || seen(60, None, Some(old_primary(50, Some("COMPLETED"))));
    let complete = || seen(60, None, Some(ours_primary(Some("COMPLETED"))));
    assert_eq!(word(&legacy(&watch(Purpose::RollBack), &rolled_back())), "ready");
    assert_eq!(word(&legacy(&watch(Purpose::RollBack), &complete())), "proceed");
    assert_eq!(word(&legacy(&watch(Purpose::Busy), &complete())), "proceed");
    assert_eq!(word(&legacy(&watch(Purpose::Busy), &rolled_back())), "proceed");
}

#[test]
fn what_stands_already_is_healthy_or_it_is_said() {
    let mut failing = ours_primary(Some("COMPLETED"));
    failing["deployments"][0]["runningCount"] = json!(1);
    let rows = [
        (ours_primary(Some("COMPLETED")), "ready"),
        (ours_primary(None), "ready"),
        (ours_primary(Some("IN_PROGRESS")), "pending"),
        (failing, "pending"),
        (ours_primary(Some("FAILED")), "failed"),
        (newer_primary(), "superseded by ecs-svc/7777777777777777777"),
    ];
    for (service, expected) in rows {
        let judgement = standing(&watch(Purpose::Unchanged), &seen(1, None, Some(service.clone())));
        assert_eq!(word(&judgement), expected, "{service}");
    }
    let older = |seconds| {
        let facts = seen(seconds, None, Some(old_primary(-86_400, Some("COMPLETED"))));
        word(&standing(&watch(Purpose::Unchanged), &facts))
    };
    assert_eq!(older(1), "pending", "a read from before what stands was made");
    assert_eq!(older(61), format!("superseded by {OLD}"));
}
