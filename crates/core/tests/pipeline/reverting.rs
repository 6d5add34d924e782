//! What is put back, and in which order.

use landfall_core::pipeline::{Pipeline, PipelineBuilder, Rollback};
use landfall_core::{Outcome, Revert, Undone};

use crate::support::{SECOND, Stage, bad, cx, good, status};

/// Three steps that succeed in another order than they are named, and one that fails behind them.
fn release() -> PipelineBuilder {
    Pipeline::builder()
        .step("a", good("a", 50))
        .step("b", good("b", 10))
        .step("c", good("c", 20))
        .after(["b"])
        .step("smoke", bad("smoke", 5))
        .after(["a", "b", "c"])
}

#[tokio::test(start_paused = true)]
async fn everything_is_put_back_in_reverse_order_of_completion() {
    let stage = Stage::default();
    let report = release().on_failure(Rollback::RevertAll).build().unwrap().run(&stage.cx()).await;
    let mut completed = stage.order("finished");
    assert_eq!(completed, ["b", "c", "a", "smoke"]);
    completed.pop();
    completed.reverse();
    assert_eq!(stage.order("undone"), completed);
    assert_eq!(report.exit_code, 3);
    for step in ["a", "b", "c", "smoke"] {
        assert_eq!(status(&report, step), (Some(3), Some(Undone::Reverted)), "{step}");
    }
    assert!(report.text().contains("no image for smoke"), "{}", report.text());
}

#[tokio::test(start_paused = true)]
async fn only_what_failed_is_put_back_or_nothing_at_all_when_that_is_asked_for() {
    let report = release().on_failure(Rollback::RevertFailed).build().unwrap().run(&cx()).await;
    assert_eq!((report.exit_code, status(&report, "a").1), (3, Some(Undone::NotNeeded)));
    assert_eq!(status(&report, "smoke").1, Some(Undone::Reverted));
    let report = release().on_failure(Rollback::Keep).build().unwrap().run(&cx()).await;
    assert_eq!((report.exit_code, status(&report, "smoke").1), (1, Some(Undone::Kept)));
}

#[tokio::test(start_paused = true)]
async fn an_undo_that_fails_is_told_beside_the_cause_and_does_not_keep_the_others() {
    let stuck =
        good("b", 10).revert_answers(Revert::Impossible { reason: "no revision before this one".into() });
    let report = Pipeline::builder()
        .step("a", good("a", 0))
        .step("b", stuck)
        .after(["a"])
        .step("smoke", bad("smoke", 5))
        .after(["b"])
        .on_failure(Rollback::RevertAll)
        .build()
        .unwrap()
        .run(&cx())
        .await;
    assert_eq!(report.exit_code, 4);
    assert_eq!(status(&report, "a").1, Some(Undone::Reverted));
    let text = report.text();
    assert!(text.contains("no image for smoke") && text.contains("no revision before this one"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_step_that_is_kept_stays_and_one_without_changes_is_not_asked() {
    let unchanged = good("unchanged", 0).without_changes();
    let report = Pipeline::builder()
        .step("migrate", good("migrate", 0))
        .kept()
        .step("unchanged", unchanged.clone())
        .step("web", good("web", 0))
        .after(["migrate", "unchanged"])
        .step("smoke", bad("smoke", 5))
        .after(["web"])
        .on_failure(Rollback::RevertAll)
        .build()
        .unwrap()
        .run(&cx())
        .await;
    assert_eq!(status(&report, "migrate"), (Some(0), Some(Undone::Kept)));
    assert_eq!(status(&report, "unchanged"), (Some(0), Some(Undone::NotNeeded)));
    assert!(!unchanged.calls().contains(&landfall_testkit::Call::Revert));
    assert_eq!(report.exit_code, 3, "what was to be put back is: {}", report.text());
    assert!(report.text().contains("kept on purpose"), "{}", report.text());
}

#[tokio::test(start_paused = true)]
async fn a_failed_check_that_changed_nothing_counts_as_rolled_back_when_the_others_are() {
    let check = bad("smoke", 5).revert_answers(Revert::NothingToDo);
    let release = |rollback| {
        let builder =
            Pipeline::builder().step("web", good("web", 0)).step("smoke", check.clone()).after(["web"]);
        builder.on_failure(rollback).build().unwrap()
    };
    assert_eq!(release(Rollback::RevertAll).run(&cx()).await.exit_code, 3);
    assert_eq!(release(Rollback::RevertFailed).run(&cx()).await.exit_code, 1, "web stands");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_seen_puts_nothing_back() {
    let unseen = good("unseen", 5).at(
        3 * SECOND,
        landfall_testkit::Moment::Failed(landfall_core::Error::new(landfall_core::ErrorKind::Denied, "no")),
    );
    let unseen =
        unseen.at(5 * SECOND, landfall_testkit::Moment::Failed(landfall_core::Error::internal("no")));
    let report = Pipeline::builder()
        .step("web", good("web", 0))
        .step("unseen", unseen)
        .after(["web"])
        .on_failure(Rollback::RevertAll)
        .build()
        .unwrap()
        .run(&cx())
        .await;
    assert_eq!((report.exit_code, status(&report, "web").1), (9, Some(Undone::NotNeeded)));
}

#[tokio::test(start_paused = true)]
async fn a_stop_puts_back_what_on_cancel_says() {
    for (rollback, web, api) in [
        (Rollback::Keep, Undone::NotNeeded, Undone::Kept),
        (Rollback::RevertFailed, Undone::NotNeeded, Undone::Reverted),
        (Rollback::RevertAll, Undone::Reverted, Undone::Reverted),
    ] {
        let stage = Stage::default();
        let pipeline = Pipeline::builder()
            .step("web", good("web", 0))
            .step("api", good("api", 600))
            .on_cancel(rollback)
            .build()
            .unwrap();
        let (stop, cx) = (stage.stop.clone(), stage.cx());
        let (report, ()) = tokio::join!(pipeline.run(&cx), async {
            tokio::time::sleep(30 * SECOND).await;
            stop.cancel();
        });
        assert_eq!(status(&report, "web").1, Some(web), "{rollback:?}");
        assert_eq!(status(&report, "api").1, Some(api), "{rollback:?}");
        assert!(matches!(
            report.step("api").unwrap().settled().unwrap().verdict.outcome,
            Outcome::Cancelled { .. }
        ));
        assert_eq!(report.exit_code, 130);
    }
}
