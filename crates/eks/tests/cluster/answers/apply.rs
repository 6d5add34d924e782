//! Applying: what is made, merged, removed and left alone.

use serde_json::json;

use super::{Row, Stage, config_map, deployment, row, service};

pub(super) const ROWS: &[Row] = &[
    row!(
        "an apply makes an object, and the same apply again writes nothing",
        "201, 200, the same resourceVersion",
        again
    ),
    row!("a field that its only owner leaves out is removed", r#"{"a":"1"}"#, left_out),
    row!(
        "a field that somebody else owns too stays when one leaves it out",
        r#"{"a":"1","b":"2"}, two alone owns b: true"#,
        left_out_by_one
    ),
    row!("lists are merged by their keys", "80, 443", merged),
    row!("a port without a protocol is applied", "201, TCP, 200", without_protocol),
    row!("a dry run makes nothing", "201, then 404 NotFound", dry_run),
    row!("a change of the spec is a new generation and a change of a label is none", "1, 2, 2", generations),
];

async fn again(stage: &Stage<'_>) -> Result<String, String> {
    let object = config_map(&json!({ "a": "1" }));
    let first = stage.apply("one", &object).await?;
    let second = stage.apply("one", &object).await?;
    let version = |answer: &super::Answer| answer.json()["metadata"]["resourceVersion"].clone();
    let kept = if version(&first) == version(&second) { "the same" } else { "another" };
    Ok(format!("{}, {}, {kept} resourceVersion", first.brief(), second.brief()))
}

async fn left_out(stage: &Stage<'_>) -> Result<String, String> {
    stage.apply("one", &config_map(&json!({ "a": "1", "b": "2" }))).await?;
    let answer = stage.apply("one", &config_map(&json!({ "a": "1" }))).await?;
    Ok(answer.json()["data"].to_string())
}

async fn left_out_by_one(stage: &Stage<'_>) -> Result<String, String> {
    stage.apply("one", &config_map(&json!({ "a": "1", "b": "2" }))).await?;
    stage.apply("two", &config_map(&json!({ "b": "2" }))).await?;
    let answer = stage.apply("one", &config_map(&json!({ "a": "1" }))).await?.json();
    let entries = answer["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    let owners: Vec<&serde_json::Value> =
        entries.iter().filter(|entry| !entry["fieldsV1"]["f:data"]["f:b"].is_null()).collect();
    let alone = matches!(owners[..], [entry] if entry["manager"] == "two");
    Ok(format!("{}, two alone owns b: {alone}", answer["data"]))
}

async fn merged(stage: &Stage<'_>) -> Result<String, String> {
    stage.apply("one", &service(&json!([{ "name": "http", "port": 80, "protocol": "TCP" }]))).await?;
    let answer =
        stage.apply("two", &service(&json!([{ "name": "https", "port": 443, "protocol": "TCP" }]))).await?;
    let ports = answer.json()["spec"]["ports"].as_array().cloned().unwrap_or_default();
    Ok(ports.iter().map(|port| port["port"].to_string()).collect::<Vec<_>>().join(", "))
}

/// The protocol is part of the key of a port, and has a default
/// (<https://github.com/kubernetes-sigs/structured-merge-diff/issues/130>).
async fn without_protocol(stage: &Stage<'_>) -> Result<String, String> {
    let object = service(&json!([{ "port": 80 }]));
    let first = stage.apply("one", &object).await?;
    let protocol = first.json()["spec"]["ports"][0]["protocol"].clone();
    let second = stage.apply("one", &object).await?;
    Ok(format!("{}, {}, {}", first.brief(), protocol.as_str().unwrap_or("none"), second.brief()))
}

async fn dry_run(stage: &Stage<'_>) -> Result<String, String> {
    let object = config_map(&json!({ "a": "1" }));
    let made = stage.apply_with("fieldManager=one&dryRun=All", &object).await?;
    Ok(format!("{}, then {}", made.brief(), stage.read(&object).await?.brief()))
}

async fn generations(stage: &Stage<'_>) -> Result<String, String> {
    let mut labelled = deployment("registry.example.com/web:2");
    labelled["metadata"]["labels"] = json!({ "team": "shop" });
    let mut generations = Vec::new();
    for object in
        [deployment("registry.example.com/web:1"), deployment("registry.example.com/web:2"), labelled]
    {
        let answer = stage.apply("one", &object).await?;
        generations.push(answer.json()["metadata"]["generation"].to_string());
    }
    // A look makes it certain that this is what is stored.
    let stored = stage.read(&deployment("")).await?;
    if stored.json()["metadata"]["labels"]["team"] != "shop" {
        return Ok(format!("the label is not stored: {stored:?}"));
    }
    Ok(generations.join(", "))
}
