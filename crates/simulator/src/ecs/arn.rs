//! ARNs, and the names that requests may use instead of them.
//!
//! Formats: "Resource types defined by Amazon Elastic Container Service" in the service authorization reference.

use super::RegionState;
use super::model::ServiceKey;

impl RegionState {
    fn arn(&self, resource: &str) -> String {
        format!("arn:aws:ecs:{}:{}:{resource}", self.region, self.account)
    }

    pub(crate) fn cluster_arn(&self, cluster: &str) -> String {
        self.arn(&format!("cluster/{cluster}"))
    }

    pub(crate) fn service_arn(&self, key: &ServiceKey) -> String {
        self.arn(&format!("service/{}/{}", key.cluster, key.service))
    }

    pub(crate) fn task_arn(&self, cluster: &str, id: &str) -> String {
        self.arn(&format!("task/{cluster}/{id}"))
    }

    pub(crate) fn task_definition_arn(&self, family: &str, number: u32) -> String {
        self.arn(&format!("task-definition/{family}:{number}"))
    }

    pub(crate) fn service_deployment_arn(&self, key: &ServiceKey, id: &str) -> String {
        self.arn(&format!("service-deployment/{}/{}/{id}", key.cluster, key.service))
    }

    pub(crate) fn service_revision_arn(&self, key: &ServiceKey, digits: &str) -> String {
        self.arn(&format!("service-revision/{}/{}/{digits}", key.cluster, key.service))
    }

    pub(crate) fn task_set_arn(&self, key: &ServiceKey, digits: &str) -> String {
        self.arn(&format!("task-set/{}/{}/ecs-svc/{digits}", key.cluster, key.service))
    }

    /// The part after the resource type: of an ARN of this account and region, or of what is no ARN at all.
    pub(crate) fn resource<'a>(&self, name: &'a str, kind: &str) -> Option<&'a str> {
        if !name.starts_with("arn:") {
            return Some(name);
        }
        name.strip_prefix(&self.arn(kind))?.strip_prefix('/')
    }

    /// `family` or `family:revision` of a task definition named in any of the three ways.
    pub(crate) fn task_definition_name<'a>(&self, name: &'a str) -> Option<&'a str> {
        self.resource(name, "task-definition")
    }

    /// `service-deployment/<cluster>/<service>/<id>` and its kin, taken apart.
    pub(crate) fn below_service(&self, arn: &str, kind: &str) -> Option<(ServiceKey, String)> {
        if !arn.starts_with("arn:") {
            return None;
        }
        let [cluster, service, id] = self.resource(arn, kind)?.split('/').collect::<Vec<_>>()[..] else {
            return None;
        };
        Some((ServiceKey::new(cluster, service), id.to_owned()))
    }
}
