//! To what was asked for.

use std::time::Duration;

use landfall_aws::failure::Failure;
use landfall_core::event::Level;
use landfall_core::{Cause, Context, Error, ErrorKind, Result, Token};

use serde_json::Value;

use super::pass_role::not_registered;
use super::{fresh, new_deployment, primary_of, watch};
use crate::client::Revision;
use crate::diagnose::SERVICE_LINKED_ROLE;
use crate::document::{Document, RUN_TAG, echo_check};
use crate::error::Refusal;
use crate::facts::{Service, short};
use crate::find;
use crate::memory::{Existing, Forward, Known, Purpose, Started, Watch};
use crate::run_tag;
use crate::spec::{IfBusy, Source};
use crate::target::EcsService;

/// How long a second look waits when an earlier apply got as far as registering: DescribeServices and
/// ListServiceDeployments may not show yet what it started. Stale reads of ECS are seen for a few seconds.
const SECOND_LOOK: Duration = Duration::from_secs(4);

/// Applies a plan, or its second part when the first one was to wait for somebody else.
pub(crate) async fn forward(
    target: &EcsService,
    cx: &Context,
    token: &Token,
    forward: &Forward,
    empty: bool,
    so_far: Option<&Watch>,
) -> Result<Watch> {
    if forward.specification != target.spec.digest() {
        return Err(Refusal::OtherSpecification.into());
    }
    let planned = |purpose, deployment: Started| Watch {
        purpose,
        service_arn: forward.baseline.service_arn.clone(),
        deployment,
        desired: forward.baseline.desired,
        old_tasks: 0,
        before: Some(forward.baseline.primary.clone()),
        goal: None,
        adopted: false,
    };
    if let Some(attach) = &forward.attach {
        // A plan without changes follows what somebody else has started.
        return Ok(Watch { adopted: empty, ..planned(Purpose::Deploy, attach.clone()) });
    }
    if empty {
        let primary = &forward.baseline.primary;
        let created_at = primary.created_at.unwrap_or(forward.baseline.at);
        let standing = Started {
            id: primary.id.clone(),
            created_at,
            task_definition: primary.task_definition.clone(),
            service_deployment: None,
        };
        return Ok(planned(Purpose::Unchanged, standing));
    }
    if let (Some(busy), None) = (&forward.busy, so_far) {
        return Ok(planned(Purpose::Busy, busy.clone()));
    }
    if let Some(busy) = &forward.busy {
        let text = format!("somebody else's deployment {} has ended; this run's own is made now", busy.id);
        cx.note(Level::Info, "busy-ended", text);
    }
    start(target, cx, token, forward).await
}

async fn start(target: &EcsService, cx: &Context, token: &Token, forward: &Forward) -> Result<Watch> {
    let wanted = wanted(target, cx, forward).await?;
    let mut service = fresh(target, cx).await?;
    let found = find::revision(&target.client, cx, token, forward, Some(&wanted)).await?;
    if let Some(revision) = &found
        && let Some(own) = own_deployment(target, cx, forward, revision, &mut service).await?
    {
        let revision = short(&own.task_definition);
        let text = format!("deployment {} of {revision} was started by this run already", own.id);
        cx.note(Level::Info, "found-again", text);
        return Ok(watch(Purpose::Deploy, &service, own, Some(forward.baseline.primary.clone())));
    }
    expect_baseline(target, forward, &service)?;
    let task_definition = match found {
        Some(Existing { task_definition, .. }) => task_definition,
        None => register(target, cx, token, &wanted).await?.arn,
    };
    update(target, cx, forward, &service, &task_definition).await
}

/// The deployment that was started before, if there is one. When this run registered the revision earlier, it may
/// just have deployed it as well: a look that finds nothing is made a second time before anything is started. So it
/// is before a forced redeployment, which leaves no mark, and which ECS would start a second time without asking.
async fn own_deployment(
    target: &EcsService,
    cx: &Context,
    forward: &Forward,
    revision: &Existing,
    service: &mut Service,
) -> Result<Option<Started>> {
    let baseline = &forward.baseline;
    let own = find::own_deployment(&target.client, cx, service, baseline, revision).await?;
    if own.is_some() || !(revision.ours || forward.force) {
        return Ok(own);
    }
    tokio::time::sleep(SECOND_LOOK).await;
    *service = fresh(target, cx).await?;
    find::own_deployment(&target.client, cx, service, baseline, revision).await
}

/// The wanted document: the pinned base with the images of the specification.
pub(crate) async fn wanted(target: &EcsService, cx: &Context, forward: &Forward) -> Result<Document> {
    match (&target.spec.source, &forward.base) {
        (Source::Document(document), _) => target.spec.edit(document),
        (_, Some(base)) => target.spec.edit(&target.revision(cx, base).await?.document),
        (_, None) => Err(Error::internal("the plan names no task definition to start from")),
    }
}

/// Nobody else may have changed the service since the plan was made, unless that was allowed.
fn expect_baseline(target: &EcsService, forward: &Forward, service: &Service) -> Result<()> {
    let primary = primary_of(target, service)?;
    let baseline = &forward.baseline;
    let expected = if forward.busy.is_some() {
        // Whichever won: the one that was waited for, or the one before it after a rollback. What was planned from
        // the live revision needs that to be live still.
        let same_base = !matches!(target.spec.source, Source::Live)
            || forward.base.as_deref() == Some(primary.task_definition.as_str());
        baseline.knows(&primary.id) && same_base
    } else {
        primary.id == baseline.primary.id
    };
    if expected || target.spec.if_busy == IfBusy::Supersede {
        return Ok(());
    }
    let expected = (baseline.primary.id.as_str(), baseline.primary.task_definition.as_str());
    Err(Refusal::moved(&target.spec.service, primary, expected).into())
}

/// Registers the document with this run's tag; without it when tagging is denied.
async fn register(target: &EcsService, cx: &Context, token: &Token, wanted: &Document) -> Result<Revision> {
    let mut tagged = wanted.clone();
    tagged.set_tag(RUN_TAG, &run_tag::value(token));
    let plain = wanted.without_tag(RUN_TAG);
    let (sent, made) = match target.client.register(cx, &tagged).await {
        // Tags of the user's own are not dropped: without the permission for those there is no registering.
        Err(failure) if tagging_denied(&failure) && !has_tags(&plain) => {
            cx.note(
                Level::Warning,
                "run-tag-dropped",
                format!(
                    "ecs:TagResource is denied: the revision is registered without the tag {RUN_TAG}, and a run that \
                     loses its journal will not know it again"
                ),
            );
            let made = target.client.register(cx, &plain).await;
            let made = made.map_err(|failure| not_registered(failure, wanted))?;
            (plain, made)
        }
        other => (tagged, other.map_err(|failure| not_registered(failure, wanted))?),
    };
    let lost = echo_check(&sent, &made.document);
    if !lost.is_empty() {
        cx.note(
            Level::Warning,
            "fields-not-echoed",
            format!(
                "ECS registered {} without members that were sent: {}. They are misspelt, or ECS ignores them",
                short(&made.arn),
                lost.join(", ")
            ),
        );
    }
    Ok(made)
}

fn has_tags(document: &Document) -> bool {
    let body: Result<Value, _> = serde_json::from_str(&document.to_body());
    body.is_ok_and(|body| body.get("tags").is_some())
}

fn tagging_denied(failure: &Failure) -> bool {
    failure.kind() == ErrorKind::Denied
        && (failure.denial().is_some_and(|denial| denial.action == "ecs:TagResource")
            || failure.error().message().contains("ecs:TagResource"))
}

/// The one UpdateService.
async fn update(
    target: &EcsService,
    cx: &Context,
    forward: &Forward,
    before: &Service,
    task_definition: &str,
) -> Result<Watch> {
    let (answered, at) = match target.client.update_service(cx, task_definition, forward.force).await {
        Ok(answered) => (answered.value, answered.at),
        Err(failure) => return Err(explained(failure, task_definition)),
    };
    let known: Vec<String> = before.deployments.iter().map(|deployment| deployment.id.clone()).collect();
    let started = new_deployment(&answered, at, &known, task_definition);
    let Some(started) = started else {
        let primary = primary_of(target, &answered)?;
        return Err(Refusal::no_new_deployment(&target.spec.service, task_definition, primary).into());
    };
    Ok(watch(Purpose::Deploy, &answered, started, before.primary().map(Known::of)))
}

fn explained(failure: Failure, task_definition: &str) -> Error {
    let message = failure.error().message().to_lowercase();
    let inactive = message.contains("is inactive");
    let error = Error::from(failure);
    if message.contains("service linked role") {
        let cause =
            Cause::new("service-linked-role", "Amazon ECS lacks the role it works with in this account");
        return error.with_cause(cause).with_hint(SERVICE_LINKED_ROLE);
    }
    if inactive {
        return Error::from(Refusal::TaskDefinitionInactive { arn: task_definition.to_owned() })
            .with_source(&error);
    }
    error
}
