//! Where credentials come from, as data.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use landfall_aws::environment::Environment;
use landfall_core::{Cause, Result};
use secrecy::{ExposeSecret, SecretString};

use crate::role::{InlinePolicy, SessionPolicies};

/// Where credentials come from.
#[derive(Clone)]
#[non_exhaustive]
pub enum CredentialsSource {
    /// An access key, as it is.
    StaticKeys(StaticKeys),
    /// A token of an OIDC issuer, exchanged for a role's session.
    Oidc(Oidc),
    /// What the environment offers, in the order of AWS's own tools: keys in variables, a web identity in
    /// `AWS_WEB_IDENTITY_TOKEN_FILE` and `AWS_ROLE_ARN`, then the SDK's chain: profiles, SSO, the roles of ECS tasks
    /// and EC2 instances. The SDK's chain reads the environment and the files of the process by itself.
    DefaultChain,
    /// A provider of the caller's own.
    Custom(SharedCredentialsProvider),
}

impl CredentialsSource {
    /// An access key, as it is.
    #[must_use]
    pub fn static_keys(keys: StaticKeys) -> Self {
        Self::StaticKeys(keys)
    }

    /// A token of an OIDC issuer, exchanged for a role's session.
    #[must_use]
    pub fn oidc(oidc: Oidc) -> Self {
        Self::Oidc(oidc)
    }

    /// What the environment offers.
    #[must_use]
    pub fn default_chain() -> Self {
        Self::DefaultChain
    }

    /// A provider of the caller's own.
    #[must_use]
    pub fn custom(provider: impl ProvideCredentials + 'static) -> Self {
        Self::Custom(SharedCredentialsProvider::new(provider))
    }
}

impl fmt::Debug for CredentialsSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StaticKeys(keys) => f.debug_tuple("StaticKeys").field(keys).finish(),
            Self::Oidc(oidc) => f.debug_tuple("Oidc").field(oidc).finish(),
            Self::DefaultChain => f.write_str("DefaultChain"),
            // What a provider of somebody else's prints is not ours to trust.
            Self::Custom(_) => f.write_str("Custom(..)"),
        }
    }
}

/// An access key: of a user, or temporary with its session token.
#[derive(Debug, Clone)]
pub struct StaticKeys {
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: SecretString,
    pub(crate) session_token: Option<SecretString>,
    pub(crate) origin: String,
}

/// The variables of a static key.
pub(crate) const ACCESS_KEY_ID: &str = "AWS_ACCESS_KEY_ID";
pub(crate) const SECRET_ACCESS_KEY: &str = "AWS_SECRET_ACCESS_KEY";
pub(crate) const SESSION_TOKEN: &str = "AWS_SESSION_TOKEN";

impl StaticKeys {
    /// A key by its values.
    #[must_use]
    pub fn new(access_key_id: impl Into<String>, secret_access_key: impl Into<SecretString>) -> Self {
        Self {
            access_key_id: access_key_id.into(),
            secret_access_key: secret_access_key.into(),
            session_token: None,
            origin: "static keys".to_owned(),
        }
    }

    /// Adds the session token of a temporary key.
    #[must_use]
    pub fn with_session_token(mut self, token: impl Into<SecretString>) -> Self {
        self.session_token = Some(token.into());
        self
    }

    /// The key in `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`. Variables that are absent or
    /// empty make an empty key, which [`crate::Auth::connect`] refuses with the names of what is missing.
    #[must_use]
    pub fn from_environment(environment: &Environment) -> Self {
        let value = |name| environment.get(name).unwrap_or_default().to_owned();
        let mut keys = Self::new(value(ACCESS_KEY_ID), value(SECRET_ACCESS_KEY));
        keys.session_token = environment.get(SESSION_TOKEN).map(SecretString::from);
        keys.origin = format!("static keys from ${ACCESS_KEY_ID}");
        keys
    }

    /// What is wrong with the key, as far as its form tells.
    pub(crate) fn problems(&self, environment: &Environment) -> Vec<Cause> {
        let mut problems = Vec::new();
        let secret = self.secret_access_key.expose_secret();
        for (name, value) in [(ACCESS_KEY_ID, self.access_key_id.as_str()), (SECRET_ACCESS_KEY, secret)] {
            if value.is_empty() {
                problems.push(missing(name, environment));
            } else if value.trim() != value || value.contains(char::is_whitespace) {
                problems.push(
                    Cause::new("malformed-keys", format!("{name} has a blank or a line break in it"))
                        .in_field(name)
                        .with_hint("copy the value again, without what is around it"),
                );
            }
        }
        // Temporary keys: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-prefixes
        if self.access_key_id.starts_with("ASIA") && self.session_token.is_none() {
            problems.push(
                Cause::new(
                    "missing-session-token",
                    format!("{ACCESS_KEY_ID} is a temporary key, but {SESSION_TOKEN} is not set"),
                )
                .in_field(SESSION_TOKEN)
                .with_hint(format!("set {SESSION_TOKEN} to the token that was handed out with the key")),
            );
        }
        problems
    }
}

fn missing(name: &str, environment: &Environment) -> Cause {
    let cause = if environment.is_set_but_empty(name) {
        Cause::new("empty-variable", format!("{name} is set but empty")).with_hint(
            "a protected variable of GitLab is empty on an unprotected ref: protect the branch or tag, or lift the \
             protection of the variable",
        )
    } else {
        Cause::new("missing-variable", format!("{name} is not set")).with_hint(format!(
            "set {name}; a variable of GitLab that is bound to an environment is only there in jobs with that \
             `environment:`"
        ))
    };
    cause.in_field(name)
}

/// A token of an OIDC issuer, exchanged for a role's session by AssumeRoleWithWebIdentity.
#[derive(Debug, Clone)]
pub struct Oidc {
    pub(crate) role_arn: String,
    pub(crate) token: TokenSource,
    pub(crate) policies: SessionPolicies,
}

impl Oidc {
    /// Assumes `role_arn` with the token from this source.
    #[must_use]
    pub fn new(role_arn: impl Into<String>, token: TokenSource) -> Self {
        Self { role_arn: role_arn.into(), token, policies: SessionPolicies::default() }
    }

    /// Assumes `role_arn` with the token in the environment variable of this name, where GitLab's `id_tokens` puts it.
    #[must_use]
    pub fn from_environment(role_arn: impl Into<String>, name: impl Into<String>) -> Self {
        Self::new(role_arn, TokenSource::Environment(name.into()))
    }

    /// Assumes `role_arn` with the token in this file, which is read again for every session.
    #[must_use]
    pub fn from_file(role_arn: impl Into<String>, path: impl AsRef<Path>) -> Self {
        Self::new(role_arn, TokenSource::File(path.as_ref().to_owned()))
    }

    /// Assumes `role_arn` with tokens that `provider` fetches, one for every session.
    #[must_use]
    pub fn from_callback(role_arn: impl Into<String>, provider: impl ProvideToken + 'static) -> Self {
        Self::new(role_arn, TokenSource::Callback(Arc::new(provider)))
    }

    /// A policy document in JSON that narrows what the session may do, as [`crate::AssumedRole::session_policy`].
    ///
    /// Session tags and a source identity cannot be passed with a token: STS reads them from the token itself (claims
    /// `https://aws.amazon.com/tags` and `https://aws.amazon.com/source_identity`).
    #[must_use]
    pub fn session_policy(mut self, document: impl Into<String>) -> Self {
        self.policies.inline = Some(InlinePolicy { text: document.into(), file: None });
        self
    }

    /// A managed policy that narrows what the session may do, as [`crate::AssumedRole::session_policy_arn`].
    #[must_use]
    pub fn session_policy_arn(mut self, arn: impl Into<String>) -> Self {
        self.policies.arns.push(arn.into());
        self
    }

    /// The role that is assumed.
    #[must_use]
    pub fn role_arn(&self) -> &str {
        &self.role_arn
    }
}

/// Fetches identity tokens.
#[async_trait]
pub trait ProvideToken: Send + Sync {
    /// A token that is good now. Called for every session: at the start, and when the last one is about to end.
    ///
    /// # Errors
    /// Whatever kept it from being fetched; reported as it is. A kind that passes is tried again by the next call.
    async fn token(&self) -> Result<SecretString>;
}

/// Where the token comes from.
#[derive(Clone)]
#[non_exhaustive]
pub enum TokenSource {
    /// The environment variable of this name.
    Environment(String),
    /// A file, read again for every session.
    File(PathBuf),
    /// A function, called for every session.
    Callback(Arc<dyn ProvideToken>),
}

impl TokenSource {
    /// In words: `OIDC token from $DEPLOY_TOKEN`.
    #[must_use]
    pub fn description(&self) -> String {
        match self {
            Self::Environment(name) => format!("OIDC token from ${name}"),
            Self::File(path) => format!("OIDC token from {}", path.display()),
            Self::Callback(_) => "OIDC token from a callback".to_owned(),
        }
    }

    /// What the token is called in problems: the variable or the file.
    pub(crate) fn field(&self) -> String {
        match self {
            Self::Environment(name) => name.clone(),
            Self::File(path) => path.display().to_string(),
            Self::Callback(_) => "the token".to_owned(),
        }
    }
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenSource({})", self.description())
    }
}
