//! The record of every call that reached the simulator.

use jiff::Timestamp;

/// One call, as the simulator saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// `ecs`, `eks`, `kubernetes`, `s3`, `sts`, `logs`, `autoscaling`, `tagging`, `ssm` or `oidc`; the target's prefix when it is none of them.
    pub service: String,
    /// The operation, such as `UpdateService`; of `kubernetes` verb and kind, such as `patch deployments`.
    pub operation: String,
    /// The caller's account; none when the call was not signed by a known key.
    pub account: Option<String>,
    /// When the call was answered, on the simulator's clock.
    pub at: Timestamp,
    /// Which call of this service and operation it was, from 1, since the simulator was built.
    pub number: u64,
    /// How many bytes the request's body had, as it was sent.
    pub body: u64,
    /// True for operations that change something in AWS.
    pub write: bool,
    /// The outcome as AWS decided it: an answer, or the code of an error. A lost answer counts as an answer.
    pub outcome: Outcome,
    /// The kind of the fault that was applied, such as `throttle`.
    pub fault: Option<String>,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// AWS did what it was asked for.
    Answered,
    /// AWS refused with this error code.
    Refused(String),
}

/// True for operations that change something, by the naming convention of AWS's APIs.
pub(crate) fn is_write(operation: &str) -> bool {
    const READS: [&str; 7] = ["Describe", "List", "Get", "BatchGet", "Head", "Assume", "Filter"];
    !READS.iter().any(|prefix| operation.starts_with(prefix))
}
