//! A service's deployment configuration, understood.

use serde_json::Value;

use crate::ecs::model::ServiceState;

/// `deploymentConfiguration` with its defaults.
#[derive(Debug, Clone)]
pub(super) struct Policy {
    pub(super) maximum_percent: u64,
    pub(super) minimum_healthy_percent: u64,
    pub(super) breaker: bool,
    pub(super) breaker_rollback: bool,
    pub(super) reset_on_healthy_task: bool,
    threshold_type: String,
    threshold_value: u64,
    pub(super) alarms: bool,
    pub(super) alarm_rollback: bool,
    pub(super) alarm_names: Vec<String>,
}

impl ServiceState {
    /// The defaults are those of the DeploymentConfiguration page.
    pub(super) fn policy(&self) -> Policy {
        let breaker = self.configuration.value("deploymentCircuitBreaker");
        let alarms = self.configuration.value("alarms");
        let threshold = &breaker["thresholdConfiguration"];
        let yes = |value: &Value| value.as_bool().unwrap_or(false);
        Policy {
            maximum_percent: self.configuration.read("maximumPercent").unwrap_or(200),
            minimum_healthy_percent: self.configuration.read("minimumHealthyPercent").unwrap_or(100),
            breaker: yes(&breaker["enable"]),
            breaker_rollback: yes(&breaker["rollback"]),
            reset_on_healthy_task: breaker["resetOnHealthyTask"].as_bool().unwrap_or(true),
            threshold_type: threshold["type"].as_str().unwrap_or("BOUNDED_PERCENT").to_owned(),
            threshold_value: threshold["value"].as_u64().unwrap_or(50),
            alarms: yes(&alarms["enable"]),
            alarm_rollback: yes(&alarms["rollback"]),
            alarm_names: serde_json::from_value(alarms["alarmNames"].clone()).unwrap_or_default(),
        }
    }
}

impl Policy {
    /// How many failures trip the circuit breaker: by default half the desired count, at least 3, at most 200.
    pub(super) fn threshold(&self, desired: u32) -> u32 {
        let percent = (u64::from(desired) * self.threshold_value).div_ceil(100);
        let threshold = match self.threshold_type.as_str() {
            "COUNT" => self.threshold_value,
            // A threshold of nothing would trip without a failure; AWS does not document the lower end.
            "UNBOUNDED_PERCENT" => percent.max(1),
            _ => percent.clamp(3, 200),
        };
        u32::try_from(threshold).unwrap_or(u32::MAX)
    }

    /// The most tasks there may be: rounded down.
    pub(super) fn maximum(&self, desired: u32) -> u64 {
        u64::from(desired) * self.maximum_percent / 100
    }

    /// The fewest healthy tasks there must be: rounded up.
    pub(super) fn minimum(&self, desired: u32) -> u64 {
        (u64::from(desired) * self.minimum_healthy_percent).div_ceil(100)
    }
}
