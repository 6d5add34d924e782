//! Faults on cue, as data: which call, what happens, and whether the effect happened before the answer was lost.
//!
//! ```
//! use landfall_simulator::{CallNumbers, Fault, FaultKind, Phase};
//!
//! // The second UpdateService takes effect, but its answer never arrives.
//! let fault = Fault::new("ecs", "UpdateService", FaultKind::Reset)
//!     .on(CallNumbers::Nth(2))
//!     .phase(Phase::After);
//! # let _ = fault;
//! ```

mod kubernetes;
mod plan;
mod sts;

use serde::{Deserialize, Serialize};

use crate::iam::wildcard_match;

pub use kubernetes::KubernetesFault;
pub(crate) use plan::FaultPlan;
pub use sts::StsRefusal;

/// One fault: what goes wrong with which calls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// `ecs`, `sts`, `logs`, `kubernetes`; `*` for every service.
    pub service: String,
    /// The operation, such as `UpdateService`, or of `kubernetes` such as `patch deployments`; `*` stands for any
    /// characters, as in `watch *`.
    pub operation: String,
    /// Which calls of this operation are hit. Calls are counted per service and operation from 1.
    #[serde(default)]
    pub calls: CallNumbers,
    /// What happens to them.
    pub kind: FaultKind,
    /// Whether AWS did the work before the fault struck.
    #[serde(default)]
    pub phase: Phase,
}

/// Which calls a fault hits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallNumbers {
    /// Every call.
    #[default]
    All,
    /// Only this one, from 1.
    Nth(u64),
    /// The first calls, up to and with this one.
    First(u64),
    /// This one and all later ones.
    From(u64),
    /// Every so many: `Every(3)` hits calls 3, 6, 9.
    Every(u64),
}

impl CallNumbers {
    /// True if call `number` (from 1) is hit.
    pub fn contains(self, number: u64) -> bool {
        match self {
            Self::All => true,
            Self::Nth(nth) => number == nth,
            Self::First(last) => number <= last,
            Self::From(first) => number >= first,
            Self::Every(every) => every != 0 && number.is_multiple_of(every),
        }
    }
}

/// Whether the operation took effect.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The fault replaces the operation: nothing was done.
    #[default]
    Before,
    /// The operation was done; its answer is lost or replaced.
    After,
}

/// How everything is refused, see [`Simulator::refuse_everything`](crate::Simulator::refuse_everything).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusing {
    /// The caller has no permission: AccessDenied, HTTP 403.
    Denied,
    /// AWS cannot answer just now: ServiceUnavailable, HTTP 503.
    Unavailable,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FaultKind {
    /// AWS says "slow down" with this code, such as `ThrottlingException`.
    Throttle {
        /// The error code.
        code: String,
    },
    /// Any HTTP answer.
    Http {
        /// The status, 100 to 599.
        status: u16,
        /// The body, as it is.
        body: String,
        /// The content type.
        content_type: String,
    },
    /// An error in the protocol's own form.
    Error {
        /// The error code.
        code: String,
        /// The message.
        message: String,
        /// The HTTP status, 400 to 599.
        status: u16,
    },
    /// The answer takes longer.
    Delay {
        /// By how many milliseconds.
        ms: u64,
    },
    /// The connection breaks without an answer.
    Reset,
    /// The connection breaks in the middle of the answer's body. The operation always takes effect.
    Truncate,
    /// A proxy answers with a page instead of AWS.
    Html500,
    /// The caller's session ends at this call, and stays ended.
    ExpireSession,
    /// A read answers the state from before the writes of the last seconds.
    Stale {
        /// For how long after a write.
        seconds: u64,
    },
    /// Only for `AssumeRoleWithWebIdentity`: STS cannot reach the identity provider (`IDPCommunicationError`).
    IdentityProviderUnreachable,
    /// Only for AssumeRole and AssumeRoleWithWebIdentity: STS refuses like this.
    Sts(StsRefusal),
    /// Only for the API server of a cluster.
    Kubernetes(KubernetesFault),
}

impl FaultKind {
    /// The kind's name, as it stands in the record of calls.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Throttle { .. } => "throttle",
            Self::Http { .. } => "http",
            Self::Error { .. } => "error",
            Self::Delay { .. } => "delay",
            Self::Reset => "reset",
            Self::Truncate => "truncate",
            Self::Html500 => "html500",
            Self::ExpireSession => "expire_session",
            Self::Stale { .. } => "stale",
            Self::IdentityProviderUnreachable => "identity_provider_unreachable",
            Self::Sts(_) => "sts",
            Self::Kubernetes(_) => "kubernetes",
        }
    }
}

impl Fault {
    /// A fault that hits every call of an operation before it takes effect.
    pub fn new(service: &str, operation: &str, kind: FaultKind) -> Self {
        Self {
            service: service.to_owned(),
            operation: operation.to_owned(),
            calls: CallNumbers::All,
            kind,
            phase: Phase::Before,
        }
    }

    /// Hits only these calls.
    #[must_use]
    pub fn on(mut self, calls: CallNumbers) -> Self {
        self.calls = calls;
        self
    }

    /// Strikes before or after the effect.
    #[must_use]
    pub fn phase(mut self, phase: Phase) -> Self {
        self.phase = phase;
        self
    }

    fn hits(&self, service: &str, operation: &str, number: u64) -> bool {
        (self.service == "*" || self.service == service)
            && wildcard_match(&self.operation, operation)
            && self.calls.contains(number)
    }
}
