//! Rollbacks: the last successful service revision comes back under its old deployment id.
//!
//! A rollback makes no new service revision; see "Service revisions" and "Service deployments" in the developer guide.
//! The wordings of reasons are not documented: `tasks failed to start` is quoted in aws/containers-roadmap#1488, the
//! others are plausible and nothing more.

use std::time::Duration;

use crate::clock::ms;
use crate::ecs::RegionState;
use crate::ecs::agenda::Due;
use crate::ecs::model::{Deployment, Rollback, Rollout, ServiceKey, ServiceRevision};

/// How long a requested stop is only requested. Undocumented.
const REQUESTED: Duration = ms(500);

/// Why a deployment is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    CircuitBreaker,
    Alarm,
    Requested,
    Hook,
}

impl Cause {
    /// The failed deployment's `rolloutStateReason`.
    pub(super) fn failed_reason(self) -> &'static str {
        match self {
            Self::CircuitBreaker => "ECS deployment circuit breaker: tasks failed to start.",
            Self::Alarm => "ECS deployment failed: alarm detected.",
            Self::Requested => "ECS deployment was stopped.",
            Self::Hook => "ECS deployment failed: lifecycle hook was not continued.",
        }
    }

    /// The reason of the rollback.
    fn rollback_reason(self) -> &'static str {
        match self {
            Self::CircuitBreaker => {
                "Service deployment rolled back because the circuit breaker threshold was exceeded."
            }
            Self::Alarm => "Service deployment rolled back because of an alarm.",
            Self::Requested => "Service deployment rolled back because of a StopServiceDeployment request.",
            Self::Hook => "Service deployment rolled back because of a lifecycle hook.",
        }
    }

    /// The `rolloutStateReason` of the deployment that comes back.
    fn promoted_reason(self, id: &str) -> String {
        match self {
            Self::CircuitBreaker => {
                format!("ECS deployment circuit breaker: rolling back to deploymentId {id}.")
            }
            Self::Alarm | Self::Requested | Self::Hook => {
                format!("ECS deployment: rolling back to deploymentId {id}.")
            }
        }
    }
}

impl RegionState {
    /// Brings the last successful revision back, if there is one.
    pub(crate) fn roll_back(&mut self, key: &ServiceKey, cause: Cause) {
        let now = self.now;
        let Some(service) = self.services.get_mut(key) else { return };
        let Some(failed) = service.primary().map(|primary| primary.digits.clone()) else { return };
        let candidate =
            service.revisions.iter().rev().find(|revision| revision.successful && revision.digits != failed);
        let Some(candidate) = candidate.cloned() else {
            return self.rollback_failed(key, "No rollback candidate was found to run the rollback.");
        };
        if let Some(current) = service.current_mut() {
            current.status = "ROLLBACK_IN_PROGRESS".to_owned();
            current.status_reason = Some(cause.rollback_reason().to_owned());
            current.updated_at = now;
            current.failure_count = 0;
            current.rollback = Some(Rollback {
                reason: cause.rollback_reason().to_owned(),
                started_at: now,
                digits: candidate.digits.clone(),
            });
        }
        if let Some(primary) = service.primary_mut() {
            primary.primary = false;
            primary.rollout = Rollout::Failed;
            cause.failed_reason().clone_into(&mut primary.reason);
            primary.desired = 0;
            primary.updated_at = now;
        }
        self.promote(key, &candidate, cause);
        self.event(key, &format!("rolling back to deployment ecs-svc/{}.", candidate.digits));
        self.reconcile(key);
    }

    /// Makes a revision's deployment PRIMARY again: same id, same `createdAt`, new `updatedAt`.
    fn promote(&mut self, key: &ServiceKey, revision: &ServiceRevision, cause: Cause) {
        let now = self.now;
        let Some(service) = self.services.get_mut(key) else { return };
        let known = service.deployments.iter().position(|deployment| deployment.digits == revision.digits);
        let mut deployment = match known {
            Some(index) => service.deployments.remove(index),
            None => Deployment {
                digits: revision.digits.clone(),
                primary: true,
                begun: true,
                task_definition: revision.task_definition.clone(),
                created_at: revision.created_at,
                updated_at: now,
                rollout: Rollout::InProgress,
                reason: String::new(),
                failed_tasks: 0,
                desired: service.desired,
            },
        };
        deployment.primary = true;
        deployment.rollout = Rollout::InProgress;
        deployment.reason = cause.promoted_reason(&deployment.id());
        deployment.failed_tasks = 0;
        deployment.updated_at = now;
        deployment.desired = service.desired;
        service.deployments.insert(0, deployment);
        service.task_definition.clone_from(&revision.task_definition);
        service.settings = revision.settings.clone();
    }

    /// The rollback itself came to nothing: nothing more is launched.
    pub(super) fn rollback_failed(&mut self, key: &ServiceKey, reason: &str) {
        let now = self.now;
        let Some(service) = self.services.get_mut(key) else { return };
        if let Some(current) = service.current_mut() {
            current.finish("ROLLBACK_FAILED", Some(reason), now);
        }
        if let Some(primary) = service.primary_mut() {
            primary.rollout = Rollout::Failed;
            reason.clone_into(&mut primary.reason);
            primary.updated_at = now;
        }
    }

    /// StopServiceDeployment was accepted; it takes effect a moment later.
    pub(crate) fn request_stop(&mut self, key: &ServiceKey, id: &str, stop_type: &str) {
        let now = self.now;
        let deployment = self.services.get_mut(key).and_then(|service| service.service_deployment_mut(id));
        let Some(deployment) = deployment else { return };
        if !matches!(deployment.status.as_str(), "PENDING" | "IN_PROGRESS") {
            return;
        }
        let status = if stop_type == "ABORT" { "STOP_REQUESTED" } else { "ROLLBACK_REQUESTED" };
        deployment.status = status.to_owned();
        deployment.stop_type = Some(stop_type.to_owned());
        deployment.updated_at = now;
        self.later(REQUESTED, Due::Stop { service: key.clone(), id: id.to_owned() });
    }

    /// What was requested happens. AWS's pages describe only ROLLBACK; ABORT is in the model. Here it leaves all tasks
    /// as they are and launches no more.
    pub(crate) fn stop_requested(&mut self, key: &ServiceKey, id: &str) {
        let now = self.now;
        let Some(service) = self.services.get_mut(key) else { return };
        let is_current = service.current_mut().is_some_and(|current| current.id == id);
        let Some(deployment) = service.service_deployment_mut(id).filter(|deployment| !deployment.is_final())
        else {
            return;
        };
        if !is_current {
            // A newer deployment is under way: there is nothing to roll back any more.
            deployment.finish("STOPPED", None, now);
            return;
        }
        if deployment.stop_type.as_deref() == Some("ABORT") {
            let reason = "Service deployment was stopped by a StopServiceDeployment request.";
            deployment.finish("STOPPED", Some(reason), now);
            if let Some(primary) = service.primary_mut() {
                primary.rollout = Rollout::Failed;
                Cause::Requested.failed_reason().clone_into(&mut primary.reason);
                primary.updated_at = now;
            }
            return;
        }
        self.roll_back(key, Cause::Requested);
    }
}
