//! Pods that fail when asked to: what later tests of rollouts stand on.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::Tested;
use crate::answers::Sender;
use crate::senders::deployer;
use crate::signed_in::SignedIn;
use crate::support::{ControlPlane, LOOK, request};

type Test = for<'a> fn(&'a ControlPlane) -> Tested<'a>;

pub(crate) const TESTS: [(&str, Test); 6] = [
    ("a_rollout_becomes_available", |plane| {
        Box::pin(fate(plane, "", "Running Ready=True running", "Progressing=True NewReplicaSetAvailable"))
    }),
    ("an_image_is_not_found", |plane| {
        let pod = "Pending Ready=False ImagePullBackOff";
        Box::pin(fate(plane, "image-not-found", pod, "Progressing=True ReplicaSetUpdated"))
    }),
    ("a_container_crashes_again_and_again", |plane| {
        let pod = "Running Ready=False CrashLoopBackOff";
        Box::pin(fate(plane, "crash-loop", pod, "Progressing=True ReplicaSetUpdated"))
    }),
    ("a_container_never_becomes_ready", |plane| {
        let pod = "Running Ready=False running";
        Box::pin(fate(plane, "never-ready", pod, "Progressing=True ReplicaSetUpdated"))
    }),
    ("a_pod_that_fits_on_no_node_stays_unscheduled", |plane| Box::pin(unschedulable(plane))),
    ("a_container_tells_its_last_words_and_those_before", |plane| Box::pin(logs(plane))),
];

/// How long a pod may take to meet its fate.
const LONGEST: Duration = Duration::from_secs(60);

const PODS: &str = "/api/v1/namespaces/default/pods";

/// Deploys three pods with this fate, and waits until pods and Deployment are as said.
async fn fate(plane: &ControlPlane, fate: &str, pod: &str, rollout: &str) -> Result<(), String> {
    let server = deployer(plane)?;
    let name = if fate.is_empty() { "good" } else { fate };
    let annotations = if fate.is_empty() { json!({}) } else { json!({ "landfall.example/fate": fate }) };
    let deployment = deployment(name, &json!({ "annotations": annotations }), &json!({}));
    let path = format!("/apis/apps/v1/namespaces/default/deployments/{name}");
    apply(&server, &path, &deployment).await?;
    let mut seen = (Vec::new(), String::new());
    let met = async {
        loop {
            let pods = server.send(read(&format!("{PODS}?labelSelector=app%3D{name}"))).await?.json();
            let pods: Vec<String> = pods["items"].as_array().into_iter().flatten().map(told).collect();
            let live = server.send(read(&path)).await?.json();
            seen = (pods, condition(&live, "Progressing"));
            if seen.0.len() == 3 && seen.0.iter().all(|one| one == pod) && seen.1 == rollout {
                return Ok::<_, String>(());
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    let met = tokio::time::timeout(LONGEST, met).await;
    met.unwrap_or_else(|_| Err(format!("expected {pod}, {rollout}\nseen     {seen:?}")))
}

async fn unschedulable(plane: &ControlPlane) -> Result<(), String> {
    let server = deployer(plane)?;
    let spec = json!({ "nodeSelector": { "disk": "of-gold" } });
    let path = "/apis/apps/v1/namespaces/default/deployments/unschedulable";
    apply(&server, path, &deployment("unschedulable", &json!({}), &spec)).await?;
    let mut seen = Value::Null;
    let waits = async {
        loop {
            let pods = server.send(read(&format!("{PODS}?labelSelector=app%3Dunschedulable"))).await?.json();
            seen = pods["items"][0]["status"].clone();
            let scheduled = condition(&pods["items"][0], "PodScheduled");
            if scheduled == "PodScheduled=False Unschedulable" && seen["phase"] == "Pending" {
                return Ok::<_, String>(());
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    let waits = tokio::time::timeout(LONGEST, waits).await;
    waits.unwrap_or_else(|_| Err(format!("seen: {seen}")))
}

/// Logs come from the node's kubelet, through the API server.
async fn logs(plane: &ControlPlane) -> Result<(), String> {
    let server = deployer(plane)?;
    let object = deployment("talks", &json!({}), &json!({}));
    apply(&server, "/apis/apps/v1/namespaces/default/deployments/talks", &object).await?;
    let mut seen = String::new();
    let told = async {
        loop {
            let pods = server.send(read(&format!("{PODS}?labelSelector=app%3Dtalks"))).await?.json();
            let name = pods["items"][0]["metadata"]["name"].as_str().unwrap_or("none").to_owned();
            let mut last = Vec::new();
            for query in ["tailLines=1", "tailLines=1&previous=true"] {
                let answer = server.send(read(&format!("{PODS}/{name}/log?{query}"))).await?;
                last.push(String::from_utf8_lossy(&answer.body).into_owned());
            }
            seen = last.concat();
            if seen == "listening\npanic: no settings\n" {
                return Ok::<_, String>(());
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    let told = tokio::time::timeout(LONGEST, told).await;
    told.unwrap_or_else(|_| Err(format!("seen: {seen}")))
}

fn deployment(name: &str, metadata: &Value, spec: &Value) -> Value {
    let (mut metadata, mut spec) = (metadata.clone(), spec.clone());
    metadata["labels"] = json!({ "app": name });
    spec["containers"] = json!([{ "name": "web", "image": "registry.example.com/web:1" }]);
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": name },
        "spec": {
            "replicas": 3,
            "selector": { "matchLabels": { "app": name } },
            "template": { "metadata": metadata, "spec": spec },
        },
    })
}

async fn apply(server: &SignedIn, path: &str, object: &Value) -> Result<(), String> {
    let mut request = request(Method::PATCH, &format!("{path}?fieldManager=tests"), object);
    let kind = http::HeaderValue::from_static("application/apply-patch+yaml");
    request.headers_mut().insert("content-type", kind);
    let answer = server.send(request).await?;
    if answer.status == 201 { Ok(()) } else { Err(format!("not applied: {answer:?}")) }
}

fn read(path: &str) -> http::Request<bytes::Bytes> {
    request(Method::GET, path, &Value::Null)
}

/// `Running Ready=False CrashLoopBackOff`.
fn told(pod: &Value) -> String {
    let status = &pod["status"];
    let state = &status["containerStatuses"][0]["state"];
    let ready = condition(pod, "Ready");
    let state = match state["waiting"]["reason"].as_str() {
        Some(reason) => reason,
        None if state["running"].is_object() => "running",
        None => "?",
    };
    let ready = ready.split(' ').next().unwrap_or_default();
    format!("{} {ready} {state}", status["phase"].as_str().unwrap_or("?"))
}

/// `Progressing=True NewReplicaSetAvailable`.
fn condition(object: &Value, kind: &str) -> String {
    let conditions = object["status"]["conditions"].as_array().into_iter().flatten();
    let mut found = conditions.filter(|one| one["type"] == kind).map(|one| {
        let text = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
        format!("{kind}={} {}", text("status"), text("reason"))
    });
    found.next().unwrap_or_default()
}
