//! Starts the change. Repeatable: it first looks for what it has done already.

use std::time::Duration;

use landfall_aws::failure::Effect;
use landfall_core::event::Level;
use landfall_core::{Context, Result, Token};
use serde_json::{Value, json};

use super::capacity;
use super::error::{Refusal, about_group, deployment_in};
use super::facts::Info;
use super::find;
use super::memory::{Back, Forward, Purpose, Watch};
use super::run_tag;
use super::spec::{WhenReady, in_words};
use super::target::Deployment;

/// How long after a CreateDeployment whose answer was lost the lists are asked for it. They may lag; for how long is not
/// documented.
const SECOND_LOOK: Duration = Duration::from_secs(4);

/// Looks at a deployment that reads do not show yet, four seconds between them: `apply` is to be short.
const LOOKS: u32 = 5;

/// Applies a plan, or its next part: what waits for the traffic goes on or is stopped, what waited for somebody else or for
/// capacity begins.
pub(crate) async fn forward(
    target: &Deployment,
    cx: &Context,
    token: &Token,
    forward: &Forward,
    empty: bool,
    so_far: Option<Watch>,
) -> Result<Watch> {
    if forward.specification != target.spec.digest() {
        return Err(Refusal::OtherSpecification.into());
    }
    if let Some(ready) = so_far.as_ref().filter(|so_far| so_far.purpose == Purpose::Deploy) {
        return when_ready(target, cx, ready).await;
    }
    if let Some(attach) = &forward.attach {
        let found = target.client.deployment(cx, attach).await?.value;
        let done = empty && found.status == "Succeeded";
        let purpose = if done { Purpose::Unchanged } else { Purpose::Deploy };
        return Ok(Watch { adopted: empty, ..Watch::new(purpose, attach, in_words(&found.revision)) });
    }
    if let (Some(busy), None) = (&forward.busy, &so_far) {
        let found = target.client.deployment(cx, busy).await?.value;
        return Ok(Watch { adopted: true, ..Watch::new(Purpose::Busy, busy, in_words(&found.revision)) });
    }
    let revision = target.spec.revision();
    let mut input = Value::Object(target.spec.input.clone());
    let description = input["description"].as_str().map(str::to_owned);
    let sequence = target.spec.sequence.as_ref();
    input["description"] = json!(run_tag::described(description.as_deref(), token, &revision, sequence));
    let mut own = find::own(&target.client, cx, token, forward.at).await?;
    if own.is_none() && so_far.is_none() && cx.is_resumed() {
        // An earlier process may have made it a moment ago, and it may be over before lists show it.
        tokio::time::sleep(SECOND_LOOK).await;
        own = find::own(&target.client, cx, token, forward.at).await?;
    }
    if let Some(own) = own {
        return Ok(found_again(cx, Purpose::Deploy, &own));
    }
    let words = match (&forward.before, target.spec.is_restart()) {
        (Some(before), true) => format!("{} once more, by a restart", in_words(before)),
        _ => in_words(&revision),
    };
    let waited = so_far.is_some_and(|so_far| so_far.purpose == Purpose::Capacity);
    if !waited && let Some(watch) = capacity::wait(target, cx, forward, &words).await {
        return Ok(watch);
    }
    let expected = [forward.last.as_str(), forward.busy.as_deref().unwrap_or_default()];
    expect_last(target, cx, &expected, forward.before.as_ref()).await?;
    create(target, cx, token, &input, (Purpose::Deploy, words)).await
}

async fn when_ready(target: &Deployment, cx: &Context, ready: &Watch) -> Result<Watch> {
    let mut next = ready.clone();
    match target.spec.when_ready {
        WhenReady::Continue => {
            target.client.go_on(cx, &ready.deployment).await?;
            next.continued = true;
        }
        WhenReady::Stop => {
            target.client.stop(cx, &ready.deployment, target.spec.stop_with_rollback).await?;
            next.continued = true;
            next.rollback_asked = target.spec.stop_with_rollback;
        }
        WhenReady::Wait => {}
    }
    Ok(next)
}

/// Somebody else may have deployed since the plan was made; their deployment stays.
async fn expect_last(
    target: &Deployment,
    cx: &Context,
    expected: &[&str],
    before: Option<&Value>,
) -> Result<()> {
    let group = target.client.group(cx).await;
    let (application, name) = (&target.spec.application, &target.spec.group);
    let group = group.map_err(|failure| about_group(failure, application, name, &target.place))?.value;
    let last = group.last_attempted_deployment.deployment_id;
    if last.is_empty() || expected.contains(&last.as_str()) {
        return Ok(());
    }
    let found = shown(target, cx, &last).await?;
    // What CodeDeploy does by itself about a deployment that is expected, or to bring new instances of an Auto Scaling group
    // to what was deployed last, is no change of somebody's mind.
    let rolls_back = &found.rollback_info.rollback_triggering_deployment_id;
    let follows = !rolls_back.is_empty() && expected.contains(&rolls_back.as_str());
    if follows || found.only_follows(before) {
        return Ok(());
    }
    let found = format!("{last} of {} ({})", in_words(&found.revision), found.status);
    Err(Refusal::Moved { group: name.clone(), found }.into())
}

fn found_again(cx: &Context, purpose: Purpose, own: &Info) -> Watch {
    let id = &own.deployment_id;
    cx.note(Level::Info, "found-again", format!("deployment {id} was made by this run already"));
    Watch::new(purpose, id, in_words(&own.revision))
}

/// The one CreateDeployment.
async fn create(
    target: &Deployment,
    cx: &Context,
    token: &Token,
    input: &Value,
    (purpose, words): (Purpose, String),
) -> Result<Watch> {
    let failure = match target.client.create(cx, input).await {
        Ok(id) => return Ok(Watch::new(purpose, &id, words)),
        Err(failure) => failure,
    };
    if failure.effect() == Effect::Unknown {
        tokio::time::sleep(SECOND_LOOK).await;
        if let Some(own) = find::own(&target.client, cx, token, None).await? {
            return Ok(found_again(cx, purpose, &own));
        }
    }
    if failure.code() == Some("DeploymentLimitExceededException")
        && let Some(id) = deployment_in(failure.error().message())
    {
        // The lists did not show it, or somebody was faster.
        let active = shown(target, cx, id).await?;
        if run_tag::is_of_token(&active.description, token) {
            return Ok(found_again(cx, purpose, &active));
        }
        return Err(Refusal::busy(&target.spec.group, &active).into());
    }
    Err(about_group(failure, &target.spec.application, &target.spec.group, &target.place))
}

/// A deployment whose id CodeDeploy has just told, once reads show it: to begin anew meanwhile would make a second one, when
/// the first has ended and lists do not show it either.
async fn shown(target: &Deployment, cx: &Context, id: &str) -> Result<Info> {
    let mut looks = 0;
    loop {
        match target.client.deployment(cx, id).await {
            Ok(found) => return Ok(found.value),
            Err(failure)
                if failure.code() == Some("DeploymentDoesNotExistException")
                    && looks < LOOKS
                    && !cx.is_cancelled() =>
            {
                looks += 1;
                tokio::time::sleep(SECOND_LOOK).await;
            }
            Err(failure) => return Err(failure.into()),
        }
    }
}

/// Applies an undo, or its next part: stops what is under way, then deploys what was there before unless CodeDeploy does.
pub(crate) async fn back(
    target: &Deployment,
    cx: &Context,
    token: &Token,
    back: &Back,
    so_far: Option<Watch>,
) -> Result<Watch> {
    let ours = target.client.deployment(cx, &back.ours).await?.value;
    let stopping = |asked| Watch {
        rollback_asked: asked,
        restores: back.goal.is_some(),
        ..Watch::new(Purpose::Stop, &back.ours, in_words(&ours.revision))
    };
    if !ours.is_final() {
        target.client.stop(cx, &back.ours, target.spec.stop_with_rollback).await?;
        return Ok(stopping(target.spec.stop_with_rollback));
    }
    if so_far.is_none() && ours.rollback().is_some() {
        return Ok(stopping(true));
    }
    if let Some(own) = find::own(&target.client, cx, token, back.at).await? {
        return Ok(found_again(cx, Purpose::Restore, &own));
    }
    let expected = [back.ours.as_str(), ours.rollback().unwrap_or_default()];
    expect_last(target, cx, &expected, back.goal.as_ref()).await?;
    let Some(goal) = &back.goal else {
        let found = format!("{} has ended, and no revision to come back to is known", back.ours);
        return Err(Refusal::Moved { group: target.spec.group.clone(), found }.into());
    };
    let mut input = target.spec.input.clone();
    // A restart takes no revision, and an undo brings one.
    input.remove("deploymentMode");
    let mut input = Value::Object(input);
    input["applicationName"] = json!(target.spec.application);
    input["deploymentGroupName"] = json!(target.spec.group);
    input["revision"] = goal.clone();
    input["description"] = json!(run_tag::described(Some("puts back"), token, goal, None));
    create(target, cx, token, &input, (Purpose::Restore, in_words(goal))).await
}
