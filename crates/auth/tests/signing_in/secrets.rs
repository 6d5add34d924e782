//! Nothing that is planted as a secret comes out anywhere.

use landfall_auth::{Auth, CredentialsSource, Oidc, StaticKeys};
use landfall_aws::environment::Environment;
use landfall_simulator::{Claims, DEMO_ACCESS_KEY_ID, DEMO_ROLE_ARN, DEMO_SECRET_ACCESS_KEY, Simulator};

use crate::support::*;

#[tokio::test(start_paused = true)]
async fn no_secret_is_ever_shown() {
    let simulator = Simulator::builder().build();
    let good = token(&simulator);
    let foreign = simulator.oidc().token(Claims::gitlab("other/project", "main"));
    let mut told = String::new();
    for text in [good.as_str(), foreign.as_str(), "canary-token"] {
        let environment = Environment::from_pairs([
            REGION,
            (TOKEN, text),
            ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "canary-secret-key"),
            ("AWS_SESSION_TOKEN", "canary-session-token"),
            ("HTTPS_PROXY", "http://user:canary-password@proxy.example.com:3128"),
        ]);
        let keys = StaticKeys::from_environment(&environment);
        told.push_str(&format!("{environment:?} {keys:?}"));
        for source in [
            CredentialsSource::oidc(Oidc::from_environment(DEMO_ROLE_ARN, TOKEN)),
            CredentialsSource::static_keys(keys),
            CredentialsSource::custom(custom()),
        ] {
            let (cx, events) = context(&simulator);
            let auth = within(&simulator, Auth::new(source.clone()).environment(environment.clone()));
            told.push_str(&format!("{source:?} {auth:?}"));
            match auth.connect(&cx).await {
                Ok(session) => told.push_str(&format!("{session:?}")),
                Err(error) => told.push_str(&format!(
                    "{error} {error:?} {} {}",
                    error.report(),
                    serde_json::to_string(&error).unwrap()
                )),
            }
            told.push_str(&serde_json::to_string(&*events.lock().unwrap()).unwrap());
            let client = landfall_aws::http::client(&environment).unwrap();
            told.push_str(&format!("{client:?}"));
        }
    }
    assert!(!told.contains("canary"), "{told}");
    assert!(!told.contains(DEMO_SECRET_ACCESS_KEY));
    assert!(!told.contains("simulated-session-token"), "{told}");
    for token in [good, foreign] {
        for part in token.split('.') {
            assert!(!told.contains(part), "{part}");
        }
    }
}

fn custom() -> aws_credential_types::Credentials {
    aws_credential_types::Credentials::new(DEMO_ACCESS_KEY_ID, DEMO_SECRET_ACCESS_KEY, None, None, "custom")
}
