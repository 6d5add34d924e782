//! Signing in: the job's token, keys that would shadow it, the doctor.

use landfall_simulator::DEMO_ROLE_ARN;

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
