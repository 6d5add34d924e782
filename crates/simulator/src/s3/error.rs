//! S3's refusals, in the words of "Error responses" in the API reference.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use s3s::{S3Error, S3ErrorCode};

fn error(code: S3ErrorCode, message: &'static str) -> S3Error {
    S3Error::with_message(code, message)
}

pub(crate) fn no_such_bucket() -> S3Error {
    error(S3ErrorCode::NoSuchBucket, "The specified bucket does not exist")
}

pub(crate) fn no_such_key() -> S3Error {
    error(S3ErrorCode::NoSuchKey, "The specified key does not exist.")
}

pub(crate) fn no_such_version() -> S3Error {
    error(S3ErrorCode::NoSuchVersion, "The specified version does not exist.")
}

pub(crate) fn no_such_upload() -> S3Error {
    error(
        S3ErrorCode::NoSuchUpload,
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or \
         completed.",
    )
}

pub(crate) fn access_denied() -> S3Error {
    error(S3ErrorCode::AccessDenied, "Access Denied")
}

pub(crate) fn precondition_failed() -> S3Error {
    error(S3ErrorCode::PreconditionFailed, "At least one of the pre-conditions you specified did not hold")
}

pub(crate) fn bad_digest(algorithm: &str) -> S3Error {
    let message = format!("The {algorithm} you specified did not match the calculated checksum.");
    S3Error::with_message(S3ErrorCode::BadDigest, message)
}

pub(crate) fn invalid_request(message: impl Into<String>) -> S3Error {
    S3Error::with_message(S3ErrorCode::InvalidRequest, message.into())
}

pub(crate) fn invalid_argument(message: &'static str) -> S3Error {
    error(S3ErrorCode::InvalidArgument, message)
}

pub(crate) fn invalid_part() -> S3Error {
    error(
        S3ErrorCode::InvalidPart,
        "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified \
         entity tag may not match the part's entity tag.",
    )
}

pub(crate) fn invalid_part_order() -> S3Error {
    error(
        S3ErrorCode::InvalidPartOrder,
        "The list of parts was not in ascending order. Parts must be ordered by part number.",
    )
}

pub(crate) fn too_small() -> S3Error {
    error(S3ErrorCode::EntityTooSmall, "Your proposed upload is smaller than the minimum allowed size")
}

/// The bucket is in another region: the header names it, which is all that a HEAD request can see.
pub(crate) fn other_region(region: &str) -> S3Error {
    let mut error = error(
        S3ErrorCode::PermanentRedirect,
        "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all \
         future requests to this endpoint.",
    );
    error.set_status_code(StatusCode::MOVED_PERMANENTLY);
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(region) {
        headers.insert(HeaderName::from_static("x-amz-bucket-region"), value);
    }
    headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    error.set_headers(headers);
    error
}
