//! Whether a request was signed by somebody the directory knows.

use std::time::Duration;

use jiff::Timestamp;

use super::{Directory, Principal};
use crate::clock::{earlier, later};
use crate::wire::sigv4::{Authorization, Unsigned, basic_date, header_text};
use crate::wire::{Protocol, Received, ServiceError};

/// How far the caller's clock may be off; S3 allows more (`RequestTimeTooSkewed` in its "Error responses").
const SKEW: Duration = Duration::from_secs(300);
const SKEW_OF_S3: Duration = Duration::from_secs(900);

/// Why a request was not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AuthenticationError {
    Missing,
    Incomplete(String),
    UnknownKey,
    Expired,
    Skewed,
    Mismatch(String),
}

impl AuthenticationError {
    /// In the words of the protocol. The codes are those of "Common errors" in the API references; the statuses are
    /// what services answer in practice (those of awsJson 400 throughout).
    pub(crate) fn for_protocol(&self, protocol: Protocol) -> ServiceError {
        if protocol == Protocol::RestXml {
            return self.for_s3();
        }
        let json = matches!(protocol, Protocol::Json | Protocol::RestJson);
        let status = if protocol == Protocol::Json { 400 } else { 403 };
        match self {
            Self::Missing if json => ServiceError::new(
                status,
                "MissingAuthenticationTokenException",
                "Missing Authentication Token",
            ),
            Self::Missing => ServiceError::new(
                403,
                "MissingAuthenticationToken",
                "Request is missing Authentication Token",
            ),
            Self::Incomplete(message) => {
                let code = if json { "IncompleteSignatureException" } else { "IncompleteSignature" };
                ServiceError::new(if protocol == Protocol::RestJson { 403 } else { 400 }, code, message)
            }
            Self::UnknownKey => {
                let code = if json { "UnrecognizedClientException" } else { "InvalidClientTokenId" };
                ServiceError::new(status, code, "The security token included in the request is invalid.")
            }
            Self::Expired => {
                let code = if json { "ExpiredTokenException" } else { "ExpiredToken" };
                ServiceError::new(status, code, "The security token included in the request is expired")
            }
            Self::Skewed => ServiceError::new(status, "RequestExpired", "Request has expired."),
            Self::Mismatch(message) => {
                let code = if json { "InvalidSignatureException" } else { "SignatureDoesNotMatch" };
                ServiceError::new(status, code, message)
            }
        }
    }
}

impl AuthenticationError {
    /// "List of error codes" in S3's API reference.
    fn for_s3(&self) -> ServiceError {
        match self {
            Self::Missing => ServiceError::new(403, "AccessDenied", "Access Denied"),
            Self::Incomplete(message) => ServiceError::new(400, "AuthorizationHeaderMalformed", message),
            Self::UnknownKey => ServiceError::new(
                403,
                "InvalidAccessKeyId",
                "The AWS Access Key Id you provided does not exist in our records.",
            ),
            Self::Expired => ServiceError::new(400, "ExpiredToken", "The provided token has expired."),
            Self::Skewed => ServiceError::new(
                403,
                "RequestTimeTooSkewed",
                "The difference between the request time and the current time is too large.",
            ),
            Self::Mismatch(message) => ServiceError::new(403, "SignatureDoesNotMatch", message),
        }
    }
}

impl From<Unsigned> for AuthenticationError {
    fn from(unsigned: Unsigned) -> Self {
        match unsigned {
            Unsigned::Missing => Self::Missing,
            Unsigned::Incomplete(message) => Self::Incomplete(message),
        }
    }
}

/// The caller, if the signature is right.
pub(crate) fn authenticate(
    directory: &Directory,
    received: &Received,
    now: Timestamp,
) -> Result<Principal, AuthenticationError> {
    let authorization = Authorization::read(&received.head)?;
    let token = header_text(&received.head, "x-amz-security-token");
    let signer = (authorization.access_key_id.as_str(), authorization.region.as_str());
    let (secret, principal) = find(directory, signer, token.as_deref(), now)?;
    check_scope(&authorization, received)?;
    check_skew(&authorization, now)?;
    if !authorization.matches(&secret, &received.head, &received.body) {
        return Err(AuthenticationError::Mismatch(
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
             Access Key and signing method. Consult the service documentation for details."
                .to_owned(),
        ));
    }
    Ok(principal)
}

/// The caller that a request names, and its secret. Whether it signed with that is for `s3s` to verify.
pub(crate) fn identify(
    directory: &Directory,
    received: &Received,
    now: Timestamp,
) -> Result<(String, Principal), AuthenticationError> {
    let authorization = Authorization::read(&received.head)?;
    let token = header_text(&received.head, "x-amz-security-token");
    let signer = (authorization.access_key_id.as_str(), authorization.region.as_str());
    let found = find(directory, signer, token.as_deref(), now)?;
    let allowed = earlier(now, SKEW_OF_S3)..=later(now, SKEW_OF_S3);
    if !allowed.contains(&authorization.signed_at) {
        return Err(AuthenticationError::Skewed);
    }
    Ok(found)
}

/// The secret and the caller of an access key, in the region of its signature's scope.
pub(crate) fn find(
    directory: &Directory,
    (key, region): (&str, &str),
    token: Option<&str>,
    now: Timestamp,
) -> Result<(String, Principal), AuthenticationError> {
    if directory.ended.contains(key) {
        return Err(AuthenticationError::Expired);
    }
    if let Some(session) = directory.sessions.get(key) {
        if token != Some(session.token.as_str()) {
            return Err(AuthenticationError::UnknownKey);
        }
        if session.expires_at <= now {
            return Err(AuthenticationError::Expired);
        }
        let role =
            directory.accounts.get(&session.account).and_then(|account| account.roles.get(&session.role));
        let principal = Principal {
            account: session.account.clone(),
            arn: format!("arn:aws:sts::{}:assumed-role/{}/{}", session.account, session.role, session.name),
            user_id: format!("AROASIMULATED{}:{}", session.role.to_uppercase(), session.name),
            access_key_id: key.to_owned(),
            denied: role.map(|role| role.denied.clone()).unwrap_or_default(),
            region: region.to_owned(),
            session: Some(session.limits.clone()),
        };
        return Ok((session.secret.clone(), principal));
    }
    // A long-term key never comes with a session token.
    if token.is_some() {
        return Err(AuthenticationError::UnknownKey);
    }
    let users =
        directory.accounts.iter().flat_map(|(id, account)| account.users.iter().map(move |user| (id, user)));
    for (account, (name, user)) in users {
        if user.access_key_id == key {
            let principal = Principal {
                account: account.clone(),
                arn: format!("arn:aws:iam::{account}:user/{name}"),
                user_id: format!("AIDASIMULATED{}", name.to_uppercase()),
                access_key_id: key.to_owned(),
                denied: user.denied.clone(),
                region: region.to_owned(),
                session: None,
            };
            return Ok((user.secret_access_key.clone(), principal));
        }
    }
    Err(AuthenticationError::UnknownKey)
}

fn check_scope(authorization: &Authorization, received: &Received) -> Result<(), AuthenticationError> {
    let known = matches!(
        received.service.as_str(),
        "ecs" | "eks" | "logs" | "sts" | "elasticloadbalancing" | "autoscaling" | "tagging" | "ssm"
    );
    if known && authorization.service != received.service {
        let message = format!("Credential should be scoped to correct service: '{}'. ", received.service);
        return Err(AuthenticationError::Mismatch(message));
    }
    if !authorization.date.starts_with(&authorization.day) {
        let message = format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{}' != '{}', from '{}'.",
            authorization.day,
            authorization.date.get(..8).unwrap_or_default(),
            authorization.date,
        );
        return Err(AuthenticationError::Mismatch(message));
    }
    Ok(())
}

fn check_skew(authorization: &Authorization, now: Timestamp) -> Result<(), AuthenticationError> {
    let (oldest, newest) = (earlier(now, SKEW), later(now, SKEW));
    let date = &authorization.date;
    if authorization.signed_at < oldest {
        let (oldest, now) = (basic_date(oldest), basic_date(now));
        let message = format!("Signature expired: {date} is now earlier than {oldest} ({now} - 5 min.)");
        return Err(AuthenticationError::Mismatch(message));
    }
    if authorization.signed_at > newest {
        let (newest, now) = (basic_date(newest), basic_date(now));
        let message =
            format!("Signature not yet current: {date} is still later than {newest} ({now} + 5 min.)");
        return Err(AuthenticationError::Mismatch(message));
    }
    Ok(())
}
