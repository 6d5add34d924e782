//! Looking at, and meddling with, the simulated CodeDeploy from a test: as somebody else. Nothing here counts as a call.

use serde_json::{Value, json};

use super::CodeDeploy;
use super::model::Deployment;
use crate::{DeploymentGroup, Simulator};

/// A handle on CodeDeploy in one region of one account.
#[derive(Debug, Clone)]
pub struct CodeDeployHandle {
    simulator: Simulator,
    account: String,
    region: String,
}

/// A deployment of CodeDeploy.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct CodeDeploymentView {
    /// Its id.
    pub id: String,
    /// Its status.
    pub status: String,
    /// Its comment.
    pub description: String,
    /// Who made it.
    pub creator: String,
    /// What it deploys, as RevisionLocation.
    pub revision: Value,
    /// The input of CreateDeployment; of one that CodeDeploy made itself, application and group.
    pub input: Value,
}

impl CodeDeployHandle {
    pub(crate) fn new(simulator: Simulator, account: &str, region: &str) -> Self {
        Self { simulator, account: account.to_owned(), region: region.to_owned() }
    }

    fn with<T>(&self, work: impl FnOnce(&mut CodeDeploy) -> T) -> T {
        self.simulator.with_state(|state| work(state.code_deploy(&self.account, &self.region)))
    }

    /// All deployments, oldest first; those that were there at the start too.
    pub fn deployments(&self) -> Vec<CodeDeploymentView> {
        self.with(|region| region.deployments.values().map(shown).collect())
    }

    /// The revision deployed last with success.
    pub fn live(&self, application: &str, group: &str) -> Value {
        let key = (application.to_owned(), group.to_owned());
        self.with(|region| {
            let last = region.groups.get(&key).and_then(|group| group.last_successful.as_ref());
            let last = last.and_then(|last| region.deployments.get(last));
            last.map(|last| last.revision.clone()).unwrap_or_default()
        })
    }

    /// Somebody else deploys a revision (as RevisionLocation), whatever is under way. The deployment's id.
    pub fn create_as_other(&self, application: &str, group: &str, revision: &Value) -> String {
        self.create_by("user", application, group, revision)
    }

    /// The same by another creator, such as `autoscaling`: CodeDeploy itself, for new instances.
    pub fn create_by(&self, creator: &str, application: &str, group: &str, revision: &Value) -> String {
        let input = json!({ "applicationName": application, "deploymentGroupName": group });
        self.with(|region| region.create(&input, revision.clone(), creator))
    }

    /// Somebody else stops a deployment.
    pub fn stop_as_other(&self, id: &str) {
        self.with(|region| region.stop(id));
    }

    /// Changes a deployment group from now on.
    pub fn change_group(&self, application: &str, group: &str, change: impl FnOnce(&mut DeploymentGroup)) {
        self.with(|region| {
            let groups = region.applications.get_mut(application).map(|application| &mut application.groups);
            if let Some(group) = groups.and_then(|groups| groups.get_mut(group)) {
                change(group);
            }
        });
    }
}

fn shown(one: &Deployment) -> CodeDeploymentView {
    CodeDeploymentView {
        id: one.id.clone(),
        status: one.status.to_owned(),
        description: one.input["description"].as_str().unwrap_or_default().to_owned(),
        creator: one.creator.clone(),
        revision: one.revision.clone(),
        input: one.input.clone(),
    }
}
