//! Failures without an answer of the service: no credentials, no connection, a timeout.

use std::error::Error as StdError;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use landfall_core::error::redact;
use landfall_core::{Error, ErrorKind};

use super::{Again, Effect, Failure};
use crate::bounded::TooLarge;
use crate::raw::SHOWN;

/// What hyper says when a connection could not be made, and what the SDK's HTTP client says when that took too
/// long. The types behind these texts are not public. If the texts change, the effect is reported as unknown,
/// which is safe.
const NEVER_CONNECTED: [&str; 2] = ["client error (Connect)", "HTTP connect timeout occurred"];

/// A failure to get credentials, wherever in the SDK it came up. An error that landfall's own provider raised
/// comes out as it went in, and is not repeated: the provider has done that.
pub(super) fn of_credentials<E>(error: &SdkError<E, HttpResponse>) -> Option<Failure>
where
    E: StdError + 'static,
{
    if let Some(own) = chain(error).find_map(|source| source.downcast_ref::<Error>()) {
        return Some(Failure::without_answer(own.clone(), Effect::NotSent, Again::Never).told_by_provider());
    }
    let found = chain(error).find_map(|source| source.downcast_ref::<CredentialsError>())?;
    let again = match found {
        CredentialsError::ProviderTimedOut(_) => Again::Soon,
        _ => Again::Never,
    };
    Some(Failure::without_answer(of_provider(found), Effect::NotSent, again))
}

/// What an error of a credentials provider means: landfall's own as it was raised, [`ErrorKind::Transient`] when getting
/// credentials took too long, [`ErrorKind::Auth`] otherwise. For those that sign without a call of the SDK.
#[must_use]
pub fn of_provider(error: &CredentialsError) -> Error {
    if let Some(own) = chain(error).find_map(|source| source.downcast_ref::<Error>()) {
        return own.clone();
    }
    match error {
        CredentialsError::ProviderTimedOut(_) => {
            Error::new(ErrorKind::Transient, "getting credentials took too long").with_source(error)
        }
        // Not loaded, or refused by the last provider of the chain, which speaks for all of them: usually to say
        // that this is no machine of EC2's.
        _ => {
            let none = Error::new(ErrorKind::Auth, "there are no usable credentials").with_source(error);
            none.with_hint(GET_CREDENTIALS)
        }
    }
}

/// What to do without credentials.
const GET_CREDENTIALS: &str = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name an OIDC token and a role \
                               (--oidc-token-env, --role-arn); on an unprotected ref, GitLab leaves protected \
                               variables empty";

/// Any other failure without a usable answer.
pub(super) fn failure<E>(error: &SdkError<E, HttpResponse>) -> Failure
where
    E: StdError + 'static,
{
    let never_connected = chain(error).any(|source| {
        let text = source.to_string();
        NEVER_CONNECTED.iter().any(|known| text.contains(known))
    });
    let too_large = chain(error).find_map(|source| source.downcast_ref::<TooLarge>());
    match error {
        _ if too_large.is_some() => {
            let error = Error::internal(too_large.map(ToString::to_string).unwrap_or_default());
            Failure::without_answer(error.with_hint(NOT_AWS), Effect::Unknown, Again::Never)
        }
        SdkError::ConstructionFailure(_) => Failure::without_answer(
            Error::internal("the request could not be made").with_source(error),
            Effect::NotSent,
            Again::Never,
        ),
        SdkError::DispatchFailure(dispatch) if dispatch.is_user() => Failure::without_answer(
            Error::internal("the request could not be sent").with_source(error),
            Effect::NotSent,
            Again::Never,
        ),
        _ if never_connected => Failure::without_answer(not_connected(error), Effect::NotSent, Again::Soon),
        SdkError::TimeoutError(_) => passing("no answer came in time", error),
        SdkError::DispatchFailure(dispatch) if dispatch.is_timeout() => {
            passing("no answer came in time", error)
        }
        SdkError::DispatchFailure(_) => passing("the connection broke before an answer came", error),
        _ => passing("the answer could not be read", error),
    }
}

const NOT_AWS: &str = "no answer of AWS is that large: check AWS_ENDPOINT_URL and the proxy variables";

/// An answer that the SDK could make nothing of: of something between us and AWS, or of a server that is not AWS.
pub(super) fn unreadable<E>(error: &SdkError<E, HttpResponse>, response: &HttpResponse) -> Failure
where
    E: StdError + 'static,
{
    let failure = failure(error);
    let status = response.status().as_u16();
    // A body that broke off is not there; then the connection is what there is to tell about.
    let Some(bytes) = response.body().bytes() else {
        return failure.map(|error| error.while_doing(format!("HTTP {status}")));
    };
    let text = String::from_utf8_lossy(bytes);
    let shown = match text.trim() {
        "" => "an empty body".to_owned(),
        text => redact(text).chars().take(SHOWN).collect(),
    };
    failure.map(|error| {
        let message = format!("HTTP {status} with an answer that is not one of AWS: {shown}");
        Error::new(error.kind(), message)
            .with_causes(error.causes().iter().cloned())
            .with_hint("something else than AWS answered: check AWS_ENDPOINT_URL and the proxy variables")
    })
}

fn passing(message: &str, error: &dyn StdError) -> Failure {
    let error = Error::new(ErrorKind::Transient, message).with_source(error);
    Failure::without_answer(error, Effect::Unknown, Again::Soon)
}

fn not_connected(error: &(dyn StdError + 'static)) -> Error {
    let text = chain(error).map(ToString::to_string).collect::<Vec<_>>().join(": ");
    let hint = if text.contains("certificate") {
        "the server's certificate is not trusted: set AWS_CA_BUNDLE to the certificate of the proxy or the local \
         server, or install the system's root certificates (package ca-certificates)"
    } else if text.contains("dns") || text.contains("lookup") {
        "the name of the endpoint is not known: check the region, AWS_ENDPOINT_URL and the name server"
    } else {
        "check that the endpoint can be reached from here: AWS_ENDPOINT_URL, HTTPS_PROXY, NO_PROXY, firewall"
    };
    Error::new(ErrorKind::Transient, "no connection could be made").with_source(error).with_hint(hint)
}

/// An error and all that lies below it.
fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |inner| (**inner).source())
}
