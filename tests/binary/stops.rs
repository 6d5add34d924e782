//! Signals, kills and closed pipes.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::support::{Cloud, ended, run};

/// Starts the binary and reads its output until a line holds `words`; what was read is put back by the caller.
pub(crate) async fn until(mut command: Command, words: &str) -> (Child, String) {
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut told = String::new();
    let read = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            told.push_str(&line);
            told.push('\n');
            if line.contains(words) {
                return true;
            }
        }
        false
    };
    let found = tokio::time::timeout(Duration::from_secs(60), read).await.unwrap_or(false);
    assert!(found, "{words:?} was not told in\n{told}");
    child.stdout = Some(lines.into_inner().into_inner());
    (child, told)
}

#[cfg(unix)]
pub(crate) async fn signal(child: &Child, name: &str) {
    let id = child.id().unwrap().to_string();
    let sent = Command::new("kill").args([&format!("-{name}"), &id]).status().await.unwrap();
    assert!(sent.success());
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_ends_the_wait_at_once_and_says_how_to_attach_again() {
    for name in ["TERM", "INT"] {
        let cloud = Cloud::new("never-settles").await;
        let (child, _) = until(cloud.deploy(&["--run-id", "shop/5"]), "started:").await;
        signal(&child, name).await;
        let ran = tokio::time::timeout(Duration::from_secs(10), ended(child)).await.unwrap();
        assert_eq!(ran.code, 130, "{name}: {}", ran.told());
        for words in ["CANCELLED", "goes on in AWS", "--run-id shop/5", "rolls out web:3"] {
            assert!(ran.stdout.contains(words), "{name}: {words:?} is not in {}", ran.stdout);
        }
        assert_eq!(cloud.updates(), 1, "{name}: nothing is undone by default");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_undoes_when_asked_to() {
    let cloud = Cloud::new("never-settles").await;
    let (child, _) = until(cloud.deploy(&["--on-cancel", "revert"]), "started:").await;
    signal(&child, "TERM").await;
    let ran = ended(child).await;
    assert_eq!(ran.code, 130, "{}", ran.told());
    assert!(ran.stdout.contains("undone"), "{}", ran.stdout);
    let ecs = cloud.simulator.ecs("111122223333", "eu-central-1");
    let primary = ecs.deployments("demo", "web").into_iter().find(|deployment| deployment.primary).unwrap();
    assert!(primary.task_definition.ends_with("web:2"), "{primary:?}");
}

#[tokio::test]
async fn a_killed_run_goes_on_with_its_id_and_deploys_nothing_twice() {
    for words in ["plan", "started:", "1 of 2 new tasks running", "2 of 2 new tasks running"] {
        let cloud = Cloud::new("good").await;
        let mut command = cloud.deploy(&["--run-id", "shop/9"]);
        command.stderr(Stdio::null());
        let (mut child, _) = match words {
            "1 of 2 new tasks running" => until(command, "0 of 2 new tasks running").await,
            words => until(command, words).await,
        };
        child.kill().await.unwrap();
        let again = run(cloud.deploy(&["--run-id", "shop/9"])).await;
        assert_eq!(again.code, 0, "killed after {words:?}: {}", again.told());
        let ecs = cloud.simulator.ecs("111122223333", "eu-central-1");
        assert_eq!(ecs.task_definitions("web").len(), 3, "killed after {words:?}: one new revision");
        assert_eq!(cloud.updates(), 1, "killed after {words:?}: one deployment");
    }
}

#[tokio::test]
async fn a_reader_that_goes_away_does_not_stop_the_deployment() {
    let cloud = Cloud::new("good").await;
    let (mut child, _) = until(cloud.deploy(&["--output", "json"]), "\"applied\"").await;
    drop(child.stdout.take());
    let status = tokio::time::timeout(Duration::from_secs(60), child.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(0));
}
