use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use landfall_core::{Cause, Error, ErrorKind};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::Token;

const NOW: Timestamp = Timestamp::constant(1_767_225_600, 0);

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn token(payload: &Value) -> String {
    let signature = URL_SAFE_NO_PAD.encode("canary-signature");
    format!("{}.{}.{signature}", encoded(&json!({ "alg": "RS256" })), encoded(payload))
}

/// The payload of a good token, with these members changed; null takes one out.
fn payload(changes: &Value) -> Value {
    let mut payload = json!({
        "iss": "https://gitlab.example.com", "aud": "sts.amazonaws.com", "nbf": NOW.as_second() - 5,
        "exp": NOW.as_second() + 300, "sub": "project_path:demo/web:ref_type:branch:ref:main"
    });
    for (name, value) in changes.as_object().unwrap() {
        payload[name] = value.clone();
    }
    payload.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    payload
}

fn problems(changes: &Value) -> Vec<Cause> {
    let token = Token::parse("DEPLOY_TOKEN", &token(&payload(changes))).unwrap();
    token.claims().problems("DEPLOY_TOKEN", Some("sts.amazonaws.com"), NOW)
}

#[test]
fn a_good_token_has_no_problems() {
    assert_eq!(problems(&json!({})), []);
    assert_eq!(problems(&json!({ "aud": ["https://gitlab.example.com", "sts.amazonaws.com"] })), []);
    // A runner whose clock is a little behind sees a token from the future.
    assert_eq!(problems(&json!({ "nbf": NOW.as_second() + 60 })), []);
    let with_line_break = format!("{}\n", token(&payload(&json!({}))));
    assert!(Token::parse("f", &with_line_break).is_ok());
}

#[test]
fn each_wrong_claim_is_named_with_what_was_seen() {
    for (changes, code, told) in [
        (json!({ "exp": NOW.as_second() - 400 }), "token-expired", "expired 6 min 40 s ago"),
        (json!({ "exp": NOW.as_second() }), "token-expired", "expired 0 s ago"),
        (json!({ "exp": null }), "token-without-expiry", "`exp`"),
        (json!({ "nbf": NOW.as_second() + 7500 }), "token-from-the-future", "in 2 h 5 min"),
        (
            json!({ "aud": "https://gitlab.example.com" }),
            "token-audience",
            "is https://gitlab.example.com, and sts",
        ),
        (json!({ "aud": ["a", "b"] }), "token-audience", "is a, b, and sts.amazonaws.com"),
        (json!({ "aud": null }), "token-audience", "no audience"),
        (json!({ "sub": null }), "token-without-subject", "`sub`"),
        (json!({ "iss": "gitlab.example.com" }), "token-issuer", "`gitlab.example.com` is not an https URL"),
        (json!({ "iss": null }), "token-issuer", "no issuer"),
    ] {
        let problems = problems(&changes);
        assert_eq!(problems.len(), 1, "{changes}: {problems:?}");
        let problem = &problems[0];
        assert_eq!(
            (problem.code.as_str(), problem.field.as_deref()),
            (code, Some("DEPLOY_TOKEN")),
            "{changes}"
        );
        assert!(problem.message.contains(told), "{changes}: {problem:?}");
        assert!(problem.evidence.iter().any(|line| line.starts_with("token sub: ")), "{problem:?}");
    }
}

#[test]
fn all_problems_of_a_token_are_told_at_once() {
    let problems = problems(&json!({ "iss": null, "aud": null, "sub": null, "exp": null }));
    assert_eq!(problems.len(), 4);
}

#[test]
fn what_is_not_a_token_is_named_for_what_it_is() {
    let two_parts = encoded(&json!({}));
    for (text, told) in [
        ("", "nothing in it"),
        (" \n", "nothing in it"),
        ("glpat-canary0000000000000000", "GitLab's own API"),
        ("/builds/demo/web.tmp/TOKEN", "path of a file"),
        ("canary", "1 parts between dots"),
        ("canary.canary", "2 parts"),
        ("canary.canary.canary.canary", "4 parts"),
        ("canary.canary.canary", "not those of a JSON web token"),
        (&format!("{two_parts}.{two_parts}."), "not those of a JSON web token"),
        (&format!("{two_parts}.W10.c2ln"), "not those of a JSON web token"),
        (&format!("{two_parts}.{}.x", "a".repeat(20_000)), "20,000"),
    ] {
        let cause = Token::parse("DEPLOY_TOKEN", text).unwrap_err();
        let report = cause.report().replace("20000", "20,000");
        assert_eq!(cause.field.as_deref(), Some("DEPLOY_TOKEN"));
        assert!(report.contains(told), "{text}: {report}");
        assert!(!report.contains("canary"), "{report}");
    }
}

#[test]
fn a_claim_is_shown_on_one_line_and_not_at_any_length() {
    let long = format!("a\nb{}", "é".repeat(1000));
    let token = Token::parse("f", &token(&payload(&json!({ "sub": long })))).unwrap();
    let subject = token.claims().subject.clone().unwrap();
    assert!(subject.starts_with("a b") && subject.chars().count() == 201, "{subject}");
}

fn never_shown(text: &str) -> Result<(), TestCaseError> {
    let parsed = Token::parse("DEPLOY_TOKEN", text);
    let mut told = format!("{parsed:?}");
    let problems = match parsed {
        Ok(token) => token.claims().problems("DEPLOY_TOKEN", Some("sts.amazonaws.com"), NOW),
        Err(problem) => vec![*problem],
    };
    for problem in &problems {
        told.push_str(&problem.report());
    }
    let error = Error::new(ErrorKind::Auth, "x").with_causes(problems);
    told.push_str(&format!(
        "{error} {error:?} {} {}",
        error.report(),
        serde_json::to_string(&error).unwrap()
    ));
    for part in text.split('.').filter(|part| part.len() >= 12) {
        prop_assert!(!told.contains(part), "{part} in {told}");
    }
    Ok(())
}

proptest! {
    #[test]
    fn no_text_panics_or_is_shown(text in "\\PC{0,200}") {
        never_shown(&text)?;
    }

    #[test]
    fn no_three_parts_panic_or_are_shown(header in "[A-Za-z0-9_-]{0,40}", body in "[A-Za-z0-9_=-]{0,80}", end in "[A-Za-z0-9_-]{0,40}") {
        never_shown(&format!("{header}.{body}.{end}"))?;
    }

    #[test]
    fn no_claims_panic_or_show_the_token(
        sub in "\\PC{0,40}", aud in prop::collection::vec("\\PC{0,20}", 0..3), exp in any::<i64>(), nbf in any::<f64>(),
    ) {
        never_shown(&token(&json!({ "sub": sub, "aud": aud, "exp": exp, "nbf": nbf })))?;
    }
}
