//! An older release does not overwrite what a newer one of the same project has brought.

use std::time::Duration;

use landfall_core::{ErrorKind, Outcome, Policy, StepReport};
use landfall_ec2_cfn::deployment::{Deployment, IfBusy, Revision};

use crate::stage::{Stage, keep, told};

/// A release of a project. Its bundle is not pinned, so that it is always deployed.
fn release(stage: &Stage, project: &str, number: u64) -> Deployment {
    let revision = Revision::s3("demo-bucket", "demo/2.zip");
    stage.made(stage.builder().revision(&revision).sequence(project, number))
}

async fn deployed(stage: &Stage, target: &Deployment, number: u64) -> StepReport {
    stage.run_as(&format!("demo/{number}/deploy"), target, &Policy::default()).await
}

fn refused_as_older(report: &StepReport) {
    let Outcome::Refused { error } = &report.verdict.outcome else { panic!("{}", told(report)) };
    assert_eq!((error.kind(), report.exit_code()), (ErrorKind::Conflict, 1), "{}", told(report));
    assert!(error.hint().unwrap().contains("--allow-older"), "{}", error.report());
}

#[tokio::test(start_paused = true)]
async fn an_older_release_is_refused_over_a_newer_one_and_a_newer_one_and_another_project_are_not() {
    let stage = Stage::of("good");
    let first = deployed(&stage, &release(&stage, "demo/web", 42), 42).await;
    assert_eq!(first.verdict.outcome, Outcome::Succeeded, "{}", told(&first));
    let older = deployed(&stage, &release(&stage, "demo/web", 41), 41).await;
    refused_as_older(&older);
    let text = told(&older);
    let id = first.verdict.outputs.find("deployment_id").unwrap();
    for words in ["release 41 is older", "is release 42 of the same project", id] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert_eq!(stage.calls("CreateDeployment"), 1);
    // The same number again, by another job; a higher one; another project, whose numbers mean nothing to this one.
    let others = [("demo/web", 42), ("demo/web", 43), ("demo/api", 7)];
    for (count, (project, number)) in others.into_iter().enumerate() {
        let (run, target) = (format!("again/{count}"), release(&stage, project, number));
        let report = stage.run_as(&run, &target, &Policy::default()).await;
        assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{project} {number}: {}", told(&report));
        assert_eq!(stage.calls("CreateDeployment"), count + 2);
    }
}

#[tokio::test(start_paused = true)]
async fn going_back_on_purpose_is_allowed_by_consent_and_told() {
    let stage = Stage::of("good");
    deployed(&stage, &release(&stage, "demo/web", 42), 42).await;
    let revision = Revision::s3("demo-bucket", "demo/1.zip");
    let back = stage.builder().revision(&revision).sequence("demo/web", 41).allow_older(true);
    let report = deployed(&stage, &stage.made(back), 41).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert_eq!(stage.live(), "demo/1.zip");
    assert!(
        stage.told().iter().any(|line| line.starts_with("older-release: release 41")),
        "{:#?}",
        stage.told()
    );
}

#[tokio::test(start_paused = true)]
async fn a_newer_release_under_way_is_not_waited_for_to_be_overwritten() {
    let stage = Stage::of("good");
    let newer = release(&stage, "demo/web", 43);
    let cut = tokio::time::timeout(Duration::from_secs(3), deployed(&stage, &newer, 43)).await;
    assert!(cut.is_err(), "it is under way");
    for if_busy in [IfBusy::Fail, IfBusy::Wait] {
        let older = Revision::s3("demo-bucket", "demo/1.zip");
        let older = stage.builder().revision(&older).sequence("demo/web", 42).if_busy(if_busy);
        refused_as_older(&deployed(&stage, &stage.made(older), 42).await);
    }
    assert_eq!(stage.calls("CreateDeployment"), 1);
    // One that says no number waits and deploys, as before.
    let none = stage.made(stage.builder().if_busy(IfBusy::Wait));
    let report = stage.run_as("demo/other", &none, &Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
}

#[tokio::test(start_paused = true)]
async fn what_was_rolled_back_is_not_there_to_be_overwritten() {
    let stage = Stage::of("deployment-hook-fails");
    let newer = stage.run_as("demo/42", &release(&stage, "demo/web", 42), &keep()).await;
    assert_eq!(newer.exit_code(), 3, "{}", told(&newer));
    let older = stage.run_as("demo/41", &release(&stage, "demo/web", 41), &keep()).await;
    assert_eq!((older.exit_code(), stage.calls("CreateDeployment")), (3, 2), "{}", told(&older));
}
