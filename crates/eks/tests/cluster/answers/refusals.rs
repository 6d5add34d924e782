//! What is refused, and how.

use http::Method;
use serde_json::{Value, json};

use super::{Answer, Row, Stage, config_map, deployment, row, secret};

pub(super) const ROWS: &[Row] = &[
    row!("an apply without a field manager is invalid", "422 Invalid", without_manager),
    row!("an apply into a namespace that is not there", "404 NotFound: namespaces nowhere", no_namespace),
    row!("an object that is not there", "404 NotFound: configmaps settings", no_object),
    row!("a kind that is not there", "404: no Status", no_kind),
    row!("an object that is there already", "409 AlreadyExists: configmaps settings", there_already),
    row!(
        "a selector of a Deployment cannot be changed",
        "422 Invalid: spec.selector, immutable: true",
        immutable
    ),
    row!(
        "an unknown field in an apply",
        "500: the message names the schema: true, causes: 0",
        unknown_in_apply
    ),
    row!(
        "an unknown field in a POST that is checked strictly",
        "400 BadRequest: strict decoding error: true",
        unknown_in_post
    ),
    row!(
        "a Deployment without a template is invalid with all its problems",
        "422 Invalid: spec.selector, spec.template.spec.containers",
        several
    ),
    row!(
        "a Secret whose data are not in base64 cannot be read from a POST",
        r#"400 BadRequest: Secret in version "v1" cannot be handled as a Secret: illegal base64 data at input byte 4"#,
        not_base64_in_post
    ),
    row!(
        "a Secret whose data are not in base64 is an error in an apply",
        "500: unable to convert unstructured object to /v1, Kind=Secret: error decoding from json: illegal base64 data at input byte 4",
        not_base64_in_apply
    ),
    row!(
        "a key of data that is no name of a file",
        "422 Invalid: data[a key], 422 Invalid: data[a key]",
        keys
    ),
    row!("a Secret for TLS without its key", "422 Invalid: data[tls.key]", without_key),
    row!(
        "a pod whose service account is not there",
        r#"403 Forbidden: serviceaccount "nobody" not found"#,
        no_service_account
    ),
];

/// What a refusal is about: `configmaps settings`.
fn about(answer: &Answer) -> String {
    let details = answer.json()["details"].clone();
    let text = |name: &str| details[name].as_str().unwrap_or("?").to_owned();
    format!("{}: {} {}", answer.brief(), text("kind"), text("name"))
}

/// The fields that a refusal names, in order and each once.
fn fields(answer: &Answer) -> String {
    let causes = answer.json()["details"]["causes"].as_array().cloned().unwrap_or_default();
    let mut fields: Vec<&str> = causes.iter().filter_map(|cause| cause["field"].as_str()).collect();
    fields.sort_unstable();
    fields.dedup();
    fields.join(", ")
}

fn settings() -> Value {
    config_map(&json!({ "a": "1" }))
}

async fn without_manager(stage: &Stage<'_>) -> Result<String, String> {
    Ok(stage.apply_with("force=false", &settings()).await?.brief())
}

async fn no_namespace(stage: &Stage<'_>) -> Result<String, String> {
    let path = "/api/v1/namespaces/nowhere/configmaps/settings?fieldManager=one";
    Ok(about(&stage.send(Method::PATCH, path, "application/apply-patch+yaml", &settings()).await?))
}

async fn no_object(stage: &Stage<'_>) -> Result<String, String> {
    Ok(about(&stage.read(&settings()).await?))
}

/// A group that nobody serves is a plain page of the server's.
async fn no_kind(stage: &Stage<'_>) -> Result<String, String> {
    let path = "/apis/nothing.example.com/v1/things";
    let answer = stage.send(Method::GET, path, "application/json", &Value::Null).await?;
    let kind = answer.json()["kind"].as_str().unwrap_or("no Status").to_owned();
    Ok(format!("{}: {kind}", answer.brief()))
}

async fn there_already(stage: &Stage<'_>) -> Result<String, String> {
    stage.post("", &settings()).await?;
    Ok(about(&stage.post("", &settings()).await?))
}

async fn immutable(stage: &Stage<'_>) -> Result<String, String> {
    stage.apply("one", &deployment("registry.example.com/web:1")).await?;
    let mut object = deployment("registry.example.com/web:1");
    object["spec"]["selector"]["matchLabels"] = json!({ "app": "shop" });
    object["spec"]["template"]["metadata"]["labels"] = json!({ "app": "shop" });
    let answer = stage.apply("one", &object).await?;
    let immutable = answer.message().contains("field is immutable");
    Ok(format!("{}: {}, immutable: {immutable}", answer.brief(), fields(&answer)))
}

/// What does not fit the schema is an internal error without a reason, so that it has to be known by its message.
async fn unknown_in_apply(stage: &Stage<'_>) -> Result<String, String> {
    let mut object = settings();
    object["dta"] = json!({ "a": "1" });
    let answer = stage.apply("one", &object).await?;
    let named = answer.message().contains("field not declared in schema");
    let causes = answer.json()["details"]["causes"].as_array().map_or(0, Vec::len);
    Ok(format!("{}: the message names the schema: {named}, causes: {causes}", answer.brief()))
}

async fn unknown_in_post(stage: &Stage<'_>) -> Result<String, String> {
    let mut object = settings();
    object["dta"] = json!({ "a": "1" });
    let answer = stage.post("fieldValidation=Strict", &object).await?;
    Ok(format!(
        "{}: strict decoding error: {}",
        answer.brief(),
        answer.message().contains("strict decoding error")
    ))
}

async fn several(stage: &Stage<'_>) -> Result<String, String> {
    let object = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": "web" },
        "spec": { "selector": {}, "template": { "spec": { "containers": [] } } },
    });
    let answer = stage.apply("one", &object).await?;
    Ok(format!("{}: {}", answer.brief(), fields(&answer)))
}

async fn not_base64_in_post(stage: &Stage<'_>) -> Result<String, String> {
    let answer = stage.post("", &secret(&json!({ "user": "admin" }))).await?;
    Ok(format!("{}: {}", answer.brief(), answer.message()))
}

/// The typed parser takes it for a text; what comes after it does not.
async fn not_base64_in_apply(stage: &Stage<'_>) -> Result<String, String> {
    let answer = stage.apply("one", &secret(&json!({ "user": "admin" }))).await?;
    let message = answer.message();
    let why = message.find("unable to convert").map_or(message.as_str(), |at| &message[at..]);
    Ok(format!("{}: {why}", answer.brief()))
}

async fn keys(stage: &Stage<'_>) -> Result<String, String> {
    let mut told = Vec::new();
    for object in [config_map(&json!({ "a key": "1" })), secret(&json!({ "a key": "MQ==" }))] {
        let answer = stage.apply("one", &object).await?;
        told.push(format!("{}: {}", answer.brief(), fields(&answer)));
    }
    Ok(told.join(", "))
}

async fn without_key(stage: &Stage<'_>) -> Result<String, String> {
    let mut object = secret(&json!({ "tls.crt": "MQ==" }));
    object["type"] = json!("kubernetes.io/tls");
    let answer = stage.apply("one", &object).await?;
    Ok(format!("{}: {}", answer.brief(), fields(&answer)))
}

async fn no_service_account(stage: &Stage<'_>) -> Result<String, String> {
    let pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": "web" },
        "spec": {
            "serviceAccountName": "nobody",
            "containers": [{ "name": "web", "image": "registry.example.com/web:1" }],
        },
    });
    let answer = stage.post("", &pod).await?;
    let message = answer.message();
    let why = message.find("serviceaccount \"").map_or(message.as_str(), |at| &message[at..]);
    Ok(format!("{}: {why}", answer.brief()))
}
