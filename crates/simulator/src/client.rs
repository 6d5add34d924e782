//! The in-memory client: SDK clients talk to the simulator without a socket, on the simulator's clock.

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::{SharedTimeSource, TimeSource};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::RetryConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use bytes::{Bytes, BytesMut};

use crate::alter::{Alter, Answered, operation_of};
use crate::simulator::Simulator;
use crate::wire::Reply;
use crate::{DEMO_ACCESS_KEY_ID, DEMO_REGION, DEMO_SECRET_ACCESS_KEY};

impl Simulator {
    /// An HTTP client for SDK configurations that reaches this simulator in memory, whatever the URL.
    pub fn http_client(&self) -> SharedHttpClient {
        SharedHttpClient::new(InMemory { simulator: self.clone(), alter: None })
    }

    /// The same client behind something that changes answers after the simulated AWS has done its work.
    pub fn http_client_altering(
        &self,
        change: impl Fn(&mut Answered) + Send + Sync + 'static,
    ) -> SharedHttpClient {
        SharedHttpClient::new(InMemory { simulator: self.clone(), alter: Some(Alter::new(change)) })
    }

    /// The simulator's clock as the SDK wants it: signatures, expiry and clock skew follow it.
    pub fn time_source(&self) -> SharedTimeSource {
        SharedTimeSource::new(SimulatedTime { simulator: self.clone() })
    }

    /// A configuration for SDK clients: in memory, on the simulator's clock, as user `deployer` of the demonstration
    /// world's main account, without retries.
    pub fn sdk_config(&self) -> SdkConfig {
        self.sdk_config_as(Credentials::new(
            DEMO_ACCESS_KEY_ID,
            DEMO_SECRET_ACCESS_KEY,
            None,
            None,
            "simulator",
        ))
    }

    /// The same configuration with other credentials.
    pub fn sdk_config_as(&self, credentials: Credentials) -> SdkConfig {
        self.sdk_config_without_credentials()
            .into_builder()
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build()
    }

    /// The same configuration without credentials: for callers that obtain their own from the simulated STS.
    pub fn sdk_config_without_credentials(&self) -> SdkConfig {
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(self.http_client())
            .time_source(self.time_source())
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .region(Region::from_static(DEMO_REGION))
            .retry_config(RetryConfig::disabled())
            .build()
    }
}

#[derive(Debug)]
struct SimulatedTime {
    simulator: Simulator,
}

impl TimeSource for SimulatedTime {
    fn now(&self) -> std::time::SystemTime {
        self.simulator.now().into()
    }
}

#[derive(Debug, Clone)]
struct InMemory {
    simulator: Simulator,
    alter: Option<Alter>,
}

impl HttpClient for InMemory {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for InMemory {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (simulator, alter) = (self.simulator.clone(), self.alter.clone());
        HttpConnectorFuture::new(async move { exchange(&simulator, alter.as_ref(), request).await })
    }
}

async fn exchange(
    simulator: &Simulator,
    alter: Option<&Alter>,
    request: HttpRequest,
) -> Result<HttpResponse, ConnectorError> {
    let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
    let (head, body) = request.into_parts();
    let body = collect(body).await?;
    let operation = alter.map(|_| operation_of(&head, &body));
    let mut reply = simulator.answer(http::Request::from_parts(head, body)).await;
    if let (Reply::Whole(whole), Some(alter)) = (&mut reply, alter) {
        *whole = alter.apply(operation.unwrap_or_default(), std::mem::take(whole));
    }
    if matches!(reply, Reply::Reset) {
        return Err(ConnectorError::io(std::io::Error::from(std::io::ErrorKind::ConnectionReset).into()));
    }
    let response = reply.into_streamed().map(|body| match body.whole() {
        Ok(bytes) => SdkBody::from(bytes),
        Err(cut) => SdkBody::from_body_1_x(cut),
    });
    HttpResponse::try_from(response).map_err(|error| ConnectorError::other(error.into(), None))
}

/// The whole body. Those of S3 stream, with a checksum behind them.
async fn collect(body: SdkBody) -> Result<Bytes, ConnectorError> {
    if let Some(bytes) = body.bytes() {
        return Ok(Bytes::copy_from_slice(bytes));
    }
    let mut body = std::pin::pin!(body);
    let mut bytes = BytesMut::new();
    while let Some(frame) = std::future::poll_fn(|cx| http_body::Body::poll_frame(body.as_mut(), cx)).await {
        let frame = frame.map_err(ConnectorError::user)?;
        if let Ok(data) = frame.into_data() {
            bytes.extend_from_slice(&data);
        }
    }
    Ok(bytes.freeze())
}
