//! Lists and batches, with their filters, pages and limits.

use jiff::Timestamp;
use serde_json::Value;

use super::CodeDeploy;
use super::model::{Deployment, Target};
use super::operations::{Answered, error};
use crate::Instance;
use crate::wire::{Object, ServiceError};

/// How many ids a page has. Not documented for either list; a hundred is what the AWS CLI's pages have.
const PAGE: usize = 100;
/// "BatchGetDeployments ... The maximum number of deployment IDs you can specify is 25", and the same of targets.
const BATCH: usize = 25;
const STATUSES: [&str; 8] =
    ["Created", "Queued", "InProgress", "Baking", "Succeeded", "Failed", "Stopped", "Ready"];

impl CodeDeploy {
    pub(super) fn list_deployments(&self, input: &Object) -> Answered {
        let named = input.has("applicationName") || input.has("deploymentGroupName");
        let of = match named {
            true => {
                let application = self.application(input)?.to_owned();
                let group = self.group(input, &application)?;
                Some((application, group))
            }
            false => None,
        };
        let statuses = input.strings("includeOnlyStatuses");
        if statuses.iter().any(|status| !STATUSES.contains(&status.as_str())) {
            return Err(error(
                "InvalidDeploymentStatusException",
                "The specified deployment status is invalid",
            ));
        }
        let range = input.value("createTimeRange");
        let (start, end) = (instant(&range["start"]), instant(&range["end"]));
        let fits = |one: &&Deployment| {
            of.as_ref()
                .is_none_or(|(application, group)| one.application == *application && one.group == *group)
                && (statuses.is_empty() || statuses.iter().any(|status| status == one.status))
                && start.is_none_or(|start| one.created >= start)
                && end.is_none_or(|end| one.created <= end)
        };
        // The order is not documented; the newest comes first in the console.
        let ids: Vec<String> =
            self.deployments.values().rev().filter(fits).map(|one| one.id.clone()).collect();
        paged(input, &ids, "deployments")
    }

    pub(super) fn batch_get_deployments(&self, input: &Object) -> Answered {
        let ids = input.strings("deploymentIds");
        if ids.is_empty() {
            return Err(error(
                "DeploymentIdRequiredException",
                "At least one deployment ID must be specified",
            ));
        }
        if ids.len() > BATCH {
            return Err(error(
                "BatchLimitExceededException",
                "The maximum number of names or IDs was exceeded",
            ));
        }
        let found: Vec<Value> =
            ids.iter().filter_map(|id| self.deployments.get(id)).map(|one| self.info(one)).collect();
        let mut answer = Object::default();
        answer.put("deploymentsInfo", found);
        Ok(answer)
    }

    pub(super) fn get_deployment(&self, input: &Object) -> Answered {
        let mut answer = Object::default();
        answer.put("deploymentInfo", self.info(self.deployment(input)?));
        Ok(answer)
    }

    /// All of them are registered. How several filters go together is not documented: here each of them must fit.
    pub(super) fn list_on_premises(&self, input: &Object) -> Answered {
        let filters: Vec<Value> = input.read("tagFilters").unwrap_or_default();
        let fits = |instance: &Instance, filter: &Value| {
            let (key, value) = (filter["Key"].as_str(), filter["Value"].as_str());
            instance.tags.iter().any(|(name, tag)| match filter["Type"].as_str() {
                Some("KEY_ONLY") => key == Some(name),
                Some("VALUE_ONLY") => value == Some(tag),
                _ => key == Some(name) && value == Some(tag),
            })
        };
        let wanted = input.string("registrationStatus").is_none_or(|status| status == "Registered");
        let names: Vec<String> = self
            .instances
            .iter()
            .filter(|(_, one)| wanted && one.on_premises && filters.iter().all(|filter| fits(one, filter)))
            .map(|(name, _)| name.clone())
            .collect();
        paged(input, &names, "instanceNames")
    }

    /// The targets of a deployment that has begun.
    fn targets(&self, input: &Object) -> Result<(&Deployment, &[Target]), ServiceError> {
        let deployment = self.deployment(input)?;
        if matches!(deployment.status, "Created" | "Queued") {
            let message = format!("The deployment {} has not started", deployment.id);
            return Err(error("DeploymentNotStartedException", message));
        }
        Ok((deployment, &deployment.targets))
    }

    pub(super) fn list_targets(&self, input: &Object) -> Answered {
        let (_, targets) = self.targets(input)?;
        let wanted: Vec<String> =
            serde_json::from_value(input.value("targetFilters")["TargetStatus"].clone()).unwrap_or_default();
        let fits =
            |target: &&Target| wanted.is_empty() || wanted.iter().any(|status| status == target.status);
        let ids: Vec<String> = targets.iter().filter(fits).map(|target| target.id.clone()).collect();
        paged(input, &ids, "targetIds")
    }

    pub(super) fn batch_get_targets(&self, input: &Object) -> Answered {
        let (deployment, targets) = self.targets(input)?;
        let ids = input.strings("targetIds");
        if ids.is_empty() {
            return Err(error(
                "DeploymentTargetIdRequiredException",
                "A deployment target ID was not provided",
            ));
        }
        if ids.len() > BATCH {
            let message =
                "The maximum number of targets that can be associated with a deployment was exceeded";
            return Err(error("DeploymentTargetListSizeExceededException", message));
        }
        let mut found = Vec::new();
        for id in ids {
            let target = targets.iter().find(|target| target.id == id);
            let target = target.ok_or_else(|| no_target(&id))?;
            found.push(self.target_view(deployment, target));
        }
        let mut answer = Object::default();
        answer.put("deploymentTargets", found);
        Ok(answer)
    }

    pub(super) fn get_target(&self, input: &Object) -> Answered {
        let (deployment, targets) = self.targets(input)?;
        let id = input.string("targetId").unwrap_or_default();
        let target = targets.iter().find(|target| target.id == id).ok_or_else(|| no_target(&id))?;
        let mut answer = Object::default();
        answer.put("deploymentTarget", self.target_view(deployment, target));
        Ok(answer)
    }
}

fn no_target(id: &str) -> ServiceError {
    error("DeploymentTargetDoesNotExistException", format!("The deployment target {id} does not exist"))
}

fn instant(value: &Value) -> Option<Timestamp> {
    let seconds = value.as_f64()?;
    #[expect(clippy::cast_possible_truncation, reason = "a float cast saturates, and such a date is refused")]
    Timestamp::from_millisecond((seconds * 1000.0).round() as i64).ok()
}

/// A page of ids. A token is opaque to callers; here it is a position.
fn paged(input: &Object, ids: &[String], member: &str) -> Answered {
    let from = match input.string("nextToken") {
        None => 0,
        Some(token) => token
            .strip_prefix("page-")
            .and_then(|position| position.parse::<usize>().ok())
            .filter(|position| *position <= ids.len())
            .ok_or_else(|| {
                error("InvalidNextTokenException", "The next token was specified in an invalid format")
            })?,
    };
    let to = from.saturating_add(PAGE).min(ids.len());
    let mut answer = Object::default();
    answer.put(member, &ids[from..to]);
    answer.put_some("nextToken", (to < ids.len()).then(|| format!("page-{to}")));
    Ok(answer)
}
