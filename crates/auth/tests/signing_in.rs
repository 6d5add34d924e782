//! Signing in against the simulator: real SDK clients, real signatures, no socket.
#![expect(
    clippy::unwrap_used,
    reason = "the lint's exception for tests does not reach their helper functions"
)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use landfall_auth::{AssumedRole, Auth, CredentialsSource, Flags, Oidc, ProvideToken, Session, StaticKeys};
use landfall_aws::environment::Environment;
use landfall_core::context::Clock;
use landfall_core::event::{Event, EventKind};
use landfall_core::{Context, Error, ErrorKind};
use landfall_simulator::{
    CallNumbers, Claims, DEMO_ACCESS_KEY_ID, DEMO_ACCOUNT, DEMO_REGION, DEMO_ROLE_ARN,
    DEMO_SECRET_ACCESS_KEY, Fault, FaultKind, SECOND_ACCOUNT, Simulator,
};
use secrecy::SecretString;

const TOKEN: &str = "DEPLOY_TOKEN";
const REGION: (&str, &str) = ("AWS_REGION", DEMO_REGION);

fn second_role() -> AssumedRole {
    AssumedRole::new(format!("arn:aws:iam::{SECOND_ACCOUNT}:role/deploy"))
}

fn token(simulator: &Simulator) -> String {
    simulator.oidc().token(Claims::gitlab("demo/web", "main"))
}

/// A context on the simulator's time that writes down what is told.
fn context(simulator: &Simulator) -> (Context, Arc<Mutex<Vec<Event>>>) {
    let told: Arc<Mutex<Vec<Event>>> = Arc::default();
    let ears = Arc::clone(&told);
    let cx = Context::builder("shop/42/deploy/production")
        .clock(Clock::starting_at(simulator.now()))
        .observer(Arc::new(move |event: &Event| ears.lock().unwrap().push(event.clone())))
        .build();
    (cx, told)
}

fn within(simulator: &Simulator, auth: Auth) -> Auth {
    auth.http_client(simulator.http_client()).time_source(simulator.time_source())
}

fn with_token(simulator: &Simulator, token: &str) -> Auth {
    let environment = Environment::from_pairs([REGION, (TOKEN, token)]);
    let oidc = Oidc::from_environment(DEMO_ROLE_ARN, TOKEN);
    within(simulator, Auth::new(CredentialsSource::oidc(oidc)).environment(environment))
}

async fn connect(simulator: &Simulator, auth: &Auth) -> Result<Session, Error> {
    auth.connect(&context(simulator).0).await
}

fn notes(events: &[Event]) -> Vec<String> {
    let note = |event: &Event| match &event.kind {
        EventKind::Note { code, .. } => Some(code.clone()),
        _ => None,
    };
    events.iter().filter_map(note).collect()
}

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
async fn what_sts_refuses_is_answered_with_what_to_do_and_the_claims_of_the_token() {
    let simulator = Simulator::builder().build();
    let claims = || Claims::gitlab("demo/web", "main");
    for (claims, cause, next) in [
        (Claims::gitlab("other/project", "main"), "trust-policy", "StringLike"),
        (Claims::gitlab_tag("demo/web", "1.0"), "trust-policy", "tags"),
        (
            claims().audience("https://gitlab.example.com"),
            "token-audience",
            "audiences of the IAM identity provider",
        ),
        (claims().claim("iss", "https://other.example.com"), "identity-provider", "OIDC identity provider"),
        (claims().unknown_key(), "issuer-unreachable", "openid-configuration"),
        (claims().wrong_signature(), "token-invalid", "as it was issued"),
    ] {
        let auth = with_token(&simulator, &simulator.oidc().token(claims));
        let error = connect(&simulator, &auth).await.unwrap_err();
        assert_eq!((error.kind(), error.exit_code()), (ErrorKind::Auth, 7), "{error:?}");
        assert_eq!(error.causes()[0].code, cause, "{error:?}");
        assert!(error.hint().unwrap().contains(next), "{error:?}");
        assert!(error.report().contains("token sub: project_path:"), "{}", error.report());
        assert!(error.message().starts_with("sts AssumeRoleWithWebIdentity on arn:aws:iam::"), "{error}");
    }
    let long = with_token(&simulator, &token(&simulator)).duration(Duration::from_secs(7200));
    let error = connect(&simulator, &long).await.unwrap_err();
    assert!(error.hint().unwrap().contains("shorter session"), "{error:?}");
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
async fn a_bad_token_never_reaches_aws() {
    let simulator = Simulator::builder().build();
    let expired =
        simulator.oidc().token(Claims::gitlab("demo/web", "main").expired_for(Duration::from_secs(60)));
    for (text, code) in [("", "empty-variable"), ("canary", "malformed-token"), (&expired, "token-expired")] {
        let error = connect(&simulator, &with_token(&simulator, text)).await.unwrap_err();
        assert_eq!((error.kind(), error.exit_code()), (ErrorKind::Auth, 7));
        assert_eq!(error.causes()[0].code, code, "{error:?}");
    }
    assert_eq!(simulator.calls().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn everything_that_is_wrong_is_told_at_once_and_nothing_is_sent() {
    let simulator = Simulator::builder().build();
    let environment = Environment::from_pairs([
        ("AWS_DEFAULT_REGION", "eu-central-1a"),
        ("AWS_ENDPOINT_URL", "nonsense"),
        ("OTHER_TOKEN", &token(&simulator)),
    ]);
    let oidc = Oidc::from_environment("arn:aws:iam:::role/deploy", TOKEN);
    let auth = Auth::new(CredentialsSource::oidc(oidc)).environment(environment);
    let auth = auth.duration(Duration::from_secs(60)).expected_account("1111-2222-3333").session_name("a b");
    let error = connect(&simulator, &within(&simulator, auth)).await.unwrap_err();
    assert_eq!((error.kind(), error.exit_code()), (ErrorKind::Invalid, 2));
    let fields: Vec<_> = error.causes().iter().filter_map(|cause| cause.field.as_deref()).collect();
    assert_eq!(
        fields,
        [
            "AWS_ENDPOINT_URL",
            "AWS_DEFAULT_REGION",
            "role ARN",
            "session name",
            "duration",
            "expected account",
            TOKEN
        ]
    );
    assert!(error.report().contains("variables that look like one: OTHER_TOKEN"), "{}", error.report());
    assert_eq!(simulator.calls().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn another_account_than_the_expected_one_is_refused_with_both_named() {
    let simulator = Simulator::builder().build();
    let keys = StaticKeys::new(DEMO_ACCESS_KEY_ID, DEMO_SECRET_ACCESS_KEY);
    let auth = within(&simulator, Auth::new(CredentialsSource::static_keys(keys)).region(DEMO_REGION));
    let error = connect(&simulator, &auth.expected_account(SECOND_ACCOUNT)).await.unwrap_err();
    assert_eq!(error.exit_code(), 7);
    assert!(error.message().contains(DEMO_ACCOUNT) && error.message().contains(SECOND_ACCOUNT), "{error}");
    // The role's ARN tells it before anything is sent.
    simulator.reset_calls();
    let auth = with_token(&simulator, &token(&simulator)).expected_account(SECOND_ACCOUNT);
    let error = connect(&simulator, &auth).await.unwrap_err();
    assert_eq!((error.kind(), error.causes()[0].code.as_str()), (ErrorKind::Auth, "wrong-account"));
    assert_eq!(simulator.calls().len(), 0);
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

#[tokio::test(start_paused = true)]
async fn half_a_key_is_named_with_the_half_that_is_missing() {
    let simulator = Simulator::builder().build();
    for (pairs, code, field) in [
        (
            vec![("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "")],
            "empty-variable",
            "AWS_SECRET_ACCESS_KEY",
        ),
        (vec![("AWS_SECRET_ACCESS_KEY", "x")], "missing-variable", "AWS_ACCESS_KEY_ID"),
        (
            vec![("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "x\n")],
            "malformed-keys",
            "AWS_SECRET_ACCESS_KEY",
        ),
        (
            vec![("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "x")],
            "missing-session-token",
            "AWS_SESSION_TOKEN",
        ),
    ] {
        let environment = Environment::from_pairs(pairs.into_iter().chain([REGION]));
        let auth = within(&simulator, Auth::detect(environment, &Flags::default()).unwrap());
        let error = connect(&simulator, &auth).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Auth);
        assert_eq!(
            (error.causes()[0].code.as_str(), error.causes()[0].field.as_deref()),
            (code, Some(field))
        );
    }
}

#[test]
fn flags_that_contradict_each_other_are_refused() {
    let detect = |flags: &Flags| Auth::detect(Environment::default(), flags).map(|_| ()).unwrap_err();
    let token = Some(TOKEN.to_owned());
    let error = detect(&Flags { oidc_token_env: token.clone(), ..Flags::default() });
    assert_eq!(error.causes()[0].field.as_deref(), Some("--role-arn"));
    let error = detect(&Flags {
        oidc_token_env: token.clone(),
        oidc_token_file: Some("f".into()),
        ..Flags::default()
    });
    assert_eq!(error.causes()[0].field.as_deref(), Some("--oidc-token-file"));
    let role_arns = vec![DEMO_ROLE_ARN.to_owned()];
    let error = detect(&Flags {
        oidc_token_env: token,
        external_id: Some("x".into()),
        role_arns,
        ..Flags::default()
    });
    assert_eq!(error.causes()[0].field.as_deref(), Some("--external-id"));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_aws_does_not_know_is_named_as_such() {
    let simulator = Simulator::builder().build();
    let keys = StaticKeys::new("AKIAUNKNOWNEXAMPLE00", "canary");
    let auth = within(&simulator, Auth::new(CredentialsSource::static_keys(keys)).region(DEMO_REGION));
    let error = connect(&simulator, &auth).await.unwrap_err();
    assert_eq!(error.exit_code(), 7);
    assert!(error.hint().unwrap().contains("does not know this access key"), "{error:?}");
    let keys = StaticKeys::new(DEMO_ACCESS_KEY_ID, "canary");
    let auth = within(&simulator, Auth::new(CredentialsSource::static_keys(keys)).region(DEMO_REGION));
    let error = connect(&simulator, &auth).await.unwrap_err();
    assert!(error.hint().unwrap().contains("does not belong to the access key id"), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn sts_that_cannot_be_asked_is_not_taken_for_bad_credentials() {
    let simulator = Simulator::builder().build();
    simulator.add_fault(Fault::new("sts", "*", FaultKind::Reset));
    let error = connect(&simulator, &with_token(&simulator, &token(&simulator))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transient, "{error:?}");
    // Repeated by the one who asked, not by everybody above it as well.
    assert_eq!(simulator.count("sts", "AssumeRoleWithWebIdentity"), 4);
}

#[tokio::test(start_paused = true)]
async fn no_secret_is_ever_shown() {
    let simulator = Simulator::builder().build();
    let good = token(&simulator);
    let foreign = simulator.oidc().token(Claims::gitlab("other/project", "main"));
    let mut told = String::new();
    for text in [good.as_str(), foreign.as_str(), "canary-token"] {
        let environment = Environment::from_pairs([
            REGION,
            (TOKEN, text),
            ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "canary-secret-key"),
            ("AWS_SESSION_TOKEN", "canary-session-token"),
            ("HTTPS_PROXY", "http://user:canary-password@proxy.example.com:3128"),
        ]);
        let keys = StaticKeys::from_environment(&environment);
        told.push_str(&format!("{environment:?} {keys:?}"));
        for source in [
            CredentialsSource::oidc(Oidc::from_environment(DEMO_ROLE_ARN, TOKEN)),
            CredentialsSource::static_keys(keys),
            CredentialsSource::custom(custom()),
        ] {
            let (cx, events) = context(&simulator);
            let auth = within(&simulator, Auth::new(source.clone()).environment(environment.clone()));
            told.push_str(&format!("{source:?} {auth:?}"));
            match auth.connect(&cx).await {
                Ok(session) => told.push_str(&format!("{session:?}")),
                Err(error) => told.push_str(&format!(
                    "{error} {error:?} {} {}",
                    error.report(),
                    serde_json::to_string(&error).unwrap()
                )),
            }
            told.push_str(&serde_json::to_string(&*events.lock().unwrap()).unwrap());
            let client = landfall_aws::http::client(&environment).unwrap();
            told.push_str(&format!("{client:?}"));
        }
    }
    assert!(!told.contains("canary"), "{told}");
    assert!(!told.contains(DEMO_SECRET_ACCESS_KEY));
    assert!(!told.contains("simulated-session-token"), "{told}");
    for token in [good, foreign] {
        for part in token.split('.') {
            assert!(!told.contains(part), "{part}");
        }
    }
}

fn custom() -> aws_credential_types::Credentials {
    aws_credential_types::Credentials::new(DEMO_ACCESS_KEY_ID, DEMO_SECRET_ACCESS_KEY, None, None, "custom")
}
