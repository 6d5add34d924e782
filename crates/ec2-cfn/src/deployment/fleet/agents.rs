//! When instances were heard of last, by their SSM agents. It tells an instance that is down or cut off from one whose
//! CodeDeploy agent alone is silent.
//!
//! <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeInstanceInformation.html>

use std::collections::BTreeMap;

use jiff::Timestamp;
use landfall_aws::failure::Failure;
use landfall_core::Context;
use serde::Deserialize;
use serde_json::json;

use super::Fleet;

/// Most instances that are asked for: what a person reads.
const MOST: usize = 10;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Answered {
    instance_information_list: Vec<Agent>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Agent {
    instance_id: String,
    ping_status: String,
    agent_version: String,
    last_ping_date_time: Option<f64>,
}

impl Fleet {
    /// A line of each of these instances that Systems Manager can know, by their ids.
    pub(crate) async fn agents(
        &self,
        cx: &Context,
        instances: &[String],
    ) -> Result<BTreeMap<String, String>, Failure> {
        let ids = instances.iter().filter(|id| id.starts_with("i-") || id.starts_with("mi-"));
        let ids: Vec<&String> = ids.take(MOST).collect();
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let body = json!({ "Filters": [{ "Key": "InstanceIds", "Values": ids }], "MaxResults": 50 });
        let operation = ("ssm", "DescribeInstanceInformation");
        let answer = self.read(cx, &self.ssm, operation, body.to_string()).await?;
        let known: Answered = answer.json("DescribeInstanceInformation")?;
        let line = |id: &String| {
            let agent = known.instance_information_list.iter().find(|agent| agent.instance_id == *id);
            (id.clone(), line(id, agent))
        };
        Ok(ids.into_iter().map(line).collect())
    }
}

fn line(id: &str, agent: Option<&Agent>) -> String {
    let Some(agent) = agent else {
        return format!("{id}: Systems Manager does not know it: it is stopped or gone, or has no SSM agent");
    };
    let (status, version) = (&agent.ping_status, &agent.agent_version);
    let last = agent.last_ping_date_time.and_then(moment);
    let last = last.map(|at| format!(", heard of last at {at}")).unwrap_or_default();
    let meaning = if status == "Online" {
        "the instance runs, and its CodeDeploy agent is at fault"
    } else {
        "the instance itself may be down or cut off"
    };
    format!("{id}: its SSM agent {version} is {status}{last}: {meaning}")
}

/// Seconds since 1970, to the second.
fn moment(seconds: f64) -> Option<Timestamp> {
    #[expect(clippy::cast_possible_truncation, reason = "a float cast saturates, and such a date is refused")]
    Timestamp::from_second(seconds as i64).ok()
}

#[cfg(test)]
mod tests {
    use super::{Agent, line};

    #[test]
    fn a_line_tells_whether_the_instance_or_its_agent_is_at_fault() {
        let agent = |status: &str, last| Agent {
            ping_status: status.to_owned(),
            agent_version: "3.3".to_owned(),
            last_ping_date_time: last,
            ..Agent::default()
        };
        let table = [
            (
                Some(agent("Online", Some(1_800_000_000.5))),
                "i-1: its SSM agent 3.3 is Online, heard of last at 2027-01-15T08:00:00Z: the instance runs, and its CodeDeploy agent is at fault",
            ),
            (
                Some(agent("ConnectionLost", None)),
                "i-1: its SSM agent 3.3 is ConnectionLost: the instance itself may be down or cut off",
            ),
            (None, "i-1: Systems Manager does not know it: it is stopped or gone, or has no SSM agent"),
        ];
        for (agent, expected) in table {
            assert_eq!(line("i-1", agent.as_ref()), expected);
        }
    }
}
