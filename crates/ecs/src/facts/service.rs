//! A service, as DescribeServices and UpdateService answer it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::epoch;

/// `Service` of the ECS API.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Service {
    pub(crate) service_arn: String,
    pub(crate) cluster_arn: String,
    pub(crate) service_name: String,
    pub(crate) status: String,
    pub(crate) desired_count: u64,
    pub(crate) running_count: u64,
    pub(crate) pending_count: u64,
    pub(crate) task_definition: String,
    pub(crate) deployment_controller: Controller,
    pub(crate) deployment_configuration: Configuration,
    pub(crate) deployments: Vec<Deployment>,
    pub(crate) events: Vec<ServiceEvent>,
    pub(crate) load_balancers: Vec<LoadBalancer>,
    /// For how long failed health checks of a new task are ignored.
    pub(crate) health_check_grace_period_seconds: Option<u64>,
}

/// `LoadBalancer` of the ECS API: which container and port it sends requests to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct LoadBalancer {
    /// Missing for a Classic Load Balancer.
    pub(crate) target_group_arn: Option<String>,
    pub(crate) container_name: String,
    pub(crate) container_port: u16,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Controller {
    #[serde(rename = "type")]
    pub(crate) kind: String,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Configuration {
    pub(crate) deployment_circuit_breaker: Guard,
    pub(crate) alarms: Guard,
    pub(crate) maximum_percent: Option<u64>,
    pub(crate) minimum_healthy_percent: Option<u64>,
}

/// What ends a deployment that fails: the circuit breaker, or alarms.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Guard {
    pub(crate) enable: bool,
    pub(crate) rollback: bool,
}

/// `Deployment` of the ECS API: one of those that a service has at the moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Deployment {
    pub(crate) id: String,
    /// `PRIMARY`, `ACTIVE` or `INACTIVE`.
    pub(crate) status: String,
    pub(crate) task_definition: String,
    pub(crate) desired_count: u64,
    pub(crate) pending_count: u64,
    pub(crate) running_count: u64,
    pub(crate) failed_tasks: u64,
    #[serde(deserialize_with = "epoch::read")]
    pub(crate) created_at: Option<Timestamp>,
    #[serde(deserialize_with = "epoch::read")]
    pub(crate) updated_at: Option<Timestamp>,
    /// `COMPLETED`, `FAILED`, `IN_PROGRESS`; missing behind a Classic Load Balancer.
    pub(crate) rollout_state: Option<String>,
    pub(crate) rollout_state_reason: Option<String>,
}

/// `ServiceEvent` of the ECS API.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ServiceEvent {
    pub(crate) id: String,
    #[serde(deserialize_with = "epoch::read")]
    pub(crate) created_at: Option<Timestamp>,
    pub(crate) message: String,
}

impl Service {
    /// The deployment whose task definition the service is moving to or has moved to.
    pub(crate) fn primary(&self) -> Option<&Deployment> {
        self.deployments.iter().find(|deployment| deployment.status == "PRIMARY")
    }

    pub(crate) fn deployment(&self, id: &str) -> Option<&Deployment> {
        self.deployments.iter().find(|deployment| deployment.id == id)
    }

    /// How many tasks of other deployments than `id` still run.
    pub(crate) fn tasks_of_others(&self, id: &str) -> u64 {
        let others = self.deployments.iter().filter(|other| other.id != id);
        others.map(|other| other.running_count).fold(0, u64::saturating_add)
    }

    /// Events of our time, oldest first. ECS lists the newest first.
    pub(crate) fn events_since(&self, from: Timestamp) -> impl Iterator<Item = &ServiceEvent> {
        self.events.iter().rev().filter(move |event| event.created_at.is_some_and(|at| at >= from))
    }
}

impl Configuration {
    /// Whether AWS rolls a deployment back that has failed.
    pub(crate) fn rolls_back(&self) -> bool {
        [&self.deployment_circuit_breaker, &self.alarms].iter().any(|guard| guard.enable && guard.rollback)
    }
}

impl Deployment {
    pub(crate) fn is_rolling_out(&self) -> bool {
        self.rollout_state.as_deref() == Some("IN_PROGRESS")
    }

    /// Whether it holds all the tasks it should. What is left to go by where there is no rollout state.
    pub(crate) fn is_full(&self) -> bool {
        self.running_count >= self.desired_count && self.pending_count == 0
    }
}
