//! What the calls of ECS answer, asked by a real SDK client.
//!
//! Documented: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/Welcome.html>, each call on its own page.

use aws_sdk_ecs::error::ProvideErrorMetadata;
use aws_sdk_ecs::types::{Deployment, Service, ServiceField, TaskDefinitionField};
use serde_json::{Value, json};

use super::{Behaviour, behaviour};
use crate::cloud::Cloud;
use crate::http;

pub(super) const BEHAVIOURS: &[Behaviour] = &[
    behaviour!("a task definition comes back with every member", "nothing is lost", round_trip),
    behaviour!("enableFaultInjection comes back", "nothing is lost", fault_injection),
    behaviour!("revisions count from one", "1, 2, after a deregistration 3", revisions),
    behaviour!("a family stands for its newest active revision", "2, after a deregistration 1", newest),
    behaviour!("tags are told when asked for", "1 tag, unasked 0", tags),
    behaviour!("no containers are refused", "ClientException", no_containers),
    behaviour!("cpu and memory must be a pair that Fargate knows", "ClientException", fargate_pair),
    behaviour!("a missing revision cannot be described", "ClientException", missing_revision),
    behaviour!("a service at rest", "one deployment: PRIMARY COMPLETED of web:2, 2 of 2 running", at_rest),
    behaviour!(
        "an update answers with a new deployment",
        "PRIMARY: new id, web:3, IN_PROGRESS; beside it ACTIVE: the old id, web:2",
        updated
    ),
    behaviour!(
        "the new deployment is described after the update",
        "PRIMARY: the id of the update, web:3",
        described
    ),
    behaviour!("the same task definition again starts nothing", "the id stays", same_again),
    behaviour!("another count starts nothing", "the id stays", other_count),
    behaviour!("force starts a deployment of the same task definition", "new id, web:2", forced),
    behaviour!(
        "a new deployment is listed as a service deployment",
        "the newest is of the new revision",
        listed
    ),
    behaviour!("a missing service is described as missing", "MISSING", missing_service),
    behaviour!("a missing service is not updated", "ServiceNotFoundException", update_missing_service),
    behaviour!(
        "services of a missing cluster are not described",
        "ClusterNotFoundException",
        missing_cluster
    ),
    behaviour!(
        "services of a missing cluster are not updated",
        "ClusterNotFoundException",
        update_missing_cluster
    ),
    behaviour!("a missing family is not deployed", "ClientException", missing_family),
    behaviour!("a missing revision is not deployed", "ClientException", update_missing_revision),
    behaviour!("an inactive revision is not deployed", "ClientException", inactive_revision),
    behaviour!("at most ten services are described at once", "InvalidParameterException", eleven_services),
    behaviour!("an operation that does not exist", "UnknownOperationException", unknown_operation),
];

/// What was told: the answer, or the code of the refusal.
fn code<T, E: ProvideErrorMetadata>(answered: Result<T, E>) -> String {
    match answered {
        Ok(_) => "accepted".to_owned(),
        Err(error) => error.code().unwrap_or("a refusal without a code").to_owned(),
    }
}

/// `web:3` of an ARN.
fn short(arn: Option<&str>) -> &str {
    arn.and_then(|arn| arn.rsplit('/').next()).unwrap_or("nothing")
}

fn primary(service: &Service) -> &Deployment {
    service.deployments().iter().find(|one| one.status() == Some("PRIMARY")).unwrap()
}

async fn service(cloud: &Cloud) -> Service {
    let asked = cloud.ecs().describe_services().cluster("demo").services("web").send().await;
    asked.unwrap().services.unwrap().remove(0)
}

/// Registers a third revision of `web` as it is, with another image.
async fn third_revision(cloud: &Cloud) -> String {
    let live = cloud.ecs().describe_task_definition().task_definition("web").send().await.unwrap();
    let live = live.task_definition.unwrap();
    let mut containers = live.container_definitions.unwrap();
    containers[0].image = Some("registry.example.com/web:2.0".to_owned());
    let request = cloud.ecs().register_task_definition().family("web").cpu("256").memory("512");
    let request =
        request.requires_compatibilities("FARGATE".into()).set_container_definitions(Some(containers));
    let made = request.set_network_mode(live.network_mode).send().await.unwrap();
    made.task_definition.unwrap().task_definition_arn.unwrap()
}

async fn update(cloud: &Cloud, task_definition: &str) -> Service {
    let request = cloud.ecs().update_service().cluster("demo").service("web");
    request.task_definition(task_definition).send().await.unwrap().service.unwrap()
}

async fn round_trip(cloud: &Cloud) -> String {
    let text = include_str!("task-definition.json").replace("111122223333", &cloud.home.id);
    let sent = serde_json::from_str(&text).unwrap();
    lost(cloud, &sent).await
}

async fn fault_injection(cloud: &Cloud) -> String {
    let sent = json!({
        "family": "rich", "enableFaultInjection": true,
        "containerDefinitions": [{ "name": "web", "image": "registry.example.com/web:1", "memory": 128 }]
    });
    lost(cloud, &sent).await
}

/// The members that RegisterTaskDefinition or DescribeTaskDefinition answers otherwise than they were sent.
async fn lost(cloud: &Cloud, sent: &Value) -> String {
    let call = async |operation: &str, body: &Value| {
        http::ecs(cloud.upstream, &cloud.home.admin, operation, body).await["taskDefinition"].clone()
    };
    let registered = call("RegisterTaskDefinition", sent).await;
    let described = call("DescribeTaskDefinition", &json!({ "taskDefinition": "rich" })).await;
    let mut missing = Vec::new();
    for answer in [registered, described] {
        compare("", sent, &answer, &mut missing);
    }
    missing.dedup();
    if missing.is_empty() { "nothing is lost".to_owned() } else { format!("lost: {}", missing.join(", ")) }
}

/// Everything that was sent must be there; the server may add to it.
fn compare(path: &str, sent: &Value, got: &Value, missing: &mut Vec<String>) {
    match (sent, got) {
        (Value::Object(sent), Value::Object(got)) => {
            for (name, value) in sent {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                compare(&path, value, got.get(name).unwrap_or(&Value::Null), missing);
            }
        }
        (Value::Array(sent), Value::Array(got)) if sent.len() == got.len() => {
            sent.iter().zip(got).for_each(|(sent, got)| compare(path, sent, got, missing));
        }
        (sent, got) if sent == got => {}
        _ => missing.push(path.to_owned()),
    }
}

async fn revisions(cloud: &Cloud) -> String {
    let register = async || {
        let document = json!({
            "family": "counted",
            "containerDefinitions": [{ "name": "web", "image": "registry.example.com/web:1", "memory": 128 }]
        });
        http::ecs(cloud.upstream, &cloud.home.admin, "RegisterTaskDefinition", &document).await["taskDefinition"]
            ["revision"]
            .clone()
    };
    let (first, second) = (register().await, register().await);
    deregister(cloud, "counted:2").await;
    format!("{first}, {second}, after a deregistration {}", register().await)
}

async fn deregister(cloud: &Cloud, name: &str) {
    cloud.ecs().deregister_task_definition().task_definition(name).send().await.unwrap();
}

async fn newest(cloud: &Cloud) -> String {
    let of_family = async || {
        let asked = cloud.ecs().describe_task_definition().task_definition("web").send().await;
        asked.unwrap().task_definition.unwrap().revision()
    };
    let before = of_family().await;
    deregister(cloud, "web:2").await;
    format!("{before}, after a deregistration {}", of_family().await)
}

async fn tags(cloud: &Cloud) -> String {
    let ask = || cloud.ecs().describe_task_definition().task_definition("web:2");
    let asked = ask().include(TaskDefinitionField::Tags).send().await.unwrap().tags().len();
    let unasked = ask().send().await.unwrap().tags().len();
    format!("{asked} tag, unasked {unasked}")
}

async fn no_containers(cloud: &Cloud) -> String {
    let request = cloud.ecs().register_task_definition().family("none");
    code(request.set_container_definitions(Some(Vec::new())).send().await)
}

async fn fargate_pair(cloud: &Cloud) -> String {
    let body = json!({
        "family": "odd", "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "8192",
        "containerDefinitions": [{ "name": "web", "image": "registry.example.com/web:1" }]
    });
    raw_code(cloud, "RegisterTaskDefinition", &body).await
}

/// The code of a refusal, by a body that the SDK's types would not make.
async fn raw_code(cloud: &Cloud, operation: &str, body: &Value) -> String {
    let answer = http::ecs_answer(cloud.upstream, &cloud.home.admin, operation, body).await;
    if answer.status.is_success() {
        return "accepted".to_owned();
    }
    let told = answer.json();
    let told = told["__type"].as_str().unwrap_or("a refusal without a code");
    told.rsplit('#').next().unwrap_or_default().to_owned()
}

async fn missing_revision(cloud: &Cloud) -> String {
    code(cloud.ecs().describe_task_definition().task_definition("web:99").send().await)
}

async fn at_rest(cloud: &Cloud) -> String {
    let service = service(cloud).await;
    let primary = primary(&service);
    let count = match service.deployments().len() {
        1 => "one deployment".to_owned(),
        more => format!("{more} deployments"),
    };
    format!(
        "{count}: PRIMARY {} of {}, {} of {} running",
        primary.rollout_state().map_or("without a state", |state| state.as_str()),
        short(primary.task_definition()),
        primary.running_count(),
        primary.desired_count()
    )
}

async fn updated(cloud: &Cloud) -> String {
    let before = service(cloud).await;
    let old = primary(&before).id();
    let after = update(cloud, &third_revision(cloud).await).await;
    let new = primary(&after);
    let id = if new.id() == old { "the old id" } else { "new id" };
    let state = new.rollout_state().map_or("no state", |state| state.as_str());
    let beside = after.deployments().iter().find(|one| one.id() == old && one.id() != new.id());
    let beside = beside.map_or("nothing".to_owned(), |one| {
        format!("{}: the old id, {}", one.status().unwrap_or_default(), short(one.task_definition()))
    });
    format!("PRIMARY: {id}, {}, {state}; beside it {beside}", short(new.task_definition()))
}

async fn described(cloud: &Cloud) -> String {
    let answered = update(cloud, &third_revision(cloud).await).await;
    let after = service(cloud).await;
    let shown = primary(&after);
    let same = if shown.id() == primary(&answered).id() { "the id of the update" } else { "another id" };
    format!("PRIMARY: {same}, {}", short(shown.task_definition()))
}

async fn same_again(cloud: &Cloud) -> String {
    let before = service(cloud).await;
    told(&before, &update(cloud, "web:2").await, "")
}

/// Whether the primary deployment is still the same one.
fn told(before: &Service, after: &Service, more: &str) -> String {
    let stays = primary(before).id() == primary(after).id();
    if stays { "the id stays".to_owned() } else { format!("new id{more}") }
}

async fn other_count(cloud: &Cloud) -> String {
    let before = service(cloud).await;
    let request = cloud.ecs().update_service().cluster("demo").service("web").desired_count(3);
    told(&before, &request.send().await.unwrap().service.unwrap(), "")
}

async fn forced(cloud: &Cloud) -> String {
    let before = service(cloud).await;
    let request = cloud.ecs().update_service().cluster("demo").service("web").force_new_deployment(true);
    let after = request.send().await.unwrap().service.unwrap();
    told(&before, &after, &format!(", {}", short(primary(&after).task_definition())))
}

async fn listed(cloud: &Cloud) -> String {
    let answered = update(cloud, &third_revision(cloud).await).await;
    let digits = primary(&answered).id().unwrap().rsplit('/').next().unwrap().to_owned();
    let listed = cloud.ecs().list_service_deployments().cluster("demo").service("web").send().await.unwrap();
    match listed.service_deployments().first() {
        None => "none is listed".to_owned(),
        Some(newest) if newest.target_service_revision_arn().is_some_and(|arn| arn.ends_with(&digits)) => {
            "the newest is of the new revision".to_owned()
        }
        Some(_) => "the newest is of another revision".to_owned(),
    }
}

async fn missing_service(cloud: &Cloud) -> String {
    let request = cloud.ecs().describe_services().cluster("demo").services("nothing");
    let answer = request.include(ServiceField::Tags).send().await.unwrap();
    answer.failures().first().and_then(|failure| failure.reason()).unwrap_or("no failure").to_owned()
}

async fn update_missing_service(cloud: &Cloud) -> String {
    code(cloud.ecs().update_service().cluster("demo").service("nothing").desired_count(1).send().await)
}

async fn missing_cluster(cloud: &Cloud) -> String {
    code(cloud.ecs().describe_services().cluster("nothing").services("web").send().await)
}

async fn update_missing_cluster(cloud: &Cloud) -> String {
    code(cloud.ecs().update_service().cluster("nothing").service("web").desired_count(1).send().await)
}

async fn missing_family(cloud: &Cloud) -> String {
    let request = cloud.ecs().update_service().cluster("demo").service("web");
    code(request.task_definition("nothing").send().await)
}

async fn update_missing_revision(cloud: &Cloud) -> String {
    let request = cloud.ecs().update_service().cluster("demo").service("web");
    let arn = format!("arn:aws:ecs:eu-central-1:{}:task-definition/web:99", cloud.home.id);
    code(request.task_definition(arn).send().await)
}

async fn inactive_revision(cloud: &Cloud) -> String {
    deregister(cloud, "web:1").await;
    let request = cloud.ecs().update_service().cluster("demo").service("web");
    code(request.task_definition("web:1").send().await)
}

async fn eleven_services(cloud: &Cloud) -> String {
    let names = (0..11).map(|number| format!("web-{number}")).collect();
    code(cloud.ecs().describe_services().cluster("demo").set_services(Some(names)).send().await)
}

async fn unknown_operation(cloud: &Cloud) -> String {
    raw_code(cloud, "Nothing", &json!({})).await
}
