//! Inputs, good and bad.

use landfall_core::ErrorKind;
use serde_json::json;

use crate::deployment::{Deployment, FileExists, Revision, RollbackOn, ScalingProcess};

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

#[test]
fn a_restart_takes_no_revision_and_not_only_the_outdated_instances() {
    let restart = || Deployment::builder().application("a").deployment_group("g").restart();
    let spec = restart().build().unwrap();
    assert!(spec.is_restart() && spec.revision().is_null());
    let both =
        restart().revision(&Revision::s3("b", "k.zip")).update_outdated_only(true).build().unwrap_err();
    let told: Vec<&str> = both.causes().iter().map(|cause| cause.message.as_str()).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("a restart takes the one"), "{told:?}");
    let mode = r#"{"applicationName": "a", "deploymentGroupName": "g", "deploymentMode": "REBOOT"}"#;
    let mode = Deployment::builder().input_file("deploy.json", mode).build().unwrap_err();
    assert!(mode.report().contains("STANDARD, RESTART are allowed"), "{}", mode.report());
}

#[test]
fn processes_to_suspend_are_known_ones_in_a_list() {
    let given = |processes: &str| {
        let text = format!(
            r#"{{"applicationName": "a", "deploymentGroupName": "g", "ec2DeploymentOptions":
                {{"other": 1, "autoScalingGroupProcessesToSuspend": {processes}}}}}"#
        );
        Deployment::builder().input_file("deploy.json", &text).revision(&Revision::s3("b", "k.zip"))
    };
    for (bad, words) in [
        (r#"["Terminate", "terminate", 7]"#, r#""terminate", 7 cannot be suspended"#),
        (r#""Terminate""#, "a list is expected"),
    ] {
        let error = given(bad).build().unwrap_err();
        assert!(error.report().contains(words), "{words}: {}", error.report());
    }
    let spec = given(r#"["Terminate"]"#).suspend(&[ScalingProcess::AzRebalance]).build().unwrap();
    let options = &spec.input["ec2DeploymentOptions"];
    assert_eq!(*options, json!({ "other": 1, "autoScalingGroupProcessesToSuspend": ["AZRebalance"] }));
}

#[test]
fn a_description_leaves_room_for_the_tag_and_more_of_it_with_a_sequence() {
    let described = |length: usize| {
        let builder = Deployment::builder().application("a").deployment_group("g");
        builder.revision(&Revision::s3("b", "k.zip")).description("d".repeat(length))
    };
    assert!(described(140).build().is_ok() && described(110).sequence("shop", 7).build().is_ok());
    let long = described(111).sequence("shop", 7).build().unwrap_err();
    assert!(long.report().contains("111 characters: up to 110 fit"), "{}", long.report());
}
