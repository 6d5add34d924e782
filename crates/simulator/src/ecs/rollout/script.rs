//! What somebody else does: scripted actions, and those of a test through the inspection handle.

use crate::clock::ms;
use crate::ecs::RegionState;
use crate::ecs::agenda::Due;
use crate::ecs::model::ServiceKey;
use crate::{Action, Trigger};

impl RegionState {
    pub(crate) fn act(&mut self, action: &Action) {
        match action {
            Action::UpdateService { cluster, service, task_definition } => {
                self.update_as_other(&ServiceKey::new(cluster, service), task_definition);
            }
            Action::StopServiceDeployment { cluster, service, stop_type } => {
                let key = ServiceKey::new(cluster, service);
                let current = self.services.get_mut(&key).and_then(|service| service.current_mut());
                if let Some(id) = current.map(|current| current.id.clone()) {
                    self.request_stop(&key, &id, stop_type);
                }
            }
            Action::StopNewTasks { cluster, service } => {
                let key = ServiceKey::new(cluster, service);
                let newest = self.services.get(&key).and_then(|service| service.primary());
                let Some(digits) = newest.map(|primary| primary.digits.clone()) else { return };
                let live = self.tasks_of(&key).filter(|task| task.is_live() && task.digits == digits);
                let ids: Vec<String> = live.map(|task| task.id.clone()).collect();
                for id in ids {
                    self.stop_by_user(&id);
                }
            }
            Action::StopTask { cluster, service } => {
                let key = ServiceKey::new(cluster, service);
                let running = self.tasks_of(&key).find(|task| task.is_live()).map(|task| task.id.clone());
                if let Some(id) = running {
                    self.stop_by_user(&id);
                }
            }
        }
    }

    /// Starts a deployment; true if there is such a service and such a task definition.
    pub(crate) fn update_as_other(&mut self, key: &ServiceKey, task_definition: &str) -> bool {
        let arn = self.revision(task_definition).map(|revision| revision.arn.clone());
        let settings = self.services.get(key).map(|service| service.settings.clone());
        let (Some(arn), Some(settings)) = (arn, settings) else { return false };
        self.remember();
        self.start_deployment(key, &arn, settings);
        true
    }

    /// StopTask by a person. True if there is such a task and it was not stopped.
    pub(crate) fn stop_by_user(&mut self, id: &str) -> bool {
        let Some(task) = self.tasks.get(id).filter(|task| task.is_live()) else { return false };
        let key = task.service.clone();
        self.stop_task(id, "UserInitiated", "Task stopped by user");
        self.reconcile(&key);
        true
    }

    /// Puts what waits for this call of an operation on the agenda.
    pub(crate) fn trigger(&mut self, operation: &str) {
        let count = self.effects.entry(operation.to_owned()).or_default();
        *count += 1;
        let count = *count;
        for scripted in self.actions.clone() {
            if let Trigger::AfterCall { operation: awaited, number, ms: after } = &scripted.when
                && awaited == operation
                && *number == count
            {
                self.later(ms(*after), Due::Act(scripted.action));
            }
        }
    }
}
