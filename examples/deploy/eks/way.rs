//! Which cluster, and how it is reached: by its name in EKS, or by a kubeconfig.

use std::path::PathBuf;

use aws_types::SdkConfig;
use clap::Args;
use landfall::aws::environment::Environment;
use landfall::eks::access::{self, ApiServer, Cluster, Kubeconfig, OUTSIDE, TokenSource};
use landfall::event::Level;
use landfall::{Cause, Context, Error, ErrorKind, Place, Result};

use crate::flags::{Global, collect, complete};
use crate::session::in_time;

/// A cluster that is reached without AWS.
#[derive(Debug, Args)]
pub(crate) struct ByFile {
    /// File that says how a cluster is reached, instead of AWS [default: KUBECONFIG]
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig [default: its current one]
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
}

/// How the cluster is reached.
pub(crate) enum Way {
    /// A cluster of EKS, by its name.
    Cluster(String),
    /// A kubeconfig, which says how one signs in, too.
    Kubeconfig(Box<access::Way>),
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
            (None, _) => match collect(by_file.read(process, None), &mut problems) {
                Some(Some(found)) => {
                    problems.extend(without_aws(global));
                    way = Some(Self::Kubeconfig(Box::new(found)));
                }
                Some(None) => problems.push(missing(by_file)),
                None => {}
            },
        }
        complete("the cluster cannot be reached as asked", way, problems)
    }

    /// The namespace that the context names.
    pub(crate) fn namespace(&self) -> Option<&str> {
        match self {
            Self::Cluster(_) => None,
            Self::Kubeconfig(way) => way.namespace.as_deref(),
        }
    }
}

impl ByFile {
    fn is_given(&self) -> bool {
        self.kubeconfig.is_some() || self.context.is_some()
    }

    /// The way that the flag or else `KUBECONFIG` leads; nothing when neither is set. `context` is used when no flag names
    /// one.
    ///
    /// # Errors
    /// Every problem of the files.
    fn read(&self, process: &Environment, context: Option<&str>) -> Result<Option<access::Way>> {
        let files = match (&self.kubeconfig, process.get("KUBECONFIG")) {
            (Some(file), _) => vec![file.clone()],
            (None, Some(list)) => listed(list),
            (None, None) => return Ok(None),
        };
        let way = Kubeconfig::read(&files)?.choose(None, self.context.as_deref().or(context))?;
        way.through_proxy_of(process).map(Some)
    }
}

/// The files of a list as `kubectl` reads it: what is not there is left out, unless nothing is
/// (<https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/#the-kubeconfig-environment-variable>).
fn listed(list: &str) -> Vec<PathBuf> {
    let named: Vec<PathBuf> =
        std::env::split_paths(list).filter(|file| !file.as_os_str().is_empty()).collect();
    let there: Vec<PathBuf> = named.iter().filter(|file| file.exists()).cloned().collect();
    if there.is_empty() { named } else { there }
}

fn missing(by_file: &ByFile) -> Cause {
    let problem = match by_file.context {
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

/// Which way was taken, in words.
pub(crate) fn told(way: &access::Way) -> String {
    let through = way.cluster.proxy().map(|proxy| format!(" through the proxy {proxy}")).unwrap_or_default();
    format!("by the kubeconfig's context {} to {}{through}", way.context, way.cluster.endpoint())
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

/// Whether a cluster was reached by a kubeconfig.
pub(crate) fn is_by_file(place: &Place) -> bool {
    place.partition == OUTSIDE
}

/// The API server of a cluster that was reached by a kubeconfig, by what is recorded of it.
///
/// # Errors
/// A kubeconfig that cannot be used, or leads to another cluster.
pub(crate) fn server_again(
    cx: &Context,
    process: &Environment,
    by_file: &ByFile,
    place: &Place,
    cluster: &str,
) -> Result<ApiServer> {
    let context = &place.region;
    let Some(way) = by_file.read(process, Some(context))? else {
        let message = format!(
            "cluster {cluster} was reached by the context {context} of a kubeconfig, and none is given"
        );
        return Err(Error::invalid(message).with_hint("give it with --kubeconfig or the variable KUBECONFIG"));
    };
    if way.place != *place {
        let message = format!("the run deployed to {place}, and the kubeconfig leads to {}", way.place);
        return Err(
            Error::new(ErrorKind::Conflict, message).with_hint("name the context of the run, or no context")
        );
    }
    cx.note(Level::Info, "kubeconfig", told(&way));
    way.server()
}
