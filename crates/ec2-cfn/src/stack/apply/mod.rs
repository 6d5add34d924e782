//! Starts the change. Repeatable: it first looks for what it has done already.
//!
//! A deployment has up to four parts: wait for somebody else, or delete a failed stack or bring it back; make the change set,
//! or take the one that was kept; execute it; make the settings that a change set cannot carry.

mod back;
mod change_set;
mod execute;
mod failed;
mod newest;

pub(crate) use back::back;
pub(crate) use change_set::make as make_change_set;
pub(crate) use execute::{delete_shell, refusal_of, unfit};
pub(crate) use newest::{is_newest, newest_event, newest_events};

use landfall_core::event::Level;
use landfall_core::{Context, Result, Token};

use super::error::Refusal;
use super::facts::{ChangeSetFacts, StackFacts};
use super::judge::start::{Start, start, way_out_of};
use super::memory::{Forward, Origin, Purpose, Watch};
use super::run_mark::MadeFor;
use super::spec::IfBusy;
use super::target::{Stack, execution_token, short};
use super::{plan, template};

/// What stack id stands in for a stack that has none yet.
fn id_of(forward: &Forward) -> String {
    match &forward.origin {
        Origin::Stack(before) => before.stack_id.clone(),
        _ => String::new(),
    }
}

/// Applies a plan, or its next part.
pub(crate) async fn forward(
    target: &Stack,
    cx: &Context,
    token: &Token,
    forward: &Forward,
    empty: bool,
    so_far: Option<&Watch>,
) -> Result<Watch> {
    if forward.specification != target.spec.digest() {
        return Err(Refusal::OtherSpecification.into());
    }
    let name = forward.change_set_name(token);
    let watch = part(target, cx, &name, forward, empty, so_far).await?;
    Ok(Watch { express: target.spec.options.express, ..watch })
}

async fn part(
    target: &Stack,
    cx: &Context,
    name: &str,
    forward: &Forward,
    empty: bool,
    so_far: Option<&Watch>,
) -> Result<Watch> {
    if empty {
        let mut standing = Watch::new(Purpose::Standing, &id_of(forward), &execution_token(name));
        standing.unchanged = true;
        return Ok(standing);
    }
    match so_far {
        None if forward.taken_back.is_some() => {
            let id = forward.taken_back.as_deref().unwrap_or_default();
            Ok(Watch::new(Purpose::TakenBack, id, &execution_token(name)))
        }
        None if forward.busy.is_some() => {
            Ok(Watch::new(Purpose::Busy, &id_of(forward), &execution_token(name)))
        }
        None => begin(target, cx, name, forward, None).await,
        Some(watch) => match watch.purpose {
            Purpose::Busy | Purpose::Recreate | Purpose::BringBack => {
                begin(target, cx, name, forward, Some(watch)).await
            }
            Purpose::ChangeSet => execute::execute(target, cx, name, Some(forward), watch).await,
            Purpose::Create | Purpose::Update => settle(target, cx, watch).await,
            _ => Ok(watch.clone()),
        },
    }
}

/// Makes the change set, unless this run has made it already or it was kept for it.
async fn begin(
    target: &Stack,
    cx: &Context,
    name: &str,
    forward: &Forward,
    so_far: Option<&Watch>,
) -> Result<Watch> {
    if let Some(found) = target.client.describe_change_set(cx, name, false).await? {
        return Ok(found_again(target, cx, name, &found, forward));
    }
    let stack = target.client.describe_stack(cx, &target.spec.name).await?;
    if let Some(stack) = stack.as_ref().filter(|stack| is_executed(stack, name)) {
        // An executed change set may vanish.
        let purpose = purpose_of(forward);
        let mut watch = Watch::new(purpose, &stack.id, &execution_token(name));
        watch.change_set.clone_from(&stack.change_set);
        watch.settings = has_settings(target);
        return Ok(watch);
    }
    if let (Some(id), Some(stack)) = (&forward.recreate, &stack)
        && stack.id == *id
    {
        return failed::recreate(target, cx, name, stack, so_far).await;
    }
    if let (true, Some(stack)) = (forward.bring_back, &stack)
        && let Some(watch) = failed::bring_back(target, cx, name, stack, so_far).await?
    {
        return Ok(watch);
    }
    let Some(mut origin) = permitted(target, stack.as_ref(), forward, so_far)? else {
        let id = stack.map(|stack| stack.id).unwrap_or_default();
        return Ok(Watch::new(Purpose::Busy, &id, &execution_token(name)));
    };
    if forward.settings_only
        && let Some(stack) = &stack
    {
        let mut watch = Watch::new(Purpose::Standing, &stack.id, &execution_token(name));
        watch.settings = true;
        return settle(target, cx, &watch).await;
    }
    if forward.saved.is_some() {
        return Err(execute::gone(target, name));
    }
    let existing = stack.as_ref().filter(|stack| start(Some(&stack.status)) != Start::Create);
    let wanted = plan::wanted(target, cx, existing).await?;
    // What there is to come back to is what the operation that was waited for has left.
    let waited = forward.busy.is_some() || forward.bring_back;
    if let (Some(stack), true) = (existing, waited) {
        origin = Origin::Stack(Box::new(plan::capture(target, cx, stack, &wanted.parameters).await?));
    }
    let mut watch = change_set::make(target, cx, name, existing, wanted, MadeFor::Deployment).await?;
    watch.origin = waited.then_some(origin);
    watch.settings = has_settings(target);
    Ok(watch)
}

/// What this run has got to, by its change set.
fn found_again(target: &Stack, cx: &Context, name: &str, found: &ChangeSetFacts, forward: &Forward) -> Watch {
    let executed = found.execution.starts_with("EXECUTE_");
    let purpose = if executed { purpose_of(forward) } else { Purpose::ChangeSet };
    let mut watch = Watch::new(purpose, &found.stack_id, &execution_token(name));
    watch.change_set = Some(found.arn.clone());
    watch.since = found.created;
    watch.settings = has_settings(target);
    watch.resources = found.changes.len() as u64;
    let (code, text) = match &target.spec.options.saved {
        Some(saved) => ("saved-plan", format!("change set {name} is executed, as {} says", saved.file)),
        None => ("found-again", format!("change set {name} was made by this run already")),
    };
    cx.note(Level::Info, code, text);
    watch
}

/// A change set of this name was the last that the stack executed.
pub(crate) fn is_executed(stack: &StackFacts, name: &str) -> bool {
    stack.status != "REVIEW_IN_PROGRESS" && stack.change_set.as_deref().is_some_and(|arn| short(arn) == name)
}

fn purpose_of(forward: &Forward) -> Purpose {
    match forward.origin {
        Origin::Stack(_) | Origin::Unknown { creating: false } => Purpose::Update,
        Origin::Absent | Origin::Shell | Origin::Unknown { creating: true } => Purpose::Create,
    }
}

fn has_settings(target: &Stack) -> bool {
    target.spec.options.stack_policy.is_some() || target.spec.options.termination_protection.is_some()
}

/// What there is to come back to, if a change set may be made now; none when somebody else's operation is waited for.
fn permitted(
    target: &Stack,
    stack: Option<&StackFacts>,
    forward: &Forward,
    so_far: Option<&Watch>,
) -> Result<Option<Origin>> {
    let name = target.spec.name.clone();
    let moved = |what: &str| Err(Refusal::Moved { name: name.clone(), what: what.to_owned() }.into());
    let waited = forward.bring_back || so_far.is_some_and(|watch| watch.purpose == Purpose::Busy);
    let status = stack.map(|stack| stack.status.as_str());
    match (start(status), stack, &forward.origin) {
        (Start::Busy, Some(_), _) if target.spec.options.if_busy == IfBusy::Wait => Ok(None),
        (Start::Busy, Some(stack), _) => {
            Err(Refusal::Busy { name, status: stack.status.clone(), last: String::new() }.into())
        }
        (Start::Create, _, Origin::Stack(_)) if !waited => moved("it is gone"),
        (Start::Create, ..) => Ok(Some(Origin::Absent)),
        (Start::Kept, Some(stack), Origin::Stack(_)) if target.spec.options.goes_on_from(stack) => {
            Ok(Some(forward.origin.clone()))
        }
        (Start::Update, Some(stack), Origin::Stack(before)) => {
            let same = stack.id == before.stack_id && stack.updated == before.updated;
            if same || waited {
                Ok(Some(forward.origin.clone()))
            } else {
                moved("it was updated or made anew")
            }
        }
        (Start::Update, Some(_), _) => moved("there is one now"),
        (_, Some(stack), _) => Err(Refusal::blocked(&name, &stack.status, way_out_of(&name, stack)).into()),
        (_, None, _) => moved("it is gone"),
    }
}

/// Makes the settings that a change set cannot carry, those of them that differ. They are no operation that is waited
/// for.
pub(super) async fn settle(target: &Stack, cx: &Context, watch: &Watch) -> Result<Watch> {
    let options = &target.spec.options;
    if let Some(policy) = &options.stack_policy {
        set_policy(target, cx, &watch.stack_id, policy).await?;
    }
    if let Some(on) = options.termination_protection {
        let stack = target.client.describe_stack(cx, &watch.stack_id).await?;
        if stack.is_some_and(|stack| stack.protected != on) {
            target.client.protect(cx, &watch.stack_id, on).await?;
        }
    }
    Ok(Watch { purpose: Purpose::Standing, settings: false, ..watch.clone() })
}

/// Sets a stack policy, unless the stack has it.
pub(super) async fn set_policy(target: &Stack, cx: &Context, stack_id: &str, policy: &str) -> Result<()> {
    let read = target.client.policy(cx, stack_id).await;
    let current = super::client::allowed(cx, "cloudformation:GetStackPolicy", read)?.flatten();
    let parsed = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    if current.as_deref().and_then(parsed) != parsed(policy) {
        target.client.set_policy(cx, stack_id, policy).await?;
    }
    Ok(())
}

/// A template as it is sent: as it stands, or put into the bucket first.
pub(super) async fn sent(
    target: &Stack,
    cx: &Context,
    text: &str,
    bucket: Option<&template::TemplateBucket>,
) -> Result<super::client::SentTemplate> {
    use super::client::SentTemplate;
    if text.len() <= template::LARGEST_BODY {
        return Ok(SentTemplate::Body(text.to_owned()));
    }
    let Some(bucket) = bucket else {
        let message =
            format!("a template of {} bytes is read from S3 only, and no bucket is given", text.len());
        return Err(landfall_core::Error::invalid(message).with_hint("give a bucket for templates"));
    };
    let digest = template::digest(text.as_bytes());
    Ok(SentTemplate::Url(target.client.upload_template(cx, bucket, &digest, text).await?))
}
