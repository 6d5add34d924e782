//! The way of a request to S3: identified, authorised, hit by a fault or not, done by `s3s` over the store, recorded.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use http::header::{HOST, HeaderValue};
use http::{Method, Response};
use http_body::Body as _;
use s3s::auth::{S3Auth, SecretKey};
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{HttpRequest, S3Result};

use super::name::{Hosts, host, target};
use super::service::{Caller, Service};
use super::store::S3Store;
use crate::dispatch::State;
use crate::iam::{Principal, authorise, identify};
use crate::wire::sigv4::header_text;
use crate::wire::{Protocol, Received, Reply, ServiceError, rest};
use crate::{Fault, Simulator};

/// S3 as the simulator holds it.
#[derive(Clone)]
pub(crate) struct S3State {
    pub(crate) store: S3Store,
    service: S3Service,
    keys: Keys,
}

impl std::fmt::Debug for S3State {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("S3State").field("store", &self.store).finish_non_exhaustive()
    }
}

/// The secrets of callers that have been identified: what `s3s` verifies signatures with.
#[derive(Debug, Clone, Default)]
struct Keys(Arc<Mutex<HashMap<String, String>>>);

#[async_trait::async_trait]
impl S3Auth for Keys {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        let keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let secret = keys.get(access_key).cloned();
        secret.map(SecretKey::from).ok_or_else(|| s3s::S3ErrorCode::InvalidAccessKeyId.into())
    }
}

impl S3State {
    pub(crate) fn new(store: S3Store) -> Self {
        let keys = Keys::default();
        let mut config = S3Config::default();
        // `s3s` compares with the wall clock, the simulator has a time of its own: `identify` has compared with that.
        config.presigned_url_max_skew_time_secs = u32::MAX;
        let mut builder = S3ServiceBuilder::new(Service { store: store.clone() });
        builder.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
        builder.set_auth(keys.clone());
        builder.set_host(Hosts);
        Self { store, service: builder.build(), keys }
    }
}

/// What is left to do once a request may go on.
struct Admitted {
    service: S3Service,
    request: HttpRequest,
    principal: Principal,
}

/// Answers a request.
pub(crate) async fn answer(
    simulator: &Simulator,
    received: &Received,
    number: u64,
    fault: Option<&Fault>,
) -> Reply {
    let mut account = None;
    let admitted = simulator.with_state(|state| admit(state, received, fault, &mut account));
    let (mut response, principal) = match admitted {
        Ok(admitted) => (run(admitted.service, admitted.request).await, Some(admitted.principal)),
        Err(error) => (Err(error), None),
    };
    simulator.with_state(|state| {
        if let Some(principal) = &principal {
            hide_absence(state, received, principal, &mut response);
            state.end_session(fault, Some(principal));
        }
        let id = state.ids.uuid();
        let refused = match &response {
            Ok(response) => rest::code_of(response),
            Err(error) => Some(error.code.clone()),
        };
        state.record(received, number, account, refused, fault);
        let mut response = response.unwrap_or_else(|error| rest::failure(&error, &id));
        if let Ok(value) = HeaderValue::from_str(&id) {
            response.headers_mut().insert("x-amz-request-id", value);
        }
        if received.head.method == Method::HEAD {
            *response.body_mut() = Bytes::new();
        }
        state.disturb(response, received, fault, &id)
    })
}

/// Everything up to the effect. A caller that is not known, or not allowed, meets no fault before that.
fn admit(
    state: &State,
    received: &Received,
    fault: Option<&Fault>,
    account: &mut Option<String>,
) -> Result<Admitted, ServiceError> {
    let now = state.clock.now();
    let (secret, principal) =
        identify(&state.directory, received, now).map_err(|error| error.for_protocol(Protocol::RestXml))?;
    *account = Some(principal.account.clone());
    authorise(&state.directory, &principal, Protocol::RestXml, &required(received))?;
    crate::dispatch::refused_before(fault, received)?;
    let keys = &state.s3.keys;
    keys.0.lock().unwrap_or_else(PoisonError::into_inner).insert(principal.access_key_id.clone(), secret);
    let mut request = HttpRequest::new(s3s::Body::from(received.body.clone()));
    *request.method_mut() = received.head.method.clone();
    *request.uri_mut() = received.head.uri.clone();
    *request.headers_mut() = received.head.headers.clone();
    if let Some(host) = host(&received.head).and_then(|host| HeaderValue::try_from(host).ok()) {
        request.headers_mut().insert(HOST, host);
    }
    request.extensions_mut().insert(Caller {
        account: principal.account.clone(),
        arn: principal.arn.clone(),
        region: principal.region.clone(),
        now,
    });
    Ok(Admitted { service: state.s3.service.clone(), request, principal })
}

async fn run(service: S3Service, request: HttpRequest) -> Result<Response<Bytes>, ServiceError> {
    let broken =
        || ServiceError::new(500, "InternalError", "We encountered an internal error. Please try again.");
    let (head, body) = service.call(request).await.map_err(|_| broken())?.into_parts();
    let mut body = std::pin::pin!(body);
    let mut bytes = BytesMut::new();
    while let Some(frame) = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        if let Ok(data) = frame.map_err(|_| broken())?.into_data() {
            bytes.extend_from_slice(&data);
        }
    }
    Ok(Response::from_parts(head, bytes.freeze()))
}

/// Who may not list a bucket is not told that an object is missing: "Permissions" of GetObject in the API reference.
fn hide_absence(
    state: &State,
    received: &Received,
    principal: &Principal,
    response: &mut Result<Response<Bytes>, ServiceError>,
) {
    let missing = matches!(response, Ok(found) if rest::code_of(found).as_deref() == Some("NoSuchKey"));
    if missing {
        let (bucket, _) = target(&received.head);
        let wanted = [("s3:ListBucket".to_owned(), format!("arn:aws:s3:::{bucket}"))];
        if let Err(denied) = authorise(&state.directory, principal, Protocol::RestXml, &wanted) {
            *response = Err(denied);
        }
    }
}

/// The actions that an operation needs: "Actions, resources, and condition keys for Amazon S3" in the service
/// authorization reference; for encryption with KMS, "Required permissions" in the user guide.
fn required(received: &Received) -> Vec<(String, String)> {
    let (bucket, key) = target(&received.head);
    let of_bucket = format!("arn:aws:s3:::{bucket}");
    let of_object = format!("{of_bucket}/{key}");
    let (action, resource) = match received.operation.as_str() {
        "PutObject" | "UploadPart" | "CreateMultipartUpload" | "CompleteMultipartUpload" => {
            ("s3:PutObject", of_object.clone())
        }
        "GetObject" | "HeadObject" => ("s3:GetObject", of_object.clone()),
        "DeleteObject" => ("s3:DeleteObject", of_object.clone()),
        "GetObjectTagging" => ("s3:GetObjectTagging", of_object.clone()),
        "ListParts" => ("s3:ListMultipartUploadParts", of_object.clone()),
        "AbortMultipartUpload" => ("s3:AbortMultipartUpload", of_object.clone()),
        "ListMultipartUploads" => ("s3:ListBucketMultipartUploads", of_bucket),
        "ListObjectsV2" | "HeadBucket" => ("s3:ListBucket", of_bucket),
        "ListObjectVersions" => ("s3:ListBucketVersions", of_bucket),
        "GetBucketLocation" => ("s3:GetBucketLocation", of_bucket),
        "GetBucketVersioning" => ("s3:GetBucketVersioning", of_bucket),
        "PutBucketVersioning" => ("s3:PutBucketVersioning", of_bucket),
        "CreateBucket" => ("s3:CreateBucket", of_bucket),
        "GetPublicAccessBlock" => ("s3:GetBucketPublicAccessBlock", of_bucket),
        "PutPublicAccessBlock" => ("s3:PutBucketPublicAccessBlock", of_bucket),
        "GetBucketEncryption" => ("s3:GetEncryptionConfiguration", of_bucket),
        "PutBucketEncryption" => ("s3:PutEncryptionConfiguration", of_bucket),
        "GetBucketLifecycleConfiguration" => ("s3:GetLifecycleConfiguration", of_bucket),
        "PutBucketLifecycleConfiguration" => ("s3:PutLifecycleConfiguration", of_bucket),
        _ => return Vec::new(),
    };
    let mut wanted = vec![(action.to_owned(), resource)];
    if header_text(&received.head, "x-amz-tagging").is_some() {
        wanted.push(("s3:PutObjectTagging".to_owned(), of_object));
    }
    if let Some(key) = header_text(&received.head, "x-amz-server-side-encryption-aws-kms-key-id") {
        wanted.push(("kms:GenerateDataKey".to_owned(), key));
    }
    wanted
}
