//! What the rest of landfall asks a task definition.

use std::collections::BTreeMap;

use super::Document;
use super::json::Node;

impl Document {
    /// The family; empty when the document has none, which [`Document::parse`] does not let through.
    #[must_use]
    pub fn family(&self) -> &str {
        self.root.text("family").unwrap_or_default()
    }

    /// The names of the containers, in the order of the document.
    #[must_use]
    pub fn containers(&self) -> Vec<&str> {
        self.container_nodes().iter().filter_map(|container| container.text("name")).collect()
    }

    /// The image of a container, if the container is there and has one.
    #[must_use]
    pub fn image(&self, container: &str) -> Option<&str> {
        self.container(container)?.text("image").filter(|image| !image.is_empty())
    }

    /// The container ports (1 to 65,535) that a container maps one by one; ranges are not among them.
    #[must_use]
    pub fn ports(&self, container: &str) -> Vec<u16> {
        let mappings = self.container(container).and_then(|found| found.member("portMappings"));
        mappings
            .map_or(&[][..], Node::items)
            .iter()
            .filter_map(|mapping| mapping.member("containerPort")?.as_number()?.parse().ok())
            .collect()
    }

    /// The log driver of a container and its options, such as `awslogs-group`. Options may hold secrets.
    #[must_use]
    pub fn log_configuration(&self, container: &str) -> Option<(&str, BTreeMap<&str, &str>)> {
        let configuration = self.container(container)?.member("logConfiguration")?;
        let driver = configuration.text("logDriver")?;
        let options = configuration.member("options").map_or(&[][..], Node::members);
        let options =
            options.iter().filter_map(|option| Some((option.key.as_str(), option.value.as_str()?))).collect();
        Some((driver, options))
    }

    /// Whether ECS is asked to make sure that the tasks can run on Fargate (`requiresCompatibilities`).
    #[must_use]
    pub fn requires_fargate(&self) -> bool {
        let required = self.root.member("requiresCompatibilities").map_or(&[][..], Node::items);
        required.iter().any(|name| name.as_str() == Some("FARGATE"))
    }

    /// The value of a tag of the task definition.
    #[must_use]
    pub fn tag(&self, key: &str) -> Option<&str> {
        let tags = self.root.member("tags").map_or(&[][..], Node::items);
        tags.iter().find(|tag| tag.text("key") == Some(key))?.text("value")
    }

    pub(super) fn container_nodes(&self) -> &[Node] {
        self.root.member("containerDefinitions").map_or(&[], Node::items)
    }

    pub(super) fn container(&self, name: &str) -> Option<&Node> {
        self.container_nodes().iter().find(|container| container.text("name") == Some(name))
    }
}
