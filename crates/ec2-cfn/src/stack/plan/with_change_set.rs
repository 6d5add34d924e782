//! A plan by a change set: exact to the property, and not read-only.

use std::time::Duration;

use landfall_core::event::Level;
use landfall_core::target::Effect;
use landfall_core::wait::{Delays, Pace};
use landfall_core::{Change, Context, Error, ErrorKind, Plan, Result, Token};

use super::plan;
use crate::stack::apply::{delete_shell, make_change_set, refusal_of};
use crate::stack::diagnose;
use crate::stack::error::Refusal;
use crate::stack::facts::{ChangeSetFacts, ResourceChange};
use crate::stack::judge::start::{Start, start};
use crate::stack::memory::{Forward, Origin, VERSION, Work};
use crate::stack::observe::{describe, described_by};
use crate::stack::run_mark::MadeFor;
use crate::stack::saved::{Found, SavedPlan};
use crate::stack::target::{KIND, PREFIX, Stack, change_set_name};
use crate::stack::template::digest;

/// Longest that a change set is waited for. Those of a few hundred resources take minutes (aws/aws-sam-cli issue 4906).
const LONGEST: Duration = Duration::from_secs(600);

const PACE: Pace = Pace::growing(Duration::from_secs(1), Duration::from_secs(5));

/// What would change, as CloudFormation itself works it out.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ChangeSetPlan {
    /// The plan, whose changes are those of the change set; empty when there is nothing to change.
    pub plan: Plan,
    /// Why `apply` would refuse to execute it; none when it would not.
    pub refusal: Option<Error>,
    /// By what the plan can be carried out later; none when that was not asked for, or `apply` would refuse it.
    pub saved: Option<SavedPlan>,
}

/// What becomes of the change set when it was looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    Delete,
    Keep,
}

impl Stack {
    /// Plans by a change set, which is made and deleted again, together with the empty stack that it makes when there is
    /// none. **This writes**, and says so in a note before it does (`plan-writes`): `landfall_core::DeployTarget::plan`
    /// only reads, and knows less.
    ///
    /// # Errors
    /// As [`plan`](landfall_core::DeployTarget::plan), and [`ErrorKind::Rejected`] with causes when CloudFormation cannot
    /// make the change set. [`ErrorKind::Transient`] when it takes longer than ten minutes. [`ErrorKind::Invalid`] when this
    /// target carries out a saved plan.
    ///
    /// # Cancellation
    /// A stop ends the wait; the change set is deleted even so. Dropping the future leaves it behind.
    pub async fn plan_with_change_set(&self, cx: &Context) -> Result<ChangeSetPlan> {
        self.look_ahead(cx, Then::Delete).await
    }

    /// As [`Stack::plan_with_change_set`], and keeps the change set, with the empty stack of a new one, for somebody to look
    /// at: [`StackBuilder::saved_plan`](super::super::StackBuilder::saved_plan) carries out exactly that. It is not kept when
    /// `apply` would refuse to execute it, or when there is nothing for it to do.
    ///
    /// A plan that nobody carries out stays in the account, as does one that another follows: until another change set of
    /// the stack is executed, or `aws cloudformation delete-change-set` takes it away.
    ///
    /// # Errors
    /// As [`Stack::plan_with_change_set`], and [`ErrorKind::Conflict`] when something has to be waited for, deleted or brought
    /// back before a change set can be made.
    ///
    /// # Cancellation
    /// As [`Stack::plan_with_change_set`].
    pub async fn save_plan(&self, cx: &Context) -> Result<ChangeSetPlan> {
        self.look_ahead(cx, Then::Keep).await
    }

    async fn look_ahead(&self, cx: &Context, then: Then) -> Result<ChangeSetPlan> {
        if let Some(saved) = &self.spec.options.saved {
            let text =
                format!("a plan is carried out here ({}), and none is made by a change set", saved.file);
            return Err(Error::invalid(text));
        }
        let mut planned = plan(self, cx).await?;
        let Work::Forward(forward) = planned.read::<Work>(KIND, VERSION)? else {
            return Err(Error::internal("a plan of a deployment is none"));
        };
        let stack = self.client.describe_stack(cx, &self.spec.name).await?;
        let found = Found::of(stack.as_ref());
        let saved = |stack_id: &str, change_set: Option<String>| {
            let saved =
                SavedPlan::new(&self.spec.name, stack_id, found.clone(), change_set, self.spec.asked());
            (then == Then::Keep).then_some(saved)
        };
        if planned.is_empty() {
            let saved = stack.as_ref().and_then(|stack| saved(&stack.id, None));
            return Ok(ChangeSetPlan { plan: planned, refusal: None, saved });
        }
        let begin = start(stack.as_ref().map(|stack| stack.status.as_str()));
        let ready = matches!(begin, Start::Create | Start::Update | Start::Kept);
        if !ready || forward.bring_back || forward.recreate.is_some() {
            // What is in the way was allowed to be waited for or deleted; what comes after that cannot be known yet.
            let status = stack.map(|stack| stack.status).unwrap_or_default();
            return match then {
                Then::Delete => Ok(ChangeSetPlan { plan: planned, refusal: None, saved: None }),
                Then::Keep => {
                    let what = format!("it is {status}, and what comes after that cannot be known yet");
                    Err(Refusal::NotSavable { name: self.spec.name.clone(), what }.into())
                }
            };
        }
        let name = preview_name(self, cx, then);
        cx.note(Level::Warning, "plan-writes", announced(&name, then));
        let existing = stack.as_ref().filter(|_| begin != Start::Create);
        let wanted = super::wanted(self, cx, existing).await?;
        let made = make_change_set(self, cx, &name, existing, wanted, MadeFor::Plan).await?;
        let arn = made.change_set.clone().unwrap_or_default();
        let seen = wait(self, cx, &arn).await;
        let can_be_executed = matches!(&seen, Ok(found) if found.status == "CREATE_COMPLETE");
        let refusal = match &seen {
            Ok(found) => self.told(cx, found, &forward, &mut planned).await,
            Err(error) => Err(error.clone()),
        };
        let keeps = then == Then::Keep && can_be_executed && matches!(refusal, Ok(None));
        if !keeps {
            self.client.delete_change_set(&cx.cleanup(), &arn).await?;
            if stack.is_none() {
                delete_shell(self, &cx.cleanup(), &made.stack_id, &name).await?;
            }
        }
        let refusal = refusal?;
        let saved = match refusal {
            None => saved(&made.stack_id, keeps.then_some(arn)),
            Some(_) => None,
        };
        Ok(ChangeSetPlan { refusal, plan: planned, saved })
    }

    /// Puts the changes into the plan, and says what would be refused.
    async fn told(
        &self,
        cx: &Context,
        found: &ChangeSetFacts,
        forward: &Forward,
        planned: &mut Plan,
    ) -> Result<Option<Error>> {
        let settings = settings_of(self, &forward.origin);
        if found.status == "FAILED" && diagnose::is_without_changes(&found.reason) {
            planned.changes = settings.into_iter().collect();
            return Ok(None);
        }
        if found.status == "FAILED" {
            let causes = diagnose::of_change_set(&self.client, cx, self.spec.text(), found).await?;
            let message = format!("CloudFormation cannot make a change set for stack {}", self.spec.name);
            return Err(Error::new(ErrorKind::Rejected, message).with_causes(causes));
        }
        planned.changes = self.changes_of(found);
        planned.changes.extend(settings);
        refusal_of(self, cx, found).await
    }

    /// What a change set changes.
    pub(super) fn changes_of(&self, found: &ChangeSetFacts) -> Vec<Change> {
        if found.changes.is_empty() {
            let text = "no resource, but outputs, tags or other settings of the stack";
            return vec![Change::new(Effect::Update, self.subject()).with_details([text])];
        }
        found.changes.iter().map(|change| self.change(change)).collect()
    }

    fn change(&self, change: &ResourceChange) -> Change {
        let replaced = change.policy_action.starts_with("ReplaceAnd") || change.replacement == "True";
        let effect = match change.action.as_str() {
            "Add" | "Import" => Effect::Create,
            "Remove" => Effect::Delete,
            _ if replaced => Effect::Replace,
            _ => Effect::Update,
        };
        let line = self.client.masks.apply(&describe(change));
        Change::new(effect, format!("{} ({})", change.logical, change.kind)).with_details([line])
    }
}

/// Settings of a stack that exists, which no change set can carry, as far as they differ.
pub(super) fn settings_of(stack: &Stack, origin: &Origin) -> Option<Change> {
    let Origin::Stack(before) = origin else { return None };
    let lines = super::changes::settings(stack, before);
    (!lines.is_empty()).then(|| Change::new(Effect::Update, stack.subject()).with_details(lines))
}

fn announced(name: &str, then: Then) -> String {
    match then {
        Then::Delete => format!("a change set {name} is made to see what would change, and deleted again"),
        Then::Keep => {
            format!("a change set {name} is made and kept: nothing is changed until somebody has it executed")
        }
    }
}

fn preview_name(stack: &Stack, cx: &Context, then: Then) -> String {
    let token = Token::new(format!("{}/plan/{}", cx.id(), cx.clock().now()));
    let name = change_set_name(&token, &stack.spec.digest());
    let kind = if then == Then::Keep { "saved" } else { "plan" };
    format!("{PREFIX}{kind}-{}", &digest(name.as_bytes())[..24])
}

/// Looks until the change set is made. Not the wait of a deployment, which core has: nothing was started here that could
/// be resumed, judged or undone.
async fn wait(stack: &Stack, cx: &Context, arn: &str) -> Result<ChangeSetFacts> {
    let mut delays = Delays::new(PACE, &cx.id());
    let deadline = tokio::time::Instant::now() + LONGEST;
    loop {
        let found = described_by(&stack.client, cx, arn).await?;
        match found {
            Some(found) if matches!(found.status.as_str(), "CREATE_COMPLETE" | "FAILED") => return Ok(found),
            _ if tokio::time::Instant::now() >= deadline => {
                let text = format!("the change set was not made within {} seconds", LONGEST.as_secs());
                return Err(Error::new(ErrorKind::Transient, text));
            }
            _ => {}
        }
        tokio::select! {
            biased;
            () = cx.cancelled() => return Err(Error::new(ErrorKind::Transient, "the plan was stopped")),
            () = tokio::time::sleep(delays.next(false, false)) => {}
        }
    }
}
