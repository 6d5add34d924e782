//! Kinds that a cluster learns: <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/>.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use super::{Answer, Row, Stage, row};

pub(super) const ROWS: &[Row] = &[
    row!(
        "a custom resource can be made once its definition is established",
        "404, 201, Established, 201",
        made
    ),
    row!(
        "an unknown field of a custom resource is an error as that of any other kind",
        "500: the message names the schema: true",
        unknown_field
    ),
];

/// How long a definition may take to be established.
const LONGEST: Duration = Duration::from_secs(30);

async fn made(stage: &Stage<'_>) -> Result<String, String> {
    let before = order(stage, "shop", &json!({ "size": 2 })).await?;
    let defined = define(stage, "shop").await?;
    let established = established(stage, "shop").await?;
    // The server begins to serve a kind a moment after it has said so.
    let served = async {
        loop {
            let answer = order(stage, "shop", &json!({ "size": 2 })).await?;
            if answer.status != 404 {
                return Ok::<_, String>(answer);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let served = tokio::time::timeout(LONGEST, served).await.map_err(|_| "it is not served".to_owned())??;
    Ok(format!("{}, {}, {established}, {}", before.brief(), defined.brief(), served.brief()))
}

async fn unknown_field(stage: &Stage<'_>) -> Result<String, String> {
    define(stage, "depot").await?;
    established(stage, "depot").await?;
    let refused = async {
        loop {
            let answer = order(stage, "depot", &json!({ "size": 2, "colour": "red" })).await?;
            if answer.status != 404 {
                return Ok::<_, String>(answer);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let answer =
        tokio::time::timeout(LONGEST, refused).await.map_err(|_| "it is not served".to_owned())??;
    let named = answer.message().contains("field not declared in schema");
    Ok(format!("{}: the message names the schema: {named}", answer.brief()))
}

fn definition_path(group: &str) -> String {
    format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/orders.{group}.example.com")
}

async fn define(stage: &Stage<'_>, group: &str) -> Result<Answer, String> {
    let spec = json!({ "type": "object", "properties": { "size": { "type": "integer" } } });
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("orders.{group}.example.com") },
        "spec": {
            "group": format!("{group}.example.com"),
            "scope": "Namespaced",
            "names": { "plural": "orders", "singular": "order", "kind": "Order", "listKind": "OrderList" },
            "versions": [{
                "name": "v1",
                "served": true,
                "storage": true,
                "schema": { "openAPIV3Schema": { "type": "object", "properties": { "spec": spec } } },
            }],
        },
    });
    let path = format!("{}?fieldManager=one", definition_path(group));
    stage.send(Method::PATCH, &path, "application/apply-patch+yaml", &definition).await
}

async fn established(stage: &Stage<'_>, group: &str) -> Result<&'static str, String> {
    let established = async {
        loop {
            let path = definition_path(group);
            let answer = stage.send(Method::GET, &path, "application/json", &Value::Null).await?.json();
            let conditions = answer["status"]["conditions"].as_array().cloned().unwrap_or_default();
            if conditions.iter().any(|one| one["type"] == "Established" && one["status"] == "True") {
                return Ok("Established");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(LONGEST, established).await.unwrap_or(Ok("not established"))
}

/// Applies an order with this spec.
async fn order(stage: &Stage<'_>, group: &str, spec: &Value) -> Result<Answer, String> {
    let object = json!({
        "apiVersion": format!("{group}.example.com/v1"),
        "kind": "Order",
        "metadata": { "name": "first" },
        "spec": spec,
    });
    let namespace = &stage.namespace;
    let path = format!("/apis/{group}.example.com/v1/namespaces/{namespace}/orders/first?fieldManager=one");
    stage.send(Method::PATCH, &path, "application/apply-patch+yaml", &object).await
}
