//! A cluster in the same process, and releases into it: no socket, and time is tokio's.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_types::SdkConfig;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use jiff::SignedDuration;
use landfall_core::context::ContextBuilder;
use landfall_core::event::{Event, EventKind};
use landfall_core::{Context, DeployTargetExt, Journal, MemoryJournal, Place, Policy, StepReport};
use landfall_eks::access::{ApiServer, Body, Cluster, TokenSource, Transport};
use landfall_eks::input::ManifestSet;
use landfall_eks::inventory::Release;
use landfall_eks::{Manifests, ManifestsBuilder};
use landfall_simulator::{DEMO_ACCESS_KEY_ID, DEMO_ACCOUNT, DEMO_REGION, DEMO_SECRET_ACCESS_KEY};
use landfall_simulator::{Fault, FaultKind, Kubernetes, KubernetesFault, Scenario, Simulator};
use serde_json::{Value, json};

/// Nobody asks for it within a process; a cluster is not one without.
const AUTHORITY: &str = include_str!("../../../aws/src/http/testdata/public_test_authority.pem");

/// The cluster's name: not the demonstration's, in which something runs already.
const CLUSTER: &str = "test";

/// A cluster and what was told of deployments to it.
pub(crate) struct World {
    pub(crate) simulator: Simulator,
    pub(crate) cluster: Kubernetes,
    pub(crate) told: Arc<Mutex<Vec<Event>>>,
    pub(crate) journal: Arc<MemoryJournal>,
}

struct InProcess(Kubernetes);

#[async_trait]
impl Transport for InProcess {
    async fn send(&self, request: Request<Bytes>) -> io::Result<Response<Body>> {
        let answer = self.0.handle(request).await?;
        Ok(answer.map(BodyExt::boxed_unsync))
    }
}

impl World {
    /// A cluster in which nothing runs.
    pub(crate) fn new() -> Self {
        Self::with(&json!({}))
    }

    /// The same, with these settings of its Kubernetes.
    pub(crate) fn with(kubernetes: &Value) -> Self {
        let clusters = json!({ CLUSTER: { "kubernetes": kubernetes } });
        let accounts = json!({ DEMO_ACCOUNT: { "regions": { DEMO_REGION: { "eks_clusters": clusters } } } });
        let scenario = json!({ "name": "release", "world": { "accounts": accounts } }).to_string();
        let scenario = Scenario::from_json(&scenario).unwrap();
        let simulator = Simulator::builder().scenario(scenario).build();
        let cluster = simulator.kubernetes(DEMO_ACCOUNT, DEMO_REGION, CLUSTER);
        Self { simulator, cluster, told: Arc::default(), journal: Arc::default() }
    }

    pub(crate) fn place() -> Place {
        Place::new("aws", DEMO_ACCOUNT, DEMO_REGION)
    }

    /// The way to the API server, signed in to as the demo user.
    pub(crate) fn server(&self) -> ApiServer {
        let cluster = Cluster::known(&Self::place(), CLUSTER, "https://demo.invalid", AUTHORITY).unwrap();
        let credentials = Credentials::new(DEMO_ACCESS_KEY_ID, DEMO_SECRET_ACCESS_KEY, None, None, "test");
        let config =
            SdkConfig::builder().credentials_provider(SharedCredentialsProvider::new(credentials)).build();
        let clock = self.cx("token").build().clock();
        let tokens = TokenSource::new(&config, DEMO_REGION, CLUSTER, clock, SignedDuration::ZERO).unwrap();
        ApiServer::over(cluster, tokens, Arc::new(InProcess(self.cluster.clone()))).unwrap()
    }

    /// The context of a run, with the journal of this world.
    pub(crate) fn cx(&self, run: &str) -> ContextBuilder {
        self.cx_with(run, self.journal.clone())
    }

    /// The context of a run with another journal.
    pub(crate) fn cx_with(&self, run: &str, journal: Arc<dyn Journal>) -> ContextBuilder {
        let told = Arc::clone(&self.told);
        let observer = Arc::new(move |event: &Event| told.lock().unwrap().push(event.clone()));
        let clock = landfall_core::context::Clock::starting_at(self.simulator.now());
        Context::builder(run).observer(observer).journal(journal).clock(clock)
    }

    /// A release `web` of these documents in namespace `default`.
    pub(crate) fn release(&self, text: &str) -> Manifests {
        self.release_with(text, |builder| builder)
    }

    pub(crate) fn release_with(
        &self,
        text: &str,
        more: impl FnOnce(ManifestsBuilder) -> ManifestsBuilder,
    ) -> Manifests {
        let set = ManifestSet::builder().text("web.yaml", text).namespace("default").read().unwrap();
        let builder = Manifests::builder().release(named("web")).set(set);
        more(builder).build().unwrap().target(Self::place(), self.server())
    }

    /// Deploys a release of these documents.
    pub(crate) async fn deploy(&self, run: &str, text: &str) -> StepReport {
        self.release(text).deploy(&self.cx(run).build(), &Policy::default()).await
    }

    /// The same, with more settings.
    pub(crate) async fn deploy_with(
        &self,
        run: &str,
        text: &str,
        more: impl FnOnce(ManifestsBuilder) -> ManifestsBuilder,
    ) -> StepReport {
        self.release_with(text, more).deploy(&self.cx(run).build(), &Policy::default()).await
    }

    /// Applies an object as somebody else.
    pub(crate) async fn apply_as(&self, manager: &str, path: &str, object: &Value) -> Value {
        self.send_as(manager, "PATCH", &format!("{path}?force=true"), "application/apply-patch+yaml", object)
            .await
    }

    /// Sends a request as somebody else, who may do everything; gives the answer.
    pub(crate) async fn send_as(
        &self,
        manager: &str,
        method: &str,
        path: &str,
        content: &str,
        body: &Value,
    ) -> Value {
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        let request = Request::builder().method(method).uri(path).header("content-type", content);
        let answer = self.cluster.handle_as(manager, request.body(body).unwrap()).await.unwrap();
        let (head, body) = answer.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        assert!(head.status.is_success(), "{} {}", head.status, String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).unwrap()
    }

    /// All objects of a kind, by the path of their list.
    pub(crate) async fn list(&self, path: &str) -> Vec<Value> {
        let list = self.send_as("test", "GET", path, "application/json", &Value::Null).await;
        list["items"].as_array().cloned().unwrap_or_default()
    }

    /// From now on this happens to requests of this kind, such as `watch pods`.
    pub(crate) fn fault(&self, operation: &str, fault: KubernetesFault) {
        self.simulator.add_fault(Fault::new("kubernetes", operation, FaultKind::Kubernetes(fault)));
    }

    /// An object by its path.
    pub(crate) fn object(&self, path: &str) -> Option<Value> {
        self.cluster.object(path)
    }

    /// Waits for an object to be made. One that does not come fails the test, which would hang otherwise.
    pub(crate) async fn made(&self, path: &str) {
        for _ in 0..600 {
            if self.object(path).is_some() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{path} is not made within a minute");
    }

    /// The codes of the notes so far.
    pub(crate) fn notes(&self) -> Vec<String> {
        let told = self.told.lock().unwrap();
        let notes = told.iter().filter_map(|event| match &event.kind {
            EventKind::Note { code, .. } => Some(code.clone()),
            _ => None,
        });
        notes.collect()
    }

    /// The news so far: their ids, and their texts.
    fn all_news(&self) -> Vec<(String, String)> {
        let told = self.told.lock().unwrap();
        let news = told.iter().filter_map(|event| match &event.kind {
            EventKind::News { news } => Some((news.id.clone(), news.text.clone())),
            _ => None,
        });
        news.collect()
    }

    /// The texts of the news so far.
    pub(crate) fn news(&self) -> Vec<String> {
        self.all_news().into_iter().map(|(_, text)| text).collect()
    }

    /// The ids of the news so far.
    pub(crate) fn news_ids(&self) -> Vec<String> {
        self.all_news().into_iter().map(|(id, _)| id).collect()
    }

    /// Requests so far that write, as `PATCH /api/...`, without the lock's.
    pub(crate) fn writes(&self) -> Vec<String> {
        let requests = self.cluster.requests();
        let writes = requests.iter().filter(|one| {
            one.method != "GET" && !one.query.contains("dryRun") && !one.path.contains("/leases")
        });
        writes.map(|one| format!("{} {}", one.method, one.path)).collect()
    }
}

/// What a report says of the causes, whole.
pub(crate) fn said(report: &StepReport) -> String {
    report.verdict.causes.iter().map(|cause| format!("{}\n", cause.report())).collect()
}

pub(crate) fn named(name: &str) -> Release {
    Release { namespace: "default".to_owned(), name: name.to_owned() }
}

/// A Deployment `web` with one container, and a ConfigMap that it reads.
pub(crate) fn web(image: &str, setting: &str) -> String {
    format!(
        "apiVersion: v1
kind: ConfigMap
metadata: {{name: web}}
data: {{setting: {setting:?}}}
---
{}",
        deployment("web", image)
    )
}

pub(crate) fn deployment(name: &str, image: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      containers: [{{name: web, image: {image:?}}}]
"
    )
}
