//! Load balancers: the events of registration, and tasks whose targets do not become healthy.
//!
//! Texts: "Amazon ECS service event messages" in the developer guide (`is unhealthy in (target-group ...) due to
//! (reason ...)`, `registered`, `deregistered`), "Amazon ECS stopped tasks error messages" (`Task failed ELB health
//! checks in (target-group ...)`).

use super::reconcile::listed;
use crate::ecs::RegionState;
use crate::ecs::model::{ServiceKey, ServiceState};

/// Where a service registers the tasks of one container.
#[derive(Debug, Clone)]
pub(crate) struct Balanced {
    pub(crate) target_group: String,
    pub(crate) port: u64,
}

impl ServiceState {
    /// The target groups among its `loadBalancers`.
    pub(crate) fn balanced(&self) -> Vec<Balanced> {
        let balancers = self.settings.value("loadBalancers");
        let read = |balancer: &serde_json::Value| {
            let target_group = balancer["targetGroupArn"].as_str()?.to_owned();
            Some(Balanced { target_group, port: balancer["containerPort"].as_u64()? })
        };
        balancers.as_array().into_iter().flatten().filter_map(read).collect()
    }
}

impl RegionState {
    fn balanced(&self, key: &ServiceKey) -> Vec<Balanced> {
        self.services.get(key).map(ServiceState::balanced).unwrap_or_default()
    }

    /// `healthCheckGracePeriodSeconds` of the service a task belongs to, in milliseconds; 0 by default.
    pub(crate) fn grace_ms(&self, task: &str) -> u64 {
        let service = self.tasks.get(task).and_then(|task| self.services.get(&task.service));
        let seconds =
            service.and_then(|service| service.settings.read::<u64>("healthCheckGracePeriodSeconds"));
        seconds.unwrap_or(0) * 1_000
    }

    /// A task runs: ECS registers it.
    pub(crate) fn targets_registered(&mut self, task: &str) {
        let Some(key) = self.tasks.get(task).map(|task| task.service.clone()) else { return };
        for balanced in self.balanced(&key) {
            self.event(&key, &format!("registered 1 targets in (target-group {})", balanced.target_group));
        }
    }

    /// Tasks were told to stop.
    pub(super) fn stopped_events(&mut self, key: &ServiceKey, ids: &[String]) {
        let balanced = self.balanced(key);
        let count = ids.len();
        if !balanced.is_empty() {
            self.event(key, &format!("has begun draining connections on {count} tasks."));
        }
        for group in balanced {
            self.event(
                key,
                &format!("deregistered {count} targets in (target-group {})", group.target_group),
            );
        }
        self.event(key, &format!("has stopped {count} running tasks: {}.", listed(ids)));
    }

    /// The health checks of its target have failed and the grace period is over: the task is stopped, and counts as one
    /// that failed ("the circuit breaker checks the load balancer's health checks").
    pub(crate) fn target_failed(&mut self, id: &str, description: &str) {
        let Some(task) = self.tasks.get(id).filter(|task| task.is_live()) else { return };
        let (key, digits) = (task.service.clone(), task.digits.clone());
        let Some(balanced) = self.balanced(&key).into_iter().next() else { return };
        let group = balanced.target_group;
        let port = balanced.port;
        self.event(
            &key,
            &format!("(task {id}) (port {port}) is unhealthy in (target-group {group}) due to (reason {description})"),
        );
        let reason = format!("Task failed ELB health checks in (target-group {group})");
        self.stop_task(id, "ServiceSchedulerInitiated", &reason);
        self.stopped_events(&key, &[id.to_owned()]);
        self.task_failed(&key, &digits, true);
    }
}
