//! What follows the changes themselves: clean-up, the way back, deletion.

use std::collections::BTreeSet;

use serde_json::Value;

use super::CloudFormation;
use super::model::{Phase, Step, StepState, Verb};

impl CloudFormation {
    /// Deletes everything there is, dependants first.
    pub(super) fn delete_phase(&mut self, at: usize, phase: Phase, status: &str, reason: &str) {
        self.root_event(at, status, Some(reason).filter(|reason| !reason.is_empty()));
        let ids: Vec<String> = self.stacks[at].resources.keys().cloned().collect();
        let steps = self.deletions(at, &ids);
        if let Some(operation) = self.stacks[at].operation.as_mut() {
            operation.phase = phase;
            operation.steps = steps;
        }
        self.go_on(at);
    }

    /// Steps that delete these resources. What never came to be has nothing to delete.
    fn deletions(&self, at: usize, ids: &[String]) -> Vec<Step> {
        let stack = &self.stacks[at];
        let operation = stack.operation.as_ref();
        let asked = operation.map(|operation| operation.retain.clone()).unwrap_or_default();
        let rolls = operation.is_some_and(|operation| {
            operation.phase == Phase::Rollback || (operation.phase != Phase::Delete && operation.creates)
        });
        let except = operation.is_some_and(|operation| operation.retain_except_on_create);
        ids.iter()
            .filter_map(|id| {
                let mut after = stack.resources.get(id)?.clone();
                // What was taken over was made by nobody's operation of a stack.
                let is_made_by_it = rolls && !after.imported;
                let goes = is_made_by_it && (except || after.except_on_create);
                after.retain = (after.retain && !goes) || asked.contains(id);
                let needs = stack
                    .resources
                    .iter()
                    .filter(|(_, other)| other.needs.contains(id))
                    .map(|(id, _)| id.clone());
                let needs: BTreeSet<String> = needs.filter(|other| ids.contains(other)).collect();
                let state = if after.physical.is_empty() { StepState::Done } else { StepState::Waiting };
                Some(Step { logical: id.clone(), verb: Verb::Delete, needs, state, after })
            })
            .collect()
    }

    pub(super) fn cleanup(&mut self, at: usize) {
        let Some(operation) = self.stacks[at].operation.clone() else { return };
        let wanted: BTreeSet<String> = operation.steps.iter().map(|step| step.logical.clone()).collect();
        let desired = self.wanted_ids(at);
        let gone: Vec<String> = self.stacks[at]
            .resources
            .keys()
            .filter(|id| !desired.contains(*id) && !wanted.contains(*id))
            .cloned()
            .collect();
        let mut steps = self.deletions(at, &gone);
        // The old physical resource of one that was replaced goes under the same logical id, and the new one stays.
        for (logical, old) in &operation.replaced {
            self.resource_only_event(at, logical, old, "DELETE_IN_PROGRESS");
            self.resource_only_event(at, logical, old, "DELETE_COMPLETE");
        }
        steps.retain(|step| !operation.replaced.iter().any(|(logical, _)| *logical == step.logical));
        if let Some(operation) = self.stacks[at].operation.as_mut() {
            operation.phase = Phase::Cleanup;
            operation.steps = steps;
        }
        self.go_on(at);
    }

    /// An update goes back: what was changed is changed again, then what was made is deleted.
    pub(super) fn roll_update_back(&mut self, at: usize, why: &str) {
        self.root_event(at, "UPDATE_ROLLBACK_IN_PROGRESS", Some(why));
        let Some(operation) = self.stacks[at].operation.clone() else { return };
        let touched = operation.steps.iter().filter(|step| {
            step.state != StepState::Waiting && matches!(step.verb, Verb::Update | Verb::Replace)
        });
        let steps = touched
            .filter_map(|step| {
                let after = operation.resources_before.get(&step.logical)?.clone();
                Some(Step {
                    logical: step.logical.clone(),
                    verb: Verb::Restore,
                    needs: BTreeSet::new(),
                    state: StepState::Waiting,
                    after,
                })
            })
            .collect();
        let stack = &mut self.stacks[at];
        for step in operation.steps.iter().filter(|step| step.verb == Verb::Sync) {
            if let Some(before) = operation.resources_before.get(&step.logical) {
                stack.resources.insert(step.logical.clone(), before.clone());
            }
        }
        stack.desired = operation.before.clone();
        if let Some(operation) = stack.operation.as_mut() {
            operation.phase = Phase::Rollback;
            operation.steps = steps;
        }
        self.go_on(at);
    }

    pub(super) fn rollback_cleanup(&mut self, at: usize) {
        let Some(operation) = self.stacks[at].operation.clone() else { return };
        let made: Vec<String> = self.stacks[at]
            .resources
            .keys()
            .filter(|id| !operation.resources_before.contains_key(*id))
            .cloned()
            .collect();
        let steps = self.deletions(at, &made);
        if let Some(operation) = self.stacks[at].operation.as_mut() {
            operation.phase = Phase::RollbackCleanup;
            operation.steps = steps;
        }
        self.go_on(at);
    }

    /// What the template wants, as logical ids.
    fn wanted_ids(&self, at: usize) -> BTreeSet<String> {
        let parsed = super::template::parse(&self.stacks[at].desired.body).unwrap_or(Value::Null);
        self.resolve(at, &parsed, &self.stacks[at].desired.parameters).into_keys().collect()
    }
}
