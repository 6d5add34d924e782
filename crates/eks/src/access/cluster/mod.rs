//! A cluster: where its API server is, and whom to trust as such.

mod facts;
mod find;
mod reach;
#[cfg(test)]
mod tests;

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;
use landfall_core::{Cause, Context, Error, ErrorKind, Place, Result};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::Proxy;
use facts::Facts;

/// A cluster that can be talked to, as DescribeCluster describes it:
/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_Cluster.html>.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    name: String,
    /// What tokens are signed for: the name, or the id of a local cluster on an Outpost.
    token_name: String,
    place: Place,
    endpoint: String,
    certificates: Vec<CertificateDer<'static>>,
    version: String,
    access: EndpointAccess,
    authentication_mode: Option<String>,
    auto_mode: bool,
    ahead: SignedDuration,
    proxy: Option<Proxy>,
}

/// From where the API server can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointAccess {
    /// From the internet, from the addresses in `public_cidrs`.
    pub public: bool,
    /// From the cluster's VPC.
    pub private: bool,
    /// Addresses that may use the public endpoint; `0.0.0.0/0` is all of them.
    pub public_cidrs: Vec<String>,
}

impl Cluster {
    /// Finds a cluster by DescribeCluster. A cluster that is UPDATING is used, and a note says so.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] with the clusters that are there, when AWS lets us list them; [`ErrorKind::Rejected`] for a
    /// cluster that is being made or deleted or has failed; [`ErrorKind::Unsupported`] for a cluster elsewhere that is only
    /// registered with EKS; the failure of the call otherwise.
    ///
    /// # Cancellation
    /// Read-only; may be dropped at any time.
    pub async fn find(
        cx: &Context,
        config: &aws_types::SdkConfig,
        place: &Place,
        name: &str,
    ) -> Result<Self> {
        find::find(cx, config, place, name).await
    }

    /// A cluster of which everything is known, so that nobody has to be asked. `certificates` is one PEM text, as a
    /// kubeconfig has it behind base64.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] when the endpoint is not one of https, or there is no certificate in the text.
    pub fn known(place: &Place, name: &str, endpoint: &str, certificates: &str) -> Result<Self> {
        let mut problems = Vec::new();
        if !is_https(endpoint) {
            let message = format!("the endpoint of the cluster, `{endpoint}`, is not an address of https");
            problems.push(Cause::invalid("endpoint", message));
        }
        let certificates = certificates_of(certificates.as_bytes());
        if certificates.is_empty() {
            problems.push(Cause::invalid("certificate-authority", "there is no certificate in it (PEM)"));
        }
        Error::all("the cluster cannot be used as it is described", problems)?;
        Ok(Self::of_kubeconfig(place, name, endpoint, certificates))
    }

    /// The cluster of a kubeconfig. Without certificates those of the system are trusted.
    pub(super) fn of_kubeconfig(
        place: &Place,
        name: &str,
        endpoint: &str,
        certificates: Vec<CertificateDer<'static>>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            token_name: name.to_owned(),
            place: place.clone(),
            endpoint: endpoint.to_owned(),
            certificates,
            version: String::new(),
            access: EndpointAccess { public: true, private: true, public_cidrs: Vec::new() },
            authentication_mode: None,
            auto_mode: false,
            ahead: SignedDuration::ZERO,
            proxy: None,
        }
    }

    /// The same, as the cluster that EKS calls by this name, or whose id it is: a kubeconfig calls it as it likes.
    pub(super) fn of_eks(mut self, name: &str, by_id: bool) -> Self {
        name.clone_into(&mut self.token_name);
        if !by_id {
            name.clone_into(&mut self.name);
        }
        self
    }

    /// The cluster's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What tokens are signed for ([`TokenSource::new`](super::TokenSource::new)): the name, or the id of a local cluster
    /// on an Outpost.
    #[must_use]
    pub fn token_name(&self) -> &str {
        &self.token_name
    }

    /// The address of its API server, `https://...`.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The certificates, DER, that the API server's has to be signed by; none: one of those that the system trusts.
    pub fn certificates(&self) -> impl Iterator<Item = &[u8]> {
        self.certificates.iter().map(AsRef::as_ref)
    }

    /// Kubernetes' version, `1.34`; empty when nobody was asked.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// From where the API server can be reached.
    #[must_use]
    pub fn access(&self) -> &EndpointAccess {
        &self.access
    }

    /// Who decides who may sign in: `API`, `API_AND_CONFIG_MAP` or `CONFIG_MAP`.
    #[must_use]
    pub fn authentication_mode(&self) -> Option<&str> {
        self.authentication_mode.as_deref()
    }

    /// Whether EKS Auto Mode makes the nodes: a pod then waits for a node of its own.
    #[must_use]
    pub fn is_auto_mode(&self) -> bool {
        self.auto_mode
    }

    /// By how much AWS's clock is ahead of ours, to the second.
    #[must_use]
    pub fn ahead(&self) -> SignedDuration {
        self.ahead
    }

    /// The cluster of an answer, judged.
    fn judged(facts: Facts, name: &str, place: &Place, ahead: SignedDuration) -> Result<Self> {
        if let Some(connector) = &facts.connector_config {
            let provider =
                if connector.provider.is_empty() { "elsewhere" } else { connector.provider.as_str() };
            let message = format!(
                "cluster {name} is not EKS's own: it runs at {provider} and is only registered with EKS"
            );
            let error = Error::new(ErrorKind::Unsupported, message);
            return Err(error.with_hint(
                "deploy to it with a kubeconfig of its own: EKS has no way into it for programs",
            ));
        }
        if let Some(error) = not_usable(&facts, name, place) {
            return Err(error);
        }
        let broken = |what: &str| {
            let error = Error::new(
                ErrorKind::Transient,
                format!("cluster {name} is {}, and AWS names no {what} of it", facts.status),
            );
            error.with_hint("run again in a moment; if it stays so, look at the cluster in the console")
        };
        let endpoint =
            facts.endpoint.clone().filter(|endpoint| is_https(endpoint)).ok_or_else(|| broken("endpoint"))?;
        let encoded = facts.certificate_authority.as_ref().map_or("", |authority| authority.data.as_str());
        let pem = STANDARD.decode(encoded.trim()).unwrap_or_default();
        let certificates = certificates_of(&pem);
        if certificates.is_empty() {
            return Err(broken("certificate"));
        }
        let network = facts.resources_vpc_config.unwrap_or_default();
        let on_outpost = facts.outpost_config.is_some();
        Ok(Self {
            name: name.to_owned(),
            token_name: facts.id.filter(|_| on_outpost).unwrap_or_else(|| name.to_owned()),
            place: place.clone(),
            endpoint,
            certificates,
            version: facts.version.unwrap_or_default(),
            access: EndpointAccess {
                public: network.endpoint_public_access,
                private: network.endpoint_private_access,
                public_cidrs: network.public_access_cidrs,
            },
            authentication_mode: facts.access_config.and_then(|access| access.authentication_mode),
            auto_mode: facts.compute_config.is_some_and(|compute| compute.enabled),
            ahead,
            proxy: None,
        })
    }
}

/// `demo in account 111122223333 eu-central-1`.
impl fmt::Display for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in account {}", self.name, self.place)
    }
}

/// Why a cluster of this status cannot be deployed to.
fn not_usable(facts: &Facts, name: &str, place: &Place) -> Option<Error> {
    let region = &place.region;
    let hint = match facts.status.as_str() {
        "ACTIVE" | "UPDATING" => return None,
        "CREATING" => format!(
            "wait until it is ACTIVE, which takes about ten minutes, then run again (aws eks wait cluster-active --name \
             {name} --region {region})"
        ),
        "PENDING" => "a local cluster on an Outpost is made when its connection stands: check the Outpost, then run again".to_owned(),
        "DELETING" => "somebody deletes it (CloudTrail names who called DeleteCluster): name another cluster".to_owned(),
        "FAILED" => "it was never made: mend what is named here, delete it, and create it again".to_owned(),
        _ => "look at the cluster in the console, and run again when it is ACTIVE".to_owned(),
    };
    let message = format!(
        "cluster {name} in account {place} is {}, not ACTIVE: it cannot be deployed to",
        facts.status
    );
    let mut error = Error::new(ErrorKind::Rejected, message).with_hint(hint);
    for issue in facts.health.iter().flat_map(|health| &health.issues) {
        let about = if issue.resource_ids.is_empty() {
            String::new()
        } else {
            format!(" ({})", issue.resource_ids.join(", "))
        };
        error = error
            .with_cause(Cause::new("cluster-issue", format!("{}: {}{about}", issue.code, issue.message)));
    }
    Some(error)
}

/// Whether this is the address of a server of https.
pub(super) fn is_https(endpoint: &str) -> bool {
    endpoint
        .strip_prefix("https://")
        .is_some_and(|host| !host.is_empty() && endpoint.parse::<http::Uri>().is_ok())
}

fn certificates_of(pem: &[u8]) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem).flatten().collect()
}
