//! The way to the API server's address: straight, or through a proxy. TLS with the API server goes over it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tower_service::Service;

use crate::access::Proxy;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What runs to the next server: TCP, or TLS with a proxy that wants it.
type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

/// How long a proxy may take to open the way, its own connection to the server included. Proxies that cannot reach it try
/// for a minute or longer before they say so (squid's `connect_timeout`).
const OPENS: Duration = Duration::from_secs(20);

/// The way.
#[derive(Clone)]
pub(super) enum Route {
    Straight(HttpConnector),
    Tunnel(Tunnel<HttpsConnector<HttpConnector>>),
    Socks(SocksV5<HttpConnector>),
}

impl Route {
    /// The way through a proxy; `tls` is spoken with the proxy itself, if it is one of https. None: the proxy's address is
    /// none.
    pub(super) fn through(proxy: &Proxy, tcp: HttpConnector, tls: ClientConfig) -> Option<Self> {
        let proxy = proxy.intercept()?;
        let address = proxy.uri().clone();
        if address.scheme_str().is_some_and(|scheme| scheme.starts_with("socks")) {
            let socks = SocksV5::new(address, tcp);
            return Some(Self::Socks(match proxy.raw_auth() {
                Some((user, password)) => socks.with_auth(user.to_owned(), password.to_owned()),
                None => socks,
            }));
        }
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls);
        let tunnel = Tunnel::new(address, connector.https_or_http().enable_http1().wrap_connector(tcp));
        Some(Self::Tunnel(match proxy.basic_auth() {
            Some(authorization) => tunnel.with_auth(authorization.clone()),
            None => tunnel,
        }))
    }
}

impl Service<Uri> for Route {
    type Response = Stream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match self {
            Self::Straight(tcp) => tcp.poll_ready(cx).map_err(Into::into),
            Self::Tunnel(tunnel) => tunnel.poll_ready(cx).map_err(Into::into),
            Self::Socks(socks) => socks.poll_ready(cx).map_err(Into::into),
        }
    }

    fn call(&mut self, server: Uri) -> Self::Future {
        match self {
            Self::Straight(tcp) => {
                let connecting = tcp.call(server);
                Box::pin(async move { Ok(Stream::Http(connecting.await?)) })
            }
            Self::Tunnel(tunnel) => {
                let opening = tunnel.call(server);
                Box::pin(in_time(async move { Ok(opening.await?) }))
            }
            Self::Socks(socks) => {
                let opening = socks.call(server);
                Box::pin(in_time(async move { Ok(Stream::Http(opening.await?)) }))
            }
        }
    }
}

async fn in_time(opening: impl Future<Output = Result<Stream, BoxError>>) -> Result<Stream, BoxError> {
    tokio::time::timeout(OPENS, opening).await.unwrap_or_else(|_| {
        let message = format!("the proxy has not opened the way within {} seconds", OPENS.as_secs());
        Err(io::Error::new(io::ErrorKind::TimedOut, message).into())
    })
}

#[cfg(test)]
mod tests {
    use super::in_time;

    #[tokio::test(start_paused = true)]
    async fn a_proxy_that_says_nothing_is_not_waited_for_for_ever() {
        let error = in_time(std::future::pending()).await.err().unwrap();
        assert_eq!(error.to_string(), "the proxy has not opened the way within 20 seconds");
    }
}
