//! Answers of real servers (Kubernetes 1.33 and 1.36 were asked), one test each.

use http::Method;
use serde_json::{Value, json};

use super::{CONFIG_MAPS, Cluster, DEPLOYMENTS, condition, config_map, deployment};

fn path(name: &str) -> String {
    format!("{CONFIG_MAPS}/{name}")
}

#[tokio::test(start_paused = true)]
async fn the_first_apply_creates_with_201_and_the_next_answers_200() {
    let cluster = Cluster::new();
    let object = config_map("a", &json!({ "k": "v" }));
    let first = cluster.apply(&path("a"), &object).await;
    assert_eq!(first.status, 201);
    let second = cluster.apply(&path("a"), &object).await;
    assert_eq!(second.status, 200);
    let version = |object: &Value| object["metadata"]["resourceVersion"].clone();
    assert_eq!(version(&first.json), version(&second.json), "an apply that changes nothing does not write");
}

#[tokio::test(start_paused = true)]
async fn a_field_that_its_only_owner_drops_is_removed() {
    let cluster = Cluster::new();
    cluster.apply(&path("a"), &config_map("a", &json!({ "k": "v", "gone": "x" }))).await.ok();
    let after = cluster.apply(&path("a"), &config_map("a", &json!({ "k": "v" }))).await.ok();
    assert_eq!(after["data"], json!({ "k": "v" }));
}

#[tokio::test(start_paused = true)]
async fn lists_with_keys_are_merged_by_them() {
    let cluster = Cluster::new();
    let web = format!("{DEPLOYMENTS}/web");
    cluster.apply(&web, &deployment("web", "web:1")).await.ok();
    let mut sidecar = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" } });
    sidecar["spec"]["template"]["spec"]["containers"] = json!([{ "name": "side", "image": "side:1" }]);
    let both = cluster.apply_as("injector", &web, &sidecar).await.ok();
    let containers = both["spec"]["template"]["spec"]["containers"].as_array().unwrap();
    let names: Vec<&Value> = containers.iter().map(|container| &container["name"]).collect();
    assert_eq!(names, ["main", "side"]);
}

#[tokio::test(start_paused = true)]
async fn another_manager_with_the_same_value_shares_the_field() {
    let cluster = Cluster::new();
    let object = config_map("a", &json!({ "k": "v" }));
    cluster.apply(&path("a"), &object).await.ok();
    let shared = cluster.apply_as("other", &path("a"), &object).await;
    assert_eq!(shared.status, 200);
    // Both own it: it stays when one of them drops it.
    cluster.apply(&path("a"), &config_map("a", &json!({}))).await.ok();
    assert_eq!(cluster.object(&path("a"))["data"], json!({ "k": "v" }));
    cluster.apply_as("other", &path("a"), &config_map("a", &json!({}))).await.ok();
    assert!(cluster.object(&path("a"))["data"]["k"].is_null());
}

#[tokio::test(start_paused = true)]
async fn another_manager_with_another_value_conflicts_with_field_and_manager() {
    let cluster = Cluster::new();
    cluster.apply_as("kubectl", &path("a"), &config_map("a", &json!({ "k": "v" }))).await.ok();
    let refused = cluster.apply(&path("a"), &config_map("a", &json!({ "k": "w" }))).await;
    assert_eq!((refused.status, refused.reason()), (409, "Conflict"));
    assert_eq!(refused.message(), "Apply failed with 1 conflict: conflict with \"kubectl\": .data.k");
    assert_eq!(
        refused.json["details"]["causes"],
        json!([{
            "reason": "FieldManagerConflict",
            "message": "conflict with \"kubectl\"",
            "field": ".data.k"
        }])
    );
    let forced =
        cluster.apply(&format!("{}?force=true", path("a")), &config_map("a", &json!({ "k": "w" }))).await;
    assert_eq!(forced.ok()["data"], json!({ "k": "w" }));
}

#[tokio::test(start_paused = true)]
async fn an_apply_without_a_field_manager_is_invalid() {
    let cluster = Cluster::new();
    let refused = cluster.call(Method::PATCH, &path("a"), &config_map("a", &json!({}))).await;
    assert_eq!((refused.status, refused.reason()), (422, "Invalid"));
    assert_eq!(
        refused.message(),
        "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch"
    );
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_is_not_there_is_not_found() {
    let cluster = Cluster::new();
    let object = config_map("a", &json!({}));
    let refused = cluster.apply("/api/v1/namespaces/nowhere/configmaps/a", &object).await;
    assert_eq!((refused.status, refused.reason()), (404, "NotFound"));
    assert_eq!(refused.message(), "namespaces \"nowhere\" not found");
    assert_eq!(refused.json["details"], json!({ "name": "nowhere", "kind": "namespaces" }));
}

#[tokio::test(start_paused = true)]
async fn a_stale_resource_version_conflicts() {
    let cluster = Cluster::new();
    let mut object = cluster.apply(&path("a"), &config_map("a", &json!({ "k": "v" }))).await.ok();
    cluster.apply(&path("a"), &config_map("a", &json!({ "k": "w" }))).await.ok();
    object["data"]["k"] = json!("x");
    let refused = cluster.call(Method::PUT, &path("a"), &object).await;
    assert_eq!((refused.status, refused.reason()), (409, "Conflict"));
    assert_eq!(
        refused.message(),
        "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your changes \
         to the latest version and try again"
    );
    let mut stale = config_map("a", &json!({ "k": "y" }));
    stale["metadata"]["resourceVersion"] = object["metadata"]["resourceVersion"].clone();
    assert_eq!(cluster.apply(&path("a"), &stale).await.status, 409, "apply holds to it too");
}

#[tokio::test(start_paused = true)]
async fn an_immutable_selector_is_invalid() {
    let cluster = Cluster::new();
    let web = format!("{DEPLOYMENTS}/web");
    cluster.apply(&web, &deployment("web", "web:1")).await.ok();
    let mut other = deployment("web", "web:1");
    other["spec"]["selector"]["matchLabels"] = json!({ "app": "other" });
    other["spec"]["template"]["metadata"]["labels"] = json!({ "app": "other" });
    let refused = cluster.apply(&web, &other).await;
    assert_eq!((refused.status, refused.reason()), (422, "Invalid"));
    assert_eq!(
        refused.message(),
        "Deployment.apps \"web\" is invalid: spec.selector: Invalid value: {\"matchLabels\":{\"app\":\"other\"}}: field \
         is immutable"
    );
    assert_eq!(refused.json["details"]["causes"][0]["field"], "spec.selector");
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_answers_201_and_leaves_nothing() {
    let cluster = Cluster::new();
    let tried = cluster.apply(&format!("{}?dryRun=All", path("a")), &config_map("a", &json!({}))).await;
    assert_eq!(tried.status, 201);
    assert_eq!(cluster.get(&path("a")).await.status, 404);
    assert!(cluster.simulator.writes().is_empty(), "a dry run counts as reading");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_field_through_apply_is_an_error_of_the_server_without_a_reason() {
    let cluster = Cluster::new();
    let mut object = deployment("web", "web:1");
    object["spec"]["replicsa"] = json!(3);
    let refused = cluster.apply(&format!("{DEPLOYMENTS}/web?fieldValidation=Strict"), &object).await;
    assert_eq!((refused.status, refused.reason()), (500, ""));
    assert_eq!(
        refused.message(),
        "failed to create typed patch object (default/web; apps/v1, Kind=Deployment): .spec.replicsa: field not \
         declared in schema"
    );
}

#[tokio::test(start_paused = true)]
async fn an_unknown_field_through_a_strict_post_is_a_bad_request() {
    let cluster = Cluster::new();
    let mut object = deployment("web", "web:1");
    object["spec"]["template"]["spec"]["containers"][0]["imagee"] = json!("x");
    let refused = cluster.post(&format!("{DEPLOYMENTS}?fieldValidation=Strict"), &object).await;
    assert_eq!((refused.status, refused.reason()), (400, "BadRequest"));
    assert_eq!(
        refused.message(),
        "Deployment in version \"v1\" cannot be handled as a Deployment: strict decoding error: unknown field \
         \"spec.template.spec.containers[0].imagee\""
    );
    let warned = cluster.post(DEPLOYMENTS, &object).await;
    assert_eq!(warned.status, 201, "without it there is a warning, and the field is dropped");
    let warning = warned.headers["warning"].to_str().unwrap();
    assert!(warning.starts_with("299 - ") && warning.contains("imagee"), "{warning}");
    assert!(warned.json["spec"]["template"]["spec"]["containers"][0]["imagee"].is_null());
}

#[tokio::test(start_paused = true)]
async fn a_service_port_without_protocol_is_applied() {
    let cluster = Cluster::new();
    let service = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": { "name": "web" },
        "spec": { "selector": { "app": "web" }, "ports": [{ "port": 80 }] }
    });
    let path = "/api/v1/namespaces/default/services/web";
    let made = cluster.apply(path, &service).await;
    assert_eq!(made.status, 201);
    assert_eq!(made.json["spec"]["ports"], json!([{ "port": 80, "protocol": "TCP", "targetPort": 80 }]));
    assert_eq!(cluster.apply(path, &service).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn status_in_an_apply_of_the_object_is_ignored_and_status_writes_are_marked() {
    let cluster = Cluster::new();
    let web = format!("{DEPLOYMENTS}/web");
    let mut object = deployment("web", "web:1");
    object["status"] = json!({ "replicas": 99 });
    let made = cluster.apply(&web, &object).await.ok();
    assert!(made["metadata"]["managedFields"][0]["fieldsV1"]["f:status"].is_null(), "nor is it owned");
    let again = cluster.apply(&web, &object).await;
    assert_eq!(again.status, 200);
    assert_ne!(again.json["status"]["replicas"], json!(99));
    cluster.until(|cluster| condition(&cluster.object(&web), "Available").starts_with("True")).await;
    let fields = cluster.object(&web)["metadata"]["managedFields"].clone();
    let status =
        fields.as_array().unwrap().iter().find(|entry| entry["subresource"] == "status").unwrap().clone();
    assert_eq!(
        (&status["manager"], &status["operation"]),
        (&json!("kube-controller-manager"), &json!("Update"))
    );
    assert!(status["fieldsV1"]["f:status"]["f:replicas"].is_object());
}

#[tokio::test(start_paused = true)]
async fn a_job_says_that_it_will_end_before_it_says_that_it_has() {
    for (exit_code, first, last) in [(0, "SuccessCriteriaMet", "Complete"), (3, "FailureTarget", "Failed")] {
        let cluster = Cluster::with(|setup| {
            if exit_code != 0 {
                setup.pods.push(super::failures::failing("Job", "migrate", exit_code));
            }
        });
        let path = "/apis/batch/v1/namespaces/default/jobs/migrate";
        cluster.apply(path, &super::rollouts::job("migrate", 0)).await.ok();
        let mut seen: Vec<Vec<String>> = Vec::new();
        for _ in 0..2_000 {
            let job = cluster.object(path);
            let conditions = job["status"]["conditions"].as_array().cloned().unwrap_or_default();
            let types: Vec<String> =
                conditions.iter().map(|one| one["type"].as_str().unwrap().to_owned()).collect();
            if seen.last() != Some(&types) {
                seen.push(types);
            }
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        assert_eq!(seen, [vec![], vec![first.to_owned()], vec![first.to_owned(), last.to_owned()]]);
    }
}

#[tokio::test(start_paused = true)]
async fn initial_events_of_a_watch_are_refused_by_1_33_and_given_by_1_36() {
    for (version, status) in [("1.33", 422), ("1.36", 200)] {
        let mut world = landfall_simulator::World::demo();
        let region = world.account(landfall_simulator::DEMO_ACCOUNT).region(landfall_simulator::DEMO_REGION);
        region.eks_clusters.get_mut("demo").unwrap().settings = json!({ "version": version });
        let cluster = Cluster::of(world);
        let path = format!(
            "{CONFIG_MAPS}?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&timeoutSeconds=1&\
             allowWatchBookmarks=true"
        );
        let answer = cluster.get(&path).await;
        assert_eq!(answer.status, status, "{version}: {}", answer.text);
        if status == 422 {
            assert_eq!(answer.json["details"]["kind"], "ListOptions");
            assert!(answer.message().contains("sendInitialEvents is forbidden"), "{}", answer.message());
        } else {
            assert!(answer.text.contains("k8s.io/initial-events-end"), "{}", answer.text);
        }
    }
}
