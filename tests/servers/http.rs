//! One signed request at a time, without an SDK: for calls that no client of this workspace has, and for exact bodies.

use std::net::SocketAddr;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use hyper_util::rt::TokioIo;
use landfall::context::Clock;
use serde_json::Value;
use tokio::net::TcpStream;

/// Where everything in this suite is.
pub(crate) const REGION: &str = "eu-central-1";

/// An access key.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) token: Option<String>,
}

impl Keys {
    pub(crate) fn new(id: &str, secret: &str) -> Self {
        Self { id: id.to_owned(), secret: secret.to_owned(), token: None }
    }

    pub(crate) fn credentials(&self) -> Credentials {
        Credentials::new(&self.id, &self.secret, self.token.clone(), None, "tests")
    }
}

/// What a server answered.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    fn expect_success(self, what: &str) -> Self {
        assert!(self.status.is_success(), "{what}: {} {}", self.status, String::from_utf8_lossy(&self.body));
        self
    }
}

/// Passes a request on as it is, over a connection of its own.
pub(crate) async fn send(to: SocketAddr, request: Request<Body>) -> std::io::Result<Answer> {
    let stream = TokioIo::new(TcpStream::connect(to).await?);
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(stream).await.map_err(std::io::Error::other)?;
    let driver = tokio::spawn(connection);
    let response = sender.send_request(request).await.map_err(std::io::Error::other)?;
    let (head, body) = response.into_parts();
    let body = axum::body::to_bytes(Body::new(body), usize::MAX).await.map_err(std::io::Error::other)?;
    driver.abort();
    Ok(Answer { status: head.status, headers: head.headers, body })
}

/// A call of the protocol awsQuery (IAM) that must succeed.
pub(crate) async fn query(to: SocketAddr, keys: &Keys, service: &str, pairs: &[(&str, &str)]) -> Answer {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    signed(to, keys, service, &headers, body).await.expect_success(&format!("{:?}", pairs[0]))
}

/// A call of ECS with exactly this body that must succeed.
pub(crate) async fn ecs(to: SocketAddr, keys: &Keys, operation: &str, body: &Value) -> Value {
    ecs_answer(to, keys, operation, body).await.expect_success(operation).json()
}

/// The same call, whatever is answered.
pub(crate) async fn ecs_answer(to: SocketAddr, keys: &Keys, operation: &str, body: &Value) -> Answer {
    let target = format!("AmazonEC2ContainerServiceV20141113.{operation}");
    let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target.as_str())];
    signed(to, keys, "ecs", &headers, body.to_string()).await
}

async fn signed(
    to: SocketAddr,
    keys: &Keys,
    service: &str,
    headers: &[(&str, &str)],
    body: String,
) -> Answer {
    let url = format!("http://{to}/");
    let identity = keys.credentials().into();
    let parameters = SigningParams::builder()
        .identity(&identity)
        .region(REGION)
        .name(service)
        .time(Clock::start().now().into())
        .settings(SigningSettings::default())
        .build()
        .unwrap()
        .into();
    let signable =
        SignableRequest::new("POST", &url, headers.iter().copied(), SignableBody::Bytes(body.as_bytes()));
    let (instructions, _) = sign(signable.unwrap(), &parameters).unwrap().into_parts();
    let mut request = Request::post("/").header("host", to.to_string());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Body::from(body)).unwrap();
    instructions.apply_to_request_http1x(&mut request);
    send(to, request).await.unwrap()
}
