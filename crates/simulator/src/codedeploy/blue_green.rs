//! Blue/green deployments: the traffic is moved to the replacement instances, taken from the original ones, and those are
//! terminated. "Overview of a CodeDeploy blue/green deployment", user guide.

use super::CodeDeploy;
use super::model::{Due, Event, Phase};

/// What happens on replacement instances once the traffic is moved.
const ALLOW: [&str; 3] = ["BeforeAllowTraffic", "AllowTraffic", "AfterAllowTraffic"];

impl CodeDeploy {
    /// DeploymentReadyOption: with CONTINUE_DEPLOYMENT the traffic is moved at once, with STOP_DEPLOYMENT CodeDeploy waits
    /// for ContinueDeployment, and stops when the time is over.
    pub(super) fn wait_ready(&mut self, id: &str) {
        let option = self.settings(id)["blueGreenDeploymentConfiguration"]["deploymentReadyOption"].clone();
        // Whether a rollback waits as well is not documented; it has nothing new to be looked at first.
        let rollback = self.deployments.get(id).is_some_and(|one| one.is_rollback());
        if rollback || option["actionOnTimeout"] != "STOP_DEPLOYMENT" {
            self.reroute(id);
            return;
        }
        let minutes = option["waitTimeInMinutes"].as_u64().unwrap_or(0);
        if let Some(deployment) = self.deployments.get_mut(id) {
            deployment.status = "Ready";
            deployment.phase = Phase::Ready;
            let green = deployment.targets.iter_mut().filter(|target| target.is_of(Phase::Ready));
            green.filter(|target| target.status != "Failed").for_each(|target| target.status = "Ready");
        }
        self.later(minutes.saturating_mul(60_000), Due::ReadyTimeout(id.to_owned()));
    }

    pub(super) fn reroute(&mut self, id: &str) {
        let Some(deployment) = self.deployments.get_mut(id) else { return };
        deployment.status = "InProgress";
        deployment.phase = Phase::Reroute;
        let green = deployment.targets.iter_mut().filter(|target| target.is_of(Phase::Reroute));
        for target in green.filter(|target| target.status != "Failed") {
            target.status = "Pending";
            target.events.extend(ALLOW.iter().map(|name| Event::pending(name)));
        }
        self.start_more(id);
    }

    /// The replacement instances have the traffic: it is taken from the original ones.
    pub(super) fn block(&mut self, id: &str) {
        if let Some(deployment) = self.deployments.get_mut(id) {
            deployment.phase = Phase::Block;
        }
        self.start_more(id);
    }

    pub(super) fn ready_timeout(&mut self, id: &str) {
        if self.deployments.get(id).is_some_and(|one| one.phase == Phase::Ready && one.is_active()) {
            let message =
                "The deployment was stopped because it was not continued before the wait time was over.";
            self.end(id, "Stopped", Some(("TIMEOUT".to_owned(), message.to_owned())));
        }
    }

    pub(super) fn wait_for_termination(&mut self, id: &str) {
        let option = self.settings(id)["blueGreenDeploymentConfiguration"]["terminateBlueInstancesOnDeploymentSuccess"].clone();
        if option["action"] != "TERMINATE" {
            self.end(id, "Succeeded", None);
            return;
        }
        if let Some(deployment) = self.deployments.get_mut(id) {
            deployment.phase = Phase::Termination;
            deployment.terminating = true;
        }
        let minutes = option["terminationWaitTimeInMinutes"].as_u64().unwrap_or(0);
        self.later(minutes.saturating_mul(60_000), Due::Terminated(id.to_owned()));
    }

    pub(super) fn terminated(&mut self, id: &str) {
        if self.deployments.get(id).is_some_and(|one| one.phase == Phase::Termination) {
            self.end(id, "Succeeded", None);
        }
    }
}
