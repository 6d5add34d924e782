//! What will happen, and when.

use std::time::Duration;

use jiff::Timestamp;

use super::CloudFormation;
use super::model::{EventState, HookState, ResourceState, Verb};
use crate::clock::later;

/// Something that happens on its own.
#[derive(Debug, Clone)]
pub(super) enum Due {
    /// A change set goes on to its next status.
    ChangeSet { stack: String, arn: String },
    /// A resource is done, or has failed.
    Step { stack: String, operation: String, logical: String, fails: Option<String> },
    /// An operation that was under way at the start comes to its end.
    End { stack: String, status: String },
}

/// How a step goes.
#[derive(Debug, Default)]
pub(super) struct Course {
    /// In milliseconds.
    pub(super) takes: u64,
    pub(super) fails: Option<String>,
    /// What refuses it before it is begun.
    pub(super) hook: Option<crate::StackHook>,
}

impl CloudFormation {
    /// Does everything that was due until `now`, each thing at its own time.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        while let Some(entry) = self.agenda.first_entry() {
            let (at, _) = *entry.key();
            if at > now {
                break;
            }
            let due = entry.remove();
            self.now = self.now.max(at);
            self.apply(due);
        }
        self.now = self.now.max(now);
    }

    pub(super) fn later(&mut self, by: Duration, due: Due) {
        self.agenda.insert((later(self.now, by), self.next), due);
        self.next += 1;
    }

    fn apply(&mut self, due: Due) {
        match due {
            Due::ChangeSet { stack, arn } => self.change_set_goes_on(&stack, &arn),
            Due::Step { stack, operation, logical, fails } => {
                if let Some(at) = self.position(&stack) {
                    self.finish(at, &operation, &logical, fails.map_or(Ok(()), Err));
                }
            }
            Due::End { stack, status } => {
                if let Some(at) = self.position(&stack) {
                    self.root_event(at, &status, None);
                }
            }
        }
    }

    pub(super) fn position(&self, id: &str) -> Option<usize> {
        self.stacks.iter().position(|stack| stack.id == id)
    }

    /// An event of the stack itself, which gives it its status.
    pub(super) fn root_event(&mut self, at: usize, status: &str, reason: Option<&str>) {
        let stack = &mut self.stacks[at];
        status.clone_into(&mut stack.status);
        stack.reason = reason.map(str::to_owned);
        if status == "UPDATE_IN_PROGRESS" {
            stack.updated = Some(self.now);
        }
        let (name, id) = (stack.name.clone(), stack.id.clone());
        self.event(at, (&name, &id, "AWS::CloudFormation::Stack"), status, reason);
    }

    /// An event of a resource, which the stack keeps as the resource's state.
    pub(super) fn resource_event(
        &mut self,
        at: usize,
        logical: &str,
        resource: &ResourceState,
        status: &str,
        reason: Option<&str>,
    ) {
        let mut kept = resource.clone();
        status.clone_into(&mut kept.status);
        kept.reason = reason.map(str::to_owned);
        self.stacks[at].resources.insert(logical.to_owned(), kept);
        self.resource_event_only(at, logical, resource, status, reason);
    }

    /// An event of a resource that is no longer the stack's under this logical id.
    pub(super) fn resource_only_event(
        &mut self,
        at: usize,
        logical: &str,
        resource: &ResourceState,
        status: &str,
    ) {
        self.resource_event_only(at, logical, resource, status, None);
    }

    fn resource_event_only(
        &mut self,
        at: usize,
        logical: &str,
        resource: &ResourceState,
        status: &str,
        reason: Option<&str>,
    ) {
        let (physical, kind) = (resource.physical.clone(), resource.kind.clone());
        self.event(at, (logical, &physical, &kind), status, reason);
    }

    fn event(
        &mut self,
        at: usize,
        (logical, physical, kind): (&str, &str, &str),
        status: &str,
        reason: Option<&str>,
    ) {
        let operation = self.stacks[at].operation.as_ref();
        let event = EventState {
            id: if kind == "AWS::CloudFormation::Stack" {
                self.ids.uuid()
            } else {
                format!("{logical}-{status}-{}", self.ids.digits19())
            },
            logical: logical.to_owned(),
            physical: physical.to_owned(),
            kind: kind.to_owned(),
            status: status.to_owned(),
            reason: reason.map(str::to_owned),
            at: self.now,
            token: operation.and_then(|operation| operation.token.clone()),
            operation: operation.map(|operation| operation.id.clone()),
            hook: None,
        };
        self.stacks[at].events.push(event);
    }

    /// A hook refuses a resource. Gives the resource's reason.
    pub(super) fn hook_refuses(
        &mut self,
        at: usize,
        logical: &str,
        resource: &ResourceState,
        status: &str,
        hook: crate::StackHook,
    ) -> String {
        let reason = format!("The following hook(s) failed: [{}]", hook.name);
        self.resource_event_only(at, logical, resource, status, None);
        let id = self.ids.uuid();
        if let Some(event) = self.stacks[at].events.last_mut() {
            event.hook = Some(HookState { id, hook });
        }
        reason
    }

    /// How a step goes, by the first rule that fits.
    pub(super) fn rule(&mut self, at: usize, logical: &str, verb: Verb, rolling: bool) -> Course {
        let usual = match verb {
            Verb::Delete | Verb::Import => 1_000,
            Verb::Create | Verb::Replace => 2_000,
            Verb::Update | Verb::Restore | Verb::Sync => 1_500,
        };
        let express = self.stacks[at].operation.as_ref().is_some_and(|operation| operation.manner.express);
        // "up to four times faster" (announcement of express mode).
        let usual = if express { usual / 4 } else { usual };
        let name = self.stacks[at].name.clone();
        let word = if rolling { "rollback" } else { verb.word() }.to_lowercase();
        let fits = |rule: &crate::StackRule| {
            let like =
                |pattern: &str, text: &str| pattern.is_empty() || crate::iam::wildcard_match(pattern, text);
            like(&rule.stack, &name)
                && like(&rule.resource, logical)
                && (rule.operation.is_empty() || rule.operation == word)
        };
        let found =
            self.rules.iter_mut().find(|(rule, hits)| fits(rule) && (rule.times == 0 || *hits < rule.times));
        if let Some((rule, hits)) = found {
            *hits += 1;
            let takes = rule.takes_ms.unwrap_or(usual);
            return Course { takes, fails: rule.fails.clone(), hook: rule.hook.clone() };
        }
        Course { takes: usual, fails: self.denied_by_policy(at, logical, verb), hook: None }
    }
}
