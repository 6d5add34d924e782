//! Values of Secrets are in the cluster and nowhere else.

use landfall_core::{DeployTarget, Journal, Outcome};
use landfall_simulator::{Fault, FaultKind};

use crate::support::World;

/// Three values, and how the cluster has the last one.
const VALUES: [&str; 3] = ["hunter2-before", "hunter2-after", "aHVudGVyMi1hZnRlcg"];

/// A key that is not named like a secret: what hides its value is that it stands in one.
fn secret(value: &str) -> String {
    format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: web}}\nstringData: {{greeting: {value}}}\n")
}

#[tokio::test(start_paused = true)]
async fn no_value_of_a_secret_is_in_a_plan_an_event_a_report_a_journal_or_a_debug_form() {
    let world = World::new();
    let first = world.deploy("run-1", &secret(VALUES[0])).await;
    assert_eq!(first.verdict.outcome, Outcome::Succeeded, "{first:#?}");
    let release = world.release(&secret(VALUES[1]));
    let plan = release.plan(&world.cx("run-2").build()).await.unwrap();
    let detail = serde_json::to_string(&plan).unwrap();
    assert!(detail.contains("greeting"), "which value changes is told: {detail}");
    // The server repeats what it was sent when it refuses it.
    let message = format!("Secret \"web\" is invalid: data.greeting: Invalid value: \"{}\": no", VALUES[1]);
    let invalid = FaultKind::Error { code: "Invalid".to_owned(), message, status: 422 };
    world.simulator.add_fault(Fault::new("kubernetes", "patch secrets", invalid));
    let refused = world.deploy("run-2", &secret(VALUES[1])).await;
    assert!(matches!(refused.verdict.outcome, Outcome::Refused { .. }), "{refused:#?}");
    world.simulator.clear_faults();
    let second = world.deploy("run-3", &secret(VALUES[1])).await;
    assert_eq!(second.verdict.outcome, Outcome::Succeeded, "{second:#?}");
    let journal = format!("{:?}", world.journal.runs().await.unwrap());
    let events = format!("{:?}", world.told.lock().unwrap());
    let texts = [detail, format!("{first:?}{refused:?}{second:?}"), journal, events, format!("{release:?}")];
    for value in VALUES {
        for (place, text) in texts.iter().enumerate() {
            assert!(!text.contains(value), "{value} is in text {place}: {text}");
        }
    }
}
