//! What is shown: DeploymentInfo, DeploymentTarget and DeploymentGroupInfo, member by member.

use serde_json::{Value, json};

use super::CodeDeploy;
use super::model::{Deployment, Event, Target};
use super::operations::Answered;
use crate::wire::Object;
use crate::wire::json::epoch;

impl CodeDeploy {
    pub(super) fn info(&self, one: &Deployment) -> Value {
        let settings = self.world_group(&one.application, &one.group).map(|group| &group.settings);
        let setting = |name: &str| settings.and_then(|settings| settings.get(name)).cloned();
        let mut info = json!({
            "applicationName": one.application,
            "deploymentGroupName": one.group,
            "deploymentConfigName": one.config,
            "deploymentId": one.id,
            "revision": one.revision,
            "status": one.status,
            "createTime": epoch(one.created),
            "creator": one.creator,
            "computePlatform": "Server",
            "ignoreApplicationStopFailures": one.input["ignoreApplicationStopFailures"].as_bool().unwrap_or(false),
            "updateOutdatedInstancesOnly": one.input["updateOutdatedInstancesOnly"].as_bool().unwrap_or(false),
            "instanceTerminationWaitTimeStarted": one.terminating,
            "fileExistsBehavior": one.input["fileExistsBehavior"].as_str().unwrap_or("DISALLOW"),
            "deploymentOverview": overview(one),
        });
        let rollback = one
            .input
            .get("autoRollbackConfiguration")
            .cloned()
            .or_else(|| setting("autoRollbackConfiguration"));
        let optional = [
            ("description", one.input.get("description").cloned()),
            ("previousRevision", Some(one.previous.clone()).filter(|value| !value.is_null())),
            ("startTime", one.started.map(|at| json!(epoch(at)))),
            ("completeTime", one.completed.map(|at| json!(epoch(at)))),
            (
                "errorInformation",
                one.error.as_ref().map(|(code, message)| json!({ "code": code, "message": message })),
            ),
            ("rollbackInfo", Some(one.rollback.clone()).filter(|value| !value.is_null())),
            ("autoRollbackConfiguration", rollback),
            ("overrideAlarmConfiguration", one.input.get("overrideAlarmConfiguration").cloned()),
            // "This field is absent ... for STANDARD deployments": `DeploymentInfo` in the API reference.
            ("deploymentMode", one.is_restart().then(|| json!("RESTART"))),
            (
                "ec2DeploymentOptions",
                one.input.get("ec2DeploymentOptions").cloned().or_else(|| setting("ec2DeploymentOptions")),
            ),
            ("deploymentStyle", setting("deploymentStyle")),
            ("blueGreenDeploymentConfiguration", setting("blueGreenDeploymentConfiguration")),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                info[name] = value;
            }
        }
        info
    }

    pub(super) fn target_view(&self, deployment: &Deployment, target: &Target) -> Value {
        let arn = format!("arn:aws:ec2:{}:{}:instance/{}", self.region, self.account, target.id);
        let events: Vec<Value> = target.events.iter().map(event).collect();
        let mut shown = json!({
            "deploymentId": deployment.id,
            "targetId": target.id,
            "targetArn": arn,
            "status": target.status,
            "lifecycleEvents": events,
        });
        if let Some(at) = target.updated {
            shown["lastUpdatedAt"] = json!(epoch(at));
        }
        if let Some(label) = target.label {
            shown["instanceLabel"] = json!(label);
        }
        json!({ "deploymentTargetType": "InstanceTarget", "instanceTarget": shown })
    }

    pub(super) fn get_group(&self, input: &Object) -> Answered {
        let application = self.application(input)?;
        let name = self.group(input, application)?;
        let key = (application.to_owned(), name.clone());
        let (Some(world), Some(state)) = (self.world_group(application, &name), self.groups.get(&key)) else {
            return Ok(Object::default());
        };
        let platform = self.applications.get(application).map(|one| one.compute_platform.clone());
        let mut info = json!({
            "applicationName": application,
            "deploymentGroupName": name,
            "deploymentConfigName": world.deployment_config,
            "computePlatform": platform,
        });
        for (member, value) in world.settings.as_object().into_iter().flatten() {
            info[member] = value.clone();
        }
        let last = |id: &Option<String>| id.as_ref().and_then(|id| self.deployments.get(id));
        if let Some(last) = last(&state.last_successful) {
            info["lastSuccessfulDeployment"] = brief(last);
            info["targetRevision"] = last.revision.clone();
        }
        if let Some(last) = last(&state.last_attempted) {
            info["lastAttemptedDeployment"] = brief(last);
        }
        let mut answer = Object::default();
        answer.put("deploymentGroupInfo", info);
        Ok(answer)
    }
}

fn overview(one: &Deployment) -> Value {
    ["Pending", "InProgress", "Succeeded", "Failed", "Skipped", "Ready"]
        .iter()
        .map(|status| ((*status).to_owned(), json!(one.count(status))))
        .collect()
}

fn brief(one: &Deployment) -> Value {
    let mut brief = json!({ "deploymentId": one.id, "status": one.status, "createTime": epoch(one.created) });
    if let Some(at) = one.completed {
        brief["endTime"] = json!(epoch(at));
    }
    brief
}

fn event(event: &Event) -> Value {
    let mut shown = json!({ "lifecycleEventName": event.name, "status": event.status });
    if let Some(at) = event.started {
        shown["startTime"] = json!(epoch(at));
    }
    if let Some(at) = event.ended {
        shown["endTime"] = json!(epoch(at));
    }
    let diagnostics = match &event.failure {
        // "diagnostics" may be absent on an event that failed (acquia/moonshot #188).
        Some(failure) if failure.error_code.is_empty() => None,
        Some(failure) => Some(json!({
            "errorCode": failure.error_code,
            "scriptName": failure.script_name,
            "message": failure.message,
            "logTail": failure.log_tail,
        })),
        None if event.status == "Succeeded" => {
            Some(json!({ "errorCode": "Success", "scriptName": "", "message": "Succeeded", "logTail": "" }))
        }
        None => None,
    };
    if let Some(diagnostics) = diagnostics {
        shown["diagnostics"] = diagnostics;
    }
    shown
}
