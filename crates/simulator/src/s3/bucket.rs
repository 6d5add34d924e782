//! Buckets and the lists of what is in them.

use s3s::dto::*;
use s3s::{S3Error, S3ErrorCode, S3Result};

use super::error;
use super::service::{Caller, time};
use super::store::{BucketState, Content, Store, Version};

/// Pages have at most this many entries.
const PAGE: i32 = 1_000;

pub(crate) fn head(
    store: &mut Store,
    caller: &Caller,
    input: &HeadBucketInput,
) -> S3Result<HeadBucketOutput> {
    let bucket = store.bucket(&input.bucket, input.expected_bucket_owner.as_ref(), caller)?;
    Ok(HeadBucketOutput { bucket_region: Some(bucket.region.clone()), ..HeadBucketOutput::default() })
}

pub(crate) fn location(
    store: &mut Store,
    caller: &Caller,
    input: &GetBucketLocationInput,
) -> S3Result<GetBucketLocationOutput> {
    let bucket = store.bucket(&input.bucket, input.expected_bucket_owner.as_ref(), caller)?;
    // Of us-east-1 the constraint is null: API reference of GetBucketLocation.
    let constraint = Some(bucket.region.clone()).filter(|region| region != "us-east-1");
    Ok(GetBucketLocationOutput { location_constraint: constraint.map(BucketLocationConstraint::from) })
}

pub(crate) fn versioning(
    store: &mut Store,
    caller: &Caller,
    input: &GetBucketVersioningInput,
) -> S3Result<GetBucketVersioningOutput> {
    let bucket = store.bucket(&input.bucket, input.expected_bucket_owner.as_ref(), caller)?;
    let status = bucket.versioning.clone().map(BucketVersioningStatus::from);
    Ok(GetBucketVersioningOutput { status, ..GetBucketVersioningOutput::default() })
}

pub(crate) fn put_versioning(
    store: &mut Store,
    caller: &Caller,
    input: &PutBucketVersioningInput,
) -> S3Result<PutBucketVersioningOutput> {
    let bucket = store.bucket(&input.bucket, input.expected_bucket_owner.as_ref(), caller)?;
    bucket.versioning =
        input.versioning_configuration.status.as_ref().map(|status| status.as_str().to_owned());
    Ok(PutBucketVersioningOutput::default())
}

/// "Amazon S3 returns this error in all Amazon Web Services Regions except in the North Virginia Region. For legacy
/// compatibility, if you re-create an existing bucket that you already own in the North Virginia Region, Amazon S3 returns 200
/// OK": BucketAlreadyOwnedByYou in the API reference.
pub(crate) fn create(
    store: &mut Store,
    caller: &Caller,
    input: &CreateBucketInput,
) -> S3Result<CreateBucketOutput> {
    let (wanted, virginia) = (input.create_bucket_configuration.as_ref(), "us-east-1");
    let wanted = wanted.and_then(|wanted| wanted.location_constraint.as_ref()).map(|place| place.as_str());
    let asked = Some(caller.region.as_str()).filter(|region| *region != virginia);
    // "If you don't specify a Region, the bucket is created in us-east-1 by default", which other endpoints refuse.
    if wanted != asked {
        let message = format!(
            "The {} location constraint is incompatible for the region specific endpoint this request was sent to.",
            wanted.unwrap_or("unspecified")
        );
        return Err(S3Error::with_message(S3ErrorCode::IllegalLocationConstraintException, message));
    }
    let location = Some(format!("/{}", input.bucket));
    if let Some(bucket) = store.buckets.get(&input.bucket) {
        let message = "The requested bucket name is not available.";
        if bucket.owner != caller.account {
            return Err(S3Error::with_message(S3ErrorCode::BucketAlreadyExists, message));
        }
        if bucket.region == virginia && caller.region == virginia {
            return Ok(CreateBucketOutput { location });
        }
        return Err(S3Error::with_message(S3ErrorCode::BucketAlreadyOwnedByYou, message));
    }
    let bucket = BucketState {
        owner: caller.account.clone(),
        region: caller.region.clone(),
        public_access: Some(super::settings::all_blocked()),
        ..BucketState::default()
    };
    store.buckets.insert(input.bucket.clone(), bucket);
    Ok(CreateBucketOutput { location })
}

pub(crate) fn list_objects(
    store: &mut Store,
    caller: &Caller,
    input: &ListObjectsV2Input,
) -> S3Result<ListObjectsV2Output> {
    let bucket = store.bucket(&input.bucket, input.expected_bucket_owner.as_ref(), caller)?;
    if input.delimiter.is_some() {
        return Err(error::invalid_request("The simulator lists without a delimiter only."));
    }
    let prefix = input.prefix.clone().unwrap_or_default();
    let after = input.continuation_token.clone().or(input.start_after.clone()).unwrap_or_default();
    let most = input.max_keys.unwrap_or(PAGE).clamp(0, PAGE);
    let mut found = bucket
        .keys
        .iter()
        .filter(|(key, _)| key.starts_with(&prefix) && **key > after)
        .filter_map(|(key, versions)| newest(versions).map(|(version, content)| (key, version, content)));
    let page: Vec<Object> = found
        .by_ref()
        .take(most as usize)
        .map(|(key, version, content)| Object {
            key: Some(key.clone()),
            e_tag: Some(ETag::Strong(content.etag.clone())),
            size: Some(content.blob.length() as i64),
            last_modified: Some(time(version.modified)),
            ..Object::default()
        })
        .collect();
    let truncated = found.next().is_some();
    Ok(ListObjectsV2Output {
        name: Some(input.bucket.clone()),
        prefix: input.prefix.clone(),
        max_keys: Some(most),
        key_count: Some(page.len() as i32),
        is_truncated: Some(truncated),
        next_continuation_token: page.last().filter(|_| truncated).and_then(|last| last.key.clone()),
        contents: Some(page),
        ..ListObjectsV2Output::default()
    })
}

fn newest(versions: &[Version]) -> Option<(&Version, &Content)> {
    let version = versions.last()?;
    version.content.as_ref().map(|content| (version, content))
}

/// In one page, however many there are: the simulator's buckets are small.
pub(crate) fn list_versions(
    store: &mut Store,
    caller: &Caller,
    input: &ListObjectVersionsInput,
) -> S3Result<ListObjectVersionsOutput> {
    let bucket = store.bucket(&input.bucket, input.expected_bucket_owner.as_ref(), caller)?;
    let prefix = input.prefix.clone().unwrap_or_default();
    let (mut versions, mut delete_markers) = (Vec::new(), Vec::new());
    for (key, found) in bucket.keys.iter().filter(|(key, _)| key.starts_with(&prefix)) {
        for (age, version) in found.iter().rev().enumerate() {
            let (is_latest, id) = (Some(age == 0), Some(version.id.clone()));
            let last_modified = Some(time(version.modified));
            match &version.content {
                Some(content) => versions.push(ObjectVersion {
                    key: Some(key.clone()),
                    version_id: id,
                    is_latest,
                    last_modified,
                    e_tag: Some(ETag::Strong(content.etag.clone())),
                    size: Some(content.blob.length() as i64),
                    ..ObjectVersion::default()
                }),
                None => delete_markers.push(DeleteMarkerEntry {
                    key: Some(key.clone()),
                    version_id: id,
                    is_latest,
                    last_modified,
                    owner: None,
                }),
            }
        }
    }
    Ok(ListObjectVersionsOutput {
        name: Some(input.bucket.clone()),
        prefix: input.prefix.clone(),
        is_truncated: Some(false),
        versions: Some(versions),
        delete_markers: Some(delete_markers),
        ..ListObjectVersionsOutput::default()
    })
}
