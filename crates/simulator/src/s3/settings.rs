//! Settings of buckets: default encryption, public access block, lifecycle rules. They are kept and shown; default encryption
//! is used. What lifecycle rules do happens once a day or later in S3, and not here.

use s3s::dto::*;
use s3s::{S3Error, S3ErrorCode, S3Result};

use super::service::Caller;
use super::store::{BucketState, Store};

/// "All new buckets": "Blocking public access to your Amazon S3 storage" in the user guide.
pub(crate) fn all_blocked() -> PublicAccessBlockConfiguration {
    PublicAccessBlockConfiguration {
        block_public_acls: Some(true),
        block_public_policy: Some(true),
        ignore_public_acls: Some(true),
        restrict_public_buckets: Some(true),
    }
}

impl BucketState {
    /// How objects are encrypted whose requests do not say: "Amazon S3 now applies server-side encryption with Amazon S3
    /// managed keys (SSE-S3) as the base level of encryption for every bucket".
    pub(crate) fn default_encryption(&self) -> (String, Option<String>) {
        let mut rules = self.encryption.iter().flat_map(|found| &found.rules);
        let found = rules.find_map(|rule| rule.apply_server_side_encryption_by_default.as_ref());
        match found {
            Some(rule) => (rule.sse_algorithm.as_str().to_owned(), rule.kms_master_key_id.clone()),
            None => ("AES256".to_owned(), None),
        }
    }
}

pub(crate) fn put_public_access(
    store: &mut Store,
    caller: &Caller,
    input: &PutPublicAccessBlockInput,
) -> S3Result<PutPublicAccessBlockOutput> {
    let bucket = store.bucket(&input.bucket, input.expected_bucket_owner.as_ref(), caller)?;
    bucket.public_access = Some(input.public_access_block_configuration.clone());
    Ok(PutPublicAccessBlockOutput::default())
}

pub(crate) fn public_access(
    store: &mut Store,
    caller: &Caller,
    input: &GetPublicAccessBlockInput,
) -> S3Result<GetPublicAccessBlockOutput> {
    let bucket = store.bucket(&input.bucket, input.expected_bucket_owner.as_ref(), caller)?;
    let found = bucket.public_access.clone().ok_or_else(|| {
        let code = S3ErrorCode::from_bytes(b"NoSuchPublicAccessBlockConfiguration");
        let mut error = S3Error::with_message(
            code.unwrap_or(S3ErrorCode::InternalError),
            "The public access block configuration was not found",
        );
        error.set_status_code(http::StatusCode::NOT_FOUND);
        error
    })?;
    Ok(GetPublicAccessBlockOutput { public_access_block_configuration: Some(found) })
}

pub(crate) fn put_encryption(
    store: &mut Store,
    caller: &Caller,
    input: &PutBucketEncryptionInput,
) -> S3Result<PutBucketEncryptionOutput> {
    let bucket = store.bucket(&input.bucket, input.expected_bucket_owner.as_ref(), caller)?;
    bucket.encryption = Some(input.server_side_encryption_configuration.clone());
    Ok(PutBucketEncryptionOutput::default())
}

pub(crate) fn encryption(
    store: &mut Store,
    caller: &Caller,
    input: &GetBucketEncryptionInput,
) -> S3Result<GetBucketEncryptionOutput> {
    let bucket = store.bucket(&input.bucket, input.expected_bucket_owner.as_ref(), caller)?;
    let (algorithm, key) = bucket.default_encryption();
    let base = || {
        let rule = ServerSideEncryptionByDefault { sse_algorithm: algorithm.into(), kms_master_key_id: key };
        let rule = ServerSideEncryptionRule {
            apply_server_side_encryption_by_default: Some(rule),
            ..ServerSideEncryptionRule::default()
        };
        ServerSideEncryptionConfiguration { rules: vec![rule] }
    };
    let found = bucket.encryption.clone().unwrap_or_else(base);
    Ok(GetBucketEncryptionOutput { server_side_encryption_configuration: Some(found) })
}

pub(crate) fn put_lifecycle(
    store: &mut Store,
    caller: &Caller,
    input: &PutBucketLifecycleConfigurationInput,
) -> S3Result<PutBucketLifecycleConfigurationOutput> {
    let bucket = store.bucket(&input.bucket, input.expected_bucket_owner.as_ref(), caller)?;
    // "An existing lifecycle configuration is replaced": API reference.
    bucket.lifecycle =
        input.lifecycle_configuration.as_ref().map(|found| found.rules.clone()).unwrap_or_default();
    Ok(PutBucketLifecycleConfigurationOutput::default())
}

pub(crate) fn lifecycle(
    store: &mut Store,
    caller: &Caller,
    input: &GetBucketLifecycleConfigurationInput,
) -> S3Result<GetBucketLifecycleConfigurationOutput> {
    let bucket = store.bucket(&input.bucket, input.expected_bucket_owner.as_ref(), caller)?;
    if bucket.lifecycle.is_empty() {
        let message = "The lifecycle configuration does not exist";
        return Err(S3Error::with_message(S3ErrorCode::NoSuchLifecycleConfiguration, message));
    }
    let rules = Some(bucket.lifecycle.clone());
    Ok(GetBucketLifecycleConfigurationOutput { rules, ..GetBucketLifecycleConfigurationOutput::default() })
}
