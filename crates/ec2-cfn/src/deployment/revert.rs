//! The way back to what was there before. Read-only: it states the goal, and `apply` chooses the calls.

use landfall_core::target::Effect;
use landfall_core::{Change, Context, Plan, Result, Revert, Token};

use super::error::{Refusal, about_group};
use super::find;
use super::memory::{Back, Forward, Purpose, VERSION, Watch, Work};
use super::spec::{in_words, is_same};
use super::target::{Deployment, KIND};

/// Plans the undo of a deployment.
pub(crate) async fn revert(
    target: &Deployment,
    cx: &Context,
    token: &Token,
    forward: &Forward,
    receipt: Option<&Watch>,
) -> Result<Revert> {
    let ours = match receipt {
        Some(watch) if watch.adopted || watch.purpose != Purpose::Deploy => None,
        Some(watch) => Some(target.client.deployment(cx, &watch.deployment).await?.value),
        None => find::own(&target.client, cx, token, forward.at).await?,
    };
    let Some(ours) = ours else { return Ok(Revert::NothingToDo) };
    let (application, name) = (&target.spec.application, &target.spec.group);
    let group = target.client.group(cx).await;
    let group = group.map_err(|failure| about_group(failure, application, name, &target.place))?;
    let mut expected = vec![ours.deployment_id.as_str()];
    if let Some(id) = ours.rollback() {
        let rollback = target.client.deployment(cx, id).await?.value;
        if rollback.status == "Succeeded" {
            return Ok(Revert::NothingToDo);
        }
        expected.push(id);
    }
    let last = &group.value.last_attempted_deployment.deployment_id;
    let others = ours.is_final() && !last.is_empty() && !expected.contains(&last.as_str());
    let found = if others { Some(target.client.deployment(cx, last).await?.value) } else { None };
    if let Some(found) = found.filter(|found| !found.only_follows(forward.before.as_ref())) {
        if found.status == "Succeeded"
            && forward.before.as_ref().is_some_and(|before| is_same(before, &found.revision))
        {
            return Ok(Revert::NothingToDo);
        }
        let found = format!("{last} of {} ({})", in_words(&found.revision), found.status);
        return Err(Refusal::Moved { group: name.clone(), found }.into());
    }
    if ours.is_final()
        && let Some(reason) = impossible(forward, &ours.revision)
    {
        return Ok(Revert::Impossible { reason });
    }
    let goal = forward.before.clone().filter(|before| !is_same(before, &ours.revision));
    let to = goal.as_ref().map_or_else(|| "stopped".to_owned(), |goal| format!("back to {}", in_words(goal)));
    let change = Change::new(Effect::Update, target.subject()).with_details([to]);
    let work = Work::Back(Box::new(Back { ours: ours.deployment_id.clone(), goal, at: group.at }));
    Ok(Revert::Plan(Box::new(Plan::new(KIND, VERSION, vec![change], &work)?)))
}

fn impossible(forward: &Forward, revision: &serde_json::Value) -> Option<String> {
    match &forward.before {
        None => Some(
            "no revision had been deployed to the group with success before: there is nothing to come back to. Deploy one \
             that is known to work"
                .to_owned(),
        ),
        Some(before) if is_same(before, revision) => Some(format!(
            "{} is the revision that was there before: deploying it again would change nothing. Deploy an older one if it is \
             at fault",
            in_words(before)
        )),
        Some(_) => None,
    }
}
