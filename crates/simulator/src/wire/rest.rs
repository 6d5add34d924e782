//! restXml, as far as errors go: <https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html>. S3's have no
//! `ErrorResponse` around them ("REST error responses" in its API reference).

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

use super::ServiceError;
use super::query::element;

pub(crate) fn failure(error: &ServiceError, request_id: &str) -> Response<Bytes> {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>");
    element(&mut text, "Code", &error.code);
    element(&mut text, "Message", &error.message);
    element(&mut text, "RequestId", request_id);
    text.push_str("</Error>");
    let mut response = Response::new(Bytes::from(text));
    *response.status_mut() = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    response
}

/// The error code in an answer that is none of success.
pub(crate) fn code_of(response: &Response<Bytes>) -> Option<String> {
    if response.status().is_success() {
        return None;
    }
    let text = String::from_utf8_lossy(response.body());
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    Some(code.map_or_else(|| response.status().as_str().to_owned(), |(code, _)| code.to_owned()))
}
