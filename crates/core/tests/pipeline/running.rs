//! Order, bounds, outputs, and what a failure keeps from starting.

use std::time::Duration;

use async_trait::async_trait;
use landfall_core::pipeline::{Pipeline, Rollback};
use landfall_core::{
    Context, DeployTarget, ErrorKind, Look, Observation, Outcome, Plan, Policy, Receipt, Resource, Result,
    Revert, Undone,
};
use landfall_testkit::ScriptedTarget;
use tokio::time::Instant;

use crate::support::{SECOND, Stage, bad, cx, good, status};

#[tokio::test(start_paused = true)]
async fn steps_run_when_those_before_them_have_succeeded_and_otherwise_at_once() {
    let stage = Stage::default();
    let pipeline = Pipeline::builder()
        .step("smoke", good("smoke", 5))
        .after(["web", "api"])
        .step("migrate", good("migrate", 20))
        .step("web", good("web", 40))
        .after(["migrate"])
        .step("api", good("api", 30))
        .after(["migrate"])
        .build()
        .unwrap();
    let began = Instant::now();
    let report = pipeline.run(&stage.cx()).await;
    assert_eq!(report.exit_code, 0, "{}", report.text());
    assert_eq!(stage.order("started"), ["migrate", "web", "api", "smoke"]);
    assert_eq!(stage.order("finished"), ["migrate", "api", "web", "smoke"]);
    assert!(began.elapsed() < 100 * SECOND, "web and api run at once: {:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn no_more_steps_run_at_once_than_the_pipeline_and_an_included_one_allow() {
    let inner = |name: &str| {
        let steps = ["a", "b", "c"].map(|step| (step, good(&format!("{name}{step}"), 60)));
        let add =
            |builder: landfall_core::pipeline::PipelineBuilder, (step, target)| builder.step(step, target);
        steps.into_iter().fold(Pipeline::builder().max_parallel(1), add).build().unwrap()
    };
    let stage = Stage::default();
    let pipeline = Pipeline::builder()
        .include("eu", inner("eu"))
        .include("us", inner("us"))
        .include("ap", inner("ap"))
        .max_parallel(2)
        .build()
        .unwrap();
    pipeline.run(&stage.cx()).await;
    let (mut running, mut most) = (Vec::new(), 0);
    for event in stage.events.events() {
        let kind = serde_json::to_value(&event.kind).unwrap()["event"].as_str().unwrap().to_owned();
        match kind.as_str() {
            "started" => running.push(event.step),
            "finished" => running.retain(|step| *step != event.step),
            _ => continue,
        }
        most = most.max(running.len());
        for region in ["eu", "us", "ap"] {
            assert!(running.iter().filter(|step| step.contains(region)).count() <= 1, "{running:?}");
        }
    }
    assert_eq!(most, 2);
    assert_eq!(stage.order("finished").len(), 9);
}

#[tokio::test(start_paused = true)]
async fn a_step_is_made_from_the_declared_outputs_of_others_and_reads_no_more() {
    let inner = Pipeline::builder()
        .step("web", good("web", 0))
        .step_from("smoke", [("web", "url")], |outputs| Ok(Box::new(good(outputs.find("web", "url")?, 0))))
        .build()
        .unwrap();
    let report = Pipeline::builder().include("eu", inner).build().unwrap().run(&cx()).await;
    let smoke = report.step("eu/smoke").unwrap().settled().unwrap();
    assert_eq!(smoke.changes[0].subject, "thing https://web.example.com");
    let reads_more = Pipeline::builder()
        .step("web", good("web", 0))
        .step_from("smoke", [("web", "url")], |outputs| Ok(Box::new(good(outputs.find("web", "arn")?, 0))))
        .build()
        .unwrap();
    let report = reads_more.run(&cx()).await;
    let Outcome::Refused { error } = &report.step("smoke").unwrap().settled().unwrap().verdict.outcome else {
        panic!("{}", report.text());
    };
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(
        error.message().contains("output arn of step web was not declared (declared: url of web)"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_output_that_a_step_did_not_give_is_named_before_the_step_is_made() {
    let pipeline = Pipeline::builder()
        .step("web", good("web", 0))
        .step_from("smoke", [("web", "ulr")], |_| unreachable!())
        .build()
        .unwrap();
    let text = pipeline.run(&cx()).await.text();
    assert!(text.contains("step smoke: step web gave no output ulr (it gave: arn, url)"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn an_optional_output_may_be_missing_and_a_step_waits_for_its_step_even_so() {
    for (optional, subject) in [("arn", "arn of web"), ("version", "none")] {
        let pipeline = Pipeline::builder()
            .step("web", good("web", 20))
            .step_from("smoke", [] as [(&str, &str); 0], move |outputs| {
                assert!(outputs.find_optional("web", "other").is_err(), "it was not declared");
                let found = outputs.find_optional("web", optional)?;
                assert_eq!(outputs.find("web", optional).ok(), found);
                Ok(Box::new(good(found.map_or("none", |_| "arn of web"), 0)))
            })
            .optional_outputs([("web", optional)])
            .build()
            .unwrap();
        let report = pipeline.run(&cx()).await;
        let smoke = report.step("smoke").unwrap().settled().unwrap_or_else(|| panic!("{}", report.text()));
        assert_eq!(smoke.changes[0].subject, format!("thing {subject}"), "{}", report.text());
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_failure_nothing_new_starts_and_what_runs_is_awaited() {
    let stage = Stage::default();
    let pipeline = Pipeline::builder()
        .step("short", good("short", 20))
        .step("fails", bad("fails", 10))
        .step("long", good("long", 300))
        .step("next", good("next", 0))
        .after(["short"])
        .build()
        .unwrap();
    let report = pipeline.run(&stage.cx()).await;
    assert_eq!(stage.order("started"), ["short", "fails", "long"]);
    assert_eq!(status(&report, "long"), (Some(0), Some(Undone::NotNeeded)));
    assert_eq!(status(&report, "fails"), (Some(3), Some(Undone::Reverted)));
    assert_eq!(status(&report, "next"), (None, None));
    assert!(report.text().contains("not started: fails did not succeed"), "{}", report.text());
    assert_eq!(report.exit_code, 3);
}

#[tokio::test(start_paused = true)]
async fn a_failure_counts_as_soon_as_it_is_known_and_not_only_when_it_is_undone() {
    let stage = Stage::default();
    let slow_undo = ScriptedTarget::new("fails")
        .at(
            10 * SECOND,
            landfall_testkit::Moment::state(landfall_core::State::Ended(landfall_core::End::Failed)),
        )
        .undo_at(600 * SECOND, crate::support::ready());
    let pipeline = Pipeline::builder()
        .step("fails", slow_undo)
        .step("short", good("short", 60))
        .step("next", good("next", 0))
        .after(["short"])
        .build()
        .unwrap();
    let report = pipeline.run(&stage.cx()).await;
    assert_eq!(stage.order("started"), ["fails", "short"], "{}", report.text());
}

#[tokio::test(start_paused = true)]
async fn each_step_has_its_own_policy_and_the_others_the_one_of_the_pipeline() {
    let pipeline = Pipeline::builder()
        .default_policy(Policy::default().timeout(30 * SECOND))
        .step("slow", good("slow", 100))
        .policy(Policy::default().timeout(200 * SECOND))
        .step("late", good("late", 100))
        .on_failure(Rollback::Keep)
        .build()
        .unwrap();
    let report = pipeline.run(&cx()).await;
    assert_eq!(status(&report, "slow").0, Some(0));
    assert_eq!(status(&report, "late"), (Some(6), Some(Undone::Kept)));
    assert_eq!(report.exit_code, 6);
}

#[tokio::test(start_paused = true)]
async fn a_stop_starts_nothing_new_and_leaves_what_was_begun_to_the_next_call() {
    let stage = Stage::default();
    let pipeline = Pipeline::builder()
        .step("web", good("web", 60))
        .step("api", good("api", 10))
        .step("next", good("next", 0))
        .after(["web"])
        .build()
        .unwrap();
    let stop = stage.stop.clone();
    let cx = stage.cx();
    let (report, ()) = tokio::join!(pipeline.run(&cx), async {
        tokio::time::sleep(30 * SECOND).await;
        stop.cancel();
    });
    assert_eq!(status(&report, "web"), (Some(130), Some(Undone::Kept)));
    assert_eq!(status(&report, "api"), (Some(0), Some(Undone::NotNeeded)));
    assert_eq!(status(&report, "next"), (None, None));
    assert_eq!(report.exit_code, 130);
    assert!(report.text().contains("not started: the run was cancelled"), "{}", report.text());
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_cancelled_before_it_begins_starts_nothing() {
    let stage = Stage::default();
    stage.stop.cancel();
    let report = Pipeline::builder().step("web", good("web", 0)).build().unwrap().run(&stage.cx()).await;
    assert_eq!((report.exit_code, stage.order("started").len()), (130, 0));
}

/// Panics in one of its calls.
#[derive(Debug)]
struct Panics(&'static str, ScriptedTarget);

impl Panics {
    fn at(&self, call: &str) {
        assert!(self.0 != call, "the index was 7 of 3");
    }
}

#[async_trait]
impl DeployTarget for Panics {
    fn kind(&self) -> &'static str {
        "panics"
    }
    fn resource(&self) -> Resource {
        self.at("resource");
        self.1.resource()
    }
    fn specification(&self) -> String {
        self.1.specification()
    }
    async fn plan(&self, cx: &Context) -> Result<Plan> {
        self.at("plan");
        self.1.plan(cx).await
    }
    async fn apply(&self, cx: &Context, plan: &Plan, so_far: Option<&Receipt>) -> Result<Receipt> {
        if !plan.token.is_undo() {
            self.at("apply");
        }
        self.1.apply(cx, plan, so_far).await
    }
    async fn observe(&self, cx: &Context, receipt: &Receipt, look: Look<'_>) -> Result<Observation> {
        self.at("observe");
        self.1.observe(cx, receipt, look).await
    }
    async fn revert(&self, cx: &Context, plan: &Plan, receipt: Option<&Receipt>) -> Result<Revert> {
        self.at("revert");
        self.1.revert(cx, plan, receipt).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_a_target_is_an_error_of_its_step_and_the_others_go_on() {
    let table = [("resource", 1), ("plan", 1), ("apply", 3), ("observe", 9), ("revert", 4)];
    for (call, code) in table {
        let target = if call == "revert" { bad("web", 5) } else { good("web", 5) };
        let pipeline = Pipeline::builder()
            .step("web", Panics(call, target))
            .step("api", good("api", 60))
            .build()
            .unwrap();
        let report = pipeline.run(&cx()).await;
        assert_eq!(status(&report, "web").0, Some(code), "{call}: {}", report.text());
        assert_eq!(status(&report, "api").0, Some(0), "{call}");
        assert!(report.text().contains("panicked: the index was 7 of 3"), "{call}: {}", report.text());
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_a_step_is_made_is_an_error_of_that_step() {
    let pipeline = Pipeline::builder()
        .step("web", good("web", 0))
        .step_from("smoke", [("web", "url")], |_| panic!("no such region"))
        .build()
        .unwrap();
    let report = pipeline.run(&cx()).await;
    assert!(report.text().contains("step smoke panicked: no such region"), "{}", report.text());
    assert_eq!(report.exit_code, 1, "web stands");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_dropped_leaves_no_task_behind() {
    let target = good("web", 3600);
    let pipeline = Pipeline::builder().step("web", target.clone()).build().unwrap();
    let context = cx();
    let _ = tokio::time::timeout(60 * SECOND, pipeline.run(&context)).await;
    let looks = target.looks();
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(target.looks(), looks);
}
