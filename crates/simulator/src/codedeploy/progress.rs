//! What happens on its own: instances take up lifecycle events, deployments succeed, fail, wait and are rolled back.

use serde_json::{Value, json};

use super::CodeDeploy;
use super::model::{Due, Event, Phase, Target};
use crate::{HookFailure, HookRule};

/// "Lifecycle event hook availability": what the agent does on an instance without a load balancer.
const INSTALL: [&str; 7] = [
    "ApplicationStop",
    "DownloadBundle",
    "BeforeInstall",
    "Install",
    "AfterInstall",
    "ApplicationStart",
    "ValidateService",
];
/// What happens on the original instances after that.
const BLOCK: [&str; 3] = ["BeforeBlockTraffic", "BlockTraffic", "AfterBlockTraffic"];
/// How long a lifecycle event takes unless a rule says otherwise.
const EVENT_MS: u64 = 300;
/// How long CodeDeploy waits for a silent agent: about an hour, "Troubleshoot EC2/On-Premises deployment issues".
const SILENCE_MS: u64 = 3_600_000;
/// Not documented: how soon a rollback follows.
const ROLLBACK_MS: u64 = 1_000;
/// HEALTH_CONSTRAINTS, in CodeDeploy's words.
const UNHEALTHY: &str = "The overall deployment failed because too many individual instances failed deployment, too few \
                         healthy instances are available for deployment, or some instances in your deployment group are \
                         experiencing problems.";

impl CodeDeploy {
    pub(super) fn apply(&mut self, due: Due) {
        match due {
            Due::Queue(id) => self.queue(&id),
            Due::Begin(id) => self.begin(&id),
            Due::EventBegins(id, instance) => self.event_begins(&id, &instance),
            Due::EventEnds(id, instance) => self.event_ends(&id, &instance),
            Due::GiveUp(id, instance) => self.give_up(&id, &instance),
            Due::End { id, status, code, message } => self.end(&id, status, Some((code, message))),
            Due::ReadyTimeout(id) => self.ready_timeout(&id),
            Due::Terminated(id) => self.terminated(&id),
            Due::Rollback(id) => self.roll_back(&id),
        }
    }

    /// The names of the events, and the instances they happen on.
    pub(super) fn targets_of(&self, application: &str, group: &str) -> Vec<Target> {
        let Some(group) = self.world_group(application, group) else { return Vec::new() };
        let of =
            |instances: &[String], label: Option<&'static str>, events: &[&'static str]| -> Vec<Target> {
                let events: Vec<Event> = events.iter().map(|name| Event::pending(name)).collect();
                let target = |id: &String| Target {
                    id: id.clone(),
                    status: "Pending",
                    label,
                    updated: None,
                    events: events.clone(),
                };
                instances.iter().map(target).collect()
            };
        if group.replacements.is_empty() {
            return of(&group.instances, None, &INSTALL);
        }
        let mut targets = of(&group.replacements, Some("Green"), &INSTALL);
        targets.extend(of(&group.instances, Some("Blue"), &BLOCK));
        targets
    }

    fn queue(&mut self, id: &str) {
        let Some(deployment) = self.deployments.get_mut(id).filter(|one| one.is_active()) else { return };
        deployment.status = "Queued";
        self.later(400, Due::Begin(id.to_owned()));
    }

    fn begin(&mut self, id: &str) {
        let now = self.now;
        let Some(deployment) = self.deployments.get(id).filter(|one| one.is_active()) else { return };
        let targets = self.targets_of(&deployment.application, &deployment.group);
        let Some(deployment) = self.deployments.get_mut(id) else { return };
        deployment.status = "InProgress";
        deployment.started = Some(now);
        deployment.targets = targets;
        if deployment.targets.is_empty() {
            let message = "The deployment failed because no instances were found for your deployment group. Check your \
                           deployment group settings to make sure the tags for your Amazon EC2 instances or Auto Scaling \
                           groups correctly identify the instances you want to deploy to, and then try again.";
            self.end(id, "Failed", Some(("NO_INSTANCES".to_owned(), message.to_owned())));
            return;
        }
        self.start_more(id);
    }

    /// Deploys to as many further instances as the configuration allows; judges when there are none left.
    pub(super) fn start_more(&mut self, id: &str) {
        let (now, configs) = (self.now, self.configs.clone());
        let Some(deployment) = self.deployments.get_mut(id).filter(|one| one.is_active()) else { return };
        let phase = deployment.phase;
        let total = deployment.of_phase().count();
        let count = |status: &str| deployment.of_phase().filter(|target| target.status == status).count();
        let (failed, waiting, running) = (count("Failed"), count("Pending"), count("InProgress"));
        let rule = configs.health(&deployment.config, total);
        let last_may_fail = deployment.config.ends_with("OneAtATime") && waiting == 0 && total > 1;
        let tolerated = if last_may_fail { rule.tolerated.max(1) } else { rule.tolerated };
        if failed > tolerated {
            for target in deployment.targets.iter_mut().filter(|target| target.status == "Pending") {
                target.status = "Skipped";
                target.events.iter_mut().for_each(|event| event.status = "Skipped");
            }
            if running == 0 {
                self.end(id, "Failed", Some(("HEALTH_CONSTRAINTS".to_owned(), UNHEALTHY.to_owned())));
            }
            return;
        }
        if waiting == 0 && running == 0 {
            self.installed(id);
            return;
        }
        let mut begun = Vec::new();
        let free = rule.at_once.saturating_sub(running);
        let waiting = deployment.targets.iter_mut().filter(|target| target.is_of(phase));
        for target in waiting.filter(|target| target.status == "Pending").take(free) {
            target.status = "InProgress";
            target.updated = Some(now);
            begun.push(target.id.clone());
        }
        for instance in begun {
            self.next_event(id, &instance);
        }
    }

    fn rule(&self, id: &str, instance: &str, event: &str) -> HookRule {
        let Some(deployment) = self.deployments.get(id) else { return HookRule::default() };
        let rules =
            self.world_group(&deployment.application, &deployment.group).map(|group| group.rules.as_slice());
        let fits = |rule: &&HookRule| {
            (rule.instance.is_empty() || rule.instance == instance)
                && (rule.event.is_empty() || rule.event == event)
                && (rule.in_rollbacks || !deployment.is_rollback())
        };
        rules.unwrap_or_default().iter().find(fits).cloned().unwrap_or_default()
    }

    fn next_event(&mut self, id: &str, instance: &str) {
        let next = self.deployments.get(id).and_then(|deployment| {
            let target = deployment.targets.iter().find(|target| target.id == instance)?;
            target.events.iter().find(|event| event.status == "Pending").map(|event| event.name)
        });
        match next {
            Some(name) if self.rule(id, instance, name).silent => {
                self.later(SILENCE_MS, Due::GiveUp(id.to_owned(), instance.to_owned()));
            }
            Some(_) => self.later(50, Due::EventBegins(id.to_owned(), instance.to_owned())),
            None => self.instance_done(id, instance, "Succeeded"),
        }
    }

    fn event_begins(&mut self, id: &str, instance: &str) {
        let now = self.now;
        let Some(deployment) = self.deployments.get_mut(id).filter(|one| one.is_active()) else { return };
        let slower = deployment.slower_ms;
        let Some(target) = deployment.target_mut(instance) else { return };
        let Some(event) = target.events.iter_mut().find(|event| event.status == "Pending") else { return };
        event.status = "InProgress";
        event.started = Some(now);
        let name = event.name;
        target.updated = Some(now);
        let takes = self.rule(id, instance, name).takes_ms.unwrap_or(EVENT_MS);
        self.later(takes.saturating_add(slower), Due::EventEnds(id.to_owned(), instance.to_owned()));
    }

    fn event_ends(&mut self, id: &str, instance: &str) {
        let Some(name) = self.deployments.get(id).filter(|one| one.is_active()).and_then(|deployment| {
            let target = deployment.targets.iter().find(|target| target.id == instance)?;
            target.events.iter().find(|event| event.status == "InProgress").map(|event| event.name)
        }) else {
            return;
        };
        // "ApplicationStop: ... If you set ignoreApplicationStopFailures, the deployment continues": the event fails and the
        // next one begins.
        let ignored = name == "ApplicationStop"
            && self.deployments.get(id).is_some_and(|one| one.input["ignoreApplicationStopFailures"] == true);
        let failure = self.rule(id, instance, name).fails.or_else(|| self.trouble(id, name));
        let failed = failure.is_some();
        self.close_event(id, instance, failure);
        if failed && !ignored {
            self.instance_done(id, instance, "Failed");
        } else {
            self.next_event(id, instance);
        }
    }

    fn close_event(&mut self, id: &str, instance: &str, failure: Option<HookFailure>) {
        let now = self.now;
        let target = self.deployments.get_mut(id).and_then(|deployment| deployment.target_mut(instance));
        let Some(target) = target else { return };
        target.updated = Some(now);
        let open = target.events.iter_mut().find(|event| matches!(event.status, "InProgress" | "Pending"));
        let Some(event) = open else { return };
        event.status = if failure.is_some() { "Failed" } else { "Succeeded" };
        event.ended = Some(now);
        event.failure = failure;
    }

    fn give_up(&mut self, id: &str, instance: &str) {
        if !self.deployments.get(id).is_some_and(|one| one.is_active()) {
            return;
        }
        let message = "CodeDeploy agent was not able to receive the lifecycle event. Check the CodeDeploy agent logs on your \
                       host and make sure the agent is running and can connect to the CodeDeploy server.";
        let failure = HookFailure {
            error_code: "UnknownError".to_owned(),
            message: message.to_owned(),
            ..HookFailure::default()
        };
        self.close_event(id, instance, Some(failure));
        self.instance_done(id, instance, "Failed");
    }

    fn instance_done(&mut self, id: &str, instance: &str, status: &'static str) {
        let target = self.deployments.get_mut(id).and_then(|deployment| deployment.target_mut(instance));
        if let Some(target) = target {
            target.status = status;
            for event in target.events.iter_mut().filter(|event| event.status == "Pending") {
                event.status = "Skipped";
            }
        }
        self.start_more(id);
    }

    /// Every instance is through its events.
    fn installed(&mut self, id: &str) {
        let Some(deployment) = self.deployments.get(id) else { return };
        let green = deployment.targets.iter().any(|target| target.label.is_some());
        match deployment.phase {
            Phase::Install if green => self.wait_ready(id),
            Phase::Reroute if deployment.targets.iter().any(|target| target.label == Some("Blue")) => {
                self.block(id);
            }
            Phase::Reroute | Phase::Block => self.wait_for_termination(id),
            _ => self.end(id, "Succeeded", None),
        }
    }

    pub(super) fn settings(&self, id: &str) -> Value {
        let group = self.deployments.get(id).and_then(|one| self.world_group(&one.application, &one.group));
        group.map(|group| group.settings.clone()).unwrap_or_default()
    }

    /// A deployment ends, and is rolled back where that is wanted.
    pub(super) fn end(&mut self, id: &str, status: &'static str, error: Option<(String, String)>) {
        let now = self.now;
        let Some(deployment) = self.deployments.get_mut(id).filter(|one| one.is_active()) else { return };
        deployment.status = status;
        deployment.completed = Some(now);
        for target in deployment
            .targets
            .iter_mut()
            .filter(|one| matches!(one.status, "Pending" | "InProgress" | "Ready"))
        {
            target.status = if status == "Succeeded" { "Succeeded" } else { "Skipped" };
        }
        let code = error.as_ref().map(|(code, _)| code.clone()).unwrap_or_default();
        deployment.error = error;
        let key = (deployment.application.clone(), deployment.group.clone());
        if status == "Succeeded" {
            self.groups.entry(key).or_default().last_successful = Some(id.to_owned());
        } else if self.rolls_back(id, status, &code) {
            self.later(ROLLBACK_MS, Due::Rollback(id.to_owned()));
        }
    }

    fn rolls_back(&self, id: &str, status: &str, code: &str) -> bool {
        let Some(deployment) = self.deployments.get(id).filter(|one| !one.is_rollback()) else {
            return false;
        };
        let configuration = match deployment.input.get("autoRollbackConfiguration") {
            Some(own) => own.clone(),
            None => self.settings(id)["autoRollbackConfiguration"].clone(),
        };
        let event = match (status, code) {
            (_, "ALARM_ACTIVE") => "DEPLOYMENT_STOP_ON_ALARM",
            ("Stopped", _) => "DEPLOYMENT_STOP_ON_REQUEST",
            _ => "DEPLOYMENT_FAILURE",
        };
        let events = configuration["events"].as_array().cloned().unwrap_or_default();
        let asked = deployment.input["stopWithRollback"].as_bool().filter(|_| status == "Stopped");
        asked.unwrap_or(configuration["enabled"] == true && events.iter().any(|one| one == event))
    }

    /// "CodeDeploy rolls back deployments by redeploying a previously deployed revision of an application as a new
    /// deployment" (user guide). The messages are not documented.
    fn roll_back(&mut self, id: &str) {
        let Some(failed) = self.deployments.get(id).cloned() else { return };
        let key = (failed.application.clone(), failed.group.clone());
        let last = self.groups.get(&key).and_then(|group| group.last_successful.clone());
        let last = last.and_then(|last| self.deployments.get(&last)).map(|last| last.revision.clone());
        let Some(revision) = last else {
            let message = "There is no last known successful revision to roll back to.";
            if let Some(deployment) = self.deployments.get_mut(id) {
                deployment.rollback = json!({ "rollbackMessage": message });
            }
            return;
        };
        let input = json!({ "applicationName": failed.application, "deploymentGroupName": failed.group });
        let new = self.create(&input, revision, "codeDeployRollback");
        if let Some(rollback) = self.deployments.get_mut(&new) {
            rollback.rollback = json!({ "rollbackTriggeringDeploymentId": id });
        }
        if let Some(deployment) = self.deployments.get_mut(id) {
            deployment.rollback = json!({ "rollbackDeploymentId": new, "rollbackMessage": "A rollback deployment was created." });
        }
    }
}
