//! What counts and scales workloads without owning them: autoscalers, disruption budgets, quotas, service accounts.

use std::time::Duration;

use landfall_simulator::{PodBehaviour, PodRule};
use serde_json::{Value, json};

use super::{Cluster, DEPLOYMENTS, condition, deployment};

const AUTOSCALERS: &str = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers";
const BUDGETS: &str = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";

fn autoscaler(least: u32, most: u32) -> Value {
    json!({
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": { "name": "web" },
        "spec": {
            "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
            "minReplicas": least,
            "maxReplicas": most
        }
    })
}

async fn settle() {
    tokio::time::sleep(Duration::from_secs(5)).await;
}

#[tokio::test(start_paused = true)]
async fn an_autoscaler_keeps_a_deployment_within_its_bounds_through_its_scale() {
    let cluster = Cluster::new();
    let (web, path) = (format!("{DEPLOYMENTS}/web"), format!("{AUTOSCALERS}/web"));
    cluster.apply(&path, &autoscaler(3, 5)).await.ok();
    settle().await;
    assert_eq!(condition(&cluster.object(&path), "AbleToScale"), "False FailedGetScale");
    cluster.apply(&web, &deployment("web", "web:1")).await.ok();
    settle().await;
    let live = cluster.object(&web);
    assert_eq!((&live["spec"]["replicas"], &live["status"]["readyReplicas"]), (&json!(3), &json!(3)));
    let managers = live["metadata"]["managedFields"].as_array().unwrap();
    let scaled = managers.iter().find(|one| one["subresource"] == "scale").unwrap();
    assert_eq!(
        (&scaled["manager"], &scaled["operation"]),
        (&json!("kube-controller-manager"), &json!("Update"))
    );
    assert_eq!(scaled["fieldsV1"], json!({ "f:spec": { "f:replicas": {} } }));
    let settled = cluster.object(&path);
    assert_eq!(condition(&settled, "AbleToScale"), "True ReadyForNewScale");
    assert_eq!(condition(&settled, "ScalingActive"), "True ValidMetricFound");
    assert_eq!(
        (&settled["status"]["currentReplicas"], &settled["status"]["desiredReplicas"]),
        (&json!(3), &json!(3))
    );
    assert!(settled["status"]["lastScaleTime"].is_string());
    let mut more = deployment("web", "web:1");
    more["spec"]["replicas"] = json!(9);
    cluster.apply(&format!("{web}?force=true"), &more).await.ok();
    settle().await;
    assert_eq!(cluster.object(&web)["spec"]["replicas"], 5, "no more than that");
    more["spec"]["replicas"] = json!(0);
    cluster.apply(&format!("{web}?force=true"), &more).await.ok();
    settle().await;
    assert_eq!(cluster.object(&web)["spec"]["replicas"], 0, "none turns it off");
    assert_eq!(condition(&cluster.object(&path), "ScalingActive"), "False ScalingDisabled");
}

#[tokio::test(start_paused = true)]
async fn a_budget_counts_the_pods_that_may_be_taken_away() {
    let cluster = Cluster::new();
    let budget = |field: &str, value: Value| {
        json!({
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": { "name": "web" },
            "spec": { "selector": { "matchLabels": { "app": "web" } }, field: value }
        })
    };
    let path = format!("{BUDGETS}/web");
    cluster.apply(&path, &budget("minAvailable", json!(1))).await.ok();
    settle().await;
    let none = cluster.object(&path)["status"].clone();
    assert_eq!((&none["expectedPods"], &none["disruptionsAllowed"]), (&json!(0), &json!(0)));
    let mut web = deployment("web", "web:1");
    web["spec"]["replicas"] = json!(4);
    cluster.api.behave(PodRule::of("Deployment", "web", PodBehaviour::Good { ready_after_ms: 60_000 }));
    cluster.apply(&format!("{DEPLOYMENTS}/web"), &web).await.ok();
    cluster.apply(&format!("{DEPLOYMENTS}/other"), &deployment("other", "other:1")).await.ok();
    settle().await;
    let status = cluster.object(&path)["status"].clone();
    assert_eq!((&status["expectedPods"], &status["currentHealthy"]), (&json!(4), &json!(0)), "none is ready");
    assert_eq!(status["disruptionsAllowed"], 0);
    tokio::time::sleep(Duration::from_secs(60)).await;
    for (field, value, desired, allowed) in [
        ("minAvailable", json!(1), 1, 3),
        ("minAvailable", json!("60%"), 3, 1),
        ("maxUnavailable", json!(1), 3, 1),
        ("maxUnavailable", json!("0%"), 4, 0),
    ] {
        cluster.apply(&path, &budget(field, value.clone())).await.ok();
        settle().await;
        let live = cluster.object(&path);
        let status = &live["status"];
        let counts = ["currentHealthy", "expectedPods", "desiredHealthy", "disruptionsAllowed"];
        let seen: Vec<i64> = counts.iter().map(|name| status[name].as_i64().unwrap()).collect();
        assert_eq!(seen, [4, 4, desired, allowed], "{field} {value}");
        assert_eq!(status["observedGeneration"], live["metadata"]["generation"]);
        let told = if allowed > 0 { "True SufficientPods" } else { "False InsufficientPods" };
        assert_eq!(condition(&live, "DisruptionAllowed"), told);
    }
    cluster.delete(&format!("{DEPLOYMENTS}/web"), &Value::Null).await.ok();
    settle().await;
    assert_eq!(cluster.object(&path)["status"]["expectedPods"], 0);
}

#[tokio::test(start_paused = true)]
async fn a_quota_of_pods_is_held_to_and_gives_way_when_pods_end() {
    let cluster = Cluster::new();
    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": { "name": "few" },
        "spec": { "hard": { "pods": "2" } }
    });
    let path = "/api/v1/namespaces/default/resourcequotas/few";
    cluster.apply(path, &quota).await.ok();
    settle().await;
    let mut web = deployment("web", "web:1");
    web["spec"]["replicas"] = json!(3);
    cluster.apply(&format!("{DEPLOYMENTS}/web"), &web).await.ok();
    settle().await;
    assert_eq!(cluster.pods().await.len(), 2);
    assert_eq!(cluster.object(path)["status"]["used"]["pods"], "2");
    let set = cluster.get("/apis/apps/v1/namespaces/default/replicasets").await.ok()["items"][0].clone();
    assert_eq!(condition(&set, "ReplicaFailure"), "True FailedCreate");
    let events = cluster.events().await;
    let why = "exceeded quota: few, requested: pods=1, used: pods=2, limited: pods=2";
    assert!(events.iter().any(|(_, message)| message.ends_with(why)), "{events:?}");
    let mut wider = quota.clone();
    wider["spec"]["hard"]["pods"] = json!("3");
    cluster.apply(path, &wider).await.ok();
    settle().await;
    assert_eq!(cluster.object(&format!("{DEPLOYMENTS}/web"))["status"]["readyReplicas"], 3);
}

#[tokio::test(start_paused = true)]
async fn pods_wait_for_their_service_account() {
    let cluster = Cluster::new();
    let web = format!("{DEPLOYMENTS}/web");
    let mut object = deployment("web", "web:1");
    object["spec"]["template"]["spec"]["serviceAccountName"] = json!("web");
    cluster.apply(&web, &object).await.ok();
    settle().await;
    assert_eq!(cluster.pods().await, Vec::<Value>::new());
    let why = "error looking up service account default/web: serviceaccount \"web\" not found";
    let events = cluster.events().await;
    assert!(
        events.iter().any(|(reason, told)| reason == "FailedCreate" && told.ends_with(why)),
        "{events:?}"
    );
    let account = json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": "web" } });
    cluster.apply("/api/v1/namespaces/default/serviceaccounts/web", &account).await.ok();
    settle().await;
    assert_eq!(condition(&cluster.object(&web), "Available"), "True MinimumReplicasAvailable");
}

#[tokio::test(start_paused = true)]
async fn a_cron_job_is_taken_and_its_time_never_comes() {
    let cluster = Cluster::new();
    let path = "/apis/batch/v1/namespaces/default/cronjobs/report";
    let mut object = super::rollouts::job("report", 0);
    object = json!({
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": { "name": "report" },
        "spec": { "schedule": "* * * * *", "jobTemplate": { "spec": object["spec"] } }
    });
    cluster.apply(path, &object).await.ok();
    tokio::time::sleep(Duration::from_secs(300)).await;
    let jobs = cluster.get("/apis/batch/v1/namespaces/default/jobs").await.ok();
    assert_eq!(jobs["items"], json!([]));
    assert!(cluster.object(path)["status"].as_object().is_none_or(serde_json::Map::is_empty));
}
