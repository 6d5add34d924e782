//! The way back.

use std::time::Duration;

use landfall_core::{Policy, Undone};

use crate::stage::{Stage, told};

#[tokio::test(start_paused = true)]
async fn what_takes_too_long_is_stopped_and_rolled_back_by_codedeploy() {
    let stage = Stage::of("deployment-agent-silent");
    let report = stage.run(&stage.target(), &Policy::default().timeout(Duration::from_secs(240))).await;
    assert_eq!((report.exit_code(), &report.undone), (6, &Undone::Reverted), "{}", told(&report));
    assert_eq!((stage.calls("StopDeployment"), stage.calls("CreateDeployment")), (1, 1), "{}", told(&report));
}

#[tokio::test(start_paused = true)]
async fn without_codedeploys_rollback_landfall_deploys_what_was_there_before() {
    let stage = Stage::of("deployment-agent-silent");
    let target = stage.made(stage.builder().stop_with_rollback(false));
    stage.code_deploy().change_group("demo", "demo", |group| {
        group.rules.iter_mut().for_each(|rule| rule.in_rollbacks = false);
    });
    let policy = Policy::default().timeout(Duration::from_secs(240)).grace(Duration::from_secs(300));
    let one = stage.run(&target, &policy);
    let mend = async {
        tokio::time::sleep(Duration::from_secs(230)).await;
        stage.code_deploy().change_group("demo", "demo", |group| group.rules.clear());
    };
    let (report, ()) = tokio::join!(one, mend);
    assert_eq!(report.undone, Undone::Reverted, "{}", told(&report));
    assert_eq!((stage.calls("StopDeployment"), stage.calls("CreateDeployment")), (1, 2), "{}", told(&report));
    let last = stage.code_deploy().deployments().pop().unwrap();
    assert!(
        last.description.contains("undo=1") && last.revision["s3Location"]["key"] == "demo/1.zip",
        "{last:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_first_revision_that_failed_cannot_be_undone_and_that_is_said() {
    let stage = Stage::of("deployment-no-rollback");
    let report = stage.deploy().await;
    assert!(
        matches!(&report.undone, Undone::Impossible { reason } if reason.contains("nothing to come back to")),
        "{}",
        told(&report)
    );
    assert_eq!(report.exit_code(), 4);
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_deployed_since_stays() {
    let stage = Stage::of("good");
    let report = stage.deploy().await;
    let other = serde_json::json!({ "revisionType": "S3", "s3Location": { "bucket": "demo-bucket", "key": "demo/9.zip", "bundleType": "zip" } });
    stage.code_deploy().create_as_other("demo", "demo", &other);
    let cx = stage.context("demo/1/deploy");
    let runtime = landfall_core::runtime::Local::new(cx.clone());
    let plan = report.plan.as_ref().unwrap();
    let undone = landfall_core::target::undo_step(
        &runtime,
        &stage.target(),
        &cx,
        &Policy::default(),
        plan,
        report.receipt.as_ref(),
    )
    .await;
    assert!(matches!(&undone, Undone::Failed { .. }), "{undone:?}");
    assert_eq!(stage.calls("CreateDeployment"), 1);
}
