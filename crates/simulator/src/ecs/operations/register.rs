//! RegisterTaskDefinition: what was sent comes back as it was sent, with what AWS adds.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html>. What AWS does with
//! members it does not know is not documented; they are kept here, unless the world names them as forgotten.

use serde_json::{Value, json};

use super::Answered;
use super::validate::validate;
use crate::ecs::RegionState;
use crate::ecs::definition::{Revision, Tags};
use crate::wire::Object;
use crate::wire::json::epoch;

impl RegionState {
    pub(super) fn register_task_definition(&mut self, input: &Object, caller: &str) -> Answered {
        validate(input)?;
        let mut document = input.clone();
        self.forget_members(&mut document);
        let revision = self.add_revision(document, caller, false);
        let mut answer = Object::default();
        answer.put("taskDefinition", &revision.document);
        if !revision.tags.0.is_empty() {
            answer.put("tags", revision.tags.to_value());
        }
        Ok(answer)
    }

    fn forget_members(&self, document: &mut Object) {
        if self.forgotten_members.is_empty() {
            return;
        }
        for name in &self.forgotten_members {
            document.remove(name);
        }
        let mut containers: Vec<Object> = document.read("containerDefinitions").unwrap_or_default();
        for name in &self.forgotten_members {
            containers.iter_mut().for_each(|container| container.remove(name));
        }
        document.put("containerDefinitions", containers);
    }

    /// Adds the next revision of a family.
    pub(crate) fn add_revision(
        &mut self,
        mut document: Object,
        registered_by: &str,
        seeded: bool,
    ) -> Revision {
        let family = document.string("family").unwrap_or_default();
        let tags = Tags::from_value(&document.value("tags"));
        document.remove("tags");
        let number = self.families.get(&family).map_or(1, |revisions| revisions.len() + 1);
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        let arn = self.task_definition_arn(&family, number);
        fill_containers(&mut document);
        for list in ["volumes", "placementConstraints"] {
            if !document.has(list) {
                document.put(list, json!([]));
            }
        }
        let attributes = required_attributes(&document);
        let compatibilities = compatibilities(&document);
        document
            .put("taskDefinitionArn", &arn)
            .put("revision", number)
            .put("status", "ACTIVE")
            .put("requiresAttributes", attributes)
            .put("compatibilities", compatibilities)
            .put("registeredAt", epoch(self.now))
            .put("registeredBy", registered_by);
        let revision = Revision { family: family.clone(), number, arn, document, tags, active: true, seeded };
        self.families.entry(family).or_default().push(revision.clone());
        revision
    }
}

/// What DescribeTaskDefinition shows of a container beyond what was registered. `cpu` is documented; that lists come
/// back empty and `essential` and `protocol` filled in is not, but every answer of the API shows it.
fn fill_containers(document: &mut Object) {
    let awsvpc = document.string("networkMode").as_deref() == Some("awsvpc");
    let Some(mut containers) = document.read::<Vec<Object>>("containerDefinitions") else { return };
    for container in &mut containers {
        let defaults = [
            ("cpu", json!(0)),
            ("essential", json!(true)),
            ("portMappings", json!([])),
            ("environment", json!([])),
            ("mountPoints", json!([])),
            ("volumesFrom", json!([])),
            ("systemControls", json!([])),
        ];
        for (name, value) in defaults {
            if !container.has(name) {
                container.put(name, value);
            }
        }
        let Some(mut ports) = container.read::<Vec<Object>>("portMappings").filter(|ports| !ports.is_empty())
        else {
            continue;
        };
        for port in &mut ports {
            if awsvpc && !port.has("hostPort") {
                let same = port.clone();
                port.put("hostPort", same.value("containerPort"));
            }
            if !port.has("protocol") {
                port.put("protocol", "tcp");
            }
        }
        container.put("portMappings", ports);
    }
    document.put("containerDefinitions", containers);
}

/// Only the attributes that follow from what the simulator looks at.
fn required_attributes(document: &Object) -> Value {
    let mut names = Vec::new();
    let containers = document.value("containerDefinitions");
    let containers = containers.as_array().cloned().unwrap_or_default();
    if containers.iter().any(|container| container["logConfiguration"]["logDriver"] == "awslogs") {
        names.push("com.amazonaws.ecs.capability.logging-driver.awslogs");
    }
    let private =
        |container: &Value| container["image"].as_str().is_some_and(|image| image.contains(".dkr.ecr."));
    if containers.iter().any(private) {
        names.push("com.amazonaws.ecs.capability.ecr-auth");
    }
    if document.has("taskRoleArn") {
        names.push("com.amazonaws.ecs.capability.task-iam-role");
    }
    if document.string("networkMode").as_deref() == Some("awsvpc") {
        names.push("ecs.capability.task-eni");
    }
    names.into_iter().map(|name| json!({ "name": name })).collect()
}

/// The launch types the task definition passed validation for.
fn compatibilities(document: &Object) -> Vec<&'static str> {
    let fargate = document.string("networkMode").as_deref() == Some("awsvpc")
        && document.has("cpu")
        && document.has("memory");
    if fargate { vec!["EC2", "FARGATE"] } else { vec!["EC2"] }
}
