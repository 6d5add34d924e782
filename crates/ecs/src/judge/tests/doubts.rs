//! Answers that are late, incomplete or of servers that differ from AWS: none may be taken for an end that it is not.

use serde_json::{Value, json};

use super::*;

fn without(mut service: Value, index: usize, member: &str) -> Value {
    service["deployments"][index].as_object_mut().unwrap().remove(member);
    service
}

/// What our deployment replaced is known.
fn watching(purpose: Purpose) -> Watch {
    Watch { before: Some(Known { id: OLD.to_owned(), ..Known::default() }), ..watch(purpose) }
}

#[test]
fn a_deployment_of_the_same_second_or_of_no_time_is_newer_unless_it_was_there_before() {
    let same_second = service(&[deployment(NEWER, "PRIMARY", 4, began(), Some("IN_PROGRESS"))]);
    let no_time = without(newer_primary(), 0, "createdAt");
    for service in [same_second, no_time] {
        let judgement = legacy(&watching(Purpose::Deploy), &seen(60, None, Some(service.clone())));
        assert_eq!(word(&judgement), format!("superseded by {NEWER}"), "{service}");
        let stopped = service_deployment("STOPPED", &json!({}));
        let judgement = rollout(&watching(Purpose::Deploy), &seen(60, Some(stopped), Some(service.clone())));
        assert_eq!(word(&judgement), format!("superseded by {NEWER}"), "{service}");
    }
    let back = without(old_primary(50, Some("COMPLETED")), 0, "createdAt");
    let judgement = legacy(&watching(Purpose::Deploy), &seen(60, None, Some(back)));
    assert_eq!(word(&judgement), "rolled back to web:2");
}

#[test]
fn a_rollback_is_not_said_to_lead_to_a_deployment_that_came_after_it() {
    let source = "arn:aws:ecs:eu-central-1:111122223333:service-revision/demo/web/1111111111111111111";
    let done =
        service_deployment("ROLLBACK_SUCCESSFUL", &json!({ "rollback": { "serviceRevisionArn": source } }));
    let judgement = rollout(&watching(Purpose::Deploy), &seen(60, Some(done), Some(newer_primary())));
    assert_eq!(word(&judgement), format!("rolled back to {source}"));
}

#[test]
fn an_undo_tells_the_revision_that_is_back_and_not_the_one_that_was_hoped_for() {
    let hoping = Watch { goal: Some(task_definition(1)), ..watching(Purpose::RollBack) };
    let done = service_deployment("ROLLBACK_SUCCESSFUL", &json!({}));
    let judgement = rollout(&hoping, &seen(60, Some(done), Some(old_primary(60, Some("COMPLETED")))));
    let State::Ready(outputs) = &judgement.state else { panic!("{judgement:?}") };
    assert_eq!(outputs.find("task_definition"), Some("web:2"));
}

#[test]
fn who_stopped_a_deployment_is_waited_for_while_lists_may_lag() {
    let stopped = || Some(service_deployment("STOPPED", &json!({ "finishedAt": epoch(after(9)) })));
    let facts = |seconds| seen(seconds, stopped(), Some(ours_primary(Some("IN_PROGRESS"))));
    assert_eq!(word(&rollout(&watching(Purpose::Deploy), &facts(10))), "pending");
    assert_eq!(word(&rollout(&watching(Purpose::Deploy), &facts(40))), "stopped");
}

#[test]
fn a_service_that_somebody_deletes_ends_the_wait_whatever_is_looked_at() {
    for status in ["DRAINING", "INACTIVE"] {
        let mut going = ours_primary(Some("IN_PROGRESS"));
        going["status"] = json!(status);
        let under_way = service_deployment("IN_PROGRESS", &json!({}));
        let facts = seen(60, Some(under_way), Some(going));
        for judgement in
            [rollout(&watching(Purpose::Deploy), &facts), standing(&watching(Purpose::Unchanged), &facts)]
        {
            assert_eq!((word(&judgement).as_str(), because(&judgement)), ("failed", vec!["service-deleted"]));
        }
        assert_eq!(word(&legacy(&watching(Purpose::Busy), &facts)), "proceed");
    }
}

#[test]
fn a_failed_deployment_is_left_to_the_rollback_by_aws_but_not_for_ever() {
    let guards = [
        json!({ "deploymentCircuitBreaker": { "enable": true, "rollback": true } }),
        json!({ "alarms": { "enable": true, "rollback": true } }),
    ];
    for guard in guards {
        let mut failed = ours_primary(Some("FAILED"));
        failed["deploymentConfiguration"] = guard.clone();
        failed["deployments"][0]["updatedAt"] = json!(epoch(after(55)));
        let at = |seconds| legacy(&watching(Purpose::Deploy), &seen(seconds, None, Some(failed.clone())));
        assert_eq!(word(&at(60)), "pending", "{guard}");
        assert_eq!(word(&at(120)), "failed", "{guard}");
    }
}

#[test]
fn without_a_rollout_state_a_deployment_that_wants_no_task_yet_is_not_steady() {
    let mut begun = service(&[deployment(OURS, "PRIMARY", 3, began(), None)]);
    begun["deployments"][0]["desiredCount"] = json!(0);
    begun["deployments"][0]["runningCount"] = json!(0);
    let facts = Facts { steady_before: true, ..seen(2, None, Some(begun)) };
    assert_eq!(word(&legacy(&watching(Purpose::Deploy), &facts)), "pending");
}

#[test]
fn counts_in_floats_are_counts() {
    let mut floats = ours_primary(Some("COMPLETED"));
    floats["desiredCount"] = json!(2.0);
    floats["deployments"][0]["runningCount"] = json!(2.0);
    assert_eq!(word(&legacy(&watching(Purpose::Deploy), &seen(60, None, Some(floats)))), "ready");
}

#[test]
fn somebody_elses_deployment_that_waits_for_a_person_is_said_to() {
    let paused = service_deployment(
        "IN_PROGRESS",
        &json!({ "lifecycleHookDetails": [{ "status": "AWAITING_ACTION" }] }),
    );
    assert_eq!(word(&rollout(&watching(Purpose::Busy), &seen(60, Some(paused), None))), "person");
}

/// Servers that imitate AWS have been seen to count an update as done and to keep the old task definition.
#[test]
fn our_deployment_with_another_task_definition_than_ours_is_no_success() {
    let kept = service(&[deployment(OURS, "PRIMARY", 2, began(), Some("COMPLETED"))]);
    let judgement = legacy(&watching(Purpose::Deploy), &seen(60, None, Some(kept.clone())));
    let State::Pending { waiting_for, .. } = &judgement.state else { panic!("{judgement:?}") };
    assert!(waiting_for.contains("web:3") && waiting_for.contains("web:2"), "{waiting_for}");
    let done = Some(service_deployment("SUCCESSFUL", &json!({})));
    assert_eq!(word(&rollout(&watching(Purpose::Deploy), &seen(60, done, Some(kept)))), "pending");
}
