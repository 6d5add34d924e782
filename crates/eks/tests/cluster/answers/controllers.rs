//! What the controllers of Kubernetes make of objects.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use super::{Row, Stage, deployment, row};

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
    row!(
        controlled "an autoscaler owns the replicas that it sets through the scale",
        r#"409 Conflict: FieldManagerConflict .spec.replicas: conflict with "kube-controller-manager" with subresource "scale" using apps/v1"#,
        autoscaled
    ),
    row!(
        controlled "a disruption budget without pods allows no disruption",
        "expected 0, healthy 0 of 1, allowed 0, False InsufficientPods, observed 1",
        budget
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
    let all = |live: &Value| live["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let is_end = |one: &Value| one["type"] == "Complete" || one["type"] == "Failed";
    let conditions = all(&until(stage, &job, |live| all(live).iter().any(is_end)).await?);
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

/// It needs no metrics to keep within its bounds, and looks every 15 seconds.
async fn autoscaled(stage: &Stage<'_>) -> Result<String, String> {
    let mut web = deployment("registry.example.com/web:1");
    web["spec"]["replicas"] = json!(1);
    stage.apply("one", &web).await?;
    let autoscaler = json!({
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": { "name": "web" },
        "spec": {
            "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
            "minReplicas": 2,
            "maxReplicas": 3,
        },
    });
    stage.apply("one", &autoscaler).await?;
    until(stage, &web, |live| live["spec"]["replicas"] == 2).await?;
    let answer = stage.apply("one", &web).await?;
    Ok(format!("{}: {}", answer.brief(), answer.causes()))
}

async fn budget(stage: &Stage<'_>) -> Result<String, String> {
    let budget = json!({
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": { "name": "web" },
        "spec": { "minAvailable": 1, "selector": { "matchLabels": { "app": "web" } } },
    });
    stage.apply("one", &budget).await?;
    let live = until(stage, &budget, |live| live["status"]["observedGeneration"] == 1).await?;
    let count = |name: &str| live["status"][name].to_string();
    let condition = &live["status"]["conditions"][0];
    let text = |name: &str| condition[name].as_str().unwrap_or("?").to_owned();
    Ok(format!(
        "expected {}, healthy {} of {}, allowed {}, {} {}, observed {}",
        count("expectedPods"),
        count("currentHealthy"),
        count("desiredHealthy"),
        count("disruptionsAllowed"),
        text("status"),
        text("reason"),
        condition["observedGeneration"]
    ))
}

/// Reads an object until it is as it should be.
async fn until(stage: &Stage<'_>, object: &Value, good: impl Fn(&Value) -> bool) -> Result<Value, String> {
    let looks = async {
        loop {
            let live = stage.read(object).await?.json();
            if good(&live) {
                return Ok::<_, String>(live);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(LONGEST, looks).await.map_err(|_| "it does not come to that".to_owned())?
}
