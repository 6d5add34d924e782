//! Servers that others wrote, imitated in what they do differently from AWS.

use std::time::Duration;

use landfall_core::{Outcome, Policy, Undone};
use landfall_simulator::{Fault, FaultKind, Scenario, Simulator};

use crate::stage::{Stage, told};

fn answering(operation: &str, body: &str) -> Stage {
    let content_type = "application/x-amz-json-1.1".to_owned();
    with(operation, FaultKind::Http { status: 200, body: body.to_owned(), content_type })
}

fn with(operation: &str, kind: FaultKind) -> Stage {
    let simulator = Simulator::builder().scenario(Scenario::named("good").unwrap()).build();
    simulator.add_fault(Fault::new("ecs", operation, kind));
    Stage::with(simulator)
}

#[tokio::test(start_paused = true)]
async fn throttling_that_does_not_end_is_named_and_changes_nothing() {
    let stage = with("UpdateService", FaultKind::Throttle { code: "ThrottlingException".to_owned() });
    let report = stage.deploy().await;
    assert_eq!((report.exit_code(), &report.undone), (1, &Undone::NothingToDo), "{}", told(&report));
    for words in ["ecs UpdateService", "ThrottlingException", "run again later"] {
        assert!(told(&report).contains(words), "{words:?} is not in {}", told(&report));
    }
}

/// Some local servers know ListServiceDeployments and answer it with an empty list for ever.
#[tokio::test(start_paused = true)]
async fn an_end_that_the_service_shows_is_believed_when_service_deployments_never_show_up() {
    let stage = answering("ListServiceDeployments", r#"{"serviceDeployments": []}"#);
    let began = tokio::time::Instant::now();
    let report = stage.run(&stage.target(), &Policy::default().timeout(Duration::from_secs(60))).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_end_that_the_service_shows_is_believed_when_the_service_deployment_stays_missing() {
    let stage = answering("DescribeServiceDeployments", r#"{"serviceDeployments": [], "failures": []}"#);
    let report = stage.run(&stage.target(), &Policy::default().timeout(Duration::from_secs(60))).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
}

#[tokio::test(start_paused = true)]
async fn a_server_without_service_deployments_is_deployed_to_by_what_its_service_shows() {
    for operation in ["ListServiceDeployments", "DescribeServiceDeployments"] {
        let (code, message) = ("UnknownOperationException".to_owned(), String::new());
        let stage = with(operation, FaultKind::Error { code, message, status: 400 });
        let report = stage.run(&stage.target(), &Policy::default().timeout(Duration::from_secs(60))).await;
        assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{operation}: {}", told(&report));
    }
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_took_our_place_is_never_undone_because_reads_lag_behind_it() {
    let simulator = Simulator::builder().scenario(Scenario::named("superseded").unwrap()).build();
    for operation in ["DescribeServices", "ListServiceDeployments"] {
        simulator.add_fault(Fault::new("ecs", operation, FaultKind::Stale { seconds: 6 }));
    }
    let stage = Stage::with(simulator);
    let report = stage.run(&stage.target(), &Policy::default()).await;
    assert_eq!(report.exit_code(), 5, "{}", told(&report));
    assert_eq!((stage.calls("UpdateService"), stage.live()), (1, "web:1".to_owned()), "{}", told(&report));
}
