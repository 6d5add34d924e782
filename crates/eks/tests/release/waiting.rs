//! When an object counts as ready, and when as failed.

use std::time::Duration;

use landfall_core::{DeployTargetExt, End, Outcome, Policy, Undo, Undone};
use landfall_simulator::{PodBehaviour, PodRule};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{World, deployment, said};

const WEB: &str = "/apis/apps/v1/namespaces/default/deployments/web";
const DB: &str = "/apis/apps/v1/namespaces/default/statefulsets/db";

fn rule(behaviour: PodBehaviour) -> PodRule {
    PodRule::of("*", "*", behaviour).image("*:2")
}

fn job(more: &str) -> String {
    format!(
        "apiVersion: batch/v1
kind: Job
metadata: {{name: migrate}}
spec:
  backoffLimit: 0
{more}  template:
    spec:
      restartPolicy: Never
      containers: [{{name: main, image: \"example.com/migrate:2\"}}]
"
    )
}

fn workload(kind: &str, name: &str, image: &str, more: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: {kind}
metadata: {{name: {name}}}
spec:
{more}  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      containers: [{{name: main, image: {image:?}}}]
"
    )
}

/// A Deployment with a short deadline.
fn hurried(image: &str) -> String {
    deployment("web", image).replace("  replicas: 2\n", "  replicas: 2\n  progressDeadlineSeconds: 20\n")
}

#[tokio::test(start_paused = true)]
async fn a_status_of_before_counts_neither_as_ready_nor_as_failed() {
    // What is there is past its deadline, and its controller takes five seconds to look at a change.
    let world = World::with(&json!({ "controller_lag_ms": 5_000 }));
    world.cluster.behave(PodRule::of("Deployment", "web", PodBehaviour::NeverReady).image("*:broken"));
    let leave = Policy::default().on_failure(Undo::Keep);
    let broken =
        world.release(&hurried("example.com/web:broken")).deploy(&world.cx("run-1").build(), &leave).await;
    assert_eq!(broken.verdict.outcome, Outcome::Ended(End::Failed), "{broken:#?}");
    assert!(said(&broken).contains("progress"), "a real deadline counts: {}", said(&broken));
    let live = world.object(WEB).unwrap();
    assert!(live["status"].to_string().contains("ProgressDeadlineExceeded"), "{live}");
    tokio::time::sleep(Duration::from_secs(180)).await;
    // After one that has failed, and after one that was ready.
    for (run, image) in [("run-2", "example.com/web:2"), ("run-3", "example.com/web:3")] {
        let begun = Instant::now();
        let report = world.deploy(run, &hurried(image)).await;
        assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{report:#?}");
        let took = begun.elapsed();
        assert!(took > Duration::from_secs(5), "{run}: not before its controller had looked: {took:?}");
        let live = world.object(WEB).unwrap();
        assert_eq!(live["status"]["observedGeneration"], live["metadata"]["generation"], "{run}");
        assert_eq!(live["status"]["updatedReplicas"], 2, "{run}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_passed_deadline_of_a_release_is_not_that_of_the_way_back() {
    // Its controller leaves the condition as it is until there is progress, and the way back begins with none.
    let world = World::new();
    world.cluster.behave(PodRule::of("Deployment", "web", PodBehaviour::NeverReady).image("*:broken"));
    let recreated =
        |image| hurried(image).replace("  replicas: 2\n", "  replicas: 2\n  strategy: {type: Recreate}\n");
    let good = world.deploy("run-1", &recreated("example.com/web:1")).await;
    assert_eq!(good.verdict.outcome, Outcome::Succeeded, "{good:#?}");
    let broken = world.deploy("run-2", &recreated("example.com/web:broken")).await;
    assert_eq!(broken.verdict.outcome, Outcome::Ended(End::Failed), "{broken:#?}");
    assert_eq!(broken.undone, Undone::Reverted, "{broken:#?}");
}

#[tokio::test(start_paused = true)]
async fn an_image_that_is_not_there_fails_within_ten_seconds_and_is_named() {
    let world = World::new();
    world.deploy("run-1", &deployment("web", "example.com/web:1")).await;
    world.cluster.behave(rule(PodBehaviour::ImageNotFound));
    let begun = Instant::now();
    let policy = Policy::default().on_failure(Undo::Keep);
    let report = world
        .release(&deployment("web", "example.com/web:2"))
        .deploy(&world.cx("run-2").build(), &policy)
        .await;
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(report.verdict.outcome, Outcome::Ended(End::Failed), "{report:#?}");
    let told = said(&report);
    assert!(told.contains("example.com/web:2") && told.contains("Pod web-"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn the_same_trouble_in_pods_of_before_is_not_the_releases() {
    let world = World::new();
    world.cluster.behave(PodRule::of("Deployment", "web", PodBehaviour::ImageNotFound).image("*:1"));
    let policy = Policy::default().on_failure(Undo::Keep);
    let first = world.release(&deployment("web", "example.com/web:1"));
    let first = first.deploy(&world.cx("run-1").build(), &policy).await;
    assert_eq!(first.verdict.outcome, Outcome::Ended(End::Failed), "{first:#?}");
    tokio::time::sleep(Duration::from_secs(180)).await;
    // For so long that no patience with the old ones would do.
    world.cluster.behave(rule(PodBehaviour::Good { ready_after_ms: 150_000 }));
    let report = world.deploy("run-2", &deployment("web", "example.com/web:2")).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{report:#?}");
}

#[tokio::test(start_paused = true)]
async fn the_last_words_of_a_container_that_crashes_are_told() {
    let world = World::new();
    let logs = vec!["starting".to_owned(), "panic: DATABASE_URL is not set".to_owned()];
    world.cluster.behave(rule(PodBehaviour::CrashLoop { exit_code: 3, logs, recovers_after: None }));
    let begun = Instant::now();
    let report = world.deploy("run-1", &deployment("web", "example.com/web:2")).await;
    assert_eq!(report.verdict.outcome, Outcome::Ended(End::Failed), "{report:#?}");
    assert!(begun.elapsed() < Duration::from_secs(60), "not only at its deadline: {:?}", begun.elapsed());
    let told = said(&report);
    assert!(told.contains("panic: DATABASE_URL is not set") && told.contains("exit code 3"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_container_that_comes_up_at_its_second_or_third_start_is_a_success() {
    // The first restart is at once, so that only before the second one it can be seen to be down.
    for restarts in [1, 2] {
        let world = World::new();
        let crash =
            PodBehaviour::CrashLoop { exit_code: 1, logs: Vec::new(), recovers_after: Some(restarts) };
        world.cluster.behave(rule(crash));
        let report = world.deploy("run-1", &deployment("web", "example.com/web:2")).await;
        assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{restarts}: {report:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_gets_its_node_after_a_minute_is_a_success_with_a_warning() {
    let world = World::new();
    world.cluster.behave(rule(PodBehaviour::Unschedulable { for_ms: Some(60_000) }));
    let report = world.deploy("run-1", &deployment("web", "example.com/web:2")).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{report:#?}");
    let news = world.news();
    assert!(news.iter().any(|news| news.contains("node")), "{news:?}");
}

#[tokio::test(start_paused = true)]
async fn a_pod_for_which_nothing_makes_a_node_fails_after_three_minutes() {
    let world = World::new();
    world.cluster.behave(rule(PodBehaviour::Unschedulable { for_ms: None }));
    let begun = Instant::now();
    let report = world.deploy("run-1", &deployment("web", "example.com/web:2")).await;
    assert_eq!(report.verdict.outcome, Outcome::Ended(End::Failed), "{report:#?}");
    let took = begun.elapsed().as_secs();
    assert!((180..200).contains(&took), "{took} s");
    assert!(said(&report).contains("node"), "{}", said(&report));
}

#[tokio::test(start_paused = true)]
async fn a_quota_that_is_used_up_fails_in_fifteen_seconds_and_is_named() {
    let world = World::new();
    world.cluster.behave(rule(PodBehaviour::QuotaExceeded { quota: "compute".to_owned() }));
    let begun = Instant::now();
    let report = world.deploy("run-1", &deployment("web", "example.com/web:2")).await;
    assert_eq!(report.verdict.outcome, Outcome::Ended(End::Failed), "{report:#?}");
    let took = begun.elapsed().as_secs();
    assert!((15..20).contains(&took), "{took} s");
    assert!(report.verdict.causes[0].message.contains("compute"), "{}", said(&report));
}

#[tokio::test(start_paused = true)]
async fn a_job_that_fails_ends_the_wait_with_the_words_of_its_pod() {
    let world = World::new();
    let logs = vec!["relation \"users\" already exists".to_owned()];
    world.cluster.behave(rule(PodBehaviour::Fails { exit_code: 1, logs }));
    let begun = Instant::now();
    let report = world.deploy("run-1", &job("")).await;
    assert_eq!(report.verdict.outcome, Outcome::Ended(End::Failed), "{report:#?}");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert!(said(&report).contains("already exists"), "{}", said(&report));
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_removed_when_it_has_ended_is_a_success() {
    let world = World::new();
    world.cluster.behave(PodRule::of("Deployment", "*", PodBehaviour::Good { ready_after_ms: 30_000 }));
    let text = [job("  ttlSecondsAfterFinished: 1\n"), deployment("web", "example.com/web:1")].join("---\n");
    let report = world.deploy("run-1", &text).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{report:#?}");
    assert_eq!(
        world.object("/apis/batch/v1/namespaces/default/jobs/migrate"),
        None,
        "it went during the wait"
    );
    assert!(world.news_ids().iter().any(|id| id.ends_with("job-gone")), "{:?}", world.news_ids());
}

#[tokio::test(start_paused = true)]
async fn a_custom_resource_is_ready_when_its_controller_has_said_so() {
    let world = World::new();
    let [widget, _, definition, _] = crate::ordering::WRONG_ORDER.split("---\n").collect::<Vec<_>>()[..]
    else {
        panic!("the documents are others");
    };
    let widget = widget.replace(", namespace: shop", "");
    let path = "/apis/example.com/v1/namespaces/default/widgets/w";
    let text = format!("{definition}---\n{widget}");
    let begun = Instant::now();
    let deploying = async {
        let report = world.deploy("run-1", &text).await;
        (report, begun.elapsed())
    };
    let controller = async {
        world.made(path).await;
        for status in ["False", "True"] {
            tokio::time::sleep(Duration::from_secs(5)).await;
            let told = json!({ "apiVersion": "example.com/v1", "kind": "Widget", "metadata": { "name": "w" }, "status": {
                "observedGeneration": 1, "conditions": [{ "type": "Ready", "status": status }]
            } });
            world.apply_as("widgets", &format!("{path}/status"), &told).await;
        }
    };
    let ((report, took), ()) = tokio::join!(deploying, controller);
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{report:#?}");
    assert!(took >= Duration::from_secs(10), "not without a status, and not when False: {took:?}");
}

/// A workload that ends ready in a way of its own.
struct Strange {
    name: &'static str,
    kind: &'static str,
    /// What is there before, and what is deployed.
    before: &'static str,
    after: &'static str,
    /// The code of a warning that is told with the success.
    warning: &'static str,
    /// What the status counts then, and not earlier.
    counts: &'static [(&'static str, i64)],
}

const STRANGE_AND_GOOD: [Strange; 5] = [
    Strange {
        name: "partition",
        kind: "StatefulSet",
        before: "  replicas: 3\n",
        after: "  replicas: 3\n  updateStrategy: {rollingUpdate: {partition: 2}}\n",
        warning: "partition",
        counts: &[("replicas", 3), ("updatedReplicas", 1), ("readyReplicas", 3)],
    },
    Strange {
        name: "scale down",
        kind: "StatefulSet",
        before: "  replicas: 3\n",
        after: "  replicas: 1\n",
        warning: "",
        counts: &[("replicas", 1), ("updatedReplicas", 1), ("readyReplicas", 1)],
    },
    Strange {
        name: "none",
        kind: "StatefulSet",
        before: "  replicas: 1\n",
        after: "  replicas: 0\n",
        warning: "image-not-proven",
        counts: &[("replicas", 0)],
    },
    Strange {
        name: "recreate",
        kind: "Deployment",
        before: "  replicas: 2\n  strategy: {type: Recreate}\n",
        after: "  replicas: 2\n  strategy: {type: Recreate}\n",
        warning: "",
        counts: &[("replicas", 2), ("updatedReplicas", 2), ("availableReplicas", 2)],
    },
    Strange {
        name: "no node",
        kind: "DaemonSet",
        before: "",
        after: "",
        warning: "",
        counts: &[("desiredNumberScheduled", 0)],
    },
];

#[tokio::test(start_paused = true)]
async fn workloads_in_all_their_ways_end_ready() {
    for Strange { name, kind, before, after, warning, counts } in STRANGE_AND_GOOD {
        let world = World::with(&json!({ "nodes": if name == "no node" { 0 } else { 2 } }));
        for (run, image, more) in
            [("run-1", "example.com/db:1", before), ("run-2", "example.com/db:2", after)]
        {
            let report = world.deploy(run, &workload(kind, "db", image, more)).await;
            assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{name}: {report:#?}");
        }
        let path = format!("/apis/apps/v1/namespaces/default/{}s/db", kind.to_lowercase());
        let status = world.object(&path).unwrap()["status"].clone();
        for (count, expected) in counts {
            let there = status[*count].as_i64().unwrap_or_default();
            assert_eq!(there, *expected, "{name}: {count} when it counts as ready: {status}");
        }
        let news = world.news_ids();
        assert!(warning.is_empty() || news.iter().any(|id| id.ends_with(warning)), "{name}: {news:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_person_says_so() {
    for (kind, more, wants) in [
        ("StatefulSet", "  replicas: 2\n  updateStrategy: {type: OnDelete}\n", "delete"),
        ("Deployment", "  replicas: 2\n  paused: true\n", "resume"),
    ] {
        let world = World::new();
        let before = if kind == "Deployment" { "  replicas: 2\n" } else { more };
        world.deploy("run-1", &workload(kind, "db", "example.com/db:1", before)).await;
        let release = world.release(&workload(kind, "db", "example.com/db:2", more));
        let policy = Policy::default().timeout(Duration::from_secs(60)).on_failure(Undo::Keep);
        let report = release.deploy(&world.cx("run-2").build(), &policy).await;
        let Outcome::TimedOut { waiting_for, person } = &report.verdict.outcome else {
            panic!("{report:#?}")
        };
        assert!(*person && waiting_for.contains(wants), "{waiting_for}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_a_person_deletes_lets_a_set_of_on_delete_go_on() {
    let world = World::new();
    let set =
        |image| workload("StatefulSet", "db", image, "  replicas: 1\n  updateStrategy: {type: OnDelete}\n");
    world.deploy("run-1", &set("example.com/db:1")).await;
    let text = set("example.com/db:2");
    let person = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        let pod = "/api/v1/namespaces/default/pods/db-0";
        world.send_as("kubectl", "DELETE", pod, "application/json", &Value::Null).await;
    };
    let (report, ()) = tokio::join!(world.deploy("run-2", &text), person);
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{report:#?}");
    assert_eq!(world.object(DB).unwrap()["status"]["updatedReplicas"], 1);
}
