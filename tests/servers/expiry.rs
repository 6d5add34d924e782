//! Sessions that really end while a rollout is waited for, on the server that lets them be short.
//!
//! It forgets sessions that are over when it makes another one, and then no longer says that they are: each of these
//! tests has a server of its own.

use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::behaviours::away_session;
use crate::cloud::{Cloud, Kind};
use crate::ministack::{Mode, Servers};
use crate::support::{DEPLOY, run};
use crate::wire::Act;

const KIND: Kind = Kind::Ministack(Mode::Auth);

/// The server's rollouts are over at once; here the new deployment goes on.
fn still_rolling_out() -> Act {
    Act::Change(Box::new(|answer| {
        let services = answer["services"].as_array_mut().into_iter().flatten();
        for deployment in services.filter_map(|service| service["deployments"].as_array_mut()).flatten() {
            let is_new = deployment["taskDefinition"].as_str().is_some_and(|arn| arn.ends_with("web:3"));
            if is_new && deployment["status"] == "PRIMARY" {
                deployment["rolloutState"] = json!("IN_PROGRESS");
                deployment["runningCount"] = Value::from(1);
            }
        }
    }))
}

/// Keys of a session that ends in mid-wait: nobody can renew them.
pub(crate) async fn keys_that_end() -> Result<(), String> {
    let (servers, mut told) = (Servers::default(), String::new());
    // On a busy machine a session may be over before the deployment has begun: then it is made longer.
    for seconds in [5, 10, 20, 40] {
        let mut cloud = Cloud::new(KIND, &servers).await;
        cloud
            .rewire(|seen| if seen.operation == "DescribeServices" { still_rolling_out() } else { Act::Pass })
            .await;
        let keys = away_session(&cloud, seconds).await?;
        let ran = run(cloud.command(&keys, &[&DEPLOY[..], &["--run-id", "shop/7"]].concat())).await;
        told = format!("exit {}:\n{}", ran.code, ran.told());
        if cloud.wire.count("UpdateService") == 0 {
            continue;
        }
        let words = ["ExpiredToken", "goes on in AWS", "--run-id shop/7"];
        let missing: Vec<&str> = words.into_iter().filter(|words| !ran.told().contains(words)).collect();
        let undone = cloud.wire.count("UpdateService") > 1;
        let right = ran.code == 7 && missing.is_empty() && !undone && !ran.told().contains("SUCCEEDED");
        return if right { Ok(()) } else { Err(format!("{missing:?} is not told: {told}")) };
    }
    Err(format!("no session was long enough to begin a deployment: {told}"))
}

/// A job's token outlives the session: another one is opened with it, and the rollout is seen to its end.
pub(crate) async fn sessions_that_are_renewed() -> Result<(), String> {
    let servers = Servers::default();
    let mut cloud = Cloud::new(KIND, &servers).await;
    let updated: Mutex<Option<Instant>> = Mutex::new(None);
    cloud
        .rewire(move |seen| {
            let mut updated = updated.lock().unwrap();
            match seen.operation {
                "UpdateService" => *updated = Some(Instant::now()),
                "AssumeRoleWithWebIdentity" => return Act::Send(lasting(seen.body, "13")),
                // Longer than the session with which the deployment was begun can last.
                "DescribeServices" if updated.is_some_and(|at| at.elapsed() < Duration::from_secs(14)) => {
                    return still_rolling_out();
                }
                _ => {}
            }
            Act::Pass
        })
        .await;
    let ran = run(cloud.job(&cloud.token(), &DEPLOY)).await;
    let sessions = cloud.wire.count("AssumeRoleWithWebIdentity");
    let right = ran.code == 0 && ran.told().contains("SUCCEEDED") && sessions >= 2;
    if right { Ok(()) } else { Err(format!("exit {} with {sessions} sessions:\n{}", ran.code, ran.told())) }
}

/// The form, asking for a session of this length.
fn lasting(form: &str, seconds: &str) -> String {
    let pairs = form_urlencoded::parse(form.as_bytes()).filter(|(name, _)| name != "DurationSeconds");
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .append_pair("DurationSeconds", seconds)
        .finish()
}
