//! ListClusters, DescribeClusters.

use serde_json::{Value, json};

use super::page::page;
use super::{Answered, includes, invalid, missing};
use crate::ecs::RegionState;
use crate::ecs::model::{ClusterState, TaskStatus};
use crate::wire::Object;

impl RegionState {
    /// In the order they were made; AWS does not document one. An INACTIVE cluster can be described and is not listed.
    pub(super) fn list_clusters(&self, input: &Object) -> Answered {
        let there = self.clusters.values().filter(|cluster| cluster.status != "INACTIVE");
        let arns: Vec<String> = there.map(|cluster| self.cluster_arn(&cluster.name)).collect();
        let (arns, next) = page(input, &arns, 100, 100)?;
        let mut answer = Object::default();
        answer.put("clusterArns", arns).put_some("nextToken", next);
        Ok(answer)
    }

    pub(super) fn describe_clusters(&self, input: &Object) -> Answered {
        let mut names = input.strings("clusters");
        if names.len() > 100 {
            return Err(invalid("clusters cannot have more than 100 elements."));
        }
        if names.is_empty() {
            names.push("default".to_owned());
        }
        let (mut found, mut failures): (Vec<Value>, Vec<Value>) = (Vec::new(), Vec::new());
        for name in names {
            let known = self.resource(&name, "cluster").and_then(|name| self.clusters.get(name));
            match known {
                Some(cluster) => found.push(self.cluster_view(cluster, includes(input, "TAGS"))),
                None if name.starts_with("arn:") => failures.push(missing(&name)),
                None => failures.push(missing(&self.cluster_arn(&name))),
            }
        }
        let mut answer = Object::default();
        answer.put("clusters", found).put("failures", failures);
        Ok(answer)
    }

    fn cluster_view(&self, cluster: &ClusterState, tags: bool) -> Value {
        let name = &cluster.name;
        let tasks = |wanted: &dyn Fn(TaskStatus) -> bool| {
            self.tasks.values().filter(|task| task.service.cluster == *name && wanted(task.status)).count()
        };
        let services = self
            .services
            .values()
            .filter(|service| service.key.cluster == *name && service.status == "ACTIVE");
        json!({
            "clusterArn": self.cluster_arn(name),
            "clusterName": name,
            "status": cluster.status,
            "registeredContainerInstancesCount": 0,
            "runningTasksCount": tasks(&|status| matches!(status, TaskStatus::Running)),
            "pendingTasksCount": tasks(&|status| matches!(status, TaskStatus::Provisioning | TaskStatus::Pending)),
            "activeServicesCount": services.count(),
            "statistics": [],
            "tags": if tags { cluster.tags.to_value() } else { json!([]) },
            "settings": [],
            "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
            "defaultCapacityProviderStrategy": []
        })
    }
}
