//! The API server of an EKS cluster, with what stands behind it: controllers, a scheduler, and nodes.
//!
//! It answers as Kubernetes documents and does (<https://kubernetes.io/docs/reference/using-api/api-concepts/>), never as a
//! client of ours happens to expect. A request goes the same way whether it comes over TLS ([`Kubernetes::serve`]) or in
//! memory ([`Kubernetes::handle`]): faults on cue, the token, what the caller may do, then the work:
//!
//! - `asked`: what a path and a query mean; `refusal`: the `Status` objects of refusals;
//! - `access`: tokens of EKS are judged as the real webhook does;
//! - `discovery`, and `kinds`: the built-in ones with their schemas, and custom ones;
//! - `read`: get, list, watch, logs; `write`: create, update, patches, apply, delete; `fields`: server-side apply's merging
//!   and ownership;
//! - `store`: the objects and their history; `controllers`: what makes pods of workloads, on the simulator's clock.
//!
//! Left out: bodies in YAML or protobuf, admission webhooks, conversion between versions, defaults and values of custom
//! resources (types are checked), most rules about values of built-in ones, the eviction API, exec, quotas of anything but
//! pods, CronJobs that come due, metrics, and OpenAPI documents.

mod access;
mod asked;
mod controllers;
mod discovery;
mod exchange;
mod fields;
mod kinds;
mod perform;
mod read;
mod refusal;
mod respond;
mod serve;
mod setup;
mod state;
mod store;
mod write;

use std::collections::BTreeMap;
use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

pub use serve::{KubernetesBody, KubernetesServer};
pub use setup::{KubernetesDenial, KubernetesSetup, KubernetesWrite, PodBehaviour, PodEvent, PodRule};

pub(crate) use state::ClusterState;

use crate::scenario::merge_patch;
use crate::{EksCluster, Simulator};
use access::User;

/// The items of a list; none when it is no list.
pub(crate) fn items(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Which cluster it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ClusterName {
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) cluster: String,
}

/// A handle on the Kubernetes of an EKS cluster. Cloning is cheap; all clones are the same cluster.
#[derive(Debug, Clone)]
pub struct Kubernetes {
    simulator: Simulator,
    name: ClusterName,
}

/// A request that reached the API server of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KubernetesRequest {
    /// `GET`, `PATCH`, ...
    pub method: String,
    /// The path.
    pub path: String,
    /// The query, as it was sent.
    pub query: String,
    /// The name of the caller as Kubernetes knows it; `system:anonymous` for one that sent no token, empty for one whose
    /// token was not accepted.
    pub user: String,
    /// The HTTP status of the answer; 0 when the connection was broken instead.
    pub status: u16,
    /// Why the token was not accepted: the line in the authenticator's log, which the caller does not see.
    pub token_refused: Option<String>,
    /// When it was answered, on the simulator's clock.
    pub at: Timestamp,
}

impl Kubernetes {
    pub(crate) fn new(simulator: Simulator, account: &str, region: &str, cluster: &str) -> Self {
        let owned = str::to_owned;
        let name = ClusterName { account: owned(account), region: owned(region), cluster: owned(cluster) };
        Self { simulator, name }
    }

    pub(crate) fn simulator(&self) -> &Simulator {
        &self.simulator
    }

    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut ClusterState) -> T) -> T {
        self.simulator.with_state(|state| {
            let now = state.clock.now();
            let cluster = state.kubernetes(&self.name);
            cluster.advance(now);
            work(cluster)
        })
    }

    /// When something happens next without anybody asking.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.simulator.with_state(|state| {
            let due = state.kubernetes(&self.name).next_due()?;
            Some(state.clock.instant_of(due))
        })
    }

    /// Answers a request as the server does: with faults, the token, and what the caller may do.
    ///
    /// # Errors
    ///
    /// A fault breaks the connection.
    ///
    /// # Cancellation
    ///
    /// A request whose future is dropped may have taken effect.
    pub async fn handle(&self, request: Request<Bytes>) -> io::Result<Response<KubernetesBody>> {
        exchange::answer(self, request, None).await
    }

    /// Answers a request of somebody else who may do everything, such as an administrator with `kubectl`. No fault strikes,
    /// and nothing here counts as a call. `manager` is the field manager unless the query names one.
    ///
    /// # Errors
    ///
    /// None: the type is that of [`handle`](Self::handle).
    pub async fn handle_as(
        &self,
        manager: &str,
        request: Request<Bytes>,
    ) -> io::Result<Response<KubernetesBody>> {
        exchange::answer(self, request, Some(User::trusted(manager))).await
    }

    /// An object by its path, such as `/apis/apps/v1/namespaces/default/deployments/web`; none when it is not there.
    pub fn object(&self, path: &str) -> Option<Value> {
        let asked::Path::Object(place) = asked::Path::of(path) else { return None };
        self.with(|state| {
            let kind = state.kinds.find(&place.group, &place.version, &place.plural)?.clone();
            state.get(&kind, &place.namespace, &place.name).ok()
        })
    }

    /// From now on pods behave by this rule where it fits, before all other rules; pods that exist go on as they were.
    pub fn behave(&self, rule: PodRule) {
        self.with(|state| {
            state.setup.pods.insert(0, rule);
            controllers::look_at_all(state);
        });
    }

    /// From now on this is refused.
    pub fn deny(&self, denial: KubernetesDenial) {
        self.with(|state| state.setup.denied.push(denial));
    }

    /// Forgets what changed until now: a watch or a list that goes on from before is told that it is too old.
    pub fn forget_history(&self) {
        self.with(|state| state.store.cut(0));
    }

    /// How many requests were under way at once, at most: a watch until it begins to tell. Those of
    /// [`handle_as`](Self::handle_as) do not count.
    pub fn most_at_once(&self) -> usize {
        self.with(|state| state.under_way.1)
    }

    /// Every request so far, oldest first, those of [`handle_as`](Self::handle_as) left out.
    pub fn requests(&self) -> Vec<KubernetesRequest> {
        self.with(|state| state.requests.clone())
    }
}

impl ClusterState {
    /// The Kubernetes of a cluster of the world.
    pub(crate) fn of(name: &ClusterName, cluster: &EksCluster, start: Timestamp) -> Self {
        let version = cluster.settings["version"].as_str().unwrap_or("1.34").to_owned();
        let seed = format!("{}/{}/{}", name.account, name.region, name.cluster);
        Self::new(&seed, &version, cluster.kubernetes.clone(), start)
    }

    /// Has DescribeCluster answer the address of the server, unless the world names another.
    pub(crate) fn show_address(&self, clusters: &mut BTreeMap<String, EksCluster>, name: &str) {
        let (Some(served), Some(cluster)) = (&self.served, clusters.get_mut(name)) else { return };
        let mut settings = json!({
            "endpoint": served.endpoint,
            "certificateAuthority": { "data": STANDARD.encode(&served.authority) }
        });
        if cluster.settings.is_object() {
            merge_patch(&mut settings, &cluster.settings);
        }
        cluster.settings = settings;
    }
}
