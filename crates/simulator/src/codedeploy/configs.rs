//! Deployment configurations: those that CodeDeploy predefines for instances, and those of the world.
//! <https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-configurations.html>

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Name, type and value of `minimumHealthyHosts`. "CodeDeployDefault.OneAtATime returns a minimum healthy instance type of
/// MOST_CONCURRENCY and a value of 1": `MinimumHealthyHosts` in the API reference.
const PREDEFINED: [(&str, &str, u64); 3] = [
    ("CodeDeployDefault.AllAtOnce", "FLEET_PERCENT", 0),
    ("CodeDeployDefault.HalfAtATime", "FLEET_PERCENT", 50),
    ("CodeDeployDefault.OneAtATime", "MOST_CONCURRENCY", 1),
];

/// What a configuration means for so many instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Health {
    /// How many are deployed to at once.
    pub(super) at_once: usize,
    /// How many may fail.
    pub(super) tolerated: usize,
}

/// The configurations of the world: `minimumHealthyHosts` by name.
#[derive(Debug, Clone, Default)]
pub(super) struct Configs(pub(super) BTreeMap<String, Value>);

impl Configs {
    /// DeploymentConfigInfo; none when there is no such configuration.
    pub(super) fn info(&self, name: &str) -> Option<Value> {
        let minimum = match self.0.get(name) {
            Some(own) => own.clone(),
            None => {
                let (_, kind, value) = PREDEFINED.iter().find(|(known, ..)| *known == name)?;
                json!({ "type": kind, "value": value })
            }
        };
        Some(json!({
            "deploymentConfigId": "00000000-0000-4000-a000-000000000000",
            "deploymentConfigName": name,
            "minimumHealthyHosts": minimum,
            "computePlatform": "Server"
        }))
    }

    /// "Predefined deployment configurations for an EC2/on-premises compute platform": AllAtOnce succeeds when one instance
    /// does, HalfAtATime when at least half of them (rounded up) do, OneAtATime when all but the last do. "Minimum healthy
    /// hosts and deployment configurations": with others, as many are deployed to at once, and may fail, as leave the
    /// minimum healthy; a percentage is rounded up.
    pub(super) fn health(&self, name: &str, instances: usize) -> Health {
        let value = |own: &Value| usize::try_from(own["value"].as_u64().unwrap_or(0)).unwrap_or(instances);
        let (minimum, tolerated) = match self.0.get(name) {
            Some(own) if own["type"] == "HOST_COUNT" => (value(own), None),
            Some(own) => ((instances * value(own)).div_ceil(100), None),
            None if name == "CodeDeployDefault.AllAtOnce" => (0, Some(instances.saturating_sub(1))),
            None if name == "CodeDeployDefault.HalfAtATime" => (instances.div_ceil(2), None),
            None => (instances.saturating_sub(1), Some(0)),
        };
        let rest = instances.saturating_sub(minimum);
        Health { at_once: rest.max(1), tolerated: tolerated.unwrap_or(rest) }
    }
}
