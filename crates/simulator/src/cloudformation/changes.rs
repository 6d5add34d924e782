//! What a template makes of a stack: its resources with every function carried out, and how they differ from what is there.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use serde_json::Value;

use super::CloudFormation;
use super::evaluate::{Scope, references};
use super::model::{ChangeState, PropertyDifference, ResourceState, Step, StepState, Verb};

/// Properties that are a resource's own name, by which it is made anew.
pub(super) const NAMES: [&str; 12] = [
    "BucketName",
    "RoleName",
    "TopicName",
    "QueueName",
    "TableName",
    "FunctionName",
    "GroupName",
    "ManagedPolicyName",
    "InstanceProfileName",
    "UserName",
    "DBInstanceIdentifier",
    "Name",
];

/// Further properties whose change makes a new resource, of types that the demonstration uses ("Update requires:
/// Replacement" in the template reference).
const REPLACING: [&str; 7] =
    ["VpcId", "CidrBlock", "AvailabilityZone", "ImageId", "SubnetId", "Engine", "KeySchema"];

/// Property and value of a resource's own name; none where it is made by a function, or by CloudFormation.
pub(super) fn own_name(properties: &Value) -> Option<(String, String)> {
    NAMES.iter().find_map(|name| Some(((*name).to_owned(), properties.get(name)?.as_str()?.to_owned())))
}

const NESTED: &str = "AWS::CloudFormation::Stack";

pub(super) fn is_replacing(property: &str) -> bool {
    NAMES.contains(&property) || REPLACING.contains(&property)
}

impl CloudFormation {
    pub(super) fn scope_ids(&self, at: usize) -> BTreeMap<String, String> {
        let known = self.stacks[at].resources.iter().filter(|(_, resource)| !resource.physical.is_empty());
        known.map(|(id, resource)| (id.clone(), resource.physical.clone())).collect()
    }

    /// The resources that a template asks for.
    pub(super) fn resolve(
        &self,
        at: usize,
        template: &Value,
        parameters: &BTreeMap<String, String>,
    ) -> IndexMap<String, ResourceState> {
        let stack = &self.stacks[at];
        let physical = self.scope_ids(at);
        let scope = self.scope(stack, template, parameters, &physical);
        let none = serde_json::Map::new();
        let resources = template.get("Resources").and_then(Value::as_object).unwrap_or(&none);
        let mut found = IndexMap::new();
        for (id, resource) in resources {
            let condition = resource.get("Condition").and_then(Value::as_str);
            if condition.is_some_and(|name| !scope.condition(name)) {
                continue;
            }
            let mut needs = BTreeSet::new();
            references(resource, &mut needs);
            needs.retain(|name| resources.contains_key(name) && name != id);
            let kind = resource.get("Type").and_then(Value::as_str).unwrap_or_default().to_owned();
            let properties =
                resource.get("Properties").and_then(|all| scope.evaluate(all)).unwrap_or(Value::Null);
            let policy = resource.get("DeletionPolicy").and_then(Value::as_str);
            let except_on_create = policy == Some("RetainExceptOnCreate");
            let retain = except_on_create || policy == Some("Retain");
            let name = resource.get("Properties").and_then(own_name);
            let resolved = ResourceState {
                kind,
                properties,
                retain,
                except_on_create,
                name,
                needs,
                ..ResourceState::default()
            };
            found.insert(id.clone(), resolved);
        }
        let names: BTreeSet<String> = found.keys().cloned().collect();
        for resource in found.values_mut() {
            resource.needs.retain(|name| names.contains(name));
        }
        found
    }

    pub(super) fn scope<'a>(
        &'a self,
        stack: &'a super::model::StackState,
        template: &'a Value,
        parameters: &'a BTreeMap<String, String>,
        physical: &'a BTreeMap<String, String>,
    ) -> Scope<'a> {
        Scope {
            template,
            parameters,
            physical,
            nested: self.outputs_of(physical),
            account: &self.account,
            region: &self.region,
            stack_name: &stack.name,
            stack_id: &stack.id,
        }
    }

    /// The outputs of those resources that are stacks.
    fn outputs_of(&self, physical: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let nested = self.stacks.iter().filter(|stack| physical.values().any(|id| *id == stack.id));
        let output = |stack: &super::model::StackState| -> Vec<(String, String)> {
            let each = stack.outputs.iter();
            each.map(|(name, value, _)| (format!("{}.Outputs.{name}", stack.id), value.clone())).collect()
        };
        nested.flat_map(output).collect()
    }

    /// What would change. With `drift`, what is wanted is compared with what there really is.
    pub(super) fn differences(
        &self,
        at: usize,
        wanted: &IndexMap<String, ResourceState>,
        drift: bool,
    ) -> Vec<ChangeState> {
        let current = &self.stacks[at].resources;
        let mut changes = Vec::new();
        for (id, after) in wanted {
            // What failed to be made is made anew, and what failed to be changed is changed again.
            let before = current
                .get(id)
                .filter(|before| !before.physical.is_empty() && before.status != "CREATE_FAILED");
            match before {
                None => changes.push(change("Add", id, after, "")),
                Some(before) if before.kind != after.kind => {
                    let mut replaced = change("Modify", id, after, &before.physical);
                    (replaced.replacement, replaced.policy_action) = ("True", "ReplaceAndDelete");
                    changes.push(replaced);
                }
                Some(before) if drift && after.kind != NESTED => {
                    changes.extend(three_ways(id, before, after));
                }
                Some(before) if before.properties != after.properties || before.status == "UPDATE_FAILED" => {
                    changes.push(modify(id, before, after));
                }
                // A nested stack's own template may have changed, which only its execution tells.
                Some(_) if after.kind == NESTED => {
                    changes.push(modify(id, after, after));
                }
                Some(_) => {}
            }
        }
        for (id, before) in current.iter().filter(|(id, _)| !wanted.contains_key(*id)) {
            let mut removed = change("Remove", id, before, &before.physical);
            removed.policy_action = if before.retain { "Retain" } else { "Delete" };
            changes.push(removed);
        }
        changes
    }

    /// The steps of an operation that makes these changes.
    pub(super) fn steps(
        &self,
        wanted: &IndexMap<String, ResourceState>,
        changes: &[ChangeState],
    ) -> Vec<Step> {
        let steps = changes.iter().filter_map(|change| {
            let after = wanted.get(&change.logical)?.clone();
            let verb = match (change.action, change.replacement) {
                ("Add", _) => Verb::Create,
                ("Import", _) => Verb::Import,
                ("SyncWithActual", _) => Verb::Sync,
                (_, "True") => Verb::Replace,
                _ => Verb::Update,
            };
            let needs = after.needs.clone();
            let state = if verb == Verb::Sync { StepState::Done } else { StepState::Waiting };
            Some(Step { logical: change.logical.clone(), verb, needs, state, after })
        });
        steps.collect()
    }

    /// The stack policy: an update of a resource needs an Allow and no Deny
    /// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/protect-stack-resources.html>).
    pub(super) fn denied_by_policy(&self, at: usize, logical: &str, verb: Verb) -> Option<String> {
        let stack = &self.stacks[at];
        let updates = stack.operation.as_ref().is_some_and(|operation| !operation.creates);
        let action = match verb {
            Verb::Update => "Update:Modify",
            Verb::Replace => "Update:Replace",
            _ => return None,
        };
        let policy: Value = serde_json::from_str(stack.policy.as_ref().filter(|_| updates)?).ok()?;
        let texts = |value: Option<&Value>| match value {
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Some(Value::String(text)) => vec![text.clone()],
            _ => Vec::<String>::new(),
        };
        let resource = format!("LogicalResourceId/{logical}");
        let fits = |statement: &Value| {
            let like = |patterns: Vec<String>, text: &str| {
                patterns.iter().any(|pattern| crate::iam::wildcard_match(pattern, text))
            };
            like(texts(statement.get("Action")), action) && like(texts(statement.get("Resource")), &resource)
        };
        let statements = policy.get("Statement")?.as_array()?.clone();
        let effect =
            |statement: &Value, effect: &str| statement.get("Effect").and_then(Value::as_str) == Some(effect);
        let denying = statements.iter().position(|statement| effect(statement, "Deny") && fits(statement));
        let allowed = statements.iter().any(|statement| effect(statement, "Allow") && fits(statement));
        match denying {
            Some(number) => Some(format!(
                "Action denied by stack policy: Statement [#{}] does not allow [Update:*] for resource [{resource}]",
                number + 1
            )),
            None if allowed => None,
            None => Some(format!(
                "Action denied by stack policy: No statement allows [{action}] for resource [{resource}]"
            )),
        }
    }
}

fn change(action: &'static str, id: &str, resource: &ResourceState, physical: &str) -> ChangeState {
    ChangeState {
        action,
        logical: id.to_owned(),
        physical: physical.to_owned(),
        kind: resource.kind.clone(),
        replacement: if action == "Modify" { "False" } else { "" },
        policy_action: "",
        drift: None,
        properties: Vec::new(),
    }
}

/// The actual state, the state of the last deployment and the wanted one
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/drift-aware-change-sets.html>). Not modelled: resources
/// that were deleted, tags of others, properties that AWS manages, types without drift detection.
fn three_ways(id: &str, before: &ResourceState, after: &ResourceState) -> Option<ChangeState> {
    let mut live = before.live().clone();
    // "Drift-aware change sets do not support drift reconciliation for immutable properties."
    if let (Some(members), Some(deployed)) = (live.as_object_mut(), before.properties.as_object()) {
        for (name, value) in deployed.iter().filter(|(name, _)| is_replacing(name)) {
            members.insert(name.clone(), value.clone());
        }
    }
    let (wanted, deployed) = (&after.properties, &before.properties);
    let synced = live == *wanted;
    if synced && live == *deployed && before.status != "UPDATE_FAILED" {
        return None;
    }
    let against = ResourceState { properties: live.clone(), ..before.clone() };
    let from = if synced { before } else { &against };
    let mut found = modify(id, from, after);
    found.drift = Some(if live == *deployed { "IN_SYNC" } else { "MODIFIED" });
    if synced && before.status != "UPDATE_FAILED" {
        (found.action, found.replacement, found.policy_action) = ("SyncWithActual", "", "");
    }
    for property in &mut found.properties {
        let (is, was) = (live.get(&property.name), deployed.get(&property.name));
        if is != was {
            property.before = is.cloned();
            property.deployed = Some(was.cloned().unwrap_or_default());
        }
    }
    Some(found)
}

fn modify(id: &str, before: &ResourceState, after: &ResourceState) -> ChangeState {
    let mut found = change("Modify", id, after, &before.physical);
    let none = serde_json::Map::new();
    let (was, is) =
        (before.properties.as_object().unwrap_or(&none), after.properties.as_object().unwrap_or(&none));
    let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    for name in names.into_iter().filter(|name| was.get(*name) != is.get(*name)) {
        let replaces = is_replacing(name);
        found.properties.push(PropertyDifference {
            name: name.clone(),
            before: was.get(name).cloned(),
            after: is.get(name).cloned(),
            replaces,
            deployed: None,
        });
        if replaces {
            found.replacement = "True";
            found.policy_action = if before.retain { "ReplaceAndRetain" } else { "ReplaceAndDelete" };
        }
    }
    found
}
