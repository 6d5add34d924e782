//! What was observed, as plain data, read leniently: statuses stay text, because AWS adds values, and one that nobody knows
//! must never be taken for success.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::spec::is_same;

/// A deployment: `DeploymentInfo`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Info {
    pub(crate) application_name: String,
    pub(crate) deployment_group_name: String,
    pub(crate) deployment_config_name: String,
    pub(crate) deployment_id: String,
    pub(crate) revision: Value,
    pub(crate) status: String,
    pub(crate) error_information: Option<ErrorInformation>,
    #[serde(deserialize_with = "epoch")]
    pub(crate) create_time: Option<Timestamp>,
    #[serde(deserialize_with = "epoch")]
    pub(crate) start_time: Option<Timestamp>,
    #[serde(deserialize_with = "epoch")]
    pub(crate) complete_time: Option<Timestamp>,
    pub(crate) description: String,
    pub(crate) creator: String,
    pub(crate) auto_rollback_configuration: AutoRollback,
    pub(crate) rollback_info: RollbackInfo,
    pub(crate) instance_termination_wait_time_started: bool,
    pub(crate) blue_green_deployment_configuration: Value,
    pub(crate) override_alarm_configuration: Value,
    /// How many instances are in which state.
    pub(crate) deployment_overview: Value,
    pub(crate) update_outdated_instances_only: bool,
}

/// Why a deployment as a whole failed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct ErrorInformation {
    pub(crate) code: String,
    pub(crate) message: String,
}

/// When CodeDeploy rolls back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct AutoRollback {
    pub(crate) enabled: bool,
    pub(crate) events: Vec<String>,
}

/// What became of a rollback.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct RollbackInfo {
    pub(crate) rollback_deployment_id: String,
    pub(crate) rollback_triggering_deployment_id: String,
    pub(crate) rollback_message: String,
}

/// A deployment group: `DeploymentGroupInfo`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Group {
    pub(crate) deployment_config_name: String,
    pub(crate) compute_platform: String,
    pub(crate) last_successful_deployment: Brief,
    pub(crate) last_attempted_deployment: Brief,
    pub(crate) alarm_configuration: Value,
    pub(crate) ec2_tag_filters: Value,
    pub(crate) ec2_tag_set: Value,
    pub(crate) on_premises_instance_tag_filters: Value,
    pub(crate) on_premises_tag_set: Value,
    pub(crate) auto_scaling_groups: Value,
    pub(crate) blue_green_deployment_configuration: Value,
    pub(crate) deployment_style: Value,
    pub(crate) ec2_deployment_options: Value,
}

/// A deployment as a group names it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Brief {
    pub(crate) deployment_id: String,
    pub(crate) status: String,
}

/// An instance of a deployment: `InstanceTarget`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Target {
    pub(crate) target_id: String,
    pub(crate) status: String,
    /// `Blue` for an original instance of a blue/green deployment, `Green` for a replacement.
    pub(crate) instance_label: String,
    #[serde(deserialize_with = "epoch")]
    pub(crate) last_updated_at: Option<Timestamp>,
    pub(crate) lifecycle_events: Vec<Event>,
}

/// A lifecycle event of an instance.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Event {
    pub(crate) lifecycle_event_name: String,
    pub(crate) status: String,
    /// May be absent, even on an event that failed (acquia/moonshot #188).
    pub(crate) diagnostics: Option<Diagnostics>,
    #[serde(deserialize_with = "epoch")]
    pub(crate) start_time: Option<Timestamp>,
    #[serde(deserialize_with = "epoch")]
    pub(crate) end_time: Option<Timestamp>,
}

/// Diagnostics of a lifecycle event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Diagnostics {
    pub(crate) error_code: String,
    pub(crate) script_name: String,
    pub(crate) message: String,
    pub(crate) log_tail: String,
}

/// The statuses of a deployment that is under way.
pub(crate) const ACTIVE: [&str; 5] = ["Created", "Queued", "InProgress", "Baking", "Ready"];

impl Info {
    /// It will not change any more. An unknown status is none of these.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self.status.as_str(), "Succeeded" | "Failed" | "Stopped")
    }

    pub(crate) fn error_code(&self) -> &str {
        self.error_information.as_ref().map_or("", |error| error.code.as_str())
    }

    /// How many instances it was to. None when it does not tell, or was to a part of the group only: to new instances of an
    /// Auto Scaling group, or to those that were behind.
    pub(crate) fn instances(&self) -> Option<u64> {
        let whole = matches!(self.creator.as_str(), "" | "user" | "codeDeployRollback" | "CloudFormation");
        let counts = self.deployment_overview.as_object()?;
        let sum: u64 = counts.values().filter_map(Value::as_u64).sum();
        (whole && !self.update_outdated_instances_only && sum > 0).then_some(sum)
    }

    /// Auto Scaling started instances, and CodeDeploy brought them to what had been deployed last: to the group as a whole
    /// nothing new came.
    pub(crate) fn only_follows(&self, before: Option<&Value>) -> bool {
        self.creator == "autoscaling" && before.is_some_and(|before| is_same(before, &self.revision))
    }

    /// The deployment that rolls this one back.
    pub(crate) fn rollback(&self) -> Option<&str> {
        Some(self.rollback_info.rollback_deployment_id.as_str()).filter(|id| !id.is_empty())
    }
}

impl Group {
    /// The tag filters for EC2: lists that all have to fit, each by one of its filters. Empty: instances are not named so.
    pub(crate) fn ec2_tags(&self) -> Vec<Vec<Value>> {
        lists(&self.ec2_tag_filters, &self.ec2_tag_set["ec2TagSetList"])
    }

    /// The same of instances on premises.
    pub(crate) fn on_premises_tags(&self) -> Vec<Vec<Value>> {
        lists(&self.on_premises_instance_tag_filters, &self.on_premises_tag_set["onPremisesTagSetList"])
    }

    /// Names of its Auto Scaling groups.
    pub(crate) fn scaling_groups(&self) -> Vec<String> {
        let groups = self.auto_scaling_groups.as_array().into_iter().flatten();
        groups.filter_map(|group| group["name"].as_str().map(str::to_owned)).collect()
    }

    /// New instances take the place of the old ones.
    pub(crate) fn is_blue_green(&self) -> bool {
        self.deployment_style["deploymentType"] == "BLUE_GREEN"
    }
}

impl Target {
    /// It has the traffic now and is replaced by this deployment.
    pub(crate) fn is_original(&self) -> bool {
        self.instance_label.eq_ignore_ascii_case("blue")
    }

    pub(crate) fn failed_events(&self) -> impl Iterator<Item = &Event> {
        self.lifecycle_events.iter().filter(|event| event.status == "Failed")
    }
}

/// Filters of which one has to fit, or lists of such.
fn lists(either: &Value, all: &Value) -> Vec<Vec<Value>> {
    let items = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let either = items(either);
    let lists = if either.is_empty() { items(all).iter().map(items).collect() } else { vec![either] };
    lists.into_iter().filter(|list| !list.is_empty()).collect()
}

/// Reads facts from an answer; members that are `null` count as missing.
pub(crate) fn read<T: DeserializeOwned>(answer: Value) -> Result<T, serde_json::Error> {
    serde_json::from_value(plain(answer))
}

fn plain(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.into_iter().filter(|(_, member)| !member.is_null());
            Value::Object(kept.map(|(name, member)| (name, plain(member))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(plain).collect()),
        other => other,
    }
}

/// Seconds since 1970 with a fraction, as the JSON protocol writes times.
fn epoch<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let seconds = Option::<f64>::deserialize(deserializer)?;
    #[expect(clippy::cast_possible_truncation, reason = "a float cast saturates, and such a date is refused")]
    Ok(seconds.and_then(|seconds| Timestamp::from_millisecond((seconds * 1000.0).round() as i64).ok()))
}
