//! What will happen, and when.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::RegionState;
use super::model::ServiceKey;
use crate::Action;

/// Something that happens on its own.
#[derive(Debug, Clone)]
pub(crate) enum Due {
    /// A deployment leaves PENDING.
    Begin { service: ServiceKey, digits: String },
    /// A service deployment ends because a newer one has begun.
    Supersede { service: ServiceKey, id: String },
    /// A requested stop takes effect.
    Stop { service: ServiceKey, id: String },
    /// Nobody has acted on a paused hook in time.
    HookExpires { service: ServiceKey, id: String, hook: String },
    /// The scheduler looks at a service again.
    Reconcile { service: ServiceKey },
    /// An alarm goes off.
    Alarm { service: ServiceKey, digits: String },
    /// A task goes on.
    Task { id: String, step: TaskStep },
    /// Somebody else does something.
    Act(Action),
}

/// A step in a task's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TaskStep {
    Pending,
    Running,
    Healthy,
    Fail,
    Stopped,
}

/// Due things in the order of their times; of things due at once, the one that was put down first comes first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Agenda {
    queue: BTreeMap<(Timestamp, u64), Due>,
    next: u64,
}

impl Agenda {
    pub(crate) fn put(&mut self, at: Timestamp, due: Due) {
        self.queue.insert((at, self.next), due);
        self.next += 1;
    }

    fn pop(&mut self, now: Timestamp) -> Option<(Timestamp, Due)> {
        let entry = self.queue.first_entry()?;
        let (at, _) = *entry.key();
        (at <= now).then(|| (at, entry.remove()))
    }
}

impl RegionState {
    /// Does everything that was due until `now`, each thing at its own time.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        while let Some((at, due)) = self.agenda.pop(now) {
            self.now = self.now.max(at);
            self.apply(due);
        }
        self.now = self.now.max(now);
        self.forget_old_tasks();
    }

    /// Puts something on the agenda, `by` from the moment at hand.
    pub(super) fn later(&mut self, by: std::time::Duration, due: Due) {
        self.agenda.put(crate::clock::later(self.now, by), due);
    }

    fn apply(&mut self, due: Due) {
        match due {
            Due::Begin { service, digits } => self.begin(&service, &digits),
            Due::Supersede { service, id } => self.supersede(&service, &id),
            Due::Stop { service, id } => self.stop_requested(&service, &id),
            Due::HookExpires { service, id, hook } => self.hook_expires(&service, &id, &hook),
            Due::Reconcile { service } => self.reconcile(&service),
            Due::Alarm { service, digits } => self.alarm(&service, &digits),
            Due::Task { id, step } => self.step_task(&id, step),
            Due::Act(action) => self.act(&action),
        }
    }
}
