//! Options of CreateDeployment that the service checks against the group: restarts, and processes of Auto Scaling groups that
//! are suspended meanwhile.
//!
//! CreateDeployment and `EC2DeploymentOptions` in the API reference. Which error a restart is refused with is not documented.

use serde_json::Value;

use super::CodeDeploy;
use super::operations::error;
use crate::wire::{Object, ServiceError};

const PROCESSES: [&str; 4] = ["Terminate", "AZRebalance", "InstanceRefresh", "ScheduledActions"];

impl CodeDeploy {
    /// The revision of a restart: "resolved by the service from the deployment group's last successful deployment".
    pub(super) fn restarted(
        &self,
        input: &Object,
        application: &str,
        group: &str,
    ) -> Result<Value, ServiceError> {
        if !input.value("revision").is_null() {
            let message = "A revision must not be specified when the deployment mode is RESTART";
            return Err(error("InvalidRevisionException", message));
        }
        if input.value("updateOutdatedInstancesOnly") == true {
            let message = "The deployment mode RESTART cannot be used with updateOutdatedInstancesOnly";
            return Err(error("InvalidUpdateOutdatedInstancesOnlyValueException", message));
        }
        if self.is_blue_green(application, group) {
            let message = "The deployment mode RESTART is supported for in-place deployments only";
            return Err(error("InvalidInputException", message));
        }
        let key = (application.to_owned(), group.to_owned());
        let last = self.groups.get(&key).and_then(|group| group.last_successful.as_ref());
        let last = last.and_then(|last| self.deployments.get(last)).map(|last| last.revision.clone());
        last.ok_or_else(|| {
            error("RevisionDoesNotExistException", "There is no last successful revision to restart")
        })
    }

    /// "If the list isn't empty and the deployment group doesn't use in-place deployments or doesn't include an Auto Scaling
    /// group, the request fails with InvalidAutoScalingGroupProcessToSuspendException." Names are case sensitive.
    pub(super) fn check_suspended(
        &self,
        input: &Object,
        application: &str,
        group: &str,
    ) -> Result<(), ServiceError> {
        let options = input.value("ec2DeploymentOptions");
        let names = options["autoScalingGroupProcessesToSuspend"].as_array().cloned().unwrap_or_default();
        let settings = self.world_group(application, group).map(|group| &group.settings);
        let scaling = settings.and_then(|settings| settings["autoScalingGroups"].as_array());
        let none = scaling.is_none_or(Vec::is_empty);
        let unknown = names.iter().any(|name| !name.as_str().is_some_and(|name| PROCESSES.contains(&name)));
        if !names.is_empty() && (unknown || none || self.is_blue_green(application, group)) {
            let message = "The Auto Scaling group processes to suspend are not valid for this deployment";
            return Err(error("InvalidAutoScalingGroupProcessToSuspendException", message));
        }
        Ok(())
    }

    fn is_blue_green(&self, application: &str, group: &str) -> bool {
        self.world_group(application, group)
            .is_some_and(|group| group.settings["deploymentStyle"]["deploymentType"] == "BLUE_GREEN")
    }
}
