//! A cluster as DescribeCluster shows it:
//! <https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeCluster.html>.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::EksCluster;
use crate::iam::Principal;
use crate::scenario::merge_patch;
use crate::wire::json::epoch;

/// The certificate that signs those of the API servers. Its key does not exist any more.
const AUTHORITY: &str = include_str!("public_authority.pem");

/// A cluster was made a day before the simulator started.
const AGE_SECONDS: i64 = 86_400;

pub(super) fn arn(account: &str, region: &str, name: &str) -> String {
    format!("arn:aws:eks:{region}:{account}:cluster/{name}")
}

pub(super) fn cluster(name: &str, cluster: &EksCluster, principal: &Principal, started: Timestamp) -> Value {
    let Principal { account, region, .. } = principal;
    let id = identifier(name);
    let created = started - jiff::SignedDuration::from_secs(AGE_SECONDS);
    let mut shown = json!({
        "name": name,
        "arn": arn(account, region, name),
        "createdAt": epoch(created),
        "version": "1.34",
        "roleArn": format!("arn:aws:iam::{account}:role/eks-cluster"),
        "resourcesVpcConfig": {
            "subnetIds": ["subnet-0aaaaaaaaaaaaaaaa", "subnet-0bbbbbbbbbbbbbbbb"],
            "securityGroupIds": [],
            "clusterSecurityGroupId": "sg-0dddddddddddddddd",
            "vpcId": "vpc-0eeeeeeeeeeeeeeee",
            "endpointPublicAccess": true,
            "endpointPrivateAccess": true,
            "publicAccessCidrs": ["0.0.0.0/0"]
        },
        "kubernetesNetworkConfig": {
            "serviceIpv4Cidr": "10.100.0.0/16",
            "ipFamily": "ipv4",
            "elasticLoadBalancing": { "enabled": false }
        },
        "logging": { "clusterLogging": [
            { "types": ["api", "audit", "authenticator", "controllerManager", "scheduler"], "enabled": false }
        ] },
        "identity": { "oidc": { "issuer": format!("https://oidc.eks.{region}.amazonaws.com/id/{id}") } },
        "status": cluster.status,
        "platformVersion": "eks.9",
        "tags": {},
        "health": { "issues": [] },
        "accessConfig": { "authenticationMode": "API_AND_CONFIG_MAP" },
        "upgradePolicy": { "supportType": "EXTENDED" },
        "deletionProtection": false
    });
    // A cluster has an address and a certificate once it has been made.
    if !matches!(cluster.status.as_str(), "CREATING" | "PENDING" | "FAILED") {
        shown["endpoint"] = format!("https://{id}.gr7.{region}.eks.amazonaws.com").into();
        shown["certificateAuthority"] = json!({ "data": STANDARD.encode(AUTHORITY) });
    }
    if cluster.settings.is_object() {
        merge_patch(&mut shown, &cluster.settings);
    }
    shown
}

/// Thirty-two hexadecimal digits, as in the addresses of clusters; the same for the same name.
fn identifier(name: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, name.as_bytes());
    digest.as_ref().iter().take(16).map(|byte| format!("{byte:02X}")).collect()
}
