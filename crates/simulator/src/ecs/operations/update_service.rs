//! UpdateService: what changes, and whether a deployment starts.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html> says of each member whether it
//! "triggers a new service deployment".

use super::{Answered, client, invalid};
use crate::ecs::RegionState;
use crate::ecs::definition::Revision;
use crate::ecs::model::{ServiceKey, ServiceState};
use crate::wire::{Object, ServiceError};

/// Members that start a deployment when they change something.
const STARTING: [&str; 9] = [
    "capacityProviderStrategy",
    "loadBalancers",
    "networkConfiguration",
    "platformVersion",
    "serviceConnectConfiguration",
    "serviceRegistries",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
    "monitoring",
];

/// Members that are only taken over.
const SILENT: [&str; 7] = [
    "availabilityZoneRebalancing",
    "enableECSManagedTags",
    "enableExecuteCommand",
    "healthCheckGracePeriodSeconds",
    "placementConstraints",
    "placementStrategy",
    "propagateTags",
];

impl RegionState {
    pub(super) fn update_service(&mut self, input: &Object) -> Answered {
        let service = self.service(input, "service")?;
        check_active(service)?;
        check_controller(service, input)?;
        let key = service.key.clone();
        let revision = self.wanted_revision(service, input)?;
        let settings = changed_settings(service, input);
        if let Some(revision) = &revision {
            check_load_balancers(&settings, revision)?;
        }
        let starts = starts_deployment(service, input, revision.as_ref());
        let task_definition =
            revision.map_or_else(|| service.task_definition.clone(), |revision| revision.arn);
        let desired = input.read::<u32>("desiredCount");
        let changes: Object = input.read("deploymentConfiguration").unwrap_or_default();
        if let Some(service) = self.services.get_mut(&key) {
            service.desired = desired.unwrap_or(service.desired);
            // Members that are not given keep their value; whether AWS does so at the level below is not documented.
            let names: Vec<String> = changes.names().map(str::to_owned).collect();
            for name in names {
                service.configuration.copy(&name, &changes);
            }
            service.settings = settings.clone();
        }
        if starts {
            self.start_deployment(&key, &task_definition, settings);
        } else {
            self.reconcile(&key);
        }
        self.updated(&key)
    }

    /// The answer: the service without `currentServiceDeployment`, as aws/containers-roadmap#2709 describes.
    fn updated(&self, key: &ServiceKey) -> Answered {
        let mut answer = Object::default();
        if let Some(service) = self.services.get(key) {
            let mut view = self.service_view(service, false);
            view.remove("currentServiceDeployment");
            answer.put("service", view);
        }
        Ok(answer)
    }

    fn wanted_revision(
        &self,
        service: &ServiceState,
        input: &Object,
    ) -> Result<Option<Revision>, ServiceError> {
        let Some(name) = input.string("taskDefinition") else { return Ok(None) };
        let revision = self.revision(&name).ok_or_else(|| client("TaskDefinition not found."))?;
        if !revision.active && revision.arn != service.task_definition {
            return Err(client("TaskDefinition is inactive"));
        }
        Ok(Some(revision.clone()))
    }
}

fn check_active(service: &ServiceState) -> Result<(), ServiceError> {
    match service.status.as_str() {
        "ACTIVE" => Ok(()),
        _ => Err(ServiceError::client("ServiceNotActiveException", "Service was not ACTIVE.")),
    }
}

/// "For services with a CODE_DEPLOY deployment controller, only the desired count, deployment configuration, health check
/// grace period and a few more can be updated"; for EXTERNAL likewise.
fn check_controller(service: &ServiceState, input: &Object) -> Result<(), ServiceError> {
    let controller = service.controller.as_str();
    if controller == "ECS" {
        return Ok(());
    }
    let remedy = match controller {
        "CODE_DEPLOY" => "Use AWS CodeDeploy to trigger a new deployment.",
        _ => "Use CreateTaskSet and UpdateServicePrimaryTaskSet instead.",
    };
    let forbidden = [
        ("taskDefinition", "task definition"),
        ("networkConfiguration", "network configuration"),
        ("platformVersion", "platform version"),
        ("loadBalancers", "load balancers"),
    ];
    for (member, words) in forbidden {
        if input.has(member) {
            return Err(invalid(format!(
                "Unable to update {words} on services with a {controller} deployment controller. {remedy}"
            )));
        }
    }
    if input.read("forceNewDeployment").unwrap_or(false) {
        return Err(invalid(format!(
            "Cannot force a new deployment on services with a {controller} deployment controller. {remedy}"
        )));
    }
    Ok(())
}

fn changed_settings(service: &ServiceState, input: &Object) -> Object {
    let mut settings = service.settings.clone();
    for member in STARTING.iter().chain(&SILENT) {
        settings.copy(member, input);
    }
    settings
}

/// A member that repeats what is there starts nothing: "a new service deployment starts when a parameter changes".
fn starts_deployment(service: &ServiceState, input: &Object, revision: Option<&Revision>) -> bool {
    let forced = input.read("forceNewDeployment").unwrap_or(false);
    let new_revision = revision.is_some_and(|revision| revision.arn != service.task_definition);
    let changed = STARTING
        .iter()
        .any(|member| input.has(member) && input.value(member) != service.settings.value(member));
    service.controller == "ECS" && (forced || new_revision || changed)
}

fn check_load_balancers(settings: &Object, revision: &Revision) -> Result<(), ServiceError> {
    let containers = revision.containers();
    let balancers = settings.value("loadBalancers");
    for balancer in balancers.as_array().into_iter().flatten() {
        let name = balancer["containerName"].as_str().unwrap_or_default();
        let port = balancer["containerPort"].as_u64().unwrap_or_default();
        let Some(container) = containers.iter().find(|container| container.name == name) else {
            return Err(invalid(format!("The container {name} does not exist in the task definition.")));
        };
        if !container.ports.contains(&port) {
            return Err(invalid(format!(
                "The container {name} did not have a container port {port} defined."
            )));
        }
    }
    Ok(())
}
