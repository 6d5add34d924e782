//! AssumeRoleWithWebIdentity: which tokens are taken, and the words for those that are not.

use std::time::Duration;

use aws_sdk_sts::error::ProvideErrorMetadata;
use landfall_simulator::{
    CallNumbers, Claims, DEMO_ACCOUNT, DEMO_ROLE_ARN, Fault, FaultKind, SECOND_ACCOUNT, Simulator, World,
};

struct Asked {
    role: String,
    session: String,
    seconds: Option<i32>,
}

impl Default for Asked {
    fn default() -> Self {
        Self { role: DEMO_ROLE_ARN.to_owned(), session: "job-1".to_owned(), seconds: None }
    }
}

async fn assume(simulator: &Simulator, token: &str, asked: Asked) -> Result<String, (String, String)> {
    let sts = aws_sdk_sts::Client::new(&simulator.sdk_config_without_credentials());
    let request = sts.assume_role_with_web_identity().role_arn(asked.role).role_session_name(asked.session);
    match request.web_identity_token(token).set_duration_seconds(asked.seconds).send().await {
        Ok(answer) => Ok(answer.assumed_role_user.unwrap().arn),
        Err(error) => {
            Err((error.code().unwrap_or_default().to_owned(), error.message().unwrap_or_default().to_owned()))
        }
    }
}

async fn refused(simulator: &Simulator, claims: Claims) -> (String, String) {
    let token = simulator.oidc().token(claims);
    assume(simulator, &token, Asked::default()).await.unwrap_err()
}

fn good() -> Claims {
    Claims::gitlab("demo/web", "main")
}

#[tokio::test(start_paused = true)]
async fn a_token_that_the_trust_policy_wants_is_taken() {
    let simulator = Simulator::builder().build();
    for claims in [good(), good().audiences(&["other", "sts.amazonaws.com"])] {
        let token = simulator.oidc().token(claims);
        let arn = assume(&simulator, &token, Asked::default()).await.unwrap();
        assert_eq!(arn, "arn:aws:sts::111122223333:assumed-role/deploy/job-1");
    }
}

#[tokio::test(start_paused = true)]
async fn every_wrong_token_has_its_own_refusal() {
    let simulator = Simulator::builder().build();
    let wrong = [
        (good().wrong_signature(), "InvalidIdentityToken", "could not be validated"),
        (good().unknown_key(), "InvalidIdentityToken", "Couldn't retrieve verification key"),
        (good().audience("https://gitlab.example.com"), "InvalidIdentityToken", "Incorrect token audience"),
        (good().without("aud"), "InvalidIdentityToken", "Missing a required claim: aud"),
        (good().without("sub"), "InvalidIdentityToken", "Missing a required claim: sub"),
        (
            good().claim("iss", "https://other.example.com"),
            "InvalidIdentityToken",
            "No OpenIDConnect provider found in your account for https://other.example.com",
        ),
        (
            good().claim("iss", "gitlab.example.com"),
            "InvalidIdentityToken",
            "No OpenIDConnect provider found",
        ),
        (
            good().expired_for(Duration::from_secs(60)),
            "ExpiredTokenException",
            "Token expired: current date/time",
        ),
        (good().claim("nbf", 4_000_000_000_i64), "InvalidIdentityToken", "Token not yet valid"),
        (
            Claims::gitlab("demo/other", "main"),
            "AccessDenied",
            "Not authorized to perform sts:AssumeRoleWithWebIdentity",
        ),
        (
            Claims::gitlab_tag("demo/web", "v1"),
            "AccessDenied",
            "Not authorized to perform sts:AssumeRoleWithWebIdentity",
        ),
    ];
    for (claims, code, words) in wrong {
        let (found, message) = refused(&simulator, claims.clone()).await;
        assert_eq!(found, code, "{claims:?}: {message}");
        assert!(message.contains(words), "{claims:?}: {message}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_token_is_refused_before_anything_else() {
    let simulator = Simulator::builder().build();
    for token in ["only.two", "a.b.c", "not-a-token-at-all"] {
        let (code, message) = assume(&simulator, token, Asked::default()).await.unwrap_err();
        assert_eq!(code, "InvalidIdentityToken");
        assert!(message.starts_with("The ID Token provided is not a valid JWT."), "{message}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_expires_on_the_simulators_clock() {
    let simulator = Simulator::builder().build();
    let token = simulator.oidc().token(good());
    tokio::time::sleep(Duration::from_secs(299)).await;
    assume(&simulator, &token, Asked::default()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(assume(&simulator, &token, Asked::default()).await.unwrap_err().0, "ExpiredTokenException");
}

#[tokio::test(start_paused = true)]
async fn the_provider_must_be_in_the_roles_own_account() {
    let simulator = Simulator::builder().build();
    let token = simulator.oidc().token(good());
    let role = format!("arn:aws:iam::{SECOND_ACCOUNT}:role/deploy");
    let (code, message) = assume(&simulator, &token, Asked { role, ..Asked::default() }).await.unwrap_err();
    assert_eq!(code, "InvalidIdentityToken");
    assert!(message.starts_with("No OpenIDConnect provider found in your account for"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn requests_out_of_bounds_are_validation_errors() {
    let simulator = Simulator::builder().build();
    let token = simulator.oidc().token(good());
    let role = |role: &str| Asked { role: role.to_owned(), ..Asked::default() };
    let session = |session: &str| Asked { session: session.to_owned(), ..Asked::default() };
    let seconds = |seconds| Asked { seconds: Some(seconds), ..Asked::default() };
    let wrong = [
        (role("arn:aws:iam:::role/deploy-me-please"), "Request ARN is invalid"),
        (
            session("has a space"),
            "failed to satisfy constraint: Member must satisfy regular expression pattern",
        ),
        (session("x"), "Member must have length greater than or equal to 2"),
        (seconds(899), "Member must have value greater than or equal to 900"),
        (seconds(7_200), "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."),
    ];
    for (asked, words) in wrong {
        let (code, message) = assume(&simulator, &token, asked).await.unwrap_err();
        assert_eq!(code, "ValidationError", "{words}");
        assert!(message.contains(words), "{message}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_that_does_not_exist_is_refused_like_one_that_does_not_trust() {
    let simulator = Simulator::builder().build();
    let token = simulator.oidc().token(good());
    let role = format!("arn:aws:iam::{DEMO_ACCOUNT}:role/nobody");
    let (code, _) = assume(&simulator, &token, Asked { role, ..Asked::default() }).await.unwrap_err();
    assert_eq!(code, "AccessDenied");
}

#[tokio::test(start_paused = true)]
async fn a_wildcard_under_string_equals_matches_nothing() {
    let mut world = World::demo();
    let role = world.account(DEMO_ACCOUNT).roles.get_mut("deploy").unwrap();
    let text = role.trust_policy.to_string().replace("StringLike", "StringEquals");
    // Two members of one name: the later one, with the subject, stays.
    role.trust_policy = serde_json::from_str(&text).unwrap();
    let simulator = Simulator::builder().world(world).build();
    assert_eq!(refused(&simulator, good()).await.0, "AccessDenied");
}

#[tokio::test(start_paused = true)]
async fn an_unreachable_provider_is_an_error_of_its_own() {
    let simulator = Simulator::builder().build();
    let fault = Fault::new("sts", "AssumeRoleWithWebIdentity", FaultKind::IdentityProviderUnreachable);
    simulator.add_fault(fault.on(CallNumbers::First(1)));
    assert_eq!(refused(&simulator, good()).await.0, "IDPCommunicationError");
    let token = simulator.oidc().token(good());
    assume(&simulator, &token, Asked::default()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_key_set_is_served_where_discovery_says() {
    let simulator = Simulator::builder().build();
    let get = async |path: &str| {
        let request = http::Request::get(format!("https://gitlab.example.com{path}"))
            .body(bytes::Bytes::new())
            .unwrap();
        let answer = simulator.handle(request).await;
        serde_json::from_slice::<serde_json::Value>(answer.body()).unwrap()
    };
    let discovery = get("/.well-known/openid-configuration").await;
    assert_eq!(discovery["jwks_uri"], "https://gitlab.example.com/oauth/discovery/keys");
    let keys = get("/oauth/discovery/keys").await;
    assert_eq!(keys, simulator.oidc().key_set());
    assert_eq!(keys["keys"][0]["kty"], "RSA");
}
