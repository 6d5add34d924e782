//! From flags and environment to credentials that work.

use std::time::Duration;

use landfall::auth::token::Claims;
use landfall::auth::{Auth, Flags, Session};
use landfall::aws::environment::Environment;
use landfall::{Cause, Context, Error, ErrorKind, Result};

use crate::flags::{Global, collect, complete};
use crate::simulate::{self, Simulated};

/// What is needed to deploy. Keeps the simulated AWS alive.
pub(crate) struct Ready {
    pub(crate) session: Session,
    /// What the OIDC token says of itself.
    pub(crate) claims: Option<Claims>,
    _simulated: Option<Simulated>,
}

/// Signs in, after all problems of the input (those in `problems` and those of the credentials' flags) were told. The
/// credentials are to hold for `lasting`, if that is known.
///
/// # Errors
/// Invalid input, or credentials that cannot be used.
pub(crate) async fn sign_in(
    global: &Global,
    process: Environment,
    cx: &Context,
    lasting: Option<Duration>,
    mut problems: Vec<Cause>,
) -> Result<Ready> {
    let simulated =
        if global.simulate { Some(simulate::start(global, &process, cx.step()).await?) } else { None };
    let environment = simulated.as_ref().map_or(process, |simulated| simulated.environment.clone());
    let mut auth = collect(auth(global, environment), &mut problems);
    if let Some(lasting) = lasting {
        auth = auth.map(|auth| auth.lasting(lasting));
    }
    if let Some(Err(error)) = auth.as_ref().map(|auth| auth.check(cx)) {
        if error.exit_code() != 2 && problems.is_empty() {
            return Err(error);
        }
        collect(Err::<(), _>(error), &mut problems);
    }
    let auth = complete("the input cannot be used; nothing was sent", auth, problems)?;
    let session = in_time(global, "signing in", auth.connect(cx)).await?;
    Ok(Ready { session, claims: auth.claims(), _simulated: simulated })
}

/// What goes before a deployment is no reason to wait longer than `--timeout` for AWS.
///
/// # Errors
/// Those of `work`, or that it was given up.
pub(crate) async fn in_time<T>(
    global: &Global,
    what: &str,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    let limit = global.limit();
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
        let seconds = limit.as_secs();
        let text = format!("{what} had not come to an end after {seconds} s: no answer came in time; nothing was changed");
        Err(Error::new(ErrorKind::Transient, text).with_hint(
            "look at the network, at proxies and at AWS_ENDPOINT_URL; with a longer --timeout more is waited for",
        ))
    })
}

fn auth(global: &Global, environment: Environment) -> Result<Auth> {
    let flags = Flags {
        role_arns: global.role_arn.clone(),
        external_id: global.external_id.clone(),
        oidc_token_env: global.oidc_token_env.clone(),
        oidc_token_file: global.oidc_token_file.clone(),
        session_tags: global.session_tag.clone(),
        session_policies: global.session_policy.clone(),
    };
    let mut auth = Auth::detect(environment, &flags)?;
    if let Some(region) = &global.region {
        auth = auth.region(region);
    }
    if let Some(account) = &global.expected_account {
        auth = auth.expected_account(account);
    }
    Ok(auth)
}

/// The run's id when none is given: what stays the same when a CI job is tried again, else the time.
///
/// GitLab's variables: <https://docs.gitlab.com/ci/variables/predefined_variables/>.
pub(crate) fn run_id(environment: &Environment) -> String {
    let job = ["CI_PROJECT_PATH", "CI_PIPELINE_ID", "CI_JOB_NAME"].map(|name| environment.get(name));
    if let [Some(project), Some(pipeline), Some(job)] = job {
        let of = environment.get("CI_ENVIRONMENT_NAME").map(|name| format!("/{name}")).unwrap_or_default();
        let allowed = |c: char| if c.is_ascii_alphanumeric() || "_.:/=+-@".contains(c) { c } else { '-' };
        return format!("{project}/{pipeline}/{job}{of}").chars().map(allowed).take(200).collect();
    }
    let now = landfall::context::Clock::start().now();
    format!("manual-{}", now.strftime("%Y%m%dT%H%M%S%3fZ"))
}
