//! The API server on a socket: TLS with a certificate of its own, HTTP/1.1 and HTTP/2.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, Request, Response, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use landfall_simulator::{
    DEMO_ACCOUNT, DEMO_EKS_CLUSTER, DEMO_REGION, Fault, FaultKind, Kubernetes, Simulator,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{CONFIG_MAPS, Token, config_map, request};

/// What DescribeCluster says about the demonstration's cluster.
pub(super) struct Described {
    endpoint: String,
    authority: String,
}

pub(super) async fn describe(simulator: &Simulator) -> Described {
    let eks = aws_sdk_eks::Client::new(&simulator.sdk_config());
    let cluster = eks.describe_cluster().name(DEMO_EKS_CLUSTER).send().await.unwrap().cluster.unwrap();
    let data = cluster.certificate_authority().unwrap().data().unwrap();
    let authority = String::from_utf8(STANDARD.decode(data).unwrap()).unwrap();
    Described { endpoint: cluster.endpoint().unwrap().to_owned(), authority }
}

pub(super) fn cluster(simulator: &Simulator) -> Kubernetes {
    simulator.kubernetes(DEMO_ACCOUNT, DEMO_REGION, DEMO_EKS_CLUSTER)
}

pub(super) async fn connect(described: &Described, protocol: &[u8]) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(described.authority.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let address = described.endpoint.strip_prefix("https://").unwrap();
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from(address.split(':').next().unwrap().to_owned()).unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

pub(super) fn signed(simulator: &Simulator, mut request: Request<Bytes>) -> Request<Full<Bytes>> {
    let bearer = format!("Bearer {}", Token::good(simulator.now()).text());
    request.headers_mut().insert("authorization", bearer.parse().unwrap());
    request.headers_mut().insert("host", "127.0.0.1".parse().unwrap());
    request.map(Full::new)
}

pub(super) async fn over_http1(
    simulator: &Simulator,
    described: &Described,
    request: Request<Bytes>,
) -> hyper::Result<Response<Incoming>> {
    let io = TokioIo::new(connect(described, b"http/1.1").await.unwrap());
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
    tokio::spawn(connection);
    sender.send_request(signed(simulator, request)).await
}

async fn json_of(response: Response<Incoming>) -> Value {
    serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

#[tokio::test]
async fn describe_cluster_names_the_address_and_the_certificate_that_are_served() {
    let simulator = Simulator::builder().build();
    let server = cluster(&simulator).serve().await.unwrap();
    let described = describe(&simulator).await;
    assert_eq!(
        (described.endpoint.as_str(), described.authority.as_str()),
        (server.url().as_str(), server.authority())
    );
    assert!(server.address().ip().is_loopback());
    let response =
        over_http1(&simulator, &described, request(Method::GET, CONFIG_MAPS, &Value::Null)).await.unwrap();
    assert_eq!((response.status().as_u16(), response.version()), (200, Version::HTTP_11));
    drop(server);
    assert!(describe(&simulator).await.endpoint.ends_with(".eks.amazonaws.com"));
    for _ in 0..100 {
        if connect(&described, b"h2").await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("still listening");
}

#[tokio::test]
async fn many_requests_share_one_connection_of_http2_and_a_watch_runs_beside_them() {
    let simulator = Simulator::builder().build();
    let _server = cluster(&simulator).serve().await.unwrap();
    let described = describe(&simulator).await;
    let io = TokioIo::new(connect(&described, b"h2").await.unwrap());
    let (sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    let send = |request: Request<Bytes>| {
        let (mut sender, mut request) = (sender.clone(), signed(&simulator, request));
        request.headers_mut().remove("host");
        let uri = format!("https://127.0.0.1{}", request.uri());
        *request.uri_mut() = uri.parse().unwrap();
        async move { sender.send_request(request).await.unwrap() }
    };
    let list = json_of(send(request(Method::GET, CONFIG_MAPS, &Value::Null)).await).await;
    let from = list["metadata"]["resourceVersion"].as_str().unwrap();
    let path = format!("{CONFIG_MAPS}?watch=true&resourceVersion={from}");
    let mut watch = send(request(Method::GET, &path, &Value::Null)).await.into_body();
    let applies = (0..20).map(|number| {
        let name = format!("m{number}");
        let path = format!("{CONFIG_MAPS}/{name}?fieldManager=landfall");
        send(request(Method::PATCH, &path, &config_map(&name, &json!({}))))
    });
    for response in futures_util::future::join_all(applies).await {
        assert_eq!((response.status().as_u16(), response.version()), (201, Version::HTTP_2));
    }
    let mut told = String::new();
    while told.lines().count() < 20 {
        let frame = watch.frame().await.unwrap().unwrap();
        told.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
    }
    assert!(told.lines().all(|line| line.contains("\"ADDED\"")), "{told}");
}

#[tokio::test]
async fn another_authority_does_not_vouch_for_the_server() {
    let simulator = Simulator::builder().build();
    let first = cluster(&simulator).serve().await.unwrap();
    let other = first.authority().to_owned();
    let second = cluster(&simulator).serve().await.unwrap();
    assert_ne!(other, second.authority(), "every server has its own");
    let wrong = Described { endpoint: second.url(), authority: other };
    assert!(connect(&wrong, b"h2").await.is_err());
}

#[tokio::test]
async fn a_reset_breaks_the_connection_for_real() {
    let simulator = Simulator::builder().build();
    let _server = cluster(&simulator).serve().await.unwrap();
    let described = describe(&simulator).await;
    simulator.add_fault(Fault::new("kubernetes", "list configmaps", FaultKind::Reset));
    let listing = request(Method::GET, CONFIG_MAPS, &Value::Null);
    assert!(over_http1(&simulator, &described, listing).await.is_err());
}
