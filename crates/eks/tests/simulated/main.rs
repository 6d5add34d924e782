//! The API server that the simulator plays, held to the answers of a real one: the table that `tests/cluster` asks of
//! kube-apiserver is asked of it in memory and over TLS.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "../cluster/answers/mod.rs"]
mod answers;
#[path = "../cluster/signed_in.rs"]
mod signed_in;

use std::process::ExitCode;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Request, header};
use http_body_util::BodyExt;
use jiff::SignedDuration;
use landfall_core::Place;
use landfall_core::context::Clock;
use landfall_eks::access::{ApiServer, Cluster, TokenSource};
use landfall_simulator::{
    DEMO_ACCOUNT, DEMO_EKS_CLUSTER, DEMO_REGION, Kubernetes, PodBehaviour, PodRule, Simulator,
};
use libtest_mimic::{Arguments, Trial};

use answers::{Answer, Row, Sender};
use signed_in::SignedIn;

/// None of these tests may hang, whatever the server does.
const LONGEST: Duration = Duration::from_secs(120);

fn main() -> ExitCode {
    let trials = answers::all().flat_map(|row| {
        let controlled = if row.needs_controllers { "of_controllers::" } else { "" };
        let name = format!("{controlled}{}", row.question.replace(' ', "_"));
        [
            Trial::test(format!("in_memory::{name}"), move || run(true, in_memory(row))),
            Trial::test(format!("over_tls::{name}"), move || run(false, over_tls(row))),
        ]
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

fn run(paused: bool, test: impl Future<Output = Result<(), String>>) -> Result<(), libtest_mimic::Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(paused).build()?;
    let bounded = runtime.block_on(async { tokio::time::timeout(LONGEST, test).await });
    bounded.map_err(|_| format!("not over after {LONGEST:?}"))?.map_err(Into::into)
}

async fn in_memory(row: &Row) -> Result<(), String> {
    let (simulator, api) = server(Simulator::builder().build());
    let tokens = tokens(&simulator, Clock::starting_at(simulator.now()))?;
    answers::check(row, &InMemory { api, tokens }).await
}

async fn over_tls(row: &Row) -> Result<(), String> {
    let (simulator, api) = server(Simulator::builder().wall_clock().build());
    let server = api.serve().await.map_err(|error| error.to_string())?;
    let place = Place::new("aws", DEMO_ACCOUNT, DEMO_REGION);
    let cluster = Cluster::known(&place, DEMO_EKS_CLUSTER, &server.url(), server.authority());
    let connection =
        ApiServer::new(cluster.map_err(|error| error.report())?, tokens(&simulator, Clock::start())?);
    answers::check(row, &SignedIn(connection.map_err(|error| error.report())?)).await
}

/// The demonstration's cluster. On the real one pods fail as an annotation says; here they do by the name of a namespace.
fn server(simulator: Simulator) -> (Simulator, Kubernetes) {
    let api = simulator.kubernetes(DEMO_ACCOUNT, DEMO_REGION, DEMO_EKS_CLUSTER);
    let fails = PodBehaviour::Fails { exit_code: 1, logs: Vec::new() };
    let namespace = "a-job-that-fails*".to_owned();
    api.behave(PodRule { namespace, ..PodRule::of("Job", "*", fails) });
    (simulator, api)
}

fn tokens(simulator: &Simulator, clock: Clock) -> Result<TokenSource, String> {
    let config = simulator.sdk_config();
    let tokens = TokenSource::new(&config, DEMO_REGION, DEMO_EKS_CLUSTER, clock, SignedDuration::ZERO);
    tokens.map_err(|error| error.report())
}

/// The server's entry in memory.
struct InMemory {
    api: Kubernetes,
    tokens: TokenSource,
}

#[async_trait]
impl Sender for InMemory {
    async fn send(&self, mut request: Request<Bytes>) -> Result<Answer, String> {
        let token = self.tokens.token().await.map_err(|error| error.report())?;
        let bearer = HeaderValue::from_str(&format!("Bearer {}", token.expose())).unwrap();
        request.headers_mut().insert(header::AUTHORIZATION, bearer);
        let answer = self.api.handle(request).await.map_err(|error| error.to_string())?;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
        Ok(Answer { status, body })
    }
}
