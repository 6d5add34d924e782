//! What is written into objects, whoever writes.

use http::Method;
use serde_json::{Value, json};

use super::{CONFIG_MAPS, Cluster, DEPLOYMENTS, config_map, deployment, workload};

#[tokio::test(start_paused = true)]
async fn a_new_object_gets_what_the_server_writes() {
    let cluster = Cluster::new();
    let made = cluster.post(DEPLOYMENTS, &workload("Deployment", "web", None, "web")).await.ok();
    let metadata = &made["metadata"];
    assert_eq!((&metadata["namespace"], &metadata["generation"]), (&json!("default"), &json!(1)));
    assert!(metadata["uid"].is_string() && metadata["resourceVersion"].is_string());
    assert_eq!(metadata["creationTimestamp"], "2026-01-01T00:00:00Z");
    let spec = &made["spec"];
    assert_eq!((&spec["replicas"], &spec["progressDeadlineSeconds"]), (&json!(1), &json!(600)));
    assert_eq!(
        spec["strategy"],
        json!({ "type": "RollingUpdate", "rollingUpdate": { "maxUnavailable": "25%", "maxSurge": "25%" } })
    );
    let pod = &spec["template"]["spec"];
    assert_eq!((&pod["restartPolicy"], &pod["dnsPolicy"]), (&json!("Always"), &json!("ClusterFirst")));
    assert_eq!(pod["containers"][0]["imagePullPolicy"], "Always", "no tag means the latest image");
}

#[tokio::test(start_paused = true)]
async fn generation_counts_changes_of_the_specification_only() {
    let cluster = Cluster::new();
    let web = format!("{DEPLOYMENTS}/web");
    cluster.apply(&web, &deployment("web", "web:1")).await.ok();
    let mut labelled = deployment("web", "web:1");
    labelled["metadata"]["labels"] = json!({ "team": "web" });
    let labelled = cluster.apply(&web, &labelled).await.ok();
    assert_eq!(labelled["metadata"]["generation"], 1);
    let changed = cluster.apply(&web, &deployment("web", "web:2")).await.ok();
    assert_eq!(changed["metadata"]["generation"], 2);
    let map = cluster.apply(&format!("{CONFIG_MAPS}/a"), &config_map("a", &json!({}))).await.ok();
    assert!(map["metadata"]["generation"].is_null(), "a ConfigMap has none");
}

#[tokio::test(start_paused = true)]
async fn a_second_post_of_the_same_name_exists_already() {
    let cluster = Cluster::new();
    let object = config_map("a", &json!({}));
    assert_eq!(cluster.post(CONFIG_MAPS, &object).await.status, 201);
    let refused = cluster.post(CONFIG_MAPS, &object).await;
    assert_eq!((refused.status, refused.reason()), (409, "AlreadyExists"));
    assert_eq!(refused.message(), "configmaps \"a\" already exists");
    let generated = json!({ "metadata": { "generateName": "a-" } });
    let name =
        cluster.post(CONFIG_MAPS, &generated).await.ok()["metadata"]["name"].as_str().unwrap().to_owned();
    assert!(name.starts_with("a-") && name.len() == 7, "{name}");
}

#[tokio::test(start_paused = true)]
async fn what_breaks_the_rules_of_a_kind_is_told_all_at_once() {
    let cluster = Cluster::new();
    let mut object = deployment("web", "web:1");
    object["spec"]["template"]["metadata"]["labels"] = json!({ "app": "other" });
    object["spec"]["template"]["spec"]["containers"] = json!([{ "name": "main" }]);
    let refused = cluster.post(DEPLOYMENTS, &object).await;
    assert_eq!(refused.status, 422);
    let fields: Vec<Value> = refused.json["details"]["causes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|cause| cause["field"].clone())
        .collect();
    assert_eq!(fields, ["spec.template.metadata.labels", "spec.template.spec.containers[0].image"]);
    assert!(refused.message().starts_with("Deployment.apps \"web\" is invalid: ["), "{}", refused.message());
    let bad_name = cluster.post(CONFIG_MAPS, &config_map("Not_A_Name", &json!({}))).await;
    assert!(bad_name.message().contains("a lowercase RFC 1123 subdomain"), "{}", bad_name.message());
}

#[tokio::test(start_paused = true)]
async fn wrong_types_are_refused_in_the_words_of_each_way_of_writing() {
    let cluster = Cluster::new();
    let mut object = deployment("web", "web:1");
    object["spec"]["replicas"] = json!("three");
    let applied = cluster.apply(&format!("{DEPLOYMENTS}/web"), &object).await;
    assert_eq!(applied.status, 500);
    let expected = ".spec.replicas: expected numeric (int or float), got string";
    assert!(applied.message().ends_with(expected), "{}", applied.message());
    let posted = cluster.post(DEPLOYMENTS, &object).await;
    assert_eq!((posted.status, posted.reason()), (400, "BadRequest"));
    let mut twice = deployment("web", "web:1");
    twice["spec"]["template"]["spec"]["containers"] =
        json!([{ "name": "main", "image": "a" }, { "name": "main", "image": "b" }]);
    let twice = cluster.apply(&format!("{DEPLOYMENTS}/web"), &twice).await;
    assert!(twice.message().ends_with("duplicate entries for key [name=\"main\"]"), "{}", twice.message());
}

#[tokio::test(start_paused = true)]
async fn documents_have_to_be_what_the_path_says() {
    let cluster = Cluster::new();
    let path = format!("{CONFIG_MAPS}/a");
    let mut elsewhere = config_map("a", &json!({}));
    elsewhere["metadata"]["namespace"] = json!("other");
    let refused = cluster.apply(&path, &elsewhere).await;
    assert_eq!(
        (refused.status, refused.message()),
        (400, "the namespace of the provided object does not match the namespace sent on the request")
    );
    let refused = cluster.apply(&path, &config_map("b", &json!({}))).await;
    assert_eq!(refused.message(), "the name of the object (b) does not match the name on the URL (a)");
    let refused = cluster.apply(&path, &json!({ "apiVersion": "v1", "kind": "Secret" })).await;
    assert_eq!(refused.status, 400);
    let media = cluster.patch("application/json", &path, &config_map("a", &json!({}))).await;
    assert_eq!((media.status, media.reason()), (415, "UnsupportedMediaType"));
}

#[tokio::test(start_paused = true)]
async fn plain_values_of_a_secret_are_written_into_its_data() {
    let cluster = Cluster::new();
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "s" }, "stringData": { "k": "plain" }
    });
    let made = cluster.post("/api/v1/namespaces/default/secrets", &secret).await.ok();
    assert_eq!((&made["data"]["k"], &made["type"]), (&json!("cGxhaW4="), &json!("Opaque")));
    assert!(made["stringData"].is_null());
}

#[tokio::test(start_paused = true)]
async fn json_merge_and_strategic_patches_are_done() {
    let cluster = Cluster::new();
    let web = format!("{DEPLOYMENTS}/web");
    let mut two = deployment("web", "web:1");
    let side = json!({ "name": "side", "image": "side:1" });
    two["spec"]["template"]["spec"]["containers"].as_array_mut().unwrap().push(side);
    cluster.post(DEPLOYMENTS, &two).await.ok();
    let json = json!([{ "op": "replace", "path": "/spec/replicas", "value": 3 }]);
    let patched = cluster.patch("application/json-patch+json", &web, &json).await.ok();
    assert_eq!(patched["spec"]["replicas"], 3);
    let merge = json!({ "metadata": { "labels": { "a": "b" } }, "spec": { "replicas": 1 } });
    let patched = cluster.patch("application/merge-patch+json", &web, &merge).await.ok();
    assert_eq!((&patched["spec"]["replicas"], &patched["metadata"]["labels"]["a"]), (&json!(1), &json!("b")));
    let strategic = json!({ "spec": { "template": { "spec": { "containers": [{ "name": "main", "image": "web:2" }] } } } });
    let patched = cluster.patch("application/strategic-merge-patch+json", &web, &strategic).await.ok();
    let containers = patched["spec"]["template"]["spec"]["containers"].as_array().unwrap();
    assert_eq!((containers.len(), &containers[0]["image"]), (2, &json!("web:2")));
    let failed = json!([{ "op": "test", "path": "/spec/replicas", "value": 9 }]);
    assert_eq!(cluster.patch("application/json-patch+json", &web, &failed).await.status, 422);
    let forced = cluster.patch("application/merge-patch+json", &format!("{web}?force=true"), &merge).await;
    assert!(forced.message().contains("may not be specified for non-apply patch"), "{}", forced.message());
}

#[tokio::test(start_paused = true)]
async fn the_status_is_written_by_its_subresource_only() {
    let cluster = Cluster::new();
    let path = "/api/v1/namespaces/default/persistentvolumeclaims";
    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": { "name": "c" },
        "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } }
    });
    let mut made = cluster.post(path, &claim).await.ok();
    assert_eq!(made["status"], json!({ "phase": "Pending" }));
    made["status"]["phase"] = json!("Lost");
    made["metadata"]["labels"] = json!({ "a": "b" });
    let status = cluster.call(Method::PUT, &format!("{path}/c/status"), &made).await.ok();
    assert_eq!(status["status"]["phase"], "Lost");
    assert!(status["metadata"]["labels"].is_null(), "nothing but the status was written");
}

#[tokio::test(start_paused = true)]
async fn the_template_of_a_job_and_most_of_a_stateful_set_cannot_be_changed() {
    let cluster = Cluster::new();
    let jobs = "/apis/batch/v1/namespaces/default/jobs/migrate";
    cluster.apply(jobs, &super::rollouts::job("migrate", 0)).await.ok();
    let mut other = super::rollouts::job("migrate", 0);
    other["spec"]["template"]["spec"]["containers"][0]["image"] = json!("migrate:2");
    let refused = cluster.apply(jobs, &other).await;
    assert_eq!(refused.status, 422);
    assert_eq!(refused.json["details"]["causes"][0]["field"], "spec.template");
    assert!(refused.message().ends_with("field is immutable"), "{}", refused.message());
    let sets = "/apis/apps/v1/namespaces/default/statefulsets/db";
    let mut set = workload("StatefulSet", "db", Some(1), "db:1");
    set["spec"]["serviceName"] = json!("db");
    cluster.apply(sets, &set).await.ok();
    set["spec"]["template"]["spec"]["containers"][0]["image"] = json!("db:2");
    cluster.apply(sets, &set).await.ok();
    set["spec"]["serviceName"] = json!("other");
    let refused = cluster.apply(sets, &set).await;
    assert!(
        refused
            .message()
            .contains("spec: Forbidden: updates to statefulset spec for fields other than 'replicas'"),
        "{}",
        refused.message()
    );
}
