//! Calls of services that landfall needs a call or two of: signed and sent by the SDK's own machinery, without the crate of
//! the service, whose types for hundreds of operations would stand in every program that embeds landfall.
//!
//! ```no_run
//! # async fn example(config: &aws_types::SdkConfig) -> Result<bytes::Bytes, landfall_aws::failure::Failure> {
//! use landfall_aws::request::{Protocol, Requests, Service};
//!
//! let tagging = Service {
//!     id: "Resource Groups Tagging API",
//!     name: "tagging",
//!     protocol: Protocol::Json { target: "ResourceGroupsTaggingAPI_20170126" },
//! };
//! let answer = Requests::new(config, tagging).send("GetResources", "{}").await?;
//! # Ok(answer.body)
//! # }
//! ```

mod refusal;
#[cfg(test)]
mod tests;

use aws_runtime::auth::{SigV4OperationSigningConfig, sigv4};
use aws_runtime::service_clock_skew::ServiceClockSkewInterceptor;
use aws_smithy_runtime::client::identity::IdentityCache;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::AuthSchemeOptionResolverParams;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::identity::SharedIdentityCache;
use aws_smithy_runtime_api::client::interceptors::SharedInterceptor;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::error::ErrorMetadata;
use aws_types::region::{Region, SigningRegion};
use aws_types::{SdkConfig, SigningName};
use bytes::Bytes;
use landfall_core::{Error, ErrorKind};

use crate::config::prepared;
use crate::endpoint;
use crate::failure::Failure;
use crate::raw::{Answer, Exchange};

/// A service, by the names that its model gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Service {
    /// Its id, by which endpoint variables name it: `Auto Scaling`.
    pub id: &'static str,
    /// What the names of its hosts begin with, and what its signatures are for: `autoscaling`.
    pub name: &'static str,
    /// How it is spoken to.
    pub protocol: Protocol,
}

/// How a service is spoken to: <https://smithy.io/2.0/aws/protocols/index.html>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protocol {
    /// awsJson 1.1: bodies are JSON objects.
    Json {
        /// What stands before the operation's name in `X-Amz-Target`.
        target: &'static str,
    },
    /// awsQuery: bodies are forms without `Action` and `Version`, answers XML.
    Query {
        /// The version of the API.
        version: &'static str,
    },
}

/// Makes calls of one service. A clone shares identities and what was learnt of the server's clock.
#[derive(Debug, Clone)]
pub struct Requests {
    config: SdkConfig,
    service: Service,
    identities: SharedIdentityCache,
    clock: SharedInterceptor,
}

type Prepared = Operation<Bytes, (), ErrorMetadata>;

impl Requests {
    /// Calls of this service with the credentials, the region and the endpoints of `config`. No call is made.
    #[must_use]
    pub fn new(config: &SdkConfig, service: Service) -> Self {
        let config = prepared(config);
        let identities = config.identity_cache().unwrap_or_else(|| IdentityCache::lazy().build());
        let clock = SharedInterceptor::permanent(ServiceClockSkewInterceptor::new());
        Self { config, service, identities, clock }
    }

    /// Makes one call, once: [`crate::call::try_run`] repeats it where that makes sense.
    ///
    /// # Errors
    /// The failure of the call. [`ErrorKind::Unsupported`] when the configuration has no HTTP client.
    pub async fn send(&self, operation: &'static str, body: impl Into<Bytes>) -> Result<Answer, Failure> {
        let exchange = Exchange::capture();
        let sent = self.prepare(operation, &exchange)?.invoke(body.into()).await;
        exchange.answered(sent)
    }

    fn prepare(&self, operation: &'static str, exchange: &Exchange) -> Result<Prepared, Failure> {
        let Some(client) = self.config.http_client() else {
            let message = "the SDK configuration has no HTTP client for calls without an SDK client";
            return Err(Error::new(ErrorKind::Unsupported, message).into());
        };
        let protocol = self.service.protocol;
        let mut builder = Operation::builder()
            .service_name(self.service.id)
            .operation_name(operation)
            .http_client(client)
            .endpoint_url(&endpoint::of_config(&self.config, self.service.id, self.service.name))
            .no_retry()
            .with_connection_poisoning()
            .interceptor(exchange.clone())
            .interceptor(self.clock.clone())
            .runtime_plugin(self.signing());
        if let Some(timeouts) = self.config.timeout_config() {
            builder = builder.timeout_config(timeouts.clone());
        }
        if let Some(sleep) = self.config.sleep_impl() {
            builder = builder.sleep_impl(sleep);
        }
        if let Some(time) = self.config.time_source() {
            builder = builder.time_source(time);
        }
        if let Some(version) = self.config.behavior_version() {
            builder = builder.behavior_version(version);
        }
        let builder = builder
            .serializer(move |body: Bytes| request(protocol, operation, &body))
            .deserializer(move |response: &HttpResponse| accepted(protocol, response));
        Ok(builder.build())
    }

    /// Signature Version 4, by the credentials of the configuration.
    fn signing(&self) -> StaticRuntimePlugin {
        let region = self.config.region().cloned().unwrap_or_else(|| Region::from_static(""));
        let mut layer = Layer::new("landfall::request");
        layer.store_put(AuthSchemeOptionResolverParams::new(()));
        layer.store_put(SigV4OperationSigningConfig {
            region: Some(SigningRegion::from(region)),
            name: Some(SigningName::from_static(self.service.name)),
            ..SigV4OperationSigningConfig::default()
        });
        let mut components = RuntimeComponentsBuilder::new("landfall::request");
        components.set_auth_scheme_option_resolver(Some(StaticAuthSchemeOptionResolver::new(vec![
            sigv4::SCHEME_ID,
        ])));
        components.push_auth_scheme(sigv4::SigV4AuthScheme::new());
        components.set_identity_cache(Some(self.identities.clone()));
        if let Some(credentials) = self.config.credentials_provider() {
            components.set_identity_resolver(sigv4::SCHEME_ID, credentials);
        }
        StaticRuntimePlugin::new().with_config(layer.freeze()).with_runtime_components(components)
    }
}

fn request(protocol: Protocol, operation: &str, body: &Bytes) -> Result<HttpRequest, BoxError> {
    let (body, kind) = match protocol {
        Protocol::Json { .. } => (body.to_vec(), "application/x-amz-json-1.1"),
        Protocol::Query { version } => {
            let mut form = format!("Action={operation}&Version={version}").into_bytes();
            if !body.is_empty() {
                form.push(b'&');
                form.extend_from_slice(body);
            }
            (form, "application/x-www-form-urlencoded")
        }
    };
    let length = body.len();
    let mut request = HttpRequest::new(SdkBody::from(body));
    request.set_method("POST")?;
    request.set_uri("/")?;
    let headers = request.headers_mut();
    headers.insert("content-type", kind);
    headers.insert("content-length", length.to_string());
    headers.insert("user-agent", concat!("landfall/", env!("CARGO_PKG_VERSION")));
    if let Protocol::Json { target } = protocol {
        headers.insert("x-amz-target", format!("{target}.{operation}"));
    }
    Ok(request)
}

/// What was asked for is taken out by the exchange; here it is only told from a refusal.
fn accepted(protocol: Protocol, response: &HttpResponse) -> Result<(), OrchestratorError<ErrorMetadata>> {
    if response.status().is_success() {
        return Ok(());
    }
    let told = response.headers().get("x-amzn-errortype");
    let body = response.body().bytes().unwrap_or_default();
    Err(OrchestratorError::operation(match protocol {
        Protocol::Json { .. } => refusal::of_json(told, body),
        Protocol::Query { .. } => refusal::of_xml(body),
    }))
}
