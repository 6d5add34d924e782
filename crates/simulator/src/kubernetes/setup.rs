//! What a cluster has when it starts, and how it behaves: plain data, which scenarios change with a merge patch.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::iam::wildcard_match;

/// The Kubernetes side of an EKS cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KubernetesSetup {
    /// Objects that exist besides the namespaces `default`, `kube-system`, `kube-public` and `kube-node-lease`, each as a
    /// manifest.
    pub objects: Vec<Value>,
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
}

impl Default for KubernetesSetup {
    fn default() -> Self {
        Self {
            objects: Vec::new(),
            pods: Vec::new(),
            denied: Vec::new(),
            access_entries: Vec::new(),
            nodes: 2,
            established_after_ms: 100,
            served_after_ms: 0,
            controller_lag_ms: 10,
            restart_after_ms: 100,
            deletion_ms: 100,
        }
    }
}

/// How some pods behave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PodRule {
    /// The namespace; `*` stands for any characters here and below.
    pub namespace: String,
    /// The kind of the workload, such as `Deployment`.
    pub kind: String,
    /// The name of the workload.
    pub name: String,
    /// The image of one of the containers.
    pub image: String,
    /// What the pods do.
    pub behaviour: PodBehaviour,
}

impl Default for PodRule {
    fn default() -> Self {
        let any = || "*".to_owned();
        Self { namespace: any(), kind: any(), name: any(), image: any(), behaviour: PodBehaviour::default() }
    }
}

impl PodRule {
    /// A rule for all pods of a workload.
    pub fn of(kind: &str, name: &str, behaviour: PodBehaviour) -> Self {
        Self { kind: kind.to_owned(), name: name.to_owned(), behaviour, ..Self::default() }
    }

    /// Only for pods with a container of this image; `*` stands for any characters.
    #[must_use]
    pub fn image(mut self, image: &str) -> Self {
        image.clone_into(&mut self.image);
        self
    }

    pub(crate) fn fits(&self, namespace: &str, kind: &str, name: &str, images: &[String]) -> bool {
        wildcard_match(&self.namespace, namespace)
            && wildcard_match(&self.kind, kind)
            && wildcard_match(&self.name, name)
            && images.iter().any(|image| wildcard_match(&self.image, image))
    }
}

/// What a pod does. Times are milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PodBehaviour {
    /// It is scheduled at once and ready after a while; a pod of a Job then ends well after as long again.
    Good {
        /// Until it is ready.
        ready_after_ms: u64,
    },
    /// The registry does not have the image of its first container.
    ImageNotFound,
    /// Its first container ends soon after it was started, again and again.
    CrashLoop {
        /// The exit code, 1 to 255.
        exit_code: u8,
        /// What the container writes before it ends, a line each.
        logs: Vec<String>,
        /// After so many restarts it stays up; none: never.
        recovers_after: Option<u32>,
    },
    /// It runs, and its readiness probe fails.
    NeverReady,
    /// No node takes it.
    Unschedulable {
        /// Until one does; none: never.
        for_ms: Option<u64>,
    },
    /// It is not even created: the namespace's quota does not allow it.
    QuotaExceeded {
        /// The name of the ResourceQuota.
        quota: String,
    },
    /// A pod of a Job: its first container ends with an error.
    Fails {
        /// The exit code, 1 to 255.
        exit_code: u8,
        /// What the container writes before it ends, a line each.
        logs: Vec<String>,
    },
    /// Its controller does not look at it: the status of the workload stays as it is.
    StaleStatus,
}

impl Default for PodBehaviour {
    fn default() -> Self {
        Self::Good { ready_after_ms: 100 }
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
