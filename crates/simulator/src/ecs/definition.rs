//! Revisions of task definitions, and tags.

use serde_json::Value;

use crate::wire::Object;

/// Tags in the order they were set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tags(pub(crate) Vec<(String, String)>);

/// One revision of a task definition.
#[derive(Debug, Clone)]
pub(crate) struct Revision {
    pub(crate) family: String,
    pub(crate) number: u32,
    pub(crate) arn: String,
    /// As it was sent, and what AWS adds; without tags.
    pub(crate) document: Object,
    pub(crate) tags: Tags,
    pub(crate) active: bool,
    /// True if it was there at the start.
    pub(crate) seeded: bool,
}

/// What the simulator needs to know of a container definition.
#[derive(Debug, Clone)]
pub(crate) struct ContainerInfo {
    pub(crate) name: String,
    pub(crate) image: String,
    pub(crate) essential: bool,
    pub(crate) ports: Vec<u64>,
    pub(crate) log: Option<LogTarget>,
    pub(crate) health_check: bool,
}

/// Where a container's lines go.
#[derive(Debug, Clone)]
pub(crate) struct LogTarget {
    pub(crate) group: String,
    pub(crate) prefix: String,
}

impl Revision {
    /// The containers, as far as the simulator needs to know them.
    pub(crate) fn containers(&self) -> Vec<ContainerInfo> {
        let definitions = self.document.value("containerDefinitions");
        definitions.as_array().into_iter().flatten().map(container_info).collect()
    }
}

fn container_info(definition: &Value) -> ContainerInfo {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let log = &definition["logConfiguration"];
    let log = (log["logDriver"] == "awslogs").then(|| LogTarget {
        group: text(&log["options"]["awslogs-group"]),
        prefix: text(&log["options"]["awslogs-stream-prefix"]),
    });
    let ports = definition["portMappings"].as_array().into_iter().flatten();
    ContainerInfo {
        name: text(&definition["name"]),
        image: text(&definition["image"]),
        essential: definition["essential"].as_bool().unwrap_or(true),
        ports: ports.filter_map(|port| port["containerPort"].as_u64()).collect(),
        log,
        health_check: definition["healthCheck"].is_object(),
    }
}

impl Tags {
    /// From `[{"key": ..., "value": ...}]`.
    pub(crate) fn from_value(value: &Value) -> Self {
        let mut tags = Self::default();
        for tag in value.as_array().into_iter().flatten() {
            let (key, value) =
                (tag["key"].as_str().unwrap_or_default(), tag["value"].as_str().unwrap_or_default());
            tags.set(key, value);
        }
        tags
    }

    pub(crate) fn set(&mut self, key: &str, value: &str) {
        match self.0.iter_mut().find(|(known, _)| known == key) {
            Some(tag) => tag.1 = value.to_owned(),
            None => self.0.push((key.to_owned(), value.to_owned())),
        }
    }

    pub(crate) fn to_value(&self) -> Value {
        self.0.iter().map(|(key, value)| serde_json::json!({ "key": key, "value": value })).collect()
    }
}
