//! Looking at, and meddling with, the simulated CloudFormation from a test: as somebody else. Nothing here counts as a call.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::model::{Desired, Manner, StackState};
use crate::{ChangeSetRule, ExistingResource, Simulator, StackRule};

/// A handle on CloudFormation in one region of one account.
#[derive(Debug, Clone)]
pub struct CloudFormation {
    simulator: Simulator,
    account: String,
    region: String,
}

/// A stack.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct StackView {
    /// Its ARN.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: String,
    /// The template as it was submitted.
    pub template: String,
    /// Parameters, those that are not to be shown included.
    pub parameters: BTreeMap<String, String>,
    /// Tags, in the order in which they were given.
    pub tags: Vec<(String, String)>,
    /// The stack policy.
    pub policy: Option<String>,
    /// Termination protection.
    pub protected: bool,
    /// The service role.
    pub role_arn: Option<String>,
    /// Capabilities that were given.
    pub capabilities: Vec<String>,
    /// Physical ids by logical id.
    pub resources: BTreeMap<String, String>,
    /// Evaluated properties by logical id.
    pub properties: BTreeMap<String, Value>,
    /// What the resources are really like, by logical id: not as the template has them where somebody has changed them.
    pub actual: BTreeMap<String, Value>,
    /// Names of its change sets.
    pub change_sets: Vec<String>,
    /// The ARN of the stack that it is nested in.
    pub parent: Option<String>,
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StackEventView {
    /// When.
    pub at: Timestamp,
    /// The logical id, or the stack's name.
    pub logical: String,
    /// The status.
    pub status: String,
    /// The reason.
    pub reason: Option<String>,
    /// The client request token of its operation.
    pub token: Option<String>,
}

impl CloudFormation {
    pub(crate) fn new(simulator: Simulator, account: &str, region: &str) -> Self {
        Self { simulator, account: account.to_owned(), region: region.to_owned() }
    }

    fn with<T>(&self, work: impl FnOnce(&mut super::CloudFormation) -> T) -> T {
        self.simulator.with_state(|state| work(state.cloudformation(&self.account, &self.region)))
    }

    /// A stack by name or ARN; by name only if it is not deleted.
    pub fn stack(&self, name: &str) -> Option<StackView> {
        self.with(|region| region.find(name).map(|at| view(&region.stacks[at])))
    }

    /// All stacks, those that were deleted included, oldest first.
    pub fn stacks(&self) -> Vec<StackView> {
        self.with(|region| region.stacks.iter().map(view).collect())
    }

    /// The events of a stack, oldest first.
    pub fn events(&self, name: &str) -> Vec<StackEventView> {
        self.with(|region| {
            let at = region.find(name);
            let events = at.map(|at| region.stacks[at].events.as_slice()).unwrap_or_default();
            let one = |event: &super::model::EventState| StackEventView {
                at: event.at,
                logical: event.logical.clone(),
                status: event.status.clone(),
                reason: event.reason.clone(),
                token: event.token.clone(),
            };
            events.iter().map(one).collect()
        })
    }

    /// Resources do as this rule says from now on, before all other rules.
    pub fn behave(&self, rule: StackRule) {
        self.with(|region| region.rules.insert(0, (rule, 0)));
    }

    /// Takes all rules away.
    pub fn behave_well(&self) {
        self.with(|region| {
            region.rules.clear();
            region.change_set_rules.clear();
        });
    }

    /// Change sets do as this rule says from now on.
    pub fn change_sets_behave(&self, rule: ChangeSetRule) {
        self.with(|region| region.change_set_rules.insert(0, (rule, 0)));
    }

    /// Puts a template where `TemplateURL` finds it.
    pub fn put_template(&self, url: &str, body: &str) {
        self.with(|region| region.templates.insert(url.to_owned(), body.to_owned()));
    }

    /// Somebody makes a resource outside of every stack.
    pub fn put_resource(&self, kind: &str, name: &str) {
        self.with(|region| region.existing.push(ExistingResource::new(kind, name)));
    }

    /// What exists outside of every stack: made so, or left behind by one.
    pub fn existing_resources(&self) -> Vec<ExistingResource> {
        self.with(|region| region.existing.clone())
    }

    /// Somebody changes a property of a resource outside of CloudFormation. False if there is none of this name.
    pub fn change_resource_as_other(&self, stack: &str, logical: &str, property: &str, value: Value) -> bool {
        self.with(|region| {
            let Some(at) = region.find(stack) else { return false };
            let Some(resource) = region.stacks[at].resources.get_mut(logical) else { return false };
            let mut live = resource.live().clone();
            if !live.is_object() {
                live = Value::Object(serde_json::Map::new());
            }
            live[property] = value;
            resource.actual = (live != resource.properties).then_some(live);
            true
        })
    }

    /// Somebody else updates a stack. False if there is none of this name.
    pub fn update_as_other(&self, name: &str, template: &str) -> bool {
        self.with(|region| {
            let Some(at) = region.find(name) else { return false };
            let before = region.stacks[at].desired.clone();
            let desired = Desired { body: template.to_owned(), ..before };
            region.stacks[at].change_set = None;
            region.update(
                at,
                desired,
                Some("Console-UpdateStack-00000000-0000-4000-a000-000000000000".to_owned()),
                Manner::on_failure("ROLLBACK"),
            );
            true
        })
    }

    /// Somebody else deletes a stack. False if there is none of this name.
    pub fn delete_as_other(&self, name: &str) -> bool {
        self.with(|region| {
            let Some(at) = region.find(name) else { return false };
            region.delete(
                at,
                Some("Console-DeleteStack-00000000-0000-4000-a000-000000000000".to_owned()),
                Vec::new(),
            );
            true
        })
    }

    /// Somebody else deletes all change sets of a stack.
    pub fn delete_change_sets_as_other(&self, name: &str) {
        self.with(|region| {
            if let Some(at) = region.find(name) {
                region.stacks[at].change_sets.clear();
            }
        });
    }
}

fn view(stack: &StackState) -> StackView {
    StackView {
        id: stack.id.clone(),
        name: stack.name.clone(),
        status: stack.status.clone(),
        template: stack.desired.body.clone(),
        parameters: stack.desired.parameters.clone(),
        tags: stack.desired.tags.clone(),
        policy: stack.policy.clone(),
        protected: stack.protected,
        role_arn: stack.desired.role_arn.clone(),
        capabilities: stack.desired.capabilities.clone(),
        resources: stack
            .resources
            .iter()
            .map(|(id, resource)| (id.clone(), resource.physical.clone()))
            .collect(),
        properties: stack
            .resources
            .iter()
            .map(|(id, resource)| (id.clone(), resource.properties.clone()))
            .collect(),
        actual: stack.resources.iter().map(|(id, resource)| (id.clone(), resource.live().clone())).collect(),
        change_sets: stack.change_sets.iter().map(|set| set.name.clone()).collect(),
        parent: stack.parent.clone(),
    }
}
