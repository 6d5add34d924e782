//! Stacks that are resources of other stacks.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde_json::Value;

use super::model::{Desired, Manner, Operation, Phase, ResourceState, StackState, StepState, Verb};
use super::{CloudFormation, template};

/// "When you use express mode on a parent stack, the setting propagates to all nested stacks".
fn within(parent: &Manner, on_failure: &str) -> Manner {
    Manner { express: parent.express, ..Manner::on_failure(on_failure) }
}

impl CloudFormation {
    /// A step of a parent that is a stack itself.
    pub(super) fn start_nested(&mut self, at: usize, logical: &str, verb: Verb, mut after: ResourceState) {
        let Some(parent) = self.stacks[at].operation.clone() else { return };
        let child = self.position(&after.physical);
        match (verb, child) {
            (Verb::Create | Verb::Replace, _) => {
                let desired = match self.desired_of(&after.properties) {
                    Ok(desired) => desired,
                    Err(reason) => return self.finish(at, &parent.id, logical, Err(reason)),
                };
                let child = self.new_nested(at, logical);
                after.physical.clone_from(&self.stacks[child].id);
                self.resource_event(
                    at,
                    logical,
                    &after,
                    "CREATE_IN_PROGRESS",
                    Some("Resource creation Initiated"),
                );
                self.keep_step(at, logical, after);
                // AWS does not document what a nested stack does by itself when it fails; it is left to the parent's
                // rollback here.
                self.create(child, desired, parent.token, within(&parent.manner, "DO_NOTHING"));
            }
            (Verb::Update | Verb::Restore, Some(child)) => {
                self.keep_step(at, logical, after.clone());
                if self.stacks[child]
                    .operation
                    .as_ref()
                    .is_some_and(|operation| operation.phase != Phase::Over)
                {
                    return; // It rolls back already, and tells when it is done.
                }
                match self.desired_of(&after.properties) {
                    Ok(desired) => self.update_nested(at, logical, child, desired, &parent),
                    Err(reason) => self.finish(at, &parent.id, logical, Err(reason)),
                }
            }
            (Verb::Delete, Some(child)) => {
                self.keep_step(at, logical, after);
                self.delete(child, parent.token, Vec::new());
            }
            _ => self.finish(at, &parent.id, logical, Ok(())),
        }
    }

    fn update_nested(
        &mut self,
        at: usize,
        logical: &str,
        child: usize,
        desired: Desired,
        parent: &Operation,
    ) {
        let parsed = template::parse(&desired.body).unwrap_or(Value::Null);
        let wanted = self.resolve(child, &parsed, &desired.parameters);
        let changes = self.differences(child, &wanted, false);
        if changes.is_empty() {
            return self.finish(at, &parent.id, logical, Ok(()));
        }
        self.update(child, desired, parent.token.clone(), within(&parent.manner, "ROLLBACK"));
    }

    /// The template and parameters of a nested stack's properties.
    fn desired_of(&self, properties: &Value) -> Result<Desired, String> {
        let url = properties.get("TemplateURL").and_then(Value::as_str).unwrap_or_default();
        let body = self.template_at(url).ok_or("S3 error: The specified key does not exist.")?;
        let parsed = template::parse(&body)?;
        let mut given = BTreeMap::new();
        for (name, value) in properties.get("Parameters").and_then(Value::as_object).into_iter().flatten() {
            given.insert(name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
        let parameters = super::operations::with_defaults(&parsed, given)?;
        Ok(Desired { body, parameters, ..Desired::default() })
    }

    fn new_nested(&mut self, at: usize, logical: &str) -> usize {
        let name = format!("{}-{logical}-{}", self.stacks[at].name, self.ids.capitals(12));
        let parent = self.stacks[at].id.clone();
        let child = self.new_stack(&name);
        self.stacks[child].parent = Some(parent);
        child
    }

    /// A stack that has nothing yet.
    pub(super) fn new_stack(&mut self, name: &str) -> usize {
        let id = format!(
            "arn:aws:cloudformation:{}:{}:stack/{name}/{}",
            self.region,
            self.account,
            self.ids.uuid()
        );
        self.stacks.push(StackState {
            id,
            name: name.to_owned(),
            status: "REVIEW_IN_PROGRESS".to_owned(),
            reason: None,
            desired: Desired::default(),
            policy: None,
            protected: false,
            created: self.now,
            updated: None,
            deleted: None,
            change_set: None,
            parent: None,
            outputs: Vec::new(),
            resources: IndexMap::new(),
            events: Vec::new(),
            change_sets: Vec::new(),
            operation: None,
            express: false,
            rollback_off: false,
            operations: Vec::new(),
        });
        self.stacks.len() - 1
    }

    /// What runs within is rolled back with its parent.
    pub(super) fn cancel_nested(&mut self, operation: &Operation) {
        let running = operation
            .steps
            .iter()
            .filter(|step| step.state == StepState::Running && step.verb == Verb::Update);
        let ids: Vec<String> = running.map(|step| step.after.physical.clone()).collect();
        for id in ids {
            if let Some(child) = self.position(&id)
                && self.stacks[child].status == "UPDATE_IN_PROGRESS"
            {
                self.roll_update_back(child, "Update cancelled by its parent. ");
            }
        }
    }

    /// A nested stack is done: so is the step of its parent.
    pub(super) fn tell_parent(&mut self, at: usize, status: &str, reason: Option<&str>) {
        let stack = &self.stacks[at];
        let (id, parent) = (stack.id.clone(), stack.parent.clone());
        let failed = stack.events.iter().rev().find(|event| event.status.ends_with("ROLLBACK_IN_PROGRESS"));
        let why = reason
            .map(str::to_owned)
            .or_else(|| failed.and_then(|event| event.reason.clone()))
            .unwrap_or_default();
        let Some(parent) = parent.and_then(|parent| self.position(&parent)) else { return };
        let Some(operation) = self.stacks[parent].operation.clone() else { return };
        let step =
            operation.steps.iter().find(|step| step.state == StepState::Running && step.after.physical == id);
        let Some(step) = step else { return };
        let good = match step.verb {
            Verb::Restore => status.ends_with("_COMPLETE"),
            Verb::Delete => status == "DELETE_COMPLETE",
            _ => matches!(status, "CREATE_COMPLETE" | "UPDATE_COMPLETE"),
        };
        let done = match step.verb {
            Verb::Create | Verb::Replace => "created",
            Verb::Delete => "deleted",
            _ => "updated",
        };
        let result = if good {
            Ok(())
        } else {
            Err(format!("Embedded stack {id} was not successfully {done}: {why}"))
        };
        self.finish(parent, &operation.id, &step.logical.clone(), result);
    }
}
