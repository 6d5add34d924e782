//! Single pages, by the same ways as calls of AWS: one TLS stack, the same certificates and proxies.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::byte_stream::ByteStream;
use landfall_core::{Error, ErrorKind, Result};

use super::Ways;
use crate::environment::Environment;

/// Fetches pages with GET. Redirects are not followed: they are what came out. Clones share their connections.
#[derive(Clone)]
pub struct Fetcher(Arc<Inner>);

struct Inner {
    ways: Ways,
    plain: OnceLock<Connector>,
    secure: OnceLock<Connector>,
}

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fetched {
    /// The HTTP status, 100 to 599.
    pub status: u16,
    /// The body as text; what is no UTF-8 is replaced, and what is longer than was asked for is cut.
    pub body: String,
}

/// A URL as it may be shown and recorded: without user, password, query and fragment, any of which may be a secret. What is no
/// URL loses what would be these in one.
#[must_use]
pub fn bare_url(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (scheme, rest));
    let end = |ends: &[char]| rest.find(ends).unwrap_or(rest.len());
    let (authority, path) = (&rest[..end(&['/', '?', '#'])], &rest[end(&['/', '?', '#'])..end(&['?', '#'])]);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let separator = if scheme.is_empty() { "" } else { "://" };
    format!("{scheme}{separator}{host}{path}")
}

impl Fetcher {
    /// A fetcher that honours the same variables as [`super::client`].
    ///
    /// # Errors
    /// As [`super::client`].
    pub fn new(environment: &Environment) -> Result<Self> {
        let ways = Ways::new(environment)?;
        Ok(Self(Arc::new(Inner { ways, plain: OnceLock::new(), secure: OnceLock::new() })))
    }

    /// Fetches a page, reads at most about `longest` bytes of it, and takes at most `limit`. Errors show the [`bare_url`].
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for a URL that is none, [`ErrorKind::Transient`] when the server cannot be reached or does
    /// not answer in time. A status is no error, whatever it says.
    ///
    /// # Cancellation
    /// May be dropped.
    pub async fn get(&self, url: &str, longest: usize, limit: Duration) -> Result<Fetched> {
        let shown = bare_url(url);
        let mut request = HttpRequest::empty();
        request
            .set_uri(url)
            .map_err(|error| Error::invalid(format!("{shown} is no URL")).with_source(&error))?;
        request.headers_mut().insert("user-agent", concat!("landfall/", env!("CARGO_PKG_VERSION")));
        let connector = if url.starts_with("https:") {
            self.0.secure.get_or_init(|| self.0.ways.secure(None, None))
        } else {
            self.0.plain.get_or_init(|| self.0.ways.plain(None, None))
        };
        let fetch = async {
            let response =
                connector.call(request).await.map_err(|error| unreachable(&shown).with_source(&error))?;
            read(&shown, response, longest).await
        };
        let late = |_| {
            Error::new(ErrorKind::Transient, format!("{shown} did not answer within {} s", limit.as_secs()))
        };
        tokio::time::timeout(limit, fetch).await.map_err(late)?
    }
}

async fn read(url: &str, response: HttpResponse, longest: usize) -> Result<Fetched> {
    let status = response.status().as_u16();
    let mut stream = ByteStream::new(response.into_body());
    let mut body = Vec::new();
    while let Some(chunk) = stream.next().await {
        body.extend(chunk.map_err(|error| unreachable(url).with_source(&error))?);
        if body.len() >= longest {
            body.truncate(longest);
            break;
        }
    }
    Ok(Fetched { status, body: String::from_utf8_lossy(&body).into_owned() })
}

fn unreachable(url: &str) -> Error {
    Error::new(ErrorKind::Transient, format!("{url} cannot be reached"))
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetcher").finish_non_exhaustive()
    }
}
