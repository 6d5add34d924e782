//! What S3 refuses.

use aws_credential_types::Credentials;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use landfall_simulator::{
    Bucket, CallNumbers, DEMO_ACCOUNT, DEMO_REGION, DEMO_ROLE_ARN, Denial, Fault, FaultKind, Phase,
    SECOND_ACCESS_KEY_ID, SECOND_SECRET_ACCESS_KEY, Simulator, World,
};

use super::{BUCKET, body, demo};

#[tokio::test(start_paused = true)]
async fn a_condition_that_does_not_hold_is_412() {
    let (simulator, client) = demo();
    let put = |key: &str| client.put_object().bucket(BUCKET).key(key).if_none_match("*").body(body(b"x"));
    put("k").send().await.unwrap();
    let error = put("k").send().await.unwrap_err();
    assert_eq!(error.code(), Some("PreconditionFailed"));
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 412);
    simulator.add_fault(Fault::new(
        "s3",
        "PutObject",
        FaultKind::Error {
            code: "ConditionalRequestConflict".to_owned(),
            message: "The conditional request cannot succeed due to a conflicting operation.".to_owned(),
            status: 409,
        },
    ));
    assert_eq!(put("other").send().await.unwrap_err().code(), Some("ConditionalRequestConflict"));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_checksum_is_refused_and_nothing_is_kept() {
    let (simulator, client) = demo();
    let put = client.put_object().bucket(BUCKET).key("k").checksum_crc64_nvme("AAAAAAAAAAA=");
    let error = put.body(body(b"hello world")).send().await.unwrap_err();
    assert_eq!(error.code(), Some("BadDigest"), "{error:?}");
    assert_eq!(simulator.s3().versions(BUCKET), []);
}

#[tokio::test(start_paused = true)]
async fn a_bucket_of_somebody_else_is_denied_and_one_of_another_region_is_a_redirect_that_names_it() {
    let mut world = World::demo();
    world.account(DEMO_ACCOUNT).region("us-east-1").buckets.insert("far".to_owned(), Bucket::default());
    let simulator = Simulator::builder().world(world).build();
    let client = Client::new(&simulator.sdk_config());
    let owned = client.head_bucket().bucket(BUCKET).expected_bucket_owner("444455556666").send().await;
    assert_eq!(owned.unwrap_err().raw_response().unwrap().status().as_u16(), 403);
    let other = Credentials::new(SECOND_ACCESS_KEY_ID, SECOND_SECRET_ACCESS_KEY, None, None, "test");
    let other = Client::new(&simulator.sdk_config_as(other));
    let error = other.put_object().bucket(BUCKET).key("k").body(body(b"x")).send().await.unwrap_err();
    assert_eq!(error.code(), Some("AccessDenied"));
    let error = client.head_object().bucket("far").key("k").send().await.unwrap_err();
    let response = error.raw_response().unwrap();
    assert_eq!(response.status().as_u16(), 301);
    assert_eq!(response.headers().get("x-amz-bucket-region"), Some("us-east-1"));
    let error = client.put_object().bucket("far").key("k").body(body(b"x")).send().await.unwrap_err();
    assert_eq!(error.code(), Some("PermanentRedirect"));
    let error = client.get_object().bucket("none").key("k").send().await.unwrap_err();
    assert_eq!(error.code(), Some("NoSuchBucket"));
}

#[tokio::test(start_paused = true)]
async fn who_may_not_list_a_bucket_is_not_told_that_an_object_is_missing() {
    let mut world = World::demo();
    let user = world.account(DEMO_ACCOUNT).users.get_mut("deployer").unwrap();
    user.denied = vec![Denial::of("s3:ListBucket")];
    let simulator = Simulator::builder().world(world).build();
    let client = Client::new(&simulator.sdk_config());
    let error = client.head_object().bucket(BUCKET).key("k").send().await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 403);
    let error = client.get_object().bucket(BUCKET).key("k").send().await.unwrap_err();
    let message = error.message().unwrap();
    assert!(message.contains("s3:ListBucket on resource: \"arn:aws:s3:::demo-bucket\""), "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_signature_that_is_wrong_unknown_or_expired_is_refused_in_s3s_words() {
    let (simulator, _) = demo();
    let key = landfall_simulator::DEMO_ACCESS_KEY_ID;
    for (id, secret, code) in
        [(key, "wrong", "SignatureDoesNotMatch"), ("AKIANOBODY", "x", "InvalidAccessKeyId")]
    {
        let config = simulator.sdk_config_as(Credentials::new(id, secret, None, None, "test"));
        let error = Client::new(&config).get_object().bucket(BUCKET).key("k").send().await.unwrap_err();
        assert_eq!(error.code(), Some(code));
    }
    let token = simulator.oidc().token(landfall_simulator::Claims::gitlab("demo/web", "main"));
    let sts = aws_sdk_sts::Client::new(&simulator.sdk_config());
    let assumed = sts.assume_role_with_web_identity().role_arn(DEMO_ROLE_ARN).role_session_name("job-7");
    let session = assumed.web_identity_token(token).send().await.unwrap().credentials.unwrap();
    let credentials = Credentials::new(
        session.access_key_id(),
        session.secret_access_key(),
        Some(session.session_token().to_owned()),
        None,
        "test",
    );
    let client = Client::new(&simulator.sdk_config_as(credentials));
    client.put_object().bucket(BUCKET).key("k").body(body(b"x")).send().await.unwrap();
    simulator.expire_sessions();
    let error = client.put_object().bucket(BUCKET).key("k").body(body(b"x")).send().await.unwrap_err();
    assert_eq!(error.code(), Some("ExpiredToken"));
}

#[tokio::test(start_paused = true)]
async fn faults_strike_s3_as_they_strike_other_services() {
    let (simulator, client) = demo();
    let slow = FaultKind::Throttle { code: "SlowDown".to_owned() };
    simulator.add_fault(Fault::new("s3", "PutObject", slow).on(CallNumbers::Nth(1)));
    let lost = Fault::new("s3", "PutObject", FaultKind::Reset).on(CallNumbers::Nth(2)).phase(Phase::After);
    simulator.add_fault(lost);
    let put = || client.put_object().bucket(BUCKET).key("k").body(body(b"x")).send();
    let error = put().await.unwrap_err();
    assert_eq!((error.code(), error.raw_response().unwrap().status().as_u16()), (Some("SlowDown"), 503));
    assert_eq!(simulator.s3().versions(BUCKET).len(), 0);
    assert_eq!(put().await.unwrap_err().code(), None);
    assert_eq!(simulator.s3().versions(BUCKET).len(), 1, "the object was written, its answer was lost");
    let calls = simulator.calls();
    assert_eq!(calls[0].fault.as_deref(), Some("throttle"));
    assert!(calls.iter().all(|call| call.write && call.operation == "PutObject"));
    assert_eq!(DEMO_REGION, "eu-central-1");
}

#[tokio::test(start_paused = true)]
async fn a_denied_kms_key_refuses_the_write_and_names_key_and_action() {
    let mut world = World::demo();
    let user = world.account(DEMO_ACCOUNT).users.get_mut("deployer").unwrap();
    user.denied = vec![Denial::of("kms:GenerateDataKey")];
    let simulator = Simulator::builder().world(world).build();
    let client = Client::new(&simulator.sdk_config());
    let key = "arn:aws:kms:eu-central-1:111122223333:key/demo";
    let put = client.put_object().bucket(BUCKET).key("k").body(body(b"x"));
    let put = put.server_side_encryption("aws:kms".into()).ssekms_key_id(key);
    let error = put.send().await.unwrap_err();
    let message = error.message().unwrap();
    assert!(message.contains("kms:GenerateDataKey") && message.contains(key), "{message}");
}
