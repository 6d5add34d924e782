//! A service deployment, as DescribeServiceDeployments and ListServiceDeployments answer it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::epoch;

/// What a status of a service deployment means for the wait. Values: "Service deployments" in the ECS developer
/// guide; there is none called FAILED.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RolloutStatus {
    /// PENDING, IN_PROGRESS.
    Going,
    /// STOP_REQUESTED, ROLLBACK_REQUESTED, ROLLBACK_IN_PROGRESS.
    GoingBack,
    Successful,
    Stopped,
    RolledBack,
    RollbackFailed,
    /// A value that was not documented when this was written.
    Unknown,
}

impl RolloutStatus {
    pub(crate) fn of(text: &str) -> Self {
        match text {
            "PENDING" | "IN_PROGRESS" => Self::Going,
            "STOP_REQUESTED" | "ROLLBACK_REQUESTED" | "ROLLBACK_IN_PROGRESS" => Self::GoingBack,
            "SUCCESSFUL" => Self::Successful,
            "STOPPED" => Self::Stopped,
            "ROLLBACK_SUCCESSFUL" => Self::RolledBack,
            "ROLLBACK_FAILED" => Self::RollbackFailed,
            _ => Self::Unknown,
        }
    }

    pub(crate) fn is_final(self) -> bool {
        matches!(self, Self::Successful | Self::Stopped | Self::RolledBack | Self::RollbackFailed)
    }
}

/// The statuses of service deployments that still move.
pub(crate) const MOVING: [&str; 5] =
    ["PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"];

/// `ServiceDeployment` of the ECS API.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ServiceDeployment {
    pub(crate) service_deployment_arn: String,
    pub(crate) status: String,
    pub(crate) status_reason: Option<String>,
    #[serde(deserialize_with = "epoch::read")]
    pub(crate) created_at: Option<Timestamp>,
    #[serde(deserialize_with = "epoch::read")]
    pub(crate) finished_at: Option<Timestamp>,
    pub(crate) target_service_revision: SourceRevision,
    pub(crate) source_service_revisions: Vec<SourceRevision>,
    pub(crate) rollback: Option<Rollback>,
    pub(crate) deployment_circuit_breaker: Option<Breaker>,
    pub(crate) alarms: Option<Alarms>,
    pub(crate) lifecycle_stage: Option<String>,
    pub(crate) lifecycle_hook_details: Vec<Hook>,
}

/// `ServiceRevisionSummary` of the ECS API: a revision's part in a deployment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct SourceRevision {
    pub(crate) arn: String,
    pub(crate) requested_task_count: u64,
    pub(crate) running_task_count: u64,
    pub(crate) pending_task_count: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Rollback {
    pub(crate) reason: Option<String>,
    pub(crate) service_revision_arn: String,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Breaker {
    /// `TRIGGERED`, `MONITORING`, `MONITORING_COMPLETE`, `DISABLED`.
    pub(crate) status: String,
    pub(crate) failure_count: u64,
    pub(crate) threshold: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Alarms {
    /// `TRIGGERED`, `MONITORING`, `MONITORING_COMPLETE`, `DISABLED`.
    pub(crate) status: String,
    pub(crate) alarm_names: Vec<String>,
    pub(crate) triggered_alarm_names: Vec<String>,
}

/// `ServiceDeploymentLifecycleHookDetail` of the ECS API, as far as it is needed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Hook {
    pub(crate) hook_id: Option<String>,
    pub(crate) target_arn: Option<String>,
    pub(crate) status: String,
    #[serde(deserialize_with = "epoch::read")]
    pub(crate) expires_at: Option<Timestamp>,
    /// `CONTINUE` or `ROLLBACK`: what AWS does when nobody acts.
    pub(crate) timeout_action: Option<String>,
}

/// `ServiceDeploymentBrief` of the ECS API.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Brief {
    pub(crate) service_deployment_arn: String,
    pub(crate) target_service_revision_arn: String,
    pub(crate) status: String,
    pub(crate) status_reason: Option<String>,
    #[serde(deserialize_with = "epoch::read")]
    pub(crate) created_at: Option<Timestamp>,
}

impl ServiceDeployment {
    pub(crate) fn standing(&self) -> RolloutStatus {
        RolloutStatus::of(&self.status)
    }

    /// How many tasks of the revisions before ours still run.
    pub(crate) fn old_tasks(&self) -> u64 {
        let counts = self.source_service_revisions.iter().map(|source| source.running_task_count);
        counts.fold(0, u64::saturating_add)
    }

    pub(crate) fn failures(&self) -> u64 {
        self.deployment_circuit_breaker.as_ref().map_or(0, |breaker| breaker.failure_count)
    }

    pub(crate) fn breaker_triggered(&self) -> bool {
        self.deployment_circuit_breaker.as_ref().is_some_and(|breaker| breaker.status == "TRIGGERED")
    }

    /// The circuit breaker's status, if it is told.
    pub(crate) fn breaker_status(&self) -> Option<&str> {
        let status = self.deployment_circuit_breaker.as_ref().map(|breaker| breaker.status.as_str());
        status.filter(|status| !status.is_empty())
    }

    /// No task was asked for that is not there: nothing runs, and nothing is about to.
    pub(crate) fn is_idle(&self) -> bool {
        let target = &self.target_service_revision;
        target.requested_task_count > 0
            && target.running_task_count.saturating_add(target.pending_task_count) == 0
    }

    pub(crate) fn alarm_triggered(&self) -> bool {
        self.alarms.as_ref().is_some_and(|alarms| alarms.status == "TRIGGERED")
    }

    /// A hook that waits for a person.
    pub(crate) fn paused_hook(&self) -> Option<&Hook> {
        self.lifecycle_hook_details.iter().find(|hook| hook.status == "AWAITING_ACTION")
    }
}
