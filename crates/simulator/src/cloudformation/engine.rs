//! How an operation goes: resources in the order of what they need, as many at once as can be; a failure, and the way back.
//!
//! Statuses and their order: "Understand stack status codes"
//! (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html>) and "Choose how to handle
//! failures when provisioning resources" of the user guide. How long things take AWS documents nowhere: it is the world's
//! rules, or two seconds.

use serde_json::Value;

use super::CloudFormation;
use super::agenda::Due;
use super::model::{Operation, Phase, ResourceState, StepState, Verb};
use crate::clock::ms;

const NESTED: &str = "AWS::CloudFormation::Stack";

impl CloudFormation {
    /// Begins an operation whose steps are known.
    pub(super) fn begin(
        &mut self,
        at: usize,
        operation: Operation,
        kind: &str,
        status: &str,
        reason: Option<&str>,
    ) {
        self.stacks[at].operations.insert(0, (kind.to_owned(), operation.id.clone()));
        self.stacks[at].operation = Some(operation);
        self.root_event(at, status, reason);
        self.go_on(at);
    }

    /// Starts every step that can be, and ends the phase when all are done.
    pub(super) fn go_on(&mut self, at: usize) {
        loop {
            let Some(operation) =
                self.stacks[at].operation.as_ref().filter(|operation| operation.phase != Phase::Over)
            else {
                return;
            };
            let done = |name: &String| {
                operation.steps.iter().all(|step| step.logical != *name || step.state == StepState::Done)
            };
            let next = operation
                .steps
                .iter()
                .position(|step| step.state == StepState::Waiting && step.needs.iter().all(done));
            match next {
                Some(index) => self.start(at, index),
                None if operation.steps.iter().all(|step| step.state == StepState::Done) => {
                    return self.end_phase(at);
                }
                None => {
                    let in_state = |state| operation.steps.iter().filter(move |step| step.state == state);
                    let failed: Vec<String> =
                        in_state(StepState::Failed).map(|step| step.logical.clone()).collect();
                    if in_state(StepState::Running).next().is_none() && !failed.is_empty() {
                        self.fail(at, &failed, None);
                    }
                    return;
                }
            }
        }
    }

    fn start(&mut self, at: usize, index: usize) {
        let rolling = self.is_rolling(at);
        let Some(operation) = self.stacks[at].operation.as_mut() else { return };
        let step = &mut operation.steps[index];
        step.state = StepState::Running;
        let (logical, verb, mut after) = (step.logical.clone(), step.verb, step.after.clone());
        let (id, reverts) = (operation.id.clone(), operation.manner.revert_drift);
        if matches!(verb, Verb::Create | Verb::Update | Verb::Replace | Verb::Import) {
            self.refer(at, &logical, &mut after);
        }
        let existing =
            self.stacks[at].resources.get(&logical).map(|known| known.physical.clone()).unwrap_or_default();
        let reason = (verb == Verb::Replace).then_some(
            "Requested update requires the creation of a new physical resource; hence creating one.",
        );
        let status = format!("{}_IN_PROGRESS", verb.word());
        if verb == Verb::Delete && after.retain {
            self.resource_event(at, &logical, &after, "DELETE_SKIPPED", None);
            return self.finish(at, &id, &logical, Ok(()));
        }
        match verb {
            Verb::Create | Verb::Replace => after.physical = String::new(),
            Verb::Update => {
                after.physical.clone_from(&existing);
                let before = self.stacks[at].resources.get(&logical).filter(|_| !reverts);
                after.actual = before.and_then(|before| before.drift_after(&after.properties));
            }
            // As it really was, and not as the template had it.
            Verb::Restore => after.physical.clone_from(&existing),
            Verb::Import => (after.physical, after.imported) = (self.physical_id(at, &logical, &after), true),
            Verb::Delete | Verb::Sync => {}
        }
        self.resource_event(at, &logical, &after, &status, reason);
        if after.kind == NESTED {
            return self.start_nested(at, &logical, verb, after);
        }
        let course = self.rule(at, &logical, verb, rolling);
        let hooked = course.hook.map(|hook| self.hook_refuses(at, &logical, &after, &status, hook));
        let taken = hooked.or_else(|| self.taken(at, &logical, verb, &after));
        if matches!(verb, Verb::Create | Verb::Replace) && taken.is_none() {
            after.physical = self.physical_id(at, &logical, &after);
            self.resource_event(at, &logical, &after, &status, Some("Resource creation Initiated"));
        }
        self.keep_step(at, &logical, after);
        let fails = course.fails.or(taken).or_else(|| self.not_replaceable(at, verb));
        self.later(
            ms(course.takes),
            Due::Step { stack: self.stacks[at].id.clone(), operation: id, logical, fails },
        );
    }

    /// What a resource refers to has its physical id by the time that it is begun.
    fn refer(&self, at: usize, logical: &str, after: &mut ResourceState) {
        if !after.properties.to_string().contains(super::evaluate::LATER) {
            return;
        }
        let desired = &self.stacks[at].desired;
        let parsed = super::template::parse(&desired.body).unwrap_or(Value::Null);
        if let Some(fresh) = self.resolve(at, &parsed, &desired.parameters).shift_remove(logical) {
            after.properties = fresh.properties;
        }
    }

    /// What the step's resource is while it is at work.
    pub(super) fn keep_step(&mut self, at: usize, logical: &str, after: ResourceState) {
        let Some(operation) = self.stacks[at].operation.as_mut() else { return };
        if let Some(step) = operation.steps.iter_mut().find(|step| step.logical == logical) {
            step.after = after;
        }
    }

    /// A step has come to its end.
    pub(super) fn finish(&mut self, at: usize, operation: &str, logical: &str, result: Result<(), String>) {
        let stack = &mut self.stacks[at];
        let Some(current) = stack.operation.as_mut().filter(|current| current.id == operation) else {
            return;
        };
        let Some(step) =
            current.steps.iter_mut().find(|step| step.logical == logical && step.state == StepState::Running)
        else {
            return;
        };
        let (verb, after) = (step.verb, step.after.clone());
        match result {
            Ok(()) => {
                step.state = StepState::Done;
                if verb == Verb::Replace
                    && let Some(old) = current.resources_before.get(logical)
                {
                    current.replaced.push((logical.to_owned(), old.clone()));
                }
                if verb == Verb::Delete {
                    if after.retain {
                        self.leave_behind(&after);
                    } else {
                        self.resource_event(at, logical, &after, "DELETE_COMPLETE", None);
                    }
                    self.stacks[at].resources.shift_remove(logical);
                } else {
                    if verb == Verb::Import {
                        self.take_over(&after);
                    }
                    let reason = self.express_reason(at, &after.kind);
                    self.resource_event(at, logical, &after, &format!("{}_COMPLETE", verb.word()), reason);
                }
                self.go_on(at);
            }
            Err(reason) => {
                step.state = StepState::Failed;
                self.resource_event(at, logical, &after, &format!("{}_FAILED", verb.word()), Some(&reason));
                self.fail(at, &[logical.to_owned()], None);
            }
        }
    }

    /// Ends the phase at hand because something failed or somebody cancelled it.
    pub(super) fn fail(&mut self, at: usize, names: &[String], cancelled: Option<&str>) {
        let Some(operation) = self.stacks[at].operation.clone() else { return };
        let deleting = matches!(
            operation.phase,
            Phase::Delete | Phase::Rollback | Phase::RollbackCleanup | Phase::Cleanup
        );
        if deleting
            && operation.steps.iter().any(|step| step.state == StepState::Running)
            && operation.phase != Phase::Rollback
        {
            return; // The others go on; what failed is told when they are done.
        }
        for step in operation.steps.iter().filter(|step| step.state == StepState::Running) {
            let word = step.verb.word();
            let what = match step.verb {
                Verb::Create => "creation",
                Verb::Import => "import",
                _ => "update",
            };
            let reason = format!("Resource {what} cancelled");
            self.resource_event(at, &step.logical, &step.after, &format!("{word}_FAILED"), Some(&reason));
        }
        self.cancel_nested(&operation);
        if let Some(operation) = self.stacks[at].operation.as_mut() {
            for step in operation.steps.iter_mut().filter(|step| step.state == StepState::Running) {
                step.state = StepState::Failed;
            }
        }
        let verb = match (operation.phase, operation.creates) {
            (Phase::Delete | Phase::Cleanup | Phase::RollbackCleanup, _) => "delete",
            (Phase::Rollback, true) => "delete",
            (_, true) => "create",
            _ => "update",
        };
        let why = cancelled.map_or_else(
            || format!("The following resource(s) failed to {verb}: [{}]. ", names.join(", ")),
            str::to_owned,
        );
        self.after_failure(at, &operation, &why, cancelled.is_some());
    }

    fn after_failure(&mut self, at: usize, operation: &Operation, why: &str, cancelled: bool) {
        let keep = operation.manner.is_rollback_off() && !cancelled;
        match (operation.phase, operation.creates) {
            (Phase::Forward, true) if keep => self.over(at, "CREATE_FAILED", Some(why)),
            (Phase::Forward, false) if keep => self.over(at, "UPDATE_FAILED", Some(why)),
            (Phase::Forward, true) if operation.manner.on_failure == "DELETE" => {
                self.delete_phase(
                    at,
                    Phase::Delete,
                    "DELETE_IN_PROGRESS",
                    &format!("{why}Delete requested by user."),
                );
            }
            (Phase::Forward, true) => {
                self.delete_phase(
                    at,
                    Phase::Rollback,
                    "ROLLBACK_IN_PROGRESS",
                    &format!("{why}Rollback requested by user."),
                );
            }
            (Phase::Forward, false) => self.roll_update_back(at, why),
            (Phase::Rollback, true) => self.over(at, "ROLLBACK_FAILED", Some(why)),
            (Phase::Rollback, false) => self.over(at, "UPDATE_ROLLBACK_FAILED", Some(why)),
            // What cannot be cleaned up is left behind, and the operation counts as complete.
            (Phase::Cleanup | Phase::RollbackCleanup, _) => self.end_phase(at),
            (Phase::Delete, _) => self.over(at, "DELETE_FAILED", Some(why)),
            (Phase::Over, _) => {}
        }
    }

    /// All steps of the phase are done.
    fn end_phase(&mut self, at: usize) {
        let Some(operation) = self.stacks[at].operation.clone() else { return };
        match (operation.phase, operation.creates) {
            (Phase::Forward, true) => self.complete(at, "CREATE_COMPLETE"),
            (Phase::Forward, false) => {
                self.root_event(at, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", None);
                self.cleanup(at);
            }
            (Phase::Cleanup, _) => self.complete(at, "UPDATE_COMPLETE"),
            (Phase::Rollback, true) => self.over(at, "ROLLBACK_COMPLETE", None),
            (Phase::Rollback, false) => {
                self.root_event(at, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", None);
                self.rollback_cleanup(at);
            }
            (Phase::RollbackCleanup, _) => self.over(at, "UPDATE_ROLLBACK_COMPLETE", None),
            (Phase::Delete, _) => {
                self.stacks[at].deleted = Some(self.now);
                self.over(at, "DELETE_COMPLETE", None);
            }
            (Phase::Over, _) => {}
        }
    }

    fn complete(&mut self, at: usize, status: &str) {
        self.set_outputs(at);
        self.over(at, status, None);
    }

    /// The operation is over: the stack has its final status, and a parent learns of it.
    pub(super) fn over(&mut self, at: usize, status: &str, reason: Option<&str>) {
        if let Some(operation) = self.stacks[at].operation.as_mut() {
            operation.phase = Phase::Over;
        }
        if let Some(current) = self.stacks[at].change_set.clone()
            && let Some(set) = self.stacks[at]
                .change_sets
                .iter_mut()
                .find(|set| set.arn == current && set.execution == "EXECUTE_IN_PROGRESS")
        {
            let good = matches!(status, "CREATE_COMPLETE" | "UPDATE_COMPLETE");
            (if good { "EXECUTE_COMPLETE" } else { "EXECUTE_FAILED" }).clone_into(&mut set.execution);
        }
        self.root_event(at, status, reason);
        self.tell_parent(at, status, reason);
    }

    /// Custom resources are waited for as ever.
    fn express_reason(&self, at: usize, kind: &str) -> Option<&'static str> {
        let custom = kind.starts_with("Custom::") || kind == "AWS::CloudFormation::CustomResource";
        let express = self.stacks[at].operation.as_ref().is_some_and(|operation| operation.manner.express);
        (express && !custom).then_some(
            "Resource operation completed using Express Mode. It may continue becoming available in the background.",
        )
    }

    /// What cannot be put back is not begun (aws/aws-sam-cli issue 4585, aws/aws-cdk-cli issue 1931).
    fn not_replaceable(&self, at: usize, verb: Verb) -> Option<String> {
        let operation = self.stacks[at].operation.as_ref()?;
        let refused = verb == Verb::Replace && !operation.creates && operation.manner.is_rollback_off();
        refused.then(|| "Replacement type updates not supported on stack with disable-rollback.".to_owned())
    }

    fn is_rolling(&self, at: usize) -> bool {
        self.stacks[at]
            .operation
            .as_ref()
            .is_some_and(|operation| matches!(operation.phase, Phase::Rollback | Phase::RollbackCleanup))
    }

    /// The physical id that a resource gets: its name property, or one made of stack and logical id.
    fn physical_id(&mut self, at: usize, logical: &str, resource: &ResourceState) -> String {
        match super::changes::own_name(&resource.properties) {
            Some((_, name)) => name,
            None => format!("{}-{logical}-{}", self.stacks[at].name, self.ids.capitals(12)),
        }
    }
}
