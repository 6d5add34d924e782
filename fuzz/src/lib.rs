//! What the fuzz targets share.

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_types::SdkConfig;
use landfall_aws::environment::Environment;

/// The statuses that a first byte chooses from.
const STATUSES: [u16; 8] = [200, 200, 200, 200, 400, 403, 500, 503];

/// A server that gives the same answer to everything.
#[derive(Debug, Clone)]
struct Fixed {
    status: u16,
    body: Vec<u8>,
}

impl HttpClient for Fixed {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Fixed {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let made = self.status.try_into().map(|status| HttpResponse::new(status, self.body.clone().into()));
        HttpConnectorFuture::ready(made.map_err(|error| {
            ConnectorError::other(Box::<dyn std::error::Error + Send + Sync>::from(error), None)
        }))
    }
}

/// An HTTP client whose server answers everything with `body`, and a status chosen by `choice`.
pub fn answering(choice: u8, body: &[u8]) -> SharedHttpClient {
    let status = STATUSES[usize::from(choice) % STATUSES.len()];
    SharedHttpClient::new(Fixed { status, body: body.to_vec() })
}

/// A configuration of the SDK with that client.
pub fn config(http: SharedHttpClient) -> SdkConfig {
    let keys = Credentials::new("AKIAFUZZ", "fuzz-secret-key", None, None, "fuzz");
    landfall_aws::config::builder(&Environment::default(), "eu-central-1", http)
        .credentials_provider(SharedCredentialsProvider::new(keys))
        .build()
}

/// Runs to the end on a clock that leaps over every pause.
pub fn run(work: impl Future<Output = ()>) {
    let built = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    match built {
        Ok(runtime) => runtime.block_on(work),
        Err(error) => panic!("no runtime: {error}"),
    }
}
