//! The scheduler looks at a service: starts and stops tasks, and notices that a deployment is complete.

use super::schedule::{Counts, Plan, plan};
use crate::Failure;
use crate::clock::ms;
use crate::ecs::RegionState;
use crate::ecs::agenda::Due;
use crate::ecs::model::{Rollout, ServiceKey, TaskState, TaskStatus};

/// How long the scheduler waits before it tries again to place a task. Undocumented.
const PLACEMENT_RETRY: std::time::Duration = ms(15_000);

impl RegionState {
    /// Starts and stops what has to be started and stopped now.
    pub(crate) fn reconcile(&mut self, key: &ServiceKey) {
        let Some(service) = self.services.get(key) else { return };
        if service.controller != "ECS" || service.status != "ACTIVE" {
            return;
        }
        let Some(primary) = service.primary().filter(|primary| primary.begun) else { return };
        let (digits, task_definition) = (primary.digits.clone(), primary.task_definition.clone());
        let plan = self.held(key, plan(self.counts(key, &digits)));
        self.stop_tasks(key, &digits, plan);
        self.start_tasks(key, &digits, &task_definition, plan.start);
        self.refresh_desired(key);
        self.pause_if_scaled(key);
        self.complete_if_settled(key);
    }

    fn counts(&self, key: &ServiceKey, digits: &str) -> Counts {
        let mut counts = Counts::default();
        let Some(service) = self.services.get(key) else { return counts };
        let policy = service.policy();
        counts.desired = u64::from(service.desired);
        counts.maximum = policy.maximum(service.desired);
        counts.minimum_healthy = policy.minimum(service.desired);
        counts.may_launch = service.primary().is_some_and(|primary| primary.rollout != Rollout::Failed);
        for task in self.tasks_of(key).filter(|task| task.is_live()) {
            let healthy = u64::from(task.healthy);
            if task.digits == digits {
                counts.new_live += 1;
                counts.new_healthy += healthy;
            } else {
                counts.old_healthy += healthy;
                counts.old_unhealthy += 1 - healthy;
            }
        }
        counts
    }

    /// All tasks of a service, the stopped ones included, oldest first.
    pub(crate) fn tasks_of<'a>(&'a self, key: &'a ServiceKey) -> impl Iterator<Item = &'a TaskState> {
        self.tasks.values().filter(move |task| task.service == *key)
    }

    fn start_tasks(&mut self, key: &ServiceKey, digits: &str, task_definition: &str, count: u64) {
        if count == 0 {
            return;
        }
        let refused = match self.behaviour(task_definition).failure {
            Some(Failure::UnableToPlace { reason }) => {
                Some(format!("was unable to place a task because {reason}"))
            }
            Some(Failure::NotLaunched { event }) => Some(event),
            _ => None,
        };
        if let Some(text) = refused {
            // Placement failures make no task, so the circuit breaker, which counts failed tasks, does not see them.
            self.event(key, &text);
            self.later(PLACEMENT_RETRY, Due::Reconcile { service: key.clone() });
            return;
        }
        let started: Vec<String> =
            (0..count).map(|_| self.start_task(key, digits, task_definition)).collect();
        self.event(key, &format!("has started {} tasks: {}.", started.len(), listed(&started)));
    }

    fn stop_tasks(&mut self, key: &ServiceKey, digits: &str, plan: Plan) {
        let mut chosen: Vec<(String, String)> = Vec::new();
        let mut take = |fits: &dyn Fn(&TaskState) -> bool, count: u64| {
            let live = self.tasks_of(key).filter(|task| task.is_live() && fits(task));
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            chosen.extend(live.take(count).map(|task| (task.id.clone(), task.digits.clone())));
        };
        take(&|task| task.digits != digits && !task.healthy, plan.stop_old_unhealthy);
        take(&|task| task.digits != digits && task.healthy, plan.stop_old_healthy);
        take(&|task| task.digits == digits, plan.stop_new);
        if chosen.is_empty() {
            return;
        }
        for (id, owner) in &chosen {
            let reason = format!("Scaling activity initiated by (deployment ecs-svc/{owner})");
            self.stop_task(id, "ServiceSchedulerInitiated", &reason);
        }
        let ids: Vec<String> = chosen.into_iter().map(|(id, _)| id).collect();
        self.stopped_events(key, &ids);
    }

    /// An older deployment wants what it still has; the PRIMARY one wants what the service wants.
    fn refresh_desired(&mut self, key: &ServiceKey) {
        let Some(service) = self.services.get(key) else { return };
        let wanted: Vec<u32> = service
            .deployments
            .iter()
            .map(|deployment| match deployment.primary {
                true => service.desired,
                false => {
                    let live =
                        self.tasks_of(key).filter(|task| task.is_live() && task.digits == deployment.digits);
                    u32::try_from(live.count()).unwrap_or(u32::MAX)
                }
            })
            .collect();
        if let Some(service) = self.services.get_mut(key) {
            for (deployment, wanted) in service.deployments.iter_mut().zip(wanted) {
                deployment.desired = wanted;
            }
        }
    }

    /// Complete is: every new task is healthy and every old one is gone.
    fn complete_if_settled(&mut self, key: &ServiceKey) {
        let Some(service) = self.services.get(key) else { return };
        let Some(primary) = service.primary().filter(|primary| primary.rollout == Rollout::InProgress) else {
            return;
        };
        let (digits, desired) = (primary.digits.clone(), u64::from(service.desired));
        let counts = self.counts(key, &digits);
        let old_left =
            self.tasks_of(key).any(|task| task.digits != digits && task.status != TaskStatus::Stopped);
        if counts.new_healthy == desired && counts.new_live == desired && !old_left {
            self.complete(key, &digits);
        }
    }

    fn complete(&mut self, key: &ServiceKey, digits: &str) {
        let now = self.now;
        let Some(service) = self.services.get_mut(key) else { return };
        if let Some(current) = service.current_mut() {
            let status = if current.rollback.is_some() { "ROLLBACK_SUCCESSFUL" } else { "SUCCESSFUL" };
            current.finish(status, None, now);
        }
        if let Some(primary) = service.primary_mut() {
            primary.rollout = Rollout::Completed;
            primary.reason = format!("ECS deployment ecs-svc/{digits} completed.");
            primary.failed_tasks = 0;
            primary.updated_at = now;
        }
        service.deployments.retain(|deployment| deployment.primary);
        if let Some(revision) = service.revisions.iter_mut().find(|revision| revision.digits == digits) {
            revision.successful = true;
        }
        self.event(key, &format!("(deployment ecs-svc/{digits}) deployment completed."));
        self.event(key, "has reached a steady state.");
    }
}

/// `(task a) (task b)`, as events list tasks.
pub(super) fn listed(ids: &[String]) -> String {
    let listed: Vec<String> = ids.iter().map(|id| format!("(task {id})")).collect();
    listed.join(" ")
}
