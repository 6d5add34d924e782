//! `deploy doctor`: checks what a deployment needs, and changes nothing.

use landfall::aws::environment::Environment;
use landfall::ecs::EcsService;
use landfall::event::Level;
use landfall::{Cause, Context, DeployTargetExt, Result};

use crate::flags::{Doctor, Global, collect};
use crate::session;

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
    let _ = global.policy(&mut problems);
    let spec = match (&what.cluster, &what.service) {
        (Some(cluster), Some(service)) => {
            collect(EcsService::builder().cluster(cluster).service(service).build(), &mut problems)
        }
        _ => None,
    };
    let ready = session::sign_in(global, process, cx, problems).await?;
    let session = &ready.session;
    let ok = |text: &str| cx.note(Level::Info, "doctor", format!("ok  {text}"));
    ok(&format!("credentials: {} ({})", session.identity.arn, session.source));
    for line in ready.claims.iter().flat_map(landfall::auth::token::Claims::lines) {
        ok(&format!("token {line}"));
    }
    if let Some(expires) = session.expires {
        ok(&format!("the session ends at {expires:.0}"));
    }
    ok(&format!(
        "account {} in {}, partition {}",
        session.place.account, session.place.region, session.place.partition
    ));
    let Some(spec) = spec else {
        cx.note(Level::Info, "doctor", "no target was named: add --cluster and --service to check one");
        return Ok(0);
    };
    let target = spec.target(&session.config, session.place.clone())?;
    target.preview(cx).await?;
    ok(&format!("{}: it can be read, is active and is not being deployed to", target.subject()));
    Ok(0)
}
