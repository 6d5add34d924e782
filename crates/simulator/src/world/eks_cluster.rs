//! Clusters of EKS.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::KubernetesSetup;

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
