//! A plan by a change set: exact to the property, and not read-only.

use std::time::Duration;

use landfall_core::event::Level;
use landfall_core::target::Effect;
use landfall_core::wait::{Delays, Pace};
use landfall_core::{Change, Context, Error, ErrorKind, Plan, Result, Token};

use super::plan;
use crate::stack::apply::{delete_shell, make_change_set, refusal_of};
use crate::stack::diagnose;
use crate::stack::facts::{ChangeSetFacts, ResourceChange};
use crate::stack::judge::start::{Start, start};
use crate::stack::observe::{describe, described_by};
use crate::stack::target::{PREFIX, Stack, change_set_name};
use crate::stack::template::digest;

/// Longest that a change set is waited for. Those of a few hundred resources take minutes (aws/aws-sam-cli issue 4906).
const LONGEST: Duration = Duration::from_secs(600);

const PACE: Pace = Pace {
    first: Duration::from_secs(1),
    longest: Duration::from_secs(5),
    nearly: Duration::ZERO,
    nearly_looks: 0,
};

/// What would change, as CloudFormation itself works it out.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ChangeSetPlan {
    /// The plan, whose changes are those of the change set; empty when there is nothing to change.
    pub plan: Plan,
    /// Why `apply` would refuse to execute it; none when it would not.
    pub refusal: Option<Error>,
}

impl Stack {
    /// Plans by a change set, which is made and deleted again, together with the empty stack that it makes when there is
    /// none. **This writes**, and says so in a note before it does (`plan-writes`): `landfall_core::DeployTarget::plan`
    /// only reads, and knows less.
    ///
    /// # Errors
    /// As [`plan`](landfall_core::DeployTarget::plan), and [`ErrorKind::Rejected`] with causes when CloudFormation cannot
    /// make the change set. [`ErrorKind::Transient`] when it takes longer than ten minutes.
    ///
    /// # Cancellation
    /// A stop ends the wait; the change set is deleted even so. Dropping the future leaves it behind.
    pub async fn plan_with_change_set(&self, cx: &Context) -> Result<ChangeSetPlan> {
        let mut planned = plan(self, cx).await?;
        if planned.is_empty() {
            return Ok(ChangeSetPlan { plan: planned, refusal: None });
        }
        let stack = self.client.describe_stack(cx, &self.spec.name).await?;
        let begin = start(stack.as_ref().map(|stack| stack.status.as_str()));
        if !matches!(begin, Start::Create | Start::Update | Start::Kept) {
            // What is in the way was allowed to be waited for or deleted; what comes after that cannot be known yet.
            return Ok(ChangeSetPlan { plan: planned, refusal: None });
        }
        let name = preview_name(self, cx);
        let text = format!("a change set {name} is made to see what would change, and deleted again");
        cx.note(Level::Warning, "plan-writes", text);
        let existing = stack.as_ref().filter(|_| begin != Start::Create);
        let wanted = super::wanted(self, cx, existing).await?;
        let made = make_change_set(self, cx, &name, existing, wanted).await?;
        let arn = made.change_set.clone().unwrap_or_default();
        let seen = wait(self, cx, &arn).await;
        let told = match seen {
            Ok(found) => self.told(cx, &found, &mut planned).await,
            Err(error) => Err(error),
        };
        self.client.delete_change_set(&cx.cleanup(), &arn).await?;
        if stack.is_none() {
            delete_shell(self, &cx.cleanup(), &made.stack_id, &name).await?;
        }
        Ok(ChangeSetPlan { refusal: told?, plan: planned })
    }

    /// Puts the changes into the plan, and says what would be refused.
    async fn told(&self, cx: &Context, found: &ChangeSetFacts, planned: &mut Plan) -> Result<Option<Error>> {
        if found.status == "FAILED" && diagnose::is_without_changes(&found.reason) {
            planned.changes.clear();
            return Ok(None);
        }
        if found.status == "FAILED" {
            let causes = diagnose::of_change_set(&self.client, cx, self.spec.text(), found).await?;
            let message = format!("CloudFormation cannot make a change set for stack {}", self.spec.name);
            return Err(Error::new(ErrorKind::Rejected, message).with_causes(causes));
        }
        planned.changes = found.changes.iter().map(|change| self.change(change)).collect();
        refusal_of(self, cx, found).await
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

fn preview_name(stack: &Stack, cx: &Context) -> String {
    let token = Token::new(format!("{}/plan/{}", cx.id(), cx.clock().now()));
    let name = change_set_name(&token, &stack.spec.digest());
    format!("{PREFIX}plan-{}", &digest(name.as_bytes())[..24])
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
