mod certificates;
mod proxies;

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_types::SdkConfig;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use jiff::SignedDuration;
use landfall_core::context::{CancellationToken, Clock};
use landfall_core::event::{Event, EventKind};
use landfall_core::{Context, ErrorKind, Place};
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::ApiServer;
use crate::access::{Cluster, SignIn, TokenSource};
use crate::scripted::{AUTHORITY, acceptor};

// A certificate of landfall-aws's tests, good from 2020 to 2120.
const OTHER: &str = include_str!("../../../../../aws/src/http/testdata/public_other_authority.pem");

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
const UNAUTHORIZED: &str = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n";
const BUSY: &str = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n";
/// Instead of an answer the connection ends.
const GONE: &str = "";

/// A server that gives these answers, one after the other, and keeps the heads of the requests.
struct Script {
    address: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Script {
    async fn of(answers: Vec<&'static str>) -> Self {
        Self::behind(acceptor(&[]), answers).await
    }

    async fn behind(acceptor: TlsAcceptor, answers: Vec<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("https://{}", listener.local_addr().unwrap());
        let heads: Arc<Mutex<Vec<String>>> = Arc::default();
        let (seen, mut answers) = (Arc::clone(&heads), answers.into_iter());
        tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut head = Vec::new();
                let mut buffer = [0; 4096];
                while let Ok(read @ 1..) = stream.read(&mut buffer).await {
                    head.extend_from_slice(&buffer[..read]);
                    if !head.windows(4).any(|end| end == b"\r\n\r\n") {
                        continue;
                    }
                    seen.lock()
                        .unwrap()
                        .push(String::from_utf8_lossy(&std::mem::take(&mut head)).into_owned());
                    match answers.next() {
                        Some(GONE) | None => break,
                        Some(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
                    }
                }
            }
        });
        Self { address, heads }
    }

    fn server(&self) -> ApiServer {
        server(&self.address, AUTHORITY)
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

/// Other keys each time, so that a token that is signed anew is another one within the same second too.
#[derive(Debug, Default)]
struct Keys(AtomicUsize);

impl ProvideCredentials for Keys {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let id = format!("AKIDEXAMPLE{}", self.0.fetch_add(1, Ordering::Relaxed));
        future::ProvideCredentials::ready(Ok(Credentials::new(id, "not a secret", None, None, "test")))
    }
}

fn server(address: &str, authority: &str) -> ApiServer {
    let place = Place::new("aws", "111122223333", "eu-central-1");
    let cluster = Cluster::known(&place, "demo", address, authority).unwrap();
    let provider = SharedCredentialsProvider::new(Keys::default());
    let config = SdkConfig::builder().credentials_provider(provider).build();
    let tokens =
        TokenSource::new(&config, "eu-central-1", "demo", Clock::start(), SignedDuration::ZERO).unwrap();
    ApiServer::new(cluster, tokens).unwrap()
}

fn request(method: Method) -> Request<Bytes> {
    Request::builder().method(method).uri("/api/v1/pods?limit=1").body(Bytes::from_static(b"{}")).unwrap()
}

/// The token that a request was signed in with.
fn token(head: &str) -> &str {
    head.lines().find_map(|line| line.strip_prefix("authorization: Bearer ")).unwrap()
}

/// A context whose retries are counted.
fn counting() -> (Context, Arc<Mutex<Vec<String>>>) {
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let ears = Arc::clone(&told);
    let observer = Arc::new(move |event: &Event| {
        if let EventKind::Retrying { error, .. } = &event.kind {
            ears.lock().unwrap().push(error.message().to_owned());
        }
    });
    (Context::builder("run").observer(observer).build(), told)
}

#[tokio::test]
async fn a_request_goes_to_the_cluster_with_a_token_and_its_answer_comes_back() {
    let script = Script::of(vec![OK, OK]).await;
    let (cx, _) = counting();
    let server = server(&format!("{}/k8s/", script.address), AUTHORITY);
    let answer = server.send(&cx, request(Method::GET)).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "{}");
    server.send(&cx, request(Method::GET)).await.unwrap();
    let heads = script.heads();
    assert!(heads[0].starts_with("GET /k8s/api/v1/pods?limit=1 HTTP/1.1\r\n"), "{}", heads[0]);
    assert!(heads[0].contains("\r\nuser-agent: landfall/"), "{}", heads[0]);
    assert!(token(&heads[0]).starts_with("k8s-aws-v1."));
    assert_eq!(token(&heads[0]), token(&heads[1]));
    assert!(!format!("{server:?}").contains("k8s-aws-v1"));
}

#[tokio::test]
async fn a_token_that_is_refused_is_signed_anew_once() {
    let script = Script::of(vec![UNAUTHORIZED, OK]).await;
    let (cx, _) = counting();
    assert_eq!(script.server().send(&cx, request(Method::POST)).await.unwrap().status(), StatusCode::OK);
    let heads = script.heads();
    assert_ne!(token(&heads[0]), token(&heads[1]), "the one that was refused is not presented again");
    let script = Script::of(vec![UNAUTHORIZED, UNAUTHORIZED, OK]).await;
    let error = script.server().send(&cx, request(Method::GET)).await.unwrap_err();
    assert_eq!((error.kind(), script.heads().len()), (ErrorKind::Auth, 2));
    assert_eq!(error.message(), "the API server of cluster demo does not know who we are (HTTP 401)");
    assert!(error.hint().unwrap().contains("aws eks create-access-entry --cluster-name demo"), "{error:?}");
}

#[tokio::test]
async fn the_token_of_a_kubeconfig_is_presented_as_it_is_and_its_refusal_is_told_as_such() {
    let script = Script::of(vec![OK, UNAUTHORIZED, UNAUTHORIZED]).await;
    let (cx, _) = counting();
    let place = Place::new("aws", "111122223333", "eu-central-1");
    let cluster = Cluster::known(&place, "demo", &script.address, AUTHORITY).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "canary\n").unwrap();
    for sign_in in [SignIn::Token(SecretString::from("canary")), SignIn::TokenFile(file)] {
        let server = ApiServer::new(cluster.clone(), sign_in).unwrap();
        if script.heads().is_empty() {
            server.send(&cx, request(Method::GET)).await.unwrap();
            continue;
        }
        let error = server.send(&cx, request(Method::GET)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Auth);
        assert!(error.hint().unwrap().contains("the token of the kubeconfig"), "{error:?}");
    }
    let heads = script.heads();
    assert!(
        heads.len() == 3 && heads.iter().all(|head| head.contains("authorization: Bearer canary\r\n")),
        "{heads:?}"
    );
}

#[tokio::test]
async fn an_overloaded_server_and_a_broken_connection_are_tried_again_and_told() {
    let script = Script::of(vec![BUSY, GONE, BUSY, OK]).await;
    let (cx, told) = counting();
    assert_eq!(script.server().send(&cx, request(Method::PATCH)).await.unwrap().status(), StatusCode::OK);
    let told = told.lock().unwrap().clone();
    assert_eq!(told.len(), 3, "{told:?}");
    assert_eq!(told[0], "the API server of cluster demo is overloaded or not ready: HTTP 429");
    assert!(
        told[1].starts_with("the connection to the API server of cluster demo broke before an answer came"),
        "{told:?}"
    );
}

#[tokio::test]
async fn what_creates_is_not_sent_twice_when_its_answer_is_lost() {
    let script = Script::of(vec![GONE, OK]).await;
    let (cx, _) = counting();
    let error = script.server().send(&cx, request(Method::POST)).await.unwrap_err();
    assert_eq!((error.kind(), script.heads().len()), (ErrorKind::Transient, 1), "{error}");
}

#[tokio::test]
async fn a_server_of_another_authority_is_not_trusted() {
    let script = Script::of(vec![OK]).await;
    let (cx, told) = counting();
    let error = server(&script.address, OTHER).send(&cx, request(Method::GET)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transient);
    assert!(error.message().contains("invalid peer certificate"), "{error}");
    assert_eq!((script.heads().len(), told.lock().unwrap().len()), (0, 1), "no token was sent");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_with_its_address_after_two_tries() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap());
    drop(listener);
    let (cx, told) = counting();
    let error = server(&address, AUTHORITY).send(&cx, request(Method::POST)).await.unwrap_err();
    let start = format!("the API server of cluster demo, {address}, cannot be reached: ");
    assert!(error.message().starts_with(&start), "{error}");
    assert_eq!(told.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_stop_ends_the_tries() {
    let script = Script::of(vec![BUSY, OK]).await;
    let stop = CancellationToken::new();
    stop.cancel();
    let cx = Context::builder("run").cancel(stop).build();
    let answer = script.server().send(&cx, request(Method::GET)).await.unwrap();
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(script.heads().len(), 1);
}

#[tokio::test]
async fn many_requests_at_once_share_one_connection_of_http2() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap());
    let connections: Arc<AtomicUsize> = Arc::default();
    let counted = Arc::clone(&connections);
    tokio::spawn(async move {
        let acceptor = acceptor(&[b"h2", b"http/1.1"]);
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            let stream = acceptor.accept(stream).await.unwrap();
            let service = service_fn(|request: Request<Incoming>| async move {
                assert_eq!(request.version(), http::Version::HTTP_2);
                tokio::time::sleep(Duration::from_millis(20)).await;
                Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"{}"))))
            });
            let serving =
                http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service);
            tokio::spawn(serving);
        }
    });
    let (cx, server) = (Context::builder("run").build(), server(&address, AUTHORITY));
    server.send(&cx, request(Method::GET)).await.unwrap();
    let all: Vec<_> = (0..40).map(|_| server.send(&cx, request(Method::PATCH))).collect();
    for answer in futures_util::future::join_all(all).await {
        assert_eq!(answer.unwrap().status(), StatusCode::OK);
    }
    assert_eq!(connections.load(Ordering::Relaxed), 1);
}
