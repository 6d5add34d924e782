//! Service deployments and service revisions as they are described.

use serde_json::{Value, json};

use crate::ecs::RegionState;
use crate::ecs::model::{Hook, Rollout, ServiceDeployment, ServiceRevision, ServiceState};
use crate::wire::Object;
use crate::wire::json::epoch;

impl RegionState {
    pub(crate) fn service_deployment_view(
        &self,
        service: &ServiceState,
        deployment: &ServiceDeployment,
    ) -> Object {
        let key = &service.key;
        let sources: Vec<Value> =
            deployment.sources.iter().map(|digits| self.revision_summary(service, digits)).collect();
        let mut view = Object::default();
        view.put("serviceDeploymentArn", self.service_deployment_arn(key, &deployment.id))
            .put("serviceArn", self.service_arn(key))
            .put("clusterArn", self.cluster_arn(&key.cluster))
            .put("createdAt", epoch(deployment.created_at))
            .put_some("startedAt", deployment.started_at.map(epoch))
            .put_some("finishedAt", deployment.finished_at.map(epoch))
            .put_some("stoppedAt", deployment.stopped_at.map(epoch))
            .put("updatedAt", epoch(deployment.updated_at))
            .put("sourceServiceRevisions", sources)
            .put("targetServiceRevision", self.revision_summary(service, &deployment.target))
            .put("status", &deployment.status)
            .put_some("statusReason", deployment.status_reason.as_ref())
            .put_some("lifecycleStage", self.stage(service, deployment))
            .put("deploymentConfiguration", &deployment.configuration)
            .put(
                "deploymentCircuitBreaker",
                json!({
                    "status": deployment.breaker.as_str(),
                    "failureCount": deployment.failure_count,
                    "threshold": deployment.threshold
                }),
            )
            .put("alarms", alarms(deployment));
        if !deployment.hooks.is_empty() {
            let hooks: Vec<Value> = deployment.hooks.iter().map(hook).collect();
            view.put("lifecycleHookDetails", hooks);
        }
        if let Some(rollback) = &deployment.rollback {
            view.put(
                "rollback",
                json!({
                    "reason": rollback.reason,
                    "startedAt": epoch(rollback.started_at),
                    "serviceRevisionArn": self.service_revision_arn(key, &rollback.digits)
                }),
            );
        }
        view
    }

    fn revision_summary(&self, service: &ServiceState, digits: &str) -> Value {
        let counts = self.task_counts(service, Some(digits));
        let listed = service.deployments.iter().find(|deployment| deployment.digits == digits);
        json!({
            "arn": self.service_revision_arn(&service.key, digits),
            "requestedTaskCount": listed.map_or(0, |deployment| deployment.desired),
            "runningTaskCount": counts.running,
            "pendingTaskCount": counts.pending
        })
    }

    /// Lifecycle stages are documented for blue/green deployments; that a rolling update scales up and then cleans up
    /// is taken from the stages' descriptions. A deployment that is over shows none.
    fn stage(&self, service: &ServiceState, deployment: &ServiceDeployment) -> Option<&'static str> {
        match deployment.status.as_str() {
            "PENDING" => Some("RECONCILE_SERVICE"),
            _ if deployment.paused_stage().is_some() => deployment.paused_stage(),
            "IN_PROGRESS" | "ROLLBACK_IN_PROGRESS" => {
                let primary = service.primary()?;
                let running = self.task_counts(service, Some(&primary.digits)).running;
                let scaled = primary.rollout == Rollout::InProgress && running >= service.desired;
                Some(if scaled { "CLEAN_UP" } else { "SCALE_UP" })
            }
            _ => None,
        }
    }

    pub(crate) fn service_revision_view(&self, service: &ServiceState, revision: &ServiceRevision) -> Object {
        let key = &service.key;
        let containers =
            self.revision(&revision.task_definition).map(|found| found.containers()).unwrap_or_default();
        let images: Vec<Value> = containers
            .iter()
            .map(|container| json!({ "containerName": container.name, "image": container.image, "imageDigest": digest(&container.image) }))
            .collect();
        let mut view = Object::default();
        view.put("serviceRevisionArn", self.service_revision_arn(key, &revision.digits))
            .put("serviceArn", self.service_arn(key))
            .put("clusterArn", self.cluster_arn(&key.cluster))
            .put("taskDefinition", &revision.task_definition)
            .put("containerImages", images)
            .put("guardDutyEnabled", false)
            .put("createdAt", epoch(revision.created_at));
        let shown = [
            "capacityProviderStrategy",
            "launchType",
            "platformVersion",
            "platformFamily",
            "loadBalancers",
            "serviceRegistries",
            "networkConfiguration",
            "serviceConnectConfiguration",
            "volumeConfigurations",
            "vpcLatticeConfigurations",
            "monitoring",
        ];
        for name in shown {
            view.copy(name, &revision.settings);
        }
        view
    }
}

/// "For PAUSE hooks", `targetArn` "is not set".
fn hook(hook: &Hook) -> Value {
    json!({
        "hookId": hook.id,
        "targetType": "PAUSE",
        "status": hook.status,
        "expiresAt": epoch(hook.expires_at),
        "timeoutAction": hook.timeout_action
    })
}

fn alarms(deployment: &ServiceDeployment) -> Value {
    let configured = deployment.configuration.value("alarms");
    let names = configured["alarmNames"].as_array().cloned().unwrap_or_default();
    json!({
        "status": deployment.alarms.as_str(),
        "alarmNames": names,
        "triggeredAlarmNames": deployment.triggered_alarms
    })
}

/// The digest an image is said to have: made from its name, so that the same image always has the same one.
pub(super) fn digest(image: &str) -> String {
    let hash = ring::digest::digest(&ring::digest::SHA256, image.as_bytes());
    let hex: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}
