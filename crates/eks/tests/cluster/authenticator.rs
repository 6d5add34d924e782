//! The authenticator's judgement, without a server.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use landfall_core::context::Clock;

use crate::support::authenticator::judge::judge;
use crate::support::identities::{DEPLOYER, Identity, STRANGER};
use crate::support::{CLUSTER, tokens};

type Test = fn() -> Result<(), String>;

pub(crate) const TESTS: [(&str, Test); 3] = [
    ("a_token_of_each_role_is_taken_for_a_quarter_of_an_hour", taken),
    ("a_token_of_botocore_is_taken", golden),
    ("everything_else_is_refused_with_the_reason", refused),
];

/// When the tokens were made.
const NOW: i64 = 1_790_000_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(NOW + seconds).unwrap()
}

/// A token of the identity, made by landfall at that time.
fn token(identity: &Identity) -> Result<String, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(async {
        let tokens = tokens(identity, CLUSTER, Clock::starting_at(at(0)))?;
        tokens.token().await.map(|token| token.expose().to_owned()).map_err(|error| error.report())
    })
}

fn judged(token: &str, now: Timestamp) -> Result<&'static str, String> {
    judge(token, CLUSTER, &[DEPLOYER, STRANGER], now).map(|identity| identity.user)
}

fn taken() -> Result<(), String> {
    for identity in [DEPLOYER, STRANGER] {
        let token = token(&identity)?;
        for seconds in [0, 15 * 60] {
            let judged = judged(&token, at(seconds));
            if judged != Ok(identity.user) {
                return Err(format!("after {seconds} s: {judged:?}"));
            }
        }
    }
    Ok(())
}

/// botocore makes this very signature of these keys, for this cluster, at this time.
fn golden() -> Result<(), String> {
    let identity = Identity {
        access_key_id: "AKIDEXAMPLE",
        secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        session_token: None,
        ..DEPLOYER
    };
    let url = "https://sts.us-west-2.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15\
               &X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20260921%2Fus-west-2%2Fsts%2Faws4_request\
               &X-Amz-Date=20260921T141320Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id\
               &X-Amz-Signature=7fa8d12ccf6ffb6868f76654d07fb39da4ad9a939264164d22a556842e639889";
    let token = format!("k8s-aws-v1.{}", URL_SAFE_NO_PAD.encode(url));
    judge(&token, "my-cluster", &[identity], at(0)).map(|_| ())
}

fn refused() -> Result<(), String> {
    let good = token(&DEPLOYER)?;
    let encoded = good.strip_prefix("k8s-aws-v1.").unwrap_or_default();
    let url = String::from_utf8(URL_SAFE_NO_PAD.decode(encoded).unwrap_or_default()).unwrap_or_default();
    // A token with another address in it.
    let with = |from: &str, to: &str| {
        let changed = url.replacen(from, to, 1);
        assert_ne!(changed, url, "{from} is not in {url}");
        format!("k8s-aws-v1.{}", URL_SAFE_NO_PAD.encode(changed))
    };
    let forged = Identity { secret: "another secret", ..DEPLOYER };
    let no_session = Identity { session_token: None, ..DEPLOYER };
    let unknown = Identity { access_key_id: "AKIANOBODY", ..DEPLOYER };
    let cases = [
        (good.clone(), 15 * 60 + 1, "the token has expired: it is 901 s old"),
        (good.clone(), -15 * 60 - 1, "the token is not good yet"),
        (encoded.to_owned(), 0, "the token does not begin with k8s-aws-v1."),
        ("k8s-aws-v1.aHR0cHM=".to_owned(), 0, "the token is not base64"),
        ("k8s-aws-v1.".to_owned() + &"a".repeat(4096), 0, "the token has 4107 bytes"),
        (with("https://", "http://"), 0, "the address is not the root of a server of https"),
        (with("/?", "/sts?"), 0, "the address is not the root of a server of https"),
        (with("sts.eu-central-1", "sts.eu-west-1"), 0, "`sts.eu-west-1.amazonaws.com` is not the server"),
        (with("sts.eu-central-1.amazonaws.com", "sts.example.com"), 0, "`sts.example.com` is not the server"),
        (with("GetCallerIdentity", "GetSessionToken"), 0, "the action is `GetSessionToken`"),
        (with("&Version", "&x-id=GetCallerIdentity&Version"), 0, "the parameter x-id is not known"),
        (with("&Version", "&action=GetCallerIdentity&Version"), 0, "the parameter action is there twice"),
        (with("%3Bx-k8s-aws-id", ""), 0, "x-k8s-aws-id is not signed"),
        (with("Expires=60", "Expires=901"), 0, "X-Amz-Expires is `901`"),
        (with("Expires=60", "Expires=61"), 0, "the signature does not match"),
        (token(&forged)?, 0, "the signature does not match"),
        (token(&no_session)?, 0, "the session token is not that of the access key"),
        (token(&unknown)?, 0, "nobody has the access key AKIANOBODY"),
    ];
    for (token, seconds, why) in cases {
        match judged(&token, at(seconds)) {
            Err(told) if told.starts_with(why) => {}
            judged => return Err(format!("expected {why}\nseen     {judged:?}")),
        }
    }
    let elsewhere = judge(&good, "production", &[DEPLOYER], at(0)).map(|identity| identity.user);
    if elsewhere != Err("the signature does not match".to_owned()) {
        return Err(format!("for another cluster: {elsewhere:?}"));
    }
    Ok(())
}
