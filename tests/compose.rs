//! The example of a whole release: it succeeds, is put back, and goes on after it was killed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Stdio;

use landfall_simulator::{DEMO_ACCOUNT, DEMO_REGION, SECOND_ACCOUNT, Server, Simulator, World};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

const US: &str = "us-east-1";

/// The example: cargo builds examples before it runs tests.
fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().unwrap().parent().unwrap();
    let path = folder.join("examples").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(path.exists(), "{} is missing: run `cargo build --examples`", path.display());
    path
}

/// Two accounts with the same service, each in its region.
async fn cloud() -> (Simulator, Server) {
    let mut world = World::demo();
    let region = world.account(DEMO_ACCOUNT).region(DEMO_REGION).clone();
    *world.account(SECOND_ACCOUNT).region(US) = region;
    let simulator = Simulator::builder().world(world).build();
    let server = simulator.serve().await.unwrap();
    (simulator, server)
}

fn command(server: &Server, arguments: &[&str]) -> Command {
    let mut command = Command::new(example("compose"));
    command
        .arg(format!("--simulate={}", server.url()))
        .args(arguments)
        .kill_on_drop(true)
        .stdin(Stdio::null());
    command
}

async fn run(server: &Server, arguments: &[&str]) -> (i32, String) {
    let output = command(server, arguments).output().await.unwrap();
    let told =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code().unwrap(), told)
}

/// What the thin binary tells of the runs in a journal that a program of somebody else wrote.
async fn runs(journal: &[&str], arguments: &[&str]) -> String {
    let output =
        Command::new(example("deploy")).arg("runs").args(journal).args(arguments).output().await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The images that are live in both accounts.
fn live(simulator: &Simulator) -> [String; 2] {
    [(DEMO_ACCOUNT, DEMO_REGION), (SECOND_ACCOUNT, US)].map(|(account, region)| {
        let deployments = simulator.ecs(account, region).deployments("demo", "web");
        deployments.into_iter().find(|deployment| deployment.primary).unwrap().task_definition
    })
}

#[tokio::test]
async fn a_release_over_two_accounts_succeeds() {
    let (simulator, server) = cloud().await;
    let (code, told) = run(&server, &[]).await;
    assert_eq!(code, 0, "{told}");
    assert!(told.contains("| GET /checkout: 200") && told.contains("notify"), "{told}");
    assert_eq!(simulator.count("ecs", "UpdateService"), 2);
    assert!(
        live(&simulator).iter().all(|task_definition| task_definition.ends_with("web:3")),
        "{:?}",
        live(&simulator)
    );
}

#[tokio::test]
async fn a_failing_smoke_test_puts_everything_back() {
    let (simulator, server) = cloud().await;
    let folder = tempfile::tempdir().unwrap();
    let journal = ["--journal", folder.path().to_str().unwrap()];
    let (code, told) = run(&server, &[&["--smoke-fails"], &journal[..]].concat()).await;
    assert_eq!(code, 3, "{told}");
    assert!(told.contains("| schema 42 to 41") && told.contains("GET /checkout: 500"), "{told}");
    assert!(told.contains("not started: smoke did not succeed"), "{told}");
    let shown = runs(&journal, &["shop/81/release/production"]).await;
    for words in
        ["pipeline release, attempt 1: ended with exit code 3", "put back since smoke did not succeed"]
    {
        assert!(shown.contains(words), "{words:?} is not in {shown}");
    }
    assert!(
        live(&simulator).iter().all(|task_definition| task_definition.ends_with("web:2")),
        "{:?}",
        live(&simulator)
    );
}

#[tokio::test]
async fn a_preview_changes_nothing_and_says_what_is_known_later() {
    let (simulator, server) = cloud().await;
    let (code, told) = run(&server, &["--preview"]).await;
    assert_eq!((code, simulator.writes().len()), (0, 0), "{told}");
    assert!(
        told.contains("known after apply: needs task_definition of eu/web, task_definition of us/web"),
        "{told}"
    );
}

#[tokio::test]
async fn a_release_that_is_killed_goes_on_and_deploys_nothing_twice() {
    let (simulator, server) = cloud().await;
    let folder = tempfile::tempdir().unwrap();
    let journal = ["--journal", folder.path().to_str().unwrap()];
    let mut child = command(&server, &journal).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    // Each service tells that it rolls out after its record of that is kept: the answer alone comes before both.
    let mut rolling = BTreeSet::new();
    while rolling.len() < 2 {
        let line = lines.next_line().await.unwrap().expect("it ended before both services were updated");
        let told = |service: &&str| line.contains(*service) && line.contains("rolls out");
        rolling.extend(["eu/web", "us/web"].into_iter().filter(told));
    }
    assert_eq!(simulator.count("ecs", "UpdateService"), 2);
    child.kill().await.unwrap(); // SIGKILL
    let listed = runs(&journal, &[]).await;
    for words in ["begun: eu/web, migrate, us/web", "release/eu/web", "started", "ecs-service"] {
        assert!(listed.contains(words), "{words:?} is not in {listed}");
    }
    assert!(!listed.contains("unknown") && !listed.contains("perhaps begun"), "{listed}");
    let (code, told) = run(&server, &journal).await;
    assert_eq!(code, 0, "{told}");
    assert_eq!(simulator.count("ecs", "UpdateService"), 2, "{told}");
    assert!(!told.contains("schema 41 to 42"), "the migration was not run again: {told}");
}
