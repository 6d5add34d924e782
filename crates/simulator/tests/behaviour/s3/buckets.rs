//! Buckets and their settings.

use aws_credential_types::Credentials;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::Region;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, CreateBucketConfiguration,
    ExpirationStatus, LifecycleRule, LifecycleRuleFilter, PublicAccessBlockConfiguration,
    ServerSideEncryption, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration,
    ServerSideEncryptionRule,
};
use landfall_simulator::{DEMO_ACCOUNT, DEMO_REGION, SECOND_ACCESS_KEY_ID, SECOND_SECRET_ACCESS_KEY};

use super::{BUCKET, body, demo};

fn here() -> CreateBucketConfiguration {
    CreateBucketConfiguration::builder().location_constraint(DEMO_REGION.into()).build()
}

#[tokio::test(start_paused = true)]
async fn a_bucket_is_made_where_it_is_asked_for_and_closed_to_the_public() {
    let (simulator, client) = demo();
    let error = client.create_bucket().bucket("fresh").send().await.unwrap_err();
    assert_eq!(error.code(), Some("IllegalLocationConstraintException"));
    client.create_bucket().bucket("fresh").create_bucket_configuration(here()).send().await.unwrap();
    let bucket = simulator.s3().bucket("fresh").unwrap();
    assert_eq!((bucket.owner.as_str(), bucket.region.as_str()), (DEMO_ACCOUNT, DEMO_REGION));
    assert!(bucket.is_closed && bucket.unfinished_days.is_none());
    let access = client.get_public_access_block().bucket("fresh").send().await.unwrap();
    assert_eq!(access.public_access_block_configuration.unwrap().block_public_policy, Some(true));
    let error = client.get_public_access_block().bucket(BUCKET).send().await.unwrap_err();
    assert_eq!(error.code(), Some("NoSuchPublicAccessBlockConfiguration"));
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_taken_is_refused_and_in_us_east_1_one_of_our_own_is_not() {
    let (simulator, client) = demo();
    let again = client.create_bucket().bucket(BUCKET).create_bucket_configuration(here()).send().await;
    assert_eq!(again.unwrap_err().code(), Some("BucketAlreadyOwnedByYou"));
    let other = Credentials::new(SECOND_ACCESS_KEY_ID, SECOND_SECRET_ACCESS_KEY, None, None, "test");
    let other = Client::new(&simulator.sdk_config_as(other));
    let theirs = other.create_bucket().bucket(BUCKET).create_bucket_configuration(here()).send().await;
    assert_eq!(theirs.unwrap_err().code(), Some("BucketAlreadyExists"));
    let virginia = simulator.sdk_config().to_builder().region(Region::new("us-east-1")).build();
    let virginia = Client::new(&virginia);
    for _ in 0..2 {
        virginia.create_bucket().bucket("legacy").send().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn settings_are_kept_and_shown_and_the_default_encryption_is_used() {
    let (simulator, client) = demo();
    let get = client.get_bucket_lifecycle_configuration().bucket(BUCKET).send().await;
    assert_eq!(get.unwrap_err().code(), Some("NoSuchLifecycleConfiguration"));
    let base = client.get_bucket_encryption().bucket(BUCKET).send().await.unwrap();
    let base = base.server_side_encryption_configuration.unwrap().rules.remove(0);
    let base = base.apply_server_side_encryption_by_default.unwrap().sse_algorithm;
    assert_eq!(base, ServerSideEncryption::Aes256, "every bucket has at least this");

    let all = PublicAccessBlockConfiguration::builder().block_public_acls(true).build();
    let put = client.put_public_access_block().bucket(BUCKET).public_access_block_configuration(all);
    put.send().await.unwrap();
    assert!(!simulator.s3().bucket(BUCKET).unwrap().is_closed, "one of four");
    let rule = LifecycleRule::builder()
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix("").build())
        .abort_incomplete_multipart_upload(
            AbortIncompleteMultipartUpload::builder().days_after_initiation(3).build(),
        )
        .build()
        .unwrap();
    let rules = BucketLifecycleConfiguration::builder().rules(rule).build().unwrap();
    let put = client.put_bucket_lifecycle_configuration().bucket(BUCKET).lifecycle_configuration(rules);
    put.send().await.unwrap();
    let shown = client.get_bucket_lifecycle_configuration().bucket(BUCKET).send().await.unwrap();
    assert_eq!(shown.rules()[0].status(), &ExpirationStatus::Enabled);
    assert_eq!(simulator.s3().bucket(BUCKET).unwrap().unfinished_days, Some(3));

    let key = "arn:aws:kms:eu-central-1:111122223333:key/demo";
    let by_default = ServerSideEncryptionByDefault::builder()
        .sse_algorithm(ServerSideEncryption::AwsKms)
        .kms_master_key_id(key)
        .build()
        .unwrap();
    let rule =
        ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(by_default).build();
    let rules = ServerSideEncryptionConfiguration::builder().rules(rule).build().unwrap();
    let put = client.put_bucket_encryption().bucket(BUCKET).server_side_encryption_configuration(rules);
    put.send().await.unwrap();
    let stored = client.put_object().bucket(BUCKET).key("k").body(body(b"x")).send().await.unwrap();
    assert_eq!(stored.ssekms_key_id(), Some(key));
}
