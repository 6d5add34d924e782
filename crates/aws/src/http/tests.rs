use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use landfall_core::{Error, ErrorKind};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::client;
use crate::environment::Environment;
use crate::failure::{Effect, Failure};

// Made for these tests and published with them; good from 2020 to 2120, for 127.0.0.1.
const AUTHORITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/http/testdata/public_test_authority.pem");
const SERVER: &[u8] = include_bytes!("testdata/public_test_server.pem");
const SERVER_KEY: &[u8] = include_bytes!("testdata/public_test_server_key.pem");

const ANSWER: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: 20\r\n\
                      connection: close\r\n\r\n{\"clusterArns\": [ ]}";

/// Answers one request and hands back its head.
fn answer(mut stream: impl Read + Write) -> String {
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    while !seen.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(read) => seen.extend_from_slice(&buffer[..read]),
        }
    }
    let _ = stream.write_all(ANSWER.as_bytes());
    String::from_utf8_lossy(&seen).into_owned()
}

fn server() -> (SocketAddr, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (address, thread::spawn(move || answer(listener.accept().unwrap().0)))
}

fn tls_server() -> (SocketAddr, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = CertificateDer::pem_slice_iter(SERVER).map(Result::unwrap).collect();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from_pem_slice(SERVER_KEY).unwrap())
        .unwrap();
    let serving = thread::spawn(move || {
        let connection = ServerConnection::new(Arc::new(config)).unwrap();
        answer(StreamOwned::new(connection, listener.accept().unwrap().0))
    });
    (address, serving)
}

/// Calls ECS with nothing but these variables.
async fn call(pairs: &[(&str, &str)]) -> Result<(), Failure> {
    ecs(pairs)?.list_clusters().send().await?;
    Ok(())
}

fn ecs(pairs: &[(&str, &str)]) -> Result<aws_sdk_ecs::Client, Failure> {
    let environment = Environment::from_pairs(pairs.iter().copied());
    let http = client(&environment)?;
    let keys = Credentials::new("AKIDEXAMPLE", "not-a-secret", None, None, "test");
    let config = crate::config::builder(&environment, "eu-central-1", http)
        .credentials_provider(SharedCredentialsProvider::new(keys))
        .build();
    Ok(aws_sdk_ecs::Client::new(&config))
}

#[tokio::test]
async fn a_body_of_the_callers_own_goes_out_with_its_own_length() {
    let (address, serving) = server();
    let exchange = crate::raw::Exchange::new("x".repeat(1234));
    let client = ecs(&[("AWS_ENDPOINT_URL", &format!("http://{address}"))]).unwrap();
    let sent = client.list_clusters().customize().interceptor(exchange.clone()).send().await;
    assert_eq!(exchange.answered(sent).unwrap().status, 200);
    let seen = serving.join().unwrap().to_lowercase();
    assert!(seen.contains("content-length: 1234\r\n"), "{seen}");
}

#[tokio::test]
async fn the_endpoint_of_the_service_is_called_with_a_signature() {
    let (address, serving) = server();
    call(&[
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("AWS_ENDPOINT_URL_ECS", &format!("http://{address}")),
    ])
    .await
    .unwrap();
    let seen = serving.join().unwrap().to_lowercase();
    assert!(seen.starts_with("post / http/1.1"), "{seen}");
    assert!(seen.contains("/eu-central-1/ecs/aws4_request"), "{seen}");
}

#[tokio::test]
async fn a_server_whose_certificate_is_in_the_bundle_is_trusted() {
    let (address, serving) = tls_server();
    call(&[("AWS_ENDPOINT_URL", &format!("https://{address}")), ("AWS_CA_BUNDLE", AUTHORITY)]).await.unwrap();
    assert!(serving.join().unwrap().starts_with("POST / HTTP/1.1"));
}

#[tokio::test]
async fn a_stranger_to_the_bundle_is_not_trusted() {
    let (address, serving) = tls_server();
    let other = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(other.path(), include_str!("testdata/public_other_authority.pem")).unwrap();
    let url = format!("https://{address}");
    let failure =
        call(&[("AWS_ENDPOINT_URL", &url), ("AWS_CA_BUNDLE", other.path().to_str().unwrap())]).await;
    let failure = failure.unwrap_err();
    assert_eq!((failure.kind(), failure.effect()), (ErrorKind::Transient, Effect::NotSent), "{failure:?}");
    assert!(failure.error().hint().unwrap().contains("AWS_CA_BUNDLE"), "{failure:?}");
    drop(serving);
}

#[test]
fn a_bundle_replaces_the_systems_certificates() {
    let store = |pairs: &[(&str, &str)]| {
        format!("{:?}", super::trust(&Environment::from_pairs(pairs.iter().copied())))
    };
    assert!(store(&[]).contains("enable_native_roots: true"));
    assert!(store(&[("AWS_CA_BUNDLE", AUTHORITY)]).contains("enable_native_roots: false"));
}

#[test]
fn a_bundle_that_cannot_be_used_is_named_with_the_reason() {
    let file = |text: &str| {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    };
    let empty = file("no certificate here");
    let broken = file("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    for (path, told) in [
        ("/nowhere/bundle.pem", "cannot be read"),
        (empty.path().to_str().unwrap(), "no certificate in it"),
        (broken.path().to_str().unwrap(), "none of its 1 certificates"),
    ] {
        let error = refused(&[("AWS_CA_BUNDLE", path)]);
        let cause = &error.causes()[0];
        assert_eq!((error.kind(), cause.field.as_deref()), (ErrorKind::Invalid, Some("AWS_CA_BUNDLE")));
        assert!(cause.message.contains(told) && cause.message.contains(path), "{cause:?}");
    }
    let mixed = file(&format!(
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n{}",
        std::fs::read_to_string(AUTHORITY).unwrap()
    ));
    assert!(client(&Environment::from_pairs([("AWS_CA_BUNDLE", mixed.path().to_str().unwrap())])).is_ok());
}

fn refused(pairs: &[(&str, &str)]) -> Error {
    client(&Environment::from_pairs(pairs.iter().copied())).unwrap_err()
}

#[tokio::test]
async fn a_proxy_is_used_for_far_hosts_with_its_password_and_never_for_near_ones() {
    let (proxy, serving) = server();
    let address = format!("user:canary-password@{proxy}");
    call(&[("AWS_ENDPOINT_URL", "http://ecs.example.invalid"), ("HTTP_PROXY", &address)]).await.unwrap();
    let seen = serving.join().unwrap();
    assert!(seen.starts_with("POST http://ecs.example.invalid/ HTTP/1.1"), "{seen}");
    assert!(seen.to_lowercase().contains("proxy-authorization: basic "), "{seen}");

    let (near, serving) = server();
    let closed = ("HTTP_PROXY", "http://127.0.0.1:1");
    call(&[("AWS_ENDPOINT_URL", &format!("http://{near}")), closed]).await.unwrap();
    assert!(serving.join().unwrap().starts_with("POST / "));
}

#[tokio::test]
async fn hosts_of_no_proxy_are_called_directly() {
    let failure = call(&[
        ("AWS_ENDPOINT_URL", "http://ecs.example.invalid"),
        ("http_proxy", "http://127.0.0.1:1"),
        ("no_proxy", "other.example,.example.invalid"),
    ])
    .await
    .unwrap_err();
    // Not the proxy's closed port but the name that does not exist.
    assert!(failure.error().hint().unwrap().contains("name of the endpoint"), "{failure:?}");
}

#[test]
fn a_proxy_that_is_none_is_named_without_its_password() {
    let error =
        refused(&[("HTTPS_PROXY", "socks5://user:canary-password@host:1"), ("HTTP_PROXY", "http://")]);
    let fields: Vec<_> = error.causes().iter().filter_map(|cause| cause.field.as_deref()).collect();
    assert_eq!(fields, ["HTTP_PROXY", "HTTPS_PROXY"]);
    assert!(!format!("{error:?} {}", error.report()).contains("canary"), "{error:?}");
}

#[tokio::test]
async fn a_closed_port_means_that_nothing_was_sent() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let failure = call(&[("AWS_ENDPOINT_URL", &format!("http://{closed}"))]).await.unwrap_err();
    assert_eq!((failure.kind(), failure.effect()), (ErrorKind::Transient, Effect::NotSent), "{failure:?}");
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_request_means_that_the_effect_is_unknown() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 64]);
    });
    let failure = call(&[("AWS_ENDPOINT_URL", &url)]).await.unwrap_err();
    assert_eq!((failure.kind(), failure.effect()), (ErrorKind::Transient, Effect::Unknown), "{failure:?}");
    serving.join().unwrap();
}

#[tokio::test]
async fn no_credentials_are_named_as_such_and_nothing_is_sent() {
    let environment = Environment::from_pairs([("AWS_ENDPOINT_URL", "http://127.0.0.1:1")]);
    let config = crate::config::builder(&environment, "eu-central-1", client(&environment).unwrap())
        .credentials_provider(SharedCredentialsProvider::new(Nothing))
        .build();
    let sent = aws_sdk_ecs::Client::new(&config).list_clusters().send().await;
    let failure = Failure::from(sent.unwrap_err());
    assert_eq!((failure.kind(), failure.effect()), (ErrorKind::Auth, Effect::NotSent), "{failure:?}");
}

#[derive(Debug)]
struct Nothing;

impl aws_credential_types::provider::ProvideCredentials for Nothing {
    fn provide_credentials<'a>(&'a self) -> aws_credential_types::provider::future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        use aws_credential_types::provider::error::CredentialsError;
        aws_credential_types::provider::future::ProvideCredentials::ready(Err(CredentialsError::not_loaded(
            "nothing",
        )))
    }
}
