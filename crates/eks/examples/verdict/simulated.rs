//! The simulator's Kubernetes, over TLS, in a thread of its own.

use std::time::Duration;

use jiff::SignedDuration;
use landfall_core::Place;
use landfall_core::context::Clock;
use landfall_eks::access::{ApiServer, Cluster, TokenSource};
use landfall_simulator::{
    DEMO_ACCOUNT, DEMO_EKS_CLUSTER, DEMO_REGION, Kubernetes, PodBehaviour, PodRule, Simulator,
};
use serde_json::{Value, json};

use crate::Server;

pub(crate) struct Simulated {
    simulator: Simulator,
    cluster: Cluster,
}

pub(crate) fn start() -> Result<Simulated, String> {
    let simulator = Simulator::builder().wall_clock().build();
    let (address, authority) = served(&kubernetes(&simulator))?;
    let cluster = Cluster::known(&place(), DEMO_EKS_CLUSTER, &address, &authority);
    Ok(Simulated { simulator, cluster: cluster.map_err(|error| error.report())? })
}

fn place() -> Place {
    Place::new("aws", DEMO_ACCOUNT, DEMO_REGION)
}

fn kubernetes(simulator: &Simulator) -> Kubernetes {
    simulator.kubernetes(DEMO_ACCOUNT, DEMO_REGION, DEMO_EKS_CLUSTER)
}

/// Serves it until this process ends; gives its address and the certificate of its authority.
fn served(kubernetes: &Kubernetes) -> Result<(String, String), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let server = runtime.block_on(kubernetes.serve()).map_err(|error| error.to_string())?;
    let told = (server.url(), server.authority().to_owned());
    std::thread::spawn(move || {
        runtime.block_on(std::future::pending::<()>());
        drop(server);
    });
    Ok(told)
}

impl Server for Simulated {
    fn name(&self) -> &'static str {
        "the simulator"
    }

    fn place(&self) -> Place {
        place()
    }

    fn connect(&self) -> Result<ApiServer, String> {
        let config = self.simulator.sdk_config();
        let tokens =
            TokenSource::new(&config, DEMO_REGION, DEMO_EKS_CLUSTER, Clock::start(), SignedDuration::ZERO);
        let tokens = tokens.map_err(|error| error.report())?;
        ApiServer::new(self.cluster.clone(), tokens).map_err(|error| error.report())
    }

    fn ready_after(&self, deployment: &str, after: Duration) -> Value {
        let ready_after_ms = u64::try_from(after.as_millis()).unwrap_or_default();
        let behaviour = PodBehaviour::Good { ready_after_ms };
        kubernetes(&self.simulator).behave(PodRule::of("Deployment", deployment, behaviour));
        json!({})
    }
}
