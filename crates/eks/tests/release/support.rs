//! A cluster in the same process, and releases into it: no socket, and time is tokio's.

use std::io;
use std::sync::{Arc, Mutex};

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
use landfall_core::{Context, DeployTargetExt, MemoryJournal, Place, Policy, StepReport};
use landfall_eks::access::{ApiServer, Body, Cluster, TokenSource, Transport};
use landfall_eks::input::ManifestSet;
use landfall_eks::inventory::Release;
use landfall_eks::{Manifests, ManifestsBuilder};
use landfall_simulator::{DEMO_ACCESS_KEY_ID, DEMO_ACCOUNT, DEMO_REGION, DEMO_SECRET_ACCESS_KEY};
use landfall_simulator::{Kubernetes, Scenario, Simulator};
use serde_json::Value;

/// Nobody asks for it within a process; a cluster is not one without.
const AUTHORITY: &str = include_str!("../../../aws/src/http/testdata/public_test_authority.pem");

/// A cluster `demo` and what was told of deployments to it.
pub(crate) struct World {
    pub(crate) simulator: Simulator,
    pub(crate) cluster: Kubernetes,
    pub(crate) told: Arc<Mutex<Vec<Event>>>,
    journal: Arc<MemoryJournal>,
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
    /// The demo world.
    pub(crate) fn new() -> Self {
        Self::of(Scenario::default())
    }

    /// The world of a scenario.
    pub(crate) fn of(scenario: Scenario) -> Self {
        let simulator = Simulator::builder().scenario(scenario).build();
        let cluster = simulator.kubernetes(DEMO_ACCOUNT, DEMO_REGION, "demo");
        Self { simulator, cluster, told: Arc::default(), journal: Arc::default() }
    }

    pub(crate) fn place() -> Place {
        Place::new("aws", DEMO_ACCOUNT, DEMO_REGION)
    }

    /// The way to the API server, signed in to as the demo user.
    pub(crate) fn server(&self) -> ApiServer {
        let cluster = Cluster::known(&Self::place(), "demo", "https://demo.invalid", AUTHORITY).unwrap();
        let credentials = Credentials::new(DEMO_ACCESS_KEY_ID, DEMO_SECRET_ACCESS_KEY, None, None, "test");
        let config =
            SdkConfig::builder().credentials_provider(SharedCredentialsProvider::new(credentials)).build();
        let clock = self.cx("token").build().clock();
        let tokens = TokenSource::new(&config, DEMO_REGION, "demo", clock, SignedDuration::ZERO).unwrap();
        ApiServer::over(cluster, tokens, Arc::new(InProcess(self.cluster.clone()))).unwrap()
    }

    /// The context of a run, with the journal of this world.
    pub(crate) fn cx(&self, run: &str) -> ContextBuilder {
        let told = Arc::clone(&self.told);
        let observer = Arc::new(move |event: &Event| told.lock().unwrap().push(event.clone()));
        let clock = landfall_core::context::Clock::starting_at(self.simulator.now());
        Context::builder(run).observer(observer).journal(self.journal.clone()).clock(clock)
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

    /// An object by its path.
    pub(crate) fn object(&self, path: &str) -> Option<Value> {
        self.cluster.object(path)
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

    /// Requests so far that write, as `PATCH /api/...`, without the lock's.
    pub(crate) fn writes(&self) -> Vec<String> {
        let requests = self.cluster.requests();
        let writes = requests.iter().filter(|one| {
            one.method != "GET" && !one.query.contains("dryRun") && !one.path.contains("/leases")
        });
        writes.map(|one| format!("{} {}", one.method, one.path)).collect()
    }
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
