//! ListServiceDeployments, DescribeServiceDeployments, DescribeServiceRevisions, StopServiceDeployment,
//! ContinueServiceDeployment.

use jiff::Timestamp;
use serde_json::Value;

use super::page::page;
use super::{Answered, invalid, list, missing};
use crate::ecs::RegionState;
use crate::ecs::model::{ServiceDeployment, ServiceKey};
use crate::wire::json::epoch;
use crate::wire::{Object, ServiceError};

/// "You can view service deployments of the last 90 days."
const HISTORY: std::time::Duration = std::time::Duration::from_secs(90 * 86_400);

impl RegionState {
    pub(super) fn list_service_deployments(&self, input: &Object) -> Answered {
        let service = self.service(input, "service")?;
        let statuses = input.strings("status");
        let created = input.value("createdAt");
        let (after, before) = (created["after"].as_f64(), created["before"].as_f64());
        let oldest = crate::clock::earlier(self.now, HISTORY);
        let wanted = |deployment: &&ServiceDeployment| {
            let at = epoch(deployment.created_at);
            deployment.created_at >= oldest
                && (statuses.is_empty() || statuses.contains(&deployment.status))
                && after.is_none_or(|after| at > after)
                && before.is_none_or(|before| at < before)
        };
        // Newest first. AWS does not document an order.
        let found: Vec<&ServiceDeployment> = service.history.iter().rev().filter(wanted).collect();
        let (found, next) = page(input, &found, 20, 100)?;
        let briefs: Vec<Value> =
            found.into_iter().map(|found| self.brief_view(&service.key, found)).collect();
        let mut answer = Object::default();
        answer.put("serviceDeployments", briefs).put_some("nextToken", next);
        Ok(answer)
    }

    pub(super) fn describe_service_deployments(&self, input: &Object) -> Answered {
        let arns = list(input, "serviceDeploymentArns", 20)?;
        let (mut found, mut failures): (Vec<Object>, Vec<Value>) = (Vec::new(), Vec::new());
        for arn in arns {
            let place = self.below_service(&arn, "service-deployment");
            let place = place.ok_or_else(|| invalid(format!("Invalid service deployment ARN: {arn}")))?;
            let service = self.services.get(&place.0);
            match service.and_then(|service| Some((service, service.service_deployment(&place.1)?))) {
                Some((service, deployment)) => found.push(self.service_deployment_view(service, deployment)),
                None => failures.push(missing(&arn)),
            }
        }
        let mut answer = Object::default();
        answer.put("serviceDeployments", found).put("failures", failures);
        Ok(answer)
    }

    pub(super) fn describe_service_revisions(&self, input: &Object) -> Answered {
        let arns = list(input, "serviceRevisionArns", 20)?;
        let (mut found, mut failures): (Vec<Object>, Vec<Value>) = (Vec::new(), Vec::new());
        for arn in arns {
            let place = self.below_service(&arn, "service-revision");
            let place = place.ok_or_else(|| invalid(format!("Invalid service revision ARN: {arn}")))?;
            let service = self.services.get(&place.0);
            let revision = service.and_then(|service| {
                let revision = service.revisions.iter().find(|revision| revision.digits == place.1)?;
                Some(self.service_revision_view(service, revision))
            });
            match revision {
                Some(view) => found.push(view),
                None => failures.push(missing(&arn)),
            }
        }
        let mut answer = Object::default();
        answer.put("serviceRevisions", found).put("failures", failures);
        Ok(answer)
    }

    pub(super) fn stop_service_deployment(&mut self, input: &Object) -> Answered {
        let arn = input.string("serviceDeploymentArn").unwrap_or_default();
        let stop_type = input.string("stopType").unwrap_or_else(|| "ROLLBACK".to_owned());
        if !matches!(stop_type.as_str(), "ROLLBACK" | "ABORT") {
            return Err(invalid("Invalid stopType."));
        }
        let (key, id) = self.stoppable(&arn)?;
        self.request_stop(&key, &id, &stop_type);
        let mut answer = Object::default();
        answer.put("serviceDeploymentArn", arn);
        Ok(answer)
    }

    /// What ECS answers for a hook that does not wait is not documented beyond the error codes.
    pub(super) fn continue_service_deployment(&mut self, input: &Object) -> Answered {
        let arn = input.string("serviceDeploymentArn").unwrap_or_default();
        let hook = input.string("hookId").unwrap_or_default();
        let action = input.string("action").unwrap_or_else(|| "CONTINUE".to_owned());
        if !matches!(action.as_str(), "CONTINUE" | "ROLLBACK") {
            return Err(invalid("Invalid action."));
        }
        let (key, id) = self.stoppable(&arn)?;
        if !self.resolve_hook(&key, &id, &hook, &action) {
            return Err(invalid("The lifecycle hook is not awaiting an action."));
        }
        let mut answer = Object::default();
        answer.put("serviceDeploymentArn", arn);
        Ok(answer)
    }

    /// "PENDING, IN_PROGRESS: can be stopped. STOP_REQUESTED, ROLLBACK_REQUESTED, ROLLBACK_IN_PROGRESS: no effect.
    /// Otherwise: ConflictException." ("Stopping service deployments" in the developer guide.)
    fn stoppable(&self, arn: &str) -> Result<(ServiceKey, String), ServiceError> {
        let not_found = || {
            ServiceError::client(
                "ServiceDeploymentNotFoundException",
                "The service deploy ARN that you specified doesn't exist.",
            )
        };
        let (key, id) = self
            .below_service(arn, "service-deployment")
            .ok_or_else(|| invalid(format!("Invalid service deployment ARN: {arn}")))?;
        let deployment = self.services.get(&key).and_then(|service| service.service_deployment(&id));
        let deployment = deployment.ok_or_else(not_found)?;
        if deployment.is_final() {
            let message =
                format!("The service deployment is in {} state and cannot be stopped.", deployment.status);
            return Err(ServiceError::client("ConflictException", message));
        }
        Ok((key, id))
    }

    /// An entry of ListServiceDeployments.
    fn brief_view(&self, key: &ServiceKey, deployment: &ServiceDeployment) -> Value {
        let mut view = serde_json::json!({
            "serviceDeploymentArn": self.service_deployment_arn(key, &deployment.id),
            "serviceArn": self.service_arn(key),
            "clusterArn": self.cluster_arn(&key.cluster),
            "createdAt": epoch(deployment.created_at),
            "targetServiceRevisionArn": self.service_revision_arn(key, &deployment.target),
            "status": deployment.status
        });
        put_time(&mut view, "startedAt", deployment.started_at);
        put_time(&mut view, "finishedAt", deployment.finished_at);
        if let Some(reason) = &deployment.status_reason {
            view["statusReason"] = reason.as_str().into();
        }
        view
    }
}

fn put_time(view: &mut Value, name: &str, at: Option<Timestamp>) {
    if let Some(at) = at {
        view[name] = epoch(at).into();
    }
}
