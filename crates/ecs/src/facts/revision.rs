//! Service revisions and the parts of a task definition that diagnosis looks at.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// `ServiceRevision` of the ECS API, as far as it is needed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ServiceRevision {
    pub(crate) service_revision_arn: String,
    pub(crate) task_definition: String,
}

/// A task definition, for diagnosis only. What is deployed is the raw document, see [`crate::document`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct TaskDefinition {
    pub(crate) container_definitions: Vec<Container>,
    pub(crate) memory: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Container {
    pub(crate) name: String,
    pub(crate) image: String,
    pub(crate) essential: Option<bool>,
    pub(crate) memory: Option<u64>,
    pub(crate) log_configuration: LogConfiguration,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct LogConfiguration {
    pub(crate) log_driver: String,
    pub(crate) options: BTreeMap<String, String>,
}

impl TaskDefinition {
    pub(crate) fn container(&self, name: &str) -> Option<&Container> {
        self.container_definitions.iter().find(|container| container.name == name)
    }
}
