//! Credentials that renew themselves.
//!
//! Both providers are the SDK's own kind, so that its identity cache asks them again before a session ends: a rollout
//! that takes longer than the session goes on. The token of a file or a callback is fetched anew each time.

use std::fmt;
use std::future::Future;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use aws_sdk_sts::Client;
use aws_sdk_sts::types::Credentials as StsCredentials;
use aws_smithy_async::time::SharedTimeSource;
use jiff::{SignedDuration, Timestamp};
use landfall_aws::bounded::{AnswerLimit, read_text};
use landfall_aws::call::{self, Call};
use landfall_aws::environment::Environment;
use landfall_aws::failure::Failure;
use landfall_core::event::Level;
use landfall_core::{Cause, Context, Error, ErrorKind, Result};

use crate::explain;
use crate::length::Length;
use crate::role::AssumedRole;
use crate::source::{Oidc, TokenSource};
use crate::token::{Token, words};

/// The longest session of a role that was assumed with a role's session:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining>.
const LONGEST_CHAINED: i32 = 3600;

/// The longest session of any role: <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>.
pub(crate) const LONGEST: i32 = 43_200;

/// Bytes that are read of a token's file: more than the 20,000 characters that STS takes, so that a token of twice that
/// length is told with its length.
const LARGEST_FILE: usize = 64 * 1024;

/// What both kinds of session need.
#[derive(Clone)]
pub(crate) struct Asking {
    /// Tells of retries. Not the one that is cancelled: an undo needs credentials as well.
    pub(crate) cx: Context,
    pub(crate) client: Client,
    pub(crate) session_name: String,
    pub(crate) length: Length,
}

impl Asking {
    /// Asks for a session, and for shorter ones as long as the role does not allow the length that was wished for.
    async fn ask<T, F>(
        &self,
        call: &Call,
        longest: i32,
        make: impl Fn(Option<i32>) -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let wished = self.length.seconds().map(|seconds| seconds.min(longest));
        let mut wanted = wished;
        loop {
            let asked = call::try_run(&self.cx, call, || make(wanted)).await;
            let shorter = match (&asked, wanted) {
                (Err(failure), Some(seconds)) if explain::is_too_long(failure) => {
                    self.length.shorten(seconds)
                }
                _ => None,
            };
            if shorter.is_none() {
                if asked.is_ok() && wanted < wished {
                    self.tell_shortened(call, wished, wanted);
                }
                return asked;
            }
            wanted = shorter;
        }
    }

    fn tell_shortened(&self, call: &Call, wished: Option<i32>, given: Option<i32>) {
        let length =
            |seconds: Option<i32>| words(SignedDuration::from_secs(seconds.unwrap_or_default().into()));
        let (title, wished, given) = (call.title(), length(wished), length(given));
        let text = format!("{title}: the role does not allow a session of {wished}, this one lasts {given}");
        self.cx.note(Level::Info, "session-shortened", text);
    }
}

/// A role assumed with an identity token.
pub(crate) struct WebIdentity {
    pub(crate) asking: Asking,
    pub(crate) oidc: Oidc,
    pub(crate) environment: Environment,
    pub(crate) audience: Option<String>,
    pub(crate) time: SharedTimeSource,
}

impl WebIdentity {
    async fn session(&self) -> Result<Credentials> {
        let token = match read(&self.oidc.token, &self.environment) {
            Some(read) => read,
            None => fetch(&self.oidc.token).await?,
        };
        let token = token
            .and_then(|token| check(token, &self.oidc.token, self.audience.as_deref(), now(&self.time)))
            .map_err(|problems| refused(&self.oidc.token, problems))?;
        let (role, policies) = (&self.oidc.role_arn, &self.oidc.policies);
        let call = Call::read("sts", "AssumeRoleWithWebIdentity").on(role).unsigned();
        let asked = self.asking.ask(&call, LONGEST, |seconds| {
            let request = self.asking.client.assume_role_with_web_identity().role_arn(role);
            let request = request.role_session_name(&self.asking.session_name);
            let request = request.set_policy(policies.document());
            let request = request.set_policy_arns(policies.arns_for_request());
            let request = request.set_duration_seconds(seconds).web_identity_token(token.expose());
            let request = request.customize().interceptor(AnswerLimit);
            async move { request.send().await.map_err(Failure::from) }
        });
        let answer = asked.await.map_err(|failure| explain::web_identity(failure, role, token.claims()))?;
        taken(answer.credentials, "AssumeRoleWithWebIdentity", "landfall web identity")
    }
}

impl fmt::Debug for WebIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebIdentity").field("oidc", &self.oidc).finish_non_exhaustive()
    }
}

impl ProvideCredentials for WebIdentity {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async { self.session().await.map_err(told) })
    }
}

/// A role assumed with the credentials that came before it in a chain.
pub(crate) struct Chained {
    pub(crate) asking: Asking,
    pub(crate) role: AssumedRole,
    /// Whether the credentials before it are known to be those of a role, whose next session lasts an hour at most.
    pub(crate) of_a_role: bool,
}

impl Chained {
    async fn session(&self) -> Result<Credentials> {
        let role = &self.role;
        let tags = role.tags_for_request()?;
        let longest = if self.of_a_role { LONGEST_CHAINED } else { LONGEST };
        let call = Call::read("sts", "AssumeRole").on(&role.arn);
        let asked = self.asking.ask(&call, longest, |seconds| {
            let request = self.asking.client.assume_role().role_arn(&role.arn);
            let request = request.role_session_name(&self.asking.session_name);
            let request = request.set_external_id(role.external_id.clone());
            let request = request.set_policy(role.policies.document());
            let request = request.set_policy_arns(role.policies.arns_for_request());
            let request = request.set_tags(tags.clone()).set_transitive_tag_keys(role.transitive_keys());
            let request = request.set_source_identity(role.source_identity.clone());
            let request = request.set_duration_seconds(seconds).customize().interceptor(AnswerLimit);
            async move { request.send().await.map_err(Failure::from) }
        });
        let answer =
            asked.await.map_err(|failure| explain::assume_role(failure, role, &self.asking.session_name))?;
        taken(answer.credentials, "AssumeRole", "landfall assumed role")
    }
}

impl fmt::Debug for Chained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chained").field("role", &self.role).finish_non_exhaustive()
    }
}

impl ProvideCredentials for Chained {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async { self.session().await.map_err(told) })
    }
}

/// The time that the SDK signs with.
pub(crate) fn now(time: &SharedTimeSource) -> Timestamp {
    Timestamp::try_from(time.now()).unwrap_or(Timestamp::MAX)
}

/// The token as it lies there; `None` for a source that has to be asked.
pub(crate) fn read(source: &TokenSource, environment: &Environment) -> Option<Result<Token, Vec<Cause>>> {
    let field = source.field();
    let text = match source {
        TokenSource::Callback(_) => return None,
        TokenSource::Environment(name) => {
            environment.get(name).map(str::to_owned).ok_or_else(|| absent(name, environment))
        }
        TokenSource::File(path) => read_text(path, LARGEST_FILE).map_err(|error| {
            Cause::new("token-file", format!("the OIDC token's file {field} cannot be read: {error}"))
                .in_field(&field)
                .with_hint(
                    "check the path; in GitLab, a variable of type `file` holds the path and not the token",
                )
        }),
    };
    let token = text.map_err(|cause| vec![cause]);
    Some(token.and_then(|text| Token::parse(&field, &text).map_err(|cause| vec![*cause])))
}

async fn fetch(source: &TokenSource) -> Result<Result<Token, Vec<Cause>>> {
    use secrecy::ExposeSecret;
    let TokenSource::Callback(callback) = source else {
        return Err(Error::internal("a token that lies in a variable or file was to be fetched"));
    };
    let text = callback.token().await?;
    Ok(Token::parse(&source.field(), text.expose_secret()).map_err(|cause| vec![*cause]))
}

/// The token, unless its claims say that STS will refuse it.
pub(crate) fn check(
    token: Token,
    source: &TokenSource,
    audience: Option<&str>,
    now: Timestamp,
) -> Result<Token, Vec<Cause>> {
    let problems = token.claims().problems(&source.field(), audience, now);
    if problems.is_empty() { Ok(token) } else { Err(problems) }
}

/// A variable without a token in it.
fn absent(name: &str, environment: &Environment) -> Cause {
    if environment.is_set_but_empty(name) {
        return Cause::new("empty-variable", format!("{name} is set but empty, and should hold the OIDC token"))
            .in_field(name)
            .with_hint(format!(
                "is there a CI/CD variable of the same name that is protected, on an unprotected ref? Rename one of \
                 them; else check the `id_tokens:` block for {name}"
            ));
    }
    let others: Vec<&str> = looks_like_tokens(environment).collect();
    let seen = if others.is_empty() {
        "no other variable looks like an OIDC token".to_owned()
    } else {
        format!("variables that look like one: {}", others.join(", "))
    };
    Cause::new("missing-variable", format!("{name} is not set, and should hold the OIDC token; {seen}"))
        .in_field(name)
        .with_hint(format!("declare it in the job: `id_tokens: {{ {name}: {{ aud: sts.amazonaws.com }} }}`"))
}

/// Names of variables whose values have the form of a token. GitLab's own old ones cannot be used with AWS.
pub(crate) fn looks_like_tokens(environment: &Environment) -> impl Iterator<Item = &str> {
    environment.names().filter(|name| {
        let value = environment.get(name).unwrap_or_default();
        !name.starts_with("CI_JOB_JWT") && value.starts_with("eyJ") && Token::parse(name, value).is_ok()
    })
}

pub(crate) fn refused(source: &TokenSource, problems: Vec<Cause>) -> Error {
    let message = format!("the {} cannot be used", source.description());
    Error::new(ErrorKind::Auth, message).with_causes(problems)
}

/// The error for the SDK; it comes out of [`Failure`] as it went in.
fn told(error: Error) -> CredentialsError {
    CredentialsError::provider_error(error)
}

fn taken(credentials: Option<StsCredentials>, call: &str, name: &'static str) -> Result<Credentials> {
    let lacking = |what: &str| Error::internal(format!("sts {call}: the answer holds no {what}"));
    let answer = credentials.ok_or_else(|| lacking("credentials"))?;
    // Members that were missing come out of the SDK empty, or as the year 1970.
    for (what, value) in [
        ("access key id", answer.access_key_id()),
        ("secret access key", answer.secret_access_key()),
        ("session token", answer.session_token()),
    ] {
        if value.trim().is_empty() {
            return Err(lacking(what));
        }
    }
    let expiry = SystemTime::try_from(*answer.expiration()).ok().filter(|at| *at > SystemTime::UNIX_EPOCH);
    let expiry = expiry.ok_or_else(|| lacking("time of the session's end"))?;
    let token = Some(answer.session_token().to_owned());
    Ok(Credentials::new(answer.access_key_id(), answer.secret_access_key(), token, Some(expiry), name))
}
