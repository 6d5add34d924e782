//! Answers that are changed on their way: what a broken proxy, a cache, or a server that only resembles AWS would send.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Response, StatusCode};

/// An answer on its way to the client, as the simulated AWS gave it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Answered {
    /// The operation that was called, such as `DescribeServices`; empty when the request names none.
    pub operation: String,
    /// HTTP status.
    pub status: StatusCode,
    /// HTTP headers.
    pub headers: HeaderMap,
    /// The body, JSON or XML.
    pub body: Bytes,
}

/// Changes answers. Called after the operation took effect, in the order of the calls.
#[derive(Clone)]
pub(crate) struct Alter(Arc<dyn Fn(&mut Answered) + Send + Sync>);

impl Alter {
    pub(crate) fn new(change: impl Fn(&mut Answered) + Send + Sync + 'static) -> Self {
        Self(Arc::new(change))
    }

    pub(crate) fn apply(&self, operation: String, response: Response<Bytes>) -> Response<Bytes> {
        let (mut head, body) = response.into_parts();
        let mut answered = Answered { operation, status: head.status, headers: head.headers, body };
        (self.0)(&mut answered);
        head.status = answered.status;
        head.headers = answered.headers;
        Response::from_parts(head, answered.body)
    }
}

impl fmt::Debug for Alter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Alter(..)")
    }
}

/// The operation of a request: behind the dot of `X-Amz-Target`, the form's `Action`, or what S3 and EKS make of the address.
pub(crate) fn operation_of(head: &Parts, body: &[u8]) -> String {
    if crate::s3::is_ours(head) {
        return crate::s3::operation(head).to_owned();
    }
    if crate::eks::is_ours(head) {
        return crate::eks::operation(head);
    }
    let target = head.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    if let Some((_, operation)) = target.and_then(|target| target.rsplit_once('.')) {
        return operation.to_owned();
    }
    let action = form_urlencoded::parse(body).find(|(name, _)| name == "Action");
    action.map(|(_, operation)| operation.into_owned()).unwrap_or_default()
}
