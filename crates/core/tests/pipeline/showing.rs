//! Preview and report, for people and programs.

use landfall_core::pipeline::{Pipeline, Preview, Rollback, StepPreview, schema};
use landfall_core::{Error, ErrorKind, Report};
use landfall_testkit::Call;

use crate::support::{Stage, bad, cx, good};

#[tokio::test(start_paused = true)]
async fn a_preview_plans_every_step_that_is_known_and_changes_nothing() {
    let stage = Stage::default();
    let (web, refused) =
        (good("web", 0), good("x", 0).plan_fails(Error::new(ErrorKind::NotFound, "no cluster demo")));
    let pipeline = Pipeline::builder()
        .step("web", web.clone())
        .step("x", refused)
        .step_from("smoke", [("web", "url")], |_| unreachable!())
        .optional_outputs([("web", "version")])
        .after(["x"])
        .build()
        .unwrap();
    let preview = pipeline.preview(&stage.cx()).await;
    let text = preview.text();
    assert!(text.contains("  web\n    update thing web\n"), "{text}");
    assert!(text.contains("  x\n    REFUSED: no cluster demo\n"), "{text}");
    let known_later =
        "  smoke (after web, x)\n    known after apply: needs url of web, version of web if there is one\n";
    assert!(text.contains(known_later), "{text}");
    assert!(matches!(preview.steps[2].preview, StepPreview::KnownAfterApply { .. }));
    assert_eq!((web.calls(), web.effects().len(), preview.exit_code()), (vec![Call::Plan], 0, 1));
    let again: Preview = serde_json::from_str(&serde_json::to_string(&preview).unwrap()).unwrap();
    assert_eq!(again, preview);
    let report = pipeline.run(&stage.cx()).await;
    assert_eq!(report.attempt, 1, "the preview left no record");
}

#[tokio::test(start_paused = true)]
async fn a_report_follows_its_published_schema_and_can_be_read_back() {
    let pipeline = Pipeline::builder()
        .step("web", good("web", 0))
        .step("smoke", bad("smoke", 5))
        .after(["web"])
        .step("notify", good("notify", 0))
        .after(["smoke"])
        .on_failure(Rollback::RevertAll)
        .build()
        .unwrap();
    let report = pipeline.run(&cx()).await;
    let value = serde_json::to_value(&report).unwrap();
    let published: serde_json::Value = serde_json::from_str(
        &std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/report.schema.json"))
            .unwrap(),
    )
    .unwrap();
    assert_eq!(published, schema(), "run `just schema`");
    let errors: Vec<String> = jsonschema::validator_for(&published)
        .unwrap()
        .iter_errors(&value)
        .map(|error| error.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:?} in {value:#}");
    assert_eq!(serde_json::from_value::<Report>(value.clone()).unwrap(), report);
    assert_eq!(value["steps"][2]["status"], "not-started");
    assert_eq!(value["steps"][1]["verdict"]["causes"][0]["code"], "image-not-found");
    assert_eq!(value["steps"][0]["undone"]["undone"], "reverted");
}

#[tokio::test(start_paused = true)]
async fn events_of_steps_come_with_their_paths_and_the_pipeline_tells_its_steps_first() {
    let stage = Stage::default();
    let inner = Pipeline::builder().step("web", good("web", 0)).build().unwrap();
    Pipeline::builder().include("eu", inner).build().unwrap().run(&stage.cx()).await;
    let events = stage.events.events();
    let steps: Vec<&str> = events.iter().map(|event| event.step.as_str()).collect();
    assert_eq!((steps[0], steps[1], *steps.last().unwrap()), ("deploy", "deploy/eu/web", "deploy"));
    let kinds = stage.events.kinds();
    assert_eq!(
        (kinds[0].as_str(), kinds.last().unwrap().as_str()),
        ("pipeline-started", "pipeline-finished")
    );
}
