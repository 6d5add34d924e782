//! Deployment configurations: those that CodeDeploy predefines for instances.
//! <https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-configurations.html>

use serde_json::{Value, json};

/// Name, type and value of `minimumHealthyHosts`. For OneAtATime the documents give the rule in words only; a fleet of 99
/// percent leads to one instance at a time up to a hundred.
const PREDEFINED: [(&str, &str, u64); 3] = [
    ("CodeDeployDefault.AllAtOnce", "FLEET_PERCENT", 0),
    ("CodeDeployDefault.HalfAtATime", "FLEET_PERCENT", 50),
    ("CodeDeployDefault.OneAtATime", "FLEET_PERCENT", 99),
];

/// What a configuration means for so many instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Health {
    /// How many are deployed to at once.
    pub(super) at_once: usize,
    /// How many may fail.
    pub(super) tolerated: usize,
}

pub(super) fn info(name: &str) -> Option<Value> {
    let (_, kind, value) = PREDEFINED.iter().find(|(known, ..)| *known == name)?;
    Some(json!({
        "deploymentConfigId": "00000000-0000-4000-a000-000000000000",
        "deploymentConfigName": name,
        "minimumHealthyHosts": { "type": kind, "value": value },
        "computePlatform": "Server"
    }))
}

/// "Predefined deployment configurations for an EC2/on-premises compute platform": AllAtOnce succeeds when one instance
/// does, HalfAtATime when at least half of them (rounded up) do, OneAtATime when all but the last do.
pub(super) fn health(name: &str, instances: usize) -> Health {
    let minimum = match name {
        "CodeDeployDefault.AllAtOnce" => 0,
        "CodeDeployDefault.HalfAtATime" => instances.div_ceil(2),
        _ => instances.saturating_sub(1),
    };
    let at_once = instances.saturating_sub(minimum).max(1);
    let tolerated = match name {
        "CodeDeployDefault.AllAtOnce" => instances.saturating_sub(1),
        "CodeDeployDefault.HalfAtATime" => instances - minimum,
        _ => 0,
    };
    Health { at_once, tolerated }
}
