//! Finds what this run has done already: by its tag, and by what was there when the plan was made.
//!
//! This is what makes `apply` repeatable. It looks beyond the service's present state, because a deployment that a
//! circuit breaker has rolled back is gone from it, and deploying the same bad revision a second time would be the
//! answer to not finding it.

use jiff::{SignedDuration, Timestamp};
use landfall_core::event::Level;
use landfall_core::{Context, ErrorKind, Result, Token};

use crate::client::{Allowed, Client, Revision, allowed};
use crate::document::{Document, diff};
use crate::error::Refusal;
use crate::facts::{Brief, Service, family_and_revision, is_revision_of, last_segment};
use crate::memory::{Baseline, Existing, Forward, Started};
use crate::run_tag;

/// How many of a family's newest revisions are looked at for our tag. Each costs a call, and only revisions that
/// were registered after the plan was made are looked at.
const LOOK_BACK: u32 = 20;

/// The server's `Date` header is cut to the second and servers' clocks differ a little.
const MARGIN: SignedDuration = SignedDuration::from_secs(5);

/// `from` with room for what clocks differ by.
pub(crate) fn with_margin(from: Timestamp) -> Timestamp {
    from.checked_sub(MARGIN).unwrap_or(Timestamp::MIN)
}

/// The revision that this attempt has registered, or one of the same content that appeared since the plan. Without the
/// content that was wanted, only the tag tells.
pub(crate) async fn revision(
    client: &Client,
    cx: &Context,
    token: &Token,
    forward: &Forward,
    wanted: Option<&Document>,
) -> Result<Option<Existing>> {
    if forward.existing.is_some() {
        return Ok(forward.existing.clone());
    }
    let Some(latest) = latest(client, cx, &forward.family).await? else { return Ok(None) };
    if latest.number <= forward.latest_revision {
        return Ok(None);
    }
    let tag = run_tag::value(token);
    let is_ours = |revision: &Revision| revision.run_tag() == Some(tag.as_str());
    let has_content = |revision: &Revision| {
        revision.run_tag().is_none()
            && revision.active
            && wanted.is_some_and(|wanted| diff(&revision.document, wanted).is_empty())
    };
    if is_ours(&latest) {
        return Ok(Some(Existing { task_definition: latest.arn, ours: true }));
    }
    let mut same_content = has_content(&latest).then(|| latest.arn.clone());
    for arn in newer_than_plan(client, cx, forward).await? {
        if arn == latest.arn {
            continue;
        }
        let revision = client.describe_task_definition(cx, &arn).await?;
        if is_ours(&revision) {
            return Ok(Some(Existing { task_definition: revision.arn, ours: true }));
        }
        same_content = same_content.or_else(|| has_content(&revision).then_some(revision.arn));
    }
    Ok(same_content.map(|task_definition| Existing { task_definition, ours: false }))
}

/// The family's revisions that were registered after the plan was made, newest first.
async fn newer_than_plan(client: &Client, cx: &Context, forward: &Forward) -> Result<Vec<String>> {
    let listed = client.list_revisions(cx, &forward.family, LOOK_BACK).await;
    let Allowed::Yes(arns) = allowed(cx, "ecs:ListTaskDefinitions", listed)? else { return Ok(Vec::new()) };
    let is_newer = |arn: &String| {
        family_and_revision(arn)
            .is_some_and(|(family, number)| family == forward.family && number > forward.latest_revision)
    };
    Ok(arns.into_iter().filter(is_newer).collect())
}

/// The newest active revision of a family; none when there is no such family.
pub(crate) async fn latest(client: &Client, cx: &Context, family: &str) -> Result<Option<Revision>> {
    match client.describe_task_definition(cx, family).await {
        Ok(revision) => Ok(Some(revision)),
        Err(failure) if is_missing(&failure) => Ok(None),
        Err(failure) => Err(failure.into()),
    }
}

/// DescribeTaskDefinition answers `ClientException: Unable to describe task definition.` for what does not exist.
pub(crate) fn is_missing(failure: &landfall_aws::failure::Failure) -> bool {
    failure.kind() == ErrorKind::NotFound || (failure.code() == Some("ClientException"))
}

/// Deployments of a revision that were made since the baseline, newest first.
pub(crate) enum Made {
    Known(Vec<Started>),
    /// The permission that is missing to tell.
    CannotTell(String),
}

/// All deployments of `task_definition` since the baseline: those the service shows, and those it does not show
/// any more because they were rolled back or superseded.
pub(crate) async fn deployments(
    client: &Client,
    cx: &Context,
    service: &Service,
    baseline: &Baseline,
    task_definition: &str,
) -> Result<Made> {
    let shown: Vec<Started> = service
        .deployments
        .iter()
        .filter(|deployment| !baseline.knows(&deployment.id) && deployment.task_definition == task_definition)
        .filter_map(|deployment| Started::of(deployment, None))
        .collect();
    let mut found = match listed(client, cx, baseline, task_definition).await? {
        Allowed::Yes(found) => found,
        Allowed::No(action) if shown.is_empty() => return Ok(Made::CannotTell(action)),
        Allowed::No(_) => Vec::new(),
    };
    // The list may lag behind the service.
    for one in shown {
        if !found.iter().any(|other| other.id == one.id) {
            found.push(one);
        }
    }
    found.sort_by_key(|one| std::cmp::Reverse(one.created_at));
    Ok(Made::Known(found))
}

/// By the list of service deployments, and the service revisions they roll out.
async fn listed(
    client: &Client,
    cx: &Context,
    baseline: &Baseline,
    task_definition: &str,
) -> Result<Allowed<Vec<Started>>> {
    let listed = client.list_service_deployments(cx, Some(with_margin(baseline.at)), &[]).await;
    let briefs = match allowed(cx, "ecs:ListServiceDeployments", listed)? {
        Allowed::Yes(listed) => listed.value,
        Allowed::No(action) => return Ok(Allowed::No(action)),
    };
    let is_known = |brief: &Brief| {
        baseline.present.iter().any(|id| is_revision_of(&brief.target_service_revision_arn, id))
    };
    let new: Vec<Brief> = briefs.into_iter().filter(|brief| !is_known(brief)).collect();
    let arns: Vec<String> = new.iter().map(|brief| brief.target_service_revision_arn.clone()).collect();
    let revisions = client.describe_service_revisions(cx, &arns).await;
    let revisions = match allowed(cx, "ecs:DescribeServiceRevisions", revisions)? {
        Allowed::Yes(revisions) => revisions,
        Allowed::No(action) => return Ok(Allowed::No(action)),
    };
    let rolls_it_out = |brief: &&Brief| {
        revisions.iter().any(|revision| {
            revision.service_revision_arn == brief.target_service_revision_arn
                && revision.task_definition == task_definition
        })
    };
    Ok(Allowed::Yes(
        new.iter().filter(rolls_it_out).filter_map(|brief| of_brief(brief, task_definition)).collect(),
    ))
}

/// A service deployment as the deployment it belongs to.
pub(crate) fn of_brief(brief: &Brief, task_definition: &str) -> Option<Started> {
    Some(Started {
        id: format!("ecs-svc/{}", last_segment(&brief.target_service_revision_arn)),
        created_at: brief.created_at?,
        task_definition: task_definition.to_owned(),
        service_deployment: Some(brief.service_deployment_arn.clone()),
    })
}

/// The deployment this attempt has made of a revision, if it has made one.
pub(crate) async fn own_deployment(
    client: &Client,
    cx: &Context,
    service: &Service,
    baseline: &Baseline,
    revision: &Existing,
) -> Result<Option<Started>> {
    let made = deployments(client, cx, service, baseline, &revision.task_definition).await?;
    let cannot_tell =
        |why: String| Refusal::CannotTell { task_definition: revision.task_definition.clone(), why }.into();
    match made {
        Made::Known(found) if revision.ours => Ok(found.into_iter().next()),
        Made::Known(mut found) => match found.len() {
            0 => Ok(None),
            1 => {
                cx.note(
                    Level::Warning,
                    "taken-for-ours",
                    "the one deployment of this revision since the plan was made is taken for this run's: a revision \
                     that this run did not register carries no mark of it",
                );
                Ok(found.pop())
            }
            many => Err(cannot_tell(format!("{many} deployments of this revision were made since the plan"))),
        },
        // A rollback puts the old deployment back with its old id, but touches it: untouched, nothing has happened.
        Made::CannotTell(_) if is_untouched(service, baseline) => Ok(None),
        Made::CannotTell(action) => {
            Err(cannot_tell(format!("{action} is denied, and the service has moved since the plan")))
        }
    }
}

/// Whether the service shows nothing that the baseline does not know.
pub(crate) fn is_untouched(service: &Service, baseline: &Baseline) -> bool {
    service.primary().is_some_and(|primary| {
        primary.id == baseline.primary.id && primary.updated_at == baseline.primary.updated_at
    }) && service.deployments.iter().all(|deployment| baseline.knows(&deployment.id))
}
