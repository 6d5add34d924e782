//! Every answer of STS that opens no session: what it is called, what to do about it, and what the token claims.

use std::time::Duration;

use landfall_auth::AssumedRole;
use landfall_aws::failure::Failure;
use landfall_core::event::EventKind;
use landfall_core::{Error, ErrorKind};
use landfall_simulator::{CallNumbers, DEMO_ROLE_ARN, Fault, FaultKind, Simulator, StsRefusal};

use crate::support::*;

struct Row {
    refusal: StsRefusal,
    /// Code of the cause.
    cause: &'static str,
    /// Words of the next step.
    next: &'static [&'static str],
    kind: ErrorKind,
    /// Calls of STS: one, unless AWS says that it may pass.
    calls: usize,
}

fn row(refusal: StsRefusal, cause: &'static str, next: &'static [&'static str]) -> Row {
    Row { refusal, cause, next, kind: ErrorKind::Auth, calls: 1 }
}

fn rows() -> Vec<Row> {
    vec![
        row(StsRefusal::NotAuthorized, "trust-policy", &["compare the claims", "StringLike", "`sub`"]),
        row(StsRefusal::InvalidArn, "role-arn", &["role's ARN", "may have been empty"]),
        row(StsRefusal::DurationTooLong, "session-duration", &["maximum session duration"]),
        row(
            StsRefusal::KeyUnreachable,
            "issuer-unreachable",
            &["openid-configuration", "ci_id_tokens_issuer_url"],
        ),
        row(
            StsRefusal::WrongAudience,
            "token-audience",
            &["audiences of the IAM identity provider", "`id_tokens:`"],
        ),
        row(StsRefusal::NoProvider, "identity-provider", &["create an IAM OIDC identity provider", "`iss`"]),
        row(StsRefusal::Thumbprint, "issuer-certificate", &["thumbprint", "public authority"]),
        row(StsRefusal::MissingAudience, "token-claims", &["CI_JOB_JWT", "`id_tokens:`"]),
        row(StsRefusal::TokenExpired, "token-expired", &["`timeout:`", "five minutes"]),
        row(StsRefusal::IdpRejectedClaim, "issuer-rejected", &["start the job anew"]),
        row(StsRefusal::PackedPolicyTooLarge, "session-too-large", &["fewer or shorter session tags"]),
        row(StsRefusal::MalformedPolicy, "session-policy", &["correct the session policy"]),
        row(StsRefusal::RegionDisabled, "region-disabled", &["activate it", "another region"]),
        Row {
            kind: ErrorKind::Transient,
            calls: 4,
            ..row(StsRefusal::IdpUnreachable, "issuer-unreachable", &["several times", "the issuer is up"])
        },
    ]
}

fn refusing(operation: &str, refusal: StsRefusal) -> Simulator {
    let simulator = Simulator::builder().build();
    simulator.add_fault(Fault::new("sts", operation, FaultKind::Sts(refusal)));
    simulator
}

fn check(row: &Row, error: &Error) {
    let refusal = row.refusal;
    let (code, _, message) = refusal.answer();
    assert_eq!(error.kind(), row.kind, "{refusal:?}: {error:?}");
    assert_eq!(error.causes()[0].code, row.cause, "{refusal:?}: {error:?}");
    assert!(error.message().contains(code) && error.message().contains(message), "{refusal:?}: {error}");
    for words in row.next {
        assert!(error.hint().unwrap().contains(words), "{refusal:?}: {words:?} is not in {:?}", error.hint());
    }
}

#[tokio::test(start_paused = true)]
async fn each_refusal_of_a_token_is_answered_with_what_to_do_and_the_claims_beside_it() {
    for row in rows() {
        let simulator = refusing("AssumeRoleWithWebIdentity", row.refusal);
        let text = token(&simulator);
        let auth = with_token(&simulator, &text);
        let error = connect(&simulator, &auth).await.unwrap_err();
        check(&row, &error);
        assert_eq!(error.exit_code(), if row.kind == ErrorKind::Auth { 7 } else { 1 }, "{error:?}");
        assert_eq!(simulator.count("sts", "AssumeRoleWithWebIdentity"), row.calls, "{:?}", row.refusal);
        let report = error.report();
        for claim in [
            "token sub: project_path:demo/web:ref_type:branch:ref:main",
            "token aud: sts.amazonaws.com",
            "token iss: https://gitlab.example.com",
            "token exp: 2026-01-01T00:05:00Z",
            &format!("role: {DEMO_ROLE_ARN}"),
        ] {
            assert!(report.contains(claim), "{:?}: {claim:?} is not in {report}", row.refusal);
        }
        let told = format!("{report} {error:?} {}", serde_json::to_string(&error).unwrap());
        assert!(text.split('.').all(|part| !told.contains(part)), "{:?}: the token is shown", row.refusal);
    }
}

#[tokio::test(start_paused = true)]
async fn each_refusal_of_a_role_in_a_chain_is_answered_with_what_to_do() {
    for refusal in [
        StsRefusal::InvalidArn,
        StsRefusal::PackedPolicyTooLarge,
        StsRefusal::MalformedPolicy,
        StsRefusal::RegionDisabled,
    ] {
        let simulator = refusing("AssumeRole", refusal);
        let role = second_role().external_id("demo-external-id");
        let auth = with_token(&simulator, &token(&simulator)).role_chain(vec![role]);
        let error = connect(&simulator, &auth).await.unwrap_err();
        let row = rows().into_iter().find(|row| row.refusal == refusal).unwrap();
        check(&row, &error);
        assert!(
            error.report().contains("session name: landfall-shop-42-deploy-production"),
            "{}",
            error.report()
        );
        assert!(!error.report().contains("demo-external-id"), "{}", error.report());
    }
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_cannot_be_reached_for_a_moment_costs_a_retry_and_nothing_else() {
    let simulator = Simulator::builder().build();
    let kind = FaultKind::Sts(StsRefusal::IdpUnreachable);
    simulator.add_fault(Fault::new("sts", "AssumeRoleWithWebIdentity", kind).on(CallNumbers::First(3)));
    let (cx, told) = context(&simulator);
    with_token(&simulator, &token(&simulator)).connect(&cx).await.unwrap();
    let retries =
        told.lock().unwrap().iter().filter(|event| matches!(event.kind, EventKind::Retrying { .. })).count();
    assert_eq!(retries, 3);
}

#[tokio::test(start_paused = true)]
async fn a_length_that_somebody_insists_on_is_refused_with_the_limit_of_role_chaining() {
    let simulator = Simulator::builder().build();
    // Credentials of a role, which nobody knows to be one: the first AssumeRole is role chaining.
    let first = connect(&simulator, &with_token(&simulator, &token(&simulator))).await.unwrap();
    let provider = first.config.credentials_provider().unwrap();
    let source = landfall_auth::CredentialsSource::custom(provider);
    let auth = within(&simulator, landfall_auth::Auth::new(source).region(landfall_simulator::DEMO_REGION))
        .role_chain(vec![AssumedRole::new(second_role().arn()).external_id("demo-external-id")])
        .duration(Duration::from_secs(7_200));
    let error = connect(&simulator, &auth).await.unwrap_err();
    assert_eq!(error.causes()[0].code, "session-duration", "{error:?}");
    assert!(error.hint().unwrap().contains("an hour at most"), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_another_service_calls_expired_says_what_to_do() {
    let simulator = Simulator::builder().build();
    let session = connect(&simulator, &with_token(&simulator, &token(&simulator))).await.unwrap();
    simulator.add_fault(Fault::new("ecs", "ListClusters", FaultKind::ExpireSession));
    let asked = aws_sdk_ecs::Client::new(&session.config).list_clusters().send().await;
    let failure = Failure::from(asked.unwrap_err());
    assert_eq!((failure.kind(), failure.code()), (ErrorKind::Auth, Some("ExpiredTokenException")));
    let hint = failure.error().hint().unwrap();
    assert!(hint.contains("start the job anew") && hint.contains("maximum of the role"), "{hint}");
}
