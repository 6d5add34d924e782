//! Least privilege: the policy of the README is enough, what it calls optional may be missing, what it requires is
//! named when it is missing.

use super::release::told;
use super::{Behaviour, behaviour};
use crate::cloud::{Cloud, Kind};
use crate::ministack::Servers;
use crate::policy::{Policy, optional, required_of_ecs};
use crate::support::{DEPLOY, run};

pub(super) const BEHAVIOURS: &[Behaviour] = &[
    behaviour!(restaged "a role with the README's policy alone", "exit 0", required_alone),
    behaviour!(restaged "a role without one of the optional permissions", "exit 0, whichever it is", without_optional),
    behaviour!(
        restaged "a role without one of the required permissions",
        "exit 1 and its name, whichever it is",
        without_required
    ),
    behaviour!(
        restaged "a role that may tag nothing",
        "exit 0; writes RegisterTaskDefinition RegisterTaskDefinition UpdateService",
        untagged
    ),
];

/// A job that deploys a task definition without tags of its own: those need a permission that is optional.
async fn job(servers: &Servers, kind: Kind, policy: &Policy) -> (Cloud, crate::support::Ran) {
    let cloud = Cloud::allowing(kind, servers, policy).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("task-definition.json");
    let text = r#"{"family": "web", "networkMode": "awsvpc", "cpu": "256", "memory": "512",
        "requiresCompatibilities": ["FARGATE"], "containerDefinitions": [{"name": "web", "image": "web:1",
        "portMappings": [{"containerPort": 8080}]}]}"#;
    std::fs::write(&file, text).unwrap();
    let file = file.to_string_lossy().into_owned();
    let arguments = [&DEPLOY[..], &["--task-definition", &file]].concat();
    let ran = run(cloud.job(&cloud.token(), &arguments)).await;
    (cloud, ran)
}

async fn required_alone(servers: &Servers, kind: Kind) -> String {
    let (_, ran) = job(servers, kind, &Policy::required()).await;
    if ran.code == 0 { "exit 0".to_owned() } else { format!("exit {}:\n{}", ran.code, ran.told()) }
}

async fn without_optional(servers: &Servers, kind: Kind) -> String {
    let runs = optional().into_iter().map(|row| async move {
        let (_, ran) = job(servers, kind, &Policy::full().without(&row)).await;
        (ran.code != 0).then(|| format!("exit {} without {row:?}:\n{}", ran.code, ran.told()))
    });
    let wrong: Vec<String> = futures_util::future::join_all(runs).await.into_iter().flatten().collect();
    if wrong.is_empty() { "exit 0, whichever it is".to_owned() } else { wrong.join("\n") }
}

async fn without_required(servers: &Servers, kind: Kind) -> String {
    let runs = required_of_ecs().into_iter().map(|action| async move {
        let (_, ran) = job(servers, kind, &Policy::full().without(std::slice::from_ref(&action))).await;
        let named = ran.code == 1 && ran.told().contains(&action);
        (!named).then(|| format!("exit {} without {action}:\n{}", ran.code, ran.told()))
    });
    let wrong: Vec<String> = futures_util::future::join_all(runs).await.into_iter().flatten().collect();
    if wrong.is_empty() { "exit 1 and its name, whichever it is".to_owned() } else { wrong.join("\n") }
}

async fn untagged(servers: &Servers, kind: Kind) -> String {
    let (cloud, ran) = job(servers, kind, &Policy::required()).await;
    told(&cloud, &ran, &[])
}
