//! What is read of a cluster.

use serde::Deserialize;

/// The answer of DescribeCluster.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Described {
    pub(super) cluster: Facts,
}

/// `Cluster` in the API reference.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Facts {
    pub(super) status: String,
    pub(super) version: Option<String>,
    pub(super) endpoint: Option<String>,
    pub(super) certificate_authority: Option<CertificateAuthority>,
    pub(super) resources_vpc_config: Option<Network>,
    pub(super) access_config: Option<AccessConfig>,
    pub(super) compute_config: Option<ComputeConfig>,
    pub(super) connector_config: Option<ConnectorConfig>,
    pub(super) health: Option<Health>,
    /// Only local clusters on Outposts have one.
    pub(super) id: Option<String>,
    pub(super) outpost_config: Option<serde::de::IgnoredAny>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct CertificateAuthority {
    /// PEM behind base64.
    pub(super) data: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Network {
    pub(super) endpoint_public_access: bool,
    pub(super) endpoint_private_access: bool,
    pub(super) public_access_cidrs: Vec<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct AccessConfig {
    pub(super) authentication_mode: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct ComputeConfig {
    pub(super) enabled: bool,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct ConnectorConfig {
    pub(super) provider: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Health {
    pub(super) issues: Vec<Issue>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Issue {
    pub(super) code: String,
    pub(super) message: String,
    pub(super) resource_ids: Vec<String>,
}

/// The answer of ListClusters.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Listed {
    pub(super) clusters: Vec<String>,
}
