//! Ownership of fields.

use http::Method;
use serde_json::{Value, json};

use super::{CONFIG_MAPS, Cluster, DEPLOYMENTS, config_map, deployment, request};

fn entries(object: &Value) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let entries = object["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    entries
        .iter()
        .map(|entry| (text(&entry["manager"]), text(&entry["operation"]), text(&entry["subresource"])))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_posted_and_put_is_owned_by_the_program_that_did_it() {
    let cluster = Cluster::new();
    let mut made = cluster.post(CONFIG_MAPS, &config_map("a", &json!({ "k": "v" }))).await.ok();
    let entry = &made["metadata"]["managedFields"][0];
    assert_eq!(
        (&entry["manager"], &entry["operation"], &entry["apiVersion"]),
        (&json!("curl"), &json!("Update"), &json!("v1"))
    );
    assert_eq!(entry["fieldsV1"], json!({ "f:data": { "f:k": {} } }));
    made["data"]["k"] = json!("w");
    let path = format!("{CONFIG_MAPS}/a");
    let put = cluster.call(Method::PUT, &format!("{path}?fieldManager=editor"), &made).await.ok();
    assert_eq!(
        entries(&put),
        [("editor".into(), "Update".into(), String::new())],
        "the first owns nothing any more"
    );
    let refused = cluster.apply(&path, &config_map("a", &json!({ "k": "x" }))).await;
    assert_eq!(refused.message(), "Apply failed with 1 conflict: conflict with \"editor\" using v1: .data.k");
}

#[tokio::test(start_paused = true)]
async fn many_conflicts_are_listed_by_manager() {
    let cluster = Cluster::new();
    let path = format!("{CONFIG_MAPS}/a");
    cluster.apply_as("one", &path, &config_map("a", &json!({ "a": "1", "b": "1" }))).await.ok();
    cluster.apply_as("two", &path, &config_map("a", &json!({ "c": "1" }))).await.ok();
    let refused = cluster.apply(&path, &config_map("a", &json!({ "a": "2", "b": "2", "c": "2" }))).await;
    assert_eq!(
        refused.message(),
        "Apply failed with 3 conflicts: conflicts with \"one\":\n- .data.a\n- .data.b\nconflicts with \"two\":\n- .data.c"
    );
    assert_eq!(refused.json["details"]["causes"].as_array().unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_autoscaler_owns_replicas_by_the_subresource_scale() {
    let cluster = Cluster::new();
    let web = format!("{DEPLOYMENTS}/web");
    cluster.apply(&web, &deployment("web", "web:1")).await.ok();
    let scale = json!({ "spec": { "replicas": 5 } });
    let mut scaling = request(Method::PATCH, &format!("{web}/scale"), &scale);
    scaling.headers_mut().insert("content-type", "application/merge-patch+json".parse().unwrap());
    cluster.api.handle_as("kube-controller-manager", scaling).await.unwrap();
    let live = cluster.object(&web);
    assert_eq!(live["spec"]["replicas"], 5);
    assert!(entries(&live).contains(&("kube-controller-manager".into(), "Update".into(), "scale".into())));
    let refused = cluster.apply(&web, &deployment("web", "web:2")).await;
    assert_eq!(
        refused.message(),
        "Apply failed with 1 conflict: conflict with \"kube-controller-manager\" with subresource \"scale\" using \
         apps/v1: .spec.replicas"
    );
    let mut without = deployment("web", "web:2");
    without["spec"].as_object_mut().unwrap().shift_remove("replicas");
    assert_eq!(cluster.apply(&web, &without).await.ok()["spec"]["replicas"], 5);
}

#[tokio::test(start_paused = true)]
async fn force_takes_the_field_from_its_owner() {
    let cluster = Cluster::new();
    let path = format!("{CONFIG_MAPS}/a");
    cluster.apply_as("other", &path, &config_map("a", &json!({ "k": "v", "mine": "1" }))).await.ok();
    let forced =
        cluster.apply(&format!("{path}?force=true"), &config_map("a", &json!({ "k": "w" }))).await.ok();
    let fields = forced["metadata"]["managedFields"].as_array().unwrap();
    let of = |manager: &str| {
        fields.iter().find(|entry| entry["manager"] == manager).map(|entry| entry["fieldsV1"].clone())
    };
    assert_eq!(of("landfall").unwrap()["f:data"], json!({ "f:k": {} }));
    assert_eq!(of("other").unwrap()["f:data"], json!({ "f:mine": {} }));
}

#[tokio::test(start_paused = true)]
async fn defaults_belong_to_nobody_after_an_apply() {
    let cluster = Cluster::new();
    let web = format!("{DEPLOYMENTS}/web");
    let made = cluster.apply(&web, &deployment("web", "web:1")).await.ok();
    let fields = &made["metadata"]["managedFields"][0]["fieldsV1"];
    assert!(fields["f:spec"]["f:replicas"].is_object() && fields["f:spec"]["f:selector"].is_object());
    assert!(fields["f:spec"]["f:strategy"].is_null() && fields["f:metadata"].is_null(), "{fields}");
    let container = &fields["f:spec"]["f:template"]["f:spec"]["f:containers"]["k:{\"name\":\"main\"}"];
    assert_eq!(*container, json!({ ".": {}, "f:image": {}, "f:name": {} }));
    // Somebody may own a default by saying it.
    let mut said = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" } });
    said["spec"]["revisionHistoryLimit"] = json!(3);
    assert_eq!(cluster.apply_as("other", &web, &said).await.ok()["spec"]["revisionHistoryLimit"], 3);
}

#[tokio::test(start_paused = true)]
async fn managed_fields_can_be_migrated_by_a_json_patch() {
    let cluster = Cluster::new();
    let path = format!("{CONFIG_MAPS}/a");
    let mut making = request(Method::POST, CONFIG_MAPS, &config_map("a", &json!({ "k": "v", "old": "x" })));
    making.headers_mut().insert("user-agent", "kubectl/v1.34".parse().unwrap());
    cluster.api.handle_as("kubectl-client-side-apply", making).await.unwrap();
    let live = cluster.object(&path);
    let version = live["metadata"]["resourceVersion"].clone();
    let mut entry = live["metadata"]["managedFields"][0].clone();
    entry["manager"] = json!("landfall");
    entry["operation"] = json!("Apply");
    let patch = json!([
        { "op": "replace", "path": "/metadata/managedFields", "value": [entry] },
        { "op": "replace", "path": "/metadata/resourceVersion", "value": version }
    ]);
    let migrated = cluster.patch("application/json-patch+json", &path, &patch).await.ok();
    assert_eq!(entries(&migrated), [("landfall".into(), "Apply".into(), String::new())]);
    let after = cluster.apply(&path, &config_map("a", &json!({ "k": "v" }))).await.ok();
    assert_eq!(after["data"], json!({ "k": "v" }), "what client-side apply left is removed now");
}

#[tokio::test(start_paused = true)]
async fn an_item_of_a_list_goes_with_its_owner_and_a_shared_one_stays() {
    let cluster = Cluster::new();
    let web = format!("{DEPLOYMENTS}/web");
    let with_env = |env: Value| {
        let mut object = deployment("web", "web:1");
        object["spec"]["template"]["spec"]["containers"][0]["env"] = env;
        object
    };
    let env = json!([{ "name": "A", "value": "1" }, { "name": "B", "value": "1" }]);
    cluster.apply(&web, &with_env(env.clone())).await.ok();
    let mut other = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" } });
    other["spec"]["template"]["spec"]["containers"] =
        json!([{ "name": "main", "env": [{ "name": "B", "value": "1" }] }]);
    cluster.apply_as("other", &web, &other).await.ok();
    let after = cluster.apply(&web, &deployment("web", "web:1")).await.ok();
    assert_eq!(
        after["spec"]["template"]["spec"]["containers"][0]["env"],
        json!([{ "name": "B", "value": "1" }])
    );
}
