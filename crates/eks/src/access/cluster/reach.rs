//! How its API server is reached, and what is said when it is not.

use landfall_aws::environment::Environment;
use landfall_core::{Error, ErrorKind, Result};

use super::{Cluster, EndpointAccess};
use crate::access::Proxy;

impl Cluster {
    /// The same cluster, reached through this proxy.
    #[must_use]
    pub fn through_proxy(mut self, proxy: Proxy) -> Self {
        self.proxy = Some(proxy);
        self
    }

    /// The same cluster, reached through the proxy that the environment names for its API server, if it names one
    /// ([`Proxy::of_environment`]). One that a kubeconfig names stays, as with `kubectl`.
    ///
    /// # Errors
    /// As [`Proxy::of_environment`].
    pub fn through_proxy_of(mut self, environment: &Environment) -> Result<Self> {
        if self.proxy.is_none() {
            self.proxy = Proxy::of_environment(environment, &self.endpoint)?;
        }
        Ok(self)
    }

    /// The proxy that its API server is reached through.
    #[must_use]
    pub fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref()
    }

    /// ` through the proxy http://proxy.example.com:3128 (HTTPS_PROXY)`; empty without one.
    pub(in crate::access) fn through(&self) -> String {
        self.proxy.as_ref().map(|proxy| format!(" through the proxy {proxy}")).unwrap_or_default()
    }

    /// The error for an API server that no connection could be made to, with what the cluster's settings say about that:
    /// <https://docs.aws.amazon.com/eks/latest/userguide/cluster-endpoint.html>. `why` is what the connection failed with.
    #[must_use]
    pub fn unreachable(&self, why: &str) -> Error {
        let EndpointAccess { public, public_cidrs, .. } = &self.access;
        let open = public_cidrs.iter().any(|range| range == "0.0.0.0/0");
        let hint = match (public, &self.proxy) {
            (true, Some(proxy)) => proxy.advice(&self.address()),
            (false, Some(proxy)) => format!(
                "its endpoint is private: the proxy has to stand in its VPC or in a network connected to it. If it does, {}",
                proxy.advice(&self.address())
            ),
            (false, None) => format!(
                "its endpoint is private, so that only its VPC and networks connected to it reach it: run this job \
                 there (a runner in the VPC), name a proxy, or open the public endpoint to the runner's addresses (aws \
                 eks update-cluster-config --name {} --resources-vpc-config \
                 endpointPublicAccess=true,publicAccessCidrs=...)",
                self.name
            ),
            (true, None) if !open && !public_cidrs.is_empty() => format!(
                "its public endpoint takes connections from {} only: check that this machine's address is among them \
                 (aws eks update-cluster-config changes publicAccessCidrs)",
                public_cidrs.join(", ")
            ),
            _ if open => {
                "its endpoint is public: check the firewall, HTTPS_PROXY and NO_PROXY of this machine"
                    .to_owned()
            }
            // Of the cluster of a kubeconfig nothing else is known.
            _ => "check the address, the firewall, HTTPS_PROXY and NO_PROXY of this machine".to_owned(),
        };
        let message = format!(
            "the API server of cluster {}, {}, cannot be reached{}: {why}",
            self.name,
            self.endpoint,
            self.through()
        );
        Error::new(ErrorKind::Transient, message).with_hint(hint)
    }

    /// Host and port of its API server.
    fn address(&self) -> String {
        let uri = self.endpoint.parse::<http::Uri>().unwrap_or_default();
        format!("{}:{}", uri.host().unwrap_or_default(), uri.port_u16().unwrap_or(443))
    }
}
