//! Whether the credentials hold as long as a wait may take, and what is said before it begins when they do not.

use std::time::Duration;

use landfall_auth::{Auth, CredentialsSource, Oidc, StaticKeys, Validity};
use landfall_core::Policy;
use landfall_core::event::{Event, EventKind, Level};
use landfall_simulator::{
    Claims, DEMO_ACCESS_KEY_ID, DEMO_ACCOUNT, DEMO_REGION, DEMO_ROLE_ARN, DEMO_SECRET_ACCESS_KEY, Simulator,
    World,
};

use crate::support::*;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// A simulator whose role allows sessions of so many seconds.
fn allowing(seconds: u32) -> Simulator {
    let mut world = World::demo();
    world.account(DEMO_ACCOUNT).roles.get_mut("deploy").unwrap().max_session_seconds = seconds;
    Simulator::builder().world(world).build()
}

fn token_for(simulator: &Simulator, lifetime: Duration) -> String {
    simulator.oidc().token(Claims::gitlab("demo/web", "main").expires_in(lifetime))
}

/// The texts of notes with this code.
fn told(events: &[Event], wanted: &str) -> Vec<String> {
    let text = |event: &Event| match &event.kind {
        EventKind::Note { code, text, .. } if code == wanted => Some(text.clone()),
        _ => None,
    };
    events.iter().filter_map(text).collect()
}

/// Signs in; the length of the session in seconds, until when the credentials are good, what was told.
async fn signed_in(simulator: &Simulator, auth: Auth) -> (Option<i64>, Validity, Vec<Event>) {
    let (cx, events) = context(simulator);
    let session = auth.connect(&cx).await.unwrap();
    let seconds = session.expires.map(|ends| ends.duration_since(simulator.now()).as_secs());
    let events = events.lock().unwrap().clone();
    (seconds, session.validity, events)
}

#[tokio::test(start_paused = true)]
async fn a_session_is_asked_for_as_long_as_the_wait_and_an_undo_may_take() {
    let simulator = allowing(43_200);
    for (policy, seconds) in [
        (Policy::default(), 50 * 60),
        (Policy::default().timeout(2 * HOUR), (2 * 60 + 15 + 5) * 60),
        (Policy::default().timeout(24 * HOUR), 43_200),
        (Policy::default().without_wait(), 900),
    ] {
        let auth = with_token(&simulator, &token_for(&simulator, 48 * HOUR)).lasting(policy.longest());
        let (found, _, events) = signed_in(&simulator, auth).await;
        assert_eq!(found, Some(seconds));
        assert_eq!(notes(&events), [""; 0]);
    }
    assert_eq!(simulator.count("sts", "AssumeRoleWithWebIdentity"), 4);
}

#[tokio::test(start_paused = true)]
async fn a_role_that_does_not_allow_it_is_asked_for_less_and_that_is_told() {
    let simulator = allowing(3_600);
    let auth = with_token(&simulator, &token_for(&simulator, 3 * HOUR)).lasting(2 * HOUR);
    let (cx, events) = context(&simulator);
    let session = auth.connect(&cx).await.unwrap();
    assert_eq!(session.expires.unwrap().duration_since(simulator.now()).as_secs(), 3_600);
    let shortened = told(&events.lock().unwrap(), "session-shortened");
    assert!(shortened[0].contains("a session of 2 h 5 min, this one lasts 1 h 0 min"), "{shortened:?}");
    // The token is still good after an hour, so the session is renewed: nothing to warn of.
    assert_eq!(told(&events.lock().unwrap(), "credentials-end-early"), [""; 0]);
    assert_eq!(simulator.count("sts", "AssumeRoleWithWebIdentity"), 3, "2 h 5 min, 2 h, 1 h");
    tokio::time::advance(HOUR).await;
    aws_sdk_sts::Client::new(&session.config).get_caller_identity().send().await.unwrap();
    assert_eq!(simulator.count("sts", "AssumeRoleWithWebIdentity"), 4, "what the role allows is remembered");
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_would_outlive_its_credentials_is_announced_with_what_to_do() {
    let simulator = allowing(3_600);
    let auth = with_token(&simulator, &token_for(&simulator, 5 * MINUTE)).lasting(2 * HOUR);
    let (_, validity, events) = signed_in(&simulator, auth).await;
    assert_eq!(validity, Validity::Until(simulator.now() + jiff::SignedDuration::from_hours(1)));
    let early = told(&events, "credentials-end-early");
    for words in [
        "end at 2026-01-01T01:00:00Z",
        "2 h 0 min",
        "`timeout:`",
        "this one ends at 2026-01-01T00:05:00Z",
        "raise the maximum session duration of arn:aws:iam::111122223333:role/deploy",
        "shorten --timeout",
    ] {
        assert!(early[0].contains(words), "{words:?} is not in {}", early[0]);
    }
    let level = events.iter().find_map(|event| match &event.kind {
        EventKind::Note { level, code, .. } if code == "credentials-end-early" => Some(*level),
        _ => None,
    });
    assert_eq!(level, Some(Level::Warning));
    assert!(simulator.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_session_that_covers_the_wait_needs_no_token_after_that() {
    let simulator = allowing(43_200);
    let auth = with_token(&simulator, &token_for(&simulator, 5 * MINUTE)).lasting(2 * HOUR);
    let (seconds, _, events) = signed_in(&simulator, auth).await;
    assert_eq!((seconds, notes(&events)), (Some(7_500), Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn a_role_that_allows_just_what_the_wait_takes_is_enough() {
    let simulator = allowing(7_200);
    let auth = with_token(&simulator, &token_for(&simulator, 5 * MINUTE)).lasting(2 * HOUR);
    let (seconds, _, events) = signed_in(&simulator, auth).await;
    assert_eq!((seconds, notes(&events)), (Some(7_200), vec!["session-shortened".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn a_chain_lasts_an_hour_and_is_renewed_as_long_as_its_base_is_good() {
    let simulator = allowing(43_200);
    let chain = |lifetime: Duration, lasting: Duration| {
        let role = second_role().external_id("demo-external-id");
        with_token(&simulator, &token_for(&simulator, lifetime)).role_chain(vec![role]).lasting(lasting)
    };
    // The first session lasts 2 h 5 min, and so long the second is renewed.
    let (seconds, _, events) = signed_in(&simulator, chain(5 * MINUTE, 2 * HOUR)).await;
    assert_eq!((seconds, notes(&events)), (Some(3_600), Vec::new()));
    // Twelve hours are the longest session, and thirteen its last renewal.
    let (_, _, events) = signed_in(&simulator, chain(5 * MINUTE, 14 * HOUR)).await;
    let early = told(&events, "credentials-end-early");
    assert!(early[0].contains("`timeout:`") && !early[0].contains("maximum session"), "{early:?}");
    let (_, _, events) = signed_in(&simulator, chain(14 * HOUR, 14 * HOUR)).await;
    assert_eq!(told(&events, "credentials-end-early"), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_chain_from_a_key_asks_for_more_than_an_hour_since_a_user_is_no_role() {
    let mut world = World::demo();
    world.account(landfall_simulator::SECOND_ACCOUNT).roles.get_mut("deploy").unwrap().max_session_seconds =
        7_500;
    let simulator = Simulator::builder().world(world).build();
    let keys = StaticKeys::new(DEMO_ACCESS_KEY_ID, DEMO_SECRET_ACCESS_KEY);
    let auth = within(&simulator, Auth::new(CredentialsSource::static_keys(keys)).region(DEMO_REGION))
        .role_chain(vec![second_role().external_id("demo-external-id")])
        .lasting(2 * HOUR);
    let (seconds, validity, _) = signed_in(&simulator, auth).await;
    assert_eq!((seconds, validity), (Some(7_500), Validity::Lasting));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_claimed_about_keys_whose_end_nobody_knows() {
    let simulator = Simulator::builder().build();
    let first = connect(&simulator, &with_token(&simulator, &token(&simulator))).await.unwrap();
    let provider = first.config.credentials_provider().unwrap();
    use aws_credential_types::provider::ProvideCredentials;
    let found = provider.provide_credentials().await.unwrap();
    let keys = StaticKeys::new(found.access_key_id(), found.secret_access_key().to_owned())
        .with_session_token(found.session_token().unwrap().to_owned());
    for (keys, validity) in [
        (keys, Validity::Unknown),
        (StaticKeys::new(DEMO_ACCESS_KEY_ID, DEMO_SECRET_ACCESS_KEY), Validity::Lasting),
    ] {
        let auth = within(&simulator, Auth::new(CredentialsSource::static_keys(keys)).region(DEMO_REGION));
        let (seconds, found, events) = signed_in(&simulator, auth.lasting(24 * HOUR)).await;
        assert_eq!((seconds, found, notes(&events)), (None, validity, Vec::new()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_something_replaces_is_no_reason_to_warn_and_a_jobs_token_in_a_file_is() {
    let simulator = allowing(3_600);
    let replaced = Claims::new("project_path:demo/web:ref_type:branch:ref:main");
    let job = Claims::gitlab("demo/web", "main");
    for (claims, warnings) in [(replaced, 0), (job, 1)] {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), simulator.oidc().token(claims)).unwrap();
        let oidc = Oidc::from_file(DEMO_ROLE_ARN, file.path());
        let auth = within(&simulator, Auth::new(CredentialsSource::oidc(oidc)).region(DEMO_REGION));
        let (_, _, events) = signed_in(&simulator, auth.lasting(2 * HOUR)).await;
        assert_eq!(told(&events, "credentials-end-early").len(), warnings, "{events:?}");
    }
}
