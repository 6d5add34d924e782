//! Landfall against a real Kubernetes API server: etcd, kube-apiserver, kube-controller-manager and kube-scheduler as they are
//! released, and kwok in place of nodes.
//!
//! `bash tests/kubernetes/build` builds them; without them these tests are counted as ignored, with the reason, and with
//! `LANDFALL_REQUIRE_SERVERS=1` they fail. `just cluster` starts the same control plane for people.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]
#![allow(clippy::print_stdout, reason = "a test runner prints")]

mod answers;
mod authenticator;
mod components;
mod fates;
mod releases;
mod senders;
mod sign_in;
mod signed_in;
#[allow(dead_code, reason = "shared with the example that starts the control plane for people")]
mod support;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use landfall_aws::environment::Environment;
use libtest_mimic::{Arguments, Completion, Trial};
use support::{ControlPlane, program};

/// At least so many at once, whatever the number of processors: the tests mostly wait.
const AT_ONCE: usize = 8;

/// None of these tests may hang, whatever a server does.
const LONGEST: Duration = Duration::from_secs(120);

/// The one control plane of this run, started by the first test that needs it.
struct Shared {
    program: Result<PathBuf, String>,
    /// Whether it is a failure that there is none.
    required: bool,
    folder: PathBuf,
    plane: OnceLock<Result<ControlPlane, String>>,
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    let environment = Environment::from_process();
    let threads = environment.get("RUST_TEST_THREADS").and_then(|text| text.parse().ok()).unwrap_or(AT_ONCE);
    arguments.test_threads = arguments.test_threads.or(Some(threads));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("kubernetes-{}", std::process::id()));
    let shared = Arc::new(Shared {
        program: program::find(&environment),
        required: environment.get("LANDFALL_REQUIRE_SERVERS").is_some(),
        folder: folder.clone(),
        plane: OnceLock::new(),
    });
    let conclusion = libtest_mimic::run(&arguments, trials(&shared));
    if let (Err(why), 1..) = (&shared.program, conclusion.num_ignored) {
        println!("skipped: {} tests against a Kubernetes API server: {why}", conclusion.num_ignored);
    }
    if let Some(Err(why)) = shared.plane.get() {
        println!("{why}");
    }
    // Ends its processes.
    drop(shared);
    if !conclusion.has_failed() {
        // What is of no use to anybody is not kept.
        let _ = std::fs::remove_dir_all(folder);
    } else if folder.exists() {
        println!("logs of the control plane: {}", folder.display());
    }
    conclusion.exit_code()
}

fn trials(shared: &Arc<Shared>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for (name, test) in authenticator::TESTS {
        trials.push(Trial::test(format!("authenticator::{name}"), move || test().map_err(Into::into)));
    }
    trials.push(alone("components::one_ends_with_its_standard_input", shared, components::ends));
    for (name, test) in sign_in::TESTS {
        trials.push(trial(&format!("sign_in::{name}"), shared, move |plane| test(plane)));
    }
    for (name, test) in fates::TESTS {
        trials.push(trial(&format!("fates::{name}"), shared, move |plane| test(plane)));
    }
    for (name, test) in releases::TESTS {
        trials.push(trial(&format!("releases::{name}"), shared, move |plane| test(plane)));
    }
    for row in answers::all() {
        let controlled = if row.needs_controllers { "::of_controllers" } else { "" };
        let name = format!("answers{controlled}::{}", row.question.replace(' ', "_"));
        trials.push(trial(&name, shared, move |plane| {
            Box::pin(async move { answers::check(row, &senders::deployer(plane)?).await })
        }));
    }
    trials
}

/// What a test does with the control plane.
type Tested<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + 'a>>;

/// A test of the control plane, ignored when there is none.
fn trial(
    name: &str,
    shared: &Arc<Shared>,
    test: impl FnOnce(&ControlPlane) -> Tested<'_> + Send + 'static,
) -> Trial {
    let shared = Arc::clone(shared);
    Trial::ignorable_test(name, move || {
        let program = match shared.program() {
            Ok(program) => program,
            Err(completion) => return completion.map_err(Into::into),
        };
        let plane = shared.plane.get_or_init(|| ControlPlane::start(program, &shared.folder));
        let plane = plane.as_ref().map_err(|_| "the control plane does not start: why is said at the end")?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let bounded = async { tokio::time::timeout(LONGEST, test(plane)).await };
        runtime.block_on(bounded).map_err(|_| format!("not over after {LONGEST:?}"))??;
        Ok(Completion::Completed)
    })
}

/// A test of the program alone, in a folder of its own.
fn alone(name: &str, shared: &Arc<Shared>, test: fn(&Path, &Path) -> Result<(), String>) -> Trial {
    let shared = Arc::clone(shared);
    Trial::ignorable_test(name, move || {
        let done = match shared.program() {
            Ok(program) => test(program, &shared.folder.with_extension("alone")),
            Err(completion) => return completion.map_err(Into::into),
        };
        done.map(|()| Completion::Completed).map_err(Into::into)
    })
}

impl Shared {
    /// The program, or what becomes of a test for want of it.
    fn program(&self) -> Result<&Path, Result<Completion, String>> {
        match &self.program {
            Ok(program) => Ok(program),
            Err(why) if self.required => Err(Err(why.clone())),
            Err(why) => Err(Ok(Completion::ignored_with(why))),
        }
    }
}
