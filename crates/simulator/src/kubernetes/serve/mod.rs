//! The API server on a socket: TLS, HTTP/1.1 and HTTP/2.

mod body;
mod certificate;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio_rustls::TlsAcceptor;

pub use body::KubernetesBody;

use super::Kubernetes;
use super::state::Served;

/// Requests that are larger are refused: the real server takes three mebibytes.
const LARGEST_BODY: usize = 3 * 1024 * 1024;

/// An API server that listens on 127.0.0.1. Dropping it stops it, with all its connections; DescribeCluster then names the
/// address no more.
#[derive(Debug)]
pub struct KubernetesServer {
    cluster: Kubernetes,
    address: SocketAddr,
    authority: String,
    stop: watch::Sender<bool>,
}

impl Kubernetes {
    /// Listens on a free port of 127.0.0.1, with a certificate that is made for it. From now on DescribeCluster answers
    /// this address and this certificate's authority for the cluster. As with [`Simulator::serve`](crate::Simulator::serve)
    /// the time is the wall clock's, unless a start time was given or the simulator has been used.
    ///
    /// # Errors
    ///
    /// No socket can be bound, or no certificate made.
    pub async fn serve(&self) -> io::Result<KubernetesServer> {
        self.simulator().start_at_wall_clock();
        let certificates = certificate::make()?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut tls = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(vec![certificates.server], certificates.key)
            .map_err(io::Error::other)?;
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        tokio::spawn(accept(self.clone(), listener, acceptor, stopped));
        let authority = certificates.authority;
        let served = Served { endpoint: format!("https://{address}"), authority: authority.clone() };
        self.with(|state| state.served = Some(served));
        Ok(KubernetesServer { cluster: self.clone(), address, authority, stop })
    }
}

impl KubernetesServer {
    /// The endpoint's URL, such as `https://127.0.0.1:49152`.
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The certificate that clients have to trust, PEM.
    pub fn authority(&self) -> &str {
        &self.authority
    }
}

impl Drop for KubernetesServer {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        let endpoint = self.url();
        self.cluster.with(|state| {
            if state.served.as_ref().is_some_and(|served| served.endpoint == endpoint) {
                state.served = None;
            }
        });
    }
}

async fn accept(
    cluster: Kubernetes,
    listener: TcpListener,
    acceptor: TlsAcceptor,
    mut stopped: watch::Receiver<bool>,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // Also when the sender is gone.
            _ = stopped.changed() => return,
        };
        // A connection that failed before it was there is nobody's.
        let Ok((stream, _)) = accepted else { continue };
        let (cluster, acceptor, mut stopped) = (cluster.clone(), acceptor.clone(), stopped.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = converse(cluster, stream, acceptor) => {}
                _ = stopped.changed() => {}
            }
        });
    }
}

/// Serves a connection until it ends. Whatever breaks it is seen by the client.
async fn converse(cluster: Kubernetes, stream: TcpStream, acceptor: TlsAcceptor) {
    // Answers are small and written in pieces, which Nagle's algorithm would hold back.
    let _ = stream.set_nodelay(true);
    let Ok(stream) = acceptor.accept(stream).await else { return };
    // Over HTTP/2 an error of the service alone would only end the stream.
    let broken = Arc::new(Notify::new());
    let breaks = Arc::clone(&broken);
    let service = service_fn(move |request| {
        let (cluster, breaks) = (cluster.clone(), Arc::clone(&breaks));
        async move { answer(&cluster, request).await.inspect_err(|_| breaks.notify_one()) }
    });
    let builder = auto::Builder::new(TokioExecutor::new());
    tokio::select! {
        _ = builder.serve_connection(TokioIo::new(stream), service) => {}
        () = broken.notified() => {}
    }
}

/// The answer to a request. An error breaks the connection, with all that is under way on it.
async fn answer(cluster: &Kubernetes, request: Request<Incoming>) -> io::Result<Response<KubernetesBody>> {
    let (head, body) = request.into_parts();
    let body = collect(body).await?;
    cluster.handle(Request::from_parts(head, body)).await
}

async fn collect(mut body: Incoming) -> io::Result<Bytes> {
    let mut bytes = BytesMut::new();
    let mut body = std::pin::Pin::new(&mut body);
    while let Some(frame) = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        if let Ok(data) = frame.map_err(io::Error::other)?.into_data() {
            bytes.extend_from_slice(&data);
        }
        if bytes.len() > LARGEST_BODY {
            return Err(io::Error::other("the body is too large"));
        }
    }
    Ok(bytes.freeze())
}
