//! The real binary and real SDK clients against an AWS that others wrote (ministack, from PyPI), beside the simulator.
//!
//! `bash tests/servers/install` installs it; without it these tests are counted as ignored, with the reason, and with
//! `LANDFALL_REQUIRE_SERVERS=1` they fail. `cargo test --test servers -- --nocapture` prints every answer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]
#![allow(clippy::print_stdout, reason = "a test runner prints")]

mod behaviours;
mod cloud;
mod endpoints;
mod expiry;
mod hostile;
mod http;
mod ministack;
mod policy;
#[path = "../binary/support.rs"]
#[allow(dead_code, reason = "shared with the tests of the binary, which need more of it")]
mod support;
mod wire;

use std::future::Future;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use behaviours::Table;
use cloud::Kind;
use landfall::aws::environment::Environment;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use ministack::{Mode, Servers};

/// At least so many at once, whatever the number of processors: the tests mostly wait.
const AT_ONCE: usize = 8;

/// None of these tests may hang, whatever a server does.
const LONGEST: Duration = Duration::from_secs(240);

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    let environment = Environment::from_process();
    let threads = environment.get("RUST_TEST_THREADS").and_then(|text| text.parse().ok()).unwrap_or(AT_ONCE);
    arguments.test_threads = arguments.test_threads.or(Some(threads));
    let required = environment.get("LANDFALL_REQUIRE_SERVERS").is_some();
    let (servers, table) = (Arc::new(Servers::default()), Arc::new(Table::default()));
    let trials = trials(&servers, &table, required);
    let conclusion = libtest_mimic::run(&arguments, trials);
    if arguments.list {
        return conclusion.exit_code();
    }
    table.print(arguments.nocapture);
    let logs = Arc::into_inner(servers).map(|mut servers| servers.stop()).unwrap_or_default();
    if conclusion.has_failed() {
        logs.iter().for_each(|log| println!("log of the server: {}", log.display()));
    } else {
        // What is of no use to anybody is not kept.
        logs.iter().for_each(|log| drop(std::fs::remove_file(log)));
    }
    if let (Err(why), 1..) = (ministack::python(), conclusion.num_ignored) {
        println!("skipped: {} tests against ministack: {why}", conclusion.num_ignored);
    }
    conclusion.exit_code()
}

fn trials(servers: &Arc<Servers>, table: &Arc<Table>, required: bool) -> Vec<Trial> {
    let mut trials = vec![Trial::test("behaviours::every_recorded_difference_is_asked_for", || {
        behaviours::differences_are_asked_for().map_err(Failed::from)
    })];
    // The longest come first.
    for case in hostile::CASES {
        let name = format!("hostile::{}", case.name);
        trials.push(trial(&name, Kind::Simulator, servers, required, |_| case.check()));
    }
    let default = Kind::Ministack(Mode::Default);
    let name = "endpoints::two_servers_are_one_cloud";
    trials.push(trial(name, default, servers, required, endpoints::two_servers_are_one_cloud));
    let name = "endpoints::a_bundle_makes_a_servers_certificate_good";
    let bundle = |_| endpoints::a_bundle_makes_a_servers_certificate_good();
    trials.push(trial(name, Kind::Simulator, servers, required, bundle));
    let auth = Kind::Ministack(Mode::Auth);
    let name = "expiry::keys_that_end_in_mid_wait_end_it_and_say_what_goes_on";
    trials.push(trial(name, auth, servers, required, |_| expiry::keys_that_end()));
    let name = "expiry::a_token_opens_new_sessions_until_the_rollout_is_over";
    trials.push(trial(name, auth, servers, required, |_| expiry::sessions_that_are_renewed()));
    for behaviour in behaviours::all() {
        for kind in Kind::ALL {
            if behaviour.needs_checks && !kind.checks_callers() {
                continue;
            }
            let table = Arc::clone(table);
            let name = format!("behaviours::{}::{}", kind.name(), behaviour.name.replace(' ', "_"));
            trials.push(trial(&name, kind, servers, required, move |servers| async move {
                behaviours::check(behaviour, kind, &servers, &table).await
            }));
        }
    }
    trials
}

/// A test that is ignored when its server is not there.
fn trial<F>(
    name: &str,
    kind: Kind,
    servers: &Arc<Servers>,
    required: bool,
    work: impl FnOnce(Arc<Servers>) -> F + Send + 'static,
) -> Trial
where
    F: Future<Output = Result<(), String>>,
{
    let servers = Arc::clone(servers);
    Trial::ignorable_test(name, move || {
        if let (Kind::Ministack(mode), installed) = (kind, ministack::python()) {
            match installed {
                Err(why) if required => return Err(why.into()),
                Err(why) => return Ok(Completion::ignored_with(why)),
                Ok(_) => servers.address(mode),
            };
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let bounded = async { tokio::time::timeout(LONGEST, work(servers)).await };
        runtime.block_on(bounded).map_err(|_| format!("not over after {LONGEST:?}"))??;
        Ok(Completion::Completed)
    })
}
