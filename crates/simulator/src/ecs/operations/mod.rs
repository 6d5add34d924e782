//! The operations of the ECS API that a deployment calls.
//!
//! Error codes are those that the service model lists for each operation; wordings are AWS's where they are known.

mod clusters;
mod page;
mod register;
mod required;
mod service_deployments;
mod services;
mod tags;
mod task_definitions;
mod tasks;
mod update_service;
mod validate;

use serde_json::{Value, json};

use super::RegionState;
use super::model::{ServiceKey, ServiceState};
use crate::wire::{Object, ServiceError};

/// The operations there are.
pub(crate) const OPERATIONS: [&str; 18] = [
    "ListClusters",
    "DescribeClusters",
    "ListServices",
    "DescribeServices",
    "DescribeTaskDefinition",
    "RegisterTaskDefinition",
    "DeregisterTaskDefinition",
    "ListTaskDefinitions",
    "UpdateService",
    "ListServiceDeployments",
    "DescribeServiceDeployments",
    "DescribeServiceRevisions",
    "StopServiceDeployment",
    "ContinueServiceDeployment",
    "ListTasks",
    "DescribeTasks",
    "TagResource",
    "ListTagsForResource",
];

/// The answer of an operation.
pub(super) type Answered = Result<Object, ServiceError>;

impl RegionState {
    /// Does an operation. `stale` makes a read answer what was true before the writes of the last so many seconds.
    pub(crate) fn call(
        &mut self,
        operation: &str,
        input: &Object,
        caller: &str,
        stale: Option<u64>,
    ) -> Answered {
        let read = match stale.and_then(|seconds| self.stale(seconds)) {
            Some(before) => before.read(operation, input),
            None => self.read(operation, input),
        };
        if let Some(answer) = read {
            return answer;
        }
        self.remember();
        let answer = match operation {
            "RegisterTaskDefinition" => self.register_task_definition(input, caller),
            "DeregisterTaskDefinition" => self.deregister_task_definition(input),
            "UpdateService" => self.update_service(input),
            "StopServiceDeployment" => self.stop_service_deployment(input),
            "ContinueServiceDeployment" => self.continue_service_deployment(input),
            "TagResource" => self.tag_resource(input),
            _ => Err(ServiceError::client("UnknownOperationException", "")),
        };
        if answer.is_ok() {
            self.trigger(operation);
        }
        answer
    }

    fn read(&self, operation: &str, input: &Object) -> Option<Answered> {
        Some(match operation {
            "ListClusters" => self.list_clusters(input),
            "DescribeClusters" => self.describe_clusters(input),
            "ListServices" => self.list_services(input),
            "DescribeServices" => self.describe_services(input),
            "DescribeTaskDefinition" => self.describe_task_definition(input),
            "ListTaskDefinitions" => self.list_task_definitions(input),
            "ListServiceDeployments" => self.list_service_deployments(input),
            "DescribeServiceDeployments" => self.describe_service_deployments(input),
            "DescribeServiceRevisions" => self.describe_service_revisions(input),
            "ListTasks" => self.list_tasks(input),
            "DescribeTasks" => self.describe_tasks(input),
            "ListTagsForResource" => self.list_tags(input),
            _ => return None,
        })
    }

    /// The cluster that a request names, by name or ARN; `default` if it names none.
    fn cluster(&self, input: &Object) -> Result<String, ServiceError> {
        let name = input.string("cluster").unwrap_or_else(|| "default".to_owned());
        self.resource(&name, "cluster")
            .filter(|name| self.clusters.get(*name).is_some_and(|cluster| cluster.status != "INACTIVE"))
            .map(str::to_owned)
            .ok_or_else(|| ServiceError::client("ClusterNotFoundException", "Cluster not found."))
    }

    /// The service of a cluster that goes by a name or an ARN.
    fn find_service(&self, cluster: &str, name: &str) -> Option<&ServiceState> {
        let name = self.resource(name, "service")?;
        // A long ARN names the cluster too.
        let name = match name.split_once('/') {
            Some((other, name)) => Some(name).filter(|_| other == cluster)?,
            None => name,
        };
        self.services.get(&ServiceKey::new(cluster, name))
    }

    /// The service that a request names in `member`.
    fn service(&self, input: &Object, member: &str) -> Result<&ServiceState, ServiceError> {
        let name = input.string(member).unwrap_or_default();
        if name.is_empty() {
            return Err(invalid("Service cannot be empty."));
        }
        // A long ARN is enough: it names the cluster.
        let from_arn = self.resource(&name, "service").and_then(|rest| rest.split_once('/'));
        let cluster = match from_arn.filter(|_| name.starts_with("arn:") && !input.has("cluster")) {
            Some((cluster, _)) => cluster.to_owned(),
            None => self.cluster(input)?,
        };
        self.find_service(&cluster, &name)
            .ok_or_else(|| ServiceError::client("ServiceNotFoundException", "Service not found."))
    }
}

/// `InvalidParameterException`.
fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::client("InvalidParameterException", message)
}

/// `ClientException`.
fn client(message: impl Into<String>) -> ServiceError {
    ServiceError::client("ClientException", message)
}

/// An entry of `failures`.
fn missing(arn: &str) -> Value {
    json!({ "arn": arn, "reason": "MISSING" })
}

/// A list member with a limit; the limits are documented, the wording is not.
fn list(input: &Object, member: &str, most: usize) -> Result<Vec<String>, ServiceError> {
    let list = input.strings(member);
    if list.is_empty() {
        return Err(invalid(format!("{member} cannot be empty.")));
    }
    if list.len() > most {
        return Err(invalid(format!("{member} cannot have more than {most} elements.")));
    }
    Ok(list)
}

/// True if the request includes this kind of extra information.
fn includes(input: &Object, what: &str) -> bool {
    input.strings("include").iter().any(|included| included == what)
}
