//! Bodies sent and received as they are, through the SDK's endpoint, credentials and signing.
//!
//! The SDK's types drop every member that they do not know: a field that AWS added yesterday would vanish from a
//! task definition on its way through them. An [`Exchange`] lets the SDK make, sign and send the request, and
//! puts the caller's own bytes in and takes the server's own bytes out.
//!
//! ```no_run
//! # use landfall_aws::failure::Failure;
//! # async fn example(client: &aws_sdk_ecs::Client, body: Vec<u8>) -> Result<serde_json::Value, Failure> {
//! use landfall_aws::raw::Exchange;
//!
//! let exchange = Exchange::new(body);
//! let sent = client.register_task_definition().customize().interceptor(exchange.clone()).send().await;
//! let answer = exchange.answered(sent)?;
//! Ok(answer.json("RegisterTaskDefinition")?)
//! # }
//! ```

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextMut, BeforeTransmitInterceptorContextMut,
    FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;
use bytes::Bytes;
use jiff::Timestamp;
use landfall_core::error::redact;
use landfall_core::{Error, ErrorKind, Result};
use serde::de::DeserializeOwned;

use crate::bounded::bound;
use crate::failure::Failure;

/// How much of an answer that is not JSON is shown: enough to recognise a proxy's error page.
pub(crate) const SHOWN: usize = 200;

/// One request and its answer, byte for byte. A clone is the same exchange: give the clone to the SDK as an
/// interceptor and ask the original for the answer.
///
/// `Debug` shows lengths and never contents, because bodies may hold secrets of the user's.
#[derive(Clone)]
pub struct Exchange {
    body: Option<Bytes>,
    answer: Arc<Mutex<Option<Answer>>>,
}

impl Exchange {
    /// Sends `body` instead of what the SDK made of its typed input, in every attempt.
    #[must_use]
    pub fn new(body: impl Into<Bytes>) -> Self {
        Self { body: Some(body.into()), answer: Arc::default() }
    }

    /// Sends what the SDK made and only captures the answer.
    #[must_use]
    pub fn capture() -> Self {
        Self { body: None, answer: Arc::default() }
    }

    /// The last answer that the server gave, whether or not the SDK could make sense of it. `None` before the
    /// call and when no answer came or its body broke off.
    #[must_use]
    pub fn answer(&self) -> Option<Answer> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The answer of a call that succeeded, even when only the SDK's types did not fit it.
    ///
    /// # Errors
    /// The failure of the call. An answer with a status of 200 to 299 that the SDK could not parse is not a
    /// failure: its bytes are what was asked for.
    pub fn answered<T, E>(
        &self,
        sent: std::result::Result<T, SdkError<E, HttpResponse>>,
    ) -> Result<Answer, Failure>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let accepted = self.answer().filter(|answer| (200..300).contains(&answer.status));
        match (sent, accepted) {
            (Ok(_) | Err(SdkError::ResponseError(_) | SdkError::ServiceError(_)), Some(answer)) => Ok(answer),
            (Err(error), _) => Err(Failure::from(error)),
            (Ok(_), None) => {
                Err(Error::internal("the SDK reported success, but no answer of the server was seen").into())
            }
        }
    }

    fn set(&self, answer: Option<Answer>) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = answer;
    }
}

#[dyn_dispatch_hint]
impl Intercept for Exchange {
    fn name(&self) -> &'static str {
        "landfall::raw::Exchange"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.set(None);
        if let Some(body) = &self.body {
            let request = context.request_mut();
            request.headers_mut().insert("content-length", body.len().to_string());
            *request.body_mut() = SdkBody::from(body.clone());
        }
        Ok(())
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        bound(context.response_mut());
        Ok(())
    }

    // After the attempt and not after deserialisation: it is called when that failed as well.
    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.set(context.response().and_then(Answer::of));
        Ok(())
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("body_bytes", &self.body.as_ref().map(Bytes::len))
            .field("answer", &self.answer())
            .finish()
    }
}

/// What the server sent back.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// The body as it came.
    pub body: Bytes,
    /// HTTP status.
    pub status: u16,
    /// The server's clock when it answered, to the second; from the `Date` header.
    pub date: Option<Timestamp>,
    /// What AWS support asks for.
    pub request_id: Option<String>,
}

impl Answer {
    fn of(response: &HttpResponse) -> Option<Self> {
        Some(Self {
            body: Bytes::copy_from_slice(response.body().bytes()?),
            status: response.status().as_u16(),
            date: date_of(response),
            request_id: response.request_id().map(str::to_owned),
        })
    }

    /// The body as JSON. `operation` is named in errors.
    ///
    /// # Errors
    /// [`ErrorKind::Transient`] for a page of HTML and for JSON that breaks off: something between us and AWS, or
    /// a server in trouble. [`ErrorKind::Internal`] for any other answer that is not what was expected. The error
    /// shows the start of an answer that is not JSON, up to the first brace; of JSON it shows the place of the problem
    /// only, since values may be secrets of the user's.
    pub fn json<T: DeserializeOwned>(&self, operation: &str) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(|error| self.unreadable(operation, &error))
    }

    fn unreadable(&self, operation: &str, error: &serde_json::Error) -> Error {
        let text = String::from_utf8_lossy(&self.body);
        let text = text.trim_start();
        let (status, bytes) = (self.status, self.body.len());
        let told = self.request_id.as_ref().map(|id| format!(" (request {id})")).unwrap_or_default();
        if text.starts_with(['{', '[']) {
            let (line, column) = (error.line(), error.column());
            let (kind, what) = match error.classify() {
                serde_json::error::Category::Eof => (ErrorKind::Transient, "breaks off"),
                serde_json::error::Category::Data => (ErrorKind::Internal, "is not of the expected form"),
                _ => (ErrorKind::Internal, "is not valid JSON"),
            };
            let message = format!(
                "{operation}: the answer (HTTP {status}, {bytes} bytes) {what} at line {line}, column {column}{told}"
            );
            return Error::new(kind, message);
        }
        let html = text.get(..1) == Some("<");
        let kind = if html || text.is_empty() { ErrorKind::Transient } else { ErrorKind::Internal };
        let what = if html { "a page of HTML or XML" } else { "no JSON" };
        // Something before an answer of ECS, or a page that quotes one.
        let before = text.split('{').next().unwrap_or_default();
        let shown: String = redact(before).chars().take(SHOWN).collect();
        Error::new(
            kind,
            format!("{operation}: the answer (HTTP {status}, {bytes} bytes) is {what}{told}: {shown}"),
        )
        .with_hint("something else than AWS answered: check AWS_ENDPOINT_URL and the proxy variables")
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .field("date", &self.date)
            .field("request_id", &self.request_id)
            .finish()
    }
}

/// The server's clock, from the `Date` header.
pub(crate) fn date_of(response: &HttpResponse) -> Option<Timestamp> {
    use aws_smithy_types::date_time::{DateTime, Format};
    let date = DateTime::from_str(response.headers().get("date")?, Format::HttpDate).ok()?;
    Timestamp::from_second(date.secs()).ok()
}

#[cfg(test)]
mod tests;
