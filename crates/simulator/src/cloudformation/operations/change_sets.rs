//! Change sets: made, described, executed, deleted.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::agenda::Due;
use super::super::model::{ChangeSetState, ChangeState, Desired, Manner};
use super::super::{CloudFormation, template, view};
use super::update;
use super::{invalid, page, with_defaults};
use crate::clock::ms;
use crate::wire::query::element;
use crate::wire::{Form, ServiceError};

/// Changes on a page of DescribeChangeSet. AWS pages at a megabyte; by number it is met earlier.
const PAGE: usize = 40;

fn not_found(name: &str) -> ServiceError {
    ServiceError::new(404, "ChangeSetNotFound", format!("ChangeSet [{name}] does not exist"))
}

impl CloudFormation {
    pub(super) fn create_change_set(&mut self, form: &Form) -> Result<String, ServiceError> {
        let name = form.text("ChangeSetName").unwrap_or_default().to_owned();
        let stack_name = form.text("StackName").unwrap_or_default().to_owned();
        let begins = name.starts_with(|first: char| first.is_ascii_alphabetic());
        if !begins || name.len() > 128 || !name.chars().all(|one| one.is_ascii_alphanumeric() || one == '-') {
            return Err(invalid(format!(
                "1 validation error detected: Value '{name}' at 'changeSetName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"
            )));
        }
        let creates = form.text("ChangeSetType") == Some("CREATE");
        check_mode(form, creates)?;
        let existing = self.find(&stack_name);
        if let Some(at) = existing
            && let Some(known) = self.stacks[at].change_sets.iter().find(|set| set.name == name)
        {
            if known.token.as_deref() == form.text("ClientToken") && known.token.is_some() {
                return Ok(made(&known.arn, &self.stacks[at].id));
            }
            return Err(ServiceError::client(
                "AlreadyExistsException",
                format!(
                    "ChangeSet {name} cannot be created due to a mismatch with existing attribute ClientToken"
                ),
            ));
        }
        match (existing, creates) {
            (None, false) => return Err(invalid(format!("Stack [{stack_name}] does not exist"))),
            (Some(at), true) if self.stacks[at].status != "REVIEW_IN_PROGRESS" => {
                return Err(invalid(format!(
                    "Stack [{stack_name}] already exists and cannot be created again with the changeSet [{name}]."
                )));
            }
            (Some(at), false) => {
                Self::check_updatable(&self.stacks[at])?;
                update::check_express(&self.stacks[at], &update::manner(form))?;
            }
            _ => {}
        }
        if !creates && form.text("OnStackFailure") == Some("DELETE") {
            return Err(invalid("OnStackFailure DELETE can only be specified when ChangeSetType is CREATE"));
        }
        let desired = self.desired(form, existing.filter(|_| !creates))?;
        let at = match existing {
            Some(at) => at,
            None => {
                let at = self.new_stack(&stack_name);
                self.root_event(at, "REVIEW_IN_PROGRESS", Some("User Initiated"));
                at
            }
        };
        self.put_change_set(at, name, creates, desired, form)
    }

    fn put_change_set(
        &mut self,
        at: usize,
        name: String,
        creates: bool,
        desired: Desired,
        form: &Form,
    ) -> Result<String, ServiceError> {
        let arn = format!(
            "arn:aws:cloudformation:{}:{}:changeSet/{name}/{}",
            self.region,
            self.account,
            self.ids.uuid()
        );
        let stack_name = self.stacks[at].name.clone();
        let rule = self.change_set_rules.iter_mut().find(|(rule, hits)| {
            (rule.stack.is_empty() || crate::iam::wildcard_match(&rule.stack, &stack_name))
                && (rule.times == 0 || *hits < rule.times)
        });
        let rule = rule.map(|(rule, hits)| {
            *hits += 1;
            rule.clone()
        });
        let rule = rule.unwrap_or_default();
        let skip = form.text("DisableValidation") == Some("true");
        let operation = self.ids.uuid();
        self.stacks[at].change_sets.push(ChangeSetState {
            arn: arn.clone(),
            name,
            token: form.text("ClientToken").map(str::to_owned),
            description: form.text("Description").map(str::to_owned),
            status: "CREATE_PENDING".to_owned(),
            execution: "UNAVAILABLE".to_owned(),
            reason: None,
            created: self.now,
            creates,
            imports: form.text("ImportExistingResources") == Some("true"),
            unchecked: skip,
            manner: Manner { revert_drift: form.text("DeploymentMode").is_some(), ..update::manner(form) },
            desired,
            changes: Vec::new(),
            fails: rule.fails.filter(|_| !skip || rule.validations.is_empty()),
            validations: if skip { Vec::new() } else { rule.validations },
            operation: operation.clone(),
            executed_by: None,
        });
        if creates {
            self.stacks[at].change_set = Some(arn.clone());
        }
        self.stacks[at].operations.insert(0, ("CREATE_CHANGESET".to_owned(), operation));
        let id = self.stacks[at].id.clone();
        let takes = rule.takes_ms.unwrap_or(1_200);
        self.later(ms(takes / 4), Due::ChangeSet { stack: id.clone(), arn: arn.clone() });
        self.later(ms(takes), Due::ChangeSet { stack: id.clone(), arn: arn.clone() });
        Ok(made(&arn, &id))
    }

    /// Template, parameters and the rest of a request, checked as CloudFormation checks them at once.
    pub(super) fn desired(&self, form: &Form, existing: Option<usize>) -> Result<Desired, ServiceError> {
        let before = existing.map(|at| &self.stacks[at].desired);
        let body = self.body(form, before.map(|before| before.body.as_str()))?;
        let parsed = template::parse(&body).map_err(invalid)?;
        let mut given = BTreeMap::new();
        for number in 1.. {
            let field = |end: &str| form.text(&format!("Parameters.member.{number}.{end}"));
            let Some(name) = field("ParameterKey") else { break };
            let previous = field("UsePreviousValue") == Some("true");
            let value = match field("ParameterValue") {
                Some(value) => value.to_owned(),
                None if previous => {
                    let value = before.and_then(|before| before.parameters.get(name));
                    value.cloned().ok_or_else(|| invalid(format!("Invalid input for parameter key {name}. Cannot specify usePreviousValue as true for a parameter key not in the previous template")))?
                }
                None => String::new(),
            };
            given.insert(name.to_owned(), value);
        }
        let parameters = with_defaults(&parsed, given).map_err(invalid)?;
        let capabilities: Vec<String> = form.members("Capabilities", "").map(str::to_owned).collect();
        let needed = template::capabilities(&parsed);
        let has = |one: &str| {
            capabilities
                .iter()
                .any(|given| given == one || (one == "CAPABILITY_IAM" && given == "CAPABILITY_NAMED_IAM"))
        };
        if let Some(missing) = needed.iter().find(|one| !has(one)) {
            return Err(ServiceError::client(
                "InsufficientCapabilitiesException",
                format!("Requires capabilities : [{missing}]"),
            ));
        }
        let list = |name: &str| form.members(name, "").map(str::to_owned).collect::<Vec<_>>();
        let mut tags = Vec::new();
        for number in 1.. {
            let Some(key) = form.text(&format!("Tags.member.{number}.Key")) else { break };
            let value = form.text(&format!("Tags.member.{number}.Value")).unwrap_or_default();
            tags.push((key.to_owned(), value.to_owned()));
        }
        let kept = |list: Vec<String>, given: bool, before: Option<Vec<String>>| {
            if given || !list.is_empty() { list } else { before.unwrap_or_default() }
        };
        let tags_given = !tags.is_empty() || form.text("Tags").is_some();
        Ok(Desired {
            body,
            parameters,
            tags: if tags_given {
                tags
            } else {
                before.map(|before| before.tags.clone()).unwrap_or_default()
            },
            capabilities,
            role_arn: form
                .text("RoleARN")
                .map(str::to_owned)
                .or_else(|| before.and_then(|before| before.role_arn.clone())),
            notification_arns: kept(
                list("NotificationARNs"),
                form.text("NotificationARNs").is_some(),
                before.map(|before| before.notification_arns.clone()),
            ),
        })
    }

    /// A change set goes on: first to CREATE_IN_PROGRESS, then to its end.
    pub(in super::super) fn change_set_goes_on(&mut self, stack: &str, arn: &str) {
        let Some(at) = self.position(stack) else { return };
        let Some(index) = self.stacks[at].change_sets.iter().position(|set| set.arn == arn) else { return };
        let set = self.stacks[at].change_sets[index].clone();
        if set.status == "CREATE_PENDING" {
            "CREATE_IN_PROGRESS".clone_into(&mut self.stacks[at].change_sets[index].status);
            return;
        }
        let parsed = template::parse(&set.desired.body).unwrap_or(Value::Null);
        let wanted = self.resolve(at, &parsed, &set.desired.parameters);
        let mut changes = if set.creates {
            self.differences_of_new(at, &wanted)
        } else {
            self.differences(at, &wanted, set.manner.revert_drift)
        };
        let conflict = if set.imports { self.find_imports(&wanted, &mut changes) } else { None };
        let taken = if set.unchecked || conflict.is_some() {
            Vec::new()
        } else {
            self.names_taken(&wanted, &changes)
        };
        let same = changes.is_empty() && !set.creates && is_same(&self.stacks[at].desired, &set.desired);
        let refused = set.validations.iter().any(|one| one.mode != "WARN");
        let reason = match (&set.fails, refused, same) {
            (Some(reason), ..) => Some(reason.clone()),
            _ if conflict.is_some() => conflict,
            _ if !taken.is_empty() => Some("The following hook(s)/validation failed: [AWS::EarlyValidation::ResourceExistenceCheck]. To troubleshoot Early Validation errors, use the DescribeEvents API for detailed failure information.".to_owned()),
            (_, true, _) => Some("The following hook(s)/validation failed: [AWS::EarlyValidation::PropertyValidation]. To troubleshoot Early Validation errors, use the DescribeEvents API for detailed failure information.".to_owned()),
            (_, _, true) if parsed.get("Transform").is_some() => Some("No updates are to be performed.".to_owned()),
            (_, _, true) => Some("The submitted information didn't contain changes. Submit different information to create a change set.".to_owned()),
            _ => None,
        };
        let set = &mut self.stacks[at].change_sets[index];
        set.manner.imports = imported(&changes);
        set.changes = changes;
        set.validations.extend(taken);
        (set.status, set.execution) = match reason {
            Some(_) => ("FAILED".to_owned(), "UNAVAILABLE".to_owned()),
            None => ("CREATE_COMPLETE".to_owned(), "AVAILABLE".to_owned()),
        };
        set.reason = reason;
    }

    fn differences_of_new(
        &self,
        at: usize,
        wanted: &indexmap::IndexMap<String, super::super::model::ResourceState>,
    ) -> Vec<ChangeState> {
        self.differences(at, wanted, false).into_iter().filter(|change| change.action == "Add").collect()
    }

    /// By ARN, or by name within a stack.
    pub(super) fn change_set(&self, form: &Form) -> Result<(usize, usize), ServiceError> {
        let name = form.text("ChangeSetName").unwrap_or_default();
        let fits = |set: &ChangeSetState| set.arn == name || set.name == name;
        if name.starts_with("arn:") {
            let found = self
                .stacks
                .iter()
                .enumerate()
                .find_map(|(at, stack)| Some((at, stack.change_sets.iter().position(fits)?)));
            return found.ok_or_else(|| not_found(name));
        }
        let stack = form.text("StackName").ok_or_else(|| {
            invalid("StackName must be specified if ChangeSetName is not specified as an ARN.")
        })?;
        let at = self.find(stack).ok_or_else(|| not_found(name))?;
        let index = self.stacks[at].change_sets.iter().position(fits).ok_or_else(|| not_found(name))?;
        Ok((at, index))
    }

    pub(super) fn describe_change_set(&self, form: &Form) -> Result<String, ServiceError> {
        let (at, index) = self.change_set(form)?;
        let (stack, set) = (&self.stacks[at], &self.stacks[at].change_sets[index]);
        let (changes, next) = page(&set.changes, PAGE, form)?;
        let values = form.text("IncludePropertyValues") == Some("true");
        Ok(view::change_set(stack, set, changes, next.as_deref(), values))
    }

    pub(super) fn list_change_sets(&self, form: &Form) -> Result<String, ServiceError> {
        let stack = &self.stacks[self.named(form)?];
        let mut text = String::from("<Summaries>");
        for set in &stack.change_sets {
            text.push_str("<member>");
            view::change_set_head(&mut text, stack, set);
            text.push_str("</member>");
        }
        text.push_str("</Summaries>");
        Ok(text)
    }

    pub(super) fn execute_change_set(&mut self, form: &Form) -> Result<String, ServiceError> {
        let (at, index) = self.change_set(form)?;
        let token = form.text("ClientRequestToken").map(str::to_owned);
        let set = self.stacks[at].change_sets[index].clone();
        if set.executed_by.is_some() && set.executed_by == token {
            return Ok(String::new());
        }
        if matches!(set.execution.as_str(), "OBSOLETE" | "EXECUTE_COMPLETE" | "EXECUTE_FAILED") {
            // As users met it (aws/amazon-chime-sdk-js issue 1089).
            return Err(ServiceError::client(
                "InvalidChangeSetStatus",
                format!(
                    "ChangeSet [{}] cannot be executed in its current execution status of [{}]",
                    set.arn, set.execution
                ),
            ));
        }
        let status = &self.stacks[at].status;
        if set.execution != "AVAILABLE"
            || (status.ends_with("_IN_PROGRESS") && status != "REVIEW_IN_PROGRESS")
        {
            return Err(ServiceError::client(
                "InvalidChangeSetStatus",
                format!(
                    "ChangeSet [{}] cannot be executed in its current status of [{}]",
                    set.arn, set.status
                ),
            ));
        }
        if self.is_repeated(token.as_deref(), &set.arn)? {
            return Ok(String::new());
        }
        let stack = &mut self.stacks[at];
        stack.change_set = Some(set.arn.clone());
        // The others "aren't applicable to the updated stack" and are removed (ExecuteChangeSet).
        stack.change_sets.retain(|other| other.arn == set.arn);
        if let Some(kept) = stack.change_sets.first_mut() {
            "EXECUTE_IN_PROGRESS".clone_into(&mut kept.execution);
            kept.executed_by.clone_from(&token);
        }
        let mut manner = set.manner;
        if form.text("DisableRollback") == Some("true") {
            "DO_NOTHING".clone_into(&mut manner.on_failure);
        }
        if set.creates {
            self.create(at, set.desired, token, manner);
        } else {
            self.update(at, set.desired, token, manner);
        }
        if let Some(operation) = self.stacks[at].operation.as_mut() {
            operation.retain_except_on_create = form.text("RetainExceptOnCreate") == Some("true");
        }
        Ok(String::new())
    }

    pub(super) fn delete_change_set(&mut self, form: &Form) -> Result<String, ServiceError> {
        let (at, index) = self.change_set(form)?;
        if self.stacks[at].change_sets[index].execution == "EXECUTE_IN_PROGRESS" {
            return Err(ServiceError::client(
                "InvalidChangeSetStatus",
                "The change set is being executed and cannot be deleted",
            ));
        }
        let removed = self.stacks[at].change_sets.remove(index);
        if self.stacks[at].status == "REVIEW_IN_PROGRESS" && self.stacks[at].change_set == Some(removed.arn) {
            self.stacks[at].change_set = None;
        }
        Ok(String::new())
    }
}

/// A comparison with the last deployment needs one, and looks at one stack. AWS documents no words for either.
fn check_mode(form: &Form, creates: bool) -> Result<(), ServiceError> {
    match form.text("DeploymentMode") {
        None => Ok(()),
        Some("REVERT_DRIFT") if creates => {
            Err(invalid("DeploymentMode REVERT_DRIFT is supported for change sets of type UPDATE only"))
        }
        Some("REVERT_DRIFT") if form.text("IncludeNestedStacks") == Some("true") => {
            Err(invalid("DeploymentMode REVERT_DRIFT cannot be combined with IncludeNestedStacks"))
        }
        Some("REVERT_DRIFT") => Ok(()),
        Some(other) => Err(invalid(format!(
            "1 validation error detected: Value '{other}' at 'deploymentMode' failed to satisfy constraint: Member must satisfy enum value set: [REVERT_DRIFT]"
        ))),
    }
}

/// Logical ids of what is taken over.
fn imported(changes: &[ChangeState]) -> BTreeSet<String> {
    changes.iter().filter(|change| change.action == "Import").map(|change| change.logical.clone()).collect()
}

/// Tags and topics are changes of their own.
pub(super) fn is_same(before: &Desired, after: &Desired) -> bool {
    before.tags == after.tags
        && before.notification_arns == after.notification_arns
        && before.role_arn == after.role_arn
}

fn made(arn: &str, stack: &str) -> String {
    let mut text = String::new();
    element(&mut text, "Id", arn);
    element(&mut text, "StackId", stack);
    text
}
