//! Which operation a request is, from its method, path and query: S3 writes the operation nowhere else.
//!
//! Request syntax of each operation: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html>.

use http::Method;
use http::request::Parts;
use s3s::S3Result;
use s3s::host::{S3Host, VirtualHost};

use crate::wire::sigv4::header_text;

/// True for a request to S3: its signature's scope, or else its host, says so.
pub(crate) fn is_ours(head: &Parts) -> bool {
    match header_text(head, "authorization") {
        Some(authorization) => authorization.contains("/s3/aws4_request"),
        None => host(head).is_some_and(|host| split_host(&host).is_some_and(|(_, aws)| aws)),
    }
}

/// The host of a request. A client in this process has it in the URI only.
pub(crate) fn host(head: &Parts) -> Option<String> {
    header_text(head, "host").or_else(|| head.uri.authority().map(|authority| authority.as_str().to_owned()))
}

/// The bucket in front of a host, if there is one, and whether the host is one of AWS's. None for hosts of which only the
/// path says something.
fn split_host(host: &str) -> Option<(Option<&str>, bool)> {
    let host = host.rsplit_once(':').map_or(host, |(name, _)| name);
    if host == "localhost" {
        return Some((None, false));
    }
    if let Some(bucket) = host.strip_suffix(".localhost") {
        return Some((Some(bucket), false));
    }
    if !(host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn")) {
        return None;
    }
    if host.starts_with("s3.") {
        return Some((None, true));
    }
    host.rfind(".s3.").map(|at| (Some(&host[..at]), true))
}

/// Buckets as AWS's endpoints and `localhost` carry them in the host; any other host has them in the path.
#[derive(Debug)]
pub(crate) struct Hosts;

impl S3Host for Hosts {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        let found = VirtualHost::new(host);
        Ok(match split_host(host) {
            Some((Some(bucket), _)) => found.with_bucket(bucket),
            _ => found,
        })
    }
}

/// Bucket and key of a request, undecoded; empty when it has none.
pub(crate) fn target(head: &Parts) -> (String, String) {
    let host = host(head).unwrap_or_default();
    let path = head.uri.path().trim_start_matches('/');
    if let Some((Some(bucket), _)) = split_host(&host) {
        return (bucket.to_owned(), path.to_owned());
    }
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    (bucket.to_owned(), key.to_owned())
}

/// The operation's name; the method when it is none that is known here.
pub(crate) fn operation(head: &Parts) -> &str {
    let (bucket, key) = target(head);
    let query = head.uri.query().unwrap_or_default();
    let has = |name: &str| form_urlencoded::parse(query.as_bytes()).any(|(found, _)| found == name);
    match (&head.method, bucket.is_empty(), key.is_empty()) {
        (&Method::GET, true, _) => "ListBuckets",
        (method, false, true) => of_bucket(method, &has),
        (method, false, false) => of_object(method, &has),
        (method, ..) => method.as_str(),
    }
}

fn of_bucket<'a>(method: &'a Method, has: &dyn Fn(&str) -> bool) -> &'a str {
    match *method {
        Method::HEAD => "HeadBucket",
        Method::GET if has("location") => "GetBucketLocation",
        Method::GET if has("versioning") => "GetBucketVersioning",
        Method::GET if has("uploads") => "ListMultipartUploads",
        Method::GET if has("versions") => "ListObjectVersions",
        Method::GET if has("publicAccessBlock") => "GetPublicAccessBlock",
        Method::GET if has("encryption") => "GetBucketEncryption",
        Method::GET if has("lifecycle") => "GetBucketLifecycleConfiguration",
        Method::GET => "ListObjectsV2",
        Method::PUT if has("versioning") => "PutBucketVersioning",
        Method::PUT if has("publicAccessBlock") => "PutPublicAccessBlock",
        Method::PUT if has("encryption") => "PutBucketEncryption",
        Method::PUT if has("lifecycle") => "PutBucketLifecycleConfiguration",
        Method::PUT => "CreateBucket",
        _ => method.as_str(),
    }
}

fn of_object<'a>(method: &'a Method, has: &dyn Fn(&str) -> bool) -> &'a str {
    match *method {
        Method::HEAD => "HeadObject",
        Method::GET if has("uploadId") => "ListParts",
        Method::GET if has("tagging") => "GetObjectTagging",
        Method::GET => "GetObject",
        Method::PUT if has("partNumber") => "UploadPart",
        Method::PUT => "PutObject",
        Method::POST if has("uploads") => "CreateMultipartUpload",
        Method::POST if has("uploadId") => "CompleteMultipartUpload",
        Method::DELETE if has("uploadId") => "AbortMultipartUpload",
        Method::DELETE => "DeleteObject",
        _ => method.as_str(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    #[test]
    fn requests_are_told_apart_by_method_host_path_and_query() {
        let table = [
            ("GET", "https://s3.eu-central-1.amazonaws.com/", "ListBuckets", "", ""),
            ("HEAD", "https://b.s3.eu-central-1.amazonaws.com/", "HeadBucket", "b", ""),
            ("HEAD", "https://s3.eu-central-1.amazonaws.com/b/k", "HeadObject", "b", "k"),
            ("PUT", "https://b.c.s3.eu-central-1.amazonaws.com/k/l", "PutObject", "b.c", "k/l"),
            ("PUT", "http://127.0.0.1:8000/b/k?partNumber=1&uploadId=x", "UploadPart", "b", "k"),
            ("POST", "http://b.localhost:8000/k?uploads", "CreateMultipartUpload", "b", "k"),
            ("POST", "http://b.localhost:8000/k?uploadId=x", "CompleteMultipartUpload", "b", "k"),
            ("DELETE", "http://localhost:8000/b/k?uploadId=x", "AbortMultipartUpload", "b", "k"),
            ("GET", "http://localhost:8000/b?uploads", "ListMultipartUploads", "b", ""),
            ("GET", "http://localhost:8000/b/?list-type=2", "ListObjectsV2", "b", ""),
            ("PUT", "http://localhost:8000/b", "CreateBucket", "b", ""),
            ("PUT", "http://localhost:8000/b?lifecycle", "PutBucketLifecycleConfiguration", "b", ""),
        ];
        for (method, uri, name, bucket, key) in table {
            let (head, ()) = http::Request::builder().method(method).uri(uri).body(()).unwrap().into_parts();
            assert_eq!(operation(&head), name, "{method} {uri}");
            assert_eq!(target(&head), (bucket.to_owned(), key.to_owned()), "{method} {uri}");
        }
    }
}
