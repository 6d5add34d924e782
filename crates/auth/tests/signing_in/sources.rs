//! Each source of credentials, and what is said about it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use landfall_auth::{Auth, CredentialsSource, Flags, Oidc, ProvideToken, StaticKeys};
use landfall_aws::environment::Environment;
use landfall_core::ErrorKind;
use landfall_core::event::EventKind;
use landfall_simulator::{
    CallNumbers, DEMO_ACCESS_KEY_ID, DEMO_ACCOUNT, DEMO_REGION, DEMO_ROLE_ARN, DEMO_SECRET_ACCESS_KEY, Fault,
    FaultKind, SECOND_ACCOUNT, Simulator,
};
use secrecy::SecretString;

use crate::support::*;

#[tokio::test(start_paused = true)]
async fn a_static_key_signs_in_and_says_who_it_is() {
    let simulator = Simulator::builder().build();
    let keys = StaticKeys::new(DEMO_ACCESS_KEY_ID, DEMO_SECRET_ACCESS_KEY);
    let auth = within(&simulator, Auth::new(CredentialsSource::static_keys(keys)).region(DEMO_REGION));
    let (cx, told) = context(&simulator);
    let session = auth.expected_account(DEMO_ACCOUNT).connect(&cx).await.unwrap();
    assert_eq!(session.identity.account, DEMO_ACCOUNT);
    assert!(session.identity.arn.ends_with(":user/deployer"), "{}", session.identity.arn);
    assert_eq!(session.place.to_string(), format!("{DEMO_ACCOUNT} {DEMO_REGION}"));
    assert_eq!((session.place.partition.as_str(), session.expires), ("aws", None));
    let events = told.lock().unwrap();
    let EventKind::SignedIn { source, account, .. } = &events[0].kind else { panic!("{events:?}") };
    assert_eq!((source.as_str(), account.as_str()), ("static keys", DEMO_ACCOUNT));
}

#[tokio::test(start_paused = true)]
async fn an_oidc_token_becomes_a_session_that_is_opened_once() {
    let simulator = Simulator::builder().build();
    let session = connect(&simulator, &with_token(&simulator, &token(&simulator))).await.unwrap();
    assert_eq!(
        session.identity.arn,
        format!("arn:aws:sts::{DEMO_ACCOUNT}:assumed-role/deploy/landfall-shop-42-deploy-production")
    );
    assert_eq!(session.source, "OIDC token from $DEPLOY_TOKEN");
    let ends = session.expires.unwrap().duration_since(simulator.now()).as_secs();
    assert_eq!(ends, 3600);
    aws_sdk_sts::Client::new(&session.config).get_caller_identity().send().await.unwrap();
    assert_eq!(simulator.count("sts", "AssumeRoleWithWebIdentity"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_chain_ends_in_the_account_of_its_last_role() {
    let simulator = Simulator::builder().build();
    let auth = with_token(&simulator, &token(&simulator))
        .role_chain(vec![second_role().external_id("demo-external-id")])
        .duration(Duration::from_secs(3600))
        .expected_account(SECOND_ACCOUNT);
    let session = connect(&simulator, &auth).await.unwrap();
    assert_eq!(session.identity.account, SECOND_ACCOUNT);
    assert_eq!(session.source, "OIDC token from $DEPLOY_TOKEN, then one role");
    let without = with_token(&simulator, &token(&simulator)).role_chain(vec![second_role()]);
    let error = connect(&simulator, &without).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert!(error.hint().unwrap().contains("external id"), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_session_is_renewed_with_the_token_that_is_in_the_file_by_then() {
    let simulator = Simulator::builder().build();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("{}\n", token(&simulator))).unwrap();
    let oidc = Oidc::from_file(DEMO_ROLE_ARN, file.path());
    let auth = within(&simulator, Auth::new(CredentialsSource::oidc(oidc)).region(DEMO_REGION));
    let session = connect(&simulator, &auth).await.unwrap();
    tokio::time::advance(Duration::from_secs(3600)).await;
    let client = aws_sdk_sts::Client::new(&session.config);
    // The old token has expired by now, and that is said before STS is asked.
    let error = landfall_aws::failure::Failure::from(client.get_caller_identity().send().await.unwrap_err());
    assert_eq!(error.kind(), ErrorKind::Auth, "{error:?}");
    assert_eq!(error.error().causes()[0].code, "token-expired", "{error:?}");
    std::fs::write(file.path(), token(&simulator)).unwrap();
    client.get_caller_identity().send().await.unwrap();
    assert_eq!(simulator.count("sts", "AssumeRoleWithWebIdentity"), 2);
}

struct Callback(Simulator, Mutex<u32>);

#[async_trait]
impl ProvideToken for Callback {
    async fn token(&self) -> landfall_core::Result<SecretString> {
        *self.1.lock().unwrap() += 1;
        Ok(token(&self.0).into())
    }
}

#[tokio::test(start_paused = true)]
async fn a_callback_is_asked_for_each_session() {
    let simulator = Simulator::builder().build();
    let callback = Arc::new(Callback(simulator.clone(), Mutex::default()));
    struct Shared(Arc<Callback>);
    #[async_trait]
    impl ProvideToken for Shared {
        async fn token(&self) -> landfall_core::Result<SecretString> {
            self.0.token().await
        }
    }
    let oidc = Oidc::from_callback(DEMO_ROLE_ARN, Shared(Arc::clone(&callback)));
    let auth = within(&simulator, Auth::new(CredentialsSource::oidc(oidc)).region(DEMO_REGION));
    let session = connect(&simulator, &auth).await.unwrap();
    tokio::time::advance(Duration::from_secs(3600)).await;
    aws_sdk_sts::Client::new(&session.config).get_caller_identity().send().await.unwrap();
    assert_eq!(*callback.1.lock().unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_sts_cannot_reach_for_a_moment_is_asked_again() {
    let simulator = Simulator::builder().build();
    let fault = Fault::new("sts", "AssumeRoleWithWebIdentity", FaultKind::IdentityProviderUnreachable);
    simulator.add_fault(fault.on(CallNumbers::First(2)));
    let (cx, told) = context(&simulator);
    with_token(&simulator, &token(&simulator)).connect(&cx).await.unwrap();
    let retries =
        told.lock().unwrap().iter().filter(|event| matches!(event.kind, EventKind::Retrying { .. })).count();
    assert_eq!(retries, 2);
}

#[tokio::test(start_paused = true)]
async fn the_source_that_won_is_said_and_keys_that_lost_are_pointed_out() {
    let simulator = Simulator::builder().build();
    let keys = [("AWS_ACCESS_KEY_ID", DEMO_ACCESS_KEY_ID), ("AWS_SECRET_ACCESS_KEY", DEMO_SECRET_ACCESS_KEY)];
    let text = token(&simulator);
    let all = Environment::from_pairs(keys.into_iter().chain([REGION, (TOKEN, text.as_str())]));
    let flags = Flags {
        role_arns: vec![DEMO_ROLE_ARN.to_owned()],
        oidc_token_env: Some(TOKEN.to_owned()),
        ..Flags::default()
    };
    let (cx, told) = context(&simulator);
    let auth = within(&simulator, Auth::detect(all.clone(), &flags).unwrap());
    let session = auth.connect(&cx).await.unwrap();
    assert_eq!(session.source, "OIDC token from $DEPLOY_TOKEN");
    assert_eq!(notes(&told.lock().unwrap()), ["shadowed-keys"]);

    let (cx, told) = context(&simulator);
    let auth = within(&simulator, Auth::detect(all, &Flags::default()).unwrap());
    let session = auth.connect(&cx).await.unwrap();
    assert_eq!(session.source, "static keys from $AWS_ACCESS_KEY_ID");
    assert_eq!(notes(&told.lock().unwrap()), [""; 0]);

    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &text).unwrap();
    let path = file.path().to_str().unwrap();
    let web = [REGION, ("AWS_WEB_IDENTITY_TOKEN_FILE", path), ("AWS_ROLE_ARN", DEMO_ROLE_ARN)];
    let auth = within(&simulator, Auth::detect(Environment::from_pairs(web), &Flags::default()).unwrap());
    assert!(connect(&simulator, &auth).await.unwrap().source.contains(path));
    let (cx, told) = context(&simulator);
    let both = Environment::from_pairs(web.into_iter().chain(keys));
    let auth = within(&simulator, Auth::new(CredentialsSource::default_chain()).environment(both));
    assert_eq!(auth.connect(&cx).await.unwrap().source, "static keys from $AWS_ACCESS_KEY_ID");
    assert_eq!(notes(&told.lock().unwrap()), ["shadowed-oidc"]);
}
