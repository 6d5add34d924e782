//! Answers of ECS and CloudWatch Logs, whatever stands in them.

use aws_types::SdkConfig;
use jiff::Timestamp;
use landfall_aws::failure::Failure;
use landfall_core::{Context, Error, Place, State};
use serde_json::{Value, json};

use crate::client::Client;
use crate::facts::{self, Service, ServiceDeployment};
use crate::judge::{self, Facts};
use crate::memory::{Purpose, Watch};

/// The names that the answers of the corpus are about.
const OURS: &str = "ecs-svc/5434307699940903438";
const SERVICE: &str = "arn:aws:ecs:eu-central-1:111122223333:service/demo/web";

const PURPOSES: [Purpose; 5] =
    [Purpose::Deploy, Purpose::Busy, Purpose::Unchanged, Purpose::RollBack, Purpose::Restore];

/// Reads facts from any JSON and judges them.
pub fn answer(body: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(body) else { return };
    let part = |list: &str, one: &str| {
        let listed = value.get(list).and_then(|list| list.get(0));
        listed.or_else(|| value.get(one)).unwrap_or(&value).clone()
    };
    let service: Option<Service> = facts::read(part("services", "service")).ok();
    let ours: Option<ServiceDeployment> = facts::read(part("serviceDeployments", "serviceDeployment")).ok();
    let newer = value.get("newer").cloned().and_then(|newer| facts::read(newer).ok()).unwrap_or_default();
    let tasks: Option<Vec<facts::Task>> = value.get("tasks").cloned().and_then(|it| facts::read(it).ok());
    let _ = (tasks, facts::read::<facts::TaskDefinition>(part("", "taskDefinition")));
    for purpose in PURPOSES {
        let Some(watch) = watch(purpose) else { return };
        for now in [None, Timestamp::from_second(1_786_000_090).ok()] {
            let facts = Facts {
                service: service.clone(),
                service_deployment: ours.clone(),
                newer: Vec::clone(&newer),
                now,
                steady_before: true,
            };
            judged(&watch, &facts);
        }
    }
}

/// A success has its reason in the facts, whatever else they say.
fn judged(watch: &Watch, facts: &Facts) {
    let is_ready = |state: &State| matches!(state, State::Ready(_));
    if is_ready(&judge::rollout(watch, facts).state) {
        let needed = match watch.purpose {
            Purpose::RollBack => "ROLLBACK_SUCCESSFUL",
            _ => "SUCCESSFUL",
        };
        assert_eq!(facts.service_deployment.as_ref().map(|ours| ours.status.as_str()), Some(needed));
    }
    if is_ready(&judge::legacy(watch, facts).state) && watch.purpose != Purpose::RollBack {
        let primary = facts.service.as_ref().and_then(Service::primary);
        assert!(primary.is_some_and(|primary| primary.id == OURS), "{primary:?}");
        let state = primary.and_then(|primary| primary.rollout_state.as_deref());
        assert!(matches!(state, None | Some("COMPLETED")), "{state:?}");
    }
    if is_ready(&judge::standing(watch, facts).state) {
        let state = facts.service.as_ref().and_then(Service::primary);
        let state = state.and_then(|primary| primary.rollout_state.as_deref());
        assert!(!matches!(state, Some("IN_PROGRESS" | "FAILED")), "{state:?}");
    }
}

fn watch(purpose: Purpose) -> Option<Watch> {
    let watch = json!({
        "purpose": purpose, "service_arn": SERVICE, "desired": 2, "old_tasks": 2,
        "deployment": {
            "id": OURS, "created_at": "2026-08-06T06:26:40Z", "service_deployment": null,
            "task_definition": "arn:aws:ecs:eu-central-1:111122223333:task-definition/web:3",
        },
        "before": {
            "id": "ecs-svc/1111111111111111111", "created_at": null, "updated_at": null, "rollout_state": null,
            "task_definition": "arn:aws:ecs:eu-central-1:111122223333:task-definition/web:2",
        },
        "goal": "arn:aws:ecs:eu-central-1:111122223333:task-definition/web:2",
    });
    serde_json::from_value(watch).ok()
}

/// Makes a call, chosen by `operation`, to a server that says anything. The caller's tokio runtime has its clock paused,
/// because failed reads are repeated after a pause.
pub async fn exchange(config: &SdkConfig, operation: u8) {
    let place = Place::new("aws", "111122223333", "eu-central-1");
    let client = Client::new(config, &place, "demo", "web");
    let cx = Context::builder("fuzz/1/deploy/production").build();
    if let Err((name, failure)) = called(&client, &cx, operation).await {
        let report = Error::from(failure).report();
        assert!(report.contains(name), "{name} is not named: {report}");
    }
}

async fn called(client: &Client, cx: &Context, operation: u8) -> Result<(), (&'static str, Failure)> {
    let arns = ["arn:aws:ecs:eu-central-1:111122223333:service-deployment/demo/web/a".to_owned()];
    macro_rules! made {
        ($name:literal, $call:expr) => {
            $call.await.map(drop).map_err(|failure| ($name, failure))
        };
    }
    match operation % 12 {
        0 => {
            let described = client.describe_service(cx).await.map_err(|it| ("DescribeServices", it))?;
            let name = described.value.map(|service| service.service_name);
            assert!(name.is_none_or(|name| name.is_empty() || name == "web"));
            Ok(())
        }
        1 => made!("UpdateService", client.update_service(cx, "web:3", false)),
        2 => made!("ListServiceDeployments", client.list_service_deployments(cx, None, &[])),
        3 => {
            let described = client.describe_service_deployment(cx, &arns[0]).await;
            let described = described.map_err(|it| ("DescribeServiceDeployments", it))?;
            let arn = described.value.map(|found| found.service_deployment_arn);
            assert!(arn.is_none_or(|arn| arn == arns[0]));
            Ok(())
        }
        4 => made!("DescribeServiceRevisions", client.describe_service_revisions(cx, &arns)),
        5 => made!("StopServiceDeployment", client.roll_back(cx, &arns[0])),
        6 => made!("DescribeTaskDefinition", client.describe_task_definition(cx, "web")),
        7 => made!("ListTaskDefinitions", client.list_revisions(cx, "web", 20)),
        8 => made!("ListServices", client.list_services(cx)),
        9 => made!("ListClusters", client.list_clusters(cx)),
        10 => made!("DescribeTasks", client.describe_tasks(cx, &arns)),
        _ => made!("GetLogEvents", client.log_tail(cx, "/ecs/web", "web/web/1", 50)),
    }
}
