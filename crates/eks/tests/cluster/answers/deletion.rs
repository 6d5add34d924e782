//! Deleting.

use http::Method;
use serde_json::{Value, json};

use super::{Answer, Row, Stage, config_map, row};

pub(super) const ROWS: &[Row] = &[
    row!(
        "a deletion of another object of the same name is a conflict",
        "409 Conflict, 200, 404 NotFound",
        other_uid
    ),
    row!(
        "an object with a finalizer stays and is marked until that is removed",
        "200, marked: true, 200, 404 NotFound",
        finalizer
    ),
    row!(
        "a namespace that is being deleted takes no new objects",
        "200, 403 Forbidden, NamespaceTerminating",
        terminating
    ),
];

fn settings() -> Value {
    config_map(&json!({ "a": "1" }))
}

/// An object that its finalizer holds.
fn held() -> Value {
    let mut object = settings();
    object["metadata"]["finalizers"] = json!(["example.com/held"]);
    object
}

async fn delete(stage: &Stage<'_>, path: &str, preconditions: &Value) -> Result<Answer, String> {
    let options = json!({ "apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions });
    stage.send(Method::DELETE, path, "application/json", &options).await
}

async fn other_uid(stage: &Stage<'_>) -> Result<String, String> {
    let made = stage.apply("one", &settings()).await?.json();
    let mut answers = Vec::new();
    for uid in [json!("11111111-2222-3333-4444-555555555555"), made["metadata"]["uid"].clone()] {
        answers.push(delete(stage, &stage.path(&settings()), &json!({ "uid": uid })).await?.brief());
    }
    answers.push(stage.read(&settings()).await?.brief());
    Ok(answers.join(", "))
}

/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/finalizers/>.
async fn finalizer(stage: &Stage<'_>) -> Result<String, String> {
    stage.apply("one", &held()).await?;
    let deleted = delete(stage, &stage.path(&held()), &Value::Null).await?;
    let marked = !stage.read(&held()).await?.json()["metadata"]["deletionTimestamp"].is_null();
    let freed = stage.apply("one", &settings()).await?;
    let gone = stage.read(&held()).await?;
    Ok(format!("{}, marked: {marked}, {}, {}", deleted.brief(), freed.brief(), gone.brief()))
}

/// An object that is held keeps its namespace.
async fn terminating(stage: &Stage<'_>) -> Result<String, String> {
    stage.apply("one", &held()).await?;
    let deleted = delete(stage, &format!("/api/v1/namespaces/{}", stage.namespace), &Value::Null).await?;
    let mut other = settings();
    other["metadata"]["name"] = json!("other");
    let refused = stage.apply("one", &other).await?;
    let cause = refused.json()["details"]["causes"][0]["reason"].as_str().unwrap_or("no cause").to_owned();
    Ok(format!("{}, {}, {cause}", deleted.brief(), refused.brief()))
}
