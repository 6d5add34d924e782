//! `ec2` as a whole: stack, bundle and deployment in one release; and what GitLab's files say to each of them.

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::process::Command;

use crate::support::{Cloud, Ran, run};

const TEMPLATE: &str = include_str!("../../crates/ec2-cfn/tests/release/shop.yaml");

/// What a job has in its working directory.
struct Job {
    folder: TempDir,
}

impl Job {
    fn new() -> Self {
        let job = Self { folder: tempfile::tempdir().unwrap() };
        job.write("shop.yaml", TEMPLATE);
        job.write("build/appspec.yml", "version: 0.0\nos: linux\n");
        job.write("build/index.html", "<h1>shop</h1>\n");
        job
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// `ec2` with all that can be known beforehand, in the job's directory.
    fn release(&self, cloud: &Cloud, arguments: &[&str]) -> Command {
        let known =
            ["--s3-location", "s3://demo-bucket/web/", "--application", "demo", "--deployment-group", "demo"];
        self.ec2(
            cloud,
            &[
                &["--stack-name", "shop", "--template", "shop.yaml", "--source", "build"][..],
                &known,
                arguments,
            ]
            .concat(),
        )
    }

    fn ec2(&self, cloud: &Cloud, arguments: &[&str]) -> Command {
        let mut command = cloud.command(&[&["ec2"], arguments].concat());
        command.current_dir(self.folder.path());
        command
    }
}

impl Cloud {
    fn live(&self) -> serde_json::Value {
        self.simulator.code_deploy("111122223333", "eu-central-1").live("demo", "demo")["s3Location"].clone()
    }

    fn stack(&self, name: &str) -> Option<landfall_simulator::StackView> {
        self.simulator.cloudformation("111122223333", "eu-central-1").stack(name)
    }
}

fn tells(ran: &Ran, words: &[&str]) {
    for words in words {
        assert!(ran.told().contains(words), "{words:?} is not in\n{}", ran.told());
    }
}

#[tokio::test]
async fn a_release_makes_the_stack_and_deploys_the_bundle_and_says_what_became_of_each() {
    let (cloud, job) = (Cloud::new("good").await, Job::new());
    let ran = run(job.release(&cloud, &[])).await;
    assert_eq!(ran.code, 0, "{}", ran.told());
    tells(
        &ran,
        &[
            "deployment after stack and bundle",
            "i-0aaaaaaaaaaaaaaa3: ValidateService succeeded",
            "SUCCEEDED after",
        ],
    );
    // The bundle is sent while the stack is made, and which is first is nobody's promise.
    let written = cloud.written();
    let (sent, made): (Vec<_>, Vec<_>) = written.iter().partition(|call| *call == "PutObject");
    assert_eq!((sent.len(), written.last().map(AsRef::as_ref)), (1, Some("CreateDeployment")), "{written:?}");
    assert_eq!(made, ["CreateChangeSet", "ExecuteChangeSet", "CreateDeployment"]);
    assert!(cloud.live()["version"].is_string(), "{}", cloud.live());
    let again = run(job.release(&cloud, &["--output", "json"])).await;
    assert_eq!((again.code, cloud.written().len()), (0, 4), "{}", again.told());
    assert!(again.stdout.lines().all(|line| line.starts_with('{')), "{}", again.stdout);
    tells(&again, &["\"pipeline-finished\""]);
}

#[tokio::test]
async fn bucket_application_and_group_can_be_outputs_of_the_stack() {
    let (cloud, job) = (Cloud::new("good").await, Job::new());
    let flags = [
        "--stack-name",
        "shop",
        "--template",
        "shop.yaml",
        "--source",
        "build",
        "--s3-location",
        "s3://stack:Bundles/web/",
        "--application",
        "stack:Application",
        "--deployment-group",
        "stack:DeploymentGroup",
    ];
    let plan = run(job.ec2(&cloud, &[&flags[..], &["--plan"]].concat())).await;
    assert_eq!((plan.code, cloud.written()), (0, Vec::new()), "{}", plan.told());
    tells(
        &plan,
        &[
            "+ stack shop",
            "bundle: known when it is deployed, by Bundles of stack",
            "version_id of bundle if there is one",
        ],
    );
    let ran = run(job.ec2(&cloud, &flags)).await;
    assert_eq!(ran.code, 0, "{}", ran.told());
    assert_eq!(cloud.written(), ["CreateChangeSet", "ExecuteChangeSet", "PutObject", "CreateDeployment"]);
}

#[tokio::test]
async fn a_failing_hook_is_told_and_everything_is_put_back() {
    let (cloud, job) = (Cloud::new("deployment-hook-fails").await, Job::new());
    let ran = run(job.release(&cloud, &[])).await;
    assert_eq!(ran.code, 3, "{}", ran.told());
    tells(
        &ran,
        &[
            "scripts/migrate.sh ended with exit code 3",
            "SUCCEEDED, put back",
            "NOT RELEASED after",
            "(exit code 3)",
        ],
    );
    assert!(cloud.stack("shop").is_none());
    assert_eq!(cloud.live()["key"], "demo/1.zip");
    let (cloud, kept) = (Cloud::new("deployment-hook-fails").await, ["--on-failure", "keep"]);
    let ran = run(job.release(&cloud, &kept)).await;
    assert!(
        ran.code == 3 && cloud.stack("shop").is_some(),
        "CodeDeploy rolls back by itself: {}",
        ran.told()
    );
}

#[tokio::test]
async fn without_waiting_only_the_deployment_is_not_waited_for() {
    let (cloud, job) = (Cloud::new("good").await, Job::new());
    let ran = run(job.release(&cloud, &["--no-wait"])).await;
    assert_eq!((ran.code, cloud.simulator.count("codedeploy", "CreateDeployment")), (0, 1), "{}", ran.told());
    tells(&ran, &["STARTED: nobody waited for the end", "STARTED after"]);
    assert_eq!(cloud.stack("shop").unwrap().status, "CREATE_COMPLETE");
}

#[tokio::test]
async fn gitlabs_three_files_are_read_as_they_are() {
    let (cloud, job) = (Cloud::new("good").await, Job::new());
    job.write(
        "push.json",
        r#"{"applicationName": "demo", "source": "build", "s3Location": "s3://demo-bucket/shop.zip"}"#,
    );
    job.write(
        "deploy.json",
        r#"{"applicationName": "demo", "deploymentGroupName": "demo", "fileExistsBehavior": "OVERWRITE", "revision":
            {"revisionType": "S3", "s3Location": {"bucket": "demo-bucket", "key": "shop.zip", "bundleType": "zip"}}}"#,
    );
    let files = ["--push-file", "push.json", "--deployment-file", "deploy.json"];
    let ran =
        run(job.ec2(&cloud, &[&["--stack-name", "shop", "--template", "shop.yaml"][..], &files].concat()))
            .await;
    assert_eq!(ran.code, 0, "{}", ran.told());
    let live = cloud.live();
    assert_eq!(live["key"], "shop.zip");
    assert!(live["eTag"].is_string() && live["version"].is_string(), "it is pinned: {live}");
    let alone = run(job.ec2(&cloud, &["bundle", "--push-file", "push.json"])).await;
    assert_eq!(alone.code, 0, "{}", alone.told());
    tells(&alone, &["UNCHANGED", "application demo of the push file is not asked"]);
}

#[tokio::test]
async fn every_wrong_flag_of_all_three_parts_is_told_at_once_and_nothing_is_sent() {
    let (cloud, job) = (Cloud::new("good").await, Job::new());
    let flags = [
        "--stack-name",
        "1shop",
        "--template",
        "shop.yaml",
        "--parameter",
        "Size=many",
        "--tag",
        "team",
        "--object-tag",
        "commit",
        "--source",
        "build",
        "--s3-location",
        "demo-bucket/web",
        "--application",
        "stack:App",
        "--agent-limit",
        "soon",
        "--if-busy",
        "supersede",
        "--timeout",
        "never",
        "--plan=change-set",
    ];
    let ran = run(job.ec2(&cloud, &flags)).await;
    assert_eq!((ran.code, cloud.simulator.calls().len()), (2, 0), "{}", ran.told());
    tells(
        &ran,
        &[
            "--stack-name",
            "--tag \"team\" is not KEY=VALUE",
            "--object-tag \"commit\" is not KEY=VALUE",
            "--s3-location \"demo-bucket/web\" is not s3://BUCKET",
            "--agent-limit",
            "an operation of a stack cannot be adopted or superseded",
            "landfall never stops somebody else's",
            "--timeout",
            "--plan=change-set is for stacks",
            "the name of the deployment group is missing",
        ],
    );
}

#[tokio::test]
async fn what_template_and_outputs_say_is_checked_before_anything_is_sent() {
    let (cloud, job) = (Cloud::new("good").await, Job::new());
    let ran = run(job.release(&cloud, &["--parameter", "Size=many", "--parameter", "Colour=red"])).await;
    assert_eq!((ran.code, cloud.simulator.calls().len()), (2, 0), "{}", ran.told());
    tells(&ran, &["Size", "Colour"]);
    let flags = [
        "--stack-name",
        "shop",
        "--template",
        "shop.yaml",
        "--source",
        "build",
        "--s3-location",
        "s3://stack:Bucket",
    ];
    let names = ["--application", "demo", "--deployment-group", "demo"];
    let ran = run(job.ec2(&cloud, &[&flags[..], &names].concat())).await;
    assert_eq!((ran.code, cloud.simulator.calls().len()), (2, 0), "{}", ran.told());
    tells(
        &ran,
        &["--s3-location: ", "the template has no such output", "Bundles, Application, DeploymentGroup"],
    );
}

#[tokio::test]
async fn files_that_cannot_be_read_are_named_each_once() {
    let (cloud, job) = (Cloud::new("good").await, Job::new());
    let flags = [
        "--stack-name",
        "shop",
        "--template",
        "none.yaml",
        "--push-file",
        "none.json",
        "--deployment-file",
        "/dev/zero",
    ];
    let ran = run(job.ec2(&cloud, &flags)).await;
    assert_eq!((ran.code, cloud.simulator.calls().len()), (2, 0), "{}", ran.told());
    tells(&ran, &["`none.yaml` cannot be read", "none.json cannot be read", "/dev/zero cannot be read"]);
    for words in ["no template is given", "there is no folder to pack", "the name of the bucket is empty"] {
        assert!(!ran.told().contains(words), "{words:?} follows from what is told: {}", ran.told());
    }
}

#[tokio::test]
async fn json_of_another_shape_is_told_by_member_and_line() {
    let (cloud, job) = (Cloud::new("good").await, Job::new());
    for (push, deploy, words) in [
        (
            "{}",
            "{}",
            &["applicationName in push.json is missing", "source in push.json", "s3Location in push.json"][..],
        ),
        ("[1]", "[1]", &["push.json is no JSON object", "deploy.json is no JSON object"]),
        ("{\n\"source\" 1}", "{\n\"x\" 1}", &["push.json:2:", "deploy.json:2:"]),
        (
            r#"{"applicationName": "shop", "source": "build", "s3Location": "s3://demo-bucket/a.zip"}"#,
            r#"{"applicationName": "demo", "deploymentGroupName": "demo", "revision": {"revisionType": "S3", "s3Location":
                {"bucket": "demo-bucket", "key": "b.zip", "bundleType": "zip"}}}"#,
            &[
                "is for application \"demo\", and the push file for \"shop\"",
                "names s3://demo-bucket/b.zip, and the bundle of this release is s3://demo-bucket/a.zip",
            ],
        ),
    ] {
        job.write("push.json", push);
        job.write("deploy.json", deploy);
        let files = ["--push-file", "push.json", "--deployment-file", "deploy.json"];
        let ran = run(
            job.ec2(&cloud, &[&["--stack-name", "shop", "--template", "shop.yaml"][..], &files].concat())
        )
        .await;
        assert_eq!((ran.code, cloud.simulator.calls().len()), (2, 0), "{}", ran.told());
        tells(&ran, words);
    }
}

#[tokio::test]
async fn flags_of_the_whole_before_a_part_and_outputs_without_a_stack_are_refused() {
    let (cloud, job) = (Cloud::new("good").await, Job::new());
    let part = ["bundle", "--source", "build", "--s3-location", "s3://stack:Bundles/web/"];
    let ran =
        run(job.ec2(&cloud, &[&["--stack-name", "shop", "--region", "eu-central-1"][..], &part].concat()))
            .await;
    assert_eq!((ran.code, cloud.simulator.calls().len()), (2, 0), "{}", ran.told());
    tells(
        &ran,
        &["--stack-name stand before `bundle`", "the output Bundles of a stack, and none is deployed here"],
    );
    let part = ["bundle", "--source", "build", "--s3-location", "s3://demo-bucket/web/"];
    let ran = run(job.ec2(&cloud, &[&["--plan"][..], &part].concat())).await;
    assert_eq!(ran.code, 0, "global flags stand anywhere: {}", ran.told());
    let ran = run(job.ec2(&cloud, &["--stack-name", "shop"])).await;
    assert_eq!(ran.code, 2, "{}", ran.told());
    tells(&ran, &["--template", "--source", "--s3-location"]);
}

/// The text of everything in the journal.
fn recorded(journal: &Path) -> String {
    let files = std::fs::read_dir(journal.join("runs")).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect()
}

#[tokio::test]
async fn a_recorded_stack_and_a_recorded_bundle_are_undone_by_their_journal() {
    let (cloud, job) = (Cloud::new("good").await, Job::new());
    let journal = job.path("journal");
    let kept = |run: &'static str| ["--journal", "journal", "--run-id", run];
    let stack = ["stack", "--stack-name", "shop", "--template", "shop.yaml"];
    let ran = run(job.ec2(&cloud, &[&stack[..], &kept("demo/1")].concat())).await;
    assert_eq!(ran.code, 0, "{}", ran.told());
    let ran = run(job.ec2(&cloud, &[&stack[..], &["--parameter", "Size=5"], &kept("demo/2")].concat())).await;
    assert_eq!(ran.code, 0, "{}", ran.told());
    let bundle = ["bundle", "--source", "build", "--s3-location", "s3://demo-bucket/web/"];
    let ran = run(job.ec2(&cloud, &[&bundle[..], &kept("demo/3")].concat())).await;
    assert_eq!(ran.code, 0, "{}", ran.told());
    assert!(recorded(&journal).contains("cloudformation-stack"));
    let undo = |run_id: &'static str| {
        let mut command = cloud.command(&["revert", run_id, "--journal", "journal"]);
        command.current_dir(job.folder.path());
        run(command)
    };
    let ran = undo("demo/3").await;
    assert_eq!(ran.code, 0, "{}", ran.told());
    let versions = cloud.simulator.s3().versions("demo-bucket");
    assert!(versions.iter().rfind(|version| version.key.starts_with("web/")).unwrap().deleted);
    let ran = undo("demo/2").await;
    assert_eq!(ran.code, 0, "{}", ran.told());
    assert_eq!(cloud.stack("shop").unwrap().parameters["Size"], "3");
    let ran = undo("demo/1").await;
    assert_eq!(ran.code, 4, "the stack has been changed since: {}", ran.told());
    tells(&ran, &["somebody else has changed stack shop"]);
}

#[tokio::test]
async fn a_recorded_release_is_undone_as_a_whole_in_reverse_order() {
    let (cloud, job) = (Cloud::new("good").await, Job::new());
    let ran = run(job.release(&cloud, &["--journal", "journal", "--run-id", "demo/1"])).await;
    assert_eq!(ran.code, 0, "{}", ran.told());
    cloud.simulator.reset_calls();
    let mut command = cloud.command(&["revert", "demo/1", "--journal", "journal"]);
    command.current_dir(job.folder.path());
    let ran = run(command).await;
    assert_eq!(ran.code, 0, "{}", ran.told());
    assert_eq!(cloud.written(), ["CreateDeployment", "DeleteStack", "DeleteObject"]);
    assert_eq!(cloud.live()["key"], "demo/1.zip");
    assert!(cloud.stack("shop").is_none());
}
