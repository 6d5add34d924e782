//! Service revisions and the parts of a task definition that diagnosis looks at.

use std::collections::BTreeMap;
use std::fmt;

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
    pub(crate) execution_role_arn: Option<String>,
    pub(crate) runtime_platform: RuntimePlatform,
    pub(crate) volumes: Vec<Volume>,
}

/// `RuntimePlatform` of the ECS API.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct RuntimePlatform {
    pub(crate) cpu_architecture: String,
    pub(crate) operating_system_family: String,
}

/// `Volume` of the ECS API, as far as it is needed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Volume {
    pub(crate) name: String,
    pub(crate) efs_volume_configuration: FileSystem,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct FileSystem {
    pub(crate) file_system_id: String,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Container {
    pub(crate) name: String,
    pub(crate) image: String,
    pub(crate) essential: Option<bool>,
    pub(crate) memory: Option<u64>,
    pub(crate) entry_point: Words,
    pub(crate) command: Words,
    pub(crate) port_mappings: Vec<PortMapping>,
    pub(crate) secrets: Vec<Secret>,
    pub(crate) environment_files: Vec<EnvironmentFile>,
    pub(crate) health_check: Option<HealthCheck>,
    pub(crate) log_configuration: LogConfiguration,
}

/// The words of a command. `Debug` shows none of them, for some people put secrets there.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Words(pub(crate) Vec<String>);

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} words", self.0.len())
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct PortMapping {
    pub(crate) container_port: u16,
}

/// `Secret` of the ECS API: the name of a variable, and where its value is kept. Never the value.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Secret {
    pub(crate) name: String,
    pub(crate) value_from: String,
}

/// `EnvironmentFile` of the ECS API: the ARN of an object.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct EnvironmentFile {
    pub(crate) value: String,
}

/// `HealthCheck` of the ECS API; times in seconds. The defaults are AWS's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct HealthCheck {
    pub(crate) command: Words,
    pub(crate) interval: u64,
    pub(crate) timeout: u64,
    pub(crate) retries: u64,
    pub(crate) start_period: u64,
}

impl Default for HealthCheck {
    fn default() -> Self {
        Self { command: Words::default(), interval: 30, timeout: 5, retries: 3, start_period: 0 }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct LogConfiguration {
    pub(crate) log_driver: String,
    pub(crate) options: BTreeMap<String, String>,
}

impl RuntimePlatform {
    /// `LINUX/X86_64`; what is not said is AWS's default.
    pub(crate) fn name(&self) -> String {
        let or =
            |text: &str, default: &str| if text.is_empty() { default.to_owned() } else { text.to_owned() };
        format!("{}/{}", or(&self.operating_system_family, "LINUX"), or(&self.cpu_architecture, "X86_64"))
    }
}

impl Container {
    /// `entryPoint ["/srv/web"], command ["--port", "8080"]`; what is not said is the image's.
    pub(crate) fn invocation(&self) -> String {
        let part = |name: &str, words: &Words| match words.0.as_slice() {
            [] => format!("{name} of the image"),
            words => format!("{name} {words:?}"),
        };
        format!("{}, {}", part("entryPoint", &self.entry_point), part("command", &self.command))
    }
}

impl TaskDefinition {
    pub(crate) fn container(&self, name: &str) -> Option<&Container> {
        self.container_definitions.iter().find(|container| container.name == name)
    }
}
