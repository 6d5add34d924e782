//! Processes that end in the middle, and the next ones.

use std::time::Duration;

use crate::stage::Stage;

/// Runs the release until `after`, as a process that ends then.
async fn cut_off(stage: &Stage, after: Duration) {
    let run = stage.run(stage.known());
    assert!(tokio::time::timeout(after, run).await.is_err(), "it was over by {after:?}");
}

fn made_once(stage: &Stage) {
    for operation in ["CreateChangeSet", "ExecuteChangeSet", "PutObject", "CreateDeployment"] {
        let count = stage.writes().iter().filter(|name| *name == operation).count();
        assert_eq!(count, 1, "{operation}: {:?}", stage.writes());
    }
}

#[tokio::test(start_paused = true)]
async fn a_release_that_was_cut_off_at_any_second_goes_on_from_its_journal() {
    let whole = {
        let stage = Stage::new();
        stage.run(stage.known()).await.took_ms()
    };
    for milliseconds in (500..whole).step_by(700) {
        let stage = Stage::new();
        cut_off(&stage, Duration::from_millis(milliseconds)).await;
        let report = stage.run(stage.known()).await;
        assert_eq!(report.exit_code, 0, "cut at {milliseconds} ms: {}", report.text());
        made_once(&stage);
    }
}

#[tokio::test(start_paused = true)]
async fn without_its_journal_a_release_finds_again_what_it_has_made() {
    for milliseconds in (500..9_000).step_by(1_000) {
        let stage = Stage::new();
        cut_off(&stage, Duration::from_millis(milliseconds)).await;
        let stage = stage.without_its_journal();
        let report = stage.run(stage.known()).await;
        assert_eq!(report.exit_code, 0, "cut at {milliseconds} ms: {}", report.text());
        made_once(&stage);
    }
}

#[tokio::test(start_paused = true)]
async fn another_release_under_the_same_run_id_is_refused() {
    let stage = Stage::new();
    cut_off(&stage, Duration::from_secs(3)).await;
    let other = landfall_ec2_cfn::release::release(
        stage.stack().parameter("Size", "4"),
        stage.bundle().bucket(landfall_simulator::DEMO_BUCKET),
        stage.deployment(),
    );
    let report = stage.run(other).await;
    assert!(
        report.exit_code != 0 && report.text().contains("is not what the recorded plan was made for"),
        "{}",
        report.text()
    );
    let forward = ["CreateChangeSet", "PutObject", "ExecuteChangeSet"];
    assert_eq!(stage.writes()[..3], forward);
    assert!(!stage.writes()[3..].iter().any(|name| name.starts_with("Create")), "{:?}", stage.writes());
}
