//! restJson1: <https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html>.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

use super::{Object, ServiceError};

pub(crate) fn success(object: &Object) -> Response<Bytes> {
    respond(StatusCode::OK, object)
}

/// The code of an error is in a header.
pub(crate) fn failure(error: &ServiceError) -> Response<Bytes> {
    let mut body = Object::default();
    body.put("message", &error.message);
    let mut response = respond(StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST), &body);
    if let Ok(code) = HeaderValue::from_str(&error.code) {
        response.headers_mut().insert("x-amzn-errortype", code);
    }
    response
}

fn respond(status: StatusCode, object: &Object) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(object.to_json()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
