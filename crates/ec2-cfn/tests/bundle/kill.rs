//! A process that is killed in the middle of an upload, and the next one. `just bench-bundle --only K` does it with 400 MB.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use landfall_simulator::{
    DEMO_ACCESS_KEY_ID, DEMO_ACCOUNT, DEMO_BUCKET, DEMO_REGION, DEMO_SECRET_ACCESS_KEY, Simulator,
};

use crate::stage::{noise, write};

/// The example, which `cargo test` builds beside the tests.
fn program() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let program = tests.parent().and_then(|deps| deps.parent()).unwrap().join("examples/push");
    assert!(
        program.exists(),
        "{} is missing: cargo build -p landfall-ec2-cfn --example push",
        program.display()
    );
    program
}

fn begun(url: &str, source: &std::path::Path, journal: &std::path::Path) -> Child {
    Command::new(program())
        .args(["--bucket", DEMO_BUCKET, "--account", DEMO_ACCOUNT, "--no-appspec", "yes", "--source"])
        .arg(source)
        .arg("--journal")
        .arg(journal)
        .env("AWS_ENDPOINT_URL", url)
        .env("AWS_REGION", DEMO_REGION)
        .env("AWS_ACCESS_KEY_ID", DEMO_ACCESS_KEY_ID)
        .env("AWS_SECRET_ACCESS_KEY", DEMO_SECRET_ACCESS_KEY)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn what_a_killed_process_has_sent_is_not_sent_again() {
    let simulator = Simulator::builder().build();
    let server = simulator.serve().await.unwrap();
    let (source, journal) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for number in 0..16 {
        write(source.path(), &format!("{number}.bin"), noise(4 * 1024 * 1024, number + 1));
    }
    let mut first = begun(&server.url(), source.path(), journal.path());
    let there = || -> u64 {
        let uploads = simulator.s3().uploads(DEMO_BUCKET);
        uploads.iter().flat_map(|upload| &upload.parts).map(|(_, size)| size).sum()
    };
    while there() < 24 * 1024 * 1024 {
        assert!(first.try_wait().unwrap().is_none(), "it ended before it could be killed");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    first.kill().unwrap();
    first.wait().unwrap();
    // What the dead process had sent may still be on its way into the store.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let (kept, received) = (there(), simulator.s3().bytes_received());
    let second = begun(&server.url(), source.path(), journal.path());
    let output = tokio::task::spawn_blocking(move || second.wait_with_output()).await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}");
    let mut objects = simulator.s3().versions(DEMO_BUCKET);
    objects.retain(|object| !object.key.starts_with("demo/"));
    assert_eq!(objects.len(), 1, "{text}");
    assert_eq!(simulator.s3().bytes_received() - received, objects[0].size - kept, "{text}");
    assert!(kept >= 24 * 1024 * 1024);
    assert_eq!(simulator.count("s3", "CreateMultipartUpload"), 1);
    server.shutdown().await;
}
