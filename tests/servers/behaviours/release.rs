//! What the real binary does and says, whichever server it deploys to.

use std::io::Write;

use landfall_simulator::Claims;

use super::{Behaviour, behaviour};
use crate::cloud::{Cloud, EXTERNAL_ID};
use crate::http::Keys;
use crate::support::{DEPLOY, Ran, run};

pub(super) const BEHAVIOURS: &[Behaviour] = &[
    behaviour!("a plan", "exit 0, says containerDefinitions[web].image; writes nothing", plan),
    behaviour!("a deployment", "exit 0, says SUCCEEDED; writes RegisterTaskDefinition UpdateService", deploy),
    behaviour!("the same deployment again", "exit 0, says UNCHANGED; writes nothing", again),
    behaviour!(
        "a deployment that nobody waited for, run again with its id",
        "exit 0; writes nothing",
        attach
    ),
    behaviour!("a forced redeployment", "exit 0, says SUCCEEDED; writes UpdateService", force),
    behaviour!(
        "a task definition from a file",
        "exit 0, says SUCCEEDED; writes RegisterTaskDefinition UpdateService",
        file
    ),
    behaviour!("a cluster that is not there", "exit 1, says nowhere and demo; writes nothing", no_cluster),
    behaviour!(
        "a service that is not there",
        "exit 1, says nothing-here and web; writes nothing",
        no_service
    ),
    behaviour!("a family that is not there", "exit 1, says no-family; writes nothing", no_family),
    behaviour!("the doctor", "exit 0, says ok  service web in cluster demo; writes nothing", doctor),
    behaviour!("another account than the expected one", "exit 7, says 999999999999; writes nothing", account),
    behaviour!(checked "a wrong secret key", "exit 7, says SignatureDoesNotMatch; writes nothing", secret),
    behaviour!(checked "a key that nobody knows", "exit 7, says InvalidClientTokenId; writes nothing", key),
    behaviour!(
        "a job's token, then a role of another account with its external id",
        "exit 0, says SUCCEEDED; writes RegisterTaskDefinition UpdateService",
        chain
    ),
    behaviour!(
        checked "a job's token, then a role of another account without its external id",
        "exit 7, says external id; writes nothing",
        chain_without_id
    ),
    behaviour!(
        checked "a token of a project that the role does not trust",
        "exit 7, says project_path:demo/other:ref_type:branch:ref:main; writes nothing",
        other_project
    ),
];

/// The exit code, which of these words were said, and the calls that change something.
pub(super) fn told(cloud: &Cloud, ran: &Ran, words: &[&str]) -> String {
    let said = match words.iter().find(|words| !ran.told().contains(**words)) {
        Some(missing) => format!(", does not say {missing}:\n{}", ran.told()),
        None if words.is_empty() => String::new(),
        None => format!(", says {}", words.join(" and ")),
    };
    let writes = cloud.wire.writes();
    let writes = if writes.is_empty() { "nothing".to_owned() } else { writes.join(" ") };
    format!("exit {}{said}; writes {writes}", ran.code)
}

async fn with(cloud: &Cloud, arguments: &[&str], words: &[&str]) -> String {
    let ran = run(cloud.command(&cloud.home.admin, arguments)).await;
    told(cloud, &ran, words)
}

/// The main job with these further arguments.
async fn main_job(cloud: &Cloud, arguments: &[&str], words: &[&str]) -> String {
    with(cloud, &[&DEPLOY, arguments].concat(), words).await
}

async fn plan(cloud: &Cloud) -> String {
    main_job(cloud, &["--plan"], &["containerDefinitions[web].image"]).await
}

async fn deploy(cloud: &Cloud) -> String {
    main_job(cloud, &[], &["SUCCEEDED"]).await
}

async fn again(cloud: &Cloud) -> String {
    main_job(cloud, &[], &[]).await;
    cloud.wire.forget();
    main_job(cloud, &[], &["UNCHANGED"]).await
}

async fn attach(cloud: &Cloud) -> String {
    main_job(cloud, &["--run-id", "shop/1", "--no-wait"], &[]).await;
    cloud.wire.forget();
    main_job(cloud, &["--run-id", "shop/1"], &[]).await
}

async fn force(cloud: &Cloud) -> String {
    let arguments = ["ecs", "--cluster", "demo", "--service", "web", "--force-new-deployment"];
    with(cloud, &arguments, &["SUCCEEDED"]).await
}

async fn file(cloud: &Cloud) -> String {
    let text = r#"{"family": "web", "networkMode": "awsvpc", "cpu": "256", "memory": "512",
        "requiresCompatibilities": ["FARGATE"], "containerDefinitions": [{"name": "web", "image": "web:1",
        "portMappings": [{"containerPort": 8080}]}]}"#;
    let mut file = tempfile::NamedTempFile::with_suffix(".json").unwrap();
    file.write_all(text.as_bytes()).unwrap();
    main_job(cloud, &["--task-definition", &file.path().to_string_lossy()], &["SUCCEEDED"]).await
}

async fn no_cluster(cloud: &Cloud) -> String {
    let arguments = ["ecs", "--cluster", "nowhere", "--service", "web", "--image", "web=web:2"];
    with(cloud, &arguments, &["nowhere", "demo"]).await
}

async fn no_service(cloud: &Cloud) -> String {
    let arguments = ["ecs", "--cluster", "demo", "--service", "nothing-here", "--image", "web=web:2"];
    with(cloud, &arguments, &["nothing-here", "web"]).await
}

async fn no_family(cloud: &Cloud) -> String {
    main_job(cloud, &["--task-definition", "no-family"], &["no-family"]).await
}

async fn doctor(cloud: &Cloud) -> String {
    let arguments = ["doctor", "--cluster", "demo", "--service", "web"];
    with(cloud, &arguments, &["ok  service web in cluster demo"]).await
}

async fn account(cloud: &Cloud) -> String {
    main_job(cloud, &["--expected-account", "999999999999"], &["999999999999"]).await
}

async fn as_somebody(cloud: &Cloud, keys: &Keys, words: &str) -> String {
    let ran = run(cloud.command(keys, &DEPLOY)).await;
    told(cloud, &ran, &[words])
}

async fn secret(cloud: &Cloud) -> String {
    let keys = Keys { secret: "wrong".to_owned(), ..cloud.home.admin.clone() };
    as_somebody(cloud, &keys, "SignatureDoesNotMatch").await
}

async fn key(cloud: &Cloud) -> String {
    as_somebody(cloud, &Keys::new("AKIANOBODYKNOWSTHIS1", "secret"), "InvalidClientTokenId").await
}

async fn chain_with(cloud: &Cloud, more: &[&str], words: &str) -> String {
    // The first --role-arn, which the token is for, comes before the second.
    let role = cloud.away.role();
    let mut command = cloud.job(&cloud.token(), &DEPLOY);
    command.args(["--role-arn", &role]).args(["--expected-account", &cloud.away.id]).args(more);
    let ran = run(command).await;
    told(cloud, &ran, &[words])
}

async fn chain(cloud: &Cloud) -> String {
    chain_with(cloud, &["--external-id", EXTERNAL_ID], "SUCCEEDED").await
}

async fn chain_without_id(cloud: &Cloud) -> String {
    chain_with(cloud, &[], "external id").await
}

async fn other_project(cloud: &Cloud) -> String {
    let token = cloud.simulator.oidc().token(Claims::gitlab("demo/other", "main"));
    let ran = run(cloud.job(&token, &DEPLOY)).await;
    told(cloud, &ran, &["project_path:demo/other:ref_type:branch:ref:main"])
}
