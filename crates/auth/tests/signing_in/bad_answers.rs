//! Answers of STS that something has damaged: never a session of nobody, never a call that is not named.

use landfall_auth::{Auth, CredentialsSource, Oidc};
use landfall_aws::environment::Environment;
use landfall_core::Result;
use landfall_simulator::{DEMO_ACCOUNT, DEMO_ROLE_ARN, Simulator};

use crate::support::*;

/// The elements of the two answers that a sign-in by token reads.
const ELEMENTS: [&str; 13] = [
    "AssumeRoleWithWebIdentityResponse",
    "AssumeRoleWithWebIdentityResult",
    "Credentials",
    "AccessKeyId",
    "SecretAccessKey",
    "SessionToken",
    "Expiration",
    "GetCallerIdentityResponse",
    "GetCallerIdentityResult",
    "Account",
    "Arn",
    "UserId",
    "ResponseMetadata",
];

/// Without these nobody is signed in.
const NEEDED: [&str; 10] = [
    "AssumeRoleWithWebIdentityResponse",
    "AssumeRoleWithWebIdentityResult",
    "Credentials",
    "AccessKeyId",
    "SecretAccessKey",
    "SessionToken",
    "Expiration",
    "GetCallerIdentityResult",
    "Account",
    "Arn",
];

/// What stands between an element's tags is replaced, or the element taken out.
fn changed(text: &str, element: &str, content: Option<&str>) -> String {
    let (open, close) = (format!("<{element}"), format!("</{element}>"));
    let Some((before, rest)) = text.split_once(&open) else { return text.to_owned() };
    let Some((inner, after)) = rest.rsplit_once(&close) else { return text.to_owned() };
    match (content, inner.split_once('>')) {
        (Some(content), Some((attributes, _))) => {
            format!("{before}{open}{attributes}>{content}{close}{after}")
        }
        _ => format!("{before}{after}"),
    }
}

async fn signed_in(
    change: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static,
) -> Result<landfall_auth::Session> {
    let simulator = Simulator::builder().build();
    let environment = Environment::from_pairs([REGION, (TOKEN, token(&simulator).as_str())]);
    let http = simulator.http_client_altering(move |answered| {
        answered.body = change(&String::from_utf8_lossy(&answered.body)).into();
    });
    let source = CredentialsSource::oidc(Oidc::from_environment(DEMO_ROLE_ARN, TOKEN));
    let auth = Auth::new(source).environment(environment).time_source(simulator.time_source());
    auth.http_client(http).connect(&context(&simulator).0).await
}

fn holds(signed_in: &Result<landfall_auth::Session>, what: &str) {
    match signed_in {
        Ok(session) => {
            assert_eq!(session.identity.account, DEMO_ACCOUNT, "{what}");
            assert_eq!(session.place.account, DEMO_ACCOUNT, "{what}");
            assert!(session.identity.arn.contains(DEMO_ACCOUNT), "{what}: {:?}", session.identity);
        }
        Err(error) => {
            let report = error.report();
            assert!(
                report.contains("AssumeRoleWithWebIdentity") || report.contains("GetCallerIdentity"),
                "{what}: {report}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_one_of_its_elements_never_makes_a_session_of_nobody() {
    for element in ELEMENTS {
        for content in [None, Some(""), Some(" "), Some("x"), Some("<a><b/></a>")] {
            let made = signed_in(move |text| changed(text, element, content).into_bytes()).await;
            let what = format!("{element} with {content:?}");
            holds(&made, &what);
            if NEEDED.contains(&element) && matches!(content, None | Some("" | " ")) {
                assert!(made.is_err(), "{what}: {made:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_that_is_not_that_of_the_arn_is_no_answer() {
    let made = signed_in(|text| changed(text, "Account", Some("999999999999")).into_bytes()).await;
    assert!(made.unwrap_err().message().contains("GetCallerIdentity"));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_answer_of_sts_is_told_as_such() {
    let page = "<!DOCTYPE html><html><body><p>Sign in to the guest network</body></html>";
    let answers: [fn(&str) -> Vec<u8>; 7] = [
        |text| text.as_bytes()[..text.len() / 2].to_vec(),
        |text| text.as_bytes()[..text.len() - 1].to_vec(),
        |_| Vec::new(),
        |_| b"{\"Account\": \"111122223333\"}".to_vec(),
        |text| [text.as_bytes(), &[0xff, 0xfe]].concat(),
        |_| "<a>".repeat(100_000).into_bytes(),
        |text| text.replace("xmlns=", "xmlns:x=").into_bytes(),
    ];
    holds(&signed_in(move |_| page.as_bytes().to_vec()).await, page);
    for (number, answer) in answers.into_iter().enumerate() {
        holds(&signed_in(answer).await, &format!("answer {number}"));
    }
}
