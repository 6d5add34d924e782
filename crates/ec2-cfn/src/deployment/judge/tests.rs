//! A table of facts and their verdicts.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use landfall_core::{End, State};
use serde_json::{Value, json};

use super::{Facts, Rules, judge};
use crate::deployment::facts::read;
use crate::deployment::memory::{Purpose, Watch};
use crate::deployment::spec::WhenReady;

const NOW: Timestamp = Timestamp::constant(1_767_225_600, 0);

fn watch(purpose: Purpose) -> Watch {
    Watch { restores: true, ..Watch::new(purpose, "d-ONE", "r".to_owned()) }
}

fn facts(deployment: Value, targets: Value) -> Facts {
    Facts {
        deployment: read(deployment).unwrap(),
        targets: read(targets).unwrap(),
        now: Some(NOW),
        ..Facts::default()
    }
}

fn failed(extra: &Value) -> Value {
    let mut info = json!({
        "deploymentId": "d-ONE", "status": "Failed", "completeTime": 1_767_225_590,
        "errorInformation": { "code": "HEALTH_CONSTRAINTS", "message": "too few" },
        "autoRollbackConfiguration": { "enabled": true, "events": ["DEPLOYMENT_FAILURE"] }
    });
    for (name, value) in extra.as_object().unwrap() {
        info[name] = value.clone();
    }
    info
}

fn with_rollback(mut facts: Facts, status: &str) -> Facts {
    let revision = json!({ "revisionType": "S3", "s3Location": { "bucket": "b", "key": "old.zip" } });
    facts.rollback =
        Some(read(json!({ "deploymentId": "d-TWO", "status": status, "revision": revision })).unwrap());
    facts
}

fn waits_for(state: &State) -> &str {
    match state {
        State::Pending { waiting_for, .. } => waiting_for,
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_succeeded_is_success_and_an_unknown_status_goes_on() {
    for status in ["Created", "Queued", "InProgress", "Baking", "Pondering", ""] {
        let state =
            judge(&watch(Purpose::Deploy), &facts(json!({ "status": status }), json!([])), Rules::default())
                .state;
        assert!(matches!(state, State::Pending { person: false, .. }), "{status}: {state:?}");
    }
    let done =
        judge(&watch(Purpose::Deploy), &facts(json!({ "status": "Succeeded" }), json!([])), Rules::default());
    assert!(matches!(done.state, State::Ready(_)) && done.warnings.is_empty());
}

#[test]
fn a_success_names_the_instances_that_failed() {
    let targets =
        json!([{ "targetId": "i-1", "status": "Succeeded" }, { "targetId": "i-2", "status": "Failed" }]);
    let done =
        judge(&watch(Purpose::Deploy), &facts(json!({ "status": "Succeeded" }), targets), Rules::default());
    assert!(matches!(done.state, State::Ready(_)));
    assert!(done.warnings[0].message.contains("not on 1 of 2 instances: i-2: Failed"), "{:?}", done.warnings);
}

#[test]
fn a_failure_waits_for_its_rollback_and_tells_how_that_ends() {
    let deploy = watch(Purpose::Deploy);
    let awaited = judge(&deploy, &facts(failed(&json!({})), json!([])), Rules::default());
    assert!(waits_for(&awaited.state).contains("CodeDeploy's rollback"), "{:?}", awaited.state);
    let linked = || facts(failed(&json!({ "rollbackInfo": { "rollbackDeploymentId": "d-TWO" } })), json!([]));
    let going = judge(&deploy, &with_rollback(linked(), "InProgress"), Rules::default());
    assert!(waits_for(&going.state).contains("d-TWO (InProgress)"), "{:?}", going.state);
    let done = judge(&deploy, &with_rollback(linked(), "Succeeded"), Rules::default());
    assert_eq!(done.state, State::Ended(End::RolledBack { to: "s3://b/old.zip".to_owned() }));
    let broken = judge(&deploy, &with_rollback(linked(), "Failed"), Rules::default());
    assert_eq!(broken.state, State::Ended(End::Failed));
    assert!(broken.causes.iter().any(|cause| cause.code == "rollback-failed"));
}

#[test]
fn a_rollback_that_does_not_begin_is_told_and_not_waited_for() {
    let deploy = watch(Purpose::Deploy);
    let told = json!({ "rollbackInfo": { "rollbackMessage": "no last known good revision" } });
    let ended = judge(&deploy, &facts(failed(&told), json!([])), Rules::default());
    assert_eq!(ended.state, State::Ended(End::Failed));
    assert!(ended.causes.iter().any(|cause| cause.message.contains("no last known good revision")));
    let mut overdue = facts(failed(&json!({})), json!([]));
    overdue.now = NOW.checked_add(SignedDuration::from_secs(120)).ok();
    assert_eq!(judge(&deploy, &overdue, Rules::default()).state, State::Ended(End::Failed));
    let off = facts(failed(&json!({ "autoRollbackConfiguration": { "enabled": false } })), json!([]));
    let off = judge(&deploy, &off, Rules::default());
    assert_eq!(off.state, State::Ended(End::Failed));
    assert!(!off.causes.iter().any(|cause| cause.code.starts_with("rollback")), "none was asked for");
}

#[test]
fn stopped_is_final() {
    let info = json!({ "deploymentId": "d-ONE", "status": "Stopped", "errorInformation": { "code": "MANUAL_STOP", "message": "by a user" } });
    let stopped = judge(&watch(Purpose::Deploy), &facts(info, json!([])), Rules::default());
    assert_eq!(stopped.state, State::Ended(End::Stopped));
    assert_eq!(stopped.causes[0].code, "stopped");
}

#[test]
fn ready_is_a_persons_turn_unless_landfall_is_to_act() {
    let info = json!({ "status": "Ready", "blueGreenDeploymentConfiguration": {
        "deploymentReadyOption": { "actionOnTimeout": "STOP_DEPLOYMENT", "waitTimeInMinutes": 60 } } });
    let ready = facts(info, json!([]));
    let by = |when_ready, continued| {
        let watch = Watch { continued, ..watch(Purpose::Deploy) };
        judge(&watch, &ready, Rules { when_ready, ..Rules::default() }).state
    };
    assert!(matches!(by(WhenReady::Wait, false), State::Pending { person: true, .. }));
    assert_eq!(by(WhenReady::Continue, false), State::Proceed);
    assert_eq!(by(WhenReady::Stop, false), State::Proceed);
    assert!(
        matches!(by(WhenReady::Continue, true), State::Pending { person: false, .. }),
        "it is not called twice"
    );
}

#[test]
fn a_silent_agent_is_told_after_three_minutes_and_ends_the_wait_at_its_limit() {
    let target = |since: i64| {
        json!([{ "targetId": "i-1", "status": "InProgress", "lastUpdatedAt": 1_767_225_600 - since,
            "lifecycleEvents": [{ "lifecycleEventName": "ApplicationStop", "status": "Pending" }] }])
    };
    let look = |since, limit: Option<u64>| {
        let rules = Rules { agent_limit: limit.map(Duration::from_secs), ..Rules::default() };
        judge(&watch(Purpose::Deploy), &facts(json!({ "status": "InProgress" }), target(since)), rules)
    };
    assert!(look(179, None).causes.is_empty());
    let told = look(180, None);
    assert!(matches!(told.state, State::Pending { .. }) && told.causes[0].code == "agent-silent");
    assert!(matches!(look(299, Some(300)).state, State::Pending { .. }));
    assert_eq!(look(300, Some(300)).state, State::Ended(End::Failed));
}

#[test]
fn an_undo_stops_first_and_deploys_itself_only_when_codedeploy_does_not_roll_back() {
    let stop = |asked, restores| Watch { rollback_asked: asked, restores, ..watch(Purpose::Stop) };
    let info = |extra: Value| {
        let mut info = json!({ "deploymentId": "d-ONE", "status": "Stopped", "completeTime": 1_767_225_590 });
        for (name, value) in extra.as_object().unwrap() {
            info[name] = value.clone();
        }
        facts(info, json!([]))
    };
    let rules = Rules::default();
    assert!(matches!(
        judge(&stop(true, true), &info(json!({ "status": "InProgress" })), rules).state,
        State::Pending { .. }
    ));
    assert!(waits_for(&judge(&stop(true, true), &info(json!({})), rules).state).contains("rollback"));
    assert_eq!(judge(&stop(false, true), &info(json!({})), rules).state, State::Proceed);
    assert_eq!(judge(&stop(false, false), &info(json!({})), rules).state, State::Ended(End::Stopped));
    let linked = info(json!({ "rollbackInfo": { "rollbackDeploymentId": "d-TWO" } }));
    assert!(matches!(
        judge(&stop(true, true), &with_rollback(linked.clone(), "Succeeded"), rules).state,
        State::Ready(_)
    ));
    assert_eq!(judge(&stop(true, true), &with_rollback(linked, "Failed"), rules).state, State::Proceed);
    assert_eq!(
        judge(&stop(true, true), &info(json!({ "status": "Succeeded" })), rules).state,
        State::Proceed
    );
}
