//! The calls that make a bucket. Each setting says the same however often it is sent, so that it may be repeated like a
//! read.

use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, BucketLocationConstraint,
    CreateBucketConfiguration, ExpirationStatus, LifecycleRule, LifecycleRuleFilter,
    PublicAccessBlockConfiguration, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule,
};
use landfall_aws::call::{Call, try_run};
use landfall_aws::failure::Failure;
use landfall_core::{Context, ErrorKind};

use super::Client;
use crate::bundle::error::understood;

/// Days after which unfinished uploads are removed: the least that a rule can say.
pub(crate) const UNFINISHED_DAYS: i32 = 1;

/// A bucket that was made a moment ago may not be seen everywhere yet.
fn of_new_bucket(failure: Failure) -> Failure {
    match failure.code() {
        Some("NoSuchBucket" | "OperationAborted") => failure.with_kind(ErrorKind::Transient),
        _ => failure,
    }
}

impl Client {
    fn about_bucket(&self, call: Call) -> Call {
        call.on(format!("bucket {}", self.bucket))
    }

    /// Makes the bucket.
    pub(crate) async fn create_bucket(&self, cx: &Context, region: &str) -> Result<(), Failure> {
        let call = self.about_bucket(Call::write("s3", "CreateBucket"));
        // Of us-east-1 there is no constraint: CreateBucketConfiguration in the API reference.
        let place = CreateBucketConfiguration::builder()
            .location_constraint(BucketLocationConstraint::from(region))
            .build();
        let place = (region != "us-east-1").then_some(place);
        try_run(cx, &call, || async {
            let request = self.s3.create_bucket().bucket(&self.bucket);
            let sent = request.set_create_bucket_configuration(place.clone()).send().await;
            sent.map(|_| ()).map_err(|error| understood(&self.bucket, error))
        })
        .await
    }

    /// Closes the bucket to the public.
    pub(crate) async fn block_public_access(&self, cx: &Context) -> Result<(), Failure> {
        let call = self.about_bucket(Call::read("s3", "PutPublicAccessBlock"));
        let all = PublicAccessBlockConfiguration::builder()
            .block_public_acls(true)
            .ignore_public_acls(true)
            .block_public_policy(true)
            .restrict_public_buckets(true)
            .build();
        try_run(cx, &call, || async {
            let request = self.s3.put_public_access_block().bucket(&self.bucket);
            let request = request.public_access_block_configuration(all.clone());
            let sent = request.set_expected_bucket_owner(self.owner.clone()).send().await;
            sent.map(|_| ()).map_err(|error| of_new_bucket(understood(&self.bucket, error)))
        })
        .await
    }

    /// Says how what is put into the bucket is encrypted unless the request says so: by the KMS key, if there is one, else by
    /// S3's own keys.
    pub(crate) async fn encrypt_by_default(&self, cx: &Context) -> Result<(), Failure> {
        let call = self.about_bucket(Call::read("s3", "PutBucketEncryption"));
        let algorithm = self.encryption().unwrap_or(ServerSideEncryption::Aes256);
        let by_default = ServerSideEncryptionByDefault::builder()
            .sse_algorithm(algorithm)
            .set_kms_master_key_id(self.kms_key.clone());
        // A key of the bucket's own, made of the KMS key, saves a call of KMS for each object.
        let bucket_key = self.kms_key.as_ref().map(|_| true);
        let rule = ServerSideEncryptionRule::builder()
            .set_apply_server_side_encryption_by_default(by_default.build().ok())
            .set_bucket_key_enabled(bucket_key)
            .build();
        let rules = ServerSideEncryptionConfiguration::builder().rules(rule).build().ok();
        try_run(cx, &call, || async {
            let request = self.s3.put_bucket_encryption().bucket(&self.bucket);
            let request = request.set_server_side_encryption_configuration(rules.clone());
            let sent = request.set_expected_bucket_owner(self.owner.clone()).send().await;
            sent.map(|_| ()).map_err(|error| of_new_bucket(understood(&self.bucket, error)))
        })
        .await
    }

    /// Has unfinished uploads removed.
    pub(crate) async fn remove_unfinished(&self, cx: &Context) -> Result<(), Failure> {
        let call = self.about_bucket(Call::read("s3", "PutBucketLifecycleConfiguration"));
        let after = AbortIncompleteMultipartUpload::builder().days_after_initiation(UNFINISHED_DAYS).build();
        let rule = LifecycleRule::builder()
            .id("unfinished-uploads")
            .status(ExpirationStatus::Enabled)
            .filter(LifecycleRuleFilter::builder().prefix("").build())
            .abort_incomplete_multipart_upload(after);
        let rules =
            BucketLifecycleConfiguration::builder().set_rules(rule.build().ok().map(|rule| vec![rule]));
        let rules = rules.build().ok();
        try_run(cx, &call, || async {
            let request = self.s3.put_bucket_lifecycle_configuration().bucket(&self.bucket);
            let request = request.set_lifecycle_configuration(rules.clone());
            let sent = request.set_expected_bucket_owner(self.owner.clone()).send().await;
            sent.map(|_| ()).map_err(|error| of_new_bucket(understood(&self.bucket, error)))
        })
        .await
    }
}
