//! The authenticator of the tests' cluster: a webhook that takes tokens as that of an EKS cluster does, and knows the keys
//! of [`identities`](super::identities) in place of STS.
//!
//! API: <https://kubernetes.io/docs/reference/access-authn-authz/authentication/#webhook-token-authentication>. It serves on
//! a thread of its own, since it outlives the runtimes of the tests.

pub(crate) mod judge;
mod signature;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use landfall_core::context::Clock;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::identities::Identity;

/// The refused tokens, with the reasons.
type Refused = Arc<Mutex<BTreeMap<String, String>>>;

/// Serves until it is dropped.
pub(crate) struct Authenticator {
    address: SocketAddr,
    refused: Refused,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Authenticator {
    /// For a cluster of this name, with these identities.
    pub(super) fn start(cluster: &'static str, identities: &'static [Identity]) -> std::io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let refused = Refused::default();
        let (stop, stopped) = oneshot::channel();
        let keeps = Arc::clone(&refused);
        let serving = async move {
            let Ok(listener) = TcpListener::from_std(listener) else { return };
            let clock = Clock::start();
            while let Ok((stream, _)) = listener.accept().await {
                let keeps = Arc::clone(&keeps);
                let service = service_fn(move |request: Request<Incoming>| {
                    let keeps = Arc::clone(&keeps);
                    async move {
                        let body = request.into_body().collect().await;
                        let body = body.map(|body| body.to_bytes()).unwrap_or_default();
                        Ok::<_, Infallible>(answer(&body, cluster, identities, clock, &keeps))
                    }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        };
        let thread = std::thread::Builder::new().name("authenticator".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = serving => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { address, refused, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it is.
    pub(super) fn url(&self) -> String {
        format!("http://{}/authenticate", self.address)
    }

    /// Why it has refused this token, if it has.
    pub(crate) fn refusal(&self, token: &str) -> Option<String> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).get(token).cloned()
    }
}

impl Drop for Authenticator {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The answer to a `TokenReview`. What is refused is answered with HTTP 403, as the authenticator of EKS does
/// (`authenticateEndpoint` in `pkg/server` of <https://github.com/kubernetes-sigs/aws-iam-authenticator>).
fn answer(
    body: &[u8],
    cluster: &str,
    identities: &[Identity],
    clock: Clock,
    refused: &Refused,
) -> Response<Full<Bytes>> {
    let review: Value = serde_json::from_slice(body).unwrap_or_default();
    let token = review["spec"]["token"].as_str().unwrap_or_default();
    let (code, status) = match judge::judge(token, cluster, identities, clock.now()) {
        Ok(identity) => {
            let user = json!({ "username": identity.user, "groups": identity.groups });
            (StatusCode::OK, json!({ "authenticated": true, "user": user }))
        }
        Err(why) => {
            refused.lock().unwrap_or_else(PoisonError::into_inner).insert(token.to_owned(), why);
            (StatusCode::FORBIDDEN, json!({ "authenticated": false }))
        }
    };
    let review = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": status });
    let mut answer = Response::new(Full::new(Bytes::from(review.to_string())));
    *answer.status_mut() = code;
    answer.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
    answer
}
