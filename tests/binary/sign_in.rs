//! Signing in: the job's token, keys that would shadow it, the doctor.

use std::time::Duration;

use landfall_simulator::{Claims, DEMO_ROLE_ARN, SECOND_ACCOUNT, Simulator, World};
use serde_json::json;

use crate::support::{Cloud, DEPLOY, run};

const OIDC: [&str; 4] = ["--oidc-token-env", "DEPLOY_TOKEN", "--role-arn", DEMO_ROLE_ARN];

#[tokio::test]
async fn the_token_of_a_ci_job_is_enough_to_deploy() {
    let cloud = Cloud::new("good").await;
    let mut command = cloud.bare(&[&DEPLOY[..], &OIDC].concat());
    command.env("AWS_REGION", "eu-central-1").env("DEPLOY_TOKEN", cloud.token());
    command.env("CI_PROJECT_ID", "72").env("CI_PIPELINE_ID", "81");
    let ran = run(command).await;
    assert_eq!(ran.code, 0, "{}", ran.told());
    for words in ["OIDC token from $DEPLOY_TOKEN", "assumed-role/deploy/GitLabRunner-72-81", "SUCCEEDED"] {
        assert!(ran.stdout.contains(words), "{words:?} is not in {}", ran.stdout);
    }
    assert!(!ran.told().contains(&cloud.token()[..40]));
}

#[tokio::test]
async fn a_token_from_a_file_is_enough_too() {
    let cloud = Cloud::new("good").await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, cloud.token()).unwrap();
    let path = path.to_string_lossy().into_owned();
    let arguments =
        ["doctor", "--oidc-token-file", &path, "--role-arn", DEMO_ROLE_ARN, "--region", "eu-central-1"];
    let ran = run(cloud.bare(&arguments)).await;
    assert_eq!(ran.code, 0, "{}", ran.told());
    for claim in ["sub: project_path:demo/web:ref_type:branch:ref:main", "aud: sts.amazonaws.com", "exp: "] {
        assert!(ran.stdout.contains(claim), "{claim:?} is not in {}", ran.stdout);
    }
}

#[tokio::test]
async fn stale_keys_do_not_shadow_the_token_and_are_pointed_out() {
    let cloud = Cloud::new("good").await;
    let mut command = cloud.command(&[&["doctor"][..], &OIDC].concat());
    command.env("DEPLOY_TOKEN", cloud.token());
    let ran = run(command).await;
    assert_eq!(ran.code, 0, "{}", ran.told());
    assert!(ran.stdout.contains("AWS_ACCESS_KEY_ID is set and would win"), "{}", ran.stdout);
    assert!(ran.stdout.contains("assumed-role/deploy"), "{}", ran.stdout);
}

#[tokio::test]
async fn the_run_is_named_after_the_ci_job_and_stays_the_same_when_it_is_tried_again() {
    let cloud = Cloud::new("good").await;
    let mut command = cloud.deploy(&["--plan", "--output", "json"]);
    command.env("CI_PROJECT_PATH", "shop/web").env("CI_PIPELINE_ID", "81").env("CI_JOB_NAME", "deploy: eu");
    command.env("CI_ENVIRONMENT_NAME", "production").env("CI_JOB_ID", "4711");
    let ran = run(command).await;
    assert!(ran.stdout.contains("\"run\":\"shop/web/81/deploy:-eu/production\""), "{}", ran.stdout);
}

#[tokio::test]
async fn the_doctor_checks_everything_and_changes_nothing() {
    let cloud = Cloud::new("good").await;
    let target = ["doctor", "--cluster", "demo", "--service", "web"];
    let ran = run(cloud.command(&target)).await;
    assert_eq!(ran.code, 0, "{}", ran.told());
    for words in ["ok  credentials", "ok  account 111122223333", "ok  service web in cluster demo"] {
        assert!(ran.stdout.contains(words), "{words:?} is not in {}", ran.stdout);
    }
    assert!(cloud.written().is_empty());
    let missing = Cloud::new("service-missing").await;
    assert_eq!(run(missing.command(&target)).await.code, 1);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_and_nothing_is_claimed() {
    let cloud = Cloud::new("good").await;
    let command = cloud.deploy(&[]);
    cloud.server.shutdown().await;
    let ran = run(command).await;
    assert_eq!(ran.code, 1, "{}", ran.told());
    for words in ["Connection refused", "AWS_ENDPOINT_URL", "next:"] {
        assert!(ran.told().contains(words), "{words:?} is not in {}", ran.told());
    }
}

/// A role in the second account that its trust policy lets be tagged.
const SECOND_ROLE: &str = "arn:aws:iam::444455556666:role/deploy";

async fn with_a_role_that_takes_tags() -> Cloud {
    let mut world = World::demo();
    let role = world.account(SECOND_ACCOUNT).roles.get_mut("deploy").unwrap();
    role.trust_policy["Statement"][0]["Action"] = json!(["sts:AssumeRole", "sts:TagSession"]);
    role.trust_policy["Statement"][0]["Condition"]["StringEquals"]["aws:RequestTag/team"] = json!("web");
    Cloud::of(Simulator::builder().world(world).build()).await
}

#[tokio::test]
async fn flags_lead_a_token_into_another_account_with_external_id_tag_and_policy() {
    let cloud = with_a_role_that_takes_tags().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("narrow.json");
    std::fs::write(&path, r#"{"Statement": {"Effect": "Allow", "Action": "sts:*", "Resource": "*"}}"#)
        .unwrap();
    let path = path.to_string_lossy().into_owned();
    let chain = ["--role-arn", SECOND_ROLE, "--external-id", "demo-external-id", "--session-tag", "team=web"];
    let narrow =
        ["--session-policy", &path, "--expected-account", SECOND_ACCOUNT, "--region", "eu-central-1"];
    let doctor = |more: &[&str]| {
        let mut command = cloud.bare(&[&["doctor"][..], &OIDC, &chain, &narrow, more].concat());
        command.env("DEPLOY_TOKEN", cloud.token());
        command
    };
    let ran = run(doctor(&[])).await;
    assert_eq!(ran.code, 0, "{}", ran.told());
    assert!(ran.stdout.contains("arn:aws:sts::444455556666:assumed-role/deploy"), "{}", ran.stdout);
    let ran = run(doctor(&["--cluster", "demo", "--service", "web"])).await;
    assert_eq!(ran.code, 1, "{}", ran.told());
    assert!(ran.stdout.contains("because no session policy allows the ecs:"), "{}", ran.told());
}

#[tokio::test]
async fn another_account_than_the_expected_one_ends_before_anything_is_changed() {
    let cloud = Cloud::new("good").await;
    let ran = run(cloud.deploy(&["--expected-account", SECOND_ACCOUNT])).await;
    assert_eq!(ran.code, 7, "{}", ran.told());
    for words in
        ["signed in to account 111122223333", "account 444455556666 is expected", "nothing was changed"]
    {
        assert!(ran.told().contains(words), "{words:?} is not in {}", ran.told());
    }
    assert!(cloud.written().is_empty());
    assert_eq!(cloud.simulator.count("ecs", "DescribeServices"), 0, "nothing was even looked at");
    // The account of a chain is that of its last role.
    let chain = [
        "--role-arn",
        SECOND_ROLE,
        "--external-id",
        "demo-external-id",
        "--expected-account",
        "111122223333",
    ];
    cloud.simulator.reset_calls();
    let ran = run(cloud.deploy(&chain)).await;
    assert_eq!(ran.code, 7, "{}", ran.told());
    assert!(
        ran.told().contains("is in account 444455556666, and account 111122223333 is expected"),
        "{}",
        ran.told()
    );
    assert!(cloud.simulator.calls().is_empty());
}

#[tokio::test]
async fn problems_of_what_is_passed_to_sts_are_told_together_by_flag() {
    let cloud = Cloud::new("good").await;
    let chain = ["--role-arn", SECOND_ROLE, "--external-id", "x", "--timeout", "soon"];
    let passed = ["--session-tag", "aws:x=1", "--session-policy", "arn:aws:iam::111122223333:policy/read"];
    let ran = run(cloud.deploy(&[&chain[..], &passed].concat())).await;
    assert_eq!(ran.code, 2, "{}", ran.told());
    for flag in ["--external-id", "--timeout", "--session-tag", "--session-policy"] {
        assert!(ran.told().contains(flag), "{flag} is not in {}", ran.told());
    }
    let ran =
        run(cloud.deploy(&["--session-tag", "team", "--session-policy", "/nonexistent/narrow.json"])).await;
    assert_eq!(ran.code, 2, "{}", ran.told());
    for words in ["KEY=VALUE", "/nonexistent/narrow.json", "give --role-arn"] {
        assert!(ran.told().contains(words), "{words:?} is not in {}", ran.told());
    }
    assert!(cloud.simulator.calls().is_empty());
}

#[tokio::test]
async fn credentials_that_end_before_the_wait_are_announced_before_the_first_write() {
    let cloud = Cloud::new("good").await;
    let mut command = cloud.bare(&[&DEPLOY[..], &OIDC, &["--timeout", "3h", "--output", "json"]].concat());
    command.env("AWS_REGION", "eu-central-1").env("DEPLOY_TOKEN", cloud.token());
    let ran = run(command).await;
    assert_eq!(ran.code, 0, "{}", ran.told());
    let line = |words: &str| ran.stdout.lines().position(|line| line.contains(words));
    let announced = line("credentials-end-early").unwrap_or_else(|| panic!("{}", ran.stdout));
    assert!(announced < line("\"event\":\"applied\"").unwrap(), "{}", ran.stdout);
    assert!(line("session-shortened").unwrap() < announced, "{}", ran.stdout);
    for words in
        ["`timeout:`", "maximum session duration of arn:aws:iam::111122223333:role/deploy", "--timeout"]
    {
        assert!(
            ran.stdout.lines().nth(announced).unwrap().contains(words),
            "{words:?} is not in {}",
            ran.stdout
        );
    }
}

#[tokio::test]
async fn the_doctor_tells_whether_the_credentials_cover_the_wait() {
    let cloud = Cloud::new("good").await;
    let long = cloud
        .simulator
        .oidc()
        .token(Claims::gitlab("demo/web", "main").expires_in(Duration::from_secs(4 * 60 * 60)));
    for (token, timeout, told) in [
        (cloud.token(), "30m", "is covered: the credentials are good until"),
        (cloud.token(), "3h", "is not covered: the credentials are good until"),
        (long, "3h", "is covered: the credentials are good until"),
    ] {
        let mut command = cloud.bare(&[&["doctor", "--timeout", timeout][..], &OIDC].concat());
        command.env("AWS_REGION", "eu-central-1").env("DEPLOY_TOKEN", &token);
        let ran = run(command).await;
        assert_eq!(ran.code, 0, "{}", ran.told());
        for words in [told, "the session ends at", "token exp: "] {
            assert!(ran.stdout.contains(words), "{timeout}: {words:?} is not in {}", ran.stdout);
        }
    }
    let ran = run(cloud.command(&["doctor"])).await;
    assert!(ran.stdout.contains("is covered: the credentials have no end"), "{}", ran.stdout);
}

#[tokio::test]
async fn a_session_that_aws_ends_in_mid_wait_is_renewed_with_the_jobs_token() {
    let cloud = Cloud::new("session-expires").await;
    let mut command = cloud.bare(&[&DEPLOY[..], &OIDC, &["-v"]].concat());
    command.env("AWS_REGION", "eu-central-1").env("DEPLOY_TOKEN", cloud.token());
    let ran = run(command).await;
    assert_eq!(ran.code, 0, "{}", ran.told());
    assert!(ran.stdout.contains("SUCCEEDED") && ran.stdout.contains("ExpiredToken"), "{}", ran.stdout);
    assert_eq!((cloud.simulator.count("sts", "AssumeRoleWithWebIdentity"), cloud.updates()), (2, 1));
}
