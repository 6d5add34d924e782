//! No secret in anything that is printed or written.

use landfall_simulator::{DEMO_ROLE_ARN, DEMO_SECRET_ACCESS_KEY, Scenario, Simulator, World};
use serde_json::json;

use crate::support::{Cloud, DEPLOY, run};

/// Planted where secrets are: each must never be printed.
const CANARIES: [&str; 3] = ["canary-environment-value", "canary-in-a-file", "canary-session-token"];

fn world() -> World {
    let mut world = World::demo();
    let containers = json!([
        {
            "name": "web", "image": "registry.example.com/web:1.0", "essential": true,
            "portMappings": [{ "containerPort": 8080 }],
            "environment": [{ "name": "DATABASE_PASSWORD", "value": CANARIES[0] }],
            "logConfiguration": { "logDriver": "awslogs", "options": {
                "awslogs-group": "/demo/web", "awslogs-region": "eu-central-1", "awslogs-stream-prefix": "web" } }
        },
        { "name": "sidecar", "image": "registry.example.com/sidecar:1.0" }
    ]);
    let document = json!({
        "family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256",
        "memory": "512", "containerDefinitions": containers
    });
    let region = world.account("111122223333").region("eu-central-1");
    region.task_definition("web", document);
    region.cluster("demo").services.get_mut("web").unwrap().task_definition = "web:3".to_owned();
    world
}

#[tokio::test]
async fn what_is_secret_is_never_printed_in_any_outcome_and_form() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("task-definition.json");
    let text = format!(
        r#"{{"family": "web", "containerDefinitions": [{{"name": "web", "image": "a:1", "portMappings":
           [{{"containerPort": 8080}}], "environment": [{{"name": "TOKEN", "value": "{}"}}]}}]}}"#,
        CANARIES[1]
    );
    std::fs::write(&file, &text).unwrap();
    std::fs::write(folder.path().join("bad.json"), text.replace("\"a:1\"", "5")).unwrap();
    let file = file.to_string_lossy().into_owned();
    let bad = folder.path().join("bad.json").to_string_lossy().into_owned();
    let mut told = String::new();
    let mut secrets: Vec<String> = CANARIES.map(str::to_owned).to_vec();
    secrets.push(DEMO_SECRET_ACCESS_KEY.to_owned());
    for scenario in ["good", "crash", "access-denied", "session-expires"] {
        let simulator =
            Simulator::builder().world(world()).scenario(Scenario::named(scenario).unwrap()).build();
        let cloud = Cloud::of(simulator).await;
        let token = cloud.token();
        let mut runs = tokio::task::JoinSet::new();
        for form in ["human", "json"] {
            for more in [&["--plan"][..], &[], &["--task-definition", &file], &["--task-definition", &bad]] {
                let oidc =
                    ["--oidc-token-env", "DEPLOY_TOKEN", "--role-arn", DEMO_ROLE_ARN, "-v", "--output", form];
                let busy = ["--if-busy", "supersede"];
                let mut command = cloud.command(&[&DEPLOY[..], &oidc, &busy, more].concat());
                command
                    .env("DEPLOY_TOKEN", &token)
                    .env("AWS_SESSION_TOKEN", CANARIES[2])
                    .env("RUST_LOG", "trace");
                runs.spawn(run(command));
            }
        }
        while let Some(ran) = runs.join_next().await {
            told.push_str(&ran.unwrap().told());
        }
        for part in token.split('.') {
            secrets.push(part.to_owned());
        }
    }
    assert!(told.contains("environment[TOKEN]"), "the plan shows that it changed");
    for secret in secrets {
        assert!(!told.contains(&secret), "{} was printed", &secret[..8]);
    }
}
