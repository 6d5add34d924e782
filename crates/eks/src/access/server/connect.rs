//! The connection.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use landfall_core::{Error, Result};
use rustls::client::WantsClientCert;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};

use super::route::Route;
use crate::access::{Cluster, SignIn};

pub(super) type HttpClient = Client<HttpsConnector<Route>, Full<Bytes>>;

/// How long a connection may take to be made, TLS excluded. TCP repeats a lost first packet after one and after three
/// seconds (RFC 6298). A private endpoint shows itself by this, and not by a refusal.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(7);

/// How often a connection without requests says that it is alive, so that a watch notices a server that has gone.
const ALIVE_EVERY: Duration = Duration::from_secs(20);

/// A client that trusts the cluster's certificates and no others, or those of the system when it names none.
pub(super) fn client(cluster: &Cluster, sign_in: &SignIn) -> Result<HttpClient> {
    let unusable = |error: &dyn std::error::Error| {
        Error::internal(format!("the certificates of cluster {} cannot be used", cluster.name()))
            .with_source(error)
    };
    let certificates = cluster.certificates().map(|der| CertificateDer::from(der.to_vec()));
    let tls = trusting(certificates).map_err(|error| unusable(&error))?;
    let tls = match sign_in {
        SignIn::Certificate(own) => tls
            .with_client_auth_cert(own.chain.clone(), own.key.clone_key())
            .map_err(|error| unusable(&error))?,
        _ => tls.with_no_client_auth(),
    };
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    let route = match cluster.proxy() {
        None => Route::Straight(tcp),
        Some(proxy) => {
            let own = trusting(proxy.certificates().iter().cloned()).map_err(|error| unusable(&error))?;
            let route = Route::through(proxy, tcp, own.with_no_client_auth());
            route.ok_or_else(|| Error::internal(format!("the proxy {proxy} cannot be used")))?
        }
    };
    let https = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_only()
        .enable_all_versions()
        .wrap_connector(route);
    Ok(Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .http2_keep_alive_interval(ALIVE_EVERY)
        .http2_keep_alive_while_idle(false)
        .build(https))
}

/// A configuration that trusts these certificates and no others, or those of the system when there are none.
fn trusting(
    certificates: impl Iterator<Item = CertificateDer<'static>>,
) -> std::result::Result<ConfigBuilder<ClientConfig, WantsClientCert>, rustls::Error> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate)?;
    }
    if roots.is_empty() {
        // What of the system's cannot be read is left out: what is missing shows itself at the first connection.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    // Named here: with the providers of two crates in one program, rustls would not choose by itself.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(tls.with_root_certificates(roots))
}
