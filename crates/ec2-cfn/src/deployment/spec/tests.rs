//! Inputs, good and bad.

use landfall_core::ErrorKind;
use serde_json::json;

use crate::deployment::{Deployment, FileExists, Revision, RollbackOn};

#[test]
fn an_input_file_keeps_every_member_and_what_is_set_after_it_wins() {
    let text = r#"{"applicationName": "demo", "deploymentGroupName": "blue", "future": {"a": 1.50},
        "revision": {"revisionType": "S3", "s3Location": {"bucket": "b", "key": "k", "bundleType": "tgz"}}}"#;
    let spec =
        Deployment::builder().input_file("deploy.json", text).deployment_group("demo").build().unwrap();
    assert_eq!((spec.application.as_str(), spec.group.as_str()), ("demo", "demo"));
    assert_eq!(spec.input["future"], json!({ "a": 1.5 }));
    assert_eq!(spec.revision()["s3Location"]["bundleType"], json!("tgz"));
}

#[test]
fn the_order_of_members_does_not_make_another_specification() {
    let revision = Revision::s3("b", "k.zip");
    let one =
        Deployment::builder().application("a").deployment_group("g").revision(&revision).build().unwrap();
    let other =
        Deployment::builder().revision(&revision).deployment_group("g").application("a").build().unwrap();
    assert_eq!(one.digest(), other.digest());
    let third =
        Deployment::builder().revision(&Revision::s3("b", "l.zip")).deployment_group("g").application("a");
    assert_ne!(one.digest(), third.build().unwrap().digest());
}

#[test]
fn all_problems_of_an_input_are_told_at_once() {
    let error = Deployment::builder()
        .application("x".repeat(101))
        .revision(&Revision::s3("b", "k"))
        .description("d".repeat(141))
        .build()
        .unwrap_err();
    let told: Vec<&str> = error.causes().iter().map(|cause| cause.message.as_str()).collect();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    for words in
        ["101 characters", "deployment group is missing", "does not tell the bundle's type", "141 characters"]
    {
        assert!(told.iter().any(|one| one.contains(words)), "{words}: {told:?}");
    }
}

#[test]
fn a_file_that_is_no_input_is_told_with_its_place() {
    let broken =
        Deployment::builder().input_file("deploy.json", "{\"applicationName\": }").build().unwrap_err();
    let place = broken.causes().iter().find_map(|cause| cause.at.clone()).unwrap();
    assert_eq!((place.file.as_str(), place.line), ("deploy.json", 1));
    let list = Deployment::builder().input_file("deploy.json", "[]").build().unwrap_err();
    assert!(list.causes().iter().any(|cause| cause.message.contains("no JSON object")), "{}", list.report());
    let lambda = r#"{"applicationName": "a", "deploymentGroupName": "g", "revision": {"revisionType": "AppSpecContent"}}"#;
    let lambda = Deployment::builder().input_file("deploy.json", lambda).build().unwrap_err();
    assert!(
        lambda.causes()[0].message.contains("AppSpecContent is not for instances"),
        "{}",
        lambda.report()
    );
}

#[test]
fn settings_become_members_of_the_input() {
    let spec = Deployment::builder()
        .application("a")
        .deployment_group("g")
        .revision(&Revision::github("demo/web", "c1"))
        .alarms(["errors"])
        .auto_rollback(&[RollbackOn::Failure, RollbackOn::Alarm])
        .file_exists(FileExists::Overwrite)
        .update_outdated_only(true)
        .build()
        .unwrap();
    assert_eq!(
        spec.input["overrideAlarmConfiguration"],
        json!({ "enabled": true, "alarms": [{ "name": "errors" }] })
    );
    assert_eq!(
        spec.input["autoRollbackConfiguration"],
        json!({ "enabled": true, "events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"] })
    );
    assert_eq!(spec.input["fileExistsBehavior"], json!("OVERWRITE"));
}
