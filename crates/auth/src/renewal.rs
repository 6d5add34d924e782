//! Renewing credentials: before they end, and when AWS calls them ended before their time.
//!
//! The SDK's identity cache asks a provider again when the end comes near by this machine's clock. A session can be over
//! before: the clock is slow, or the role's sessions were ended. A service then answers `ExpiredToken`; the session is
//! forgotten, so that the call that [`landfall_aws::call`] repeats is signed with a new one, if there can be one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_sts::config::IdentityCache;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::identity::{
    IdentityFuture, ResolveCachedIdentity, SharedIdentityCache, SharedIdentityResolver,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use aws_smithy_types::config_bag::ConfigBag;
use aws_types::SdkConfig;
use jiff::Timestamp;
use landfall_aws::bounded::bound;
use secrecy::{ExposeSecret, SecretString};

/// How long getting credentials may take. The SDK's five seconds would cut off our own retries of a throttled STS,
/// which take most of a minute.
const LOAD_TIMEOUT: Duration = Duration::from_secs(120);

/// Where a signed request carries the token of its session.
const SESSION_TOKEN: &str = "x-amz-security-token";

/// Answers longer than this are not looked through: a refusal takes some hundred bytes.
const LONGEST_REFUSAL: u64 = 64 * 1024;

/// The configuration with credentials of this provider, which are renewed when they end.
pub(crate) fn with_credentials(config: &SdkConfig, provider: &Remembering) -> SdkConfig {
    let cache = Forgetful::default();
    let mut builder = config.to_builder().identity_cache(cache.clone());
    if let Some(inner) = config.http_client() {
        builder = builder.http_client(Watching { inner, provider: provider.clone(), cache });
    }
    builder.credentials_provider(SharedCredentialsProvider::new(provider.clone())).build()
}

/// Remembers the end and the token of the session that it passed on last.
#[derive(Debug, Clone)]
pub(crate) struct Remembering {
    inner: SharedCredentialsProvider,
    last: Arc<Mutex<Last>>,
}

#[derive(Debug, Default)]
struct Last {
    expiry: Option<SystemTime>,
    token: Option<SecretString>,
}

impl Remembering {
    pub(crate) fn new(inner: SharedCredentialsProvider) -> Self {
        Self { inner, last: Arc::default() }
    }

    pub(crate) fn expires(&self) -> Option<Timestamp> {
        let expiry = self.last.lock().unwrap_or_else(PoisonError::into_inner).expiry;
        expiry.and_then(|at| Timestamp::try_from(at).ok())
    }

    /// Whether `token` is that of the session in use; asked once for each session, so that many calls of an ended session
    /// open one new one.
    fn ends(&self, token: &str) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let current = last.token.as_ref().is_some_and(|current| current.expose_secret() == token);
        if current {
            last.token = None;
        }
        current
    }

    async fn credentials(&self) -> provider::Result {
        let credentials = self.inner.provide_credentials().await?;
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) =
            Last { expiry: credentials.expiry(), token: credentials.session_token().map(SecretString::from) };
        Ok(credentials)
    }
}

impl ProvideCredentials for Remembering {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }
}

/// The SDK's cache, which can be emptied.
#[derive(Debug, Clone)]
struct Forgetful(Arc<Mutex<SharedIdentityCache>>);

impl Default for Forgetful {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(empty())))
    }
}

fn empty() -> SharedIdentityCache {
    IdentityCache::lazy().load_timeout(LOAD_TIMEOUT).build()
}

impl Forgetful {
    fn current(&self) -> SharedIdentityCache {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = empty();
    }
}

impl ResolveCachedIdentity for Forgetful {
    fn resolve_cached_identity<'a>(
        &'a self,
        resolver: SharedIdentityResolver,
        components: &'a RuntimeComponents,
        config: &'a ConfigBag,
    ) -> IdentityFuture<'a> {
        IdentityFuture::new(async move {
            let cache = self.current();
            cache.resolve_cached_identity(resolver, components, config).await
        })
    }
}

/// An HTTP client that looks for the answer that a session has ended.
#[derive(Debug, Clone)]
struct Watching {
    inner: SharedHttpClient,
    provider: Remembering,
    cache: Forgetful,
}

impl HttpClient for Watching {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(WatchingConnector { inner, watching: self.clone() })
    }
}

#[derive(Debug)]
struct WatchingConnector {
    inner: SharedHttpConnector,
    watching: Watching,
}

impl HttpConnector for WatchingConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        // A request that is not signed by a session says nothing about one.
        let Some(token) = request.headers().get(SESSION_TOKEN).map(SecretString::from) else {
            return self.inner.call(request);
        };
        let (answer, watching) = (self.inner.call(request), self.watching.clone());
        HttpConnectorFuture::new(async move {
            let mut response = answer.await?;
            if says_ended(&mut response).await? && watching.provider.ends(token.expose_secret()) {
                watching.cache.forget();
            }
            Ok(response)
        })
    }
}

/// Whether a refusal is `ExpiredToken` or `ExpiredTokenException`, in whatever protocol. The body is there again after it.
async fn says_ended(response: &mut HttpResponse) -> Result<bool, ConnectorError> {
    let length = response.headers().get("content-length").and_then(|length| length.parse::<u64>().ok());
    let refused = matches!(response.status().as_u16(), 400 | 401 | 403);
    if !refused || length.is_some_and(|length| length > LONGEST_REFUSAL) {
        return Ok(false);
    }
    // Not every answer tells its length.
    bound(response);
    let body = ByteStream::new(response.take_body()).collect().await;
    let bytes = body.map_err(|error| ConnectorError::io(error.into()))?.into_bytes();
    let ended = bytes.windows(EXPIRED.len()).any(|window| window == EXPIRED);
    *response.body_mut() = SdkBody::from(bytes);
    Ok(ended)
}

const EXPIRED: &[u8] = b"ExpiredToken";

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
    use aws_smithy_types::body::SdkBody;
    use bytes::Bytes;
    use http_body::{Body, Frame};
    use landfall_aws::bounded::LARGEST_ANSWER;

    use super::says_ended;

    const CHUNK: &[u8] = &[b' '; 64 * 1024];

    /// A body of so many chunks, whose length nobody tells.
    struct Chunks(usize);

    impl Body for Chunks {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            let Some(left) = self.0.checked_sub(1) else { return Poll::Ready(None) };
            self.0 = left;
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(CHUNK)))))
        }
    }

    fn refusal(chunks: usize) -> HttpResponse {
        HttpResponse::new(403.try_into().unwrap(), SdkBody::from_body_1_x(Chunks(chunks)))
    }

    #[tokio::test]
    async fn a_refusal_that_does_not_tell_its_length_is_read_up_to_the_limit_of_answers() {
        assert!(!says_ended(&mut refusal(2)).await.unwrap());
        let error = says_ended(&mut refusal(LARGEST_ANSWER / CHUNK.len() + 1)).await.unwrap_err();
        assert!(format!("{error:?}").contains("TooLarge"), "{error:?}");
    }
}
