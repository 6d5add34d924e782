//! The bearer token of an EKS cluster.
//!
//! It is a presigned GetCallerIdentity request, which the cluster's authenticator sends to STS to learn who signed it: no
//! call is made to get one. Form and limits are those of `pkg/token` in
//! <https://github.com/kubernetes-sigs/aws-iam-authenticator>; `aws eks get-token` makes the same.

mod sign;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_types::SdkConfig;
use jiff::{SignedDuration, Timestamp};
use landfall_core::context::Clock;
use landfall_core::{Error, ErrorKind, Result};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

/// How long a token is used. The authenticator takes it for 15 minutes after it was signed; the minute less is for
/// clocks and for requests under way, as `aws eks get-token` has it.
const GOOD_FOR: SignedDuration = SignedDuration::from_mins(14);

/// How long before its credentials end a token is used no more: with them it is void at once
/// (<https://github.com/kubernetes-sigs/aws-iam-authenticator/issues/590>).
const BEFORE_CREDENTIALS_END: SignedDuration = SignedDuration::from_secs(60);

/// A token. Neither `Debug` nor `Display` can show it.
#[derive(Clone)]
pub struct Token {
    value: SecretString,
    expires: Timestamp,
    /// Tells it from others of its source.
    number: u64,
}

impl Token {
    /// The token itself, for an `Authorization: Bearer` header.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.value.expose_secret()
    }

    /// When it is used no more.
    #[must_use]
    pub fn expires(&self) -> Timestamp {
        self.expires
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("expires", &self.expires).finish_non_exhaustive()
    }
}

/// Gives tokens for one cluster. A clone shares the token.
#[derive(Clone)]
pub struct TokenSource(Arc<Inner>);

struct Inner {
    cluster: String,
    region: String,
    credentials: SharedCredentialsProvider,
    clock: Clock,
    /// By how much the server's clock is ahead of ours.
    ahead: SignedDuration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    signed: u64,
}

impl TokenSource {
    /// Tokens for `cluster` in `region`, signed with the credentials of `config`. `cluster` is the cluster's name (its id
    /// for a local cluster on an Outpost). `ahead` is by how much AWS's clock is ahead of `clock`
    /// ([`Cluster::ahead`](super::Cluster::ahead)): a signature of a wrong time is a token that is refused.
    ///
    /// # Errors
    /// [`ErrorKind::Auth`] when the configuration has no credentials.
    pub fn new(
        config: &SdkConfig,
        region: &str,
        cluster: &str,
        clock: Clock,
        ahead: SignedDuration,
    ) -> Result<Self> {
        let credentials = config.credentials_provider().ok_or_else(|| {
            Error::new(
                ErrorKind::Auth,
                format!("there are no credentials to sign in to cluster {cluster} with"),
            )
        })?;
        Ok(Self(Arc::new(Inner {
            cluster: cluster.to_owned(),
            region: region.to_owned(),
            credentials,
            clock,
            ahead,
            state: Mutex::default(),
        })))
    }

    /// The token in use, or a new one when that is about to end. Many callers at once make one signature.
    ///
    /// # Errors
    /// The failure of the credentials provider; [`ErrorKind::Auth`] when its credentials have ended or are too long for a
    /// token.
    ///
    /// # Cancellation
    /// May be dropped at any time.
    pub async fn token(&self) -> Result<Token> {
        let mut state = self.0.state.lock().await;
        let now = self.0.now();
        if let Some(token) = state.token.as_ref().filter(|token| now < token.expires) {
            return Ok(token.clone());
        }
        let token = self.sign(now, state.signed + 1).await?;
        state.signed += 1;
        state.token = Some(token.clone());
        Ok(token)
    }

    /// Says that the server has refused this token: the next one is signed anew, with credentials that are asked for
    /// anew. Nothing happens when another is in use already.
    pub async fn refused(&self, token: &Token) {
        let mut state = self.0.state.lock().await;
        if state.token.as_ref().is_some_and(|current| current.number == token.number) {
            state.token = None;
        }
    }

    async fn sign(&self, now: Timestamp, number: u64) -> Result<Token> {
        let inner = &self.0;
        let doing = || format!("signing in to cluster {}", inner.cluster);
        let credentials = inner
            .credentials
            .provide_credentials()
            .await
            .map_err(|error| landfall_aws::failure::of_provider(&error).while_doing(doing()))?;
        let ends = credentials.expiry().and_then(|at| Timestamp::try_from(at).ok());
        if let Some(ended) = ends.filter(|ends| *ends <= now) {
            let error = Error::new(ErrorKind::Auth, format!("{}: the credentials ended at {ended}", doing()));
            return Err(error.with_hint(
                "start the job anew, or ask for a longer session within the maximum of the role",
            ));
        }
        let value = sign::token(&inner.cluster, &inner.region, credentials, now)
            .map_err(|error| error.while_doing(doing()))?;
        let until = now.checked_add(GOOD_FOR).unwrap_or(Timestamp::MAX);
        let until = match ends.and_then(|ends| ends.checked_sub(BEFORE_CREDENTIALS_END).ok()) {
            // In the last minute of the credentials a token serves the one request that asked for it.
            Some(ends) => until.min(ends.max(now)),
            None => until,
        };
        Ok(Token { value, expires: until, number })
    }
}

impl Inner {
    /// The time by AWS's clock.
    fn now(&self) -> Timestamp {
        self.clock.now().checked_add(self.ahead).unwrap_or(Timestamp::MAX)
    }
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSource")
            .field("cluster", &self.0.cluster)
            .field("region", &self.0.region)
            .finish_non_exhaustive()
    }
}
