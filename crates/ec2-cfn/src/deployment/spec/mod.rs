//! The validated input of a deployment by CodeDeploy.
//!
//! What is wanted is the input of CreateDeployment, as JSON from end to end: a member that nobody here knows survives.

mod check;
mod choices;
mod revision;
#[cfg(test)]
mod tests;

use std::time::Duration;

use aws_types::SdkConfig;
use landfall_core::{Cause, Error, Place, Result};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::capacity;
use super::client::Client;
use super::target::Deployment;
pub(crate) use choices::Sequence;
pub use choices::{FileExists, IfBusy, RollbackOn, ScalingProcess, WhenReady};
pub use revision::{BundleType, Revision};
pub(crate) use revision::{in_words, is_pinned_to, is_same};

/// What is wanted, checked without a call. [`DeploymentSpec::target`] makes the target of it.
#[derive(Debug, Clone)]
pub struct DeploymentSpec {
    pub(crate) application: String,
    pub(crate) group: String,
    /// The input of CreateDeployment, all but our part of the description.
    pub(crate) input: Map<String, Value>,
    pub(crate) redeploy: bool,
    pub(crate) sequence: Option<Sequence>,
    pub(crate) allow_older: bool,
    pub(crate) if_busy: IfBusy,
    pub(crate) when_ready: WhenReady,
    pub(crate) stop_with_rollback: bool,
    pub(crate) agent_limit: Option<Duration>,
    pub(crate) leaves_old_instances: bool,
    pub(crate) capacity_limit: Duration,
}

/// Makes a [`DeploymentSpec`].
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until it is built"]
pub struct DeploymentBuilder {
    input: Map<String, Value>,
    problems: Vec<Cause>,
    redeploy: bool,
    sequence: Option<Sequence>,
    allow_older: bool,
    if_busy: IfBusy,
    when_ready: WhenReady,
    stop_with_rollback: bool,
    agent_limit: Option<Duration>,
    leaves_old_instances: bool,
    capacity_limit: Duration,
}

impl DeploymentBuilder {
    pub(crate) fn new() -> Self {
        Self {
            input: Map::new(),
            problems: Vec::new(),
            redeploy: false,
            sequence: None,
            allow_older: false,
            if_busy: IfBusy::default(),
            when_ready: WhenReady::default(),
            stop_with_rollback: true,
            agent_limit: None,
            leaves_old_instances: false,
            capacity_limit: capacity::LIMIT,
        }
    }

    fn set(mut self, name: &str, value: Value) -> Self {
        self.input.insert(name.to_owned(), value);
        self
    }

    /// Starts from an input of CreateDeployment as JSON, with every member that it has: what GitLab calls
    /// `CI_AWS_EC2_DEPLOYMENT_FILE`. `name` is told in errors. What is set before is overwritten, what is set after it
    /// overwrites.
    pub fn input_file(mut self, name: &str, text: &str) -> Self {
        match check::read_input(name, text) {
            Ok(input) => self.input.extend(input),
            Err(problems) => self.problems.extend(problems),
        }
        self
    }

    /// The application's name.
    pub fn application(self, application: impl Into<String>) -> Self {
        self.set("applicationName", json!(application.into()))
    }

    /// The deployment group's name.
    pub fn deployment_group(self, group: impl Into<String>) -> Self {
        self.set("deploymentGroupName", json!(group.into()))
    }

    /// What is deployed.
    pub fn revision(self, revision: &Revision) -> Self {
        self.set("revision", revision.location())
    }

    /// The deployment configuration, such as `CodeDeployDefault.HalfAtATime`; the group's own when it is not said.
    pub fn config(self, name: impl Into<String>) -> Self {
        self.set("deploymentConfigName", json!(name.into()))
    }

    /// A comment, up to 140 characters, 110 with a [`sequence`](Self::sequence): the run's tag is put behind it, and
    /// CodeDeploy allows 256.
    pub fn description(self, text: impl Into<String>) -> Self {
        self.set("description", json!(text.into()))
    }

    /// Watches these CloudWatch alarms instead of those of the group; none of them: watches no alarm. Up to 10.
    pub fn alarms<S: Into<String>>(self, names: impl IntoIterator<Item = S>) -> Self {
        let names: Vec<Value> = names.into_iter().map(|name| json!({ "name": name.into() })).collect();
        let enabled = !names.is_empty();
        self.set("overrideAlarmConfiguration", json!({ "enabled": enabled, "alarms": names }))
    }

    /// When CodeDeploy rolls back by itself, instead of what the group says; nothing in it: never.
    pub fn auto_rollback(self, on: &[RollbackOn]) -> Self {
        let events: Vec<&str> = on.iter().map(|event| event.word()).collect();
        let enabled = !events.is_empty();
        let configuration =
            if enabled { json!({ "enabled": true, "events": events }) } else { json!({ "enabled": false }) };
        self.set("autoRollbackConfiguration", configuration)
    }

    /// What happens to files that are there already.
    pub fn file_exists(self, behaviour: FileExists) -> Self {
        self.set("fileExistsBehavior", json!(behaviour.word()))
    }

    /// Goes on when the hook ApplicationStop fails, which runs the scripts of the revision deployed before.
    pub fn ignore_application_stop_failures(self, ignore: bool) -> Self {
        self.set("ignoreApplicationStopFailures", json!(ignore))
    }

    /// Deploys to those instances only that do not run the wanted revision.
    pub fn update_outdated_only(self, only: bool) -> Self {
        self.set("updateOutdatedInstancesOnly", json!(only))
    }

    /// Deploys even when the wanted revision, pinned by eTag, version or commit, is the one deployed last with success.
    pub fn redeploy(mut self, redeploy: bool) -> Self {
        self.redeploy = redeploy;
        self
    }

    /// Restarts the application on the instances instead of deploying a revision: CodeDeploy takes the one that was deployed
    /// last with success, and agents (from version 2.1.0) do not fetch it anew. For groups that are deployed to in place;
    /// no revision may be given. A restart is never taken for nothing to do.
    pub fn restart(self) -> Self {
        self.set("deploymentMode", json!("RESTART"))
    }

    /// Suspends these processes of the group's Auto Scaling groups while the deployment goes on, instead of those that the
    /// deployment group names. In place only. The group's service role needs `autoscaling:SuspendProcesses` and
    /// `autoscaling:ResumeProcesses`. When CodeDeploy cannot resume them the deployment fails and they stay suspended.
    pub fn suspend(self, processes: &[ScalingProcess]) -> Self {
        let names: Vec<&str> = processes.iter().map(|process| process.as_str()).collect();
        let given = self.input.get("ec2DeploymentOptions").filter(|options| options.is_object()).cloned();
        let mut options = given.unwrap_or_else(|| json!({}));
        options["autoScalingGroupProcessesToSuspend"] = json!(names);
        self.set("ec2DeploymentOptions", options)
    }

    /// Where this release stands among those of `project`: the number of its pipeline, for example. It goes into the
    /// deployment's description, and a release is refused when the deployment under way, the last one or the last one with
    /// success has a higher number of the same project, so that an older pipeline does not overwrite what a newer one has
    /// brought. Equal numbers are not refused. Nothing is compared when it is not said.
    pub fn sequence(mut self, project: impl Into<String>, number: u64) -> Self {
        self.sequence = Some(Sequence { project: project.into(), number });
        self
    }

    /// Deploys an older release over a newer one all the same: going back on purpose. False when it is not said.
    pub fn allow_older(mut self, allow: bool) -> Self {
        self.allow_older = allow;
        self
    }

    /// What to do about another deployment of the group; [`IfBusy::Fail`] when it is not said.
    pub fn if_busy(mut self, if_busy: IfBusy) -> Self {
        self.if_busy = if_busy;
        self
    }

    /// What to do when a blue/green deployment waits before the traffic is moved; [`WhenReady::Wait`] when it is not said.
    pub fn when_ready(mut self, when_ready: WhenReady) -> Self {
        self.when_ready = when_ready;
        self
    }

    /// Whether CodeDeploy is asked to roll back when landfall stops the deployment to undo it (after a cancellation, a
    /// timeout, or by [`WhenReady::Stop`]); true when it is not said. Without it the last successful revision is deployed by
    /// a deployment of landfall's own.
    pub fn stop_with_rollback(mut self, rollback: bool) -> Self {
        self.stop_with_rollback = rollback;
        self
    }

    /// Ends the wait as failed when an instance's agent has not taken up its next lifecycle event for so long; CodeDeploy
    /// itself waits for about an hour. After 3 minutes it is told in any case. Nothing is ended when it is not said.
    pub fn agent_limit(mut self, limit: Duration) -> Self {
        self.agent_limit = Some(limit);
        self
    }

    /// How long a deployment in place waits at first until the group's Auto Scaling groups have as much capacity in service
    /// as they want; then it begins with what is there, and says so. 10 minutes when it is not said; zero does not wait.
    /// Needs `autoscaling:DescribeAutoScalingGroups`, and without it does not wait either.
    pub fn capacity_limit(mut self, limit: Duration) -> Self {
        self.capacity_limit = limit;
        self
    }

    /// A member of the input, as it was given.
    pub(crate) fn given(&self, member: &str) -> Option<&Value> {
        self.input.get(member)
    }

    /// Whether a blue/green deployment is waited for until CodeDeploy has terminated the old instances, which may be days
    /// after the traffic was moved; true when it is not said. Without it, success is when the traffic is moved: the
    /// deployment stays `InProgress` until then, and the group takes no other one.
    pub fn wait_for_termination(mut self, wait: bool) -> Self {
        self.leaves_old_instances = !wait;
        self
    }

    /// Checks the input. No call is made.
    ///
    /// # Errors
    /// [`landfall_core::ErrorKind::Invalid`] with one cause for each problem.
    pub fn build(self) -> Result<DeploymentSpec> {
        let mut problems = Vec::new();
        check::input(&self.input, self.sequence.is_some(), &mut problems);
        self.checked(problems)
    }

    /// Makes a target that can undo what another process has recorded, and cannot deploy: application and group are
    /// enough. No call is made.
    ///
    /// # Errors
    /// As [`DeploymentBuilder::build`].
    pub fn build_for_undo(self) -> Result<DeploymentSpec> {
        let mut problems = Vec::new();
        check::names(&self.input, &mut problems);
        self.checked(problems)
    }

    fn checked(self, found: Vec<Cause>) -> Result<DeploymentSpec> {
        let mut problems = self.problems;
        problems.extend(found);
        let text = |name: &str| self.input.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (application, group) = (text("applicationName"), text("deploymentGroupName"));
        if self.agent_limit.is_some_and(|limit| limit.is_zero()) {
            problems.push(Cause::invalid("agent limit", "the limit for silent agents is zero"));
        }
        Error::all(refused(&application, &group), problems)?;
        Ok(DeploymentSpec {
            application,
            group,
            input: self.input,
            redeploy: self.redeploy,
            sequence: self.sequence,
            allow_older: self.allow_older,
            if_busy: self.if_busy,
            when_ready: self.when_ready,
            stop_with_rollback: self.stop_with_rollback,
            agent_limit: self.agent_limit,
            leaves_old_instances: self.leaves_old_instances,
            capacity_limit: self.capacity_limit,
        })
    }
}

fn refused(application: &str, group: &str) -> String {
    format!("the deployment to group `{group}` of application `{application}` cannot be made as asked")
}

impl DeploymentSpec {
    /// The target in this place. No call is made.
    ///
    /// # Errors
    /// [`landfall_core::ErrorKind::Invalid`] when `config` is for another region than `place`.
    pub fn target(self, config: &SdkConfig, place: Place) -> Result<Deployment> {
        let region = config.region().map(|region| region.as_ref().to_owned());
        let mut problems = Vec::new();
        if region.as_deref() != Some(place.region.as_str()) {
            let seen = region.unwrap_or_else(|| "none".to_owned());
            let message = format!("the SDK configuration is for region {seen} and the place is {place}");
            problems.push(Cause::invalid("region", message));
        }
        Error::all(refused(&self.application, &self.group), problems)?;
        let client = Client::new(config, &place, &self.application, &self.group);
        Ok(Deployment::new(place, self, client))
    }

    /// Whether what was deployed last is to be restarted.
    pub(crate) fn is_restart(&self) -> bool {
        self.input.get("deploymentMode").is_some_and(|mode| mode == "RESTART")
    }

    /// The processes of Auto Scaling groups that are to be suspended; none: as the group says.
    pub(crate) fn suspended(&self) -> Option<&Value> {
        self.input.get("ec2DeploymentOptions")?.get("autoScalingGroupProcessesToSuspend")
    }

    /// What is wanted, in words.
    pub(crate) fn in_words(&self) -> String {
        if self.is_restart() {
            return "a restart of what was deployed last".to_owned();
        }
        in_words(&self.revision())
    }

    /// What is deployed, as the API writes it; null for a restart.
    pub(crate) fn revision(&self) -> Value {
        self.input.get("revision").cloned().unwrap_or(Value::Null)
    }

    /// Pins what is wanted: the same on resume, or it is another deployment.
    pub(crate) fn digest(&self) -> String {
        let pinned =
            json!({ "input": sorted(&Value::Object(self.input.clone())), "redeploy": self.redeploy });
        hex(&Sha256::digest(pinned.to_string().as_bytes()))
    }
}

/// The value with the members of all objects in order: two files that say the same have one digest.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort();
            names.into_iter().filter_map(|name| Some((name.clone(), sorted(members.get(name)?)))).collect()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
