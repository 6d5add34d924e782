//! Starts the change. Repeatable: it first looks for what it has done already.

mod back;
mod forward;

pub(crate) use back::back;
pub(crate) use forward::{forward, wanted};

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
    }
}

/// The new deployment in an answer of UpdateService.
///
/// It is the primary one. A server that still shows the old primary is asked about any other deployment of the
/// wanted revision that was not there before.
fn new_deployment(answered: &Service, known: &[String], task_definition: &str) -> Option<Started> {
    let is_new = |deployment: &&Deployment| {
        deployment.task_definition == task_definition && !known.contains(&deployment.id)
    };
    answered
        .primary()
        .filter(is_new)
        .or_else(|| answered.deployments.iter().find(is_new))
        .and_then(Started::of)
}
