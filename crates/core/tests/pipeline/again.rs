//! The same run id again: attempts of a run and of its steps.

use landfall_core::journal::{Attempt, Journal};
use landfall_core::pipeline::{Pipeline, Rollback};
use landfall_core::target::undo_step;
use landfall_core::{Error, Outcome, Policy, Report, Undone};
use landfall_testkit::ScriptedTarget;

use crate::support::{SECOND, Stage, bad, good, ready, status};

fn chain(steps: &[(&str, &ScriptedTarget)], rollback: Rollback) -> Pipeline {
    let mut builder = Pipeline::builder().on_failure(rollback);
    let mut before: Option<&str> = None;
    for (name, target) in steps {
        builder = builder.step(*name, (*target).clone()).after(before);
        before = Some(name);
    }
    builder.build().unwrap()
}

async fn run(stage: &Stage, pipeline: &Pipeline) -> Report {
    let cx = stage.cx();
    pipeline.run(&cx).await
}

#[tokio::test(start_paused = true)]
async fn a_run_that_succeeded_is_told_again_without_a_call() {
    let stage = Stage::default();
    let (web, api) = (good("web", 5), good("api", 5));
    let pipeline = chain(&[("web", &web), ("api", &api)], Rollback::RevertAll);
    let first = run(&stage, &pipeline).await;
    let calls = (web.calls(), api.calls());
    let second = run(&stage, &pipeline).await;
    assert_eq!((web.calls(), api.calls()), calls);
    assert_eq!((first.exit_code, second.exit_code, second.attempt), (0, 0, 1));
    assert_eq!(
        second.step("web").unwrap().settled().unwrap().verdict,
        first.step("web").unwrap().settled().unwrap().verdict
    );
}

#[tokio::test(start_paused = true)]
async fn after_a_failure_what_failed_is_made_again_and_what_succeeded_is_not() {
    let stage = Stage::default();
    let (web, api) = (good("web", 5), bad("api", 5));
    let first = run(&stage, &chain(&[("web", &web), ("api", &api)], Rollback::RevertFailed)).await;
    assert_eq!((first.exit_code, first.attempt), (3, 1));
    let mended = good("api", 5);
    let second = run(&stage, &chain(&[("web", &web), ("api", &mended)], Rollback::RevertFailed)).await;
    assert_eq!((second.exit_code, second.attempt), (0, 2), "{}", second.text());
    assert_eq!(web.effects().len(), 1);
    assert_eq!(mended.effects(), [("run/deploy/api/2".to_owned(), 0)]);
}

#[tokio::test(start_paused = true)]
async fn after_everything_was_put_back_everything_is_made_again() {
    let stage = Stage::default();
    let (web, api) = (good("web", 5), bad("api", 5));
    let first = run(&stage, &chain(&[("web", &web), ("api", &api)], Rollback::RevertAll)).await;
    assert_eq!(status(&first, "web").1, Some(Undone::Reverted));
    let second = run(&stage, &chain(&[("web", &web), ("api", &good("api", 5))], Rollback::RevertAll)).await;
    assert_eq!((second.exit_code, second.attempt), (0, 2));
    let tokens: Vec<String> = web.effects().into_iter().map(|(token, _)| token).collect();
    assert_eq!(tokens, ["run/deploy/web/1", "run/deploy/web/1/undo", "run/deploy/web/2"]);
}

#[tokio::test(start_paused = true)]
async fn after_everything_was_put_back_a_check_that_had_succeeded_looks_again() {
    let stage = Stage::default();
    let (web, api, mended) = (good("web", 5), bad("api", 5), good("api", 5));
    let check = good("check", 5).without_changes();
    let of = |api| chain(&[("web", &web), ("check", &check), ("api", api)], Rollback::RevertAll);
    assert_eq!(run(&stage, &of(&api)).await.exit_code, 3);
    let looks = check.looks();
    let second = run(&stage, &of(&mended)).await;
    assert_eq!((second.exit_code, second.attempt), (0, 2), "{}", second.text());
    assert!(check.looks() > looks, "what it had seen was put back since");
}

/// Two steps, of which the second comes to no end in its minute; killed in the undo that follows, and run again.
async fn cut_off_while_putting_back(stage: &Stage, middle: &ScriptedTarget) -> (Pipeline, Report) {
    let web = ScriptedTarget::new("web").at(5 * SECOND, ready()).undo_at(1000 * SECOND, ready());
    let made = |web: &ScriptedTarget| {
        let minute = Policy::default().timeout(60 * SECOND).grace(3600 * SECOND);
        let builder = Pipeline::builder().on_failure(Rollback::RevertAll).default_policy(minute);
        let builder = builder.step("web", web.clone()).step("check", middle.clone()).after(["web"]).kept();
        builder.build().unwrap()
    };
    let killed = made(&web.clone());
    tokio::select! {
        _ = run(stage, &killed) => unreachable!("it is killed in the undo"),
        () = tokio::time::sleep(300 * SECOND) => {}
    }
    let again = made(&web);
    let report = run(stage, &again).await;
    (again, report)
}

#[tokio::test(start_paused = true)]
async fn what_a_step_came_to_is_told_by_the_run_that_goes_on_with_putting_back() {
    let late = || ScriptedTarget::new("check").at(200 * SECOND, ready());
    for middle in [late().without_changes(), late()] {
        let stage = Stage::default();
        let (pipeline, report) = cut_off_while_putting_back(&stage, &middle).await;
        let check = report.step("check").unwrap().settled().unwrap();
        assert!(matches!(check.verdict.outcome, Outcome::TimedOut { .. }), "{}", report.text());
        assert_eq!((check.exit_code, check.undone.clone()), (6, Undone::Kept), "{}", report.text());
        assert_eq!(status(&report, "web").1, Some(Undone::Reverted));
        // Whatever it came to since is seen by a new attempt.
        let third = run(&stage, &pipeline).await;
        assert_eq!(third.attempt, 2, "{}", third.text());
    }
}

#[tokio::test(start_paused = true)]
async fn a_begun_step_that_is_asked_for_something_else_leaves_the_run_as_it_is() {
    let stage = Stage::default();
    let (web, api) = (good("web", 5), good("api", 500));
    let of = |api: &ScriptedTarget| chain(&[("web", &web), ("api", api)], Rollback::RevertAll);
    let first = of(&api);
    tokio::select! {
        _ = run(&stage, &first) => unreachable!("it is killed while the second step is under way"),
        () = tokio::time::sleep(60 * SECOND) => {}
    }
    let refused = run(&stage, &of(&api.clone().asked_for("something else"))).await;
    assert_eq!(refused.exit_code, 1, "{}", refused.text());
    assert_eq!(web.effects().len(), 1, "it is not put back: {}", refused.text());
    let third = run(&stage, &of(&api)).await;
    assert_eq!((third.exit_code, third.attempt), (0, 1), "{}", third.text());
    assert_eq!((web.effects().len(), api.effects().len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_step_that_somebody_put_back_later_is_made_again_by_the_next_run() {
    let stage = Stage::default();
    let (web, api) = (good("web", 5), good("api", 5));
    let pipeline = chain(&[("web", &web), ("api", &api)], Rollback::RevertAll);
    assert_eq!(run(&stage, &pipeline).await.exit_code, 0);
    {
        let cx = stage.cx();
        let opened = cx.open_run().await.unwrap();
        let (cx, runtime) = opened.at_attempt(&cx.in_step("deploy/web"), 1);
        let attempt = Attempt::of("deploy/web", 1, &opened.records("deploy/web", 1)).unwrap();
        let plan = attempt.plan.unwrap();
        let undone =
            undo_step(&runtime, &web, &cx, &Policy::default(), &plan, attempt.receipt.as_ref()).await;
        assert_eq!(undone, Undone::Reverted);
    }
    let second = run(&stage, &pipeline).await;
    assert_eq!((second.exit_code, second.attempt), (0, 2), "{}", second.text());
    let tokens: Vec<String> = web.effects().into_iter().map(|(token, _)| token).collect();
    assert_eq!(tokens, ["run/deploy/web/1", "run/deploy/web/1/undo", "run/deploy/web/2"]);
    assert_eq!(api.effects().len(), 1, "it is there still");
}

#[tokio::test(start_paused = true)]
async fn a_journal_tells_of_a_pipeline_which_steps_it_began_and_how_it_ended() {
    let stage = Stage::default();
    let (web, api) = (good("web", 5), good("api", 5).plan_fails(Error::invalid("no such image")));
    let report = run(&stage, &chain(&[("web", &web), ("api", &api)], Rollback::RevertAll)).await;
    let history = stage.journal.read("run").await.unwrap().unwrap();
    let steps: Vec<String> = history.attempts().into_iter().map(|attempt| attempt.step).collect();
    assert_eq!(steps, ["deploy/web"], "nothing of the other was begun");
    let [whole] = history.pipelines().try_into().unwrap();
    assert_eq!((whole.path.as_str(), whole.number, whole.exit_code), ("deploy", 1, Some(report.exit_code)));
    assert_eq!(whole.started.into_keys().collect::<Vec<_>>(), ["api", "web"]);
    assert_eq!(whole.reverting.as_deref(), Some("api did not succeed"));
    assert!(format!("{:?}", whole.given_up["api"]).contains("no such image"), "{:?}", whole.given_up);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_cancelled_goes_on() {
    let mut stage = Stage::default();
    let (web, api) = (good("web", 60), good("api", 5));
    let pipeline = chain(&[("web", &web), ("api", &api)], Rollback::RevertAll);
    let stop = stage.stop.clone();
    let (first, ()) = tokio::join!(run(&stage, &pipeline), async {
        tokio::time::sleep(30 * SECOND).await;
        stop.cancel();
    });
    assert_eq!(first.exit_code, 130);
    stage.stop = landfall_core::context::CancellationToken::new();
    let second = run(&stage, &pipeline).await;
    assert_eq!((second.exit_code, second.attempt), (0, 1));
    assert_eq!((web.effects().len(), api.effects().len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_stopped_before_anything_was_begun_is_made_the_next_time() {
    let mut stage = Stage::default();
    let web = good("web", 5);
    let pipeline =
        Pipeline::builder().step("web", web.clone()).on_cancel(Rollback::RevertAll).build().unwrap();
    stage.stop.cancel();
    assert_eq!(run(&stage, &pipeline).await.exit_code, 130);
    stage.stop = landfall_core::context::CancellationToken::new();
    let second = run(&stage, &pipeline).await;
    assert_eq!((second.exit_code, web.effects().len()), (0, 1), "{}", second.text());
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_step_was_put_back_by_a_stop_is_a_new_attempt_the_next_time() {
    let mut stage = Stage::default();
    let web = good("web", 60);
    let pipeline =
        Pipeline::builder().step("web", web.clone()).on_cancel(Rollback::RevertFailed).build().unwrap();
    let stop = stage.stop.clone();
    let (first, ()) = tokio::join!(run(&stage, &pipeline), async {
        tokio::time::sleep(30 * SECOND).await;
        stop.cancel();
    });
    assert_eq!(status(&first, "web").1, Some(Undone::Reverted));
    stage.stop = landfall_core::context::CancellationToken::new();
    let second = run(&stage, &pipeline).await;
    assert_eq!((second.exit_code, second.attempt), (0, 2), "{}", second.text());
}

#[tokio::test(start_paused = true)]
async fn a_run_that_another_process_has_open_is_refused_with_its_name() {
    let stage = Stage::default();
    let open = stage.cx();
    let _run = open.open_run().await.unwrap();
    let report = run(&stage, &chain(&[("web", &good("web", 0))], Rollback::Keep)).await;
    assert_eq!((report.exit_code, status(&report, "web").0), (1, None));
    assert!(report.text().contains("run run is open in process"), "{}", report.text());
}
