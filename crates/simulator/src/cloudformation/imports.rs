//! Resources that exist outside of a stack: in the way of one of the same name, or taken over.
//!
//! What may be taken over: "Import AWS resources into a CloudFormation stack automatically"
//! (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-automatically.html>). What a change set
//! says of names that are taken: "Validate stack deployments"
//! (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html>).
//! Which types may be imported is modelled as: all but CloudFormation's own and custom resources. That S3 has a bucket is not
//! seen here.

use indexmap::IndexMap;

use super::CloudFormation;
use super::changes::own_name;
use super::evaluate::LATER;
use super::model::{ChangeState, ResourceState, Verb};
use crate::{ExistingResource, Validation};

/// Whose a resource is.
enum Owner {
    Nobody,
    /// The id of its stack.
    Stack(String),
}

impl CloudFormation {
    /// Whose the resource of this type and name is; none: there is none.
    fn owner(&self, kind: &str, name: &str) -> Option<Owner> {
        if self.existing.iter().any(|one| one.kind == kind && one.name == name) {
            return Some(Owner::Nobody);
        }
        let has = |resource: &ResourceState| {
            resource.kind == kind && resource.physical == name && resource.status != "CREATE_FAILED"
        };
        let live = self.stacks.iter().filter(|stack| stack.status != "DELETE_COMPLETE");
        let stack = live.into_iter().find(|stack| stack.resources.values().any(has))?;
        Some(Owner::Stack(stack.id.clone()))
    }

    /// Makes imports of those additions that exist already. Why the change set cannot be made; none when it can.
    ///
    /// The sentence about `DeletionPolicy` is AWS's (aws/aws-cdk-cli pull request 1367). For a resource of another stack AWS
    /// documents that it is not imported, and not in which words.
    pub(super) fn find_imports(
        &self,
        wanted: &IndexMap<String, ResourceState>,
        changes: &mut [ChangeState],
    ) -> Option<String> {
        let mut not_retained = Vec::new();
        for change in
            changes.iter_mut().filter(|change| change.action == "Add" && is_importable(&change.kind))
        {
            let Some(resource) = wanted.get(&change.logical) else { continue };
            let Some((property, name)) = &resource.name else { continue };
            match self.owner(&resource.kind, name) {
                None => {}
                Some(Owner::Stack(id)) => return Some(format!("{name} already exists in stack {id}")),
                Some(Owner::Nobody) if resource.retain => {
                    change.action = "Import";
                    change.physical.clone_from(name);
                }
                Some(Owner::Nobody) => {
                    not_retained.push(format!("{} ({{{property}={name}}})", change.logical));
                }
            }
        }
        (!not_retained.is_empty()).then(|| {
            format!(
                "CloudFormation is attempting to import some resources because they already exist in your account. The \
                 resources must have the DeletionPolicy attribute set to 'Retain' or 'RetainExceptOnCreate' in the template \
                 for successful import. The affected resources are {}",
                not_retained.join(", ")
            )
        })
    }

    /// What the check of names before a deployment finds.
    pub(super) fn names_taken(
        &self,
        wanted: &IndexMap<String, ResourceState>,
        changes: &[ChangeState],
    ) -> Vec<Validation> {
        let added = changes.iter().filter(|change| change.action == "Add");
        let taken = added.filter_map(|change| {
            let (property, name) = own_name(&wanted.get(&change.logical)?.properties)?;
            self.owner(&change.kind, &name)?;
            Some(Validation {
                resource: change.logical.clone(),
                kind: change.kind.clone(),
                path: format!("/Resources/{}/Properties/{property}", change.logical),
                message: format!(
                    "Resource of type '{}' with identifier '{name}' already exists.",
                    change.kind
                ),
                mode: "FAIL".to_owned(),
                name: "NAME_CONFLICT_VALIDATION".to_owned(),
                hook: false,
                remediation: String::new(),
            })
        });
        taken.collect()
    }

    /// Why a resource cannot be made: there is one of this name.
    pub(super) fn taken(
        &self,
        at: usize,
        logical: &str,
        verb: Verb,
        resource: &ResourceState,
    ) -> Option<String> {
        let (_, name) =
            own_name(&resource.properties).filter(|_| matches!(verb, Verb::Create | Verb::Replace))?;
        let own = self.stacks[at].operation.as_ref()?.resources_before.get(logical);
        if name.contains(LATER) || own.is_some_and(|own| own.physical == name) {
            return None;
        }
        self.owner(&resource.kind, &name)?;
        Some(format!(
            "Resource handler returned message: \"{name} already exists\" (RequestToken: \
             00000000-0000-4000-a000-000000000000, HandlerErrorCode: AlreadyExists)"
        ))
    }

    /// It is the stack's from now on.
    pub(super) fn take_over(&mut self, resource: &ResourceState) {
        self.existing.retain(|one| one.kind != resource.kind || one.name != resource.physical);
    }

    /// It goes on without the stack.
    pub(super) fn leave_behind(&mut self, resource: &ResourceState) {
        if !resource.physical.is_empty() {
            self.existing.push(ExistingResource::new(&resource.kind, &resource.physical));
        }
    }
}

/// "The resource type must support CloudFormation import operations."
fn is_importable(kind: &str) -> bool {
    !kind.starts_with("AWS::CloudFormation::") && !kind.starts_with("Custom::")
}
