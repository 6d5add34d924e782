//! DescribeTargetHealth: the state of each target, by what its task does.
//!
//! States, reason codes and their meaning: `TargetHealth` in the API reference. The descriptions are those that the load
//! balancer is seen to give with them.

use crate::Failure;
use crate::TargetGroup;
use crate::clock::{later, ms};
use crate::ecs::RegionState;
use crate::ecs::model::{ServiceState, TaskState, TaskStatus};
use crate::wire::ServiceError;
use crate::wire::query::{Form, element};

struct Health {
    state: &'static str,
    reason: String,
    description: String,
}

impl Health {
    fn new(state: &'static str, reason: &str, description: &str) -> Self {
        Self { state, reason: reason.to_owned(), description: description.to_owned() }
    }
}

pub(super) fn target_health(region: &RegionState, form: &Form) -> Result<String, ServiceError> {
    let arn = form.text("TargetGroupArn").unwrap_or_default();
    let (_, group) = super::group(region, arn).ok_or_else(|| super::not_found(arn))?;
    let asked: Vec<&str> = form.members("Targets", ".Id").collect();
    let mut text = String::from("<TargetHealthDescriptions>");
    for (task, port) in registered(region, arn) {
        let address = task.address();
        if !asked.is_empty() && !asked.contains(&address.as_str()) {
            continue;
        }
        description(&mut text, group, &address, port, &health(region, task));
    }
    text.push_str("</TargetHealthDescriptions>");
    Ok(text)
}

/// The tasks that are targets of a group, with their port: those that run, or drain.
fn registered<'a>(region: &'a RegionState, arn: &'a str) -> impl Iterator<Item = (&'a TaskState, u64)> {
    let of = move |service: &'a ServiceState| {
        let ports = service.balanced().into_iter().filter(move |balanced| balanced.target_group == arn);
        ports.map(|balanced| (&service.key, balanced.port))
    };
    region.services.values().flat_map(of).flat_map(|(key, port)| {
        let runs = |task: &&TaskState| matches!(task.status, TaskStatus::Running | TaskStatus::Deactivating);
        region.tasks_of(key).filter(runs).map(move |task| (task, port))
    })
}

fn health(region: &RegionState, task: &TaskState) -> Health {
    if task.status == TaskStatus::Deactivating {
        let code = "Target.DeregistrationInProgress";
        return Health::new("draining", code, "Target deregistration is in progress");
    }
    if let Some(Failure::TargetUnhealthy { after_ms, reason, description }) = &task.behaviour.failure {
        let unhealthy_at = task.started_at.map(|at| later(at, ms(*after_ms)));
        if unhealthy_at.is_some_and(|at| at <= region.now) {
            return Health::new("unhealthy", reason, description);
        }
    }
    if task.healthy {
        return Health::new("healthy", "", "");
    }
    Health::new("initial", "Elb.InitialHealthChecking", "Initial health checks in progress")
}

fn description(text: &mut String, group: &TargetGroup, address: &str, port: u64, health: &Health) {
    let port = port.to_string();
    text.push_str("<member><Target>");
    element(text, "Id", address);
    element(text, "Port", &port);
    text.push_str("</Target>");
    let checked = if group.health_check_port == "traffic-port" { &port } else { &group.health_check_port };
    element(text, "HealthCheckPort", checked);
    text.push_str("<TargetHealth>");
    element(text, "State", health.state);
    // "If the target state is healthy, a reason code is not provided", nor a description.
    for (name, value) in [("Reason", &health.reason), ("Description", &health.description)] {
        if !value.is_empty() {
            element(text, name, value);
        }
    }
    text.push_str("</TargetHealth></member>");
}
