//! Starts the change. Repeatable: it first looks for what it has done already.

mod back;
mod forward;
mod pass_role;

pub(crate) use back::back;
pub(crate) use forward::{forward, wanted};

use jiff::Timestamp;
use landfall_core::{Context, Result};

use crate::error::Refusal;
use crate::facts::{Deployment, Service};
use crate::memory::{Known, Purpose, Started, Watch};
use crate::target::EcsService;

/// The service as it is now, in a state that can be deployed to.
pub(crate) async fn fresh(target: &EcsService, cx: &Context) -> Result<Service> {
    let service = target.client.describe_service(cx).await?.value;
    let service = service.ok_or_else(|| Refusal::ServiceNotFound {
        service: target.spec.service.clone(),
        cluster: target.spec.cluster.clone(),
        place: target.place.clone(),
        services: Vec::new(),
    })?;
    if service.status != "ACTIVE" {
        return Err(Refusal::ServiceNotActive {
            service: target.spec.service.clone(),
            cluster: target.spec.cluster.clone(),
            status: service.status,
        }
        .into());
    }
    Ok(service)
}

/// The primary deployment, which every service with the controller ECS has.
pub(crate) fn primary_of<'a>(target: &EcsService, service: &'a Service) -> Result<&'a Deployment> {
    let none = || Refusal::NoPrimary { service: target.spec.service.clone() };
    Ok(service.primary().ok_or_else(none)?)
}

/// What to look at from now on.
fn watch(purpose: Purpose, service: &Service, deployment: Started, before: Option<Known>) -> Watch {
    Watch {
        purpose,
        service_arn: service.service_arn.clone(),
        desired: service.desired_count,
        old_tasks: service.tasks_of_others(&deployment.id),
        deployment,
        before,
        goal: None,
        adopted: false,
    }
}

/// The new deployment in an answer of UpdateService.
///
/// It is the primary one. A server that still shows the old primary is asked about any other deployment of the
/// wanted revision that was not there before.
fn new_deployment(
    answered: &Service,
    at: Option<Timestamp>,
    known: &[String],
    task_definition: &str,
) -> Option<Started> {
    let is_new = |deployment: &&Deployment| {
        deployment.task_definition == task_definition && !known.contains(&deployment.id)
    };
    answered
        .primary()
        .filter(is_new)
        .or_else(|| answered.deployments.iter().find(is_new))
        .and_then(|new| Started::of(new, at))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::new_deployment;
    use crate::facts;

    #[test]
    fn a_new_deployment_without_a_time_has_that_of_the_answer() {
        let answered = facts::read(json!({ "deployments": [
            { "id": "ecs-svc/0edbbe152763483fb7d8", "status": "PRIMARY", "taskDefinition": "web:3" },
            { "id": "ecs-svc/1", "status": "ACTIVE", "taskDefinition": "web:2" },
        ] }));
        let at = Timestamp::constant(1_786_000_000, 0);
        let new = new_deployment(&answered.unwrap(), Some(at), &["ecs-svc/1".to_owned()], "web:3").unwrap();
        assert_eq!((new.id.as_str(), new.created_at), ("ecs-svc/0edbbe152763483fb7d8", at));
    }
}
