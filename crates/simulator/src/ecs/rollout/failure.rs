//! Tasks that fail, the circuit breaker, and alarms.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html>,
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html>.

use std::time::Duration;

use super::rollback::Cause;
use crate::clock::ms;
use crate::ecs::RegionState;
use crate::ecs::agenda::Due;
use crate::ecs::model::{Monitor, Rollout, ServiceKey};

/// How soon a failed task is replaced. Undocumented.
const REPLACED_AFTER: Duration = ms(1_000);
/// "Service throttle logic" restarts tasks more and more slowly; neither its start nor its steps are documented.
const THROTTLED_AFTER: u32 = 10;
const THROTTLED: Duration = ms(60_000);

impl RegionState {
    /// A task stopped on its own. `counts` is false when it had been healthy: the breaker looks at tasks that fail to
    /// start or to become healthy.
    pub(crate) fn task_failed(&mut self, key: &ServiceKey, digits: &str, counts: bool) {
        let mut pause = REPLACED_AFTER;
        if let Some(service) = self.services.get_mut(key) {
            let in_progress = service
                .deployment_mut(digits)
                .filter(|deployment| deployment.rollout == Rollout::InProgress && counts);
            if let Some(deployment) = in_progress {
                deployment.failed_tasks += 1;
                let (failures, primary) = (deployment.failed_tasks, deployment.primary);
                if failures == THROTTLED_AFTER {
                    self.event(key, "is unable to consistently start tasks successfully.");
                }
                if failures >= THROTTLED_AFTER {
                    pause = THROTTLED;
                }
                if primary && self.breaker_trips(key, failures) {
                    self.trip_breaker(key);
                    return;
                }
            }
        }
        self.later(pause, Due::Reconcile { service: key.clone() });
    }

    /// A healthy task resets the count, unless the breaker is told otherwise.
    pub(crate) fn task_became_healthy(&mut self, key: &ServiceKey, digits: &str) {
        if let Some(service) = self.services.get_mut(key) {
            let reset = service.policy().reset_on_healthy_task;
            if reset && let Some(deployment) = service.deployment_mut(digits) {
                deployment.failed_tasks = 0;
                if deployment.primary
                    && let Some(current) = service.current_mut()
                {
                    current.failure_count = 0;
                }
            }
        }
        self.reconcile(key);
    }

    fn breaker_trips(&mut self, key: &ServiceKey, failures: u32) -> bool {
        let Some(service) = self.services.get_mut(key) else { return false };
        let (policy, desired) = (service.policy(), service.desired);
        // "Multiplied by the latest service desired count": it may have changed since the start.
        let threshold = policy.threshold(desired);
        match service.current_mut() {
            Some(current) if current.breaker != Monitor::Disabled => {
                current.failure_count = failures;
                current.threshold = threshold;
                failures >= threshold
            }
            _ => false,
        }
    }

    fn trip_breaker(&mut self, key: &ServiceKey) {
        let Some(service) = self.services.get_mut(key) else { return };
        let rollback = service.policy().breaker_rollback;
        let Some(primary) = service.primary().map(|primary| primary.id()) else { return };
        if let Some(current) = service.current_mut() {
            current.breaker = Monitor::Triggered;
        }
        self.event(key, &format!("(deployment {primary}) deployment failed: tasks failed to start."));
        self.give_up(key, Cause::CircuitBreaker, rollback);
    }

    /// An alarm of the service goes off: it matters while the deployment is not complete.
    pub(crate) fn alarm(&mut self, key: &ServiceKey, digits: &str) {
        let Some(service) = self.services.get_mut(key) else { return };
        let policy = service.policy();
        let Some(primary) = service.primary().filter(|primary| primary.digits == digits) else { return };
        if primary.rollout != Rollout::InProgress {
            return;
        }
        let id = primary.id();
        let Some(current) = service.current_mut().filter(|current| current.alarms == Monitor::Monitoring)
        else {
            return;
        };
        current.alarms = Monitor::Triggered;
        current.triggered_alarms.clone_from(&policy.alarm_names);
        self.event(key, &format!("(deployment {id}) deployment failed: alarm detected."));
        self.give_up(key, Cause::Alarm, policy.alarm_rollback);
    }

    /// The PRIMARY deployment has failed: rolled back, or left as it is without launching more.
    fn give_up(&mut self, key: &ServiceKey, cause: Cause, rollback: bool) {
        let now = self.now;
        let rolling_back = self
            .services
            .get_mut(key)
            .and_then(|service| service.current_mut())
            .is_some_and(|current| current.rollback.is_some());
        if rolling_back {
            return self.rollback_failed(key, cause.failed_reason());
        }
        if rollback {
            return self.roll_back(key, cause);
        }
        let Some(service) = self.services.get_mut(key) else { return };
        if let Some(current) = service.current_mut() {
            current.finish("STOPPED", Some(cause.failed_reason()), now);
        }
        if let Some(primary) = service.primary_mut() {
            primary.rollout = Rollout::Failed;
            cause.failed_reason().clone_into(&mut primary.reason);
            primary.updated_at = now;
        }
    }
}
