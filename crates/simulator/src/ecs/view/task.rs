//! A task as DescribeTasks shows it.

use serde_json::{Value, json};

use super::deployment::digest;
use crate::ecs::RegionState;
use crate::ecs::model::{TaskContainer, TaskState, TaskStatus};
use crate::wire::json::epoch;

impl RegionState {
    pub(crate) fn task_view(&self, task: &TaskState) -> Value {
        let cluster = &task.service.cluster;
        let arn = self.task_arn(cluster, &task.id);
        let document = self.revision(&task.task_definition).map(|revision| &revision.document);
        let text = |name: &str| document.and_then(|document| document.string(name));
        let containers: Vec<Value> =
            task.containers.iter().map(|container| container_view(task, container, &arn)).collect();
        let launch_type =
            self.services.get(&task.service).map(|service| service.settings.value("launchType"));
        let mut view = json!({
            "taskArn": arn,
            "clusterArn": self.cluster_arn(cluster),
            "taskDefinitionArn": task.task_definition,
            "group": format!("service:{}", task.service.service),
            "startedBy": task.started_by(),
            "lastStatus": task.status.as_str(),
            "desiredStatus": if task.stopping { "STOPPED" } else { "RUNNING" },
            "healthStatus": health(task),
            "containers": containers,
            "attachments": attachments(task),
            "attributes": [],
            "overrides": { "containerOverrides": [] },
            "enableExecuteCommand": false,
            "createdAt": epoch(task.created_at),
            "version": 1,
            "tags": []
        });
        let times = [
            ("pullStartedAt", task.pull_started_at),
            ("pullStoppedAt", task.started_at),
            ("startedAt", task.started_at),
            ("stoppingAt", task.stopping_at),
            ("executionStoppedAt", task.stopped_at),
            ("stoppedAt", task.stopped_at),
        ];
        for (name, at) in times {
            if let Some(at) = at {
                view[name] = epoch(at).into();
            }
        }
        let texts = [
            ("cpu", text("cpu")),
            ("memory", text("memory")),
            ("stopCode", task.stop_code.map(str::to_owned)),
            ("stoppedReason", task.stopped_reason.clone()),
            ("launchType", launch_type.and_then(|value| value.as_str().map(str::to_owned))),
        ];
        for (name, value) in texts {
            if let Some(value) = value {
                view[name] = value.into();
            }
        }
        view
    }
}

/// The network interface of an awsvpc task; other network modes are shown alike, for they are not simulated.
fn attachments(task: &TaskState) -> Value {
    let status = if task.status == TaskStatus::Stopped { "DELETED" } else { "ATTACHED" };
    json!([{
        "id": attachment(task),
        "type": "ElasticNetworkInterface",
        "status": status,
        "details": [{ "name": "privateIPv4Address", "value": task.address() }]
    }])
}

fn attachment(task: &TaskState) -> String {
    let id = &task.id;
    let part = |from: usize, to: usize| id.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

/// A task's health is that of its containers with a health check; without one it is UNKNOWN.
fn health(task: &TaskState) -> &'static str {
    let checked = task.containers.iter().any(|container| container.info.health_check);
    match task {
        _ if task.unhealthy => "UNHEALTHY",
        _ if checked && task.healthy => "HEALTHY",
        _ => "UNKNOWN",
    }
}

fn container_view(task: &TaskState, container: &TaskContainer, task_arn: &str) -> Value {
    let arn = format!("{}/{}", task_arn.replacen(":task/", ":container/", 1), container.runtime_id);
    let status = match task.status {
        TaskStatus::Provisioning | TaskStatus::Pending => "PENDING",
        TaskStatus::Running | TaskStatus::Deactivating => "RUNNING",
        TaskStatus::Stopped => "STOPPED",
    };
    let mut view = json!({
        "containerArn": arn,
        "taskArn": task_arn,
        "name": container.info.name,
        "image": container.info.image,
        "lastStatus": status,
        "networkBindings": [],
        "networkInterfaces": [{ "attachmentId": attachment(task), "privateIpv4Address": task.address() }],
        "healthStatus": if container.info.health_check { health(task) } else { "UNKNOWN" },
        "cpu": "0"
    });
    if task.started_at.is_some() {
        view["runtimeId"] = container.runtime_id.as_str().into();
        view["imageDigest"] = digest(&container.info.image).into();
    }
    if let Some(code) = container.exit_code {
        view["exitCode"] = code.into();
    }
    if let Some(reason) = &container.reason {
        view["reason"] = reason.as_str().into();
    }
    view
}
