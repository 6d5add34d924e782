//! When landfall gives up before AWS does, and when it must not.

use serde_json::{Value, json};

use super::{OURS, began, deployment, seen, service, service_deployment, watch};
use crate::judge::{Facts, Repeated, fail_fast};
use crate::memory::{Purpose, Watch};

fn repeated(tasks: u32) -> Option<Repeated> {
    Some(Repeated { code: "image-not-found".to_owned(), tasks })
}

/// Our service deployment with this circuit breaker and so many tasks running.
fn going(status: &str, breaker: &str, running: u64) -> Value {
    let mut going = service_deployment(
        status,
        &json!({ "deploymentCircuitBreaker": { "status": breaker, "failureCount": 0, "threshold": 3 } }),
    );
    going["targetServiceRevision"]["runningTaskCount"] = running.into();
    going
}

/// The service with a circuit breaker or without, ours its primary deployment with so many tasks running.
fn listed(breaker: bool, running: u64) -> Value {
    let mut ours = deployment(OURS, "PRIMARY", 3, began(), Some("IN_PROGRESS"));
    ours["runningCount"] = running.into();
    let mut service = service(&[ours]);
    service["deploymentConfiguration"] =
        json!({ "deploymentCircuitBreaker": { "enable": breaker, "rollback": breaker } });
    service
}

#[test]
fn only_a_lasting_cause_that_nobody_else_would_end_is_ended() {
    let gives_up = |facts: &Facts, tasks: u32| {
        fail_fast(&watch(Purpose::Deploy), facts, repeated(tasks).as_ref()).is_some()
    };
    let off =
        |running| seen(60, Some(going("IN_PROGRESS", "DISABLED", running)), Some(listed(false, running)));
    let rows: Vec<(&str, Facts, u32, bool)> = vec![
        ("three tasks and no breaker", off(0), 3, true),
        ("two tasks are too few", off(0), 2, false),
        ("a task of ours runs", off(1), 5, false),
        ("the breaker counts", seen(60, Some(going("IN_PROGRESS", "MONITORING", 0)), None), 3, false),
        ("the breaker has tripped", seen(60, Some(going("IN_PROGRESS", "TRIGGERED", 0)), None), 3, false),
        (
            "AWS rolls back already",
            seen(60, Some(going("ROLLBACK_IN_PROGRESS", "DISABLED", 0)), None),
            3,
            false,
        ),
        ("only the service is seen, without breaker", seen(60, None, Some(listed(false, 0))), 3, true),
        ("only the service is seen, with breaker", seen(60, None, Some(listed(true, 0))), 3, false),
        ("nothing is seen", seen(60, None, None), 3, false),
    ];
    for (what, facts, tasks, expected) in rows {
        assert_eq!(gives_up(&facts, tasks), expected, "{what}");
    }
    let untold = fail_fast(&watch(Purpose::Deploy), &off(0), None);
    assert!(untold.is_none(), "no cause, no judgement");
}

#[test]
fn an_alarm_that_watches_ends_nothing_and_one_that_went_off_does() {
    let with = |status: &str| {
        let mut going = going("IN_PROGRESS", "DISABLED", 0);
        going["alarms"] = json!({ "status": status, "triggeredAlarmNames": [] });
        fail_fast(&watch(Purpose::Deploy), &seen(60, Some(going), None), repeated(3).as_ref()).is_some()
    };
    assert_eq!((with("MONITORING"), with("TRIGGERED")), (true, false));
}

#[test]
fn it_says_that_it_is_landfalls_own_judgement_and_never_judges_what_is_not_ours() {
    let facts = seen(60, Some(going("IN_PROGRESS", "DISABLED", 0)), None);
    let cause = fail_fast(&watch(Purpose::Deploy), &facts, repeated(4).as_ref()).unwrap();
    assert!(
        cause.message.contains("landfall, not ECS") && cause.message.contains("4 tasks"),
        "{}",
        cause.message
    );
    let adopted = Watch { adopted: true, ..watch(Purpose::Deploy) };
    for other in [adopted, watch(Purpose::Busy), watch(Purpose::Unchanged), watch(Purpose::RollBack)] {
        assert!(fail_fast(&other, &facts, repeated(4).as_ref()).is_none(), "{:?}", other.purpose);
    }
}
