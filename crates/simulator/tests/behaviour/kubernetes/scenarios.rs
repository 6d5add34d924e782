//! The built-in scenarios of rollouts are what they say, as somebody with `kubectl` sees them.

use std::time::Duration;

use landfall_simulator::{DEMO_ACCOUNT, DEMO_EKS_CLUSTER, DEMO_REGION, Scenario, Simulator};
use serde_json::{Value, json};

use super::rollouts::job;
use super::{Cluster, DEPLOYMENTS, condition};

pub(super) fn cluster(scenario: &str) -> Cluster {
    let simulator = Simulator::builder().scenario(Scenario::named(scenario).unwrap()).build();
    let api = simulator.kubernetes(DEMO_ACCOUNT, DEMO_REGION, DEMO_EKS_CLUSTER);
    Cluster { simulator, api }
}

/// The next release of the demonstration's Deployment.
pub(super) fn web() -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": "web", "labels": { "app": "web" } },
        "spec": {
            "replicas": 2,
            "selector": { "matchLabels": { "app": "web" } },
            "template": {
                "metadata": { "labels": { "app": "web" } },
                "spec": {
                    "initContainers": [{ "name": "migrate", "image": "registry.example.com/web:2.0" }],
                    "containers": [{ "name": "web", "image": "registry.example.com/web:2.0" }]
                }
            }
        }
    })
}

pub(super) fn path() -> String {
    format!("{DEPLOYMENTS}/web")
}

/// The pods of the new release, and how many of the old one are ready.
pub(super) async fn new_and_old(cluster: &Cluster) -> (Vec<Value>, usize) {
    let is_new = |pod: &Value| pod["spec"]["containers"][0]["image"] == "registry.example.com/web:2.0";
    let (new, old): (Vec<Value>, Vec<Value>) = cluster.pods().await.into_iter().partition(is_new);
    (new, old.iter().filter(|pod| condition(pod, "Ready") == "True").count())
}

#[tokio::test(start_paused = true)]
async fn the_demonstration_runs_a_deployment_that_landfall_has_applied() {
    let cluster = cluster("good");
    let web = cluster.get(&path()).await.ok();
    assert_eq!(condition(&web, "Progressing"), "True NewReplicaSetAvailable");
    let managers = web["metadata"]["managedFields"].as_array().unwrap();
    assert!(managers.iter().any(|one| one["manager"] == "landfall" && one["operation"] == "Apply"));
    assert_eq!(new_and_old(&cluster).await.1, 2);
    cluster.apply(&path(), &self::web()).await.ok();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let (new, old) = new_and_old(&cluster).await;
    assert_eq!((new.len(), old), (2, 0));
    let log = format!("/api/v1/namespaces/default/pods/{}/log", new[0]["metadata"]["name"].as_str().unwrap());
    assert_eq!(cluster.get(&format!("{log}?container=web")).await.text, "web started\n");
}

/// Scenario; what pods, ReplicaSets and events tell of it; and the last words of a container, if it has any.
const FAIL: [(&str, &[&str], &str); 19] = [
    ("image-not-found", &["ImagePullBackOff", "web:2.0: not found"], ""),
    ("image-denied", &["ImagePullBackOff", "403 Forbidden"], ""),
    ("image-rate-limit", &["ImagePullBackOff", "toomanyrequests"], ""),
    ("image-name-invalid", &["InvalidImageName", "invalid reference format"], ""),
    ("image-never-pulled", &["ErrImageNeverPull", "pull policy of Never"], ""),
    ("config-missing", &["CreateContainerConfigError", "Error: secret \"web-settings\" not found"], ""),
    ("command-missing", &["RunContainerError", "no such file or directory"], ""),
    ("crash", &["CrashLoopBackOff", "\"exitCode\":1,\"reason\":\"Error\""], "panic: DATABASE_URL is not set"),
    (
        "out-of-memory",
        &["CrashLoopBackOff", "\"exitCode\":137,\"reason\":\"OOMKilled\""],
        "4,000,000 articles",
    ),
    ("init-crash", &["CrashLoopBackOff", "PodInitializing", "ContainersNotInitialized"], "already exists"),
    (
        "liveness",
        &["\"exitCode\":137,\"reason\":\"Error\"", "Liveness probe failed", "Killing"],
        "worker pool is exhausted",
    ),
    ("never-ready", &["Readiness probe failed"], ""),
    ("unschedulable", &["Unschedulable", "0/2 nodes are available"], ""),
    ("no-node-fits", &["Unschedulable", "NotTriggerScaleUp"], ""),
    ("node-comes", &["Unschedulable", "TriggeredScaleUp"], ""),
    ("quota", &["ReplicaFailure", "exceeded quota: compute"], ""),
    ("pod-security", &["ReplicaFailure", "pods \"web-", "violates PodSecurity"], ""),
    ("webhook-denies", &["ReplicaFailure", "image is not signed"], ""),
    ("volume-missing", &["ContainerCreating", "FailedMount", "configmap \"web-settings\" not found"], ""),
];

#[tokio::test(start_paused = true)]
async fn a_release_does_not_come_up_for_the_reason_of_its_scenario_and_the_old_one_stays() {
    for (scenario, reasons, words) in FAIL {
        let cluster = cluster(&format!("kubernetes-{scenario}"));
        cluster.apply(&path(), &web()).await.ok();
        tokio::time::sleep(Duration::from_secs(5)).await;
        let (new, old) = new_and_old(&cluster).await;
        assert_eq!(old, 2, "{scenario}");
        assert!(new.iter().all(|pod| condition(pod, "Ready") != "True"), "{scenario}");
        let sets = cluster.get("/apis/apps/v1/namespaces/default/replicasets").await.ok();
        let events = cluster.get("/api/v1/namespaces/default/events").await.ok();
        let seen = format!("{}{sets}{events}", Value::from(new.clone()));
        // Quotes inside of a text of JSON.
        let seen = seen.replace("\\\"", "\"");
        for reason in reasons {
            assert!(seen.contains(reason), "{scenario}: {reason} is not in {seen}");
        }
        if !words.is_empty() {
            let name = new[0]["metadata"]["name"].as_str().unwrap();
            let container = if scenario == "init-crash" { "migrate" } else { "web" };
            for previous in [true, false] {
                let log = format!("pods/{name}/log?container={container}&previous={previous}&tailLines=1");
                let last = cluster.get(&format!("/api/v1/namespaces/default/{log}")).await;
                assert_eq!(last.status, 200, "{scenario}: {}", last.text);
                assert!(last.text.contains(words), "{scenario}: {}", last.text);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_scenario_breaks_is_mended_by_putting_the_old_release_back() {
    for scenario in ["crash", "image-not-found", "quota"] {
        let cluster = cluster(&format!("kubernetes-{scenario}"));
        let before = cluster.get(&path()).await.ok();
        cluster.apply(&path(), &web()).await.ok();
        tokio::time::sleep(Duration::from_secs(5)).await;
        let mut old = web();
        old["spec"]["template"] = before["spec"]["template"].clone();
        cluster.apply(&path(), &old).await.ok();
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(new_and_old(&cluster).await, (Vec::new(), 2), "{scenario}");
        assert_eq!(
            condition(&cluster.object(&path()), "Progressing"),
            "True NewReplicaSetAvailable",
            "{scenario}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_release_may_come_up_after_all() {
    for (scenario, seconds, told) in [
        ("crash-recovers", 5, "BackOff|Started"),
        ("node-comes", 90, "TriggeredScaleUp"),
        ("evicted", 5, "Evicted"),
        ("slow", 5, "Started"),
    ] {
        let cluster = cluster(&format!("kubernetes-{scenario}"));
        cluster.apply(&path(), &web()).await.ok();
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let (new, old) = new_and_old(&cluster).await;
        let ready = new.iter().filter(|pod| condition(pod, "Ready") == "True").count();
        assert_eq!((ready, old), (2, 0), "{scenario}");
        let events = cluster.events().await;
        assert!(events.iter().any(|(reason, _)| told.split('|').any(|one| one == reason)), "{scenario}");
        let restarted = new.iter().any(|pod| pod["status"]["containerStatuses"][0]["restartCount"] == 1);
        assert_eq!(restarted, scenario == "crash-recovers", "{scenario}");
        let evicted = new.iter().filter(|pod| pod["status"]["reason"] == "Evicted").count();
        // Those that take the place of evicted ones stay.
        let expected = if scenario == "evicted" { 1..=2 } else { 0..=0 };
        assert!(expected.contains(&evicted), "{scenario}: {evicted}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_passed_before_is_told_until_the_controller_has_looked() {
    let cluster = cluster("kubernetes-deadline-passed-before");
    let passed = "False ProgressDeadlineExceeded";
    assert_eq!(new_and_old(&cluster).await.1, 0, "what runs is broken");
    assert_eq!(condition(&cluster.object(&path()), "Progressing"), passed);
    cluster.apply(&path(), &web()).await.ok();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let stale = cluster.object(&path());
    assert_eq!(condition(&stale, "Progressing"), passed);
    assert_ne!(stale["status"]["observedGeneration"], stale["metadata"]["generation"]);
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(condition(&cluster.object(&path()), "Progressing"), "True NewReplicaSetAvailable");
}

#[tokio::test(start_paused = true)]
async fn a_job_fails_and_its_pods_tell_why() {
    let cluster = cluster("kubernetes-job-fails");
    let path = "/apis/batch/v1/namespaces/default/jobs/migrate";
    cluster.apply(path, &job("migrate", 0)).await.ok();
    cluster.apply(&self::path(), &web()).await.ok();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(condition(&cluster.object(path), "Failed"), "True BackoffLimitExceeded");
    assert_eq!(new_and_old(&cluster).await.0.len(), 2, "only Jobs fail");
    let pods = cluster.get("/api/v1/namespaces/default/pods?labelSelector=job-name%3Dmigrate").await.ok();
    let name = pods["items"][0]["metadata"]["name"].as_str().unwrap().to_owned();
    let log = cluster.get(&format!("/api/v1/namespaces/default/pods/{name}/log?tailLines=1")).await;
    assert_eq!(log.text, "error: relation \"orders\" already exists\n");
}
