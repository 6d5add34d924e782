//! Which action on which resource each operation needs.
//!
//! "Actions, resources, and condition keys for Amazon Elastic Container Service" in the service authorization reference.

use crate::ecs::RegionState;
use crate::ecs::model::ServiceKey;
use crate::wire::Object;

impl RegionState {
    /// The actions, and the resources they are wanted for.
    pub(crate) fn required(&self, operation: &str, input: &Object) -> Vec<(String, String)> {
        let action = format!("ecs:{operation}");
        let mut wanted: Vec<(String, String)> = self
            .resources_of(operation, input)
            .into_iter()
            .map(|resource| (action.clone(), resource))
            .collect();
        if operation == "RegisterTaskDefinition" {
            let resource = wanted[0].1.clone();
            // "Granting permission to tag resources on creation": a second action is checked when tags are given.
            if !input.strings_of_tags().is_empty() {
                wanted.push(("ecs:TagResource".to_owned(), resource));
            }
            for role in ["taskRoleArn", "executionRoleArn"] {
                if let Some(role) = input.string(role).filter(|role| !role.is_empty()) {
                    wanted.push(("iam:PassRole".to_owned(), role));
                }
            }
        }
        wanted
    }

    /// The resources of an operation: all that are named, since each of them must be allowed.
    fn resources_of(&self, operation: &str, input: &Object) -> Vec<String> {
        let named = match operation {
            "DescribeServices" => {
                let names = input.strings("services");
                names.iter().map(|name| self.service_resource(input, name)).collect()
            }
            "DescribeServiceDeployments" => input.strings("serviceDeploymentArns"),
            "DescribeServiceRevisions" => input.strings("serviceRevisionArns"),
            _ => Vec::new(),
        };
        if named.is_empty() { vec![self.resource_of(operation, input)] } else { named }
    }

    fn resource_of(&self, operation: &str, input: &Object) -> String {
        let first = |member: &str| input.strings(member).into_iter().next().unwrap_or_default();
        match operation {
            "UpdateService" | "ListServiceDeployments" => {
                self.service_resource(input, &input.string("service").unwrap_or_default())
            }
            "StopServiceDeployment" | "ContinueServiceDeployment" => {
                input.string("serviceDeploymentArn").unwrap_or_default()
            }
            "TagResource" | "ListTagsForResource" => input.string("resourceArn").unwrap_or_default(),
            "DescribeClusters" => self.cluster_arn(&self.cluster_name(&first("clusters"))),
            "DescribeTasks" => {
                let task = first("tasks");
                let id = task.rsplit('/').next().unwrap_or_default();
                self.task_arn(&self.cluster_name(&input.string("cluster").unwrap_or_default()), id)
            }
            "RegisterTaskDefinition" => {
                let family = input.string("family").unwrap_or_default();
                format!("arn:aws:ecs:{}:{}:task-definition/{family}:*", self.region, self.account)
            }
            // DescribeTaskDefinition, ListTaskDefinitions and their kin have no resource; ListTasks has one (container
            // instances) that no request of ours names.
            _ => "*".to_owned(),
        }
    }

    fn service_resource(&self, input: &Object, name: &str) -> String {
        if name.starts_with("arn:") {
            return name.to_owned();
        }
        let cluster = self.cluster_name(&input.string("cluster").unwrap_or_default());
        self.service_arn(&ServiceKey::new(&cluster, name))
    }

    fn cluster_name(&self, name: &str) -> String {
        let name = if name.is_empty() { "default" } else { name };
        name.rsplit('/').next().unwrap_or_default().to_owned()
    }
}

impl Object {
    fn strings_of_tags(&self) -> Vec<String> {
        let tags = self.value("tags");
        let keys = tags.as_array().into_iter().flatten().filter_map(|tag| tag["key"].as_str());
        keys.map(str::to_owned).collect()
    }
}
