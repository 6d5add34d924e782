//! Failures of stacks, bundles and deployments as a person sees them with `--simulate --scenario NAME`. All of them, in
//! this process, are in `docs/ec2-causes.md`.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::support::{binary, run};

/// Subcommand, scenario, further arguments, exit code, words that must be told.
type Row = (&'static str, &'static str, &'static [&'static str], i32, &'static [&'static str]);

const ROWS: [Row; 17] = [
    ("stack", "good", &["--expected-account", "444455556666"], 7, &["444455556666", "111122223333"]),
    ("stack", "good", &["--parameter", "Colour=red"], 2, &["declares no parameter Colour", "Stage, Token"]),
    ("stack", "stack-hook", &[], 1, &["queues must be encrypted"]),
    ("stack", "stack-is-rollback-complete", &[], 1, &["can only be deleted", "recreate-failed"]),
    ("stack", "stack-busy", &[], 1, &["UPDATE_IN_PROGRESS"]),
    ("stack", "stack-slow", &["--timeout", "2s", "--on-failure", "keep"], 6, &["goes on in AWS", "--run-id"]),
    ("bundle", "bundle-bucket-missing", &[], 1, &["there is no bucket `demo-bucket`"]),
    ("bundle", "bundle-bucket-elsewhere", &[], 2, &["us-east-1"]),
    ("bundle", "bundle-bucket-of-another", &[], 1, &["belongs to another account than 111122223333"]),
    ("bundle", "bundle-damaged", &[], 1, &["CRC64NVME", "check proxies"]),
    ("bundle", "bundle-store-lacks-checksums", &[], 1, &["Checksums::WhenRequired"]),
    (
        "deploy",
        "deployment-bundle-absent",
        &[],
        3,
        &["The specified key does not exist.", "push and deploy again"],
    ),
    ("deploy", "deployment-bundle-key-denied", &[], 3, &["kms:Decrypt"]),
    ("deploy", "deployment-no-appspec", &[], 3, &["appspec.yml must stand at the root"]),
    ("deploy", "deployment-role-permissions", &["--on-failure", "keep"], 1, &["AWSCodeDeployRole"]),
    ("deploy", "deployment-newer", &["--sequence", "41"], 1, &["is release 42", "--allow-older"]),
    ("deploy", "deployment-partial", &[], 0, &["i-0aaaaaaaaaaaaaaa3", "SUCCEEDED"]),
];

fn arguments(part: &str, folder: &Path) -> Vec<String> {
    let template = concat!(env!("CARGO_MANIFEST_DIR"), "/crates/ec2-cfn/tests/stack/templates/queue.yaml");
    let source = folder.to_str().unwrap();
    let of: &[&str] = match part {
        "stack" => &["--stack-name", "web", "--template", template],
        "bundle" => &["--source", source, "--s3-location", "s3://demo-bucket/bundle.zip"],
        _ => &[
            "--application",
            "demo",
            "--deployment-group",
            "demo",
            "--s3-location",
            "s3://demo-bucket/demo/2.zip",
        ],
    };
    ["ec2", part].iter().chain(of).map(|one| (*one).to_owned()).collect()
}

#[tokio::test]
async fn every_scenario_is_told_with_its_cause_the_next_step_and_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let appspec = "version: 0.0\nos: linux\nfiles:\n  - source: /\n    destination: /srv/demo\n";
    std::fs::write(folder.path().join("appspec.yml"), appspec).unwrap();
    // A few at once: they mostly wait.
    let places = Arc::new(Semaphore::new(4));
    let mut running = JoinSet::new();
    for (part, scenario, more, code, words) in ROWS {
        let (places, arguments) = (Arc::clone(&places), arguments(part, folder.path()));
        let mut command = tokio::process::Command::new(binary());
        command
            .env_clear()
            .env("HOME", "/nonexistent")
            .args(arguments)
            .args(["--simulate", "--scenario", scenario])
            .args(more)
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .kill_on_drop(true);
        running.spawn(async move {
            let _place = places.acquire_owned().await;
            (scenario, run(command).await, code, words)
        });
    }
    while let Some(ended) = running.join_next().await {
        let (scenario, ran, code, words) = ended.unwrap();
        assert_eq!(ran.code, code, "{scenario}: {}", ran.told());
        for word in words {
            assert!(ran.told().contains(word), "{scenario}: {word:?} is not in\n{}", ran.told());
        }
    }
}
