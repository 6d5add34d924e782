//! `--output json`: the event stream, and nothing else on standard output.

use serde_json::Value;

use crate::support::{Cloud, Ran, run};

/// Every line of standard output, each checked against the published schema.
pub(crate) fn events(ran: &Ran) -> Vec<Value> {
    let schema = include_str!("../../docs/events.schema.json");
    let validator = jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap();
    let check = |line: &str| {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let problems: Vec<String> =
            validator.iter_errors(&event).map(|problem| problem.to_string()).collect();
        assert!(problems.is_empty(), "{line}: {problems:?}");
        event
    };
    ran.stdout.lines().map(check).collect()
}

pub(crate) fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().filter_map(|event| event["event"].as_str()).collect()
}

#[tokio::test]
async fn a_deployment_is_a_stream_of_events_that_fit_the_schema() {
    let cloud = Cloud::new("good").await;
    let ran = run(cloud.deploy(&["--output", "json", "--run-id", "shop/1"])).await;
    let events = events(&ran);
    assert_eq!(kinds(&events)[..4], ["signed-in", "started", "planned", "applied"]);
    let last = events.last().unwrap();
    assert_eq!((last["event"].as_str(), last["exit_code"].as_i64()), (Some("finished"), Some(0)));
    assert_eq!(last["verdict"]["outcome"], "succeeded");
    assert_eq!(last["verdict"]["outputs"]["task_definition"], "web:3");
    assert!(events.iter().all(|event| event["run"] == "shop/1"));
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
}

#[tokio::test]
async fn causes_are_codes_for_programs() {
    let cloud = Cloud::new("image-not-found").await;
    let ran = run(cloud.deploy(&["--output", "json"])).await;
    let events = events(&ran);
    let last = events.last().unwrap();
    assert_eq!(last["exit_code"].as_i64(), Some(i64::from(ran.code)));
    assert_eq!(last["verdict"]["end"], "rolled-back");
    assert_eq!(last["verdict"]["causes"][0]["code"], "image-not-found");
}

#[tokio::test]
async fn input_that_cannot_be_used_is_an_event_too() {
    let cloud = Cloud::new("good").await;
    let ran = run(cloud.deploy(&["--output", "json", "--timeout", "soon"])).await;
    let events = events(&ran);
    assert_eq!(kinds(&events), ["aborted"]);
    assert_eq!(events[0]["error"]["causes"][0]["field"], "--timeout");
    assert_eq!(ran.code, 2);
}
