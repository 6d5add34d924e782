//! Looking at, and meddling with, the simulated ECS from a test: as somebody else. Nothing here counts as a call.

use jiff::Timestamp;

use crate::ecs::RegionState;
use crate::ecs::model::{ServiceDeployment, ServiceKey, TaskState};
use crate::{Action, BehaviourRule, Simulator};

/// A handle on ECS in one region of one account.
#[derive(Debug, Clone)]
pub struct Ecs {
    simulator: Simulator,
    account: String,
    region: String,
}

/// A service deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceDeploymentView {
    /// Its ARN.
    pub arn: String,
    /// The id of the deployment it brings: `ecs-svc/<number>`.
    pub deployment_id: String,
    /// The ARN of the task definition that it rolls out; empty when its service revision is not known any more.
    pub task_definition: String,
    /// Its status.
    pub status: String,
    /// Its status reason.
    pub status_reason: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// The exact time at which it became final; none while it is under way.
    pub settled_at: Option<Timestamp>,
}

/// An entry of a service's `deployments`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeploymentView {
    /// `ecs-svc/<number>`.
    pub id: String,
    /// True for PRIMARY.
    pub primary: bool,
    /// The ARN of its task definition.
    pub task_definition: String,
    /// `IN_PROGRESS`, `COMPLETED` or `FAILED`.
    pub rollout_state: String,
    /// When it was created.
    pub created_at: Timestamp,
}

/// A revision of a task definition.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskDefinitionView {
    /// Its ARN.
    pub arn: String,
    /// Its revision number.
    pub revision: u32,
    /// False once it is deregistered.
    pub active: bool,
    /// The document as DescribeTaskDefinition shows it, numbers as they were sent.
    pub json: String,
    /// Its tags.
    pub tags: Vec<(String, String)>,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskView {
    /// Its id: the last segment of its ARN.
    pub id: String,
    /// The id of the deployment that started it.
    pub started_by: String,
    /// `lastStatus`.
    pub last_status: String,
    /// Why it stopped.
    pub stopped_reason: Option<String>,
}

impl Ecs {
    pub(crate) fn new(simulator: Simulator, account: &str, region: &str) -> Self {
        Self { simulator, account: account.to_owned(), region: region.to_owned() }
    }

    fn with<T>(&self, work: impl FnOnce(&mut RegionState) -> T) -> T {
        self.simulator.with_state(|state| work(state.region(&self.account, &self.region)))
    }

    /// The service deployments of a service, oldest first, those of before the start included.
    pub fn service_deployments(&self, cluster: &str, service: &str) -> Vec<ServiceDeploymentView> {
        let key = ServiceKey::new(cluster, service);
        self.with(|region| {
            let history =
                region.services.get(&key).map(|service| service.history.as_slice()).unwrap_or_default();
            history.iter().map(|deployment| service_deployment_view(region, &key, deployment)).collect()
        })
    }

    /// A service's `deployments`, PRIMARY first.
    pub fn deployments(&self, cluster: &str, service: &str) -> Vec<DeploymentView> {
        self.with(|region| {
            let service = region.services.get(&ServiceKey::new(cluster, service));
            let deployments = service.map(|service| service.deployments.as_slice()).unwrap_or_default();
            deployments
                .iter()
                .map(|deployment| DeploymentView {
                    id: deployment.id(),
                    primary: deployment.primary,
                    task_definition: deployment.task_definition.clone(),
                    rollout_state: deployment.rollout.as_str().to_owned(),
                    created_at: deployment.created_at,
                })
                .collect()
        })
    }

    /// All revisions of a family, oldest first.
    pub fn task_definitions(&self, family: &str) -> Vec<TaskDefinitionView> {
        self.with(|region| {
            let revisions = region.families.get(family).map(Vec::as_slice).unwrap_or_default();
            revisions
                .iter()
                .map(|revision| TaskDefinitionView {
                    arn: revision.arn.clone(),
                    revision: revision.number,
                    active: revision.active,
                    json: revision.document.to_json(),
                    tags: revision.tags.0.clone(),
                })
                .collect()
        })
    }

    /// The tasks of a service, stopped ones included, oldest first.
    pub fn tasks(&self, cluster: &str, service: &str) -> Vec<TaskView> {
        let key = ServiceKey::new(cluster, service);
        self.with(|region| region.tasks_of(&key).map(task_view).collect())
    }

    /// The messages of a service's events, oldest first.
    pub fn events(&self, cluster: &str, service: &str) -> Vec<String> {
        self.with(|region| {
            let service = region.services.get(&ServiceKey::new(cluster, service));
            let events = service.map(|service| service.events.as_slice()).unwrap_or_default();
            events.iter().map(|event| event.message.clone()).collect()
        })
    }

    /// Somebody else deploys a task definition (`family:revision`, family or ARN). False if there is no such service or
    /// task definition.
    pub fn update_service_as_other(&self, cluster: &str, service: &str, task_definition: &str) -> bool {
        self.with(|region| region.update_as_other(&ServiceKey::new(cluster, service), task_definition))
    }

    /// Somebody else stops the service deployment that is under way, with `ROLLBACK` or `ABORT`.
    pub fn stop_service_deployment_as_other(&self, cluster: &str, service: &str, stop_type: &str) {
        let action = Action::StopServiceDeployment {
            cluster: cluster.to_owned(),
            service: service.to_owned(),
            stop_type: stop_type.to_owned(),
        };
        self.with(|region| region.act(&action));
    }

    /// Somebody stops a task by its id. False if there is no such task or it was stopped already.
    pub fn stop_task(&self, id: &str) -> bool {
        self.with(|region| region.stop_by_user(id))
    }

    /// From now on tasks behave by this rule where it fits, before all other rules. Tasks that exist go on as they were.
    pub fn behave(&self, rule: BehaviourRule) {
        self.with(|region| region.add_behaviour(rule));
    }

    /// Sets a service's status, such as `DRAINING` or `INACTIVE`. False if there is no such service.
    pub fn set_service_status(&self, cluster: &str, service: &str, status: &str) -> bool {
        self.with(|region| {
            let service = region.services.get_mut(&ServiceKey::new(cluster, service));
            service.map(|service| status.clone_into(&mut service.status)).is_some()
        })
    }
}

fn service_deployment_view(
    region: &RegionState,
    key: &ServiceKey,
    deployment: &ServiceDeployment,
) -> ServiceDeploymentView {
    let revisions = region.services.get(key).map(|service| service.revisions.as_slice()).unwrap_or_default();
    let revision = revisions.iter().find(|revision| revision.digits == deployment.target);
    ServiceDeploymentView {
        arn: region.service_deployment_arn(key, &deployment.id),
        deployment_id: format!("ecs-svc/{}", deployment.target),
        task_definition: revision.map(|revision| revision.task_definition.clone()).unwrap_or_default(),
        status: deployment.status.clone(),
        status_reason: deployment.status_reason.clone(),
        created_at: deployment.created_at,
        settled_at: deployment.finished_at,
    }
}

fn task_view(task: &TaskState) -> TaskView {
    TaskView {
        id: task.id.clone(),
        started_by: task.started_by(),
        last_status: task.status.as_str().to_owned(),
        stopped_reason: task.stopped_reason.clone(),
    }
}
