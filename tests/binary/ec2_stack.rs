//! `ec2 stack` by itself: a plan that one job saves and another carries out, and a stack that is deleted.

use std::path::Path;

use tempfile::TempDir;
use tokio::process::Command;

use crate::support::{Cloud, Ran, run};

const TEMPLATE: &str = include_str!("../../crates/ec2-cfn/tests/stack/templates/queue.yaml");

/// A directory with the template in it.
fn job() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("queue.yaml"), TEMPLATE).unwrap();
    folder
}

fn stack(cloud: &Cloud, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = cloud.command(&[&["ec2", "stack"], arguments].concat());
    command.current_dir(folder);
    command
}

/// Deploys the template to the stack `web` of the scenario.
async fn deploy(cloud: &Cloud, folder: &Path, arguments: &[&str]) -> Ran {
    let what = ["--stack-name", "web", "--template", "queue.yaml"];
    run(stack(cloud, folder, &[&what[..], arguments].concat())).await
}

async fn delete(cloud: &Cloud, arguments: &[&str]) -> Ran {
    let folder = job();
    run(stack(cloud, folder.path(), &[&["delete", "--stack-name", "web"], arguments].concat())).await
}

fn tells(ran: &Ran, words: &[&str]) {
    for words in words {
        assert!(ran.told().contains(words), "{words:?} is not in\n{}", ran.told());
    }
}

#[tokio::test]
async fn a_plan_is_saved_by_one_job_looked_at_and_carried_out_by_another() {
    let (cloud, folder) = (Cloud::new("stack-update").await, job());
    let here = folder.path();
    let ran = deploy(&cloud, here, &["--plan=change-set", "--save-plan", "plan.json"]).await;
    assert_eq!((ran.code, cloud.written()), (0, vec!["CreateChangeSet".to_owned()]), "{}", ran.told());
    tells(&ran, &["MessageRetentionPeriod", "nothing was executed", "--from-plan plan.json executes it"]);
    let ran = deploy(&cloud, here, &["--from-plan", "plan.json", "--parameter", "Stage=test"]).await;
    assert_eq!(ran.code, 2, "{}", ran.told());
    tells(&ran, &["parameter Stage was not given when plan.json was saved", "--parameter"]);
    let ran = deploy(&cloud, here, &["--from-plan", "plan.json", "--plan"]).await;
    assert_eq!((ran.code, cloud.written().len()), (0, 1), "{}", ran.told());
    tells(&ran, &["by change set landfall-saved-", "nothing was changed"]);
    let ran = deploy(&cloud, here, &["--from-plan", "plan.json"]).await;
    assert_eq!(ran.code, 0, "{}", ran.told());
    assert_eq!(cloud.written(), ["CreateChangeSet", "ExecuteChangeSet"]);
    let again = deploy(&cloud, here, &["--from-plan", "plan.json"]).await;
    assert_eq!((again.code, cloud.written().len()), (0, 2), "{}", again.told());
    tells(&again, &["UNCHANGED"]);
}

#[tokio::test]
async fn flags_of_saved_plans_that_do_not_fit_are_refused_before_anything_is_sent() {
    let (cloud, folder) = (Cloud::new("stack-update").await, job());
    std::fs::write(folder.path().join("other.json"), "{}").unwrap();
    let change_set = "--plan=change-set";
    let rows: [(&[&str], &str); 5] = [
        (&["--save-plan", "plan.json"], "add --plan=change-set"),
        (&[change_set, "--save-plan", "none/plan.json"], "none/plan.json is no place for a file"),
        (&[change_set, "--from-plan", "other.json"], "makes another one"),
        (&["--from-plan", "plan.json"], "there is no such file"),
        (&["--from-plan", "other.json"], "kind is null"),
    ];
    for (arguments, says) in rows {
        let ran = deploy(&cloud, folder.path(), arguments).await;
        assert_eq!(ran.code, 2, "{arguments:?} {}", ran.told());
        tells(&ran, &[says]);
    }
    assert!(cloud.simulator.calls().is_empty());
}

#[tokio::test]
async fn a_stack_is_deleted_with_consent_and_shown_without() {
    let cloud = Cloud::new("stack-update").await;
    let ran = delete(&cloud, &[]).await;
    assert_eq!((ran.code, cloud.simulator.calls().len()), (2, 0), "{}", ran.told());
    tells(&ran, &["only when --yes is given", "--plan"]);
    let ran = delete(&cloud, &["--plan"]).await;
    assert_eq!((ran.code, cloud.written().len()), (0, 0), "{}", ran.told());
    tells(&ran, &["- stack web", "- Queue (AWS::SQS::Queue)"]);
    let ran = delete(&cloud, &["--yes"]).await;
    assert_eq!((ran.code, cloud.written()), (0, vec!["DeleteStack".to_owned()]), "{}", ran.told());
    let again = delete(&cloud, &["--yes"]).await;
    assert_eq!((again.code, cloud.written().len()), (0, 1), "{}", again.told());
    tells(&again, &["UNCHANGED"]);
}

#[tokio::test]
async fn what_is_in_the_way_of_a_deletion_is_named_and_left_behind_by_name() {
    let cloud = Cloud::new("stack-delete-fails").await;
    let early = delete(&cloud, &["--yes", "--retain-resource", "Queue"]).await;
    assert_eq!((early.code, cloud.written().len()), (1, 0), "{}", early.told());
    tells(&early, &["only when a deletion of it has failed"]);
    let ran = delete(&cloud, &["--yes"]).await;
    assert_eq!(ran.code, 1, "nothing to revert to: {}", ran.told());
    tells(
        &ran,
        &["The bucket you tried to delete is not empty", "still there with Queue", "retain-resource"],
    );
    let ran = delete(&cloud, &["--yes", "--retain-resource", "Queue"]).await;
    assert_eq!(ran.code, 0, "{}", ran.told());
    let folder = job();
    let stray =
        stack(&cloud, folder.path(), &["--stack-name", "web", "delete", "--stack-name", "web", "--yes"]);
    let ran = run(stray).await;
    assert_eq!(ran.code, 2, "{}", ran.told());
    tells(&ran, &["--stack-name stand before `delete`, and are for the deployment of a stack there"]);
}
