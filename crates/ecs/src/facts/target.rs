//! What a load balancer says about a service's tasks.

/// `TargetGroup` of the ELBv2 API: how its health checks are made. Missing members are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TargetGroup {
    pub(crate) arn: String,
    pub(crate) name: String,
    /// `HTTP`, `HTTPS`, `TCP`, ...
    pub(crate) protocol: String,
    /// A port, or `traffic-port`.
    pub(crate) port: String,
    pub(crate) path: String,
    /// The HTTP or gRPC codes that count as success.
    pub(crate) codes: String,
    /// Seconds; 0 when AWS does not tell.
    pub(crate) interval: i32,
    pub(crate) timeout: i32,
    pub(crate) failures: i32,
}

/// `TargetHealthDescription` of the ELBv2 API.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Target {
    /// An address, or an instance's id.
    pub(crate) id: String,
    pub(crate) port: Option<i32>,
    pub(crate) state: String,
    /// `Target.Timeout`, `Elb.InitialHealthChecking`, ...
    pub(crate) reason: String,
    pub(crate) description: String,
}
