//! Whether a service's load balancers find their container and port.

use landfall_core::Cause;

use super::Document;

/// Checks the `loadBalancers` of a service, given as container name and container port, against the document.
///
/// UpdateService refuses the same with "container X does not exist in the task definition" and "did not have
/// a container port N defined" (aws/amazon-ecs-agent #1276, pulumi/pulumi-awsx #1172), but only after a revision was
/// registered, and without the names that there are.
#[must_use]
pub fn check_load_balancers(document: &Document, load_balancers: &[(&str, u16)]) -> Vec<Cause> {
    let problem = |(index, (container, port)): (usize, &(&str, u16))| {
        let Some(name) = document.containers().into_iter().find(|name| name == container) else {
            return Some(
                document.no_container(container).in_field(format!("loadBalancers[{index}].containerName")),
            );
        };
        let ports = document.ports(name);
        if ports.contains(port) {
            return None;
        }
        let seen = match ports.as_slice() {
            [] => "it maps no ports".to_owned(),
            ports => {
                let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
                format!("ports that it maps: {}", ports.join(", "))
            }
        };
        let message = format!(
            "the service's load balancer sends to port {port} of container `{name}`, which does not map it; {seen}"
        );
        let hint = format!("add {{\"containerPort\": {port}}} to the `portMappings` of the container");
        Some(Cause::invalid(format!("loadBalancers[{index}].containerPort"), message).with_hint(hint))
    };
    load_balancers.iter().enumerate().filter_map(problem).collect()
}
