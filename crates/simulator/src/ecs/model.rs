//! The things there are: clusters, revisions of task definitions, services with their deployments, tasks.

use super::definition::{ContainerInfo, Tags};
use crate::Behaviour;
use crate::wire::Object;
use jiff::Timestamp;

/// A cluster.
#[derive(Debug, Clone)]
pub(crate) struct ClusterState {
    pub(crate) name: String,
    pub(crate) status: String,
    pub(crate) tags: Tags,
}

/// A service by its cluster's and its own name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ServiceKey {
    pub(crate) cluster: String,
    pub(crate) service: String,
}

/// A service.
#[derive(Debug, Clone)]
pub(crate) struct ServiceState {
    pub(crate) key: ServiceKey,
    pub(crate) status: String,
    pub(crate) controller: String,
    pub(crate) desired: u32,
    pub(crate) task_definition: String,
    /// `deploymentConfiguration`, member by member.
    pub(crate) configuration: Object,
    /// Other members as UpdateService takes them.
    pub(crate) settings: Object,
    /// What DescribeServices lists: the PRIMARY first.
    pub(crate) deployments: Vec<Deployment>,
    /// Service deployments, oldest first.
    pub(crate) history: Vec<ServiceDeployment>,
    /// Service revisions, oldest first.
    pub(crate) revisions: Vec<ServiceRevision>,
    /// Events, oldest first.
    pub(crate) events: Vec<Event>,
    pub(crate) created_at: Timestamp,
    pub(crate) tags: Tags,
}

/// An entry of a service's `deployments`.
#[derive(Debug, Clone)]
pub(crate) struct Deployment {
    /// The number in `ecs-svc/<number>`, and the id of the service revision.
    pub(crate) digits: String,
    pub(crate) primary: bool,
    /// False while the service deployment is PENDING.
    pub(crate) begun: bool,
    pub(crate) task_definition: String,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) rollout: Rollout,
    pub(crate) reason: String,
    pub(crate) failed_tasks: u32,
    pub(crate) desired: u32,
}

/// `rolloutState`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rollout {
    InProgress,
    Completed,
    Failed,
}

/// A service revision: what a service deployment brings, or a rollback brings back.
#[derive(Debug, Clone)]
pub(crate) struct ServiceRevision {
    pub(crate) digits: String,
    pub(crate) task_definition: String,
    pub(crate) settings: Object,
    pub(crate) created_at: Timestamp,
    /// True once a deployment to it was successful: it can be rolled back to.
    pub(crate) successful: bool,
}

/// A service deployment.
#[derive(Debug, Clone)]
pub(crate) struct ServiceDeployment {
    pub(crate) id: String,
    pub(crate) target: String,
    pub(crate) sources: Vec<String>,
    pub(crate) status: String,
    pub(crate) status_reason: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) finished_at: Option<Timestamp>,
    pub(crate) stopped_at: Option<Timestamp>,
    pub(crate) updated_at: Timestamp,
    pub(crate) rollback: Option<Rollback>,
    pub(crate) breaker: Monitor,
    pub(crate) failure_count: u32,
    pub(crate) threshold: u32,
    pub(crate) alarms: Monitor,
    pub(crate) triggered_alarms: Vec<String>,
    /// `ROLLBACK` or `ABORT`, once somebody has asked for it.
    pub(crate) stop_type: Option<String>,
    /// Lifecycle hooks that were reached.
    pub(crate) hooks: Vec<Hook>,
    pub(crate) configuration: Object,
}

/// A lifecycle hook of the type PAUSE that a service deployment has reached.
#[derive(Debug, Clone)]
pub(crate) struct Hook {
    pub(crate) id: String,
    pub(crate) stage: String,
    /// `AWAITING_ACTION`, `SUCCEEDED`, `FAILED` or `TIMED_OUT`.
    pub(crate) status: &'static str,
    pub(crate) expires_at: Timestamp,
    /// `CONTINUE` or `ROLLBACK`.
    pub(crate) timeout_action: String,
}

/// A rollback under way or done.
#[derive(Debug, Clone)]
pub(crate) struct Rollback {
    pub(crate) reason: String,
    pub(crate) started_at: Timestamp,
    /// The revision that is brought back.
    pub(crate) digits: String,
}

/// `ServiceDeploymentRollbackMonitorsStatus`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Monitor {
    Disabled,
    Monitoring,
    MonitoringComplete,
    Triggered,
}

/// A service event.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) at: Timestamp,
    pub(crate) message: String,
}

/// A task.
#[derive(Debug, Clone)]
pub(crate) struct TaskState {
    pub(crate) id: String,
    pub(crate) service: ServiceKey,
    /// The deployment that started it.
    pub(crate) digits: String,
    pub(crate) task_definition: String,
    pub(crate) status: TaskStatus,
    /// `desiredStatus` is STOPPED.
    pub(crate) stopping: bool,
    pub(crate) healthy: bool,
    pub(crate) unhealthy: bool,
    pub(crate) created_at: Timestamp,
    pub(crate) pull_started_at: Option<Timestamp>,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) stopping_at: Option<Timestamp>,
    pub(crate) stopped_at: Option<Timestamp>,
    pub(crate) stop_code: Option<&'static str>,
    pub(crate) stopped_reason: Option<String>,
    pub(crate) containers: Vec<TaskContainer>,
    pub(crate) behaviour: Behaviour,
}

/// A container of a task.
#[derive(Debug, Clone)]
pub(crate) struct TaskContainer {
    pub(crate) info: ContainerInfo,
    pub(crate) runtime_id: String,
    pub(crate) exit_code: Option<i32>,
    pub(crate) reason: Option<String>,
}

/// `lastStatus`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TaskStatus {
    Provisioning,
    Pending,
    Running,
    Deactivating,
    Stopped,
}

impl ServiceKey {
    pub(crate) fn new(cluster: &str, service: &str) -> Self {
        Self { cluster: cluster.to_owned(), service: service.to_owned() }
    }
}

impl Deployment {
    pub(crate) fn id(&self) -> String {
        format!("ecs-svc/{}", self.digits)
    }
}

impl ServiceDeployment {
    /// True if nothing will happen to it any more.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self.status.as_str(), "SUCCESSFUL" | "STOPPED" | "ROLLBACK_SUCCESSFUL" | "ROLLBACK_FAILED")
    }
}

impl ServiceState {
    pub(crate) fn primary(&self) -> Option<&Deployment> {
        self.deployments.iter().find(|deployment| deployment.primary)
    }

    pub(crate) fn primary_mut(&mut self) -> Option<&mut Deployment> {
        self.deployments.iter_mut().find(|deployment| deployment.primary)
    }

    pub(crate) fn deployment_mut(&mut self, digits: &str) -> Option<&mut Deployment> {
        self.deployments.iter_mut().find(|deployment| deployment.digits == digits)
    }

    pub(crate) fn service_deployment(&self, id: &str) -> Option<&ServiceDeployment> {
        self.history.iter().find(|deployment| deployment.id == id)
    }

    pub(crate) fn service_deployment_mut(&mut self, id: &str) -> Option<&mut ServiceDeployment> {
        self.history.iter_mut().find(|deployment| deployment.id == id)
    }

    /// The service deployment that brings the PRIMARY deployment, if it is not over.
    pub(crate) fn current_mut(&mut self) -> Option<&mut ServiceDeployment> {
        let digits = self.primary()?.digits.clone();
        self.history.iter_mut().rev().find(|deployment| {
            let brings = match &deployment.rollback {
                Some(rollback) => rollback.digits == digits,
                None => deployment.target == digits,
            };
            brings && !deployment.is_final()
        })
    }
}

impl TaskState {
    /// Its private address: made of its id, so that the same task always has the same one.
    pub(crate) fn address(&self) -> String {
        let part =
            |from: usize| u8::from_str_radix(self.id.get(from..from + 2).unwrap_or("0"), 16).unwrap_or(0);
        format!("10.0.{}.{}", part(0), 1 + part(2) % 254)
    }

    /// True if the task counts against the service's percentages: nobody has told it to stop.
    pub(crate) fn is_live(&self) -> bool {
        !self.stopping && self.status != TaskStatus::Stopped
    }
}

impl TaskStatus {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Provisioning => "PROVISIONING",
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Deactivating => "DEACTIVATING",
            Self::Stopped => "STOPPED",
        }
    }
}

impl Monitor {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "DISABLED",
            Self::Monitoring => "MONITORING",
            Self::MonitoringComplete => "MONITORING_COMPLETE",
            Self::Triggered => "TRIGGERED",
        }
    }

    pub(crate) fn enabled(enabled: bool) -> Self {
        if enabled { Self::Monitoring } else { Self::Disabled }
    }

    /// What it is when the deployment is over.
    pub(crate) fn finish(&mut self) {
        if *self == Self::Monitoring {
            *self = Self::MonitoringComplete;
        }
    }
}

impl Rollout {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
        }
    }
}
