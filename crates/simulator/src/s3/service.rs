//! The operations, as the crate `s3s` calls them after it has read and verified a request.

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use http::Extensions;
use jiff::Timestamp;
use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result, TrailingHeaders};

use super::checksum::{Checksum, in_trailer};
use super::store::{BucketState, S3Store, Store};
use super::{bucket, error, multipart, object, settings};

/// Who calls, and when: put into each request before `s3s` gets it.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) account: String,
    pub(crate) arn: String,
    /// The region that was signed for, which is that of the endpoint.
    pub(crate) region: String,
    pub(crate) now: Timestamp,
}

impl Caller {
    fn of(extensions: &Extensions) -> S3Result<Self> {
        extensions.get::<Self>().cloned().ok_or_else(error::access_denied)
    }
}

/// A time as `s3s` has it.
pub(crate) fn time(at: Timestamp) -> s3s::dto::Timestamp {
    std::time::SystemTime::from(at).into()
}

impl Store {
    /// The bucket, if the caller may see it from where it calls and it belongs to whom the caller expects.
    ///
    /// AWS does not say what comes first when several things are wrong. Here a bucket elsewhere is a redirect whoever
    /// asks, as the region that was asked knows no more than that.
    pub(crate) fn bucket(
        &mut self,
        name: &str,
        owner: Option<&String>,
        caller: &Caller,
    ) -> S3Result<&mut BucketState> {
        let bucket = self.buckets.get_mut(name).ok_or_else(error::no_such_bucket)?;
        if bucket.region != caller.region {
            return Err(error::other_region(&bucket.region));
        }
        let shared = bucket.owner == caller.account || bucket.shared_with.contains(&caller.account);
        if !shared || owner.is_some_and(|owner| *owner != bucket.owner) {
            return Err(error::access_denied());
        }
        Ok(bucket)
    }
}

/// S3, over a store.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) store: S3Store,
}

/// Reads a body to its end, and the checksums behind it.
async fn collect(
    body: Option<StreamingBlob>,
    trailer: Option<TrailingHeaders>,
) -> S3Result<(Bytes, Vec<Checksum>)> {
    let mut bytes = BytesMut::new();
    if let Some(mut body) = body {
        while let Some(chunk) = body.next().await {
            // What goes wrong here is a chunk's signature, or a body that does not have the length it was said to have.
            let chunk = chunk
                .map_err(|source| s3s::S3Error::with_source(s3s::S3ErrorCode::IncompleteBody, source))?;
            bytes.extend_from_slice(&chunk);
        }
    }
    let checksums = trailer.and_then(|trailer| trailer.read(in_trailer)).unwrap_or_default();
    Ok((bytes.freeze(), checksums))
}

/// The trait of `s3s`, with the operations that have no body as a list: method, input, output, and what does it.
macro_rules! operations {
    ($($name:ident $input:ident $output:ident $work:path;)*) => {
        #[async_trait::async_trait]
        impl S3 for Service {
            async fn put_object(
                &self,
                request: S3Request<PutObjectInput>,
            ) -> S3Result<S3Response<PutObjectOutput>> {
                let caller = Caller::of(&request.extensions)?;
                let mut input = request.input;
                let (body, trailer) = collect(input.body.take(), request.trailing_headers).await?;
                object::put(&mut self.store.lock(), &caller, input, body, trailer).map(S3Response::new)
            }

            async fn upload_part(
                &self,
                request: S3Request<UploadPartInput>,
            ) -> S3Result<S3Response<UploadPartOutput>> {
                let caller = Caller::of(&request.extensions)?;
                let mut input = request.input;
                let (body, trailer) = collect(input.body.take(), request.trailing_headers).await?;
                let part = multipart::Arrived::new(body, trailer);
                multipart::upload_part(&self.store, &caller, &input, part).map(S3Response::new)
            }

            $(async fn $name(&self, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                let caller = Caller::of(&request.extensions)?;
                $work(&mut self.store.lock(), &caller, &request.input).map(S3Response::new)
            })*
        }
    };
}

operations! {
    get_object GetObjectInput GetObjectOutput object::get;
    head_object HeadObjectInput HeadObjectOutput object::head;
    delete_object DeleteObjectInput DeleteObjectOutput object::delete;
    get_object_tagging GetObjectTaggingInput GetObjectTaggingOutput object::tagging;
    create_multipart_upload CreateMultipartUploadInput CreateMultipartUploadOutput multipart::create;
    list_parts ListPartsInput ListPartsOutput multipart::list_parts;
    list_multipart_uploads ListMultipartUploadsInput ListMultipartUploadsOutput multipart::list_uploads;
    complete_multipart_upload CompleteMultipartUploadInput CompleteMultipartUploadOutput multipart::complete;
    abort_multipart_upload AbortMultipartUploadInput AbortMultipartUploadOutput multipart::abort;
    head_bucket HeadBucketInput HeadBucketOutput bucket::head;
    get_bucket_location GetBucketLocationInput GetBucketLocationOutput bucket::location;
    get_bucket_versioning GetBucketVersioningInput GetBucketVersioningOutput bucket::versioning;
    put_bucket_versioning PutBucketVersioningInput PutBucketVersioningOutput bucket::put_versioning;
    create_bucket CreateBucketInput CreateBucketOutput bucket::create;
    put_public_access_block PutPublicAccessBlockInput PutPublicAccessBlockOutput settings::put_public_access;
    get_public_access_block GetPublicAccessBlockInput GetPublicAccessBlockOutput settings::public_access;
    put_bucket_encryption PutBucketEncryptionInput PutBucketEncryptionOutput settings::put_encryption;
    get_bucket_encryption GetBucketEncryptionInput GetBucketEncryptionOutput settings::encryption;
    put_bucket_lifecycle_configuration PutBucketLifecycleConfigurationInput PutBucketLifecycleConfigurationOutput settings::put_lifecycle;
    get_bucket_lifecycle_configuration GetBucketLifecycleConfigurationInput GetBucketLifecycleConfigurationOutput settings::lifecycle;
    list_objects_v2 ListObjectsV2Input ListObjectsV2Output bucket::list_objects;
    list_object_versions ListObjectVersionsInput ListObjectVersionsOutput bucket::list_versions;
}
