//! Deletes a stack, as a target of its own: what is in the way is named.
//!
//! It has the kind and the resource of [`Stack`](super::Stack), so that a deployment and a deletion of one stack are never
//! made at once. A deletion is never undone: what is gone is gone.

mod spec;

use std::collections::BTreeSet;

use async_trait::async_trait;
use landfall_core::event::Level;
use landfall_core::target::Effect;
use landfall_core::{
    Change, Context, DeployTarget, Look, Observation, Place, Plan, Receipt, Resource, Result, Revert, Token,
};

use super::apply::newest_event;
use super::client::{Client, Deletion, allowed};
use super::document::Node;
use super::error::Refusal;
use super::facts::StackFacts;
use super::judge::start::{Start, start};
use super::memory::{Delete, Purpose, VERSION, Watch, Work};
use super::observe::{Subject, observe};
use super::spec::IfBusy;
use super::target::{KIND, PREFIX, receipt};
use super::template::{Template, digest};
pub use spec::{StackDeletionBuilder, StackDeletionSpec};

/// The deletion of a stack.
///
/// A stack that does not exist is deleted already: the outcome is then `Unchanged`.
#[derive(Debug, Clone)]
pub struct StackDeletion {
    place: Place,
    spec: StackDeletionSpec,
    client: Client,
}

impl StackDeletion {
    /// Begins to describe a deletion.
    pub fn builder() -> StackDeletionBuilder {
        StackDeletionBuilder::default()
    }

    fn token(&self, token: &Token) -> String {
        let seed = format!("{token}\n{}", self.spec.digest());
        format!("{PREFIX}{}-d", &digest(seed.as_bytes())[..32])
    }

    /// Refuses what AWS or consent does not allow.
    fn check(&self, stack: &StackFacts) -> Result<()> {
        let name = self.spec.name.clone();
        if stack.protected {
            return Err(Refusal::Protected { name }.into());
        }
        let special = !self.spec.retain.is_empty() || self.spec.force;
        if special && stack.status != "DELETE_FAILED" {
            return Err(Refusal::NotFailedYet { name, status: stack.status.clone() }.into());
        }
        Ok(())
    }

    fn is_busy(stack: &StackFacts) -> bool {
        // CloudFormation deletes a stack that is being created; of any other operation it waits for the end.
        let deletable = matches!(stack.status.as_str(), "CREATE_IN_PROGRESS" | "ROLLBACK_IN_PROGRESS");
        start(Some(&stack.status)) == Start::Busy && !deletable
    }

    async fn changes(&self, cx: &Context, stack: &StackFacts) -> Result<Vec<Change>> {
        let listed = self.client.resources(cx, &stack.id).await;
        let listed = allowed(cx, "cloudformation:ListStackResources", listed)?.unwrap_or_default();
        let retained = self.retained(cx, stack).await?;
        let lines = listed.iter().filter(|one| one.status != "DELETE_COMPLETE").map(|one| {
            let kept = match &retained {
                _ if self.spec.retain.contains(&one.logical) => ", left behind as asked",
                Some(retained) if retained.contains(&one.logical) => {
                    ", retained by the template: left behind"
                }
                _ => "",
            };
            format!("- {} ({}{kept})", one.logical, one.kind)
        });
        let subject = format!("stack {}", self.spec.name);
        let change = Change::new(Effect::Delete, subject).with_details([format!("it is {}", stack.status)]);
        let change = change.with_details(lines);
        let unknown = retained.is_none().then(|| "what its template retains stays behind".to_owned());
        Ok(vec![change.with_details(unknown)])
    }

    /// Logical ids of what the template keeps from being deleted; none when that is not known.
    async fn retained(&self, cx: &Context, stack: &StackFacts) -> Result<Option<BTreeSet<String>>> {
        let read = self.client.template(cx, &stack.id).await;
        let Some(Some(text)) = allowed(cx, "cloudformation:GetTemplate", read)? else { return Ok(None) };
        let Ok(template) = Template::parse("the stack's template", &text) else { return Ok(None) };
        // "RetainExceptOnCreate behaves like Retain for stack operations, except for the stack operation that initially created
        // the resource."
        let stays = |policy: &str| matches!(policy, "Retain" | "RetainExceptOnCreate");
        let resources = template.resources().into_iter();
        let staying = resources
            .filter(|one| one.node.member("DeletionPolicy").and_then(Node::text).is_some_and(stays))
            .map(|one| one.id.to_owned());
        Ok(Some(staying.collect()))
    }
}

#[async_trait]
impl DeployTarget for StackDeletion {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn resource(&self) -> Resource {
        Resource::new(self.place.clone(), KIND, [self.spec.name.as_str()])
    }

    fn specification(&self) -> String {
        self.spec.digest()
    }

    async fn plan(&self, cx: &Context) -> Result<Plan> {
        let stack = self.client.describe_stack(cx, &self.spec.name).await?;
        let mut work = Delete { specification: self.spec.digest(), stack_id: None, busy: None };
        let Some(stack) = stack.filter(|stack| stack.status != "DELETE_COMPLETE") else {
            return Plan::new(KIND, VERSION, Vec::new(), &Work::Delete(Box::new(work)));
        };
        self.check(&stack)?;
        if Self::is_busy(&stack) && stack.status != "DELETE_IN_PROGRESS" {
            if self.spec.if_busy == IfBusy::Fail {
                let (name, status) = (self.spec.name.clone(), stack.status);
                return Err(Refusal::Busy { name, status, last: String::new() }.into());
            }
            work.busy = Some(stack.status.clone());
        }
        let changes = self.changes(cx, &stack).await?;
        work.stack_id = Some(stack.id);
        Plan::new(KIND, VERSION, changes, &Work::Delete(Box::new(work)))
    }

    async fn apply(&self, cx: &Context, plan: &Plan, so_far: Option<&Receipt>) -> Result<Receipt> {
        let so_far = so_far.map(|receipt| receipt.read::<Watch>(KIND, VERSION)).transpose()?;
        let Work::Delete(work) = plan.read::<Work>(KIND, VERSION)? else {
            return Err(Refusal::OtherSpecification.into());
        };
        if work.specification != self.spec.digest() {
            return Err(Refusal::OtherSpecification.into());
        }
        let token = self.token(&plan.token);
        let id = work.stack_id.clone().unwrap_or_default();
        let mut watch = Watch::new(Purpose::Delete, &id, &token);
        let Some(stack) = self.found(cx, &id).await? else {
            watch.purpose = Purpose::Cleared;
            watch.unchanged = plan.is_empty();
            return receipt(&watch);
        };
        watch.since = newest_event(&self.client, cx, &stack.id).await?;
        if Self::is_busy(&stack) && stack.status != "DELETE_IN_PROGRESS" {
            if so_far.is_none() && work.busy.is_none() {
                let (name, status) = (self.spec.name.clone(), stack.status);
                return Err(Refusal::Busy { name, status, last: String::new() }.into());
            }
            watch.purpose = Purpose::Busy;
        } else if stack.status == "DELETE_IN_PROGRESS" {
            // Whoever began it, and it may be an earlier call of ours: it is what was wanted.
            watch.since = None;
            cx.note(Level::Info, "found-again", "the stack is being deleted already");
        } else {
            self.check(&stack)?;
            let how = Deletion { retain: self.spec.retain.clone(), force: self.spec.force };
            let role = self.spec.role_arn.as_deref().or(stack.role_arn.as_deref());
            self.client.delete_stack(cx, &stack.id, &token, &how, role).await?;
        }
        receipt(&watch)
    }

    async fn observe(&self, cx: &Context, receipt: &Receipt, look: Look<'_>) -> Result<Observation> {
        let watch: Watch = receipt.read(KIND, VERSION)?;
        observe(&Subject::new(&self.client, &self.spec.name, None), cx, &watch, look).await
    }

    async fn revert(&self, cx: &Context, plan: &Plan, receipt: Option<&Receipt>) -> Result<Revert> {
        receipt.map(|receipt| receipt.read::<Watch>(KIND, VERSION)).transpose()?;
        match plan.read::<Work>(KIND, VERSION)? {
            Work::Delete(work) => revert(&self.client, cx, &work).await,
            _ => Err(Refusal::OtherSpecification.into()),
        }
    }
}

/// A deletion is not undone; what has not been begun need not be.
pub(super) async fn revert(client: &Client, cx: &Context, work: &Delete) -> Result<Revert> {
    let Some(id) = &work.stack_id else { return Ok(Revert::NothingToDo) };
    let stack = client.describe_stack(cx, id).await?;
    if stack.is_some_and(|stack| !stack.status.starts_with("DELETE_")) {
        return Ok(Revert::NothingToDo);
    }
    let reason =
        "a deletion cannot be taken back: deploy the stack anew; what its template retains is still there";
    Ok(Revert::Impossible { reason: reason.to_owned() })
}

impl StackDeletion {
    async fn found(&self, cx: &Context, id: &str) -> Result<Option<StackFacts>> {
        if id.is_empty() {
            return Ok(None);
        }
        Ok(self.client.describe_stack(cx, id).await?.filter(|stack| stack.status != "DELETE_COMPLETE"))
    }
}
