//! What comes after what, and what comes at once.

use crate::stage::{Stage, TEMPLATE};

#[tokio::test(start_paused = true)]
async fn the_bundle_is_sent_while_the_stack_is_made_and_the_deployment_waits_for_both() {
    let stage = Stage::new();
    let report = stage.run(stage.known()).await;
    assert_eq!(report.exit_code, 0, "{}", report.text());
    assert_eq!(stage.writes(), ["CreateChangeSet", "PutObject", "ExecuteChangeSet", "CreateDeployment"]);
    let complete = stage.status_at("CREATE_COMPLETE");
    assert!(stage.at("PutObject") < complete && stage.at("CreateDeployment") > complete);
    assert_eq!(stage.there().unwrap().template, TEMPLATE);
    let (live, object) = (stage.live(), stage.objects().pop().unwrap());
    assert_eq!(
        (live["key"].as_str(), live["version"].as_str(), live["eTag"].as_str(), live["bundleType"].as_str()),
        (Some(&*object.key), Some(&*object.version_id), Some(&*object.etag), Some("zip")),
        "the very object that was sent"
    );
}

#[tokio::test(start_paused = true)]
async fn a_bucket_application_and_group_that_the_stack_tells_are_waited_for() {
    let stage = Stage::new();
    let report = stage.run(stage.told()).await;
    assert_eq!(report.exit_code, 0, "{}", report.text());
    assert_eq!(stage.writes(), ["CreateChangeSet", "ExecuteChangeSet", "PutObject", "CreateDeployment"]);
    assert!(stage.at("PutObject") > stage.status_at("CREATE_COMPLETE"));
    assert!(stage.live()["key"].as_str().unwrap().starts_with("web/"));
}

#[tokio::test(start_paused = true)]
async fn where_the_bucket_keeps_no_versions_the_etag_alone_pins_the_bundle() {
    let stage = Stage::without_versions();
    let report = stage.run(stage.known()).await;
    assert_eq!(report.exit_code, 0, "{}", report.text());
    let live = stage.live();
    assert_eq!(live["eTag"].as_str(), Some(stage.objects()[0].etag.as_str()));
    assert!(live.get("version").is_none(), "{live}");
}

#[tokio::test(start_paused = true)]
async fn a_preview_reads_only_and_tells_what_is_known_later() {
    let stage = Stage::new();
    let preview = stage.made(stage.told()).build().unwrap().preview(&stage.context("shop/81/plan")).await;
    let text = preview.text();
    assert_eq!((preview.exit_code(), stage.writes()), (0, Vec::new()), "{text}");
    for words in [
        "  stack\n    create stack shop\n",
        "  bundle (after stack)\n    known after apply: needs Bundles of stack\n",
        "  deployment (after stack, bundle)\n    known after apply: needs bucket of bundle, key of bundle, bundle_type of bundle, \
         e_tag of bundle, Application of stack, DeploymentGroup of stack, version_id of bundle if there is one\n",
    ] {
        assert!(text.contains(words), "{words:?} is not in\n{text}");
    }
    let preview = stage.made(stage.known()).build().unwrap().preview(&stage.context("shop/81/plan")).await;
    assert!(
        preview.text().contains("  bundle\n    create object s3://demo-bucket/web/"),
        "{}",
        preview.text()
    );
}

#[tokio::test(start_paused = true)]
async fn a_release_of_what_is_there_writes_nothing() {
    let stage = Stage::new();
    assert_eq!(stage.run(stage.known()).await.exit_code, 0);
    stage.simulator.reset_calls();
    let pipeline = stage.made(stage.known()).build().unwrap();
    let report = pipeline.run(&stage.context("shop/82/release/production")).await;
    assert_eq!((report.exit_code, stage.writes()), (0, Vec::new()), "{}", report.text());
    assert_eq!(report.text().matches("unchanged").count(), 3, "{}", report.text());
}
