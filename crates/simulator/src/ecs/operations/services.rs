//! DescribeServices.

use serde_json::Value;

use super::{Answered, includes, list, missing};
use crate::ecs::RegionState;
use crate::wire::Object;

impl RegionState {
    pub(super) fn describe_services(&self, input: &Object) -> Answered {
        let cluster = self.cluster(input)?;
        let names = list(input, "services", 10)?;
        let (mut found, mut failures): (Vec<Object>, Vec<Value>) = (Vec::new(), Vec::new());
        for name in names {
            match self.find_service(&cluster, &name) {
                Some(service) => found.push(self.service_view(service, includes(input, "TAGS"))),
                None if name.starts_with("arn:") => failures.push(missing(&name)),
                None => {
                    let key = crate::ecs::model::ServiceKey::new(&cluster, &name);
                    failures.push(missing(&self.service_arn(&key)));
                }
            }
        }
        let mut answer = Object::default();
        answer.put("services", found).put("failures", failures);
        Ok(answer)
    }
}
