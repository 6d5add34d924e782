//! Which cluster, and how it is reached: by its name in EKS, or by a kubeconfig.

use aws_types::SdkConfig;
use landfall::aws::environment::Environment;
use landfall::eks::access::{self, ApiServer, Cluster, EksToken, TokenSource};
use landfall::{Cause, Context, Place, Result};

use super::file::{ByFile, File};
use crate::flags::{Global, collect, complete};
use crate::session::in_time;

/// How the cluster is reached.
pub(crate) enum Way {
    /// A cluster of EKS, by its name.
    Cluster(String),
    /// A kubeconfig, which says how one signs in, too.
    Kubeconfig(Box<access::Way>),
    /// A kubeconfig whose tokens are signed with credentials of AWS.
    Signed(Box<File>, EksToken),
}

impl Way {
    /// What the flags and `KUBECONFIG` say.
    ///
    /// # Errors
    /// Every problem of the flags or of the kubeconfig.
    pub(crate) fn choose(
        cluster: Option<&str>,
        by_file: &ByFile,
        global: &Global,
        process: &Environment,
    ) -> Result<Self> {
        let mut problems = Vec::new();
        let mut way = None;
        match (cluster, by_file.is_given()) {
            (Some(_), true) => problems.push(Cause::invalid(
                "--cluster",
                "--cluster and --kubeconfig or --context name two clusters: leave one of them out",
            )),
            (Some(name), false) if name.trim().is_empty() => {
                let problem = Cause::invalid("--cluster", "--cluster is empty");
                problems.push(problem.with_hint("a variable in it was probably empty"));
            }
            (Some(name), false) => way = Some(Self::Cluster(name.to_owned())),
            (None, given) if global.simulate => {
                let problem =
                    if given { "has no kubeconfig" } else { "has one cluster, which has to be named" };
                let problem = Cause::invalid("--cluster", format!("the simulated AWS {problem}"));
                problems.push(problem.with_hint("use --cluster demo"));
            }
            (None, _) => match collect(by_file.way(process, None), &mut problems) {
                Some(Some(found)) => {
                    if let Self::Kubeconfig(_) = found {
                        problems.extend(without_aws(global));
                    }
                    way = Some(found);
                }
                Some(None) => problems.push(missing(by_file)),
                None => {}
            },
        }
        complete("the cluster cannot be reached as asked", way, problems)
    }

    /// What credentials of AWS have to sign, if that is to be.
    pub(crate) fn token(&self) -> Option<&EksToken> {
        match self {
            Self::Signed(_, token) => Some(token),
            _ => None,
        }
    }

    /// The namespace that the context names.
    pub(crate) fn namespace(&self) -> Option<&str> {
        match self {
            Self::Cluster(_) => None,
            Self::Kubeconfig(way) => way.namespace.as_deref(),
            Self::Signed(file, _) => file.namespace(),
        }
    }
}

fn missing(by_file: &ByFile) -> Cause {
    let problem = match by_file.context() {
        Some(_) => Cause::invalid("--context", "--context is given, and no kubeconfig that it could be in"),
        None => Cause::invalid("--cluster", "no cluster is named"),
    };
    problem.with_hint(
        "name a cluster of EKS with --cluster, or a file with --kubeconfig or the variable KUBECONFIG",
    )
}

/// Flags about AWS that would do nothing, for a kubeconfig says how one signs in: an account that nobody checks is not to
/// be expected.
fn without_aws(global: &Global) -> Option<Cause> {
    let given = [
        ("--region", global.region.is_some()),
        ("--role-arn", !global.role_arn.is_empty()),
        ("--external-id", global.external_id.is_some()),
        ("--session-tag", !global.session_tag.is_empty()),
        ("--session-policy", !global.session_policy.is_empty()),
        ("--oidc-token-env", global.oidc_token_env.is_some()),
        ("--oidc-token-file", global.oidc_token_file.is_some()),
        ("--expected-account", global.expected_account.is_some()),
    ];
    let names: Vec<&str> = given.iter().filter(|(_, given)| *given).map(|(name, _)| *name).collect();
    let message =
        format!("a kubeconfig signs in by itself, without AWS: {} would do nothing", names.join(", "));
    let problem = || {
        Cause::invalid(names[0], message).with_hint("leave that out, or name a cluster of EKS with --cluster")
    };
    (!names.is_empty()).then(problem)
}

/// Finds a cluster of EKS and gives its API server, which is asked for nothing yet.
///
/// # Errors
/// A cluster that is not there or cannot be deployed to; credentials that cannot sign.
pub(crate) async fn server(
    global: &Global,
    cx: &Context,
    process: &Environment,
    config: &SdkConfig,
    place: &Place,
    name: &str,
) -> Result<ApiServer> {
    let cluster = in_time(global, "looking for the cluster", Cluster::find(cx, config, place, name)).await?;
    let cluster = cluster.through_proxy_of(process)?;
    let token = TokenSource::new(config, &place.region, cluster.token_name(), cx.clock(), cluster.ahead())?;
    ApiServer::new(cluster, token)
}
