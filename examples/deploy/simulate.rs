//! `--simulate`: a local AWS in this process, and an environment that points at it and nowhere else.

use std::io::Write;

use landfall::aws::environment::Environment;
use landfall::{Cause, Error, Result};
use landfall_simulator::{
    Claims, DEMO_ACCESS_KEY_ID, DEMO_ACCOUNT, DEMO_EKS_CLUSTER, DEMO_REGION, DEMO_SECRET_ACCESS_KEY,
    KubernetesServer, Scenario, Server, Simulator,
};

use crate::flags::Global;

/// A simulated AWS that lives as long as this value.
pub(crate) struct Simulated {
    pub(crate) environment: Environment,
    _server: Server,
    _kubernetes: Option<KubernetesServer>,
}

/// Prints the names of the scenarios.
pub(crate) fn list() -> u8 {
    let mut out = std::io::stdout();
    let names = Scenario::names().into_iter();
    let written: std::io::Result<()> = names
        .filter_map(|name| Scenario::named(name).ok())
        .try_for_each(|scenario| writeln!(out, "{:<28} {}", scenario.name, scenario.description));
    u8::from(written.is_err())
}

/// Starts the simulated AWS.
///
/// Nothing of the process's own AWS settings is passed on, so that a demonstration can never reach a real account.
/// Without OIDC flags the demonstration user's keys are used; with them, a token of the demonstration's GitLab is
/// minted, unless the variable is set already. The API server of the demonstration's Kubernetes is there for the step `eks`.
pub(crate) async fn start(global: &Global, process: &Environment, step: &str) -> Result<Simulated> {
    let name = global.scenario.as_deref().unwrap_or("good");
    let scenario = Scenario::named(name).map_err(|_| {
        Error::invalid("the simulation cannot start").with_cause(
            Cause::invalid("--scenario", format!("there is no scenario {name:?}"))
                .with_hint(format!("one of: {}", Scenario::names().join(", "))),
        )
    })?;
    let simulator = Simulator::builder().scenario(scenario).build();
    let no_socket =
        |error: std::io::Error| Error::internal("no socket can be opened on 127.0.0.1").with_source(&error);
    let server = simulator.serve().await.map_err(no_socket)?;
    let kubernetes = match step {
        "eks" => {
            let cluster = simulator.kubernetes(DEMO_ACCOUNT, DEMO_REGION, DEMO_EKS_CLUSTER);
            Some(cluster.serve().await.map_err(no_socket)?)
        }
        _ => None,
    };
    let foreign = |name: &str| name.starts_with("AWS_") || name.to_ascii_uppercase().ends_with("_PROXY");
    let kept: Vec<&str> = process.names().filter(|name| !foreign(name)).collect();
    let mut pairs: Vec<(String, String)> =
        kept.into_iter().filter_map(|name| Some((name.to_owned(), process.get(name)?.to_owned()))).collect();
    let mut set = |name: &str, value: String| pairs.push((name.to_owned(), value));
    set("AWS_ENDPOINT_URL", server.url());
    set("AWS_REGION", DEMO_REGION.to_owned());
    match &global.oidc_token_env {
        Some(variable) if process.get(variable).is_none() => {
            set(variable, simulator.oidc().token(Claims::gitlab("demo/web", "main")));
        }
        Some(_) => {}
        None if global.oidc_token_file.is_some() => {}
        None => {
            set("AWS_ACCESS_KEY_ID", DEMO_ACCESS_KEY_ID.to_owned());
            set("AWS_SECRET_ACCESS_KEY", DEMO_SECRET_ACCESS_KEY.to_owned());
        }
    }
    Ok(Simulated { environment: Environment::from_pairs(pairs), _server: server, _kubernetes: kubernetes })
}
