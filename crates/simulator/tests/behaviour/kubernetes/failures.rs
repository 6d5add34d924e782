//! Workloads that do not come up, and what tells why.

use std::time::Duration;

use landfall_simulator::{PodBehaviour, PodRule};
use serde_json::{Value, json};

use super::{Cluster, DEPLOYMENTS, condition, deployment};

/// Pods of a workload that end with an error.
pub(super) fn failing(kind: &str, name: &str, exit_code: u8) -> PodRule {
    let logs = (1..=5).map(|number| format!("line {number}")).collect();
    PodRule::of(kind, name, PodBehaviour::Fails { exit_code, logs })
}

/// A cluster with a Deployment `web` of image `bad` that behaves so, after five seconds.
async fn cluster(behaviour: PodBehaviour) -> Cluster {
    let rule = PodRule::of("Deployment", "web", behaviour).image("*bad*");
    let cluster = Cluster::with(|setup| setup.pods.push(rule));
    cluster.apply(&format!("{DEPLOYMENTS}/web"), &deployment("web", "bad:1")).await.ok();
    tokio::time::sleep(Duration::from_secs(5)).await;
    cluster
}

fn container(pod: &Value) -> &Value {
    &pod["status"]["containerStatuses"][0]
}

#[tokio::test(start_paused = true)]
async fn an_image_that_the_registry_does_not_have_is_backed_off_from() {
    let cluster = cluster(PodBehaviour::ImageNotFound).await;
    let pod = cluster.pods().await.remove(0);
    assert_eq!((&pod["status"]["phase"], &container(&pod)["restartCount"]), (&json!("Pending"), &json!(0)));
    let waiting = &container(&pod)["state"]["waiting"];
    assert_eq!(waiting["reason"], "ImagePullBackOff");
    assert!(waiting["message"].as_str().unwrap().ends_with("bad:1: not found"), "{waiting}");
    assert!(
        cluster.events().await.iter().any(|(reason, why)| reason == "Failed" && why.contains("not found"))
    );
    let logs = format!("/api/v1/namespaces/default/pods/{}/log", pod["metadata"]["name"].as_str().unwrap());
    let refused = cluster.get(&logs).await;
    assert_eq!(refused.status, 400);
    assert!(
        refused.message().ends_with("is waiting to start: trying and failing to pull image"),
        "{}",
        refused.message()
    );
    let web = cluster.object(&format!("{DEPLOYMENTS}/web"));
    assert_eq!(condition(&web, "Available"), "False MinimumReplicasUnavailable");
    assert_eq!(condition(&web, "Progressing"), "True ReplicaSetUpdated");
    assert_eq!(
        (&web["status"]["updatedReplicas"], &web["status"]["unavailableReplicas"]),
        (&json!(2), &json!(2))
    );
}

#[tokio::test(start_paused = true)]
async fn a_container_that_crashes_is_restarted_ever_later_and_its_last_words_are_kept() {
    let logs = (1..=5).map(|number| format!("line {number}")).collect();
    let cluster = cluster(PodBehaviour::CrashLoop { exit_code: 137, logs, recovers_after: None }).await;
    let pod = cluster.pods().await.remove(0);
    let status = container(&pod);
    assert_eq!(
        (&pod["status"]["phase"], &status["state"]["waiting"]["reason"]),
        (&json!("Running"), &json!("CrashLoopBackOff"))
    );
    assert!(status["restartCount"].as_u64().unwrap() >= 2, "{status}");
    let ended = &status["lastState"]["terminated"];
    assert_eq!((&ended["exitCode"], &ended["reason"]), (&json!(137), &json!("OOMKilled")));
    let path = format!("/api/v1/namespaces/default/pods/{}/log", pod["metadata"]["name"].as_str().unwrap());
    let tail = cluster.get(&format!("{path}?previous=true&tailLines=2")).await;
    assert_eq!((tail.status, tail.text.as_str()), (200, "line 4\nline 5\n"));
    assert_eq!(condition(&pod, "Ready"), "False ContainersNotReady");
}

#[tokio::test(start_paused = true)]
async fn a_container_may_recover_after_a_restart() {
    let crash = PodBehaviour::CrashLoop { exit_code: 1, logs: Vec::new(), recovers_after: Some(1) };
    let cluster = cluster(crash).await;
    for pod in cluster.pods().await {
        assert_eq!((&container(&pod)["restartCount"], &container(&pod)["ready"]), (&json!(1), &json!(true)));
    }
    let web = cluster.object(&format!("{DEPLOYMENTS}/web"));
    assert_eq!(condition(&web, "Progressing"), "True NewReplicaSetAvailable");
}

#[tokio::test(start_paused = true)]
async fn a_pod_may_run_and_never_be_ready_until_the_deadline_has_passed() {
    let cluster = cluster(PodBehaviour::NeverReady).await;
    let pod = cluster.pods().await.remove(0);
    assert_eq!((&pod["status"]["phase"], &container(&pod)["ready"]), (&json!("Running"), &json!(false)));
    assert!(cluster.events().await.iter().any(|(reason, _)| reason == "Unhealthy"));
    let web = format!("{DEPLOYMENTS}/web");
    tokio::time::sleep(Duration::from_secs(580)).await;
    assert_eq!(condition(&cluster.object(&web), "Progressing"), "True ReplicaSetUpdated");
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(condition(&cluster.object(&web), "Progressing"), "False ProgressDeadlineExceeded");
    // A template that was there before begins with the old condition; a new one does not.
    let mut good = deployment("web", "good:1");
    good["spec"]["replicas"] = json!(2);
    cluster.apply(&web, &good).await.ok();
    let at_once = cluster.object(&web);
    assert!(at_once["status"]["observedGeneration"].as_u64() < at_once["metadata"]["generation"].as_u64());
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(condition(&cluster.object(&web), "Progressing"), "True NewReplicaSetAvailable");
}

#[tokio::test(start_paused = true)]
async fn a_rollback_to_an_old_replica_set_begins_with_the_old_condition() {
    let rule = PodRule::of("Deployment", "web", PodBehaviour::NeverReady).image("*bad*");
    let cluster = Cluster::with(|setup| setup.pods.push(rule));
    let web = format!("{DEPLOYMENTS}/web");
    let of_image = |image: &str| {
        let mut object = deployment("web", image);
        object["spec"]["strategy"] = json!({ "rollingUpdate": { "maxUnavailable": 1, "maxSurge": 1 } });
        object
    };
    cluster.apply(&web, &of_image("good:1")).await.ok();
    tokio::time::sleep(Duration::from_secs(5)).await;
    cluster.apply(&web, &of_image("bad:1")).await.ok();
    tokio::time::sleep(Duration::from_secs(700)).await;
    let failed = cluster.object(&web);
    assert_eq!(condition(&failed, "Progressing"), "False ProgressDeadlineExceeded");
    assert_eq!(failed["status"]["updatedReplicas"], 2, "the new set has more pods than the old one");
    cluster.apply(&web, &of_image("good:1")).await.ok();
    let caught_up = |cluster: &Cluster| {
        let web = cluster.object(&web);
        web["status"]["observedGeneration"] == web["metadata"]["generation"]
    };
    cluster.until(caught_up).await;
    assert_eq!(condition(&cluster.object(&web), "Progressing"), "False ProgressDeadlineExceeded", "stale");
    tokio::time::sleep(Duration::from_secs(5)).await;
    let after = cluster.object(&web);
    assert_eq!(condition(&after, "Progressing"), "True NewReplicaSetAvailable");
    assert_eq!(after["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "3");
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_no_node_takes_says_so_until_one_does() {
    let cluster = cluster(PodBehaviour::Unschedulable { for_ms: Some(60_000) }).await;
    let pod = cluster.pods().await.remove(0);
    assert_eq!(condition(&pod, "PodScheduled"), "False Unschedulable");
    assert_eq!((&pod["status"]["phase"], &pod["spec"]["nodeName"]), (&json!("Pending"), &Value::Null));
    assert!(
        cluster
            .events()
            .await
            .iter()
            .any(|(reason, why)| reason == "FailedScheduling" && why.contains("0/2 nodes"))
    );
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(condition(&cluster.pods().await[0], "Ready"), "True");
}

#[tokio::test(start_paused = true)]
async fn a_quota_keeps_pods_from_being_made() {
    let cluster = cluster(PodBehaviour::QuotaExceeded { quota: "compute".to_owned() }).await;
    assert_eq!(cluster.pods().await, Vec::<Value>::new());
    let sets = cluster.get("/apis/apps/v1/namespaces/default/replicasets").await.ok();
    let set = &sets["items"][0];
    assert_eq!(condition(set, "ReplicaFailure"), "True FailedCreate");
    let told = cluster.events().await;
    let (_, why) = told.iter().find(|(reason, _)| reason == "FailedCreate").unwrap();
    assert!(
        why.starts_with("Error creating: pods \"web-") && why.contains("exceeded quota: compute"),
        "{why}"
    );
    assert_eq!(
        condition(&cluster.object(&format!("{DEPLOYMENTS}/web")), "ReplicaFailure"),
        "True FailedCreate"
    );
}

#[tokio::test(start_paused = true)]
async fn a_status_may_be_stale() {
    let cluster = Cluster::new();
    let web = format!("{DEPLOYMENTS}/web");
    cluster.apply(&web, &deployment("web", "good:1")).await.ok();
    tokio::time::sleep(Duration::from_secs(5)).await;
    cluster.api.behave(PodRule::of("Deployment", "web", PodBehaviour::StaleStatus));
    cluster.apply(&web, &deployment("web", "good:2")).await.ok();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let stale = cluster.object(&web);
    assert_eq!(
        (&stale["metadata"]["generation"], &stale["status"]["observedGeneration"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(condition(&stale, "Available"), "True MinimumReplicasAvailable");
    cluster.api.behave(PodRule::of("Deployment", "web", PodBehaviour::default()));
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(cluster.object(&web)["status"]["observedGeneration"], 2);
}
