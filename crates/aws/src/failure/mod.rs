//! What an error of the SDK means.
//!
//! A [`Failure`] is made of any `SdkError` with `?` and says three things beside the [`Error`] that a person is
//! shown: AWS's code, whether the call may have been carried out ([`Effect`]), and whether it is worth repeating
//! ([`Again`]). [`crate::call`] acts on the last two.

mod classify;
mod denial;
#[cfg(test)]
pub(crate) mod tests;
mod transport;

use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;
use jiff::{SignedDuration, Timestamp};
use landfall_core::{Error, ErrorKind};

pub use denial::{Denial, DeniedBy};
pub use transport::of_provider;

use crate::raw::date_of;

/// Whether the call may have changed something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// It never left this machine.
    NotSent,
    /// It may have been carried out: the connection broke, the answer was lost, the server failed midway.
    Unknown,
    /// The service answered that it did not do it.
    Refused,
}

/// Whether the same call may succeed if it is made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Again {
    /// No: somebody has to change something first.
    Never,
    /// Yes, more slowly: the service asked for that.
    Slower,
    /// Yes, soon: the fault may pass.
    Soon,
}

/// A call that failed. Boxed, so that a `Result` of a call stays small.
#[derive(Debug, Clone)]
pub struct Failure(Box<Details>);

#[derive(Debug, Clone)]
struct Details {
    error: Error,
    code: Option<String>,
    status: Option<u16>,
    request_id: Option<String>,
    effect: Effect,
    again: Again,
    wait: Option<Duration>,
    date: Option<Timestamp>,
    denial: Option<Denial>,
    /// The error names its call already: it is one of a credentials provider, that has made calls of its own.
    titled: bool,
}

impl Failure {
    /// What a person is told.
    #[must_use]
    pub fn error(&self) -> &Error {
        &self.0.error
    }

    /// What the error means; the same as that of [`Failure::error`].
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.error.kind()
    }

    /// AWS's own name for it, without a namespace: `AccessDeniedException`.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// HTTP status of the answer, if there was one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// What AWS support asks for.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// Whether the call may have been carried out.
    #[must_use]
    pub fn effect(&self) -> Effect {
        self.0.effect
    }

    /// Whether it is worth repeating.
    #[must_use]
    pub fn again(&self) -> Again {
        self.0.again
    }

    /// How long the service asked us to wait, at most 20 seconds.
    #[must_use]
    pub fn wait(&self) -> Option<Duration> {
        self.0.wait
    }

    /// The server's clock when it answered.
    #[must_use]
    pub fn date(&self) -> Option<Timestamp> {
        self.0.date
    }

    /// Who may not do what, for [`ErrorKind::Denied`] when AWS says it.
    #[must_use]
    pub fn denial(&self) -> Option<&Denial> {
        self.0.denial.as_ref()
    }

    /// The same failure with another error, for a service crate that knows better what a code means: ECS answers
    /// `ClientException` for a task definition that does not exist. An error of a kind that does not pass is not
    /// repeated.
    #[must_use]
    pub fn map(mut self, change: impl FnOnce(Error) -> Error) -> Self {
        self.0.error = change(self.0.error.clone());
        if !self.0.error.kind().is_passing() {
            self.0.again = Again::Never;
        }
        self
    }

    /// The same failure, said to be of another kind.
    #[must_use]
    pub fn with_kind(self, kind: ErrorKind) -> Self {
        self.map(|error| {
            let mut other = Error::new(kind, error.message()).with_causes(error.causes().iter().cloned());
            if let Some(hint) = error.hint() {
                other = other.with_hint(hint);
            }
            other
        })
    }

    /// Puts the call's title before the message, once.
    pub(crate) fn titled(mut self, title: &str) -> Self {
        if !std::mem::replace(&mut self.0.titled, true) {
            self.0.error = self.0.error.clone().while_doing(title);
        }
        self
    }

    /// Whether the service calls the session of the signature ended.
    pub(crate) fn says_session_ended(&self) -> bool {
        matches!(self.code(), Some("ExpiredToken" | "ExpiredTokenException"))
    }

    /// By how much the server's clock was ahead of ours when it refused a signature; `None` when that was not the
    /// reason or the difference is one that signatures tolerate.
    pub(crate) fn skew(&self, now: Timestamp) -> Option<SignedDuration> {
        let ahead = self.0.date?.duration_since(now);
        (self.code().is_some_and(classify::is_of_clock) && ahead.abs() > classify::TOLERATED_SKEW)
            .then_some(ahead)
    }

    fn of_answer(
        code: Option<String>,
        message: &str,
        response: &HttpResponse,
        request_id: Option<String>,
    ) -> Self {
        let status = response.status().as_u16();
        let meaning = classify::meaning(code.as_deref(), message, status);
        let denial = (meaning.kind == ErrorKind::Denied).then(|| Denial::parse(message)).flatten();
        let mut error = Error::new(
            meaning.kind,
            classify::sentence(
                code.as_deref(),
                message,
                status,
                request_id.as_deref(),
                response.body().bytes(),
            ),
        );
        if let Some(denial) = &denial {
            error = error.with_cause(denial.cause()).with_hint(denial.hint());
        } else if let Some(hint) = classify::hint(code.as_deref(), meaning.kind, status) {
            error = error.with_hint(hint);
        }
        Self(Box::new(Details {
            error,
            code,
            status: Some(status),
            request_id,
            effect: meaning.effect,
            again: meaning.again,
            wait: classify::asked_to_wait(response),
            date: date_of(response),
            denial,
            titled: false,
        }))
    }

    fn answered_by(mut self, response: &HttpResponse, request_id: Option<String>) -> Self {
        self.0.status = Some(response.status().as_u16());
        self.0.date = date_of(response);
        self.0.request_id = request_id;
        self
    }

    fn told_by_provider(mut self) -> Self {
        self.0.titled = true;
        self
    }

    fn without_answer(error: Error, effect: Effect, again: Again) -> Self {
        Self(Box::new(Details {
            error,
            code: None,
            status: None,
            request_id: None,
            effect,
            again,
            wait: None,
            date: None,
            denial: None,
            titled: false,
        }))
    }
}

impl<E> From<SdkError<E, HttpResponse>> for Failure
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    fn from(error: SdkError<E, HttpResponse>) -> Self {
        if let Some(failure) = transport::of_credentials(&error) {
            return failure;
        }
        let request_id = error.request_id().map(str::to_owned);
        match &error {
            SdkError::ServiceError(service) => {
                let meta = service.err().meta();
                let request_id = request_id.or_else(|| meta.request_id().map(str::to_owned));
                let code = meta.code().map(classify::plain_code);
                // A success that the SDK's types do not fit: the call was carried out.
                if code.is_none() && service.raw().status().is_success() {
                    let error =
                        Error::internal("AWS reported success in a form that the SDK does not understand");
                    return Self::without_answer(
                        error.with_source(service.err()),
                        Effect::Unknown,
                        Again::Never,
                    )
                    .answered_by(service.raw(), request_id);
                }
                Self::of_answer(code, meta.message().unwrap_or_default(), service.raw(), request_id)
            }
            SdkError::ResponseError(response) => {
                transport::unreadable(&error, response.raw()).answered_by(response.raw(), request_id)
            }
            other => transport::failure(other),
        }
    }
}

/// An error of landfall's own amid a call, such as an answer that makes no sense. Whether the call was carried
/// out is unknown; it is worth repeating if its kind is one that passes.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let again = match error.kind() {
            ErrorKind::Throttled => Again::Slower,
            ErrorKind::Transient => Again::Soon,
            _ => Again::Never,
        };
        Self::without_answer(error, Effect::Unknown, again)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        failure.0.error
    }
}
