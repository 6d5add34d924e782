//! `deploy doctor`: checks what a deployment needs, and changes nothing.

use jiff::Timestamp;
use landfall::auth::{Session, Validity};
use landfall::aws::environment::Environment;
use landfall::ecs::EcsService;
use landfall::event::Level;
use landfall::{Cause, Context, DeployTargetExt, Policy, Result};

use crate::flags::{Doctor, Global, collect};
use crate::session;

/// Whether the credentials hold for the wait of a deployment with these flags. One that they do not cover was warned of
/// when they were got.
fn tell_whether_covered(cx: &Context, session: &Session, policy: &Policy) {
    let longest = policy.longest();
    let until = cx.clock().now().checked_add(longest).unwrap_or(Timestamp::MAX);
    let wait = format!("a wait until {until:.0} (--timeout and an undo after it)");
    let text = match (session.validity, session.validity.covers(until)) {
        (Validity::Until(end), Some(true)) => {
            format!("ok  {wait} is covered: the credentials are good until {end:.0}")
        }
        (Validity::Until(end), _) => {
            format!("--  {wait} is not covered: the credentials are good until {end:.0} only")
        }
        (_, Some(_)) => format!("ok  {wait} is covered: the credentials have no end or renew themselves"),
        (_, None) => {
            format!(
                "--  whether {wait} is covered is not known: nobody says whether these credentials end or are renewed"
            )
        }
    };
    cx.note(Level::Info, "doctor", text);
}

/// Runs the subcommand and gives the exit code.
///
/// # Errors
/// The first check that failed, with what to do about it.
pub(crate) async fn run(
    global: &Global,
    what: &Doctor,
    process: Environment,
    cx: &Context,
    mut problems: Vec<Cause>,
) -> Result<u8> {
    let policy = global.policy(&mut problems);
    let spec = match (&what.cluster, &what.service) {
        (Some(cluster), Some(service)) => {
            collect(EcsService::builder().cluster(cluster).service(service).build(), &mut problems)
        }
        _ => None,
    };
    let ready = session::sign_in(global, process, cx, Some(policy.longest()), problems).await?;
    let session = &ready.session;
    let ok = |text: &str| cx.note(Level::Info, "doctor", format!("ok  {text}"));
    ok(&format!("credentials: {} ({})", session.identity.arn, session.source));
    for line in ready.claims.iter().flat_map(landfall::auth::token::Claims::lines) {
        ok(&format!("token {line}"));
    }
    if let Some(expires) = session.expires {
        ok(&format!("the session ends at {expires:.0}"));
    }
    tell_whether_covered(cx, session, &policy);
    ok(&format!(
        "account {} in {}, partition {}",
        session.place.account, session.place.region, session.place.partition
    ));
    let Some(spec) = spec else {
        cx.note(Level::Info, "doctor", "no target was named: add --cluster and --service to check one");
        return Ok(0);
    };
    let target = spec.target(&session.config, session.place.clone())?;
    session::in_time(global, "the look at it", target.preview(cx)).await?;
    ok(&format!("{}: it can be read, is active and is not being deployed to", target.subject()));
    Ok(0)
}
