//! Lifecycle hooks of the type PAUSE: the deployment waits for ContinueServiceDeployment.
//!
//! `DeploymentLifecycleHook` in the API reference: "Pauses the deployment at the specified lifecycle stage until you call
//! ContinueServiceDeployment to continue or roll back". Two of the stages are simulated: PRE_SCALE_UP, before the first
//! new task, and POST_SCALE_UP, when all new tasks are healthy and the old ones still serve. Hooks that call functions,
//! and the shifting of traffic, are not.

use std::time::Duration;

use super::rollback::Cause;
use super::schedule::Plan;
use crate::ecs::RegionState;
use crate::ecs::agenda::Due;
use crate::ecs::model::{Hook, Rollout, ServiceDeployment, ServiceKey};

/// The simulated stages in their order.
const STAGES: [&str; 2] = ["PRE_SCALE_UP", "POST_SCALE_UP"];
/// The default of `timeoutInMinutes` for PAUSE hooks, and of the action after it.
const TIMEOUT_MINUTES: u64 = 1_440;
const TIMEOUT_ACTION: &str = "ROLLBACK";

/// A hook as it is configured.
struct Configured {
    minutes: u64,
    action: String,
}

impl ServiceDeployment {
    fn pause_at(&self, stage: &str) -> Option<Configured> {
        let hooks = self.configuration.value("lifecycleHooks");
        let hook = hooks.as_array()?.iter().find(|hook| {
            let mut stages = hook["lifecycleStages"].as_array().into_iter().flatten();
            hook["targetType"] == "PAUSE" && stages.any(|known| known == stage)
        })?;
        let timeout = &hook["timeoutConfiguration"];
        Some(Configured {
            minutes: timeout["timeoutInMinutes"].as_u64().unwrap_or(TIMEOUT_MINUTES),
            action: timeout["action"].as_str().unwrap_or(TIMEOUT_ACTION).to_owned(),
        })
    }

    /// True while a hook of this stage is configured and not done. A rollback meets no hooks.
    fn holds(&self, stage: &str) -> bool {
        let done = self.hooks.iter().any(|hook| hook.stage == stage && hook.status == "SUCCEEDED");
        self.rollback.is_none() && !done && self.pause_at(stage).is_some()
    }

    /// The hook that waits.
    pub(crate) fn waiting(&self) -> Option<&Hook> {
        self.hooks.iter().find(|hook| hook.status == "AWAITING_ACTION")
    }

    /// The stage at which it is paused.
    pub(crate) fn paused_stage(&self) -> Option<&'static str> {
        let hook = self.waiting()?;
        STAGES.into_iter().find(|stage| *stage == hook.stage)
    }
}

impl RegionState {
    /// The plan without what a hook forbids: new tasks before PRE_SCALE_UP is done, the end of old ones before
    /// POST_SCALE_UP is.
    pub(super) fn held(&mut self, key: &ServiceKey, mut plan: Plan) -> Plan {
        let Some(current) = self.services.get_mut(key).and_then(|service| service.current_mut()) else {
            return plan;
        };
        if current.holds(STAGES[0]) {
            plan.start = 0;
        }
        if STAGES.into_iter().any(|stage| current.holds(stage)) {
            plan.stop_old_healthy = 0;
        }
        plan
    }

    /// Pauses where a hook is configured and its stage is reached.
    pub(super) fn pause_if_scaled(&mut self, key: &ServiceKey) {
        let Some(service) = self.services.get(key) else { return };
        let Some(primary) = service.primary().filter(|primary| primary.rollout == Rollout::InProgress) else {
            return;
        };
        let (digits, desired) = (primary.digits.clone(), service.desired as usize);
        let healthy =
            self.tasks_of(key).filter(|task| task.is_live() && task.healthy && task.digits == digits);
        let scaled = healthy.count() == desired;
        let Some(current) = self.services.get_mut(key).and_then(|service| service.current_mut()) else {
            return;
        };
        let reached = [true, scaled];
        let stage = STAGES.into_iter().zip(reached).find(|(stage, _)| current.holds(stage));
        let Some((stage, true)) = stage.filter(|_| current.waiting().is_none()) else { return };
        let Some(configured) = current.pause_at(stage) else { return };
        let deployment = current.id.clone();
        self.pause(key, &deployment, stage, &configured);
    }

    fn pause(&mut self, key: &ServiceKey, deployment: &str, stage: &str, configured: &Configured) {
        let (now, hook) = (self.now, self.ids.uuid());
        let timeout = Duration::from_secs(configured.minutes * 60);
        let Some(service) = self.services.get_mut(key) else { return };
        let Some(current) = service.service_deployment_mut(deployment) else { return };
        current.updated_at = now;
        current.hooks.push(Hook {
            id: hook.clone(),
            stage: stage.to_owned(),
            status: "AWAITING_ACTION",
            expires_at: crate::clock::later(now, timeout),
            timeout_action: configured.action.clone(),
        });
        self.later(timeout, Due::HookExpires { service: key.clone(), id: deployment.to_owned(), hook });
    }

    /// Ends a hook that waits; false if it does not.
    pub(crate) fn resolve_hook(&mut self, key: &ServiceKey, id: &str, hook: &str, action: &str) -> bool {
        let status = if action == "CONTINUE" { "SUCCEEDED" } else { "FAILED" };
        if !self.end_hook(key, id, hook, status) {
            return false;
        }
        self.go_on(key, action);
        true
    }

    /// Nobody came.
    pub(crate) fn hook_expires(&mut self, key: &ServiceKey, id: &str, hook: &str) {
        let service = self.services.get(key);
        let found = service.and_then(|service| service.service_deployment(id));
        let action = found.and_then(|found| found.waiting()).map(|waiting| waiting.timeout_action.clone());
        if let Some(action) = action
            && self.end_hook(key, id, hook, if action == "CONTINUE" { "SUCCEEDED" } else { "TIMED_OUT" })
        {
            self.go_on(key, &action);
        }
    }

    fn end_hook(&mut self, key: &ServiceKey, id: &str, hook: &str, status: &'static str) -> bool {
        let now = self.now;
        let Some(service) = self.services.get_mut(key) else { return false };
        let Some(deployment) = service.service_deployment_mut(id).filter(|found| !found.is_final()) else {
            return false;
        };
        let waiting =
            deployment.hooks.iter_mut().find(|known| known.id == hook && known.status == "AWAITING_ACTION");
        let Some(waiting) = waiting else { return false };
        waiting.status = status;
        deployment.updated_at = now;
        true
    }

    fn go_on(&mut self, key: &ServiceKey, action: &str) {
        match action {
            "CONTINUE" => self.reconcile(key),
            _ => self.roll_back(key, Cause::Hook),
        }
    }
}
