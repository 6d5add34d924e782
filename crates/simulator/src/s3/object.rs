//! Single objects: put, read, delete.

use bytes::Bytes;
use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::*;
use s3s::{S3Error, S3ErrorCode, S3Result};

use super::checksum::{Algorithm, Checksum, claimed, show};
use super::error;
use super::service::{Caller, time};
use super::store::{Attributes, BucketState, Content, Store, Version};

/// The one checksum that a request claims.
pub(crate) fn single(mut claimed: Vec<Checksum>, trailer: Vec<Checksum>) -> S3Result<Option<Checksum>> {
    claimed.extend(trailer);
    if claimed.len() > 1 {
        return Err(error::invalid_request(
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
        ));
    }
    Ok(claimed.pop())
}

/// Refuses bytes that do not have the checksum that is claimed for them.
pub(crate) fn verify(claimed: Option<&Checksum>, actual: &Checksum) -> S3Result<()> {
    match claimed {
        Some(claimed) if claimed.text != actual.text => Err(error::bad_digest(claimed.algorithm.name())),
        _ => Ok(()),
    }
}

/// Refuses a write whose condition does not hold.
pub(crate) fn check_condition(
    current: Option<&Content>,
    if_match: Option<&ETagCondition>,
    if_none_match: Option<&ETagCondition>,
) -> S3Result<()> {
    let is = |condition: &ETagCondition| match condition.as_etag() {
        Some(etag) => current.is_some_and(|content| content.etag == etag.value()),
        None => current.is_some(),
    };
    if if_none_match.is_some_and(is) {
        return Err(error::precondition_failed());
    }
    match if_match {
        Some(_) if current.is_none() => Err(error::no_such_key()),
        Some(condition) if !is(condition) => Err(error::precondition_failed()),
        _ => Ok(()),
    }
}

impl Content {
    /// The encryption that answers tell: SSE-S3 is the default of every bucket.
    pub(crate) fn encryption(&self) -> Option<ServerSideEncryption> {
        self.attributes.encryption()
    }
}

impl Attributes {
    pub(crate) fn encryption(&self) -> Option<ServerSideEncryption> {
        Some(self.server_side_encryption.clone().unwrap_or_else(|| "AES256".to_owned()).into())
    }

    /// The same, encrypted as the bucket says unless the request did.
    pub(crate) fn encrypted_in(mut self, bucket: &BucketState) -> Self {
        if self.server_side_encryption.is_none() {
            let (algorithm, key) = bucket.default_encryption();
            (self.server_side_encryption, self.kms_key) = (Some(algorithm), key);
        }
        self
    }

    /// True when the eTag is no MD5: "Object" in the API reference.
    pub(crate) fn opaque_etag(&self) -> bool {
        self.server_side_encryption.as_deref().is_some_and(|name| name.starts_with("aws:kms"))
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn put(
    store: &mut Store,
    caller: &Caller,
    input: PutObjectInput,
    body: Bytes,
    trailer: Vec<Checksum>,
) -> S3Result<PutObjectOutput> {
    store.received += body.len() as u64;
    let claimed = single(claimed!(input), trailer)?;
    let algorithm = claimed.as_ref().map_or(Algorithm::Crc64Nvme, |checksum| checksum.algorithm);
    let bucket = store.bucket(&input.bucket, input.expected_bucket_owner.as_ref(), caller)?;
    check_condition(bucket.current(&input.key), input.if_match.as_ref(), input.if_none_match.as_ref())?;
    let checksum = algorithm.of(&body);
    verify(claimed.as_ref(), &checksum)?;
    let attributes = Attributes {
        metadata: input.metadata.unwrap_or_default(),
        content_type: input.content_type,
        server_side_encryption: input.server_side_encryption.map(|name| name.as_str().to_owned()),
        kms_key: input.ssekms_key_id,
        tagging: input.tagging,
    }
    .encrypted_in(bucket);
    let etag = if attributes.opaque_etag() { store.ids.hex32() } else { hex(Md5::checksum(&body).as_ref()) };
    let blob = store.spool.keep(body).map_err(S3Error::internal_error)?;
    let content = Content {
        blob,
        etag,
        checksum: Some(checksum),
        checksum_type: "FULL_OBJECT",
        attributes,
        parts: None,
    };
    let mut output = PutObjectOutput {
        e_tag: Some(ETag::Strong(content.etag.clone())),
        server_side_encryption: content.encryption(),
        ssekms_key_id: content.attributes.kms_key.clone(),
        checksum_type: Some(ChecksumType::from_static(ChecksumType::FULL_OBJECT)),
        ..PutObjectOutput::default()
    };
    show!(output, &content.checksum);
    output.version_id = store.keep(&input.bucket, &input.key, Some(content), caller);
    Ok(output)
}

impl Store {
    /// Adds a version to a bucket that is there.
    pub(crate) fn keep(
        &mut self,
        bucket: &str,
        key: &str,
        content: Option<Content>,
        caller: &Caller,
    ) -> Option<String> {
        let Self { buckets, ids, .. } = self;
        buckets.get_mut(bucket)?.add(key, content, caller.now, ids)
    }
}

/// The version that a read asks for.
fn find<'a>(bucket: &'a BucketState, key: &str, id: Option<&String>) -> S3Result<(&'a Version, &'a Content)> {
    let missing = || if id.is_some() { error::no_such_version() } else { error::no_such_key() };
    let version = bucket.version(key, id.map(String::as_str)).ok_or_else(missing)?;
    match &version.content {
        Some(content) => Ok((version, content)),
        // "Working with delete markers", user guide.
        None if id.is_some() => Err(S3Error::with_message(
            S3ErrorCode::MethodNotAllowed,
            "The specified method is not allowed against this resource.",
        )),
        None => Err(error::no_such_key()),
    }
}

pub(crate) fn head(
    store: &mut Store,
    caller: &Caller,
    input: &HeadObjectInput,
) -> S3Result<HeadObjectOutput> {
    let bucket = store.bucket(&input.bucket, input.expected_bucket_owner.as_ref(), caller)?;
    let (version, content) = find(bucket, &input.key, input.version_id.as_ref())?;
    check_condition(Some(content), input.if_match.as_ref(), None)?;
    let mut output = HeadObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        content_length: Some(content.blob.length() as i64),
        content_type: content.attributes.content_type.clone(),
        e_tag: Some(ETag::Strong(content.etag.clone())),
        last_modified: Some(time(version.modified)),
        metadata: Some(content.attributes.metadata.clone()).filter(|metadata| !metadata.is_empty()),
        server_side_encryption: content.encryption(),
        ssekms_key_id: content.attributes.kms_key.clone(),
        version_id: bucket.versioning.as_ref().map(|_| version.id.clone()),
        ..HeadObjectOutput::default()
    };
    if input.checksum_mode.is_some() {
        show!(output, &content.checksum);
        output.checksum_type = Some(ChecksumType::from(content.checksum_type.to_owned()));
    }
    Ok(output)
}

pub(crate) fn get(store: &mut Store, caller: &Caller, input: &GetObjectInput) -> S3Result<GetObjectOutput> {
    let bucket = store.bucket(&input.bucket, input.expected_bucket_owner.as_ref(), caller)?;
    let (version, content) = find(bucket, &input.key, input.version_id.as_ref())?;
    check_condition(Some(content), input.if_match.as_ref(), None)?;
    let length = content.blob.length();
    let range = match input.range {
        Some(range) => range.check(length).map_err(|_| S3Error::new(S3ErrorCode::InvalidRange))?,
        None => 0..length,
    };
    let (version, content) = (version.clone(), content.clone());
    let versioned = bucket.versioning.is_some();
    let body = store.spool.read(&content.blob, range.clone()).map_err(S3Error::internal_error)?;
    let partial = input.range.map(|_| format!("bytes {}-{}/{length}", range.start, range.end - 1));
    let mut output = GetObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        content_length: Some(body.len() as i64),
        content_range: partial,
        body: Some(StreamingBlob::from(s3s::Body::from(body))),
        content_type: content.attributes.content_type.clone(),
        e_tag: Some(ETag::Strong(content.etag.clone())),
        last_modified: Some(time(version.modified)),
        metadata: Some(content.attributes.metadata.clone()).filter(|metadata| !metadata.is_empty()),
        server_side_encryption: content.encryption(),
        ssekms_key_id: content.attributes.kms_key.clone(),
        version_id: versioned.then_some(version.id),
        ..GetObjectOutput::default()
    };
    // A checksum is of the whole object: a part of it comes without one.
    if input.checksum_mode.is_some() && input.range.is_none() {
        show!(output, &content.checksum);
        output.checksum_type = Some(ChecksumType::from(content.checksum_type.to_owned()));
    }
    Ok(output)
}

pub(crate) fn delete(
    store: &mut Store,
    caller: &Caller,
    input: &DeleteObjectInput,
) -> S3Result<DeleteObjectOutput> {
    let bucket = store.bucket(&input.bucket, input.expected_bucket_owner.as_ref(), caller)?;
    let mut output = DeleteObjectOutput::default();
    if let Some(id) = input.version_id.clone() {
        let versions = bucket.keys.entry(input.key.clone()).or_default();
        let marker = versions.iter().any(|version| version.id == id && version.content.is_none());
        versions.retain(|version| version.id != id);
        output.delete_marker = marker.then_some(true);
        output.version_id = Some(id);
    } else if bucket.versioning.is_some() {
        output.version_id = store.keep(&input.bucket, &input.key, None, caller);
        output.delete_marker = Some(true);
    } else {
        bucket.keys.remove(&input.key);
    }
    Ok(output)
}

pub(crate) fn tagging(
    store: &mut Store,
    caller: &Caller,
    input: &GetObjectTaggingInput,
) -> S3Result<GetObjectTaggingOutput> {
    let bucket = store.bucket(&input.bucket, input.expected_bucket_owner.as_ref(), caller)?;
    let (version, content) = find(bucket, &input.key, input.version_id.as_ref())?;
    let text = content.attributes.tagging.as_deref().unwrap_or_default();
    let tag = |(key, value): (String, String)| Tag { key: Some(key), value: Some(value) };
    Ok(GetObjectTaggingOutput {
        tag_set: form_urlencoded::parse(text.as_bytes()).into_owned().map(tag).collect(),
        version_id: bucket.versioning.as_ref().map(|_| version.id.clone()),
    })
}
