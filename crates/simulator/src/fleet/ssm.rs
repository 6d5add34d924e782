//! DescribeInstanceInformation, by the filter `InstanceIds`. What Systems Manager does not know is left out.

use serde_json::{Value, json};

use super::Fleet;
use crate::clock::{earlier, ms};
use crate::wire::{Object, ServiceError, json::epoch};

impl Fleet<'_> {
    pub(crate) fn instance_information(&self, input: &Object) -> Result<Object, ServiceError> {
        let filters: Vec<Value> = input.read("Filters").unwrap_or_default();
        if filters.iter().any(|filter| filter["Key"] != "InstanceIds") {
            let message = "Only the filter InstanceIds is simulated";
            return Err(ServiceError::client("InvalidFilterKey", message));
        }
        let wanted = |id: &str| {
            let names = |filter: &Value| {
                filter["Values"].as_array().is_some_and(|ids| ids.iter().any(|one| one == id))
            };
            filters.iter().all(names)
        };
        let known = self.region.instances.iter().filter(|(id, _)| wanted(id));
        let list: Vec<Value> = known
            .filter_map(|(id, instance)| {
                let agent = instance.ssm.as_ref()?;
                let online = agent.ping_status == "Online";
                let last = earlier(self.start, ms(agent.silent_seconds.saturating_mul(1_000)));
                let last = if online { self.now } else { last };
                Some(json!({
                    "InstanceId": id, "PingStatus": agent.ping_status, "AgentVersion": agent.version,
                    "LastPingDateTime": epoch(last), "PlatformType": "Linux", "ResourceType": "EC2Instance"
                }))
            })
            .collect();
        let mut answer = Object::default();
        answer.put("InstanceInformationList", list);
        Ok(answer)
    }
}
