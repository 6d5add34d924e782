//! What is refused, by whom, with what words.

use std::time::Duration;

use landfall_auth::{Auth, CredentialsSource, Flags, Oidc, StaticKeys};
use landfall_aws::environment::Environment;
use landfall_core::ErrorKind;
use landfall_simulator::{
    Claims, DEMO_ACCESS_KEY_ID, DEMO_ACCOUNT, DEMO_REGION, DEMO_ROLE_ARN, DEMO_SECRET_ACCESS_KEY, Fault,
    FaultKind, SECOND_ACCOUNT, Simulator,
};

use crate::support::*;

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
