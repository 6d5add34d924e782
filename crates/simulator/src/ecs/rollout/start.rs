//! A deployment begins.

use std::time::Duration;

use crate::clock::ms;
use crate::ecs::RegionState;
use crate::ecs::agenda::Due;
use crate::ecs::model::{Deployment, Monitor, Rollout, ServiceDeployment, ServiceKey, ServiceRevision};
use crate::wire::Object;

/// How long a service deployment is PENDING. Undocumented; seen in the data of kayac/ecspresso#899.
const PENDING: Duration = ms(140);
/// How long after a newer deployment was created the older one is STOPPED. Undocumented; seen in kayac/ecspresso#899.
const SUPERSEDED_AFTER: Duration = ms(300);

impl RegionState {
    /// Makes a new PRIMARY deployment; the older ones become ACTIVE. Its desired count is 0 until it has begun, as in
    /// UpdateService's answer.
    pub(crate) fn start_deployment(&mut self, key: &ServiceKey, task_definition: &str, settings: Object) {
        let (digits, id, now) = (self.ids.digits19(), self.ids.word21(), self.now);
        let alarm = self.behaviour(task_definition).alarm_ms;
        let Some(service) = self.services.get_mut(key) else { return };
        let superseded: Vec<String> =
            service.history.iter().filter(|old| !old.is_final()).map(|old| old.id.clone()).collect();
        let policy = service.policy();
        let mut deployment = ServiceDeployment::new(id, &digits, now, service.configuration.clone());
        // "sourceServiceRevisions": those whose tasks run now.
        deployment.sources = service.deployments.iter().map(|old| old.digits.clone()).collect();
        deployment.threshold = policy.threshold(service.desired);
        deployment.breaker = Monitor::enabled(policy.breaker);
        deployment.alarms = Monitor::enabled(policy.alarms);
        service.history.push(deployment);
        service.revisions.push(ServiceRevision {
            digits: digits.clone(),
            task_definition: task_definition.to_owned(),
            settings: settings.clone(),
            created_at: now,
            successful: false,
        });
        for old in &mut service.deployments {
            old.primary = false;
            old.updated_at = now;
        }
        let reason = format!("ECS deployment ecs-svc/{digits} in progress.");
        let deployment = Deployment {
            digits: digits.clone(),
            primary: true,
            begun: false,
            task_definition: task_definition.to_owned(),
            created_at: now,
            updated_at: now,
            rollout: Rollout::InProgress,
            reason,
            failed_tasks: 0,
            desired: 0,
        };
        service.deployments.insert(0, deployment);
        task_definition.clone_into(&mut service.task_definition);
        service.settings = settings;
        for id in superseded {
            self.later(SUPERSEDED_AFTER, Due::Supersede { service: key.clone(), id });
        }
        self.later(PENDING, Due::Begin { service: key.clone(), digits: digits.clone() });
        if let Some(after) = alarm.filter(|_| policy.alarms) {
            self.later(ms(after), Due::Alarm { service: key.clone(), digits });
        }
    }

    /// PENDING is over: the scheduler starts to work.
    pub(crate) fn begin(&mut self, key: &ServiceKey, digits: &str) {
        let now = self.now;
        let Some(service) = self.services.get_mut(key) else { return };
        let desired = service.desired;
        let pending = service.history.iter_mut().find(|deployment| deployment.target == digits);
        let Some(pending) = pending.filter(|deployment| deployment.status == "PENDING") else { return };
        pending.status = "IN_PROGRESS".to_owned();
        pending.started_at = Some(now);
        pending.updated_at = now;
        if let Some(deployment) = service.deployment_mut(digits).filter(|deployment| deployment.primary) {
            deployment.begun = true;
            deployment.desired = desired;
            deployment.updated_at = now;
        }
        self.reconcile(key);
    }

    /// A newer deployment has taken over: this one is over, whatever it was doing. For one that was rolling back the
    /// status is not documented; STOPPED is used alike.
    pub(crate) fn supersede(&mut self, key: &ServiceKey, id: &str) {
        let now = self.now;
        let deployment = self.services.get_mut(key).and_then(|service| service.service_deployment_mut(id));
        if let Some(deployment) = deployment.filter(|deployment| !deployment.is_final()) {
            // The reason's wording is not documented.
            deployment.finish(
                "STOPPED",
                Some("Service deployment was stopped by a newer service deployment."),
                now,
            );
        }
    }
}
