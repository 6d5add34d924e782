//! The operations that look at or change one thing. Error codes are those of the service model; wordings are CodeDeploy's
//! where they are known.

use serde_json::{Value, json};

use super::CodeDeploy;
use super::model::{Deployment, Due, Group, Phase};
use crate::clock::{earlier, ms};
use crate::wire::{Object, ServiceError};
use crate::{Application, DeploymentGroup};

/// The operations there are.
pub(crate) const OPERATIONS: [&str; 15] = [
    "CreateDeployment",
    "GetDeployment",
    "BatchGetDeployments",
    "ListDeployments",
    "ListDeploymentTargets",
    "BatchGetDeploymentTargets",
    "GetDeploymentTarget",
    "StopDeployment",
    "ContinueDeployment",
    "GetApplication",
    "GetDeploymentGroup",
    "GetDeploymentConfig",
    "RegisterApplicationRevision",
    "GetApplicationRevision",
    "ListOnPremisesInstances",
];

pub(super) type Answered = Result<Object, ServiceError>;

pub(super) fn error(code: &str, message: impl Into<String>) -> ServiceError {
    ServiceError::client(code, message)
}

impl CodeDeploy {
    /// Does an operation. `stale` makes a read answer what was true before the writes of the last so many seconds.
    pub(crate) fn call(&mut self, operation: &str, input: &Object, stale: Option<u64>) -> Answered {
        let read = match stale.and_then(|seconds| self.stale(seconds)) {
            Some(before) => before.read(operation, input),
            None => self.read(operation, input),
        };
        if let Some(answer) = read {
            return answer;
        }
        self.remember();
        match operation {
            "CreateDeployment" => self.create_deployment(input),
            "StopDeployment" => self.stop_deployment(input),
            "ContinueDeployment" => self.continue_deployment(input),
            "RegisterApplicationRevision" => self.register_revision(input),
            _ => Err(error("UnknownOperationException", "")),
        }
    }

    fn read(&self, operation: &str, input: &Object) -> Option<Answered> {
        Some(match operation {
            "GetDeployment" => self.get_deployment(input),
            "BatchGetDeployments" => self.batch_get_deployments(input),
            "ListDeployments" => self.list_deployments(input),
            "ListDeploymentTargets" => self.list_targets(input),
            "BatchGetDeploymentTargets" => self.batch_get_targets(input),
            "GetDeploymentTarget" => self.get_target(input),
            "GetApplication" => self.get_application(input),
            "GetDeploymentGroup" => self.get_group(input),
            "GetDeploymentConfig" => self.config(input),
            "GetApplicationRevision" => self.get_revision(input),
            "ListOnPremisesInstances" => self.list_on_premises(input),
            _ => return None,
        })
    }

    pub(super) fn world_group(&self, application: &str, group: &str) -> Option<&DeploymentGroup> {
        self.applications.get(application)?.groups.get(group)
    }

    /// What there is at the start.
    pub(super) fn seed(&mut self) {
        for (name, application) in self.applications.clone() {
            for (group_name, group) in application.groups {
                let input = json!({ "applicationName": name, "deploymentGroupName": group_name });
                self.groups.insert((name.clone(), group_name.clone()), Group::default());
                if !group.last_successful.is_null() {
                    let mut input = input.clone();
                    if !group.last_description.is_empty() {
                        input["description"] = json!(group.last_description);
                    }
                    let id = self.create(&input, group.last_successful.clone(), "user");
                    self.agenda.clear();
                    self.seed_past(&id);
                }
                if let Some(active) = &group.active {
                    let mut input = input.clone();
                    input["description"] = json!(active.description);
                    let creator = if active.creator.is_empty() { "user" } else { &active.creator };
                    let id = self.create(&input, active.revision.clone(), creator);
                    if let Some(deployment) = self.deployments.get_mut(&id) {
                        deployment.slower_ms = active.slower_ms;
                    }
                }
            }
        }
    }

    fn seed_past(&mut self, id: &str) {
        let day_ago = earlier(self.start, ms(86_400_000));
        let Some(past) = self.deployments.get(id) else { return };
        let mut targets = self.targets_of(&past.application, &past.group);
        // Old instances of a blue/green deployment of a day ago are gone, and its new ones are the group's own now.
        targets.retain(|target| target.label.is_none());
        for target in &mut targets {
            target.status = "Succeeded";
            target.updated = Some(day_ago);
            for event in &mut target.events {
                (event.status, event.started, event.ended) = ("Succeeded", Some(day_ago), Some(day_ago));
            }
        }
        let Some(past) = self.deployments.get_mut(id) else { return };
        past.targets = targets;
        (past.status, past.created, past.started, past.completed) =
            ("Succeeded", day_ago, Some(day_ago), Some(day_ago));
        let key = (past.application.clone(), past.group.clone());
        self.groups.entry(key).or_default().last_successful = Some(id.to_owned());
    }

    /// Makes a deployment; the input has been checked.
    pub(super) fn create(&mut self, input: &Value, revision: Value, creator: &str) -> String {
        let text = |name: &str| input[name].as_str().unwrap_or_default().to_owned();
        let (application, group) = (text("applicationName"), text("deploymentGroupName"));
        let key = (application.clone(), group.clone());
        let last = self.groups.get(&key).and_then(|group| group.last_successful.clone());
        let previous = last.and_then(|last| self.deployments.get(&last)).map(|last| last.revision.clone());
        let world = self.world_group(&application, &group);
        let config = input["deploymentConfigName"].as_str().map(str::to_owned);
        let config =
            config.or_else(|| world.map(|group| group.deployment_config.clone())).unwrap_or_default();
        let endings = world.map(|group| group.endings.clone()).unwrap_or_default();
        let id = format!("d-{}", self.ids.capitals(9));
        let deployment = Deployment {
            id: id.clone(),
            application,
            group,
            input: input.clone(),
            revision,
            previous: previous.unwrap_or(Value::Null),
            config,
            creator: creator.to_owned(),
            status: "Created",
            created: self.now,
            started: None,
            completed: None,
            error: None,
            rollback: Value::Null,
            targets: Vec::new(),
            phase: Phase::Install,
            terminating: false,
            slower_ms: 0,
        };
        let rollback = deployment.is_rollback();
        self.deployments.insert(id.clone(), deployment);
        self.groups.entry(key).or_default().last_attempted = Some(id.clone());
        self.later(200, Due::Queue(id.clone()));
        if let Some(ending) = endings.into_iter().find(|ending| ending.in_rollbacks || !rollback) {
            let status = if ending.status == "Stopped" { "Stopped" } else { "Failed" };
            let due = Due::End { id: id.clone(), status, code: ending.code, message: ending.message };
            self.later(ending.after_ms, due);
        }
        id
    }

    fn create_deployment(&mut self, input: &Object) -> Answered {
        let application = self.application(input)?.to_owned();
        let group = self.group(input, &application)?;
        let revision = match input.string("deploymentMode").as_deref() {
            Some("RESTART") => self.restarted(input, &application, &group)?,
            _ => input.value("revision"),
        };
        if revision.is_null() {
            return Err(error("RevisionRequiredException", "Revision is required"));
        }
        if !matches!(revision["revisionType"].as_str(), Some("S3" | "GitHub")) {
            return Err(error("InvalidRevisionException", "The revision was specified in an invalid format"));
        }
        self.check_suspended(input, &application, &group)?;
        if let Some(config) = input.string("deploymentConfigName")
            && self.configs.info(&config).is_none()
        {
            let message = format!("No Deployment Configuration found for name: {config}");
            return Err(error("DeploymentConfigDoesNotExistException", message));
        }
        if input.string("description").is_some_and(|text| text.chars().count() > 256) {
            return Err(error("DescriptionTooLongException", "The description is too long"));
        }
        let mine =
            |one: &&Deployment| one.application == application && one.group == group && one.is_active();
        if let Some(active) = self.deployments.values().find(mine) {
            // In the words that users report (webfactory/create-aws-codedeploy-deployment #24).
            let message =
                format!("The Deployment Group '{group}' already has an active Deployment '{}'", active.id);
            return Err(error("DeploymentLimitExceededException", message));
        }
        let input: Value = serde_json::from_str(&input.to_json()).unwrap_or_default();
        self.keep_revision(&application, &revision);
        let id = self.create(&input, revision, "user");
        let mut answer = Object::default();
        answer.put("deploymentId", id);
        Ok(answer)
    }

    fn stop_deployment(&mut self, input: &Object) -> Answered {
        let id = self.deployment(input)?.id.clone();
        let Some(deployment) = self.deployments.get_mut(&id).filter(|one| one.is_active()) else {
            return Err(error(
                "DeploymentAlreadyCompletedException",
                format!("The deployment {id} is already completed"),
            ));
        };
        if let Some(rollback) = input.read::<bool>("autoRollbackEnabled") {
            deployment.input["stopWithRollback"] = json!(rollback);
        }
        self.stop(&id);
        let mut answer = Object::default();
        answer.put("status", "Pending").put("statusMessage", "Stop request is being processed");
        Ok(answer)
    }

    /// Somebody stops a deployment: it is over a moment later.
    pub(super) fn stop(&mut self, id: &str) {
        let (code, message) = ("MANUAL_STOP".to_owned(), "Deployment was stopped by a user.".to_owned());
        self.later(500, Due::End { id: id.to_owned(), status: "Stopped", code, message });
    }

    fn continue_deployment(&mut self, input: &Object) -> Answered {
        let deployment = self.deployment(input)?;
        let (id, phase, active) = (deployment.id.clone(), deployment.phase, deployment.is_active());
        if !active {
            return Err(error(
                "DeploymentAlreadyCompletedException",
                format!("The deployment {id} is already completed"),
            ));
        }
        let wait = input.string("deploymentWaitType").unwrap_or_else(|| "READY_WAIT".to_owned());
        match (wait.as_str(), phase) {
            ("READY_WAIT", Phase::Ready) => self.reroute(&id),
            ("TERMINATION_WAIT", Phase::Termination) => self.end(&id, "Succeeded", None),
            ("READY_WAIT" | "TERMINATION_WAIT", _) => {
                let message = format!("The deployment {id} does not wait for this");
                return Err(error("DeploymentIsNotInReadyStateException", message));
            }
            _ => return Err(error("InvalidDeploymentWaitTypeException", "The wait type is invalid")),
        }
        Ok(Object::default())
    }

    pub(super) fn application(&self, input: &Object) -> Result<&str, ServiceError> {
        let name = input.string("applicationName").unwrap_or_default();
        if name.is_empty() {
            return Err(error("ApplicationNameRequiredException", "Application name is required"));
        }
        let found = self.applications.get_key_value(&name).map(|(name, _)| name.as_str());
        found.ok_or_else(|| {
            error("ApplicationDoesNotExistException", format!("No application found for name: {name}"))
        })
    }

    pub(super) fn group(&self, input: &Object, application: &str) -> Result<String, ServiceError> {
        let name = input.string("deploymentGroupName").unwrap_or_default();
        if name.is_empty() {
            return Err(error("DeploymentGroupNameRequiredException", "Deployment group name is required"));
        }
        match self.world_group(application, &name) {
            Some(_) => Ok(name),
            None => {
                let message = format!("No Deployment Group found for name: {name}");
                Err(error("DeploymentGroupDoesNotExistException", message))
            }
        }
    }

    pub(super) fn deployment(&self, input: &Object) -> Result<&Deployment, ServiceError> {
        let id = input.string("deploymentId").unwrap_or_default();
        if id.is_empty() {
            return Err(error("DeploymentIdRequiredException", "Deployment ID is required"));
        }
        let missing =
            || error("DeploymentDoesNotExistException", format!("The deployment {id} could not be found"));
        self.deployments.get(&id).ok_or_else(missing)
    }

    fn get_application(&self, input: &Object) -> Answered {
        let name = self.application(input)?;
        let platform = self.applications.get(name).map(|one: &Application| one.compute_platform.clone());
        let mut answer = Object::default();
        answer.put(
            "application",
            json!({ "applicationName": name, "computePlatform": platform, "linkedToGitHub": false }),
        );
        Ok(answer)
    }

    fn keep_revision(&mut self, application: &str, revision: &Value) {
        let known = self.revisions.iter().any(|(of, known, _)| of == application && known == revision);
        if !known {
            self.revisions.push((application.to_owned(), revision.clone(), self.now));
        }
    }

    fn register_revision(&mut self, input: &Object) -> Answered {
        let application = self.application(input)?.to_owned();
        let revision = input.value("revision");
        if revision.is_null() {
            return Err(error("RevisionRequiredException", "Revision is required"));
        }
        self.keep_revision(&application, &revision);
        Ok(Object::default())
    }

    fn get_revision(&self, input: &Object) -> Answered {
        let application = self.application(input)?;
        let wanted = input.value("revision");
        let found = self.revisions.iter().find(|(of, known, _)| of == application && *known == wanted);
        let Some((_, revision, at)) = found else {
            return Err(error("RevisionDoesNotExistException", "The named revision does not exist"));
        };
        let mut answer = Object::default();
        answer
            .put("applicationName", application)
            .put("revision", revision)
            .put("revisionInfo", json!({ "registerTime": crate::wire::json::epoch(*at) }));
        Ok(answer)
    }

    fn config(&self, input: &Object) -> Answered {
        let name = input.string("deploymentConfigName").unwrap_or_default();
        let Some(info) = self.configs.info(&name) else {
            let message = format!("No Deployment Configuration found for name: {name}");
            return Err(error("DeploymentConfigDoesNotExistException", message));
        };
        let mut answer = Object::default();
        answer.put("deploymentConfigInfo", info);
        Ok(answer)
    }
}
