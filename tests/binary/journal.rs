//! `--journal`, `runs` and `revert`.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use landfall_simulator::DEMO_SECRET_ACCESS_KEY;
use serde_json::Value;
use tempfile::TempDir;

use crate::stops::until;
use crate::support::{Cloud, Ran, run};

const RUN: &str = "shop/81/deploy/production";

/// A directory for a journal.
struct Disk(TempDir);

impl Disk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn journal(&self) -> String {
        self.0.path().join("journal").to_string_lossy().into_owned()
    }

    async fn deploy(&self, cloud: &Cloud, more: &[&str]) -> Ran {
        run(cloud.deploy(&[&["--journal", &self.journal(), "--run-id", RUN], more].concat())).await
    }

    async fn ask(&self, cloud: &Cloud, arguments: &[&str]) -> Ran {
        run(cloud.command(&[arguments, &["--journal", &self.journal()]].concat())).await
    }
}

fn live(cloud: &Cloud) -> String {
    let ecs = cloud.simulator.ecs("111122223333", "eu-central-1");
    let primary = ecs.deployments("demo", "web").into_iter().find(|deployment| deployment.primary).unwrap();
    primary.task_definition.rsplit('/').next().unwrap().to_owned()
}

fn text_below(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        text.push_str(&if path.is_dir() { text_below(&path) } else { fs::read_to_string(&path).unwrap() });
    }
    text
}

#[tokio::test]
async fn a_run_that_succeeded_is_told_again_without_a_call_that_deploys_and_undone_when_asked_to() {
    let (cloud, disk) = (Cloud::new("good").await, Disk::new());
    let first = disk.deploy(&cloud, &[]).await;
    assert_eq!(first.code, 0, "{}", first.told());
    cloud.simulator.reset_calls();
    let again = disk.deploy(&cloud, &[]).await;
    assert_eq!(again.code, 0, "{}", again.told());
    assert!(again.stdout.contains("told again") && again.stdout.contains("SUCCEEDED"), "{}", again.stdout);
    assert_eq!(cloud.simulator.count("ecs", "DescribeServices"), 0, "nothing is asked of ECS");

    let listed = disk.ask(&cloud, &["runs"]).await;
    for words in [RUN, "ecs", "succeeded", "ecs-service demo/web in 111122223333 eu-central-1"] {
        assert!(listed.code == 0 && listed.stdout.contains(words), "{words:?} is not in {}", listed.told());
    }
    let planned = disk.ask(&cloud, &["revert", RUN, "--plan"]).await;
    assert_eq!((planned.code, live(&cloud).as_str()), (0, "web:3"), "{}", planned.told());
    assert!(planned.stdout.contains("taskDefinition: web:3 -> web:2"), "{}", planned.stdout);
    let undone = disk.ask(&cloud, &["revert", RUN]).await;
    assert_eq!((undone.code, live(&cloud).as_str()), (0, "web:2"), "{}", undone.told());
    assert!(undone.stdout.contains("what was there before runs again"), "{}", undone.stdout);
    let twice = disk.ask(&cloud, &["revert", RUN]).await;
    assert_eq!(twice.code, 2, "{}", twice.told());
    assert!(
        twice.stdout.contains("cannot be undone") && twice.stdout.contains("undone already"),
        "{}",
        twice.stdout
    );
    let shown = disk.ask(&cloud, &["runs", RUN]).await;
    for words in
        ["succeeded, undone", "undo.plan", "containerDefinitions[web].image", "rolls out web:3", "SUCCEEDED"]
    {
        assert!(shown.stdout.contains(words), "{words:?} is not in {}", shown.told());
    }
    let again = disk.deploy(&cloud, &[]).await;
    assert_eq!((again.code, live(&cloud).as_str()), (0, "web:3"), "a new attempt: {}", again.told());
}

#[tokio::test]
async fn a_run_that_failed_and_was_kept_shows_its_causes_and_can_be_undone_later() {
    let (cloud, disk) = (Cloud::new("breaker-no-rollback").await, Disk::new());
    let failed = disk.deploy(&cloud, &["--on-failure", "keep"]).await;
    assert_eq!((failed.code, live(&cloud).as_str()), (1, "web:3"), "{}", failed.told());
    let shown = disk.ask(&cloud, &["runs", RUN]).await;
    for words in ["attempt 1: failed", "exited with code 1", "DATABASE_URL is not set"] {
        assert!(shown.stdout.contains(words), "{words:?} is not in {}", shown.told());
    }
    let undone = disk.ask(&cloud, &["revert", RUN]).await;
    assert_eq!((undone.code, live(&cloud).as_str()), (0, "web:2"), "{}", undone.told());
}

#[tokio::test]
async fn a_killed_run_is_listed_as_started_and_can_be_undone_by_its_journal_alone() {
    let (cloud, disk) = (Cloud::new("never-settles").await, Disk::new());
    let journal = disk.journal();
    let command = cloud.deploy(&["--journal", &journal, "--run-id", RUN]);
    let (mut child, _) = until(command, "new tasks running").await;
    let listed = disk.ask(&cloud, &["runs"]).await;
    assert!(listed.stdout.contains("started (open now)"), "{}", listed.told());
    let open = disk.ask(&cloud, &["revert", RUN]).await;
    assert_eq!(open.code, 1, "{}", open.told());
    assert!(open.stdout.contains(&format!("is open in process {}", child.id().unwrap())), "{}", open.stdout);
    child.kill().await.unwrap();
    let listed = disk.ask(&cloud, &["runs", "--output", "json"]).await;
    let line: Value = serde_json::from_str(listed.stdout.trim()).unwrap();
    assert_eq!((&line["run"], &line["open_in"]), (&RUN.into(), &Value::Null));
    assert_eq!(line["attempts"][0]["stage"], "applied", "{line}");
    let undone = disk.ask(&cloud, &["revert", RUN]).await;
    assert_eq!((undone.code, live(&cloud).as_str()), (0, "web:2"), "{}", undone.told());
}

#[tokio::test]
async fn another_run_of_the_same_service_is_refused_while_the_first_is_under_way_and_told_who_that_is() {
    let (cloud, disk) = (Cloud::new("never-settles").await, Disk::new());
    let journal = disk.journal();
    let mut command = cloud.deploy(&["--journal", &journal, "--run-id", RUN]);
    command.stderr(Stdio::null());
    let (mut child, _) = until(command, "started:").await;
    let other = run(cloud.deploy(&["--journal", &journal, "--run-id", "shop/82"])).await;
    assert_eq!(other.code, 1, "{}", other.told());
    for words in ["ecs-service demo/web", &format!("run {RUN}"), &child.id().unwrap().to_string(), "since"] {
        assert!(other.stdout.contains(words), "{words:?} is not in {}", other.told());
    }
    let same = disk.deploy(&cloud, &[]).await;
    assert!(same.code == 1 && same.stdout.contains("is open in process"), "{}", same.told());
    assert_eq!(cloud.updates(), 1);
    child.kill().await.unwrap();
}

#[tokio::test]
async fn with_another_image_a_run_that_is_known_is_refused_and_deploys_nothing() {
    let (cloud, disk) = (Cloud::new("good").await, Disk::new());
    assert_eq!(disk.deploy(&cloud, &["--no-wait"]).await.code, 0);
    let journal = disk.journal();
    let other = run(cloud.command(&[
        "ecs",
        "--cluster",
        "demo",
        "--service",
        "web",
        "--image",
        "web=other:3",
        "--journal",
        &journal,
        "--run-id",
        RUN,
    ]))
    .await;
    assert_eq!((other.code, cloud.updates()), (1, 1), "{}", other.told());
    assert!(other.stdout.contains("not what the recorded plan was made for"), "{}", other.stdout);
    assert_eq!(disk.deploy(&cloud, &[]).await.code, 0);
    assert_eq!(cloud.updates(), 1);
}

#[tokio::test]
async fn what_cannot_be_undone_is_refused_with_the_reason_and_changes_nothing() {
    let (cloud, disk) = (Cloud::new("good").await, Disk::new());
    disk.deploy(&cloud, &[]).await;
    let nothing = disk.ask(&cloud, &["revert", "shop/82"]).await;
    assert_eq!(nothing.code, 2);
    assert!(
        nothing.stdout.contains("is not in the journal") && nothing.stdout.contains(RUN),
        "{}",
        nothing.told()
    );
    let same = run(cloud.deploy(&["--journal", &disk.journal(), "--run-id", "shop/83"])).await;
    assert_eq!(same.code, 0, "{}", same.told());
    cloud.simulator.reset_calls();
    let unchanged = disk.ask(&cloud, &["revert", "shop/83"]).await;
    assert!(unchanged.code == 2 && unchanged.stdout.contains("changed nothing"), "{}", unchanged.told());
    let without = run(cloud.command(&["revert", RUN])).await;
    assert!(without.code == 2 && without.stdout.contains("--journal is missing"), "{}", without.told());
    let mut elsewhere = cloud.command(&["revert", RUN, "--journal", &disk.journal()]);
    elsewhere.env("AWS_REGION", "eu-west-1");
    let elsewhere = run(elsewhere).await;
    assert_eq!(elsewhere.code, 1, "{}", elsewhere.told());
    assert!(elsewhere.stdout.contains("deployed to 111122223333 eu-central-1"), "{}", elsewhere.stdout);
    assert!(cloud.written().is_empty(), "{:?}", cloud.written());
}

#[tokio::test]
async fn a_bad_journal_is_told_with_the_other_problems_before_anything_is_sent() {
    let (cloud, disk) = (Cloud::new("good").await, Disk::new());
    let file = disk.0.path().join("file");
    fs::write(&file, "").unwrap();
    let file = file.to_string_lossy();
    let ran = run(cloud.deploy(&["--journal", &file])).await;
    assert!(ran.code == 2 && ran.stdout.contains("a journal is a directory"), "{}", ran.told());
    let ran = run(cloud.deploy(&["--journal", &file, "--timeout", "never"])).await;
    assert!(
        ran.stdout.contains("a journal is a directory") && ran.stdout.contains("--timeout"),
        "{}",
        ran.told()
    );
    for arguments in [&["runs"][..], &["runs", RUN], &["revert", RUN]] {
        let ran = disk.ask(&cloud, arguments).await;
        assert!(ran.code == 2 && ran.stdout.contains("no such directory"), "{arguments:?}: {}", ran.told());
    }
    assert!(!Path::new(&disk.journal()).exists(), "to read makes nothing");
    assert!(cloud.simulator.calls().is_empty());
}

#[tokio::test]
async fn a_broken_file_is_named_with_its_line_by_every_command() {
    let (cloud, disk) = (Cloud::new("good").await, Disk::new());
    disk.deploy(&cloud, &[]).await;
    let runs = Path::new(&disk.journal()).join("runs");
    let file = fs::read_dir(runs).unwrap().map(|entry| entry.unwrap().path());
    let file = file.into_iter().find(|path| path.extension().unwrap() == "jsonl").unwrap();
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replacen("\"record\"", "\"rec", 2)).unwrap();
    cloud.simulator.reset_calls();
    for arguments in [&["runs"][..], &["runs", RUN], &["revert", RUN]] {
        let ran = disk.ask(&cloud, arguments).await;
        assert!(ran.code == 2 && ran.stdout.contains("line 2 of"), "{arguments:?}: {}", ran.told());
    }
    let ran = disk.deploy(&cloud, &[]).await;
    assert!(ran.code == 2 && ran.stdout.contains("line 2 of"), "{}", ran.told());
    assert!(cloud.simulator.calls().is_empty());
}

#[tokio::test]
async fn a_journal_holds_no_secret() {
    let (cloud, disk) = (Cloud::new("crash").await, Disk::new());
    let journal = disk.journal();
    let token = cloud.token();
    let mut command = cloud.bare(&[
        "ecs",
        "--cluster",
        "demo",
        "--service",
        "web",
        "--image",
        "web=registry.example.com/web:2.0",
        "--region",
        "eu-central-1",
        "--role-arn",
        "arn:aws:iam::111122223333:role/deploy",
        "--oidc-token-env",
        "DEPLOY_TOKEN",
        "--journal",
        &journal,
    ]);
    command.env("DEPLOY_TOKEN", &token);
    let ran = run(command).await;
    assert_eq!(ran.code, 3, "{}", ran.told());
    let kept = text_below(Path::new(&journal));
    assert!(kept.contains("\"plan\"") && kept.contains("\"closed\""), "{kept}");
    let environment_value = "production";
    for secret in
        [token.as_str(), DEMO_SECRET_ACCESS_KEY, "ASIA", &format!("\"value\":\"{environment_value}\"")]
    {
        assert!(!kept.contains(secret), "{secret:?} is in the journal");
    }
}
