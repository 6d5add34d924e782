//! Everything that is wrong with a release is said at once, before any call.

use landfall_core::ErrorKind;
use landfall_ec2_cfn::bundle::Format;
use landfall_ec2_cfn::deployment::{Deployment, Revision};
use landfall_ec2_cfn::release::{ReleaseBuilder, release};
use landfall_ec2_cfn::stack::Stack;
use landfall_simulator::DEMO_BUCKET;

use crate::stage::Stage;

fn problems(release: ReleaseBuilder) -> Vec<String> {
    let error = release.build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    error.causes().iter().map(|cause| cause.report()).collect()
}

#[test]
fn the_problems_of_all_three_are_told_together() {
    let stage = Stage::new();
    let all = problems(release(
        Stack::builder().name("1-shop"),
        stage.bundle().bucket("NO").level(12),
        Deployment::builder().application("demo"),
    ));
    for words in [
        "1-shop",
        "no template is given",
        "`NO` is no name of a bucket",
        "12 is no level",
        "the name of the deployment group is missing",
    ] {
        assert!(all.iter().any(|problem| problem.contains(words)), "{words}: {all:#?}");
    }
    assert_eq!(all.len(), 5, "{all:#?}");
}

#[test]
fn an_output_that_the_template_does_not_have_is_told_with_those_that_it_has() {
    let stage = Stage::new();
    let all = problems(stage.told().bucket_from("Bucket"));
    assert!(
        all[0].contains("has no such output\nnext: its outputs are: Bundles, Application, DeploymentGroup"),
        "{all:?}"
    );
    assert_eq!(all.len(), 1, "{all:?}");
}

#[test]
fn what_is_given_cannot_be_taken_from_an_output_as_well() {
    let stage = Stage::new();
    let all = problems(stage.known().bucket_from("Bundles").application_from("Application"));
    assert_eq!(all.len(), 2, "{all:?}");
    assert!(all.iter().all(|problem| problem.contains("as well")), "{all:?}");
}

#[test]
fn a_revision_in_the_input_of_the_deployment_has_to_be_the_bundle() {
    let stage = Stage::new();
    let with = |location: &str, fixed: Option<&str>| {
        let input = format!(
            r#"{{"applicationName": "demo", "deploymentGroupName": "demo", "revision": {{"revisionType": "S3", "s3Location": {location}}}}}"#
        );
        let bundle = match fixed {
            Some(key) => stage.bundle().prefix("").bucket(DEMO_BUCKET).key(key),
            None => stage.bundle().bucket(DEMO_BUCKET),
        };
        release(stage.stack(), bundle, Deployment::builder().input_file("deploy.json", &input)).build()
    };
    let same = r#"{"bucket": "demo-bucket", "key": "demo/2.zip", "bundleType": "zip"}"#;
    assert!(with(same, Some("demo/2.zip")).is_ok(), "GitLab's two files name one object");
    for (location, fixed, words) in [
        (
            same,
            None,
            "names s3://demo-bucket/demo/2.zip, and the bundle of this release is an object in s3://demo-bucket whose key",
        ),
        (same, Some("demo/3.zip"), "the bundle of this release is s3://demo-bucket/demo/3.zip"),
        (&same.replace("\"zip\"", "\"tgz\""), Some("demo/2.zip"), "says bundleType \"tgz\""),
        (
            &same.replace("}", ", \"eTag\": \"e1\"}"),
            Some("demo/2.zip"),
            "says eTag \"e1\" of a bundle that is only packed now",
        ),
    ] {
        let error = with(location, fixed).unwrap_err();
        assert!(error.report().contains(words), "{words}: {}", error.report());
    }
}

#[tokio::test(start_paused = true)]
async fn a_fixed_key_and_another_format_reach_the_deployment() {
    let stage = Stage::new();
    let bundle = stage.bundle().prefix("").bucket(DEMO_BUCKET).key("demo/next").format(Format::Tgz);
    let revision = Revision::s3(DEMO_BUCKET, "demo/next");
    let report = stage.run(release(stage.stack(), bundle, stage.deployment().revision(&revision))).await;
    assert_eq!(report.exit_code, 0, "{}", report.text());
    let live = stage.live();
    assert_eq!((live["key"].as_str(), live["bundleType"].as_str()), (Some("demo/next"), Some("tgz")));
}
