//! ListServices, DescribeServices.

use serde_json::Value;

use super::page::page;
use super::{Answered, includes, list, missing};
use crate::ecs::RegionState;
use crate::ecs::model::{ServiceKey, ServiceState};
use crate::wire::Object;

impl RegionState {
    /// Ten a page unless it is said, and not a hundred as other lists of ECS have.
    pub(super) fn list_services(&self, input: &Object) -> Answered {
        let cluster = self.cluster(input)?;
        let launch_type = input.value("launchType");
        let wanted = |service: &&ServiceState| {
            service.key.cluster == cluster
                && service.status != "INACTIVE"
                && (launch_type.is_null() || launch_type == service.settings.value("launchType"))
                // All services here are of the strategy REPLICA.
                && input.string("schedulingStrategy").is_none_or(|strategy| strategy == "REPLICA")
        };
        let services = self.services.values().filter(wanted);
        let arns: Vec<String> = services.map(|service| self.service_arn(&service.key)).collect();
        let (arns, next) = page(input, &arns, 10, 100)?;
        let mut answer = Object::default();
        answer.put("serviceArns", arns).put_some("nextToken", next);
        Ok(answer)
    }

    pub(super) fn describe_services(&self, input: &Object) -> Answered {
        let cluster = self.cluster(input)?;
        let names = list(input, "services", 10)?;
        let (mut found, mut failures): (Vec<Object>, Vec<Value>) = (Vec::new(), Vec::new());
        for name in names {
            match self.find_service(&cluster, &name) {
                Some(service) => found.push(self.service_view(service, includes(input, "TAGS"))),
                None if name.starts_with("arn:") => failures.push(missing(&name)),
                None => {
                    let key = ServiceKey::new(&cluster, &name);
                    failures.push(missing(&self.service_arn(&key)));
                }
            }
        }
        let mut answer = Object::default();
        answer.put("services", found).put("failures", failures);
        Ok(answer)
    }
}
