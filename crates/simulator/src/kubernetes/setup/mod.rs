//! What a cluster has when it starts, and how it behaves: plain data, which scenarios change with a merge patch.

mod pods;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use pods::{PodBehaviour, PodEvent, PodRule};

use crate::iam::wildcard_match;

/// The Kubernetes side of an EKS cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KubernetesSetup {
    /// Objects that exist besides the namespaces `default`, `kube-system`, `kube-public` and `kube-node-lease`, each as a
    /// manifest.
    pub objects: Vec<Value>,
    /// What others have written before the start, upon `objects` and in this order.
    pub written: Vec<KubernetesWrite>,
    /// How pods behave. The first rule that fits a pod is used; without one, pods become ready.
    pub pods: Vec<PodRule>,
    /// What callers may not do.
    pub denied: Vec<KubernetesDenial>,
    /// ARNs of the IAM principals with an access entry; empty: every principal of the account has one.
    pub access_entries: Vec<String>,
    /// Nodes, each of which runs a pod of a DaemonSet.
    pub nodes: u32,
    /// Milliseconds until a CustomResourceDefinition is established.
    pub established_after_ms: u64,
    /// Milliseconds from then on until its kind is served: until then discovery does not name it, and its paths are not
    /// found. A real server takes a moment too.
    pub served_after_ms: u64,
    /// Milliseconds that a controller takes to see a change.
    pub controller_lag_ms: u64,
    /// Milliseconds until a container that has ended is started again; twice as many after each time, up to 32 times as many.
    /// The real kubelet begins with ten seconds.
    pub restart_after_ms: u64,
    /// Milliseconds until an object that is deleted in the foreground or a namespace is gone.
    pub deletion_ms: u64,
    /// Milliseconds until a load balancer has an address.
    pub load_balancer_after_ms: u64,
    /// What the controller of load balancers says as long as there is no address, in an event `FailedBuildModel`; empty:
    /// nothing.
    pub load_balancer_trouble: String,
    /// Why no volume is made for claims, in an event `ProvisioningFailed`; empty: they are made.
    pub claim_trouble: String,
}

/// Something that a field manager wrote before the start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KubernetesWrite {
    /// The field manager: `kubectl-edit`, `argocd-controller`, ...
    pub manager: String,
    /// By server-side apply, which takes what it writes from others; else by a merge patch (RFC 7396), or as a new object
    /// where there is none.
    #[serde(default)]
    pub apply: bool,
    /// The object, or what of it is written: with `apiVersion`, `kind` and `metadata.name`.
    pub object: Value,
}

impl Default for KubernetesSetup {
    fn default() -> Self {
        Self {
            objects: Vec::new(),
            written: Vec::new(),
            pods: Vec::new(),
            denied: Vec::new(),
            access_entries: Vec::new(),
            nodes: 2,
            established_after_ms: 100,
            served_after_ms: 0,
            controller_lag_ms: 10,
            restart_after_ms: 100,
            deletion_ms: 100,
            load_balancer_after_ms: 100,
            load_balancer_trouble: String::new(),
            claim_trouble: String::new(),
        }
    }
}

/// Requests that are refused: what RBAC does not allow. What is not denied is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KubernetesDenial {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`; `*` stands for any characters
    /// here and below.
    pub verb: String,
    /// The kind as in paths, with its group behind a dot and its subresource behind a slash: `deployments.apps`, `pods/log`.
    pub resource: String,
    /// The namespace; empty in requests for objects in none.
    pub namespace: String,
}

impl Default for KubernetesDenial {
    fn default() -> Self {
        let any = || "*".to_owned();
        Self { verb: any(), resource: any(), namespace: any() }
    }
}

impl KubernetesDenial {
    /// Refuses a verb on a kind in every namespace.
    pub fn of(verb: &str, resource: &str) -> Self {
        Self { verb: verb.to_owned(), resource: resource.to_owned(), namespace: "*".to_owned() }
    }

    pub(crate) fn fits(&self, verb: &str, resource: &str, namespace: &str) -> bool {
        wildcard_match(&self.verb, verb)
            && wildcard_match(&self.resource, resource)
            && wildcard_match(&self.namespace, namespace)
    }
}
