//! Instances, and the Auto Scaling groups that they are in.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// An instance: of EC2, or one on premises that is registered with CodeDeploy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Instance {
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// It is one on premises.
    pub on_premises: bool,
    /// Its SSM agent; none: Systems Manager knows nothing of it.
    pub ssm: Option<SsmAgent>,
}

/// What Systems Manager knows of an instance's agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SsmAgent {
    /// `Online`, `ConnectionLost` or `Inactive`.
    pub ping_status: String,
    /// The agent's version.
    pub version: String,
    /// When it was heard of last: so many seconds before the start. An agent that is `Online` is heard of all the time.
    pub silent_seconds: u64,
}

impl Default for SsmAgent {
    fn default() -> Self {
        Self { ping_status: "Online".to_owned(), version: "3.3.2299.0".to_owned(), silent_seconds: 0 }
    }
}

/// An Auto Scaling group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AutoScalingGroup {
    /// How much capacity it wants.
    pub desired_capacity: u32,
    /// Its instances by id, with how many milliseconds after the start they are in service.
    pub instances: BTreeMap<String, u64>,
    /// How much capacity each instance counts for. None: as one.
    pub weighted_capacity: Option<u32>,
}
