//! The plan that puts back what was there before. Reads only: it states a goal, and `apply` chooses the call.

use landfall_core::target::Effect;
use landfall_core::{Change, Context, Result, Revert, Token};

use super::apply::{is_newest, newest_events};
use super::diagnose::blocked;
use super::error::Refusal;
use super::facts::StackFacts;
use super::judge::start::{way_out, way_out_of};
use super::memory::{Back, Before, Forward, Means, Origin, Purpose, Watch, Work};
use super::target::{Stack, change_set_name, short};
use super::template::LARGEST_BODY;

/// How to get back to what was there before a deployment.
pub(crate) async fn revert(
    target: &Stack,
    cx: &Context,
    token: &Token,
    forward: &Forward,
    receipt: Option<&Watch>,
) -> Result<Revert> {
    let name = forward.change_set_name(token);
    let origin = receipt.and_then(|watch| watch.origin.as_ref()).unwrap_or(&forward.origin);
    let done = Done { target, forward, name: &name, origin };
    let unexecuted = target.client.describe_change_set(cx, &name, false).await?;
    let unexecuted = unexecuted.filter(|found| !found.execution.starts_with("EXECUTE_"));
    // One that was kept is not this run's to take away: it can still be executed.
    if let Some(found) = unexecuted.filter(|_| forward.saved.is_none()) {
        let text = format!("change set {name}, which was not executed");
        return done.plan(&found.stack_id, Change::new(Effect::Delete, text));
    }
    let id = receipt.map(|watch| watch.stack_id.as_str()).filter(|id| !id.is_empty());
    let known = id.unwrap_or(&target.spec.name);
    let Some(stack) = target.client.describe_stack(cx, known).await? else { return Ok(Revert::NothingToDo) };
    let undo = change_set_name(&Token::new(format!("{token}/undo")), &forward.specification);
    let started = receipt.is_some_and(|watch| {
        matches!(watch.purpose, Purpose::Create | Purpose::Update)
            || (watch.purpose == Purpose::Standing && watch.change_set.is_some() && !watch.unchanged)
    });
    let events = newest_events(&target.client, cx, &stack.id).await?;
    if stack.status == "DELETE_COMPLETE" || is_newest(&target.client, cx, &stack, &undo, &events).await? {
        return Ok(Revert::NothingToDo);
    }
    if !is_newest(&target.client, cx, &stack, &name, &events).await? {
        return if started { Err(moved(target, &stack)) } else { done.of_settings(&stack) };
    }
    match origin {
        Origin::Absent | Origin::Shell => done.of_created(&stack),
        Origin::Unknown { .. } => Ok(Revert::Impossible {
            reason: "the records of this run are lost, and with them what the stack was before; deploy the template and \
                     values that it shall have"
                .to_owned(),
        }),
        Origin::Stack(_) if stack.status == "UPDATE_ROLLBACK_FAILED" => stuck(target, cx, &stack).await,
        Origin::Stack(before) => done.of_updated(&stack, before),
    }
}

/// A person has to say what becomes of what the rollback failed on.
async fn stuck(target: &Stack, cx: &Context, stack: &StackFacts) -> Result<Revert> {
    let refusal = blocked(&target.client, cx, &target.spec.name, stack).await?;
    let failed = match &refusal {
        Refusal::Blocked { stuck, .. } if !stuck.is_empty() => format!("; it failed on {}", stuck.join(", ")),
        _ => String::new(),
    };
    Ok(Revert::Impossible { reason: format!("{refusal}{failed}; next: {}", refusal.hint()) })
}

fn moved(target: &Stack, stack: &StackFacts) -> landfall_core::Error {
    let by = stack.change_set.as_deref().map_or("an update without a change set", short);
    let what = format!("it has been changed by {by} since this deployment");
    Refusal::Moved { name: target.spec.name.clone(), what }.into()
}

/// What was done, and from where.
struct Done<'a> {
    target: &'a Stack,
    forward: &'a Forward,
    /// Of the change set.
    name: &'a str,
    origin: &'a Origin,
}

impl Done<'_> {
    fn plan(&self, stack_id: &str, change: Change) -> Result<Revert> {
        self.planned(stack_id, change, false)
    }

    fn planned(&self, stack_id: &str, change: Change, settings_only: bool) -> Result<Revert> {
        let goal = match self.origin {
            Origin::Stack(before) => Some((**before).clone()),
            _ => None,
        };
        let back = Back {
            specification: self.forward.specification.clone(),
            means: self.forward.means.clone(),
            stack_id: stack_id.to_owned(),
            goal,
            change_set: self.name.to_owned(),
            keep_shell: !matches!(self.origin, Origin::Absent),
            settings_only,
        };
        Ok(Revert::Plan(Box::new(self.target.plan_of(vec![change], &Work::Back(Box::new(back)))?)))
    }

    /// The change set was never made or had nothing to change; settings may have been.
    fn of_settings(&self, stack: &StackFacts) -> Result<Revert> {
        let Origin::Stack(before) = self.origin else { return Ok(Revert::NothingToDo) };
        if !self.forward.means.protection || stack.protected == before.protected {
            return Ok(Revert::NothingToDo);
        }
        let text = format!("termination protection: {} -> {}", stack.protected, before.protected);
        let change = Change::new(Effect::Update, self.target.subject()).with_details([text]);
        self.planned(&stack.id, change, true)
    }

    fn of_created(&self, stack: &StackFacts) -> Result<Revert> {
        if stack.protected {
            return Ok(Revert::Impossible {
                reason: format!(
                    "stack {} was made by this deployment and is protected against deletion: turn that off, then delete it",
                    self.target.spec.name
                ),
            });
        }
        let text = "it was made by this deployment; what its template retains stays behind";
        self.plan(&stack.id, Change::new(Effect::Delete, self.target.subject()).with_details([text]))
    }

    /// RollbackStack is refused after an express operation that failed.
    fn of_express(&self, stack: &StackFacts, before: &Before) -> Result<Revert> {
        // What was there before had failed as well: there is no template that worked.
        if matches!(before.status.as_str(), "CREATE_FAILED" | "UPDATE_FAILED") {
            let (meaning, next) = way_out_of(&self.target.spec.name, stack);
            return Ok(Revert::Impossible {
                reason: format!("the stack is {}: {meaning}; next: {next}", stack.status),
            });
        }
        if let Some(reason) = impossible(&self.forward.means, before) {
            return Ok(Revert::Impossible { reason });
        }
        let text = "the previous template and the previous values once more: a failed update in express mode cannot be rolled \
                    back";
        self.plan(&stack.id, Change::new(Effect::Update, self.target.subject()).with_details([text]))
    }

    fn of_updated(&self, stack: &StackFacts, before: &Before) -> Result<Revert> {
        let change =
            |text: &str| Change::new(Effect::Update, self.target.subject()).with_details([text.to_owned()]);
        match stack.status.as_str() {
            "UPDATE_ROLLBACK_COMPLETE" => Ok(Revert::NothingToDo),
            "CREATE_FAILED" | "UPDATE_FAILED" if stack.express => self.of_express(stack, before),
            "DELETE_FAILED" => {
                let (meaning, next) = way_out(&self.target.spec.name, &stack.status);
                Ok(Revert::Impossible {
                    reason: format!("the stack is {}: {meaning}; next: {next}", stack.status),
                })
            }
            "UPDATE_IN_PROGRESS" => self.plan(&stack.id, change("the update under way is cancelled")),
            "UPDATE_COMPLETE" | "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS" | "IMPORT_COMPLETE" => {
                match impossible(&self.forward.means, before) {
                    Some(reason) => Ok(Revert::Impossible { reason }),
                    None if self.forward.means.revert_drift => self.plan(
                        &stack.id,
                        change(
                            "the previous template and the previous values; what had been changed outside of CloudFormation \
                             does not come back",
                        ),
                    ),
                    None => self.plan(&stack.id, change("the previous template and the previous values")),
                }
            }
            _ => self.plan(&stack.id, change("the failed update is rolled back")),
        }
    }
}

/// Why the previous state cannot be made again.
fn impossible(means: &Means, before: &Before) -> Option<String> {
    if !before.overwritten.is_empty() {
        return Some(format!(
            "the previous values of {} are not known: they are not to be shown (NoEcho), and this deployment has given them \
             anew or taken them away; deploy the previous template with those values",
            before.overwritten.join(", ")
        ));
    }
    let Some(template) = &before.template else {
        let why = before.template_missing.as_deref().unwrap_or("it is not known");
        return Some(format!("the previous template is not at hand: {why}; deploy it yourself"));
    };
    let large = template.len() > LARGEST_BODY && means.template_bucket.is_none();
    large.then(|| {
        format!(
            "the previous template has {} bytes, which CloudFormation reads from S3 only, and no bucket is given",
            template.len()
        )
    })
}
