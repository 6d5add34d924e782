//! Who else deploys an object: a GitOps controller puts back what is changed beside it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::api::Live;

/// Somebody else who deploys an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "tool", rename_all = "kebab-case")]
pub enum Owner {
    /// Argo CD, also as a capability of EKS.
    ArgoCd {
        /// The application, where the object names it.
        application: String,
    },
    /// Flux.
    Flux {
        /// The Kustomization or HelmRelease, where the object names it.
        source: String,
    },
    /// A release of Helm.
    Helm {
        /// Its name, where the object names it.
        release: String,
    },
}

/// Who else deploys an object, by what these tools write into it: labels, annotations, and the names they set fields
/// under.
#[must_use]
pub fn owner(live: &Live) -> Option<Owner> {
    let managed = |names: &[&str]| live.managers().any(|manager| names.contains(&manager.name));
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let tracking = live.annotation("argocd.argoproj.io/tracking-id");
    let instance = live.label("argocd.argoproj.io/instance");
    if tracking.is_some()
        || instance.is_some()
        || managed(&["argocd-controller", "argocd-application-controller"])
    {
        // The tracking id begins with the application: `shop:apps/Deployment:shop/web`.
        let application = tracking.and_then(|id| id.split(':').next()).or(instance);
        return Some(Owner::ArgoCd { application: text(application) });
    }
    let flux = ["kustomize.toolkit.fluxcd.io/name", "helm.toolkit.fluxcd.io/name"];
    let source = flux.iter().find_map(|key| live.label(key));
    if source.is_some() || managed(&["kustomize-controller", "helm-controller"]) {
        return Some(Owner::Flux { source: text(source) });
    }
    let release = live.annotation("meta.helm.sh/release-name");
    let by_label = live.label("app.kubernetes.io/managed-by") == Some("Helm");
    (release.is_some() || by_label || managed(&["helm"])).then(|| Owner::Helm { release: text(release) })
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = |name: &str| if name.is_empty() { String::new() } else { format!(" {name}") };
        match self {
            Self::ArgoCd { application } => write!(
                f,
                "Argo CD's application{} deploys it too, and may put back what is changed here",
                named(application)
            ),
            Self::Flux { source } => {
                write!(f, "Flux{} deploys it too, and will put back what is changed here", named(source))
            }
            Self::Helm { release } => {
                write!(
                    f,
                    "it belongs to the Helm release{}, whose next upgrade may change it again",
                    named(release)
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Owner, owner};
    use crate::api::Live;
    use serde_json::json;

    #[test]
    fn other_tools_are_known_by_what_they_write() {
        let argo = |application: &str| Some(Owner::ArgoCd { application: application.to_owned() });
        let flux = |source: &str| Some(Owner::Flux { source: source.to_owned() });
        let helm = |release: &str| Some(Owner::Helm { release: release.to_owned() });
        let manager = |name: &str| json!({"managedFields": [{"manager": name, "operation": "Apply"}]});
        for (metadata, expected) in [
            (
                json!({"annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web"}}),
                argo("shop"),
            ),
            (json!({"labels": {"argocd.argoproj.io/instance": "shop"}}), argo("shop")),
            (manager("argocd-controller"), argo("")),
            (json!({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}), flux("apps")),
            (manager("kustomize-controller"), flux("")),
            (
                json!({"labels": {"helm.toolkit.fluxcd.io/name": "web"}, "annotations": {"meta.helm.sh/release-name": "web"}}),
                flux("web"),
            ),
            (json!({"annotations": {"meta.helm.sh/release-name": "web"}}), helm("web")),
            (json!({"labels": {"app.kubernetes.io/managed-by": "Helm"}}), helm("")),
            (manager("helm"), helm("")),
            (manager("kubectl-edit"), None),
            (json!({"labels": {"app.kubernetes.io/managed-by": "landfall"}}), None),
        ] {
            assert_eq!(owner(&Live::new(json!({"metadata": metadata.clone()}))), expected, "{metadata}");
        }
    }
}
