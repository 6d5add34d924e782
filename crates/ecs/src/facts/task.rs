//! A task, as DescribeTasks answers it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::epoch;

/// `Task` of the ECS API.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Task {
    pub(crate) task_arn: String,
    pub(crate) task_definition_arn: String,
    /// The id of the deployment that started it.
    pub(crate) started_by: String,
    pub(crate) last_status: String,
    pub(crate) health_status: String,
    pub(crate) stop_code: String,
    pub(crate) stopped_reason: String,
    #[serde(deserialize_with = "epoch::read")]
    pub(crate) created_at: Option<Timestamp>,
    #[serde(deserialize_with = "epoch::read")]
    pub(crate) stopped_at: Option<Timestamp>,
    pub(crate) containers: Vec<TaskContainer>,
}

/// `Container` of the ECS API.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct TaskContainer {
    pub(crate) name: String,
    pub(crate) image: String,
    pub(crate) last_status: String,
    pub(crate) health_status: String,
    pub(crate) exit_code: Option<i64>,
    pub(crate) reason: String,
    pub(crate) network_interfaces: Vec<NetworkInterface>,
}

/// `NetworkInterface` of the ECS API: by its address a task is found among a load balancer's targets.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct NetworkInterface {
    pub(crate) private_ipv4_address: String,
}

impl Task {
    /// Whether the task has this private address.
    pub(crate) fn has_address(&self, address: &str) -> bool {
        let mut interfaces = self.containers.iter().flat_map(|container| &container.network_interfaces);
        interfaces.any(|interface| interface.private_ipv4_address == address)
    }
}
