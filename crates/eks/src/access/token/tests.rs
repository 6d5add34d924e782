use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_types::SdkConfig;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use landfall_core::ErrorKind;
use landfall_core::context::Clock;

use super::{Token, TokenSource};

/// When the golden tokens were made.
const NOW: i64 = 1_790_000_000;
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// Credentials with an end, counted: each call asks for the next.
#[derive(Debug, Clone)]
struct Provider {
    session_token: Option<String>,
    /// Seconds from `NOW`, one for each call; the last one stands for all later calls.
    ends: Vec<Option<i64>>,
    calls: Arc<AtomicUsize>,
}

impl Provider {
    fn new(session_token: Option<&str>, ends: &[Option<i64>]) -> Self {
        Self { session_token: session_token.map(str::to_owned), ends: ends.to_vec(), calls: Arc::default() }
    }

    fn source(&self) -> TokenSource {
        self.source_ahead(SignedDuration::ZERO)
    }

    fn source_ahead(&self, ahead: SignedDuration) -> TokenSource {
        let config =
            SdkConfig::builder().credentials_provider(SharedCredentialsProvider::new(self.clone())).build();
        let clock = Clock::starting_at(Timestamp::from_second(NOW).unwrap() - ahead);
        TokenSource::new(&config, "us-west-2", "my-cluster", clock, ahead).unwrap()
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }
}

impl ProvideCredentials for Provider {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let end = self.ends[call.min(self.ends.len() - 1)];
        let end =
            end.map(|end| SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(NOW + end).unwrap()));
        let credentials = Credentials::new("AKIDEXAMPLE", SECRET, self.session_token.clone(), end, "test");
        future::ProvideCredentials::ready(Ok(credentials))
    }
}

/// The address in a token, and its parameters.
fn read(token: &Token) -> (String, BTreeMap<String, String>) {
    let encoded = token.expose().strip_prefix("k8s-aws-v1.").unwrap();
    let url = String::from_utf8(URL_SAFE_NO_PAD.decode(encoded).unwrap()).unwrap();
    let (address, query) = url.split_once('?').unwrap();
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap());
    let decoded =
        |text: &str| text.replace("%2F", "/").replace("%3B", ";").replace("%2B", "+").replace("%3D", "=");
    let parameters: BTreeMap<String, String> =
        pairs.map(|(name, value)| (name.to_owned(), decoded(value))).collect();
    (address.to_owned(), parameters)
}

/// botocore makes this very token of these credentials, cluster and time.
#[tokio::test(start_paused = true)]
async fn a_token_of_static_keys_is_the_golden_one() {
    let token = Provider::new(None, &[None]).source().token().await.unwrap();
    let url = "https://sts.us-west-2.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15\
               &X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20260921%2Fus-west-2%2Fsts%2Faws4_request\
               &X-Amz-Date=20260921T141320Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id\
               &X-Amz-Signature=7fa8d12ccf6ffb6868f76654d07fb39da4ad9a939264164d22a556842e639889";
    let encoded = token.expose().strip_prefix("k8s-aws-v1.").unwrap();
    assert_eq!(String::from_utf8(URL_SAFE_NO_PAD.decode(encoded).unwrap()).unwrap(), url);
}

#[tokio::test(start_paused = true)]
async fn a_token_of_a_session_carries_its_token_and_the_golden_signature() {
    let token = Provider::new(Some("IQoJb3JpZ2luX2VjEXAMPLE+/=="), &[None]).source().token().await.unwrap();
    let (address, parameters) = read(&token);
    assert_eq!(address, "https://sts.us-west-2.amazonaws.com/");
    assert_eq!(parameters["X-Amz-Security-Token"], "IQoJb3JpZ2luX2VjEXAMPLE+/==");
    let signature = "71fd7732f61b5834329817ce09d3383edfec2168ce7ca7163007c7492164c10f";
    assert_eq!(parameters["X-Amz-Signature"], signature);
    let names: Vec<&str> = parameters.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "Action",
            "Version",
            "X-Amz-Algorithm",
            "X-Amz-Credential",
            "X-Amz-Date",
            "X-Amz-Expires",
            "X-Amz-Security-Token",
            "X-Amz-Signature",
            "X-Amz-SignedHeaders",
        ],
        "the authenticator refuses any other parameter"
    );
}

#[tokio::test(start_paused = true)]
async fn a_token_serves_fourteen_minutes_and_is_then_signed_anew() {
    let provider = Provider::new(None, &[None]);
    let source = provider.source();
    let first = source.token().await.unwrap();
    assert_eq!(first.expires(), Timestamp::from_second(NOW + 14 * 60).unwrap());
    tokio::time::advance(Duration::from_secs(14 * 60 - 1)).await;
    assert_eq!(source.token().await.unwrap().expose(), first.expose());
    assert_eq!(provider.calls(), 1);
    tokio::time::advance(Duration::from_secs(1)).await;
    let second = source.clone().token().await.unwrap();
    assert_ne!(second.expose(), first.expose());
    assert_eq!(read(&second).1["X-Amz-Date"], "20260921T142720Z");
    assert_eq!(source.token().await.unwrap().expose(), second.expose(), "clones share it");
    assert_eq!(provider.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_token_ends_a_minute_before_the_session_that_signed_it() {
    let provider = Provider::new(Some("t"), &[Some(180), Some(3600)]);
    let source = provider.source();
    let first = source.token().await.unwrap();
    assert_eq!(first.expires(), Timestamp::from_second(NOW + 120).unwrap());
    tokio::time::advance(Duration::from_secs(120)).await;
    let second = source.token().await.unwrap();
    assert_eq!(second.expires(), Timestamp::from_second(NOW + 120 + 14 * 60).unwrap());
}

#[tokio::test(start_paused = true)]
async fn in_the_last_minute_of_a_session_each_request_is_signed_and_after_it_none() {
    let provider = Provider::new(Some("t"), &[Some(30)]);
    let source = provider.source();
    source.token().await.unwrap();
    source.token().await.unwrap();
    assert_eq!(provider.calls(), 2);
    tokio::time::advance(Duration::from_secs(30)).await;
    let error = source.token().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert!(
        error.message().contains("my-cluster") && error.message().contains("ended at 2026-09-21T14:13:50Z"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_replaced_once_however_many_were_refused_with_it() {
    let provider = Provider::new(None, &[None]);
    let source = provider.source();
    let first = source.token().await.unwrap();
    tokio::time::advance(Duration::from_secs(5)).await;
    source.refused(&first).await;
    let second = source.token().await.unwrap();
    source.refused(&first).await;
    assert_eq!(source.token().await.unwrap().expose(), second.expose());
    assert_eq!(provider.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn many_callers_at_once_make_one_signature() {
    let provider = Provider::new(None, &[None]);
    let source = provider.source();
    let (one, two, three) = tokio::join!(source.token(), source.token(), source.token());
    assert_eq!(one.unwrap().expose(), two.unwrap().expose());
    three.unwrap();
    assert_eq!(provider.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_signature_has_the_time_of_aws_and_not_that_of_a_wrong_clock() {
    let source = Provider::new(None, &[None]).source_ahead(SignedDuration::from_hours(2));
    let token = source.token().await.unwrap();
    assert_eq!(read(&token).1["X-Amz-Date"], "20260921T141320Z");
    assert_eq!(token.expires(), Timestamp::from_second(NOW + 14 * 60).unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_session_token_that_is_too_long_is_named_and_not_shown() {
    let long = "a1b2".repeat(800);
    let error = Provider::new(Some(&long), &[None]).source().token().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert!(error.message().contains("a cluster takes 4096: the session token alone has 3200"), "{error}");
    assert!(!error.report().contains("a1b2a1b2"));
    assert!(error.hint().unwrap().contains("session tags"));
}

#[tokio::test(start_paused = true)]
async fn neither_a_token_nor_its_source_can_be_printed() {
    let source = Provider::new(Some("IQoJb3JpZ2luX2VjEXAMPLE"), &[None]).source();
    let token = source.token().await.unwrap();
    for shown in [format!("{token:?}"), format!("{source:?}")] {
        for secret in [token.expose(), "k8s-aws-v1", SECRET, "IQoJb3JpZ2luX2VjEXAMPLE"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

#[derive(Debug)]
struct Failing;

impl ProvideCredentials for Failing {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Err(CredentialsError::not_loaded("nothing is set")))
    }
}

#[tokio::test(start_paused = true)]
async fn without_credentials_the_reason_is_told() {
    let clock = Clock::start();
    let none = TokenSource::new(&SdkConfig::builder().build(), "us-west-2", "c", clock, SignedDuration::ZERO);
    assert_eq!(none.unwrap_err().kind(), ErrorKind::Auth);
    let config = SdkConfig::builder().credentials_provider(SharedCredentialsProvider::new(Failing)).build();
    let source = TokenSource::new(&config, "us-west-2", "demo", clock, SignedDuration::ZERO).unwrap();
    let error = source.token().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert!(
        error.message().starts_with("signing in to cluster demo: there are no usable credentials"),
        "{error}"
    );
    assert!(error.report().contains("nothing is set"), "{}", error.report());
}
