//! What would change, and what is there now. Reads only: no change set is made.

mod before;
mod changes;
mod consent;
mod saved;
mod with_change_set;

use std::collections::BTreeSet;

use landfall_core::event::Level;
use landfall_core::{Context, Error, Plan, Result, Token};

use super::apply::{is_executed, newest_events};
use super::client::{Summary, allowed};
use super::diagnose::blocked;
use super::error::Refusal;
use super::facts::StackFacts;
use super::judge::start::{Start, can_be_brought_back, start};
use super::memory::{Forward, Origin, Work};
use super::parameters::{Settled, settle};
use super::spec::{IfBusy, RecreateFailed, Source, check};
use super::target::{Stack, change_set_name, deletion_token, execution_token, short};
use super::template::{Capability, Declared, LARGEST_BODY, needed};

pub(crate) use before::capture;
pub use with_change_set::ChangeSetPlan;

/// What the plan is made from.
pub(super) struct Scene {
    /// The stack, unless it is to be created.
    pub(super) stack: Option<StackFacts>,
    pub(super) origin: Origin,
    pub(super) wanted: Wanted,
}

/// What is asked for, put in CloudFormation's terms.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) parameters: Vec<Settled>,
    pub(crate) capabilities: Vec<Capability>,
    /// Names of macros: what comes of the template may change though the template does not.
    pub(crate) transforms: Vec<String>,
}

/// Makes the plan.
pub(crate) async fn plan(target: &Stack, cx: &Context) -> Result<Plan> {
    if matches!(target.spec.template, Source::Missing) {
        return Err(Refusal::NoTemplate { name: target.spec.name.clone() }.into());
    }
    if let Some(saved) = &target.spec.options.saved {
        return saved::plan(target, cx, saved).await;
    }
    let stack = target.client.describe_stack(cx, &target.spec.name).await?;
    let mut forward = Forward::of(&target.spec);
    let status = stack.as_ref().map(|stack| stack.status.as_str());
    let begin = start(status);
    if let Some(stack) = &stack
        && is_own_undo(target, cx, stack, begin).await?
    {
        let text =
            format!("this run has taken the stack back already, and its records are lost ({})", stack.status);
        cx.note(Level::Info, "found-again", text);
        forward.taken_back = Some(stack.id.clone());
        return target.plan_of(vec![changes::goes_on(target, stack)], &Work::Forward(Box::new(forward)));
    }
    let own = stack.as_ref().filter(|stack| begin == Start::Busy && is_own(target, cx, stack));
    if let Some(stack) = own {
        let text = format!("the operation under way was started by this run already ({})", stack.status);
        cx.note(Level::Info, "found-again", text);
        let creating = ["CREATE_", "ROLLBACK_"].iter().any(|begin| stack.status.starts_with(begin));
        forward.origin = Origin::Unknown { creating };
        return target.plan_of(vec![changes::goes_on(target, stack)], &Work::Forward(Box::new(forward)));
    }
    let existing = permitted(target, cx, stack, begin, &mut forward).await?;
    let wanted = wanted(target, cx, existing.as_ref()).await?;
    if let Some(stack) = &existing {
        let before = capture(target, cx, stack, &wanted.parameters).await?;
        forward.origin = Origin::Stack(Box::new(before));
    }
    let scene = Scene { stack: existing, origin: forward.origin.clone(), wanted };
    let changes = changes::changes(target, cx, &scene, &mut forward);
    target.plan_of(changes, &Work::Forward(Box::new(forward)))
}

/// Whether the newest operation of the stack is one of this run.
fn is_own(target: &Stack, cx: &Context, stack: &StackFacts) -> bool {
    let name = change_set_name(&Token::new(cx.id()), &target.spec.digest());
    stack.change_set.as_deref().is_some_and(|arn| short(arn) == name)
}

/// Whether the newest operation of the stack is the undo of this very attempt, whose records are lost. It is known by its
/// change set; while it is under way, the deletion of a new stack and an update without a change set are known by the token of
/// the newest event. An update that is cancelled, or rolled back, is an operation of this run still, and told by its end.
async fn is_own_undo(target: &Stack, cx: &Context, stack: &StackFacts, begin: Start) -> Result<bool> {
    let name = change_set_name(&Token::new(format!("{}/undo", cx.id())), &target.spec.digest());
    if is_executed(stack, &name) {
        return Ok(true);
    }
    if begin != Start::Busy {
        return Ok(false);
    }
    let events = newest_events(&target.client, cx, &stack.id).await?;
    let newest = events.iter().find(|event| event.is_of_the_stack()).and_then(|event| event.token.as_deref());
    let updates = newest == Some(&execution_token(&name)) && !is_own(target, cx, stack);
    Ok(updates || newest == Some(&deletion_token(&name)))
}

/// The stack that is updated; none when one is created. Refuses what table and consent do not allow.
async fn permitted(
    target: &Stack,
    cx: &Context,
    stack: Option<StackFacts>,
    begin: Start,
    forward: &mut Forward,
) -> Result<Option<StackFacts>> {
    let Some(stack) = stack else { return Ok(None) };
    let name = target.spec.name.clone();
    let status = stack.status.clone();
    match begin {
        Start::Create => {
            if status == "REVIEW_IN_PROGRESS" {
                forward.origin = Origin::Shell;
            }
            Ok(None)
        }
        Start::Update => Ok(Some(stack)),
        Start::Kept | Start::Broken if target.spec.options.roll_back_first && can_be_brought_back(&stack) => {
            forward.bring_back = true;
            Ok(Some(stack))
        }
        Start::Kept if target.spec.options.goes_on_from(&stack) => Ok(Some(stack)),
        Start::Kept if status == "CREATE_FAILED" && may_recreate(target) => {
            consent::recreate(target, cx, &stack).await?;
            forward.recreate = Some(stack.id);
            Ok(None)
        }
        Start::Busy if target.spec.options.if_busy == IfBusy::Wait => {
            forward.busy = Some(status);
            // A creation under way, or one that is rolled back, may leave nothing that can be updated.
            Ok(Some(stack))
        }
        Start::Busy => {
            let last = consent::last_event(target, cx, &stack).await?;
            Err(Refusal::Busy { name, status, last }.into())
        }
        Start::OnlyDelete => {
            consent::recreate(target, cx, &stack).await?;
            forward.recreate = Some(stack.id);
            Ok(None)
        }
        Start::Kept | Start::Broken => Err(blocked(&target.client, cx, &name, &stack).await?.into()),
    }
}

/// A creation that failed and was kept may be deleted, as one that was rolled back.
fn may_recreate(target: &Stack) -> bool {
    target.spec.options.recreate_failed != RecreateFailed::Never
}

/// What is asked for against what AWS says of the template and what the stack has.
pub(crate) async fn wanted(target: &Stack, cx: &Context, stack: Option<&StackFacts>) -> Result<Wanted> {
    let summary = summary(target, cx).await?;
    let text = target.spec.text();
    let declared: Vec<Declared> = match (text, &summary) {
        (Some(template), _) => template.parameters(),
        (None, Some(summary)) => summary.parameters.clone(),
        (None, None) => Vec::new(),
    };
    if text.is_none() {
        target.client.masks.learn(&target.spec.parameters, Some(&declared));
    }
    let known: Option<BTreeSet<String>> =
        stack.map(|stack| stack.parameters.iter().map(|(name, _)| name.clone()).collect());
    let file = text.map(|template| template.file.as_str()).unwrap_or_default();
    let mut problems = Vec::new();
    let parameters = settle(&target.spec.parameters, &declared, file, known.as_ref());
    let parameters = parameters.unwrap_or_else(|found| {
        problems.extend(found);
        Vec::new()
    });
    let mut needs = text.map(needed).unwrap_or_default();
    let mut transforms = text.map(super::template::Template::transforms).unwrap_or_default();
    if let Some(summary) = summary {
        if text.is_none() {
            let kinds = summary.resource_types.iter().map(String::as_str);
            problems.extend(check::drift(&target.spec.options, kinds));
        }
        for capability in summary.capabilities {
            if needs.iter().all(|needed| !capability.is_within(&[needed.capability])) {
                let by = vec![summary.capabilities_reason.clone()];
                needs.push(super::template::Needed { capability, by });
            }
        }
        transforms.extend(summary.transforms);
    }
    problems.extend(check::capabilities(&needs, target.spec.options.capabilities.as_deref()));
    Error::all(format!("the deployment of stack `{}` cannot be made as asked", target.spec.name), problems)?;
    let capabilities = needs.iter().map(|needed| needed.capability).collect();
    Ok(Wanted { parameters, capabilities, transforms })
}

/// What CloudFormation says of the template. None: it cannot be asked without a write, because the template is large, or
/// it may not be asked and the text is at hand.
async fn summary(target: &Stack, cx: &Context) -> Result<Option<Summary>> {
    use super::client::SentTemplate;
    match &target.spec.template {
        Source::Missing => Ok(None),
        Source::Url(url) => {
            Ok(Some(target.client.template_summary(cx, &SentTemplate::Url(url.clone())).await?))
        }
        Source::Text(template) if template.text.len() > LARGEST_BODY => {
            let text = format!(
                "the template has {} bytes: CloudFormation reads it from S3 only, so it is checked when it has been put \
                 there",
                template.text.len()
            );
            cx.note(Level::Info, "template-not-checked-yet", text);
            Ok(None)
        }
        Source::Text(template) => {
            let made = target.client.template_summary(cx, &SentTemplate::Body(template.text.clone())).await;
            let made = made.map_err(|failure| match failure.code() {
                Some("ValidationError") => {
                    failure.map(|error| error.while_doing(format!("template {}", template.file)))
                }
                _ => failure,
            });
            allowed(cx, "cloudformation:GetTemplateSummary", made)
        }
    }
}
