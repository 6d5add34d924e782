//! Executes the change set, or puts it away.

use landfall_aws::failure::Failure;
use landfall_core::event::Level;
use landfall_core::{Context, Error, Result};

use super::{is_executed, purpose_of, set_policy, settle};
use crate::stack::client::Deletion;
use crate::stack::diagnose;
use crate::stack::error::Refusal;
use crate::stack::facts::{ChangeSetFacts, ResourceChange};
use crate::stack::memory::{Forward, Origin, Purpose, Watch};
use crate::stack::spec::OnStackFailure;
use crate::stack::target::{Stack, execution_token, short};

/// Deepest nesting of stacks that is followed.
const DEEPEST: usize = 10;

/// Executes a change set that is ready. Without `forward` it is that of an undo, which may replace and delete.
pub(super) async fn execute(
    target: &Stack,
    cx: &Context,
    name: &str,
    forward: Option<&Forward>,
    so_far: &Watch,
) -> Result<Watch> {
    let arn = so_far.change_set.clone().unwrap_or_else(|| name.to_owned());
    let purpose = forward.map_or(Purpose::Update, purpose_of);
    let waited_for = so_far.origin.as_ref().map(|origin| match origin {
        Origin::Stack(_) => Purpose::Update,
        _ => Purpose::Create,
    });
    let purpose = waited_for.unwrap_or(purpose);
    let executing = Watch { purpose, token: execution_token(name), ..so_far.clone() };
    let Some(found) = target.client.describe_change_set(cx, &arn, false).await? else {
        let stack = target.client.describe_stack(cx, &so_far.stack_id).await?;
        if stack.is_some_and(|stack| is_executed(&stack, name)) {
            return Ok(executing);
        }
        return Err(gone(target, short(&arn)));
    };
    let executing = Watch { since: found.created, resources: found.changes.len() as u64, ..executing };
    match (found.status.as_str(), found.execution.as_str()) {
        (_, "EXECUTE_IN_PROGRESS" | "EXECUTE_COMPLETE" | "EXECUTE_FAILED") => Ok(executing),
        ("FAILED", _) => put_away(target, cx, forward, &found, so_far).await,
        ("CREATE_COMPLETE", "AVAILABLE") => {
            if let Some(forward) = forward {
                if let Some(refused) = refusal_of(target, cx, &found).await? {
                    // What was kept on purpose can be executed once that is allowed.
                    if forward.saved.is_none() {
                        clear(target, cx, Some(forward), &found).await?;
                    }
                    return Err(refused);
                }
                set_policy_before(target, cx, forward, so_far).await?;
            }
            let retain = forward.is_some() && target.spec.options.retain_except_on_create;
            let made = target.client.execute_change_set(cx, &found.arn, &executing.token, retain).await;
            made.map_err(|failure| overtaken(target, failure))?;
            Ok(executing)
        }
        _ => Err(not_executable(target, &found)),
    }
}

/// Somebody was faster, between the look at the change set and its execution.
fn overtaken(target: &Stack, failure: Failure) -> Error {
    let by_another = failure.code() == Some("InvalidChangeSetStatus");
    let error = Error::from(failure);
    if !by_another {
        return error;
    }
    error.with_hint(match target.spec.options.saved {
        Some(_) => "the stack was changed since the plan was saved: save a new plan, look at it, and deploy from that one",
        None => "the stack was changed since the change set was made: begin a new run id, which makes a new one",
    })
}

/// The change set that is to be executed is not there any more.
pub(super) fn gone(target: &Stack, change_set: &str) -> Error {
    let what = format!("its change set {change_set} is gone");
    match &target.spec.options.saved {
        Some(saved) => Refusal::Saved { file: saved.file.clone(), what }.into(),
        None => Refusal::Moved { name: target.spec.name.clone(), what }.into(),
    }
}

/// The change set is there, and not to be executed.
fn not_executable(target: &Stack, found: &ChangeSetFacts) -> Error {
    let refusal = match &target.spec.options.saved {
        Some(saved) => Refusal::Saved { file: saved.file.clone(), what: unfit(found) },
        None => Refusal::NotExecutable {
            change_set: short(&found.arn).to_owned(),
            status: found.status.clone(),
            execution: found.execution.clone(),
        },
    };
    refusal.into()
}

/// Why a change set that was kept cannot be executed.
pub(crate) fn unfit(found: &ChangeSetFacts) -> String {
    let name = short(&found.arn);
    match found.execution.as_str() {
        "OBSOLETE" => format!("its change set {name} is OBSOLETE: the stack was updated since"),
        execution => format!("its change set {name} is {}, {execution}", found.status),
    }
}

/// A stack that exists is updated under its new policy.
async fn set_policy_before(target: &Stack, cx: &Context, forward: &Forward, so_far: &Watch) -> Result<()> {
    let exists =
        matches!(forward.origin, Origin::Stack(_)) || matches!(so_far.origin, Some(Origin::Stack(_)));
    match &target.spec.options.stack_policy {
        Some(policy) if exists => set_policy(target, cx, &so_far.stack_id, policy).await,
        _ => Ok(()),
    }
}

/// A change set that cannot be executed: there is nothing to change, or something is wrong. It is deleted either way,
/// since failed change sets count against a quota and nobody can use them (aws/aws-cli issue 4534).
async fn put_away(
    target: &Stack,
    cx: &Context,
    forward: Option<&Forward>,
    found: &ChangeSetFacts,
    so_far: &Watch,
) -> Result<Watch> {
    let unchanged = diagnose::is_without_changes(&found.reason);
    let causes = if unchanged {
        Vec::new()
    } else {
        diagnose::of_change_set(&target.client, cx, target.spec.text(), found).await?
    };
    clear(target, cx, forward.filter(|_| !unchanged), found).await?;
    if unchanged {
        let watch = Watch { purpose: Purpose::Standing, unchanged: true, ..so_far.clone() };
        return if forward.is_some() && watch.settings {
            settle(target, cx, &watch).await
        } else {
            Ok(watch)
        };
    }
    Ok(Watch { purpose: Purpose::Failed, causes, ..so_far.clone() })
}

/// Deletes a change set that nobody will execute, and the empty stack that it has made.
async fn clear(
    target: &Stack,
    cx: &Context,
    forward: Option<&Forward>,
    found: &ChangeSetFacts,
) -> Result<()> {
    if let Err(failure) = target.client.delete_change_set(cx, &found.arn).await {
        let text = format!("the change set {} stays behind: {}", short(&found.arn), failure.error());
        cx.note(Level::Warning, "change-set-left", text);
    }
    if matches!(forward.map(|forward| &forward.origin), Some(Origin::Absent)) {
        delete_shell(target, cx, &found.stack_id, short(&found.arn)).await?;
    }
    Ok(())
}

/// Deletes the empty stack that a change set has made, if nobody else has a change set in it.
pub(crate) async fn delete_shell(target: &Stack, cx: &Context, stack_id: &str, name: &str) -> Result<()> {
    let stack = target.client.describe_stack(cx, stack_id).await?;
    if stack.is_none_or(|stack| stack.status != "REVIEW_IN_PROGRESS") {
        return Ok(());
    }
    let listed = target.client.change_sets(cx, stack_id).await;
    let others = crate::stack::client::allowed(cx, "cloudformation:ListChangeSets", listed)?;
    let is_empty = others.is_some_and(|others| others.iter().all(|arn| short(arn) == name));
    if !is_empty {
        cx.note(
            Level::Info,
            "shell-left",
            format!("the empty stack {stack_id} stays: it may have other change sets"),
        );
        return Ok(());
    }
    let made =
        target.client.delete_stack(cx, stack_id, &format!("{name}-s"), &Deletion::default(), None).await;
    if let Err(failure) = made {
        let text = format!("the empty stack {stack_id} stays behind: {}", failure.error());
        cx.note(Level::Warning, "shell-left", text);
    }
    Ok(())
}

/// Why what a change set replaces or deletes is not allowed, in nested stacks too; none when it is.
pub(crate) async fn refusal_of(
    target: &Stack,
    cx: &Context,
    found: &ChangeSetFacts,
) -> Result<Option<Error>> {
    let mut all: Vec<(String, ResourceChange)> = Vec::new();
    let mut open: Vec<(String, Vec<ResourceChange>, usize)> = vec![(String::new(), found.changes.clone(), 0)];
    while let Some((path, changes, depth)) = open.pop() {
        for change in changes {
            let here = format!("{path}{}", change.logical);
            if let Some(arn) = change.nested.as_ref().filter(|_| depth < DEEPEST)
                && let Some(nested) = target.client.describe_change_set(cx, arn, false).await?
            {
                open.push((format!("{here}."), nested.changes, depth + 1));
            }
            all.push((here, change));
        }
    }
    let change_set = short(&found.arn).to_owned();
    let options = &target.spec.options;
    let refusal = not_allowed(&change_set, &all, options.allow_replacement, options.allow_deletion);
    let off = options.on_stack_failure == OnStackFailure::Keep;
    let refusal = refusal.or_else(|| not_possible(&change_set, &all).filter(|_| off));
    Ok(refusal.map(Into::into))
}

/// Why a change set is not executed; none when it may be. Pure.
pub(crate) fn not_allowed(
    change_set: &str,
    changes: &[(String, ResourceChange)],
    replacement: bool,
    deletion: bool,
) -> Option<Refusal> {
    let refuse = |what, allow, hit: Vec<&(String, ResourceChange)>| {
        let resources = hit.iter().map(|(path, change)| format!("{path} ({})", change.kind)).collect();
        let details = hit.iter().flat_map(|(path, change)| reasons(path, change)).collect();
        Refusal::NotAllowed { change_set: change_set.to_owned(), what, allow, resources, details }
    };
    let replaced: Vec<_> = changes.iter().filter(|(_, change)| is_replaced(change)).collect();
    if !replacement && !replaced.is_empty() {
        return Some(refuse("replace resources", "allow-replacement", replaced));
    }
    let deleted: Vec<_> = changes.iter().filter(|(_, change)| is_deleted(change)).collect();
    if !deletion && !deleted.is_empty() {
        return Some(refuse("delete resources", "allow-deletion", deleted));
    }
    None
}

/// What CloudFormation would refuse in the middle of an operation without rollback: "Replacement type updates not supported
/// on stack with disable-rollback". Pure.
fn not_possible(change_set: &str, changes: &[(String, ResourceChange)]) -> Option<Refusal> {
    let certain = |change: &ResourceChange| {
        change.policy_action.starts_with("ReplaceAnd")
            || (change.policy_action.is_empty() && change.replacement == "True")
    };
    let replaced: Vec<_> = changes.iter().filter(|(_, change)| certain(change)).collect();
    (!replaced.is_empty()).then(|| Refusal::RollbackOff {
        change_set: change_set.to_owned(),
        resources: replaced.iter().map(|(path, change)| format!("{path} ({})", change.kind)).collect(),
        details: replaced.iter().flat_map(|(path, change)| reasons(path, change)).collect(),
    })
}

/// By what CloudFormation says it will do, where it says so; otherwise by whether it may replace. What is decided only when
/// the change set is executed may be a replacement, and nobody can be asked any more then.
fn is_replaced(change: &ResourceChange) -> bool {
    if !change.policy_action.is_empty() {
        return change.policy_action.starts_with("ReplaceAnd");
    }
    change.action == "Modify" && matches!(change.replacement.as_str(), "True" | "Conditional")
}

fn is_deleted(change: &ResourceChange) -> bool {
    change.action == "Remove" && change.policy_action != "Retain"
}

/// The properties that make it so.
fn reasons(path: &str, change: &ResourceChange) -> Vec<String> {
    let of_detail = |detail: &crate::stack::facts::PropertyChange| {
        let when = if detail.dynamic { ", decided when it is executed" } else { "" };
        format!("{path}: {} (recreation: {}{when})", detail.path, detail.recreation)
    };
    let strict =
        change.details.iter().filter(|detail| detail.recreation != "Never" && !detail.recreation.is_empty());
    let mut lines: Vec<String> = strict.map(of_detail).collect();
    lines.dedup();
    if lines.is_empty() {
        lines.push(format!("{path}: {} {}", change.action, change.kind));
    }
    lines
}
