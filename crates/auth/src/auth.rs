//! From a source of credentials to a session.

use std::time::Duration;

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::SharedAsyncSleep;
use aws_smithy_async::time::{SharedTimeSource, TimeSource};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::SdkConfig;
use aws_types::region::Region;
use jiff::{SignedDuration, Timestamp};
use landfall_aws::bounded::AnswerLimit;
use landfall_aws::call::{self, Call};
use landfall_aws::endpoint;
use landfall_aws::environment::Environment;
use landfall_aws::failure::Failure;
use landfall_core::context::Clock;
use landfall_core::event::{EventKind, Level};
use landfall_core::{Context, Error, ErrorKind, Place, Result};
use secrecy::ExposeSecret;

use crate::checks::is_account;
use crate::detect::{left_over, remarks};
use crate::length::Length;
use crate::provider::{Asking, Chained, WebIdentity, now};
use crate::renewal::{Remembering, with_credentials};
use crate::role::AssumedRole;
use crate::session::{Identity, Session};
use crate::source::{CredentialsSource, TokenSource};
use crate::token::Claims;
use crate::validity::{Bounds, Validity, too_short};

/// A source of credentials with its settings. [`Auth::connect`] makes a [`Session`] of it.
#[derive(Debug, Clone)]
#[must_use]
pub struct Auth {
    pub(crate) source: CredentialsSource,
    pub(crate) region: Option<String>,
    pub(crate) environment: Environment,
    pub(crate) http_client: Option<SharedHttpClient>,
    pub(crate) time_source: Option<SharedTimeSource>,
    pub(crate) sleep: Option<SharedAsyncSleep>,
    pub(crate) role_chain: Vec<AssumedRole>,
    pub(crate) session_name: Option<String>,
    pub(crate) duration: Option<Duration>,
    pub(crate) lasting: Option<Duration>,
    pub(crate) audience: Option<String>,
    pub(crate) expected_account: Option<String>,
}

/// The settings once they are known to be right.
pub(crate) struct Ready {
    pub(crate) source: CredentialsSource,
    pub(crate) description: String,
    /// Everything but credentials.
    pub(crate) config: SdkConfig,
    pub(crate) region: String,
    pub(crate) session_name: String,
    pub(crate) length: Length,
    /// What the identity token says of itself, if there is one that can be read without asking.
    pub(crate) claims: Option<Claims>,
}

impl Auth {
    /// Credentials from this source. The environment is empty until [`Auth::environment`] is called.
    pub fn new(source: CredentialsSource) -> Self {
        Self {
            source,
            region: None,
            environment: Environment::default(),
            http_client: None,
            time_source: None,
            sleep: None,
            role_chain: Vec::new(),
            session_name: None,
            duration: None,
            lasting: None,
            audience: None,
            expected_account: None,
        }
    }

    /// The region; that of `AWS_REGION`, then `AWS_DEFAULT_REGION`, when this is not called.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// The variables to go by: region, endpoints, proxies, certificates, tokens, names for the session.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// The HTTP client to use instead of [`landfall_aws::http::client`]: for tests and simulations.
    pub fn http_client(mut self, client: SharedHttpClient) -> Self {
        self.http_client = Some(client);
        self
    }

    /// The clock to sign with and to judge tokens by, instead of the system's.
    pub fn time_source(mut self, time: SharedTimeSource) -> Self {
        self.time_source = Some(time);
        self
    }

    /// What the SDK's timeouts sleep with, instead of tokio.
    pub fn sleep(mut self, sleep: SharedAsyncSleep) -> Self {
        self.sleep = Some(sleep);
        self
    }

    /// Roles to assume one after another with what the source gave. AWS ends a session that was got like this after an
    /// hour at most; it is renewed by itself.
    pub fn role_chain(mut self, roles: Vec<AssumedRole>) -> Self {
        self.role_chain = roles;
        self
    }

    /// The name of the sessions, 2 to 64 characters; see [`crate::default_session_name`] for the default.
    pub fn session_name(mut self, name: impl Into<String>) -> Self {
        self.session_name = Some(name.into());
        self
    }

    /// How long a session is to last: 900 to 43,200 seconds, no more than the role's own maximum. What [`Auth::lasting`]
    /// takes, or an hour, when this is not called.
    pub fn duration(mut self, duration: Duration) -> Self {
        self.duration = Some(duration);
        self
    }

    /// How long the credentials have to hold from now: a wait and an undo after it, as
    /// [`landfall_core::Policy::longest`] says.
    ///
    /// Sessions are asked for that long, five minutes added, within 900 to 43,200 seconds. A role that does not allow it is
    /// asked for 8, 4, 2 hours or one, which is told as the note `session-shortened`. When the credentials will end before, renewals
    /// counted, [`Auth::connect`] says so and what to do, as a warning `credentials-end-early`: before anything is changed.
    pub fn lasting(mut self, time: Duration) -> Self {
        self.lasting = Some(time);
        self
    }

    /// The audience that the token must be made for. Not checked when this is not called.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// The account that must be signed in to, twelve digits.
    pub fn expected_account(mut self, account: impl Into<String>) -> Self {
        self.expected_account = Some(account.into());
        self
    }

    /// Checks everything that can be checked without AWS: settings, keys, tokens. [`Auth::connect`] does it too.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] with all problems when a setting is wrong; [`ErrorKind::Auth`] when only keys or tokens
    /// cannot be used.
    pub fn check(&self, cx: &Context) -> Result<()> {
        self.prepare(cx).map(|_| ())
    }

    /// Checks everything that can be checked without AWS, signs in, and asks STS GetCallerIdentity who we are. Tells
    /// [`EventKind::SignedIn`], and notes about credentials that lost.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] with all problems of settings; [`ErrorKind::Auth`] when keys or tokens cannot be used, AWS
    /// does not take them, or the account is not the expected one; [`ErrorKind::Transient`] or
    /// [`ErrorKind::Throttled`] when STS could not be asked.
    ///
    /// # Cancellation
    /// May be dropped at any time; nothing is changed in AWS. A session that was opened ends by itself.
    pub async fn connect(&self, cx: &Context) -> Result<Session> {
        let ready = self.prepare(cx)?;
        for remark in remarks(&ready.source, &self.environment) {
            cx.note(remark.level, remark.code, remark.text);
        }
        let (config, sessions) = self.credentials(cx, &ready).await;
        let identity = self.caller(cx, &config, &ready).await?;
        self.check_account(&identity)?;
        let partition =
            identity.arn.split(':').nth(1).unwrap_or_else(|| endpoint::partition_of(&ready.region));
        let place = Place::new(partition, &identity.account, &ready.region);
        cx.emit(EventKind::SignedIn {
            source: ready.description.clone(),
            account: identity.account.clone(),
            identity: identity.arn.clone(),
            region: ready.region.clone(),
        });
        let validity = self.validity(cx, &ready, &sessions);
        self.announce(cx, &ready, validity);
        let expires = sessions.last().and_then(Remembering::expires);
        Ok(Session { config, place, identity, source: ready.description, expires, validity })
    }

    /// The configuration with credentials that renew themselves, and the providers along the chain, which know when their
    /// sessions end.
    async fn credentials(&self, cx: &Context, ready: &Ready) -> (SdkConfig, Vec<Remembering>) {
        let without = &ready.config;
        let mut provider = Remembering::new(self.base(cx, ready).await);
        let mut all = vec![provider.clone()];
        for role in &self.role_chain {
            let asking = ready.asking(cx, &with_credentials(without, &provider));
            let of_a_role = all.len() > 1 || matches!(ready.source, CredentialsSource::Oidc(_));
            let chained = Chained { asking, role: role.clone(), of_a_role };
            provider = Remembering::new(SharedCredentialsProvider::new(chained));
            all.push(provider.clone());
        }
        (with_credentials(without, &provider), all)
    }

    /// Until when the credentials are good, after each of `sessions` was opened once.
    fn validity(&self, cx: &Context, ready: &Ready, sessions: &[Remembering]) -> Validity {
        let now = now(&self.time(cx));
        let (base, opened) = match &ready.source {
            CredentialsSource::StaticKeys(keys) if keys.session_token.is_none() => (Validity::Lasting, 1),
            // The token itself renews the first session.
            CredentialsSource::Oidc(_) => (ready.token_validity(), 0),
            _ => (Validity::Unknown, 1),
        };
        sessions.iter().skip(opened).fold(base, |base, session| {
            let ends = session.expires();
            let length = ends.map_or(SignedDuration::ZERO, |ends| ends.duration_since(now));
            Validity::renewed_with(base, ends, length)
        })
    }

    /// Says before anything is changed that the credentials will end too early.
    fn announce(&self, cx: &Context, ready: &Ready, validity: Validity) {
        let (Some(needed), Validity::Until(end)) = (self.lasting, validity) else { return };
        let now = now(&self.time(cx));
        let until = now.checked_add(needed).unwrap_or(Timestamp::MAX);
        if validity.covers(until) == Some(true) {
            return;
        }
        let role = match &ready.source {
            // A role that is assumed by another one's session lasts an hour at most, whatever its maximum.
            CredentialsSource::Oidc(oidc) if self.role_chain.is_empty() => Some(oidc.role_arn.clone()),
            _ => None,
        };
        let token = ready.claims.as_ref().and_then(|claims| claims.expires);
        let text = too_short(end, now, needed, &Bounds { token, role });
        cx.note(Level::Warning, "credentials-end-early", text);
    }

    async fn base(&self, cx: &Context, ready: &Ready) -> SharedCredentialsProvider {
        match &ready.source {
            CredentialsSource::StaticKeys(keys) => SharedCredentialsProvider::new(Credentials::new(
                &keys.access_key_id,
                keys.secret_access_key.expose_secret(),
                keys.session_token.as_ref().map(|token| token.expose_secret().to_owned()),
                None,
                "landfall static keys",
            )),
            CredentialsSource::Oidc(oidc) => SharedCredentialsProvider::new(WebIdentity {
                asking: ready.asking(cx, &ready.config),
                oidc: oidc.clone(),
                environment: self.environment.clone(),
                audience: self.audience.clone(),
                time: self.time(cx),
            }),
            CredentialsSource::DefaultChain => chain(ready).await,
            CredentialsSource::Custom(provider) => provider.clone(),
        }
    }

    async fn caller(&self, cx: &Context, config: &SdkConfig, ready: &Ready) -> Result<Identity> {
        let client = aws_sdk_sts::Client::new(config);
        let call = Call::read("sts", "GetCallerIdentity");
        let asked = call::run(cx, &call, || async {
            let request = client.get_caller_identity().customize().interceptor(AnswerLimit);
            request.send().await.map_err(Failure::from)
        });
        let answer = asked.await.map_err(|error| self.with_what_is_there(error, ready))?;
        let missing = || Error::internal("sts GetCallerIdentity: the answer does not say who we are");
        let account = answer.account.filter(|account| is_account(account)).ok_or_else(missing)?;
        // arn:PARTITION:iam|sts::ACCOUNT:..., of the same account.
        let is_whole = |arn: &String| {
            let mut parts = arn.split(':');
            parts.next() == Some("arn") && parts.nth(3) == Some(account.as_str())
        };
        let arn = answer.arn.filter(is_whole).ok_or_else(missing)?;
        Ok(Identity { arn, account, user_id: answer.user_id.unwrap_or_default() })
    }

    /// When nothing was found: what lies about that may have been meant.
    fn with_what_is_there(&self, error: Error, ready: &Ready) -> Error {
        if error.kind() != ErrorKind::Auth || !matches!(ready.source, CredentialsSource::DefaultChain) {
            return error;
        }
        error.with_causes(left_over(&self.environment))
    }

    fn check_account(&self, identity: &Identity) -> Result<()> {
        match &self.expected_account {
            Some(expected) if *expected != identity.account => Err(Error::new(
                ErrorKind::Auth,
                format!(
                    "signed in to account {} as {}, and account {expected} is expected",
                    identity.account, identity.arn
                ),
            )
            .with_hint(
                "nothing was changed: use credentials of the expected account, or correct --expected-account",
            )),
            _ => Ok(()),
        }
    }

    /// The clock that tokens are judged by.
    pub(crate) fn time(&self, cx: &Context) -> SharedTimeSource {
        self.time_source.clone().unwrap_or_else(|| SharedTimeSource::new(OfContext(cx.clock())))
    }
}

impl Ready {
    fn asking(&self, cx: &Context, config: &SdkConfig) -> Asking {
        Asking {
            cx: cx.cleanup(),
            client: aws_sdk_sts::Client::new(config),
            session_name: self.session_name.clone(),
            length: self.length.anew(),
        }
    }

    /// Until when the identity token can renew a session. One that a callback fetches, or that something replaces in its
    /// file, is always good; the token of a CI job is not replaced while the job runs.
    fn token_validity(&self) -> Validity {
        let CredentialsSource::Oidc(oidc) = &self.source else { return Validity::Unknown };
        let job = self.claims.as_ref().is_some_and(|claims| claims.job.is_some());
        match (&oidc.token, self.claims.as_ref().and_then(|claims| claims.expires)) {
            (TokenSource::Environment(_), Some(expires)) => Validity::Until(expires),
            (TokenSource::File(_), Some(expires)) if job => Validity::Until(expires),
            _ => Validity::Lasting,
        }
    }
}

/// The SDK's own chain. It reads the environment and the files of this process by itself.
async fn chain(ready: &Ready) -> SharedCredentialsProvider {
    let mut settings = ProviderConfig::without_region().with_region(Some(Region::new(ready.region.clone())));
    if let Some(client) = ready.config.http_client() {
        settings = settings.with_http_client(client);
    }
    if let Some(time) = ready.config.time_source() {
        settings = settings.with_time_source(time);
    }
    if let Some(sleep) = ready.config.sleep_impl() {
        settings = settings.with_sleep_impl(sleep);
    }
    let region = Region::new(ready.region.clone());
    let chain = DefaultCredentialsChain::builder().configure(settings).region(region).build();
    SharedCredentialsProvider::new(Box::pin(chain).await)
}

/// The context's clock, for the SDK.
#[derive(Debug)]
struct OfContext(Clock);

impl TimeSource for OfContext {
    fn now(&self) -> std::time::SystemTime {
        self.0.now().into()
    }
}
