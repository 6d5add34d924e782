//! How long after a rollout has become ready landfall says so.
//!
//! ```sh
//! cargo run --release -p landfall-eks --example verdict -- target/verdict
//! ```
//!
//! Deployments become ready at a moment that nobody knows beforehand, half a second to three seconds after they were made:
//! on the simulator's Kubernetes, over TLS and in real time, and, where a folder is named, on a control plane as the tests
//! have it, whose files are in that folder. A second client watches them beside landfall, from a thread and by a connection
//! of its own; the time counts from when it sees the status that is ready to when landfall's verdict is there, with all that
//! landfall writes in between. Prints a Markdown table.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "an example prints, and shares helpers of tests"
)]

mod real;
mod simulated;
#[allow(dead_code, reason = "shared with the tests, which need more of it")]
#[path = "../../tests/cluster/support/mod.rs"]
mod support;
mod witness;

use std::time::Duration;

use landfall_core::target::Policy;
use landfall_core::{Context, DeployTargetExt, Place};
use landfall_eks::Manifests;
use landfall_eks::access::ApiServer;
use landfall_eks::input::ManifestSet;
use landfall_eks::inventory::Release;
use serde_json::{Value, json};
use tokio::time::Instant;
use witness::Witness;

/// Rollouts on each server, one after the other.
const ROLLOUTS: u32 = 50;

/// Pods of each.
const PODS: u32 = 2;

/// Where the Deployments are.
const NAMESPACE: &str = "default";

/// No rollout takes as long.
const LONGEST: Duration = Duration::from_secs(60);

/// A cluster whose rollouts become ready in time.
trait Server {
    /// What it is called in the table.
    fn name(&self) -> &'static str;

    /// Where the cluster is.
    fn place(&self) -> Place;

    /// A connection of its own, which belongs to the runtime that uses it first.
    fn connect(&self) -> Result<ApiServer, String>;

    /// Has the pods of a Deployment become ready so long after they were made; gives what its pods are annotated with.
    fn ready_after(&self, deployment: &str, after: Duration) -> Value;
}

fn main() -> Result<(), String> {
    let mut servers: Vec<Box<dyn Server>> = vec![Box::new(simulated::start()?)];
    if let Some(folder) = std::env::args().nth(1) {
        servers.push(Box::new(real::start(folder.as_ref())?));
    }
    println!("| server | rollouts | median | 95 % | worst |\n|---|---|---|---|---|");
    for server in servers {
        let mut late = measure(&*server)?;
        late.sort();
        let at = |part: usize| late[(late.len() * part / 100).min(late.len() - 1)].as_secs_f64() * 1000.0;
        println!(
            "| {} | {} | {:.0} ms | {:.0} ms | {:.0} ms |",
            server.name(),
            late.len(),
            at(50),
            at(95),
            at(100)
        );
    }
    Ok(())
}

/// How late each verdict was.
fn measure(server: &dyn Server) -> Result<Vec<Duration>, String> {
    let mut witness = Witness::start(server.connect()?)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let landfall = server.connect()?;
        let mut late = Vec::new();
        for number in 0..ROLLOUTS {
            let name = format!("rollout-{number}");
            let annotations = server.ready_after(&name, moment(number));
            let verdict = rollout(server.place(), &landfall, &name, &annotations).await?;
            let seen = witness.ready(&name, LONGEST)?;
            // Landfall may be told before the witness.
            late.push(verdict.saturating_duration_since(seen));
        }
        Ok(late)
    })
}

/// A moment between half a second and three seconds, another one for each number.
fn moment(number: u32) -> Duration {
    Duration::from_millis(500 + u64::from(number.wrapping_mul(2_654_435_761) >> 16) % 2500)
}

/// Deploys; gives the moment of the verdict.
async fn rollout(
    place: Place,
    server: &ApiServer,
    name: &str,
    annotations: &Value,
) -> Result<Instant, String> {
    let told = |error: landfall_core::Error| error.report();
    let set = ManifestSet::builder().text(name, deployment(name, annotations)).read().map_err(told)?;
    let release = Release { namespace: NAMESPACE.to_owned(), name: name.to_owned() };
    let spec = Manifests::builder().set(set).release(release).build().map_err(told)?;
    let cx = Context::builder(format!("verdict/{name}")).build();
    let policy = Policy::default().timeout(LONGEST);
    let report = spec.target(place, server.clone()).deploy(&cx, &policy).await;
    let now = Instant::now();
    if report.exit_code() == 0 {
        Ok(now)
    } else {
        Err(format!("{name} did not succeed: {:?}", report.verdict))
    }
}

fn deployment(name: &str, annotations: &Value) -> String {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": name, "namespace": NAMESPACE },
        "spec": {
            "replicas": PODS,
            "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": { "app": name }, "annotations": annotations },
                "spec": { "containers": [{ "name": "web", "image": "registry.example.com/web:1" }] },
            },
        },
    })
    .to_string()
}
