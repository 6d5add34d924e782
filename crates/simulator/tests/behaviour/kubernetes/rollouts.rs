//! Workloads that come up.

use std::time::Duration;

use landfall_simulator::{PodBehaviour, PodRule};
use serde_json::{Value, json};

use super::{Cluster, DEPLOYMENTS, condition, deployment, workload};

/// A Job.
pub(super) fn job(name: &str, backoff_limit: u32) -> Value {
    json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": { "name": name },
        "spec": {
            "backoffLimit": backoff_limit,
            "template": { "spec": {
                "restartPolicy": "Never",
                "containers": [{ "name": "main", "image": format!("{name}:1") }]
            } }
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_deployment_rolls_out_through_a_replica_set_and_its_pods() {
    let cluster = Cluster::new();
    let web = format!("{DEPLOYMENTS}/web");
    let made = cluster.apply(&web, &deployment("web", "web:1")).await.ok();
    assert!(made["status"].as_object().is_none_or(serde_json::Map::is_empty), "no controller has looked yet");
    cluster
        .until(|cluster| condition(&cluster.object(&web), "Progressing") == "True NewReplicaSetAvailable")
        .await;
    let done = cluster.object(&web);
    let status = &done["status"];
    assert_eq!((&status["observedGeneration"], &done["metadata"]["generation"]), (&json!(1), &json!(1)));
    for field in ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas"] {
        assert_eq!(status[field], 2, "{field}");
    }
    assert_eq!(condition(&done, "Available"), "True MinimumReplicasAvailable");
    assert_eq!(done["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "1");
    let sets = cluster.get("/apis/apps/v1/namespaces/default/replicasets").await.ok();
    let set = &sets["items"][0];
    assert_eq!(set["metadata"]["ownerReferences"][0]["uid"], done["metadata"]["uid"]);
    let hash = set["metadata"]["labels"]["pod-template-hash"].as_str().unwrap();
    assert_eq!(set["metadata"]["name"], format!("web-{hash}"));
    for pod in cluster.pods().await {
        assert_eq!(pod["metadata"]["ownerReferences"][0]["uid"], set["metadata"]["uid"]);
        assert_eq!(
            (condition(&pod, "Ready"), &pod["status"]["phase"]),
            ("True".to_owned(), &json!("Running"))
        );
        assert!(pod["spec"]["nodeName"].is_string());
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_never_has_fewer_pods_available_than_the_strategy_says() {
    let cluster = Cluster::new();
    let web = format!("{DEPLOYMENTS}/web");
    let mut four = deployment("web", "web:1");
    four["spec"]["replicas"] = json!(4);
    cluster.apply(&web, &four).await.ok();
    tokio::time::sleep(Duration::from_secs(5)).await;
    four["spec"]["template"]["spec"]["containers"][0]["image"] = json!("web:2");
    cluster.apply(&web, &four).await.ok();
    let (mut least, mut most) = (u64::MAX, 0);
    for _ in 0..2_000 {
        let status = &cluster.object(&web)["status"];
        least = least.min(status["availableReplicas"].as_u64().unwrap());
        most = most.max(status["replicas"].as_u64().unwrap());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!((least, most), (3, 5), "25 % of 4 may be missing, and 25 % more may be there");
    let done = cluster.object(&web);
    assert_eq!(condition(&done, "Progressing"), "True NewReplicaSetAvailable");
    assert_eq!(done["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "2");
    let images: Vec<Value> =
        cluster.pods().await.iter().map(|pod| pod["spec"]["containers"][0]["image"].clone()).collect();
    assert_eq!(images, vec![json!("web:2"); 4]);
    let sets = cluster.get("/apis/apps/v1/namespaces/default/replicasets").await.ok();
    let replicas: Vec<u64> = sets["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|set| set["spec"]["replicas"].as_u64().unwrap())
        .collect();
    assert_eq!(replicas.iter().sum::<u64>(), 4, "the old one is kept with none: {replicas:?}");
}

#[tokio::test(start_paused = true)]
async fn recreate_ends_the_old_pods_first() {
    let cluster = Cluster::new();
    let web = format!("{DEPLOYMENTS}/web");
    let mut object = deployment("web", "web:1");
    object["spec"]["strategy"] = json!({ "type": "Recreate" });
    cluster.apply(&web, &object).await.ok();
    tokio::time::sleep(Duration::from_secs(5)).await;
    object["spec"]["template"]["spec"]["containers"][0]["image"] = json!("web:2");
    cluster.apply(&web, &object).await.ok();
    for _ in 0..1_000 {
        let images: std::collections::BTreeSet<String> = cluster
            .pods()
            .await
            .iter()
            .map(|pod| pod["spec"]["containers"][0]["image"].as_str().unwrap().to_owned())
            .collect();
        assert!(images.len() <= 1, "{images:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(cluster.pods().await[0]["spec"]["containers"][0]["image"], "web:2");
    assert_eq!(condition(&cluster.object(&web), "Progressing"), "True NewReplicaSetAvailable");
}

#[tokio::test(start_paused = true)]
async fn a_paused_deployment_does_not_roll_out() {
    let cluster = Cluster::new();
    let web = format!("{DEPLOYMENTS}/web");
    cluster.apply(&web, &deployment("web", "web:1")).await.ok();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let mut paused = deployment("web", "web:2");
    paused["spec"]["paused"] = json!(true);
    cluster.apply(&web, &paused).await.ok();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let live = cluster.object(&web);
    assert_eq!(
        (&live["status"]["observedGeneration"], &live["status"]["updatedReplicas"]),
        (&json!(2), &Value::Null)
    );
    assert_eq!(cluster.pods().await[0]["spec"]["containers"][0]["image"], "web:1");
}

#[tokio::test(start_paused = true)]
async fn a_stateful_set_makes_its_pods_in_order_and_replaces_them_from_the_last() {
    let cluster = Cluster::new();
    let path = "/apis/apps/v1/namespaces/default/statefulsets/db";
    let mut set = workload("StatefulSet", "db", Some(3), "db:1");
    set["spec"]["serviceName"] = json!("db");
    cluster.apply(path, &set).await.ok();
    cluster.until(|cluster| cluster.object(path)["status"]["replicas"] == json!(1)).await;
    assert_eq!(cluster.pods().await[0]["metadata"]["name"], "db-0");
    tokio::time::sleep(Duration::from_secs(5)).await;
    let up = cluster.object(path)["status"].clone();
    assert_eq!((&up["readyReplicas"], &up["currentRevision"]), (&json!(3), &up["updateRevision"]));
    set["spec"]["template"]["spec"]["containers"][0]["image"] = json!("db:2");
    set["spec"]["updateStrategy"] = json!({ "type": "RollingUpdate", "rollingUpdate": { "partition": 1 } });
    cluster.apply(path, &set).await.ok();
    tokio::time::sleep(Duration::from_secs(10)).await;
    let images = |pods: &[Value]| {
        let mut images: Vec<String> = pods
            .iter()
            .map(|pod| format!("{} {}", pod["metadata"]["name"], pod["spec"]["containers"][0]["image"]))
            .collect();
        images.sort();
        images.join(", ").replace('"', "")
    };
    assert_eq!(images(&cluster.pods().await), "db-0 db:1, db-1 db:2, db-2 db:2");
    let status = cluster.object(path)["status"].clone();
    assert_eq!((&status["updatedReplicas"], &status["currentReplicas"]), (&json!(2), &json!(1)));
    assert_ne!(status["currentRevision"], status["updateRevision"]);
    set["spec"]["updateStrategy"]["rollingUpdate"]["partition"] = json!(0);
    cluster.apply(path, &set).await.ok();
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(images(&cluster.pods().await), "db-0 db:2, db-1 db:2, db-2 db:2");
    let pod = cluster.pods().await.remove(0);
    let status = cluster.object(path)["status"].clone();
    assert_eq!(status["currentRevision"], status["updateRevision"]);
    assert_eq!(pod["metadata"]["labels"]["controller-revision-hash"], status["updateRevision"]);
}

#[tokio::test(start_paused = true)]
async fn a_stateful_set_on_delete_leaves_its_pods_to_others() {
    let cluster = Cluster::new();
    let path = "/apis/apps/v1/namespaces/default/statefulsets/db";
    let mut set = workload("StatefulSet", "db", Some(1), "db:1");
    set["spec"]["updateStrategy"] = json!({ "type": "OnDelete" });
    cluster.apply(path, &set).await.ok();
    tokio::time::sleep(Duration::from_secs(5)).await;
    set["spec"]["template"]["spec"]["containers"][0]["image"] = json!("db:2");
    cluster.apply(path, &set).await.ok();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(cluster.object(path)["status"]["updatedReplicas"], Value::Null);
    cluster.delete("/api/v1/namespaces/default/pods/db-0", &Value::Null).await.ok();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let status = cluster.object(path)["status"].clone();
    assert_eq!(status["updatedReplicas"], 1);
    assert_ne!(status["currentRevision"], status["updateRevision"], "it does not move with OnDelete");
}

#[tokio::test(start_paused = true)]
async fn a_daemon_set_has_a_pod_on_every_node() {
    let cluster = Cluster::with(|setup| setup.nodes = 3);
    let path = "/apis/apps/v1/namespaces/default/daemonsets/agent";
    cluster.apply(path, &workload("DaemonSet", "agent", None, "agent:1")).await.ok();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let status = cluster.object(path)["status"].clone();
    for field in [
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "numberReady",
        "numberAvailable",
        "updatedNumberScheduled",
    ] {
        assert_eq!(status[field], 3, "{field}");
    }
    let nodes: std::collections::BTreeSet<String> =
        cluster.pods().await.iter().map(|pod| pod["spec"]["nodeName"].to_string()).collect();
    assert_eq!(nodes.len(), 3);
    cluster.apply(path, &workload("DaemonSet", "agent", None, "agent:2")).await.ok();
    let mut least = u64::MAX;
    for _ in 0..3_000 {
        least = least.min(cluster.object(path)["status"]["numberAvailable"].as_u64().unwrap_or_default());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(least, 2, "one at a time");
    let status = cluster.object(path)["status"].clone();
    assert_eq!((&status["updatedNumberScheduled"], &status["observedGeneration"]), (&json!(3), &json!(2)));
}

#[tokio::test(start_paused = true)]
async fn a_job_completes_and_is_gone_after_its_time() {
    let cluster = Cluster::new();
    let path = "/apis/batch/v1/namespaces/default/jobs/migrate";
    let mut object = job("migrate", 6);
    object["spec"]["ttlSecondsAfterFinished"] = json!(30);
    let made = cluster.apply(path, &object).await.ok();
    let selector = &made["spec"]["selector"]["matchLabels"]["batch.kubernetes.io/controller-uid"];
    assert_eq!(*selector, made["metadata"]["uid"]);
    tokio::time::sleep(Duration::from_secs(5)).await;
    let done = cluster.object(path);
    assert_eq!(
        (condition(&done, "Complete"), &done["status"]["succeeded"]),
        ("True CompletionsReached".to_owned(), &json!(1))
    );
    assert!(done["status"]["completionTime"].is_string());
    assert_eq!(cluster.pods().await[0]["status"]["phase"], "Succeeded");
    tokio::time::sleep(Duration::from_secs(40)).await;
    assert!(cluster.api.object(path).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_job_fails_when_its_pods_have_failed_too_often() {
    let cluster = Cluster::with(|setup| setup.pods.push(super::failures::failing("Job", "migrate", 3)));
    let path = "/apis/batch/v1/namespaces/default/jobs/migrate";
    cluster.apply(path, &job("migrate", 1)).await.ok();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let failed = cluster.object(path);
    assert_eq!(
        (condition(&failed, "Failed"), &failed["status"]["failed"]),
        ("True BackoffLimitExceeded".to_owned(), &json!(2))
    );
    let pod = cluster.pods().await.remove(0);
    let ended = &pod["status"]["containerStatuses"][0]["state"]["terminated"];
    assert_eq!((&ended["exitCode"], &pod["status"]["phase"]), (&json!(3), &json!("Failed")));
    let name = pod["metadata"]["name"].as_str().unwrap();
    let logs = cluster.get(&format!("/api/v1/namespaces/default/pods/{name}/log?tailLines=1")).await;
    assert_eq!(logs.text, "line 5\n");
}

#[tokio::test(start_paused = true)]
async fn min_ready_seconds_keep_pods_from_being_available() {
    let cluster = Cluster::new();
    let web = format!("{DEPLOYMENTS}/web");
    let mut object = deployment("web", "web:1");
    object["spec"]["minReadySeconds"] = json!(30);
    cluster.apply(&web, &object).await.ok();
    tokio::time::sleep(Duration::from_secs(10)).await;
    let status = cluster.object(&web)["status"].clone();
    assert_eq!((&status["readyReplicas"], &status["availableReplicas"]), (&json!(2), &Value::Null));
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(cluster.object(&web)["status"]["availableReplicas"], 2);
}

#[tokio::test(start_paused = true)]
async fn services_claims_and_ingresses_get_what_comes_from_outside() {
    let cluster = Cluster::new();
    let namespace = "/api/v1/namespaces/default";
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": { "name": "web" },
        "spec": { "type": "LoadBalancer", "selector": { "app": "web" }, "ports": [{ "port": 80 }] }
    });
    let made = cluster.apply(&format!("{namespace}/services/web"), &service).await.ok();
    assert!(made["spec"]["clusterIP"].is_string() && made["spec"]["ports"][0]["nodePort"].is_u64());
    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": { "name": "data" },
        "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } }
    });
    cluster.apply(&format!("{namespace}/persistentvolumeclaims/data"), &claim).await.ok();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let service = cluster.object(&format!("{namespace}/services/web"));
    assert!(service["status"]["loadBalancer"]["ingress"][0]["hostname"].is_string());
    let claim = cluster.object(&format!("{namespace}/persistentvolumeclaims/data"));
    assert_eq!(claim["status"]["phase"], "Bound");
}

#[tokio::test(start_paused = true)]
async fn objects_of_the_start_have_settled() {
    let cluster = Cluster::with(|setup| {
        setup.objects.push(deployment("old", "old:1"));
        setup.pods.push(PodRule::of("Deployment", "slow", PodBehaviour::Good { ready_after_ms: 30_000 }));
    });
    let old = cluster.object(&format!("{DEPLOYMENTS}/old"));
    assert_eq!(condition(&old, "Progressing"), "True NewReplicaSetAvailable");
    cluster.apply(&format!("{DEPLOYMENTS}/slow"), &deployment("slow", "slow:1")).await.ok();
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(
        condition(&cluster.object(&format!("{DEPLOYMENTS}/slow")), "Available"),
        "False MinimumReplicasUnavailable"
    );
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(
        condition(&cluster.object(&format!("{DEPLOYMENTS}/slow")), "Available"),
        "True MinimumReplicasAvailable"
    );
}
