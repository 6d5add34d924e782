//! CustomResourceDefinitions and the kinds that they make.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Cluster, condition};

pub(super) const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
pub(super) const WIDGETS: &str = "/apis/example.com/v1/namespaces/default/widgets";

pub(super) fn definition() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": "widgets.example.com" },
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": { "plural": "widgets", "kind": "Widget", "shortNames": ["wd"] },
            "versions": [{
                "name": "v1",
                "served": true,
                "storage": true,
                "subresources": { "status": {} },
                "schema": { "openAPIV3Schema": {
                    "type": "object",
                    "properties": {
                        "spec": { "type": "object", "properties": {
                            "size": { "type": "integer" },
                            "parts": {
                                "type": "array",
                                "x-kubernetes-list-type": "map",
                                "x-kubernetes-list-map-keys": ["name"],
                                "items": { "type": "object", "properties": {
                                    "name": { "type": "string" }, "color": { "type": "string" }
                                } }
                            },
                            "free": { "type": "object", "x-kubernetes-preserve-unknown-fields": true }
                        } },
                        "status": { "type": "object", "x-kubernetes-preserve-unknown-fields": true }
                    }
                } }
            }]
        }
    })
}

fn widget(spec: &Value) -> Value {
    json!({ "apiVersion": "example.com/v1", "kind": "Widget", "metadata": { "name": "w" }, "spec": spec })
}

async fn established(cluster: &Cluster) {
    cluster.apply(&format!("{DEFINITIONS}/widgets.example.com"), &definition()).await.ok();
    tokio::time::sleep(Duration::from_secs(3)).await;
}

#[tokio::test(start_paused = true)]
async fn a_kind_is_served_once_its_definition_is_established() {
    let cluster = Cluster::with(|setup| setup.established_after_ms = 2_000);
    let path = format!("{DEFINITIONS}/widgets.example.com");
    cluster.apply(&path, &definition()).await.ok();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let young = cluster.object(&path);
    assert_eq!(condition(&young, "NamesAccepted"), "True NoConflicts");
    assert_eq!(condition(&young, "Established"), "False Installing");
    for path in ["/apis/example.com/v1", WIDGETS] {
        let missing = cluster.get(path).await;
        assert_eq!((missing.status, missing.text.as_str()), (404, "404 page not found\n"), "{path}");
    }
    tokio::time::sleep(Duration::from_millis(2_000)).await;
    let grown = cluster.object(&path);
    assert_eq!(condition(&grown, "Established"), "True InitialNamesAccepted");
    assert_eq!(grown["status"]["acceptedNames"]["singular"], "widget");
    let discovered = cluster.get("/apis/example.com/v1").await.ok();
    assert_eq!(discovered["resources"][0]["name"], "widgets");
    assert_eq!(cluster.apply(&format!("{WIDGETS}/w"), &widget(&json!({ "size": 1 }))).await.status, 201);
}

#[tokio::test(start_paused = true)]
async fn a_custom_resource_is_merged_and_checked_by_its_schema() {
    let cluster = Cluster::new();
    established(&cluster).await;
    let path = format!("{WIDGETS}/w");
    let parts =
        |name: &str| json!({ "size": 1, "parts": [{ "name": name }], "free": { "any": { "thing": 1 } } });
    cluster.apply(&path, &widget(&parts("a"))).await.ok();
    let both = cluster.apply_as("other", &path, &widget(&json!({ "parts": [{ "name": "b" }] }))).await.ok();
    assert_eq!(both["spec"]["parts"], json!([{ "name": "a" }, { "name": "b" }]));
    assert_eq!(both["spec"]["free"], json!({ "any": { "thing": 1 } }));
    assert_eq!(both["metadata"]["generation"], 2);
    let refused = cluster.apply(&path, &widget(&json!({ "sise": 1 }))).await;
    assert_eq!(refused.status, 500);
    assert!(refused.message().ends_with(".spec.sise: field not declared in schema"), "{}", refused.message());
    let status = json!({
        "apiVersion": "example.com/v1", "kind": "Widget", "metadata": { "name": "w" },
        "status": { "phase": "Ready" }
    });
    let written = cluster.apply_as("controller", &format!("{path}/status"), &status).await.ok();
    assert_eq!(
        (&written["status"]["phase"], &written["metadata"]["generation"]),
        (&json!("Ready"), &json!(2))
    );
}

#[tokio::test(start_paused = true)]
async fn a_kind_goes_with_its_definition() {
    let cluster = Cluster::new();
    established(&cluster).await;
    cluster.apply(&format!("{WIDGETS}/w"), &widget(&json!({}))).await.ok();
    cluster.delete(&format!("{DEFINITIONS}/widgets.example.com"), &Value::Null).await.ok();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(cluster.get(WIDGETS).await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn a_definition_has_to_be_named_after_its_kind() {
    let cluster = Cluster::new();
    let mut wrong = definition();
    wrong["metadata"]["name"] = json!("gadgets.example.com");
    let refused = cluster.post(DEFINITIONS, &wrong).await;
    assert_eq!(refused.status, 422);
    assert!(
        refused.message().contains("must be spec.names.plural+\".\"+spec.group"),
        "{}",
        refused.message()
    );
}
