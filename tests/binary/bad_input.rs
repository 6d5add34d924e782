//! Bad input never gets to a write: exit code, the field that is named, and no change in AWS.

use std::fmt::Write as _;
use std::path::PathBuf;

use landfall_simulator::{Claims, DEMO_ROLE_ARN};
use tokio::process::Command;

use crate::support::{Cloud, DEPLOY, run};

/// One bad input: what it is, arguments after the main job's, environment, exit code, what must be named.
struct Bad {
    name: &'static str,
    arguments: Vec<String>,
    whole: bool,
    environment: Vec<(&'static str, String)>,
    without: Vec<&'static str>,
    code: i32,
    told: &'static [&'static str],
}

fn bad(name: &'static str, arguments: &[&str], code: i32, told: &'static [&'static str]) -> Bad {
    Bad {
        name,
        arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
        whole: false,
        environment: Vec::new(),
        without: Vec::new(),
        code,
        told,
    }
}

impl Bad {
    /// The arguments are all there are.
    fn whole(mut self) -> Self {
        self.whole = true;
        self
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    fn without(mut self, name: &'static str) -> Self {
        self.without.push(name);
        self
    }

    fn command(&self, cloud: &Cloud) -> Command {
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        let mut command = if self.whole { cloud.command(&arguments) } else { cloud.deploy(&arguments) };
        for name in &self.without {
            command.env_remove(name);
        }
        for (name, value) in &self.environment {
            command.env(name, value);
        }
        command
    }
}

/// Runs every case and reports all that are wrong, not the first.
async fn all(cloud: &Cloud, cases: Vec<Bad>) {
    let mut wrong = String::new();
    let many = cases.len();
    for case in cases {
        let ran = run(case.command(cloud)).await;
        let told = ran.told();
        let missing: Vec<_> = case.told.iter().filter(|words| !told.contains(**words)).collect();
        let written = cloud.written();
        if ran.code != case.code || !missing.is_empty() || !written.is_empty() || told.contains("panicked") {
            let _ = writeln!(
                wrong,
                "== {}: exit code {} (not {}), missing {missing:?}, writes {written:?}\n{told}",
                case.name, ran.code, case.code
            );
        }
        cloud.simulator.reset_calls();
    }
    assert!(wrong.is_empty(), "of {many} cases:\n{wrong}");
}

#[tokio::test]
async fn bad_flags_are_named() {
    let cloud = Cloud::new("good").await;
    let long = "x".repeat(300);
    all(
        &cloud,
        vec![
            bad("nothing", &[], 2, &["Usage"]).whole(),
            bad("unknown subcommand", &["ecz"], 2, &["ecz"]).whole(),
            bad("unknown flag", &["--clutser", "demo"], 2, &["--clutser"]),
            bad("no cluster", &["ecs", "--service", "web"], 2, &["--cluster"]).whole(),
            bad("no service", &["ecs", "--cluster", "demo"], 2, &["--service"]).whole(),
            bad("half a target", &["doctor", "--cluster", "demo"], 2, &["--service"]).whole(),
            bad("on-failure", &["--on-failure", "maybe"], 2, &["--on-failure", "revert"]),
            bad("on-cancel", &["--on-cancel", "maybe"], 2, &["--on-cancel", "keep"]),
            bad("if-busy", &["--if-busy", "panic"], 2, &["--if-busy", "supersede"]),
            bad("output", &["--output", "xml"], 2, &["--output", "json"]),
            bad("plan and no-wait", &["--plan", "--no-wait"], 2, &["--no-wait"]),
            bad("scenario alone", &["--scenario", "good"], 2, &["--simulate"]),
            bad(
                "unknown scenario",
                &["--simulate", "--scenario", "x"],
                2,
                &["--scenario", "image-not-found"],
            ),
            bad(
                "two tokens",
                &["--oidc-token-env", "A", "--oidc-token-file", "b"],
                2,
                &["--oidc-token-file"],
            ),
            bad("no time", &["--timeout", "soon"], 2, &["--timeout", "soon", "15m"]),
            bad("no unit", &["--timeout", "10"], 2, &["--timeout", "unit"]),
            bad("no length", &["--timeout", "0s"], 2, &["--timeout"]),
            bad("negative", &["--timeout=-5m"], 2, &["--timeout", "negative"]),
            bad("two days", &["--timeout", "48h"], 2, &["--timeout", "24 hours"]),
            bad("empty run id", &["--run-id", ""], 2, &["--run-id", "empty"]),
            bad("spaces in the run id", &["--run-id", "a b"], 2, &["--run-id", "a b"]),
            bad("a long run id", &["--run-id", &long], 2, &["--run-id", "200"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn bad_names_and_images_are_named() {
    let cloud = Cloud::new("good").await;
    let ecs = |cluster: &'static str, service: &'static str| {
        ["ecs", "--cluster", cluster, "--service", service, "--image", "web=registry.example.com/web:2.0"]
    };
    let image = |image: &'static str| ["ecs", "--cluster", "demo", "--service", "web", "--image", image];
    all(
        &cloud,
        vec![
            bad("empty cluster", &ecs("", "web"), 2, &["--cluster", "empty"]).whole(),
            bad("cluster with a space", &ecs("a b", "web"), 2, &["--cluster", "a b"]).whole(),
            bad(
                "cluster ARN elsewhere",
                &ecs("arn:aws:ecs:us-east-1:111122223333:cluster/demo", "web"),
                2,
                &["--cluster", "eu-central-1"],
            )
            .whole(),
            bad(
                "service ARN as cluster",
                &ecs("arn:aws:ecs:eu-central-1:111122223333:service/demo/web", "web"),
                2,
                &["--cluster"],
            )
            .whole(),
            bad("empty service", &ecs("demo", ""), 2, &["--service", "empty"]).whole(),
            bad("service with a slash", &ecs("demo", "a/b"), 2, &["--service", "a/b"]).whole(),
            bad("empty image", &image(""), 2, &["--image", "empty"]).whole(),
            bad("container without image", &image("web="), 2, &["--image"]).whole(),
            bad("image without container", &image("=web:1"), 2, &["--image"]).whole(),
            bad("empty tag", &image("web=registry.example.com/web:"), 2, &["--image", "tag"]).whole(),
            bad("empty registry", &image("web=/web:1"), 2, &["--image"]).whole(),
            bad("capital letters", &image("web=registry.example.com/Web:1"), 2, &["--image", "Web"]).whole(),
            bad("short digest", &image("web=registry.example.com/web@sha256:abc"), 2, &["--image", "sha256"])
                .whole(),
            bad("space", &image("web=registry.example.com/we b:1"), 2, &["--image"]).whole(),
            bad(
                "two images for one container",
                &["--image", "web=registry.example.com/web:3"],
                2,
                &["--image", "web"],
            ),
            bad(
                "container that is not there",
                &image("wbe=registry.example.com/web:3"),
                2,
                &["wbe", "web, sidecar"],
            )
            .whole(),
            bad(
                "task definition that is not there",
                &["--task-definition", "./missing.json"],
                2,
                &["--task-definition", "missing.json"],
            ),
            bad("empty task definition", &["--task-definition", ""], 2, &["--task-definition"]),
            bad(
                "task definition of no form",
                &["--task-definition", "web:latest"],
                2,
                &["--task-definition", "latest"],
            ),
            bad(
                "ARN of something else",
                &["--task-definition", "arn:aws:s3:::bucket"],
                2,
                &["--task-definition"],
            ),
            bad("folder as task definition", &["--task-definition", "/"], 2, &["--task-definition"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn bad_regions_roles_and_accounts_are_named() {
    let cloud = Cloud::new("good").await;
    let role = |arn: &'static str| ["--role-arn", arn];
    all(
        &cloud,
        vec![
            bad("empty region", &["--region", ""], 2, &["--region"]),
            bad("region with spaces", &["--region", "eu central 1"], 2, &["--region", "eu central 1"]),
            bad("region in capitals", &["--region", "EU-CENTRAL-1"], 2, &["--region", "EU-CENTRAL-1"]),
            bad("availability zone", &["--region", "eu-central-1a"], 2, &["--region", "eu-central-1a"]),
            bad("no region", &[], 2, &["--region", "AWS_REGION"]).without("AWS_REGION"),
            bad("role name", &role("deploy"), 2, &["--role-arn", "deploy"]),
            bad("role without account", &role("arn:aws:iam:::role/x"), 2, &["--role-arn", "account"]),
            bad("ARN of a user", &role("arn:aws:iam::111122223333:user/x"), 2, &["--role-arn", "user"]),
            bad("short account", &role("arn:aws:iam::11112222333:role/x"), 2, &["--role-arn"]),
            bad("empty role", &role(""), 2, &["--role-arn"]),
            bad("external id without role", &["--external-id", "x"], 2, &["--external-id"]),
            bad("short expected account", &["--expected-account", "1234"], 2, &["--expected-account"]),
            bad("empty expected account", &["--expected-account", ""], 2, &["--expected-account"]),
            bad(
                "another account",
                &["--expected-account", "444455556666"],
                7,
                &["444455556666", "111122223333"],
            ),
            bad("endpoint", &[], 2, &["AWS_ENDPOINT_URL"]).with("AWS_ENDPOINT_URL", "not a url"),
            bad("certificates", &[], 2, &["AWS_CA_BUNDLE", "/nonexistent/ca.pem"])
                .with("AWS_CA_BUNDLE", "/nonexistent/ca.pem"),
            bad("proxy", &[], 2, &["HTTPS_PROXY"]).with("HTTPS_PROXY", "http://[::"),
            bad("half a key", &[], 7, &["AWS_SECRET_ACCESS_KEY"]).without("AWS_SECRET_ACCESS_KEY"),
            bad("no credentials", &[], 7, &["no usable credentials", "--oidc-token-env", "next:"])
                .without("AWS_SECRET_ACCESS_KEY")
                .without("AWS_ACCESS_KEY_ID"),
            bad("a key AWS does not know", &[], 7, &["InvalidClientTokenId", "access key"])
                .with("AWS_ACCESS_KEY_ID", "AKIAUNKNOWN0EXAMPLE"),
            bad("a wrong secret", &[], 7, &["SignatureDoesNotMatch"]).with("AWS_SECRET_ACCESS_KEY", "wrong"),
        ],
    )
    .await;
}

#[tokio::test]
async fn bad_tokens_are_named_and_never_shown() {
    let cloud = Cloud::new("good").await;
    let oidc = ["--oidc-token-env", "DEPLOY_TOKEN", "--role-arn", DEMO_ROLE_ARN];
    let token = |claims: Claims| cloud.simulator.oidc().token(claims);
    let gitlab = || Claims::gitlab("demo/web", "main");
    let parts = token(gitlab());
    let two = parts.rsplit_once('.').map(|(two, _)| two.to_owned()).unwrap_or_default();
    all(
        &cloud,
        vec![
            bad("not set", &oidc, 7, &["DEPLOY_TOKEN", "id_tokens"]),
            bad("empty", &oidc, 7, &["DEPLOY_TOKEN", "empty"]).with("DEPLOY_TOKEN", ""),
            bad("two parts", &oidc, 7, &["DEPLOY_TOKEN", "three"]).with("DEPLOY_TOKEN", two),
            bad("not base64", &oidc, 7, &["DEPLOY_TOKEN"]).with("DEPLOY_TOKEN", "a!b.c!d.e!f"),
            bad("not JSON", &oidc, 7, &["DEPLOY_TOKEN"]).with("DEPLOY_TOKEN", "YWJj.YWJj.YWJj"),
            bad("expired", &oidc, 7, &["DEPLOY_TOKEN", "expired"])
                .with("DEPLOY_TOKEN", token(gitlab().expired_for(std::time::Duration::from_secs(600)))),
            bad("another branch", &oidc, 7, &["sub", "project_path:demo/other"])
                .with("DEPLOY_TOKEN", token(Claims::gitlab("demo/other", "main"))),
            bad("another audience", &oidc, 7, &["aud", "https://example.com"])
                .with("DEPLOY_TOKEN", token(gitlab().audience("https://example.com"))),
            bad("wrong signature", &oidc, 7, &["InvalidIdentityToken"])
                .with("DEPLOY_TOKEN", token(gitlab().wrong_signature())),
            bad("no role", &["--oidc-token-env", "DEPLOY_TOKEN"], 2, &["--role-arn"])
                .with("DEPLOY_TOKEN", token(gitlab())),
            bad(
                "no file",
                &["--oidc-token-file", "/nonexistent/token", "--role-arn", DEMO_ROLE_ARN],
                7,
                &["/nonexistent/token"],
            ),
            bad(
                "no variable name",
                &["--oidc-token-env", "", "--role-arn", DEMO_ROLE_ARN],
                2,
                &["--oidc-token-env"],
            ),
        ],
    )
    .await;
}

/// A task definition file and what must be told about it.
fn file(folder: &std::path::Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

#[tokio::test]
async fn bad_task_definition_files_are_named_with_line_and_column() {
    let cloud = Cloud::new("good").await;
    let folder = tempfile::tempdir().unwrap();
    let deep = "[".repeat(5000);
    let cases: Vec<(&str, &str, &[&str])> = vec![
        ("empty.json", "", &["empty.json"]),
        ("comma.json", "{\"family\": \"web\",\n}", &["comma.json:2:1"]),
        ("cut.json", "{\"family\": \"web\"", &["cut.json:1:16"]),
        ("list.json", "[]", &["list.json:1:1"]),
        (
            "family.json",
            "{\"containerDefinitions\": [{\"name\": \"web\", \"image\": \"web:1\"}]}",
            &["family"],
        ),
        ("containers.json", "{\"family\": \"web\"}", &["containerDefinitions"]),
        (
            "none.json",
            "{\"family\": \"web\",\n \"containerDefinitions\": []}",
            &["none.json:2:26", "containerDefinitions"],
        ),
        (
            "name.json",
            "{\"family\": \"web\",\n \"containerDefinitions\": [{\"image\": \"web:1\"}]}",
            &["name.json:2:27", "containerDefinitions[0].name"],
        ),
        (
            "twice.json",
            "{\"family\": \"web\", \"containerDefinitions\": [{\"name\": \"web\", \"image\": \"a:1\"},\n{\"name\": \"web\", \
             \"image\": \"a:1\"}]}",
            &["twice.json:2:10", "containerDefinitions[1].name"],
        ),
        ("key.json", "{\"family\": \"web\",\n \"family\": \"web\"}", &["key.json:2:2", "family"]),
        (
            "type.json",
            "{\"family\": \"web\", \"containerDefinitions\": [\n{\"name\": \"web\", \"image\": 5, \"memory\": \"512\"}]}",
            &[
                "type.json:2:26",
                "containerDefinitions[0].image",
                "type.json:2:39",
                "containerDefinitions[0].memory",
            ],
        ),
        (
            "capitals.json",
            "{\"Family\": \"web\", \"ContainerDefinitions\": []}",
            &["capitals.json", "CloudFormation"],
        ),
        ("yaml.json", "family: web\ncontainerDefinitions:\n  - name: web\n", &["YAML"]),
        ("service.json", "{\"serviceName\": \"web\", \"taskDefinition\": \"web:1\"}", &["service.json"]),
        ("deep.json", &deep, &["deep.json"]),
        (
            "pattern.json",
            "{\"family\": \"we b\", \"containerDefinitions\": [{\"name\": \"web\", \"image\": \"a:1\"}]}",
            &["pattern.json:1:12", "family"],
        ),
        (
            "balancer.json",
            "{\"family\": \"web\", \"containerDefinitions\": [{\"name\": \"web\", \"image\": \"a:1\"}]}",
            &["8080"],
        ),
    ];
    let many: Vec<Bad> = cases
        .into_iter()
        .map(|(name, text, told)| {
            let path = file(folder.path(), name, text);
            let path = path.to_string_lossy().into_owned();
            let told: &'static [&'static str] = Box::leak(
                told.iter().map(|words| &*Box::leak((*words).to_owned().into_boxed_str())).collect(),
            );
            bad("file", &["--task-definition", &path], 2, told)
        })
        .collect();
    all(&cloud, many).await;
}

#[tokio::test]
async fn all_problems_are_told_at_once() {
    let cloud = Cloud::new("good").await;
    let arguments =
        [&DEPLOY[..], &["--timeout", "soon", "--run-id", "a b", "--role-arn", "deploy", "--region", "mars"]];
    let mut arguments = arguments.concat();
    arguments[2] = "";
    let ran = run(cloud.command(&arguments)).await;
    assert_eq!(ran.code, 2);
    for field in ["--timeout", "--run-id", "--role-arn", "--region", "--cluster"] {
        assert!(ran.told().contains(field), "{field} is not in {}", ran.told());
    }
    assert!(cloud.simulator.calls().is_empty(), "{:?}", cloud.simulator.calls());
}
