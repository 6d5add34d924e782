//! What the controllers of Kubernetes make of objects.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use super::{Row, Stage, row};

pub(super) const ROWS: &[Row] = &[
    row!(
        controlled "a Job that succeeds first meets its criteria",
        "SuccessCriteriaMet CompletionsReached, Complete CompletionsReached",
        succeeds
    ),
    row!(
        controlled "a Job that fails first is about to fail",
        "FailureTarget BackoffLimitExceeded, Failed BackoffLimitExceeded",
        fails
    ),
    row!(
        controlled "a pod beyond a quota is forbidden",
        "403 Forbidden: exceeded quota: no-pods, requested: pods=1, used: pods=0, limited: pods=0",
        beyond_a_quota
    ),
];

/// How long a Job of one pod that ends at once may take.
const LONGEST: Duration = Duration::from_secs(60);

async fn succeeds(stage: &Stage<'_>) -> Result<String, String> {
    conditions(stage, &json!({})).await
}

async fn fails(stage: &Stage<'_>) -> Result<String, String> {
    conditions(stage, &json!({ "landfall.example/fate": "fails" })).await
}

/// The conditions of a Job that has ended, in the order of their appearance. Since Kubernetes 1.31 they are two:
/// <https://kubernetes.io/docs/concepts/workloads/controllers/job/#terminal-job-conditions>.
async fn conditions(stage: &Stage<'_>, annotations: &Value) -> Result<String, String> {
    let job = json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": { "name": "migrate" },
        "spec": {
            "backoffLimit": 0,
            "template": {
                "metadata": { "annotations": annotations },
                "spec": {
                    "restartPolicy": "Never",
                    "containers": [{ "name": "migrate", "image": "registry.example.com/migrate:1" }],
                },
            },
        },
    });
    let made = stage.apply("one", &job).await?;
    if made.status != 201 {
        return Ok(made.brief());
    }
    let ended = async {
        loop {
            let conditions = stage.read(&job).await?.json()["status"]["conditions"].clone();
            let conditions = conditions.as_array().cloned().unwrap_or_default();
            let is_end = |one: &Value| one["type"] == "Complete" || one["type"] == "Failed";
            if conditions.iter().any(is_end) {
                return Ok::<_, String>(conditions);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let conditions =
        tokio::time::timeout(LONGEST, ended).await.map_err(|_| "it does not end".to_owned())??;
    let told = conditions.iter().map(|one| {
        let text = |name: &str| one[name].as_str().unwrap_or("?").to_owned();
        format!("{} {}", text("type"), text("reason"))
    });
    Ok(told.collect::<Vec<_>>().join(", "))
}

/// A quota counts as soon as its controller has looked at it.
async fn beyond_a_quota(stage: &Stage<'_>) -> Result<String, String> {
    let quotas = format!("/api/v1/namespaces/{}/resourcequotas", stage.namespace);
    let quota = json!({
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": { "name": "no-pods" },
        "spec": { "hard": { "pods": "0" } },
    });
    stage.send(Method::POST, &quotas, "application/json", &quota).await?;
    let pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": "web" },
        "spec": { "containers": [{ "name": "web", "image": "registry.example.com/web:1" }] },
    });
    let counted = async {
        let path = format!("{quotas}/no-pods");
        loop {
            let quota = stage.send(Method::GET, &path, "application/json", &Value::Null).await?.json();
            let accounts = format!("/api/v1/namespaces/{}/serviceaccounts/default", stage.namespace);
            let account = stage.send(Method::GET, &accounts, "application/json", &Value::Null).await?;
            if quota["status"]["used"]["pods"] == "0" && account.status == 200 {
                return Ok::<_, String>(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(LONGEST, counted).await.map_err(|_| "the quota is not counted".to_owned())??;
    let answer = stage.post("", &pod).await?;
    let message = answer.message();
    let why = message.find("exceeded quota").map_or(message.as_str(), |at| &message[at..]);
    Ok(format!("{}: {why}", answer.brief()))
}
