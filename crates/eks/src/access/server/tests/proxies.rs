//! Proxies on this machine, each with its own manners.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Method, StatusCode};
use landfall_aws::environment::Environment;
use landfall_core::{ErrorKind, Place};
use secrecy::SecretString;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::certificates::Authority;
use super::{OK, OTHER, Script, counting, request};
use crate::access::{ApiServer, Cluster, Proxy, SignIn};
use crate::scripted::{AUTHORITY, acceptor};

/// A server of the API that no name service knows.
const FAR: &str = "https://cluster.example.invalid";

/// A proxy, and what it was asked.
struct Gate {
    address: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Gate {
    /// One that opens every way to this server, whatever it is asked for.
    async fn to(server: &str) -> Self {
        Self::start(Some(server.trim_start_matches("https://").to_owned()), "HTTP/1.1 200 OK\r\n\r\n", None)
            .await
    }

    /// One that opens none, and answers this.
    async fn closed(answer: &'static str) -> Self {
        Self::start(None, answer, None).await
    }

    async fn start(server: Option<String>, answer: &'static str, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let heads: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&heads);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (server, seen, tls) = (server.clone(), Arc::clone(&seen), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        Some(tls) => {
                            let Ok(stream) = tls.accept(stream).await else { return };
                            open(stream, server, answer, &seen).await;
                        }
                        None => open(stream, server, answer, &seen).await,
                    }
                });
            }
        });
        Self { address, heads }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn open(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    server: Option<String>,
    answer: &str,
    seen: &Mutex<Vec<String>>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return };
        head.push(byte);
    }
    seen.lock().unwrap().push(String::from_utf8(head).unwrap());
    stream.write_all(answer.as_bytes()).await.unwrap();
    if let Some(server) = server {
        let mut far = TcpStream::connect(server).await.unwrap();
        let _ = copy_bidirectional(&mut stream, &mut far).await;
    }
}

fn cluster(endpoint: &str, authority: &str) -> Cluster {
    Cluster::known(&Place::new("aws", "111122223333", "eu-central-1"), "demo", endpoint, authority).unwrap()
}

fn server(cluster: Cluster) -> ApiServer {
    ApiServer::new(cluster, SignIn::Token(SecretString::from("token"))).unwrap()
}

async fn status(server: &ApiServer) -> Result<StatusCode, landfall_core::Error> {
    let (cx, _) = counting();
    server.send(&cx, request(Method::GET)).await.map(|answer| answer.status())
}

#[tokio::test]
async fn requests_go_through_a_proxy_which_sees_no_more_than_the_servers_address() {
    let script = Script::of(vec![OK, OK]).await;
    let gate = Gate::to(&script.address).await;
    let proxy = || Proxy::parse("proxy-url", &format!("http://me:pass@{}", gate.address)).unwrap();
    let through = server(cluster(&script.address, AUTHORITY).through_proxy(proxy()));
    assert_eq!(status(&through).await.unwrap(), StatusCode::OK);
    assert_eq!(status(&through).await.unwrap(), StatusCode::OK);
    let asked = gate.heads();
    let host = script.address.trim_start_matches("https://");
    assert_eq!(asked.len(), 1, "one connection for both: {asked:?}");
    assert!(asked[0].starts_with(&format!("CONNECT {host} HTTP/1.1\r\n")), "{asked:?}");
    assert!(asked[0].contains("\r\nProxy-Authorization: Basic bWU6cGFzcw==\r\n"), "{asked:?}");
    assert!(!asked[0].contains("Bearer"), "{asked:?}");
    let heads = script.heads();
    assert!(heads[0].starts_with("GET /api/v1/pods?limit=1 HTTP/1.1\r\n"), "{heads:?}");
    assert!(!heads[0].contains("proxy-authorization") && heads[0].contains("Bearer token"), "{heads:?}");

    drop(through);
    let error = status(&server(cluster(&script.address, OTHER).through_proxy(proxy()))).await.unwrap_err();
    assert!(error.message().contains("invalid peer certificate"), "a proxy makes nobody trusted: {error}");
}

#[tokio::test]
async fn a_proxy_of_socks_is_given_its_password_and_the_servers_address() {
    let script = Script::of(vec![OK]).await;
    let target = script.address.trim_start_matches("https://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        // RFC 1928, sections 3 to 6, and RFC 1929.
        let (mut greeting, mut password, mut asked) = ([0; 3], [0; 11], [0; 10]);
        stream.read_exact(&mut greeting).await.unwrap();
        stream.write_all(&[5, 2]).await.unwrap();
        stream.read_exact(&mut password).await.unwrap();
        stream.write_all(&[1, 0]).await.unwrap();
        stream.read_exact(&mut asked).await.unwrap();
        stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
        let mut far = TcpStream::connect(target).await.unwrap();
        let _ = copy_bidirectional(&mut stream, &mut far).await;
        (greeting, password, asked)
    });
    let proxy = Proxy::parse("proxy-url", &format!("socks5://me:secret@{address}")).unwrap();
    let through = server(cluster(&script.address, AUTHORITY).through_proxy(proxy));
    assert_eq!(status(&through).await.unwrap(), StatusCode::OK);
    drop(through);
    let served = tokio::time::timeout(Duration::from_secs(10), serving).await;
    let (greeting, password, asked) = served.expect("the proxy was asked").unwrap();
    assert_eq!((greeting, &password), ([5, 1, 2], b"\x01\x02me\x06secret"));
    assert_eq!(asked[..8], [5, 1, 0, 1, 127, 0, 0, 1]);
}

#[tokio::test]
async fn the_proxy_of_the_environment_is_used_for_far_servers_with_tls_of_its_own_where_it_wants_it() {
    let authority = Authority::new();
    let script = Script::behind(authority.server("cluster.example.invalid"), vec![OK, OK]).await;
    let plain = Gate::to(&script.address).await;
    let far = script.address.trim_start_matches("https://").to_owned();
    let secure = Gate::start(Some(far), "HTTP/1.1 200 OK\r\n\r\n", Some(acceptor(&[]))).await;
    let bundle = concat!(env!("CARGO_MANIFEST_DIR"), "/../aws/src/http/testdata/public_test_authority.pem");
    for (gate, address) in [(&plain, plain.address.clone()), (&secure, format!("https://{}", secure.address))]
    {
        let environment =
            Environment::from_pairs([("HTTPS_PROXY", address.as_str()), ("AWS_CA_BUNDLE", bundle)]);
        let cluster = cluster(FAR, &authority.pem()).through_proxy_of(&environment).unwrap();
        assert_eq!(status(&server(cluster)).await.unwrap(), StatusCode::OK);
        assert!(
            gate.heads()[0].starts_with("CONNECT cluster.example.invalid:443 HTTP/1.1\r\n"),
            "{:?}",
            gate.heads()
        );
    }
}

#[tokio::test]
async fn a_proxy_that_does_not_open_the_way_is_named_without_its_password() {
    let refusing = Gate::closed("HTTP/1.1 403 Forbidden\r\n\r\n").await;
    let asking = Gate::closed("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await;
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    for (proxy, why) in [
        (&refusing.address, "tunnel error: unsuccessful"),
        (&asking.address, "tunnel error: proxy authorization required"),
        (&gone, "tunnel error: failed to create underlying connection: tcp connect error"),
    ] {
        let address = format!("http://me:canary@{proxy}");
        let environment = Environment::from_pairs([("HTTPS_PROXY", address.as_str())]);
        let cluster = cluster(FAR, AUTHORITY).through_proxy_of(&environment).unwrap();
        let error = status(&server(cluster)).await.unwrap_err();
        let start = format!(
            "the API server of cluster demo, {FAR}, cannot be reached through the proxy http://{proxy} (HTTPS_PROXY): {why}"
        );
        assert!(error.message().starts_with(&start), "{error}\n{start}");
        assert_eq!(error.kind(), ErrorKind::Transient);
        let hint = error.hint().unwrap();
        assert!(hint.contains("opens connections to cluster.example.invalid:443 (CONNECT)"), "{hint}");
        assert!(hint.contains("belongs into NO_PROXY"), "{hint}");
        assert!(!format!("{} {error:?}", error.report()).contains("canary"), "{}", error.report());
    }
}

#[tokio::test]
async fn a_connection_that_breaks_is_told_with_its_proxy() {
    let script = Script::of(vec![super::GONE, super::GONE]).await;
    let gate = Gate::to(&script.address).await;
    let proxy = Proxy::parse("proxy-url", &gate.address).unwrap();
    let error = status(&server(cluster(&script.address, AUTHORITY).through_proxy(proxy))).await.unwrap_err();
    let start = format!(
        "the connection to the API server of cluster demo through the proxy http://{} (proxy-url) broke before an answer came",
        gate.address
    );
    assert!(error.message().starts_with(&start), "{error}");
}
