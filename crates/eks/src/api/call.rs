//! One request and its whole answer.

use std::fmt;
use std::sync::PoisonError;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, DATE, HeaderMap};
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Limited};
use jiff::Timestamp;
use landfall_core::event::{EventKind, Level};
use landfall_core::wait::{Delays, Pace};
use landfall_core::{Context, Error, ErrorKind};
use tokio::time::Instant;

use super::Api;
use super::explain::{Answered, Fault, Refusal};
use super::mask::Mask;
use super::object::At;
use super::status::Status;
use crate::access::Body;

/// How long an answer may take from its first byte to its last.
const ANSWER_ENDS: Duration = Duration::from_secs(60);

/// As much as one answer may hold: 500 objects of the largest kind would be more, and no list comes near it.
const LARGEST_ANSWER: usize = 256 * 1024 * 1024;

/// How long a request is repeated whose refusal may pass. `apply` is to be short; the life cycle repeats it beyond.
const REPEATED_FOR: Duration = Duration::from_secs(20);

/// Pauses before a repetition.
const PAUSES: Pace = Pace::growing(Duration::from_millis(250), Duration::from_secs(3));

/// What was asked for, for messages: `Deployment shop/web cannot be applied`.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// `cannot be applied`.
    failed: &'static str,
    /// `Deployment shop/web`.
    subject: String,
    /// The namespace it is in.
    pub(super) namespace: Option<String>,
    /// What is sent is a Secret: the server's words about it are masked.
    secret: bool,
}

impl Asked {
    pub(super) fn of(failed: &'static str, subject: impl Into<String>, namespace: Option<&str>) -> Self {
        Self { failed, subject: subject.into(), namespace: namespace.map(str::to_owned), secret: false }
    }

    pub(super) fn at(failed: &'static str, at: &At) -> Self {
        let secret = at.resource().kind == "Secret" && at.resource().group.is_empty();
        Self { secret, ..Self::of(failed, at.to_string(), at.namespace()) }
    }

    /// An answer that makes no sense.
    pub(super) fn nonsense(&self, why: &dyn std::error::Error) -> Error {
        Error::internal(format!("{self}: the server's answer cannot be read")).with_source(why)
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.subject, self.failed)
    }
}

/// An answer that is a success.
pub(super) struct Answer {
    pub(super) code: u16,
    /// The server's time.
    pub(super) date: Option<Timestamp>,
    pub(super) body: Bytes,
}

impl Answer {
    pub(super) fn json<T: serde::de::DeserializeOwned>(&self, asked: &Asked) -> Answered<T> {
        serde_json::from_slice(&self.body).map_err(|error| asked.nonsense(&error).into())
    }
}

/// A request of this method, that takes JSON for an answer.
pub(super) fn request(
    method: Method,
    address: &str,
    content: Option<(&str, Bytes)>,
) -> Answered<Request<Bytes>> {
    accepting("application/json", method, address, content)
}

pub(super) fn accepting(
    accept: &str,
    method: Method,
    address: &str,
    content: Option<(&str, Bytes)>,
) -> Answered<Request<Bytes>> {
    let mut builder = Request::builder().method(method).uri(address).header(ACCEPT, accept);
    let mut body = Bytes::new();
    if let Some((kind, content)) = content {
        builder = builder.header(CONTENT_TYPE, kind);
        body = content;
    }
    builder.body(body).map_err(|error| {
        Error::internal(format!("no request can be made to `{address}`")).with_source(&error).into()
    })
}

impl Api {
    /// Sends a request and reads the whole answer; repeats it while its refusal may pass.
    pub(super) async fn call(
        &self,
        cx: &Context,
        asked: &Asked,
        request: Request<Bytes>,
    ) -> Answered<Answer> {
        let mask = if asked.secret { Mask::of_secret(request.body()) } else { Mask::default() };
        let begun = Instant::now();
        let mut pauses = Delays::new(PAUSES, &format!("{}/{}", cx.id(), request.uri()));
        loop {
            let answer = self.0.server.send(cx, request.clone()).await?;
            self.warn(cx, answer.headers());
            let (code, date) = (answer.status(), date_of(answer.headers()));
            let body = whole(asked, answer).await?;
            if code.is_success() {
                return Ok(Answer { code: code.as_u16(), date, body });
            }
            let refusal = Refusal::new(asked.clone(), Status::read(code.as_u16(), &body), &mask);
            let pause = pauses.next(false, false);
            let late = begun.elapsed() + pause > REPEATED_FOR;
            if !refusal.meaning().passes() || late || cx.is_cancelled() {
                return Err(Fault::Refused(Box::new(refusal)));
            }
            let delay_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
            cx.emit(EventKind::Retrying { error: refusal.error(), delay_ms });
            tokio::select! {
                biased;
                () = cx.cancelled() => return Err(Fault::Refused(Box::new(refusal))),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Tells what the server warns of: deprecated kinds, fields that it drops. Each warning once.
    fn warn(&self, cx: &Context, headers: &HeaderMap) {
        for header in headers.get_all("warning") {
            let Some(text) = header.to_str().ok().and_then(warning) else { continue };
            let mut told = self.0.told.lock().unwrap_or_else(PoisonError::into_inner);
            if told.insert(text.clone()) {
                drop(told);
                cx.note(Level::Warning, "server-warning", format!("the API server warns: {text}"));
            }
        }
    }
}

/// The text of `299 - "text"` (RFC 7234, section 5.5).
fn warning(header: &str) -> Option<String> {
    let quoted = header.split_once('"')?.1.rsplit_once('"')?.0;
    let mut text = String::with_capacity(quoted.len());
    let mut letters = quoted.chars();
    while let Some(letter) = letters.next() {
        text.extend(if letter == '\\' { letters.next() } else { Some(letter) });
    }
    Some(text)
}

fn date_of(headers: &HeaderMap) -> Option<Timestamp> {
    let text = headers.get(DATE)?.to_str().ok()?;
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

/// The whole body of an answer.
pub(super) async fn whole(asked: &Asked, answer: Response<Body>) -> Answered<Bytes> {
    let broken = |why: &str| {
        Fault::Failed(Error::new(ErrorKind::Transient, format!("{asked}: the answer broke off: {why}")))
    };
    let reading = Limited::new(answer.into_body(), LARGEST_ANSWER).collect();
    match tokio::time::timeout(ANSWER_ENDS, reading).await {
        Err(_) => Err(broken(&format!("it took more than {} seconds", ANSWER_ENDS.as_secs()))),
        Ok(Err(error)) => Err(broken(&error.to_string())),
        Ok(Ok(body)) => Ok(body.to_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::{date_of, warning};
    use http::header::{DATE, HeaderMap, HeaderValue};

    #[test]
    fn headers_are_read() {
        assert_eq!(warning(r#"299 - "use \"v1\" instead""#).as_deref(), Some(r#"use "v1" instead"#));
        assert_eq!(warning("299 -"), None);
        let mut headers = HeaderMap::new();
        assert_eq!(date_of(&headers), None);
        headers.insert(DATE, HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT"));
        assert_eq!(date_of(&headers).unwrap().to_string(), "1994-11-06T08:49:37Z");
    }
}
