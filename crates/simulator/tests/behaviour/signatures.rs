//! Whose signature is accepted, and what others are told.

use std::time::Duration;

use aws_sdk_sts::config::Credentials;
use aws_sdk_sts::error::ProvideErrorMetadata;
use aws_smithy_async::time::{SharedTimeSource, StaticTimeSource};
use aws_types::SdkConfig;
use landfall_simulator::{
    DEMO_ACCESS_KEY_ID, DEMO_ROLE_ARN, DEMO_SECRET_ACCESS_KEY, SECOND_ACCOUNT, Simulator,
};

fn simulator() -> Simulator {
    Simulator::builder().build()
}

fn keys(id: &str, secret: &str, token: Option<&str>) -> Credentials {
    Credentials::new(id, secret, token.map(str::to_owned), None, "test")
}

/// The codes with which STS and ECS answer a configuration.
async fn codes(config: &SdkConfig) -> (String, String) {
    let sts = aws_sdk_sts::Client::new(config).get_caller_identity().send().await;
    let ecs = aws_sdk_ecs::Client::new(config).describe_clusters().send().await;
    let code = |code: Option<&str>| code.unwrap_or("none").to_owned();
    (code(sts.unwrap_err().code()), code(ecs.unwrap_err().code()))
}

fn both(sts: &str, ecs: &str) -> (String, String) {
    (sts.to_owned(), ecs.to_owned())
}

#[tokio::test(start_paused = true)]
async fn the_right_key_is_told_who_it_is() {
    let identity =
        aws_sdk_sts::Client::new(&simulator().sdk_config()).get_caller_identity().send().await.unwrap();
    assert_eq!(identity.account(), Some("111122223333"));
    assert_eq!(identity.arn(), Some("arn:aws:iam::111122223333:user/deployer"));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_secret_is_a_wrong_signature() {
    let config = simulator().sdk_config_as(keys(DEMO_ACCESS_KEY_ID, "wrong", None));
    assert_eq!(codes(&config).await, both("SignatureDoesNotMatch", "InvalidSignatureException"));
}

#[tokio::test(start_paused = true)]
async fn an_unknown_key_or_an_invented_token_is_an_invalid_client() {
    let simulator = simulator();
    for credentials in [
        keys("AKIANOBODYKNOWSTHIS1", "secret", None),
        keys(DEMO_ACCESS_KEY_ID, DEMO_SECRET_ACCESS_KEY, Some("invented")),
    ] {
        let config = simulator.sdk_config_as(credentials);
        assert_eq!(codes(&config).await, both("InvalidClientTokenId", "UnrecognizedClientException"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_off_by_more_than_five_minutes_is_refused() {
    let simulator = simulator();
    let now = u64::try_from(simulator.now().as_second()).unwrap();
    for (seconds, words) in [(now - 310, "Signature expired: "), (now + 310, "Signature not yet current: ")] {
        let time = SharedTimeSource::new(StaticTimeSource::from_secs(seconds));
        let config = simulator.sdk_config().into_builder().time_source(time).build();
        assert_eq!(codes(&config).await, both("SignatureDoesNotMatch", "InvalidSignatureException"));
        let error = aws_sdk_sts::Client::new(&config).get_caller_identity().send().await.unwrap_err();
        assert!(error.message().unwrap().starts_with(words), "{error:?}");
    }
    let time = SharedTimeSource::new(StaticTimeSource::from_secs(now - 290));
    let config = simulator.sdk_config().into_builder().time_source(time).build();
    aws_sdk_sts::Client::new(&config).get_caller_identity().send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_changed_body_is_a_wrong_signature() {
    use aws_smithy_runtime_api::client::interceptors::Intercept;
    #[derive(Debug)]
    struct Tamper;
    #[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
    impl Intercept for Tamper {
        fn name(&self) -> &'static str {
            "Tamper"
        }
        fn modify_before_transmit(
            &self,
            context: &mut aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextMut<'_>,
            _: &aws_smithy_runtime_api::client::runtime_components::RuntimeComponents,
            _: &mut aws_smithy_types::config_bag::ConfigBag,
        ) -> Result<(), aws_smithy_runtime_api::box_error::BoxError> {
            *context.request_mut().body_mut() =
                aws_smithy_types::body::SdkBody::from("{\"clusters\":[\"demo\"]}");
            Ok(())
        }
    }
    let ecs = aws_sdk_ecs::Client::new(&simulator().sdk_config());
    let error = ecs.describe_clusters().customize().interceptor(Tamper).send().await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidSignatureException"));
}

#[tokio::test(start_paused = true)]
async fn a_session_works_until_it_expires() {
    let simulator = simulator();
    let token = simulator.oidc().token(landfall_simulator::Claims::gitlab("demo/web", "main"));
    let sts = aws_sdk_sts::Client::new(&simulator.sdk_config_without_credentials());
    let request = sts.assume_role_with_web_identity().role_arn(DEMO_ROLE_ARN).role_session_name("job-1");
    let answer = request.web_identity_token(token).duration_seconds(900).send().await.unwrap();
    let session = answer.credentials.unwrap();
    let expires_in = session.expiration.secs() - simulator.now().as_second();
    assert_eq!(expires_in, 900);
    let credentials = keys(&session.access_key_id, &session.secret_access_key, Some(&session.session_token));
    let config = simulator.sdk_config_as(credentials);
    let identity = aws_sdk_sts::Client::new(&config).get_caller_identity().send().await.unwrap();
    assert_eq!(identity.arn(), Some("arn:aws:sts::111122223333:assumed-role/deploy/job-1"));
    let without_token =
        simulator.sdk_config_as(keys(&session.access_key_id, &session.secret_access_key, None));
    assert_eq!(codes(&without_token).await, both("InvalidClientTokenId", "UnrecognizedClientException"));
    tokio::time::sleep(Duration::from_secs(901)).await;
    assert_eq!(codes(&config).await, both("ExpiredToken", "ExpiredTokenException"));
}

#[tokio::test(start_paused = true)]
async fn a_role_of_another_account_needs_the_external_id_it_asks_for() {
    let simulator = simulator();
    let sts = aws_sdk_sts::Client::new(&simulator.sdk_config());
    let role = format!("arn:aws:iam::{SECOND_ACCOUNT}:role/deploy");
    let assume = || sts.assume_role().role_arn(&role).role_session_name("job-1");
    let error = assume().send().await.unwrap_err();
    assert_eq!(error.code(), Some("AccessDenied"));
    assert_eq!(
        error.message().unwrap(),
        format!(
            "User: arn:aws:iam::111122223333:user/deployer is not authorized to perform: sts:AssumeRole on resource: {role}"
        )
    );
    let session = assume().external_id("demo-external-id").send().await.unwrap().credentials.unwrap();
    let credentials = keys(&session.access_key_id, &session.secret_access_key, Some(&session.session_token));
    let there = aws_sdk_sts::Client::new(&simulator.sdk_config_as(credentials));
    assert_eq!(there.get_caller_identity().send().await.unwrap().account(), Some(SECOND_ACCOUNT));
}
