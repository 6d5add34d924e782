//! `ec2 deploy`: by CodeDeploy to the instances of a deployment group.

use landfall_simulator::{DEMO_ACCOUNT, DEMO_REGION};
use serde_json::json;

use crate::support::{Cloud, run};

const DEPLOY: [&str; 8] = [
    "ec2",
    "deploy",
    "--application",
    "demo",
    "--deployment-group",
    "demo",
    "--s3-location",
    "s3://demo-bucket/demo/2.zip",
];

impl Cloud {
    fn deployments(&self) -> usize {
        self.simulator.count("codedeploy", "CreateDeployment")
    }

    fn ec2(&self, arguments: &[&str]) -> tokio::process::Command {
        self.command(&[&DEPLOY, arguments].concat())
    }
}

#[tokio::test]
async fn a_revision_is_deployed_and_the_events_of_instances_are_told() {
    let cloud = Cloud::new("good").await;
    let etag = cloud.simulator.s3().object("demo-bucket", "demo/2.zip").unwrap().etag;
    let ran = run(cloud.ec2(&["--etag", &etag])).await;
    assert_eq!((ran.code, cloud.deployments()), (0, 1), "{}", ran.told());
    for words in ["i-0aaaaaaaaaaaaaaa3: ValidateService succeeded", "SUCCEEDED"] {
        assert!(ran.stdout.contains(words), "{words:?} is not in\n{}", ran.stdout);
    }
}

#[tokio::test]
async fn a_failed_hook_is_told_with_its_log_and_the_rollback_is_followed() {
    let cloud = Cloud::new("deployment-hook-fails").await;
    let ran = run(cloud.ec2(&[])).await;
    assert_eq!(ran.code, 3, "{}", ran.told());
    for words in [
        "scripts/migrate.sh ended with exit code 3",
        "column price is missing",
        "s3://demo-bucket/demo/1.zip",
    ] {
        assert!(ran.stdout.contains(words), "{words:?} is not in\n{}", ran.stdout);
    }
}

#[tokio::test]
async fn old_instances_are_not_waited_for_when_that_is_turned_off() {
    let cloud = Cloud::new("deployment-ready").await;
    cloud.simulator.code_deploy(DEMO_ACCOUNT, DEMO_REGION).change_group("demo", "demo", |group| {
        group.settings["blueGreenDeploymentConfiguration"] = json!({
            "deploymentReadyOption": { "actionOnTimeout": "CONTINUE_DEPLOYMENT" },
            "terminateBlueInstancesOnDeploymentSuccess": { "action": "TERMINATE", "terminationWaitTimeInMinutes": 120 }
        });
    });
    let ran =
        run(cloud.ec2(&["--wait-for-termination", "off", "--timeout", "90s", "--on-failure", "keep"])).await;
    assert_eq!(ran.code, 0, "{}", ran.told());
    assert!(ran.stdout.contains("terminated after 120 minutes"), "{}", ran.told());
}

#[tokio::test]
async fn a_plan_shows_the_revisions_and_changes_nothing() {
    let cloud = Cloud::new("good").await;
    let ran = run(cloud.ec2(&["--plan"])).await;
    assert_eq!((ran.code, cloud.written()), (0, Vec::new()), "{}", ran.told());
    assert!(ran.stdout.contains("-> s3://demo-bucket/demo/2.zip"), "{}", ran.stdout);
}

#[tokio::test]
async fn a_deployment_file_is_an_input_of_create_deployment() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("deploy.json");
    let text = r#"{"applicationName": "demo", "deploymentGroupName": "demo", "revision": {"revisionType": "S3",
        "s3Location": {"bucket": "demo-bucket", "key": "demo/2.zip", "bundleType": "zip"}}, "fileExistsBehavior": "OVERWRITE"}"#;
    std::fs::write(&file, text).unwrap();
    let cloud = Cloud::new("good").await;
    let ran = run(cloud.command(&["ec2", "deploy", "--deployment-file", file.to_str().unwrap()])).await;
    assert_eq!(ran.code, 0, "{}", ran.told());
    let live = cloud.simulator.code_deploy("111122223333", "eu-central-1").live("demo", "demo");
    assert_eq!(live["s3Location"]["key"], "demo/2.zip");
}

#[tokio::test]
async fn bad_input_is_told_all_at_once_and_nothing_is_sent() {
    let cloud = Cloud::new("good").await;
    let arguments = [
        "ec2",
        "deploy",
        "--application",
        "demo",
        "--s3-location",
        "demo-bucket",
        "--if-busy",
        "supersede",
        "--agent-limit",
        "soon",
        "--deployment-file",
        "/nonexistent/deploy.json",
    ];
    let ran = run(cloud.command(&arguments)).await;
    assert_eq!((ran.code, cloud.simulator.calls().len()), (2, 0), "{}", ran.told());
    for words in [
        "s3://bucket/key",
        "--deployment-group",
        "never stops somebody else's",
        "--agent-limit",
        "cannot be read",
    ] {
        assert!(ran.told().contains(words), "{words:?} is not in\n{}", ran.told());
    }
}

#[tokio::test]
async fn a_recorded_run_is_listed_and_undone_by_its_journal() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().to_str().unwrap();
    let cloud = Cloud::new("good").await;
    let ran = run(cloud.ec2(&["--journal", journal, "--run-id", "demo/1"])).await;
    assert_eq!(ran.code, 0, "{}", ran.told());
    let ran = run(cloud.command(&["runs", "--journal", journal])).await;
    assert!(ran.code == 0 && ran.stdout.contains("demo/1"), "{}", ran.told());
    let ran = run(cloud.command(&["revert", "demo/1", "--journal", journal])).await;
    assert_eq!(ran.code, 0, "{}", ran.told());
    let live = cloud.simulator.code_deploy("111122223333", "eu-central-1").live("demo", "demo");
    assert_eq!((live["s3Location"]["key"].as_str(), cloud.deployments()), (Some("demo/1.zip"), 2));
}

#[tokio::test]
async fn an_older_pipeline_does_not_overwrite_a_newer_one_unless_it_is_told_to() {
    let cloud = Cloud::new("good").await;
    let release = |number: &'static str, more: &[&str]| {
        let mut command = cloud.ec2(&[&["--sequence", number][..], more].concat());
        command.env("CI_PROJECT_PATH", "demo/web");
        command
    };
    let ran = run(release("42", &[])).await;
    assert_eq!((ran.code, cloud.deployments()), (0, 1), "{}", ran.told());
    let ran = run(release("41", &[])).await;
    assert_eq!((ran.code, cloud.deployments()), (1, 1), "{}", ran.told());
    for words in ["release 41 is older", "is release 42 of the same project", "--allow-older"] {
        assert!(ran.told().contains(words), "{words:?} is not in\n{}", ran.told());
    }
    let ran = run(release("41", &["--allow-older"])).await;
    assert_eq!((ran.code, cloud.deployments()), (0, 2), "{}", ran.told());
}

#[tokio::test]
async fn what_was_deployed_last_is_restarted_without_a_revision() {
    let cloud = Cloud::new("good").await;
    let group = ["ec2", "deploy", "--application", "demo", "--deployment-group", "demo"];
    let restart = |more: &[&str]| cloud.command(&[&group[..], &["--restart"][..], more].concat());
    let ran = run(restart(&["--plan"])).await;
    assert_eq!((ran.code, cloud.written()), (0, Vec::new()), "{}", ran.told());
    for words in ["restart: of s3://demo-bucket/demo/1.zip", "of 3 at least 2, up to 1 at a time"] {
        assert!(ran.stdout.contains(words), "{words:?} is not in\n{}", ran.stdout);
    }
    let ran = run(restart(&["--suspend", "AZRebalance"])).await;
    assert_eq!(ran.code, 2, "{}", ran.told());
    assert!(ran.told().contains("has no Auto Scaling group"), "{}", ran.told());
    let ran = run(restart(&[])).await;
    assert_eq!((ran.code, cloud.deployments()), (0, 1), "{}", ran.told());
}

#[tokio::test]
async fn capacity_is_waited_for_as_long_as_is_said_and_not_at_all_when_it_is_turned_off() {
    let cloud = Cloud::new("deployment-capacity-missing").await;
    let ran = run(cloud.ec2(&["--plan"])).await;
    assert!(ran.stdout.contains("Auto Scaling group web (2 of 3 in service)"), "{}", ran.told());
    let ran = run(cloud.ec2(&["--capacity-limit", "2s"])).await;
    assert_eq!((ran.code, cloud.deployments()), (0, 1), "{}", ran.told());
    for words in ["the capacity of Auto Scaling group web (2 of 3 in service)", "after 2 seconds"] {
        assert!(ran.stdout.contains(words), "{words:?} is not in\n{}", ran.stdout);
    }
    let ran = run(cloud.ec2(&["--capacity-limit", "off", "--redeploy", "--run-id", "other"])).await;
    assert_eq!((ran.code, cloud.deployments()), (0, 2), "{}", ran.told());
    assert!(!ran.stdout.contains("the capacity of"), "{}", ran.stdout);
    let ran = run(cloud.ec2(&["--capacity-limit", "soon"])).await;
    assert_eq!(ran.code, 2, "{}", ran.told());
    assert!(ran.told().contains("--capacity-limit"), "{}", ran.told());
}
