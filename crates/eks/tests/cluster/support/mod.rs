//! A Kubernetes control plane for tests: etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kwok, each a
//! process of its own on the loopback interface, and an authenticator that takes tokens as that of EKS does.
//!
//! It needs the program that `bash tests/kubernetes/build` builds ([`program::find`]). Everything ends with the
//! [`ControlPlane`], and with this process, however that ends. Other crates' tests can have this folder by `#[path]`.

pub(crate) mod administrator;
pub(crate) mod authenticator;
mod certificates;
pub(crate) mod component;
pub(crate) mod identities;
pub(crate) mod program;
mod settings;

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_types::SdkConfig;
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use jiff::SignedDuration;
use landfall_core::Place;
use landfall_core::context::Clock;
use landfall_eks::access::{ApiServer, Cluster, TokenSource};
use serde_json::{Value, json};

use administrator::Administrator;
use authenticator::Authenticator;
use component::Component;
use identities::{DEPLOYER, DEPLOYERS, Identity, STRANGER};
use settings::Settings;

/// The name of the cluster, as tokens carry it.
pub(crate) const CLUSTER: &str = "demo";

/// Where the cluster is.
pub(crate) const REGION: &str = "eu-central-1";

/// Who may sign in.
const IDENTITIES: &[Identity] = &[DEPLOYER, STRANGER];

/// How long a start may take. It takes five seconds on an idle machine with two processors.
const START: Duration = Duration::from_secs(120);

/// Ports are chosen by asking for free ones and giving them back. Somebody else may take them in between.
const ATTEMPTS: u32 = 3;

/// How long between two looks at something that is about to happen.
pub(crate) const LOOK: Duration = Duration::from_millis(50);

/// A control plane that runs.
pub(crate) struct ControlPlane {
    /// In the order in which they end.
    components: Vec<Component>,
    authenticator: Authenticator,
    settings: Settings,
}

impl ControlPlane {
    /// Starts one, whose files are in the folder; what was in it is deleted. Blocks until there is a node that is ready.
    /// Not to be called in a runtime.
    pub(crate) fn start(program: &Path, folder: &Path) -> Result<Self, String> {
        Self::tried(program, folder, false)
    }

    /// The same with an `audit.log` in the folder, a line for each request.
    pub(crate) fn start_audited(program: &Path, folder: &Path) -> Result<Self, String> {
        Self::tried(program, folder, true)
    }

    fn tried(program: &Path, folder: &Path, audited: bool) -> Result<Self, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let mut told = String::new();
        for _ in 0..ATTEMPTS {
            let started = async { tokio::time::timeout(START, Self::once(program, folder, audited)).await };
            match runtime.block_on(started) {
                Ok(Ok(plane)) => return Ok(plane),
                Ok(Err(why)) => told = why,
                Err(_) => told = format!("it is not ready after {START:?}"),
            }
        }
        Err(format!("the control plane does not start: {told}"))
    }

    async fn once(program: &Path, folder: &Path, audited: bool) -> Result<Self, String> {
        let _ = std::fs::remove_dir_all(folder);
        std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let ports = ports().map_err(|error| format!("there is no free port: {error}"))?;
        let settings = Settings::new(folder, ports, audited)?;
        let authenticator = Authenticator::start(CLUSTER, IDENTITIES);
        let authenticator = authenticator.map_err(|error| format!("the authenticator: {error}"))?;
        settings.write(&authenticator.url())?;
        let mut plane = Self { components: Vec::new(), authenticator, settings };
        plane.run(program, folder, "etcd", &plane.settings.etcd())?;
        plane.run(program, folder, "kube-apiserver", &plane.settings.api_server())?;
        plane.reached("/readyz", |answer| answer == "ok").await?;
        plane.furnish().await?;
        plane.run(program, folder, "kube-controller-manager", &plane.settings.controller_manager())?;
        plane.run(program, folder, "kube-scheduler", &plane.settings.scheduler())?;
        plane.run(program, folder, "kwok", &plane.settings.kwok())?;
        // Without its service account a namespace takes no pods, and without a ready node no pod is scheduled.
        plane.reached("/api/v1/namespaces/default/serviceaccounts/default", |_| true).await?;
        plane.reached("/api/v1/nodes/node-1", is_ready).await?;
        Ok(plane)
    }

    fn run(
        &mut self,
        program: &Path,
        folder: &Path,
        name: &'static str,
        arguments: &[String],
    ) -> Result<(), String> {
        self.components.insert(0, Component::start(program, folder, name, arguments)?);
        Ok(())
    }

    /// Asks until there is an answer that is as it should be, or a component has ended.
    async fn reached(&mut self, path: &str, good: impl Fn(&str) -> bool) -> Result<(), String> {
        let administrator = self.administrator()?;
        loop {
            if let Some(told) = self.components.iter_mut().find_map(Component::ended) {
                return Err(told);
            }
            let answer = administrator.send(request(Method::GET, path, &Value::Null)).await;
            let there = answer.is_ok_and(|answer| {
                answer.status() == StatusCode::OK && good(&String::from_utf8_lossy(answer.body()))
            });
            if there {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What an administrator of EKS would have made: a role for those who deploy, and a node.
    async fn furnish(&self) -> Result<(), String> {
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": { "name": "deployers" },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin" },
            "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": DEPLOYERS }],
        });
        let node = json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": "node-1" } });
        let administrator = self.administrator()?;
        for (path, body) in
            [("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding), ("/api/v1/nodes", node)]
        {
            let answer = administrator.send(request(Method::POST, path, &body)).await?;
            if answer.status() != StatusCode::CREATED {
                return Err(format!(
                    "{path}: {} {}",
                    answer.status(),
                    String::from_utf8_lossy(answer.body())
                ));
            }
        }
        Ok(())
    }

    /// A kubeconfig of its administrator.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.settings.kubeconfig()
    }

    /// Requests of its administrator.
    pub(crate) fn administrator(&self) -> Result<Administrator, String> {
        let Settings { endpoint, certificates, token, .. } = &self.settings;
        Administrator::new(endpoint, &certificates.authority, token)
    }

    /// The cluster as landfall knows it.
    pub(crate) fn cluster(&self) -> Result<Cluster, String> {
        let place = Place::new("aws", "111122223333", REGION);
        let Settings { endpoint, certificates, .. } = &self.settings;
        Cluster::known(&place, CLUSTER, endpoint, &certificates.authority).map_err(|error| error.report())
    }

    /// Landfall's connection, signed in to with these tokens.
    pub(crate) fn signed_in(&self, tokens: TokenSource) -> Result<ApiServer, String> {
        ApiServer::new(self.cluster()?, tokens).map_err(|error| error.report())
    }

    /// Why the authenticator has refused this token, if it has.
    pub(crate) fn refusal(&self, token: &str) -> Option<String> {
        self.authenticator.refusal(token)
    }
}

/// Tokens of an identity for a cluster, by a clock.
pub(crate) fn tokens(identity: &Identity, cluster: &str, clock: Clock) -> Result<TokenSource, String> {
    let Identity { access_key_id, secret, session_token, .. } = *identity;
    let session_token = session_token.map(str::to_owned);
    let credentials = Credentials::new(access_key_id, secret, session_token, None, "tests");
    let provider = SharedCredentialsProvider::new(credentials);
    let config = SdkConfig::builder().credentials_provider(provider).build();
    TokenSource::new(&config, REGION, cluster, clock, SignedDuration::ZERO).map_err(|error| error.report())
}

/// A request with a body of JSON, or without a body.
pub(crate) fn request(method: Method, path: &str, body: &Value) -> Request<Bytes> {
    let text = if body.is_null() { String::new() } else { body.to_string() };
    let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    request.body(Bytes::from(text)).unwrap()
}

/// A folder that people name for a control plane, which empties it: one that is not there, or that had one before.
pub(crate) fn own_folder(folder: &Path) -> Result<PathBuf, String> {
    let folder = std::path::absolute(folder).map_err(|error| error.to_string())?;
    if folder.exists() && !folder.join("stages.yaml").exists() {
        return Err(format!(
            "{} is there, and no control plane has been in it: name another",
            folder.display()
        ));
    }
    Ok(folder)
}

/// As many free ports, all different.
fn ports<const N: usize>() -> std::io::Result<[u16; N]> {
    let mut listeners = Vec::new();
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        *port = listener.local_addr()?.port();
        listeners.push(listener);
    }
    Ok(ports)
}

fn is_ready(node: &str) -> bool {
    let node: Value = serde_json::from_str(node).unwrap_or_default();
    let conditions = node["status"]["conditions"].as_array();
    conditions.is_some_and(|all| all.iter().any(|one| one["type"] == "Ready" && one["status"] == "True"))
}
