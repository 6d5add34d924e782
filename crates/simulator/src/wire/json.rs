//! awsJson1.1: <https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html>.

use http::{Response, StatusCode, header};
use jiff::Timestamp;

use super::{Object, ServiceError};
use bytes::Bytes;

const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// A timestamp as awsJson writes it: epoch seconds with milliseconds.
pub(crate) fn epoch(at: Timestamp) -> f64 {
    // Milliseconds since 1970 are exact in an f64 until the year 287,396.
    at.as_millisecond() as f64 / 1_000.0
}

pub(crate) fn success(object: &Object) -> Response<Bytes> {
    respond(StatusCode::OK, object.to_json())
}

pub(crate) fn failure(error: &ServiceError) -> Response<Bytes> {
    let mut body = Object::default();
    body.put("__type", &error.code).put("message", &error.message);
    // IAM's refusals spell the member with a capital letter on awsJson services; SDKs accept both.
    if error.code == "AccessDeniedException" {
        body.remove("message");
        body.put("Message", &error.message);
    }
    respond(StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST), body.to_json())
}

fn respond(status: StatusCode, text: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(CONTENT_TYPE));
    response
}
