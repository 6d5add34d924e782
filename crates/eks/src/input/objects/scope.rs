//! Which kinds of Kubernetes' own live in a namespace.
//!
//! The API reference of each group: <https://kubernetes.io/docs/reference/kubernetes-api/>. What a
//! CustomResourceDefinition adds says so itself; of all others only the cluster knows.

/// Where objects of a kind live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// In a namespace.
    Namespaced,
    /// In the cluster, without a namespace.
    Cluster,
    /// Only the cluster's discovery tells: a kind of another API group.
    Unknown,
}

/// Kinds without a namespace, by group.
const CLUSTER: [(&str, &[&str]); 13] = [
    ("", &["ComponentStatus", "Namespace", "Node", "PersistentVolume"]),
    (
        "admissionregistration.k8s.io",
        &[
            "MutatingAdmissionPolicy",
            "MutatingAdmissionPolicyBinding",
            "MutatingWebhookConfiguration",
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
            "ValidatingWebhookConfiguration",
        ],
    ),
    ("apiextensions.k8s.io", &["CustomResourceDefinition"]),
    ("apiregistration.k8s.io", &["APIService"]),
    ("authentication.k8s.io", &["SelfSubjectReview", "TokenReview"]),
    ("certificates.k8s.io", &["CertificateSigningRequest", "ClusterTrustBundle"]),
    ("flowcontrol.apiserver.k8s.io", &["FlowSchema", "PriorityLevelConfiguration"]),
    ("networking.k8s.io", &["IPAddress", "IngressClass", "ServiceCIDR"]),
    ("node.k8s.io", &["RuntimeClass"]),
    ("rbac.authorization.k8s.io", &["ClusterRole", "ClusterRoleBinding"]),
    ("resource.k8s.io", &["DeviceClass", "DeviceTaintRule", "ResourceSlice"]),
    ("scheduling.k8s.io", &["PriorityClass"]),
    (
        "storage.k8s.io",
        &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment", "VolumeAttributesClass"],
    ),
];

/// Groups of Kubernetes' own all of whose kinds have a namespace.
const NAMESPACED: [&str; 7] =
    ["apps", "autoscaling", "batch", "coordination.k8s.io", "discovery.k8s.io", "events.k8s.io", "policy"];

/// The scope of a kind of Kubernetes' own.
pub(super) fn scope_of(group: &str, kind: &str) -> Scope {
    match CLUSTER.iter().find(|(name, _)| *name == group) {
        Some((_, kinds)) if kinds.contains(&kind) => Scope::Cluster,
        Some(_) => Scope::Namespaced,
        None if NAMESPACED.contains(&group) => Scope::Namespaced,
        None => Scope::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::{Scope, scope_of};

    #[test]
    fn kinds_of_kubernetes_are_known_and_others_are_not() {
        for (group, kind, scope) in [
            ("", "ConfigMap", Scope::Namespaced),
            ("", "Namespace", Scope::Cluster),
            ("apps", "Deployment", Scope::Namespaced),
            ("rbac.authorization.k8s.io", "Role", Scope::Namespaced),
            ("rbac.authorization.k8s.io", "ClusterRole", Scope::Cluster),
            ("networking.k8s.io", "Ingress", Scope::Namespaced),
            ("gateway.networking.k8s.io", "GatewayClass", Scope::Unknown),
            ("cert-manager.io", "ClusterIssuer", Scope::Unknown),
        ] {
            assert_eq!(scope_of(group, kind), scope, "{group} {kind}");
        }
    }
}
