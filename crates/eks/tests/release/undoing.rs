//! What a failed release leaves: what was there before.

use std::time::Duration;

use landfall_core::event::EventKind;
use landfall_core::{DeployTarget, DeployTargetExt, End, Outcome, Policy, Revert, Undo, Undone};
use landfall_eks::Prune;
use landfall_simulator::{PodBehaviour, PodRule};
use serde_json::{Value, json};

use crate::support::{World, deployment, said, web};

const NEW: &str = "/api/v1/namespaces/default/configmaps/new";
const SETTINGS: &str = "/api/v1/namespaces/default/configmaps/web";
const DB: &str = "/apis/apps/v1/namespaces/default/statefulsets/db";

fn new() -> String {
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: new}\n".to_owned()
}

#[tokio::test(start_paused = true)]
async fn evidence_comes_before_the_undo_and_what_the_run_made_goes_by_its_uid() {
    let world = World::new();
    world.deploy("run-1", &web("example.com/web:1", "a")).await;
    let logs = vec!["panic: no settings".to_owned()];
    let crash = PodBehaviour::CrashLoop { exit_code: 1, logs, recovers_after: None };
    world.cluster.behave(PodRule::of("Deployment", "web", crash).image("*:2"));
    world.told.lock().unwrap().clear();
    let report = world.deploy("run-2", &[web("example.com/web:2", "b"), new()].join("---\n")).await;
    assert_eq!((&report.verdict.outcome, &report.undone), (&Outcome::Ended(End::Failed), &Undone::Reverted));
    assert_eq!(report.exit_code(), 3, "it failed, and what was there before is there again");
    let told = world.told.lock().unwrap();
    let place = |what: &dyn Fn(&EventKind) -> bool| told.iter().position(|event| what(&event.kind)).unwrap();
    let evidence = place(&|kind| json!(kind).to_string().contains("panic: no settings"));
    let undo = place(&|kind| matches!(kind, EventKind::Undoing { .. }));
    assert!(evidence < undo, "{evidence} {undo}");
    assert_eq!(world.object(SETTINGS).unwrap()["data"]["setting"], "a");
    assert_eq!(world.object(NEW), None);
}

#[tokio::test(start_paused = true)]
async fn what_somebody_has_made_anew_meanwhile_is_left_alone() {
    let world = World::new();
    world.deploy("run-1", &web("example.com/web:1", "a")).await;
    world.cluster.behave(PodRule::of("Deployment", "web", PodBehaviour::NeverReady).image("*:2"));
    let release = world.release(&[web("example.com/web:2", "a"), new()].join("---\n"));
    let (cx, policy) = (world.cx("run-2").build(), Policy::default().timeout(Duration::from_secs(60)));
    let somebody = async {
        tokio::time::sleep(Duration::from_secs(10)).await;
        // A copy with the label of the release: only its UID is another.
        let labels = world.object(NEW).unwrap()["metadata"]["labels"].clone();
        world.send_as("kubectl", "DELETE", NEW, "application/json", &Value::Null).await;
        let anew = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "new", "labels": labels },
            "data": { "by": "kubectl" }
        });
        world.apply_as("kubectl", NEW, &anew).await;
    };
    let (report, ()) = tokio::join!(release.deploy(&cx, &policy), somebody);
    assert!(matches!(report.verdict.outcome, Outcome::TimedOut { .. }), "{report:#?}");
    assert_eq!(report.undone, Undone::Reverted, "{report:#?}");
    assert_eq!(world.object(NEW).unwrap()["data"]["by"], "kubectl");
}

#[tokio::test(start_paused = true)]
async fn a_stateful_set_that_waits_for_broken_pods_for_ever_is_freed_of_them() {
    let world = World::new();
    let set = |image: &str| deployment("db", image).replace("Deployment", "StatefulSet");
    world.deploy("run-1", &set("example.com/db:1")).await;
    world.cluster.behave(PodRule::of("StatefulSet", "db", PodBehaviour::ImageNotFound).image("*:2"));
    let report = world.deploy("run-2", &set("example.com/db:2")).await;
    assert_eq!(report.undone, Undone::Reverted, "{report:#?}");
    let live = world.object(DB).unwrap();
    assert_eq!(
        (&live["status"]["readyReplicas"], &live["status"]["updatedReplicas"]),
        (&json!(2), &json!(2))
    );
    assert!(world.notes().contains(&"stuck-pod-deleted".to_owned()), "{:?}", world.notes());
}

#[tokio::test(start_paused = true)]
async fn what_the_release_had_taken_in_is_given_back_as_it_was() {
    let world = World::new();
    let theirs = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "web", "labels": { "team": "shop" } },
        "data": { "setting": "theirs" }
    });
    world.apply_as("kubectl", SETTINGS, &theirs).await;
    world.cluster.behave(PodRule::of("Deployment", "web", PodBehaviour::ImageNotFound));
    let report = world.deploy("run-1", &web("example.com/web:1", "ours")).await;
    assert_eq!(report.undone, Undone::Reverted, "{report:#?}");
    let live = world.object(SETTINGS).unwrap();
    assert_eq!(
        (&live["data"]["setting"], &live["metadata"]["labels"]),
        (&json!("theirs"), &json!({ "team": "shop" }))
    );
    assert_eq!(world.object("/apis/apps/v1/namespaces/default/deployments/web"), None);
    let again =
        world.release(&web("example.com/web:1", "ours")).plan(&world.cx("run-2").build()).await.unwrap();
    assert_eq!(again.changes.len(), 2, "{again:#?}");
    // It is nobody's release: there is nothing that a later one would prune.
    let without = world
        .release_with(&deployment("web", "example.com/web:1"), |builder| builder.prune(Prune::Everything));
    let without = without.plan(&world.cx("run-3").build()).await.unwrap();
    assert_eq!(without.changes.len(), 1, "{without:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_release_that_was_deployed_again_since_is_not_undone() {
    let world = World::new();
    let release = world.release(&web("example.com/web:1", "a"));
    let cx = world.cx("run-1").build();
    let report = release.deploy(&cx, &Policy::default()).await;
    world.deploy("run-2", &web("example.com/web:2", "b")).await;
    let answer = release.revert(&cx, report.plan.as_ref().unwrap(), report.receipt.as_ref()).await.unwrap();
    assert!(
        matches!(&answer, Revert::Impossible { reason } if reason.contains("deployed again")),
        "{answer:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_ready_and_then_restarts_within_its_time_has_failed() {
    // The simulated kubelet takes its time to look at a pod, and does not see at once what is written here in its name.
    let world = World::with(&json!({ "controller_lag_ms": 2_000 }));
    let leave = Policy::default().on_failure(Undo::Keep);
    let release = world.release_with(&deployment("web", "example.com/web:1"), |builder| {
        builder.stable_for(Duration::from_secs(60))
    });
    let pods = "/api/v1/namespaces/default/pods";
    let kubelet = async {
        tokio::time::sleep(Duration::from_secs(45)).await;
        let mut pod = world.list(pods).await[0].clone();
        assert_eq!(pod["status"]["containerStatuses"][0]["ready"], true, "{pod}");
        pod["status"]["containerStatuses"][0]["restartCount"] = json!(1);
        let path = format!("{pods}/{}/status", pod["metadata"]["name"].as_str().unwrap());
        world.send_as("kubelet", "PUT", &path, "application/json", &pod).await;
    };
    let cx = world.cx("run-1").build();
    let (report, ()) = tokio::join!(release.deploy(&cx, &leave), kubelet);
    assert_eq!(report.verdict.outcome, Outcome::Ended(End::Failed), "{report:#?}");
    let told = said(&report);
    assert!(told.contains("was ready, and then its containers were restarted once"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn what_stays_ready_for_its_time_is_good_and_not_before() {
    let world = World::new();
    let begun = tokio::time::Instant::now();
    let minute = Duration::from_secs(60);
    let report = world
        .deploy_with("run-1", &web("example.com/web:1", "a"), |builder| builder.stable_for(minute))
        .await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{report:#?}");
    assert!((60..70).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_lock_was_taken_over_says_who_has_it() {
    let world = World::new();
    world.cluster.behave(PodRule::of("*", "*", PodBehaviour::Good { ready_after_ms: 300_000 }));
    let lease = "/apis/coordination.k8s.io/v1/namespaces/default/leases/landfall-web";
    let thief = async {
        tokio::time::sleep(Duration::from_secs(30)).await;
        let later = world.simulator.now() + jiff::SignedDuration::from_hours(1);
        let taken = json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": { "name": "landfall-web" },
            "spec": { "holderIdentity": "thief/deploy", "leaseDurationSeconds": 120, "renewTime": format!("{later:.6}") }
        });
        world.apply_as("landfall", lease, &taken).await;
    };
    let text = web("example.com/web:1", "a");
    let (report, ()) = tokio::join!(world.deploy("run-1", &text), thief);
    let by = "thief/deploy".to_owned();
    assert_eq!(report.verdict.outcome, Outcome::Ended(End::Superseded { by }), "{report:#?}");
    assert!(world.object(SETTINGS).is_some(), "what the other one deploys is not undone");
}

#[tokio::test(start_paused = true)]
async fn an_object_that_somebody_deletes_during_the_wait_is_a_failure() {
    let world = World::new();
    world.cluster.behave(PodRule::of("*", "*", PodBehaviour::Good { ready_after_ms: 60_000 }));
    let path = "/apis/apps/v1/namespaces/default/deployments/web";
    let somebody = async {
        tokio::time::sleep(Duration::from_secs(10)).await;
        world.send_as("kubectl", "DELETE", path, "application/json", &Value::Null).await;
    };
    let text = web("example.com/web:1", "a");
    let (report, ()) = tokio::join!(world.deploy("run-1", &text), somebody);
    assert_eq!(report.verdict.outcome, Outcome::Ended(End::Failed), "{report:#?}");
    assert!(said(&report).contains("deleted by somebody else"), "{report:#?}");
}
