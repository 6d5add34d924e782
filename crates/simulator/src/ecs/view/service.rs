//! A service as DescribeServices and UpdateService show it.

use serde_json::{Value, json};

use crate::ecs::RegionState;
use crate::ecs::model::{Deployment, ServiceState, TaskStatus};
use crate::wire::Object;
use crate::wire::json::epoch;

/// Members of a service that are not shown on it but on its revisions and deployments.
const NOT_ON_SERVICE: [&str; 4] =
    ["serviceConnectConfiguration", "volumeConfigurations", "vpcLatticeConfigurations", "monitoring"];
/// Settings that a deployment shows.
const ON_DEPLOYMENT: [&str; 7] = [
    "launchType",
    "capacityProviderStrategy",
    "platformVersion",
    "networkConfiguration",
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
];

/// How many tasks of a deployment, or of a service, are where.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct TaskCounts {
    pub(super) pending: u32,
    pub(super) running: u32,
}

impl RegionState {
    /// Counts tasks; of one deployment, or of all. A task that drains still runs.
    pub(super) fn task_counts(&self, service: &ServiceState, digits: Option<&str>) -> TaskCounts {
        let mut counts = TaskCounts::default();
        for task in
            self.tasks_of(&service.key).filter(|task| digits.is_none_or(|digits| task.digits == digits))
        {
            match task.status {
                TaskStatus::Provisioning | TaskStatus::Pending if !task.stopping => counts.pending += 1,
                TaskStatus::Running | TaskStatus::Deactivating => counts.running += 1,
                _ => {}
            }
        }
        counts
    }

    pub(crate) fn service_view(&self, service: &ServiceState, tags: bool) -> Object {
        let key = &service.key;
        let counts = self.task_counts(service, None);
        let mut view = Object::default();
        view.put("serviceArn", self.service_arn(key))
            .put("serviceName", &key.service)
            .put("clusterArn", self.cluster_arn(&key.cluster))
            .put("loadBalancers", json!([]))
            .put("serviceRegistries", json!([]))
            .put("status", &service.status)
            .put("desiredCount", service.desired)
            .put("runningCount", counts.running)
            .put("pendingCount", counts.pending)
            .put("taskDefinition", &service.task_definition)
            .put("deploymentConfiguration", &service.configuration)
            .put("deployments", self.deployment_views(service))
            .put("events", events(service))
            .put("createdAt", epoch(service.created_at))
            .put("placementConstraints", json!([]))
            .put("placementStrategy", json!([]))
            .put("schedulingStrategy", "REPLICA")
            .put("deploymentController", json!({ "type": service.controller }))
            .put("createdBy", format!("arn:aws:iam::{}:root", self.account))
            .put("enableECSManagedTags", false)
            .put("propagateTags", "NONE")
            .put("enableExecuteCommand", false);
        let names: Vec<&str> =
            service.settings.names().filter(|name| !NOT_ON_SERVICE.contains(name)).collect();
        for name in names {
            view.copy(name, &service.settings);
        }
        if service.controller != "ECS" {
            view.put("taskSets", self.task_sets(service));
        } else if let Some(current) = service.history.last() {
            view.put("currentServiceDeployment", self.service_deployment_arn(key, &current.id));
            view.put("currentServiceRevisions", self.current_revisions(service));
        }
        if tags {
            view.put("tags", service.tags.to_value());
        }
        view
    }

    /// A service of another controller than ECS has no deployments (boto/botocore#2865).
    fn deployment_views(&self, service: &ServiceState) -> Vec<Object> {
        if service.controller != "ECS" {
            return Vec::new();
        }
        service.deployments.iter().map(|deployment| self.deployment_view(service, deployment)).collect()
    }

    fn deployment_view(&self, service: &ServiceState, deployment: &Deployment) -> Object {
        let counts = self.task_counts(service, Some(&deployment.digits));
        let revision = service.revisions.iter().find(|revision| revision.digits == deployment.digits);
        let settings = revision.map_or(&service.settings, |revision| &revision.settings);
        let mut view = Object::default();
        view.put("id", deployment.id())
            .put("status", if deployment.primary { "PRIMARY" } else { "ACTIVE" })
            .put("taskDefinition", &deployment.task_definition)
            .put("desiredCount", deployment.desired)
            .put("pendingCount", counts.pending)
            .put("runningCount", counts.running)
            .put("failedTasks", deployment.failed_tasks)
            .put("createdAt", epoch(deployment.created_at))
            .put("updatedAt", epoch(deployment.updated_at))
            .put("rolloutState", deployment.rollout.as_str())
            .put("rolloutStateReason", &deployment.reason);
        for name in ON_DEPLOYMENT {
            view.copy(name, settings);
        }
        view
    }

    fn current_revisions(&self, service: &ServiceState) -> Vec<Value> {
        let revision = |deployment: &Deployment| {
            let counts = self.task_counts(service, Some(&deployment.digits));
            json!({
                "arn": self.service_revision_arn(&service.key, &deployment.digits),
                "requestedTaskCount": deployment.desired,
                "runningTaskCount": counts.running,
                "pendingTaskCount": counts.pending
            })
        };
        service.deployments.iter().map(revision).collect()
    }

    /// One steady task set with all tasks: rollouts of these controllers are not simulated.
    fn task_sets(&self, service: &ServiceState) -> Vec<Object> {
        let Some(deployment) = service.primary() else { return Vec::new() };
        let counts = self.task_counts(service, None);
        let started_by = if service.controller == "CODE_DEPLOY" { "CODE_DEPLOY" } else { "EXTERNAL" };
        let mut set = Object::default();
        set.put("id", deployment.id())
            .put("taskSetArn", self.task_set_arn(&service.key, &deployment.digits))
            .put("serviceArn", self.service_arn(&service.key))
            .put("clusterArn", self.cluster_arn(&service.key.cluster))
            .put("startedBy", started_by)
            .put("status", "PRIMARY")
            .put("taskDefinition", &deployment.task_definition)
            .put("computedDesiredCount", service.desired)
            .put("pendingCount", counts.pending)
            .put("runningCount", counts.running)
            .put("createdAt", epoch(deployment.created_at))
            .put("updatedAt", epoch(deployment.updated_at))
            .put("scale", json!({ "value": 100.0, "unit": "PERCENT" }))
            .put("stabilityStatus", "STEADY_STATE")
            .put("stabilityStatusAt", epoch(deployment.updated_at));
        for name in ["launchType", "platformVersion", "networkConfiguration", "loadBalancers"] {
            set.copy(name, &service.settings);
        }
        vec![set]
    }
}

/// Newest first.
fn events(service: &ServiceState) -> Vec<Value> {
    let event = |event: &crate::ecs::model::Event| json!({ "id": event.id, "createdAt": epoch(event.at), "message": event.message });
    service.events.iter().rev().map(event).collect()
}
