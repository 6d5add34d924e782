//! The API server of a cluster: requests sent with a token, repeated where that helps, and told in landfall's words.
//!
//! The connection is made for many requests at once: HTTP/2 where the server speaks it (EKS does), without Nagle's
//! algorithm, which with delayed acknowledgements costs 40 ms a request. Nothing but the cluster's own certificates is
//! trusted, through a [`Proxy`](super::Proxy) too.
//!
//! | what is seen | repeated |
//! |---|---|
//! | 429 | up to eight tries in all, after the pause that `Retry-After` asks for |
//! | 503, 504 | the same, unless the request is a POST, which may have been carried out |
//! | 401 | once, with a token that is signed anew |
//! | no connection | once |
//! | the connection breaks before an answer | once, unless it is a POST |
//!
//! Each repetition is told as [`EventKind::Retrying`]. All other answers are answers.

mod connect;
mod judge;
mod route;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderValue, USER_AGENT};
use http::uri::{Authority, PathAndQuery};
use http::{Request, Response, Uri};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use landfall_core::event::EventKind;
use landfall_core::wait::{Delays, Pace};
use landfall_core::{Context, Error, ErrorKind, Result};

use super::sign_in::Presented;
use super::{Cluster, SignIn};
use connect::HttpClient;
use judge::{Next, Seen, Tried};

/// How long an answer may take to begin. A server-side apply waits for admission webhooks, of which each may take ten
/// seconds by default and thirty at most.
const ANSWER_BEGINS: Duration = Duration::from_secs(60);

/// What the cluster's audit log calls us.
const PROGRAM: &str = concat!("landfall/", env!("CARGO_PKG_VERSION"));

/// Pauses before a repetition.
const PAUSES: Pace = Pace::growing(Duration::from_millis(50), Duration::from_secs(5));

/// The body of an answer.
pub type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Another way to the API server than a connection of landfall's own: a tunnel, or a server in the same process.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends a request as it is, with address and token, and gives the answer as soon as it begins.
    ///
    /// # Errors
    /// The way broke; the request may have arrived.
    ///
    /// # Cancellation
    /// Dropping the future abandons a request that may have been sent.
    async fn send(&self, request: Request<Bytes>) -> io::Result<Response<Body>>;
}

/// How requests get there.
enum Line {
    Own(Box<HttpClient>),
    Other(Arc<dyn Transport>),
}

/// A connection to the API server of a cluster. Cloning is cheap, and clones share the connection.
#[derive(Clone)]
pub struct ApiServer(Arc<Inner>);

struct Inner {
    cluster: Cluster,
    authority: Authority,
    /// What stands before every path, without a slash at its end.
    prefix: String,
    sign_in: SignIn,
    line: Line,
}

impl Line {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, Seen> {
        match self {
            Self::Own(client) => {
                let answer = client.request(request.map(Full::new)).await;
                let answer = answer.map_err(|error| Seen::of_failure(&error))?;
                Ok(answer.map(|body| body.map_err(io::Error::other).boxed_unsync()))
            }
            Self::Other(transport) => {
                transport.send(request).await.map_err(|error| Seen::Broken(error.to_string()))
            }
        }
    }
}

impl ApiServer {
    /// The API server of a cluster, signed in to with tokens of EKS or another way. Nothing is sent yet.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when the cluster's certificates or address cannot be used.
    pub fn new(cluster: Cluster, sign_in: impl Into<SignIn>) -> Result<Self> {
        let sign_in = sign_in.into();
        let line = Line::Own(Box::new(connect::client(&cluster, &sign_in)?));
        Self::by(cluster, sign_in, line)
    }

    /// The API server behind another way than a connection of landfall's own. The cluster's certificates are that way's
    /// business.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when the cluster's address cannot be used.
    pub fn over(cluster: Cluster, sign_in: impl Into<SignIn>, transport: Arc<dyn Transport>) -> Result<Self> {
        Self::by(cluster, sign_in.into(), Line::Other(transport))
    }

    fn by(cluster: Cluster, sign_in: SignIn, line: Line) -> Result<Self> {
        let unusable = |error: &dyn std::error::Error| {
            Error::internal(format!("the address of cluster {} cannot be used", cluster.name()))
                .with_source(error)
        };
        let uri: Uri = cluster.endpoint().parse().map_err(|error: http::uri::InvalidUri| unusable(&error))?;
        let authority = uri.authority().cloned().ok_or_else(|| {
            Error::internal(format!("the address of cluster {} names no server", cluster.name()))
        })?;
        let prefix = uri.path().trim_end_matches('/').to_owned();
        Ok(Self(Arc::new(Inner { cluster, authority, prefix, sign_in, line })))
    }

    /// The cluster.
    #[must_use]
    pub fn cluster(&self) -> &Cluster {
        &self.0.cluster
    }

    /// Sends a request, whose address is a path with a query at most, and gives the answer as soon as it begins.
    ///
    /// # Errors
    /// [`ErrorKind::Auth`] when the server does not know who we are, even by a token that was signed anew;
    /// [`ErrorKind::Throttled`] or [`ErrorKind::Transient`] when it is overloaded or cannot be reached, after the last try;
    /// the failure of the credentials. Every other status is an answer.
    ///
    /// # Cancellation
    /// Once a stop was asked for nothing is repeated. Dropping the future abandons a request that may have been sent.
    pub async fn send(&self, cx: &Context, request: Request<Bytes>) -> Result<Response<Body>> {
        let mut pauses = Delays::new(PAUSES, &format!("{}/{}", cx.id(), request.uri()));
        let mut tried = Tried::new(request.method());
        loop {
            let presented = self.0.sign_in.present().await?;
            let (seen, answer) = self.once(&request, &presented).await?;
            let next = if cx.is_cancelled() { tried.last(&seen) } else { tried.next(&seen) };
            match (next, answer) {
                (Next::Answer, Some(answer)) => return Ok(answer),
                (Next::SignAnew, _) => self.0.sign_in.refused(&presented).await,
                (Next::Again { at_least }, _) => {
                    let pause = pauses.next(false, false).max(at_least);
                    let delay_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
                    cx.emit(EventKind::Retrying { error: self.failure(&seen), delay_ms });
                    tokio::select! {
                        biased;
                        () = cx.cancelled() => {}
                        () = tokio::time::sleep(pause) => {}
                    }
                }
                _ => return Err(self.failure(&seen)),
            }
        }
    }

    /// One try.
    async fn once(
        &self,
        request: &Request<Bytes>,
        presented: &Presented,
    ) -> Result<(Seen, Option<Response<Body>>)> {
        let sending = self.0.line.send(self.addressed(request, presented)?);
        Ok(match tokio::time::timeout(ANSWER_BEGINS, sending).await {
            Err(_) => (Seen::Silence, None),
            Ok(Err(seen)) => (seen, None),
            Ok(Ok(answer)) => (Seen::of_answer(&answer), Some(answer)),
        })
    }

    /// The request with the server's address, our name and the token.
    fn addressed(&self, request: &Request<Bytes>, presented: &Presented) -> Result<Request<Bytes>> {
        let failed =
            |error: &dyn std::error::Error| Error::internal("the request cannot be made").with_source(error);
        let path = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
        let uri = Uri::builder()
            .scheme("https")
            .authority(self.0.authority.clone())
            .path_and_query(format!("{}{path}", self.0.prefix))
            .build()
            .map_err(|error| failed(&error))?;
        let mut sent = Request::new(request.body().clone());
        *sent.method_mut() = request.method().clone();
        *sent.uri_mut() = uri;
        *sent.headers_mut() = request.headers().clone();
        sent.headers_mut().insert(USER_AGENT, HeaderValue::from_static(PROGRAM));
        if let Some(token) = presented.token() {
            let mut bearer =
                HeaderValue::from_str(&format!("Bearer {token}")).map_err(|error| failed(&error))?;
            bearer.set_sensitive(true);
            sent.headers_mut().insert(AUTHORIZATION, bearer);
        }
        Ok(sent)
    }

    /// What a person is told about a try that failed.
    fn failure(&self, seen: &Seen) -> Error {
        let cluster = &self.0.cluster;
        let (name, through) = (cluster.name(), cluster.through());
        match seen {
            Seen::NoConnection(why) | Seen::Broken(why) if judge::is_about_our_certificate(why) => {
                let message =
                    format!("the API server of cluster {name}{through} does not take our certificate: {why}");
                Error::new(ErrorKind::Auth, message).with_hint(self.0.sign_in.certificate_advice(cluster))
            }
            Seen::NoConnection(why) => cluster.unreachable(why),
            Seen::Broken(why) => {
                let message = format!(
                    "the connection to the API server of cluster {name}{through} broke before an answer came: {why}"
                );
                Error::new(ErrorKind::Transient, message)
            }
            Seen::Silence => {
                let seconds = ANSWER_BEGINS.as_secs();
                let message = format!(
                    "the API server of cluster {name} has not begun to answer{through} in {seconds} seconds"
                );
                let error = Error::new(ErrorKind::Transient, message);
                error.with_hint("an admission webhook that hangs does that: look at the webhook configurations of the cluster")
            }
            Seen::Status { code: 401, .. } => {
                let message = format!("the API server of cluster {name} does not know who we are (HTTP 401)");
                Error::new(ErrorKind::Auth, message).with_hint(self.0.sign_in.advice(cluster))
            }
            Seen::Status { code, .. } => {
                let kind = if *code == 429 { ErrorKind::Throttled } else { ErrorKind::Transient };
                let error = Error::new(
                    kind,
                    format!("the API server of cluster {name} is overloaded or not ready: HTTP {code}"),
                );
                error.with_hint(
                    "run again in a moment; if it stays so, look at the cluster's health in the console",
                )
            }
        }
    }
}

impl fmt::Debug for ApiServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiServer").field("cluster", &self.0.cluster.name()).finish_non_exhaustive()
    }
}
