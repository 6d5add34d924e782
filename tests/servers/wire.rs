//! A server between the binary and an AWS: it writes down what is called, and does to calls what a test wants.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Request, Response, StatusCode, header};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::http;

/// One call as it arrives.
#[derive(Debug)]
pub(crate) struct Seen<'a> {
    /// `UpdateService`.
    pub(crate) operation: &'a str,
    pub(crate) body: &'a str,
}

/// What becomes of a call.
pub(crate) enum Act {
    /// It is passed on.
    Pass,
    /// It is passed on with another body: for unsigned calls.
    Send(String),
    /// It is passed on, and the JSON of its answer changed.
    Change(Box<dyn FnOnce(&mut Value) + Send>),
    /// It is not passed on but answered so: status, content type, body.
    Answer(u16, &'static str, String),
    /// It is never answered.
    Never,
    /// It is passed on, and the connection closed in the middle of the answer's body.
    Cut,
}

type Rule = dyn Fn(&Seen<'_>) -> Act + Send + Sync;

/// A listening wire. It ends with the runtime of the test.
#[derive(Clone)]
pub(crate) struct Wire {
    pub(crate) address: SocketAddr,
    calls: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone)]
struct Shared {
    upstream: SocketAddr,
    calls: Arc<Mutex<Vec<String>>>,
    rule: Arc<Rule>,
}

impl Wire {
    /// Everything is passed on to `upstream`.
    pub(crate) async fn plain(upstream: SocketAddr) -> Self {
        Self::new(upstream, |_| Act::Pass).await
    }

    pub(crate) async fn new(
        upstream: SocketAddr,
        rule: impl Fn(&Seen<'_>) -> Act + Send + Sync + 'static,
    ) -> Self {
        let listener = listener().await;
        let address = listener.local_addr().unwrap();
        let (router, calls) = router(upstream, rule);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, calls }
    }

    /// Everything is passed on, and whoever calls must speak TLS and trust this certificate.
    pub(crate) async fn tls(upstream: SocketAddr, chain: &[u8], key: &[u8]) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let chain = CertificateDer::pem_slice_iter(chain).map(Result::unwrap).collect();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, PrivateKeyDer::from_pem_slice(key).unwrap())
            .unwrap();
        let listener = listener().await;
        let address = listener.local_addr().unwrap();
        let (router, calls) = router(upstream, |_| Act::Pass);
        let listener = Encrypted { listener, acceptor: Arc::new(config).into() };
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, calls }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The operations so far, oldest first.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }

    pub(crate) fn count(&self, operation: &str) -> usize {
        self.calls().iter().filter(|call| *call == operation).count()
    }

    /// Those of the operations so far that change something in ECS.
    pub(crate) fn writes(&self) -> Vec<String> {
        let reads = ["Describe", "List", "Get", "Assume"];
        self.calls().into_iter().filter(|call| !reads.iter().any(|read| call.starts_with(read))).collect()
    }

    pub(crate) fn forget(&self) {
        self.calls.lock().unwrap().clear();
    }
}

async fn listener() -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap()
}

fn router(
    upstream: SocketAddr,
    rule: impl Fn(&Seen<'_>) -> Act + Send + Sync + 'static,
) -> (Router, Arc<Mutex<Vec<String>>>) {
    let calls = Arc::default();
    let shared = Shared { upstream, calls: Arc::clone(&calls), rule: Arc::new(rule) };
    (Router::new().fallback(exchange).with_state(shared), calls)
}

/// Connections that are encrypted before a request comes.
struct Encrypted {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl axum::serve::Listener for Encrypted {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let Ok((stream, address)) = self.listener.accept().await else { continue };
            // Whoever does not trust the certificate hangs up here.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

async fn exchange(State(shared): State<Shared>, request: Request<Body>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&body).into_owned();
    let operation = operation(&head.headers, &text);
    shared.calls.lock().unwrap().push(operation.clone());
    let act = (shared.rule)(&Seen { operation: &operation, body: &text });
    let sent = match &act {
        Act::Answer(status, kind, body) => return page(*status, kind, body.clone()),
        Act::Never => std::future::pending().await,
        Act::Send(text) => Bytes::from(text.clone()),
        _ => body,
    };
    let mut request = Request::from_parts(head, Body::from(sent.clone()));
    request.headers_mut().insert(header::CONTENT_LENGTH, sent.len().into());
    let Ok(mut answer) = http::send(shared.upstream, request).await else {
        return page(502, "text/plain", "the server behind this one is gone".to_owned());
    };
    answer.headers.remove(header::TRANSFER_ENCODING);
    answer.headers.remove(header::CONTENT_LENGTH);
    if let Act::Change(change) = act {
        let mut value = answer.json();
        change(&mut value);
        answer.body = value.to_string().into();
    } else if matches!(act, Act::Cut) {
        return cut(answer);
    }
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    response
}

/// Half of an answer, and the connection closed where the rest should come.
fn cut(answer: http::Answer) -> Response<Body> {
    let length = answer.body.len();
    let half = answer.body.slice(..length / 2);
    let parts = [Ok(half), Err(std::io::Error::other("cut"))];
    let mut response = Response::new(Body::from_stream(futures_util::stream::iter(parts)));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    response
}

fn page(status: u16, kind: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response.headers_mut().insert(header::CONTENT_TYPE, kind.parse().unwrap());
    response
}

/// awsJson names the operation in a header, awsQuery in the form.
fn operation(headers: &HeaderMap, body: &str) -> String {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    if let Some((_, operation)) = target.and_then(|target| target.rsplit_once('.')) {
        return operation.to_owned();
    }
    let action = form_urlencoded::parse(body.as_bytes()).find(|(name, _)| name == "Action");
    action.map(|(_, value)| value.into_owned()).unwrap_or_default()
}
