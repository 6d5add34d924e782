//! A small API server for tests: it keeps objects, applies by merging, and each test says what it answers otherwise.

mod store;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_types::SdkConfig;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use jiff::SignedDuration;
use landfall_core::context::Clock;
use landfall_core::event::{Event, EventKind};
use landfall_core::{Context, Place};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

pub(crate) use store::Store;

use crate::access::{ApiServer, Cluster, TokenSource};
use crate::api::Api;

// The certificates of landfall-aws's tests, good from 2020 to 2120, for 127.0.0.1.
pub(crate) const AUTHORITY: &str = include_str!("../../../aws/src/http/testdata/public_test_authority.pem");
const SERVER: &[u8] = include_bytes!("../../../aws/src/http/testdata/public_test_server.pem");
const SERVER_KEY: &[u8] = include_bytes!("../../../aws/src/http/testdata/public_test_server_key.pem");

/// A request as the server saw it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) content: String,
    pub(crate) text: String,
}

impl Seen {
    pub(crate) fn body(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    pub(crate) fn is(&self, method: &str, path: &str) -> bool {
        self.method == method && self.path == path
    }

    pub(crate) fn has(&self, key: &str, value: &str) -> bool {
        self.query.get(key).is_some_and(|found| found == value)
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    code: u16,
    body: String,
    headers: Vec<(&'static str, String)>,
    after: Duration,
}

impl Reply {
    pub(crate) fn json(code: u16, body: &Value) -> Self {
        Self::text(code, body.to_string())
    }

    pub(crate) fn text(code: u16, body: impl Into<String>) -> Self {
        Self { code, body: body.into(), headers: Vec::new(), after: Duration::ZERO }
    }

    pub(crate) fn status(code: u16, reason: &str, message: &str) -> Self {
        Self::causes(code, reason, message, &json!([]))
    }

    pub(crate) fn causes(code: u16, reason: &str, message: &str, causes: &Value) -> Self {
        let details = json!({"name": "x", "kind": "things", "causes": causes});
        let status = json!({
            "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message,
            "details": details,
        });
        Self::json(code, &status)
    }

    /// Other managers own these fields.
    pub(crate) fn conflict(fields: &[(&str, &str)]) -> Self {
        let causes: Vec<Value> = fields
            .iter()
            .map(|(manager, field)| {
                json!({"reason": "FieldManagerConflict", "message": format!("conflict with {manager}"), "field": field})
            })
            .collect();
        Self::causes(409, "Conflict", "Apply failed with conflicts", &Value::from(causes))
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn after(mut self, after: Duration) -> Self {
        self.after = after;
        self
    }
}

/// The server.
pub(crate) struct Scripted {
    pub(crate) api: Api,
    seen: Arc<Mutex<Vec<Seen>>>,
    pub(crate) objects: Arc<Mutex<Store>>,
    most: Arc<AtomicUsize>,
}

impl Scripted {
    /// A server that answers what `answer` says, and from its store where that says nothing.
    pub(crate) async fn start(answer: impl Fn(&Seen) -> Option<Reply> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("https://{}", listener.local_addr().unwrap());
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let objects: Arc<Mutex<Store>> = Arc::default();
        let (now, most): (Arc<AtomicUsize>, Arc<AtomicUsize>) = (Arc::default(), Arc::default());
        let answer = Arc::new(answer);
        let shared = (Arc::clone(&seen), Arc::clone(&objects), Arc::clone(&most));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, shared, now) = (Arc::clone(&answer), shared.clone(), Arc::clone(&now));
                let service = service_fn(move |request: Request<Incoming>| {
                    let (answer, (seen, objects, most), now) =
                        (Arc::clone(&answer), shared.clone(), Arc::clone(&now));
                    async move {
                        let request = read(request).await;
                        let at_once = now.fetch_add(1, Ordering::SeqCst) + 1;
                        most.fetch_max(at_once, Ordering::SeqCst);
                        seen.lock().unwrap().push(request.clone());
                        let reply =
                            answer(&request).unwrap_or_else(|| objects.lock().unwrap().answer(&request));
                        tokio::time::sleep(reply.after).await;
                        now.fetch_sub(1, Ordering::SeqCst);
                        let mut response = Response::builder().status(reply.code);
                        for (name, value) in &reply.headers {
                            response = response.header(*name, value);
                        }
                        Ok::<_, Infallible>(response.body(Full::new(Bytes::from(reply.body))).unwrap())
                    }
                });
                tokio::spawn(async move {
                    let Ok(stream) = acceptor(&[b"h2"]).accept(stream).await else { return };
                    let serving = http2::Builder::new(TokioExecutor::new());
                    let _ = serving.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { api: api(&address), seen, objects, most }
    }

    /// A server with this object, whose replicas an autoscaler sets: whoever applies others gets a conflict.
    pub(crate) async fn autoscaled(object: &Value) -> Self {
        let server = Self::start(|seen| {
            let sets_replicas = seen.method == "PATCH" && seen.body()["spec"].get("replicas").is_some();
            let autoscaler = "\"kube-controller-manager\" with subresource \"scale\" using apps/v1";
            sets_replicas.then(|| Reply::conflict(&[(autoscaler, ".spec.replicas")]))
        })
        .await;
        server.put(object);
        server
    }

    /// A server with these objects that answers from its store only.
    pub(crate) async fn with(objects: &[Value]) -> Self {
        let server = Self::start(|_| None).await;
        for object in objects {
            server.put(object);
        }
        server
    }

    /// Puts an object there, as somebody else would.
    pub(crate) fn put(&self, object: &Value) {
        self.objects.lock().unwrap().put(object);
    }

    /// The object at a path.
    pub(crate) fn object(&self, path: &str) -> Option<Value> {
        self.objects.lock().unwrap().objects.get(path).cloned()
    }

    /// The requests so far, but those of discovery.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        let seen = self.seen.lock().unwrap();
        seen.iter().filter(|seen| !matches!(seen.path.as_str(), "/api" | "/apis")).cloned().collect()
    }

    /// `GET /api/v1/...`, a line each.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen().iter().map(|seen| format!("{} {}", seen.method, seen.path)).collect()
    }

    /// How often the kinds were asked for.
    pub(crate) fn discoveries(&self) -> usize {
        self.seen.lock().unwrap().iter().filter(|seen| seen.path == "/apis").count()
    }

    /// Most requests at once.
    pub(crate) fn most_at_once(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }
}

async fn read(request: Request<Incoming>) -> Seen {
    let (parts, body) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default();
    let content = parts.headers.get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
    Seen {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        content: content.unwrap_or_default(),
        text: String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap(),
    }
}

/// The server's side of TLS, with the protocols that it offers.
pub(crate) fn acceptor(protocols: &[&[u8]]) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            CertificateDer::pem_slice_iter(SERVER).map(Result::unwrap).collect(),
            PrivateKeyDer::from_pem_slice(SERVER_KEY).unwrap(),
        )
        .unwrap();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    TlsAcceptor::from(Arc::new(config))
}

fn api(address: &str) -> Api {
    let place = Place::new("aws", "111122223333", "eu-central-1");
    let cluster = Cluster::known(&place, "demo", address, AUTHORITY).unwrap();
    let credentials = Credentials::new("AKIDEXAMPLE", "not a secret", None, None, "test");
    let config =
        SdkConfig::builder().credentials_provider(SharedCredentialsProvider::new(credentials)).build();
    let tokens =
        TokenSource::new(&config, "eu-central-1", "demo", Clock::start(), SignedDuration::ZERO).unwrap();
    Api::new(ApiServer::new(cluster, tokens).unwrap())
}

/// A future that may be sent to another thread, as the target's have to be.
pub(crate) fn sendable<T: Send>(future: T) -> T {
    future
}

/// A context whose notes and retries are kept, a line each.
pub(crate) fn hearing() -> (Context, Arc<Mutex<Vec<String>>>) {
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let ears = Arc::clone(&told);
    let observer = Arc::new(move |event: &Event| {
        let line = match &event.kind {
            EventKind::Note { code, text, .. } => format!("{code}: {text}"),
            EventKind::Retrying { error, .. } => format!("again: {}", error.message()),
            _ => return,
        };
        ears.lock().unwrap().push(line);
    });
    (Context::builder("run").observer(observer).build(), told)
}
