//! Clusters of EKS.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::demo::{DEMO_ACCOUNT, DEMO_REGION};
use crate::{KubernetesSetup, KubernetesWrite};

/// An EKS cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EksCluster {
    /// `ACTIVE`, or another cluster status.
    pub status: String,
    /// Further members of the cluster as DescribeCluster answers them, as a merge patch (RFC 7396) over those of an
    /// ordinary one: `resourcesVpcConfig`, `computeConfig`, `endpoint`, ...
    pub settings: Value,
    /// What its Kubernetes has at the start, and how it behaves.
    pub kubernetes: KubernetesSetup,
}

impl Default for EksCluster {
    fn default() -> Self {
        Self { status: "ACTIVE".to_owned(), settings: Value::Null, kubernetes: KubernetesSetup::default() }
    }
}

impl EksCluster {
    /// The demonstration's: it runs a Deployment `web` that landfall has applied before.
    pub(super) fn demo() -> Self {
        let image = format!("{DEMO_ACCOUNT}.dkr.ecr.{DEMO_REGION}.amazonaws.com/demo/web:1.1");
        let labels = json!({ "app": "web" });
        let containers = json!([{ "name": "web", "image": image, "ports": [{ "containerPort": 8080 }] }]);
        let web = json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": { "name": "web", "namespace": "default", "labels": labels },
            "spec": {
                "replicas": 2,
                "selector": { "matchLabels": labels },
                "template": { "metadata": { "labels": labels }, "spec": { "containers": containers } }
            }
        });
        let mut cluster = Self::default();
        let write = KubernetesWrite { manager: "landfall".to_owned(), apply: true, object: web };
        cluster.kubernetes.written.push(write);
        cluster
    }
}
