//! What a Kubernetes API server answers, as a table: a question, and the answer of kube-apiserver 1.36.
//!
//! A question is asked of any [`Sender`], so that a real server and one that only plays it are held to the same table. Each
//! question has a namespace of its own. Those that need controllers are asked of servers that have them.
//!
//! <https://kubernetes.io/docs/reference/using-api/server-side-apply/>,
//! <https://kubernetes.io/docs/reference/using-api/api-concepts/>.

mod apply;
mod conflicts;
mod controllers;
mod custom;
mod deletion;
mod reads;
mod refusals;
mod sender;
mod status;

use std::future::Future;
use std::pin::Pin;

use http::Method;
use serde_json::{Value, json};

pub(crate) use sender::{Answer, Sender};

type Asked<'a> = Pin<Box<dyn Future<Output = Result<String, String>> + Send + 'a>>;

/// A question, with the true answer.
pub(crate) struct Row {
    pub(crate) question: &'static str,
    pub(crate) answer: &'static str,
    /// Only of servers that have the controllers of Kubernetes beside them.
    pub(crate) needs_controllers: bool,
    ask: for<'a> fn(&'a Stage<'a>) -> Asked<'a>,
}

macro_rules! row {
    ($question:literal, $answer:literal, $ask:path) => {
        $crate::answers::Row {
            question: $question,
            answer: $answer,
            needs_controllers: false,
            ask: |stage| Box::pin($ask(stage)),
        }
    };
    (controlled $question:literal, $answer:literal, $ask:path) => {
        $crate::answers::Row { needs_controllers: true, ..row!($question, $answer, $ask) }
    };
}
use row;

/// All of them.
pub(crate) fn all() -> impl Iterator<Item = &'static Row> {
    [
        apply::ROWS,
        conflicts::ROWS,
        controllers::ROWS,
        custom::ROWS,
        deletion::ROWS,
        reads::ROWS,
        refusals::ROWS,
        status::ROWS,
    ]
    .into_iter()
    .flatten()
}

/// Asks, and compares.
pub(crate) async fn check(row: &Row, sender: &dyn Sender) -> Result<(), String> {
    let stage = Stage::new(sender, row.question).await?;
    let answer = (row.ask)(&stage).await?;
    if answer == row.answer {
        return Ok(());
    }
    Err(format!("a Kubernetes API server answers  {}\nthis one answers                 {answer}", row.answer))
}

/// A namespace of a server.
pub(crate) struct Stage<'a> {
    sender: &'a dyn Sender,
    namespace: String,
}

impl<'a> Stage<'a> {
    async fn new(sender: &'a dyn Sender, question: &str) -> Result<Self, String> {
        let namespace: String = question.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
        // Names of namespaces have 63 characters at most, and end in a letter or digit.
        let namespace = namespace[..namespace.len().min(63)].trim_end_matches('-').to_lowercase();
        let body = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } });
        let stage = Self { sender, namespace };
        let answer = stage.send(Method::POST, "/api/v1/namespaces", "application/json", &body).await?;
        if answer.status == 201 { Ok(stage) } else { Err(format!("no namespace: {answer:?}")) }
    }

    async fn send(&self, method: Method, path: &str, kind: &str, body: &Value) -> Result<Answer, String> {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let request = http::Request::builder().method(method).uri(path).header("content-type", kind);
        self.sender.send(request.body(text.into()).map_err(|error| error.to_string())?).await
    }

    /// The path of what the object is in, such as `/apis/apps/v1/namespaces/n/deployments`.
    fn list(&self, kind: &str) -> String {
        let (group, plural) = match kind {
            "ConfigMap" => ("api/v1", "configmaps"),
            "Deployment" => ("apis/apps/v1", "deployments"),
            "Job" => ("apis/batch/v1", "jobs"),
            "HorizontalPodAutoscaler" => ("apis/autoscaling/v2", "horizontalpodautoscalers"),
            "Pod" => ("api/v1", "pods"),
            "PodDisruptionBudget" => ("apis/policy/v1", "poddisruptionbudgets"),
            "Secret" => ("api/v1", "secrets"),
            _ => ("api/v1", "services"),
        };
        format!("/{group}/namespaces/{}/{plural}", self.namespace)
    }

    fn path(&self, object: &Value) -> String {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        format!("{}/{}", self.list(&text(&object["kind"])), text(&object["metadata"]["name"]))
    }

    /// Server-side apply in the name of a field manager.
    async fn apply(&self, manager: &str, object: &Value) -> Result<Answer, String> {
        self.apply_with(&format!("fieldManager={manager}"), object).await
    }

    async fn apply_with(&self, query: &str, object: &Value) -> Result<Answer, String> {
        let path = format!("{}?{query}", self.path(object));
        self.send(Method::PATCH, &path, "application/apply-patch+yaml", object).await
    }

    async fn post(&self, query: &str, object: &Value) -> Result<Answer, String> {
        let path = format!("{}?{query}", self.list(object["kind"].as_str().unwrap_or_default()));
        self.send(Method::POST, &path, "application/json", object).await
    }

    async fn read(&self, object: &Value) -> Result<Answer, String> {
        self.send(Method::GET, &self.path(object), "application/json", &Value::Null).await
    }
}

/// A ConfigMap with these data.
fn config_map(data: &Value) -> Value {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "settings" }, "data": data })
}

/// A Secret with these data.
fn secret(data: &Value) -> Value {
    json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "settings" }, "data": data })
}

/// A Deployment without pods.
fn deployment(image: &str) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": "web" },
        "spec": {
            "replicas": 0,
            "selector": { "matchLabels": { "app": "web" } },
            "template": {
                "metadata": { "labels": { "app": "web" } },
                "spec": { "containers": [{ "name": "web", "image": image }] },
            },
        },
    })
}

/// A Service with these ports.
fn service(ports: &Value) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": { "name": "web" },
        "spec": { "selector": { "app": "web" }, "ports": ports },
    })
}
