//! What these tests share.

use std::sync::{Arc, Mutex};

use landfall_auth::{AssumedRole, Auth, CredentialsSource, Oidc, Session};
use landfall_aws::environment::Environment;
use landfall_core::context::Clock;
use landfall_core::event::{Event, EventKind};
use landfall_core::{Context, Error};
use landfall_simulator::{Claims, DEMO_REGION, DEMO_ROLE_ARN, SECOND_ACCOUNT, Simulator};

pub(crate) const TOKEN: &str = "DEPLOY_TOKEN";
pub(crate) const REGION: (&str, &str) = ("AWS_REGION", DEMO_REGION);

pub(crate) fn second_role() -> AssumedRole {
    AssumedRole::new(format!("arn:aws:iam::{SECOND_ACCOUNT}:role/deploy"))
}

pub(crate) fn token(simulator: &Simulator) -> String {
    simulator.oidc().token(Claims::gitlab("demo/web", "main"))
}

/// A context on the simulator's time that writes down what is told.
pub(crate) fn context(simulator: &Simulator) -> (Context, Arc<Mutex<Vec<Event>>>) {
    let told: Arc<Mutex<Vec<Event>>> = Arc::default();
    let ears = Arc::clone(&told);
    let cx = Context::builder("shop/42/deploy/production")
        .clock(Clock::starting_at(simulator.now()))
        .observer(Arc::new(move |event: &Event| ears.lock().unwrap().push(event.clone())))
        .build();
    (cx, told)
}

pub(crate) fn within(simulator: &Simulator, auth: Auth) -> Auth {
    auth.http_client(simulator.http_client()).time_source(simulator.time_source())
}

pub(crate) fn with_token(simulator: &Simulator, token: &str) -> Auth {
    let environment = Environment::from_pairs([REGION, (TOKEN, token)]);
    let oidc = Oidc::from_environment(DEMO_ROLE_ARN, TOKEN);
    within(simulator, Auth::new(CredentialsSource::oidc(oidc)).environment(environment))
}

pub(crate) async fn connect(simulator: &Simulator, auth: &Auth) -> Result<Session, Error> {
    auth.connect(&context(simulator).0).await
}

pub(crate) fn notes(events: &[Event]) -> Vec<String> {
    let note = |event: &Event| match &event.kind {
        EventKind::Note { code, .. } => Some(code.clone()),
        _ => None,
    };
    events.iter().filter_map(note).collect()
}
