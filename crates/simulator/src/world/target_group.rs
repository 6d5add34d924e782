//! Target groups of load balancers.

use serde::{Deserialize, Serialize};

/// A target group with targets of the type `ip`, as awsvpc tasks need it. The defaults are those of CreateTargetGroup for
/// an Application Load Balancer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TargetGroup {
    /// `HTTP`, `HTTPS`, `TCP`, ...
    pub protocol: String,
    /// The port of targets that are registered without one.
    pub port: u16,
    /// `HTTP`, `HTTPS` or `TCP`.
    pub health_check_protocol: String,
    /// A port, or `traffic-port` for the one the target was registered with.
    pub health_check_port: String,
    /// The path of health checks by HTTP.
    pub health_check_path: String,
    /// Seconds between two checks of a target, 5 to 300.
    pub health_check_interval_seconds: u32,
    /// Seconds without an answer after which a check has failed, 2 to 120.
    pub health_check_timeout_seconds: u32,
    /// Checks in a row that make a target healthy, 2 to 10.
    pub healthy_threshold: u32,
    /// Failed checks in a row that make a target unhealthy, 2 to 10.
    pub unhealthy_threshold: u32,
    /// The HTTP codes that count as success: `200`, `200-299`, `200,202`.
    pub matcher: String,
}

impl Default for TargetGroup {
    fn default() -> Self {
        Self {
            protocol: "HTTP".to_owned(),
            port: 80,
            health_check_protocol: "HTTP".to_owned(),
            health_check_port: "traffic-port".to_owned(),
            health_check_path: "/".to_owned(),
            health_check_interval_seconds: 30,
            health_check_timeout_seconds: 5,
            healthy_threshold: 5,
            unhealthy_threshold: 2,
            matcher: "200".to_owned(),
        }
    }
}
