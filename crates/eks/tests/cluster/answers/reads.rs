//! Lists and watches.

use http::Method;
use serde_json::{Value, json};

use super::{Row, Stage, config_map, row};

pub(super) const ROWS: &[Row] = &[
    row!("a list comes in pages of the size that is asked for", "200: a, b; 200: c; the end", pages),
    row!(
        "a watch from a resourceVersion tells what came after it",
        "200: MODIFIED 2, MODIFIED 3, DELETED 3",
        from_a_version
    ),
    row!(
        "a watch with initial events tells what is there and where it ends",
        "200: ADDED 1, BOOKMARK, the initial events end: true",
        initial_events
    ),
];

async fn pages(stage: &Stage<'_>) -> Result<String, String> {
    for name in ["a", "b", "c"] {
        let mut object = numbered("1");
        object["metadata"] = json!({ "name": name, "labels": { "paged": "yes" } });
        stage.apply("one", &object).await?;
    }
    let mut told = Vec::new();
    let mut next = String::new();
    loop {
        let list = stage.list("ConfigMap");
        let path = format!("{list}?labelSelector=paged%3Dyes&limit=2&continue={next}");
        let answer = stage.send(Method::GET, &path, "application/json", &Value::Null).await?;
        let page = answer.json();
        let items = page["items"].as_array().cloned().unwrap_or_default();
        let names: Vec<&str> = items.iter().filter_map(|item| item["metadata"]["name"].as_str()).collect();
        told.push(format!("{}: {}", answer.brief(), names.join(", ")));
        match page["metadata"]["continue"].as_str() {
            Some(token) if !token.is_empty() => token.clone_into(&mut next),
            _ => return Ok(format!("{}; the end", told.join("; "))),
        }
    }
}

/// A second is enough: what is told has happened before.
async fn watch(stage: &Stage<'_>, query: &str) -> Result<(String, Vec<Value>), String> {
    // A namespace has a ConfigMap of its own, with the certificates of the cluster.
    let only = "fieldSelector=metadata.name%3Dsettings&watch=true&timeoutSeconds=1";
    let path = format!("{}?{only}&{query}", stage.list("ConfigMap"));
    let answer = stage.send(Method::GET, &path, "application/json", &Value::Null).await?;
    let lines = answer.body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    Ok((answer.brief(), lines.map(|line| serde_json::from_slice(line).unwrap_or_default()).collect()))
}

fn numbered(number: &str) -> Value {
    config_map(&json!({ "number": number }))
}

fn told(event: &Value) -> String {
    let kind = event["type"].as_str().unwrap_or("?");
    match event["object"]["data"]["number"].as_str() {
        Some(number) => format!("{kind} {number}"),
        None => kind.to_owned(),
    }
}

async fn from_a_version(stage: &Stage<'_>) -> Result<String, String> {
    let first = stage.apply("one", &numbered("1")).await?.json();
    stage.apply("one", &numbered("2")).await?;
    stage.apply("one", &numbered("3")).await?;
    stage.send(Method::DELETE, &stage.path(&numbered("")), "application/json", &Value::Null).await?;
    let version = first["metadata"]["resourceVersion"].as_str().unwrap_or_default();
    let (status, events) = watch(stage, &format!("resourceVersion={version}")).await?;
    Ok(format!("{status}: {}", events.iter().map(told).collect::<Vec<_>>().join(", ")))
}

/// <https://kubernetes.io/docs/reference/using-api/api-concepts/#streaming-lists>.
async fn initial_events(stage: &Stage<'_>) -> Result<String, String> {
    stage.apply("one", &numbered("1")).await?;
    let query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    let (status, events) = watch(stage, query).await?;
    let ends =
        |event: &Value| event["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"] == "true";
    let ends = events.iter().any(ends);
    // Near its end a watch may send one bookmark more.
    let mut told: Vec<String> = events.iter().map(told).collect();
    told.dedup();
    Ok(format!("{status}: {}, the initial events end: {ends}", told.join(", ")))
}
