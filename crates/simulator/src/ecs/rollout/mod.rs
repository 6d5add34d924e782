//! The service scheduler and the deployments it carries out.
//!
//! - `start`: a deployment begins, and an older one is superseded.
//! - `schedule`: how many tasks to start and stop, a pure function.
//! - `reconcile`: does what `schedule` says, and notices when a deployment is complete.
//! - `failure`: failed tasks, the circuit breaker, alarms.
//! - `targets`: what load balancers have to do with it.
//! - `pause`: lifecycle hooks that wait for a person.
//! - `rollback`: brings the last successful service revision back; requested stops.
//! - `script`: what somebody else does.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html>,
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html>,
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html>.

mod failure;
mod pause;
mod policy;
mod reconcile;
mod rollback;
mod schedule;
mod script;
mod start;
mod targets;

use super::RegionState;
use super::model::{Event, Monitor, ServiceDeployment, ServiceKey};
use crate::wire::Object;
use jiff::Timestamp;

/// DescribeServices shows this many events at most.
const MOST_EVENTS: usize = 100;

impl RegionState {
    /// Adds a service event; `text` follows `(service <name>) `.
    fn event(&mut self, key: &ServiceKey, text: &str) {
        let event =
            Event { id: self.ids.uuid(), at: self.now, message: format!("(service {}) {text}", key.service) };
        if let Some(service) = self.services.get_mut(key) {
            service.events.push(event);
            let surplus = service.events.len().saturating_sub(MOST_EVENTS);
            service.events.drain(..surplus);
        }
    }
}

impl ServiceDeployment {
    /// A PENDING one.
    pub(crate) fn new(id: String, target: &str, created_at: Timestamp, configuration: Object) -> Self {
        Self {
            id,
            target: target.to_owned(),
            sources: Vec::new(),
            status: "PENDING".to_owned(),
            status_reason: None,
            created_at,
            started_at: None,
            finished_at: None,
            stopped_at: None,
            updated_at: created_at,
            rollback: None,
            breaker: Monitor::Disabled,
            failure_count: 0,
            threshold: 0,
            alarms: Monitor::Disabled,
            triggered_alarms: Vec::new(),
            stop_type: None,
            hooks: Vec::new(),
            configuration,
        }
    }

    /// Ends it.
    pub(crate) fn finish(&mut self, status: &str, reason: Option<&str>, at: Timestamp) {
        self.status = status.to_owned();
        if let Some(reason) = reason {
            self.status_reason = Some(reason.to_owned());
        }
        self.finished_at = Some(at);
        self.updated_at = at;
        if status == "STOPPED" {
            self.stopped_at = Some(at);
        }
        self.breaker.finish();
        self.alarms.finish();
    }
}
