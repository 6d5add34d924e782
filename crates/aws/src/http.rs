//! The HTTP client: rustls, the user's certificates and proxies, and no work before it is needed.
//!
//! - `AWS_CA_BUNDLE`: a file of PEM certificates that are trusted *instead of* the system's, as in the AWS CLI
//!   (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-gen-config.html>). The SDK for Rust does not read it.
//! - `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`, by the rules of [`proxy`].
//!
//! The system's certificates are loaded at the first request to an `https` address, so that a run against a local
//! server does not pay for them.

mod fetch;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use landfall_core::{Cause, Error, Result};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::environment::Environment;
use crate::proxy;
pub use fetch::{Fetched, Fetcher, bare_url};

/// A file with the certificates to trust.
pub const CA_BUNDLE: &str = "AWS_CA_BUNDLE";

/// A client that honours the variables above.
///
/// # Errors
/// [`landfall_core::ErrorKind::Invalid`] when the certificate file cannot be read or holds no certificate, or a
/// proxy's address makes no sense; all problems at once.
pub fn client(environment: &Environment) -> Result<SharedHttpClient> {
    let ways = Ways::new(environment)?;
    let secure = ways.clone();
    let plain =
        Builder::new().build_with_connector_fn(move |settings, components| ways.plain(settings, components));
    let secure = Builder::new()
        .build_with_connector_fn(move |settings, components| secure.secure(settings, components));
    Ok(SharedHttpClient::new(ByScheme { plain, secure }))
}

/// How servers are reached: proxies, and the certificates that are trusted.
#[derive(Clone)]
struct Ways {
    to_http: Option<ProxyConfig>,
    to_https: Option<ProxyConfig>,
    tls: TlsContext,
}

impl Ways {
    fn new(environment: &Environment) -> Result<Self> {
        let mut problems = Vec::new();
        let mut checked = |result: Result<_, Box<Cause>>| result.map_err(|cause| problems.push(*cause)).ok();
        let to_http = checked(to_proxy(proxy::for_http(environment), ProxyConfig::http));
        let to_https = checked(to_proxy(proxy::for_https(environment), ProxyConfig::https));
        let trust = trust(environment).map_err(|cause| problems.push(*cause)).ok();
        Error::all("the HTTP client cannot be set up", problems)?;
        let (to_http, to_https) = (to_http.flatten(), to_https.flatten());
        let tls = TlsContext::builder()
            .with_trust_store(trust.unwrap_or_default())
            .build()
            .map_err(|error| Error::internal("the TLS settings were refused").with_source(&error))?;
        Ok(Self { to_http, to_https, tls })
    }

    fn plain(
        &self,
        settings: Option<&HttpConnectorSettings>,
        components: Option<&RuntimeComponents>,
    ) -> Connector {
        connector(settings, components, self.to_http.clone()).build_http()
    }

    fn secure(
        &self,
        settings: Option<&HttpConnectorSettings>,
        components: Option<&RuntimeComponents>,
    ) -> Connector {
        connector(settings, components, self.to_https.clone())
            .tls_provider(Provider::rustls(CryptoMode::Ring))
            .tls_context(self.tls.clone())
            .build()
    }
}

fn connector(
    settings: Option<&HttpConnectorSettings>,
    components: Option<&RuntimeComponents>,
    proxy: Option<ProxyConfig>,
) -> aws_smithy_http_client::ConnectorBuilder {
    let mut builder = Connector::builder();
    builder.set_connector_settings(settings.cloned());
    builder.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
    builder.set_proxy_config(proxy);
    builder
}

/// The certificates of the bundle, or the system's when none is named.
fn trust(environment: &Environment) -> Result<TrustStore, Box<Cause>> {
    let Some(certificates) = bundle(environment)? else { return Ok(TrustStore::default()) };
    let mut trusted = TrustStore::empty();
    for certificate in &certificates {
        trusted.add_pem_certificate(to_pem(certificate));
    }
    Ok(trusted)
}

/// The certificates that can be used of the bundle that [`CA_BUNDLE`] names; none when it names none.
///
/// They are checked here because the SDK's client panics on a bundle that it cannot read. One certificate that the
/// TLS library refuses does not spoil a bundle, as it does not spoil the system's.
///
/// # Errors
/// The problem of the variable: a file that cannot be read, or holds no certificate that can be used.
pub fn bundle(environment: &Environment) -> Result<Option<Vec<CertificateDer<'static>>>, Box<Cause>> {
    let Some(path) = environment.get(CA_BUNDLE) else { return Ok(None) };
    let problem = |what: String| {
        let cause = Cause::invalid(CA_BUNDLE, format!("{CA_BUNDLE} names {path}: {what}"));
        Box::new(cause.with_hint("name a file of certificates that begin with BEGIN CERTIFICATE"))
    };
    let pem = std::fs::read(path).map_err(|error| problem(format!("the file cannot be read: {error}")))?;
    let mut roots = RootCertStore::empty();
    let (mut trusted, mut refused) = (Vec::new(), 0);
    for certificate in CertificateDer::pem_slice_iter(&pem).flatten() {
        if roots.add(certificate.clone()).is_ok() {
            trusted.push(certificate);
        } else {
            refused += 1;
        }
    }
    match (trusted.len(), refused) {
        (0, 0) => Err(problem("there is no certificate in it".to_owned())),
        (0, _) => Err(problem(format!("none of its {refused} certificates can be used"))),
        _ => Ok(Some(trusted)),
    }
}

fn to_pem(certificate: &CertificateDer<'_>) -> String {
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(certificate))
}

/// The SDK's way through a proxy.
fn to_proxy<E: std::error::Error>(
    named: Option<proxy::Named>,
    make: impl Fn(String) -> Result<ProxyConfig, E>,
) -> Result<Option<ProxyConfig>, Box<Cause>> {
    let Some(proxy::Named { variable, address, direct }) = named else { return Ok(None) };
    // The address may hold a password: it is not shown, and neither is the library's error about it.
    let config = make(address).map_err(|_| {
        let cause = Cause::invalid(variable, format!("{variable} is not the address of a proxy"));
        Box::new(cause.with_hint(format!("write {variable} like http://proxy.example.com:3128")))
    })?;
    Ok(Some(config.no_proxy(direct)))
}

/// Sends a request to the connector of its scheme, which is made when it is first needed.
#[derive(Debug, Clone)]
struct ByScheme {
    plain: SharedHttpClient,
    secure: SharedHttpClient,
}

impl HttpClient for ByScheme {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(ByUri {
            client: self.clone(),
            settings: settings.clone(),
            components: components.clone(),
        })
    }
}

#[derive(Debug)]
struct ByUri {
    client: ByScheme,
    settings: HttpConnectorSettings,
    components: RuntimeComponents,
}

impl HttpConnector for ByUri {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let secure = request.uri().starts_with("https:");
        let client = if secure { &self.client.secure } else { &self.client.plain };
        client.http_connector(&self.settings, &self.components).call(request)
    }
}

#[cfg(test)]
mod tests;
