//! The status of an object is written apart from it.

use http::Method;
use serde_json::json;

use super::{Row, Stage, deployment, row, service};

pub(super) const ROWS: &[Row] = &[
    row!("a status in an apply of the object is left out", "201, not written, not owned", in_the_object),
    row!(
        "a status that is written is owned apart",
        "200, 192.0.2.1: balancer Apply status, one Apply",
        by_itself
    ),
];

async fn in_the_object(stage: &Stage<'_>) -> Result<String, String> {
    let mut object = deployment("registry.example.com/web:1");
    object["status"] = json!({ "replicas": 7 });
    let answer = stage.apply("one", &object).await?;
    let stored = stage.read(&object).await?.json();
    let written = if stored["status"]["replicas"] == 7 { "written" } else { "not written" };
    let entries = answer.json()["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    let owned =
        entries.iter().any(|entry| entry["manager"] == "one" && !entry["fieldsV1"]["f:status"].is_null());
    Ok(format!("{}, {written}, {}", answer.brief(), if owned { "owned" } else { "not owned" }))
}

async fn by_itself(stage: &Stage<'_>) -> Result<String, String> {
    let mut object = service(&json!([{ "port": 80 }]));
    object["spec"]["type"] = json!("LoadBalancer");
    stage.apply("one", &object).await?;
    let status = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": { "name": "web" },
        "status": { "loadBalancer": { "ingress": [{ "ip": "192.0.2.1" }] } },
    });
    let path = format!("{}/status?fieldManager=balancer", stage.path(&object));
    let answer = stage.send(Method::PATCH, &path, "application/apply-patch+yaml", &status).await?;
    let address = answer.json()["status"]["loadBalancer"]["ingress"][0]["ip"].clone();
    Ok(format!("{}, {}: {}", answer.brief(), address.as_str().unwrap_or("none"), answer.managers()))
}
