//! DELETE, garbage collection, and namespaces that end.

use std::time::Duration;

use serde_json::{Value, json};

use super::{CONFIG_MAPS, Cluster, DEPLOYMENTS, config_map, deployment};

async fn settled(cluster: &Cluster) {
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(cluster.pods().await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_object_is_deleted_once_and_only_the_one_that_is_meant() {
    let cluster = Cluster::new();
    let path = format!("{CONFIG_MAPS}/a");
    let uid = cluster.apply(&path, &config_map("a", &json!({}))).await.ok()["metadata"]["uid"].clone();
    let other = json!({ "preconditions": { "uid": "another" } });
    let refused = cluster.delete(&path, &other).await;
    assert_eq!((refused.status, refused.reason()), (409, "Conflict"));
    assert_eq!(
        refused.message(),
        format!(
            "Operation cannot be fulfilled on configmaps \"a\": Precondition failed: UID in precondition: another, UID in \
             object meta: {}",
            uid.as_str().unwrap()
        )
    );
    let dry = cluster.delete(&format!("{path}?dryRun=All"), &Value::Null).await;
    assert_eq!((dry.status, cluster.get(&path).await.status), (200, 200));
    let gone = cluster.delete(&path, &json!({ "preconditions": { "uid": uid } })).await.ok();
    assert_eq!((&gone["status"], &gone["details"]["uid"]), (&json!("Success"), &uid));
    let again = cluster.delete(&path, &Value::Null).await;
    assert_eq!((again.status, again.message()), (404, "configmaps \"a\" not found"));
}

#[tokio::test(start_paused = true)]
async fn what_a_deployment_owns_goes_after_it_in_the_background() {
    let cluster = Cluster::new();
    cluster.apply(&format!("{DEPLOYMENTS}/web"), &deployment("web", "web:1")).await.ok();
    settled(&cluster).await;
    cluster.delete(&format!("{DEPLOYMENTS}/web"), &Value::Null).await.ok();
    assert_eq!(cluster.get(&format!("{DEPLOYMENTS}/web")).await.status, 404, "it is gone at once");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(cluster.pods().await, Vec::<Value>::new());
}

#[tokio::test(start_paused = true)]
async fn in_the_foreground_a_deployment_goes_last() {
    let cluster = Cluster::new();
    let web = format!("{DEPLOYMENTS}/web");
    cluster.apply(&web, &deployment("web", "web:1")).await.ok();
    settled(&cluster).await;
    let going = cluster.delete(&web, &json!({ "propagationPolicy": "Foreground" })).await.ok();
    assert_eq!(going["metadata"]["finalizers"], json!(["foregroundDeletion"]));
    assert!(going["metadata"]["deletionTimestamp"].is_string());
    cluster.until(|cluster| cluster.api.object(&web).is_none()).await;
    assert_eq!(cluster.pods().await, Vec::<Value>::new(), "its pods went first");
}

#[tokio::test(start_paused = true)]
async fn orphans_stay() {
    let cluster = Cluster::new();
    let web = format!("{DEPLOYMENTS}/web");
    cluster.apply(&web, &deployment("web", "web:1")).await.ok();
    settled(&cluster).await;
    cluster.delete(&format!("{web}?propagationPolicy=Orphan"), &Value::Null).await.ok();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(cluster.get(&web).await.status, 404);
    assert_eq!(cluster.pods().await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_finalizer_holds_an_object_until_it_is_removed() {
    let cluster = Cluster::new();
    let path = format!("{CONFIG_MAPS}/a");
    let mut held = config_map("a", &json!({}));
    held["metadata"]["finalizers"] = json!(["example.com/hold"]);
    cluster.post(CONFIG_MAPS, &held).await.ok();
    cluster.delete(&path, &Value::Null).await.ok();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(cluster.object(&path)["metadata"]["deletionTimestamp"].is_string());
    let label = json!({ "metadata": { "labels": { "still": "here" } } });
    cluster.patch("application/merge-patch+json", &path, &label).await.ok();
    assert_eq!(cluster.get(&path).await.status, 200);
    let release = json!({ "metadata": { "finalizers": null } });
    cluster.patch("application/merge-patch+json", &path, &release).await.ok();
    assert_eq!(cluster.get(&path).await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_is_going_takes_nothing_new_and_empties() {
    let cluster = Cluster::with(|setup| setup.deletion_ms = 2_000);
    let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "shop" } });
    let made = cluster.apply("/api/v1/namespaces/shop", &namespace).await.ok();
    assert_eq!(made["metadata"]["labels"]["kubernetes.io/metadata.name"], "shop");
    assert_eq!(made["status"]["phase"], "Active");
    let inside = "/api/v1/namespaces/shop/configmaps/a";
    cluster.apply(inside, &config_map("a", &json!({}))).await.ok();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!cluster.object("/api/v1/namespaces/shop/serviceaccounts/default").is_null());
    let going = cluster.delete("/api/v1/namespaces/shop", &Value::Null).await.ok();
    assert_eq!(going["status"]["phase"], "Terminating");
    let refused = cluster.apply("/api/v1/namespaces/shop/configmaps/b", &config_map("b", &json!({}))).await;
    assert_eq!((refused.status, refused.reason()), (403, "Forbidden"));
    assert_eq!(
        refused.message(),
        "configmaps \"b\" is forbidden: unable to create new content in namespace shop because it is being terminated"
    );
    assert_eq!(refused.json["details"]["causes"][0]["reason"], "NamespaceTerminating");
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(cluster.get("/api/v1/namespaces/shop").await.status, 404);
    let refused = cluster.apply(inside, &config_map("a", &json!({}))).await;
    assert_eq!(refused.message(), "namespaces \"shop\" not found");
}

#[tokio::test(start_paused = true)]
async fn a_collection_is_deleted_by_its_labels() {
    let cluster = Cluster::new();
    for (name, label) in [("a", "x"), ("b", "x"), ("c", "y")] {
        let mut object = config_map(name, &json!({}));
        object["metadata"]["labels"] = json!({ "l": label });
        cluster.post(CONFIG_MAPS, &object).await.ok();
    }
    cluster.delete(&format!("{CONFIG_MAPS}?labelSelector=l%3Dx"), &Value::Null).await.ok();
    let left = cluster.get(&format!("{CONFIG_MAPS}?labelSelector=l")).await.ok();
    let names: Vec<Value> =
        left["items"].as_array().unwrap().iter().map(|item| item["metadata"]["name"].clone()).collect();
    assert_eq!(names, ["c"]);
}

#[tokio::test(start_paused = true)]
async fn the_pods_of_a_job_stay_unless_the_request_says_otherwise() {
    for (policy, left, warned) in [("", 1, true), ("?propagationPolicy=Background", 0, false)] {
        let cluster = Cluster::new();
        let path = "/apis/batch/v1/namespaces/default/jobs/migrate";
        cluster.apply(path, &super::rollouts::job("migrate", 0)).await.ok();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let deleted = cluster.delete(&format!("{path}{policy}"), &Value::Null).await;
        assert_eq!((deleted.status, deleted.headers.contains_key("warning")), (200, warned), "{policy}");
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!((cluster.get(path).await.status, cluster.pods().await.len()), (404, left), "{policy}");
    }
}
