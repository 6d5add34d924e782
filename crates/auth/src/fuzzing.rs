//! What holds for every input, as functions that `cargo fuzz` and the tests both call. Compiled for those two only.
#![allow(clippy::panic, clippy::missing_panics_doc, reason = "a panic is the finding")]

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use landfall_aws::environment::Environment;
use landfall_core::{Cause, Context, Error, ErrorKind};

use crate::checks::{is_account, is_of_session_name, parts_of};
use crate::token::Token;
use crate::{AssumedRole, Auth, CredentialsSource, Oidc, StaticKeys, check_role_arn, default_session_name};

const NOW: Timestamp = Timestamp::constant(1_786_000_000, 0);
const ROLE: &str = "arn:aws:iam::111122223333:role/deploy";
const HEADER: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImtleS0xIiwidHlwIjoiSldUIn0";
const SIGNATURE: &str = "Y2FuYXJ5LXNpZ25hdHVyZS10aGF0LW5vYm9keS1tYXktc2Vl";

/// Reads any text as a token, and as what a token claims.
pub fn token(text: &str) {
    told(text);
    let payload = URL_SAFE_NO_PAD.encode(text);
    told(&format!("{HEADER}.{payload}.{SIGNATURE}"));
}

/// Nothing that is said of a token shows a part of it, unless its claims say the same.
fn told(text: &str) {
    let parsed = Token::parse("DEPLOY_TOKEN", text);
    let mut told = format!("{parsed:?}");
    let problems = match parsed {
        Ok(token) => {
            told.push_str(&token.claims().lines().join("\n"));
            token.claims().problems("DEPLOY_TOKEN", Some("sts.amazonaws.com"), NOW)
        }
        Err(problem) => vec![*problem],
    };
    problems.iter().for_each(says_one_line);
    let error = Error::new(ErrorKind::Auth, "refused").with_causes(problems);
    told.push_str(&format!(
        "{error:?} {} {}",
        error.report(),
        serde_json::to_string(&error).unwrap_or_default()
    ));
    let parts: Vec<&str> = text.trim().split('.').collect();
    let claims = parts.get(1).and_then(|part| URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok());
    let claims = String::from_utf8_lossy(&claims.unwrap_or_default()).into_owned();
    let is_secret = |part: &&&str| part.len() >= 24 && !part.contains(' ') && !claims.contains(**part);
    for part in parts.iter().filter(is_secret) {
        assert!(!told.contains(*part), "{part} in {told}");
    }
}

fn says_one_line(cause: &Cause) {
    assert!(!cause.message.contains('\n'), "{:?}", cause.message);
}

/// Reads any text as each of the settings.
pub fn settings(text: &str) {
    match check_role_arn("role ARN", text) {
        Some(problem) => says_one_line(&problem),
        None => {
            let (partition, account) = parts_of(text).unwrap_or_default();
            assert!(partition.starts_with("aws") && is_account(account), "{text:?}");
        }
    }
    let pairs = [("CI_PROJECT_ID", text), ("CI_PIPELINE_ID", text), ("AWS_ENDPOINT_URL_STS", text)];
    for environment in [Environment::default(), Environment::from_pairs(pairs)] {
        let name = default_session_name(&environment, text);
        assert!((2..=64).contains(&name.len()) && name.chars().all(is_of_session_name), "{name:?}");
        let keys = StaticKeys::new("AKIAFUZZ", "fuzz-secret-key");
        let auth = Auth::new(CredentialsSource::static_keys(keys)).environment(environment).region(text);
        let chain = vec![AssumedRole::new(text).external_id(text)];
        let auth = auth.role_chain(chain).session_name(text).expected_account(text).audience(text);
        if let Err(error) = auth.check(&Context::builder("fuzz/1/deploy/production").build()) {
            assert!(!error.causes().is_empty(), "{}", error.report());
            error.causes().iter().for_each(says_one_line);
        }
    }
}

/// Signs in, with keys or with a token, at an STS that says anything. The caller's tokio runtime has its clock paused,
/// because calls that fail are repeated after a pause.
pub async fn sign_in(http: SharedHttpClient, with_token: bool) {
    let claims = format!(
        r#"{{"iss":"https://gitlab.example.com","sub":"a","aud":"b","exp":{}}}"#,
        i64::from(i32::MAX)
    );
    let token = format!("{HEADER}.{}.{SIGNATURE}", URL_SAFE_NO_PAD.encode(claims));
    let environment = Environment::from_pairs([("AWS_REGION", "eu-central-1"), ("TOKEN", token.as_str())]);
    let source = match with_token {
        true => CredentialsSource::oidc(Oidc::from_environment(ROLE, "TOKEN")),
        false => CredentialsSource::static_keys(StaticKeys::new("AKIAFUZZ", "fuzz-secret-key")),
    };
    let auth = Auth::new(source).environment(environment).http_client(http);
    match auth.connect(&Context::builder("fuzz/1/deploy/production").build()).await {
        Ok(session) => {
            let (identity, place) = (&session.identity, &session.place);
            assert!(is_account(&identity.account), "{identity:?}");
            assert!(
                identity.account == place.account && identity.arn.contains(&place.account),
                "{session:?}"
            );
        }
        Err(error) => {
            let report = error.report();
            assert!(report.contains("sts "), "the call is not named: {report}");
            assert!(!report.contains("fuzz-secret-key") && !report.contains(SIGNATURE), "{report}");
        }
    }
}

#[cfg(test)]
#[path = "../../../fuzz/near.rs"]
mod near;

#[cfg(test)]
mod tests {
    //! The same on every test run: the corpus, every past finding, and inputs that are near to them.

    use landfall_simulator::Simulator;
    use proptest::prelude::*;

    use super::near::{cases, inputs, near, text};

    /// The statuses that the second byte of an `sts_answer` chooses from, as in the fuzz target.
    const STATUSES: [u16; 8] = [200, 200, 200, 200, 400, 403, 500, 503];

    const WORDS: [&str; 10] =
        ["<", "</", "&#x0;", "<![CDATA[", "\"", "null", "é", "\u{1b}[31m\n", "<Account></Account>", "1e999"];

    fn sts_answer(data: &[u8]) {
        let [choice, status, body @ ..] = data else { return };
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().unwrap();
        let (status, body) = (STATUSES[usize::from(*status) % STATUSES.len()], body.to_vec());
        runtime.block_on(async {
            let http = Simulator::builder().build().http_client_altering(move |answered| {
                answered.status = status.try_into().unwrap();
                answered.body = body.clone().into();
            });
            super::sign_in(http, choice % 2 == 1).await;
        });
    }

    #[test]
    fn every_input_of_the_fuzzer_holds() {
        inputs("oidc_token").iter().for_each(|input| text(input, super::token));
        inputs("flags").iter().for_each(|input| text(input, super::settings));
        inputs("sts_answer").iter().for_each(|input| sts_answer(input));
    }

    proptest! {
        #![proptest_config(cases(4))]

        #[test]
        fn tokens_near_to_real_ones_hold(input in near("oidc_token", &WORDS)) {
            text(&input, super::token);
        }

        #[test]
        fn settings_near_to_real_ones_hold(input in near("flags", &WORDS)) {
            text(&input, super::settings);
        }

        #[test]
        fn any_text_holds_as_a_setting(input in "\\PC{0,80}") {
            super::settings(&input);
        }

        #[test]
        fn answers_near_to_real_ones_never_make_a_session_of_nobody(input in near("sts_answer", &WORDS)) {
            sts_answer(&input);
        }
    }
}
