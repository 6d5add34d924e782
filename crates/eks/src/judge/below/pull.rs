//! What the words of kubelet, container runtime and registry mean when an image is not pulled: one table.
//!
//! Reasons: <https://kubernetes.io/docs/concepts/containers/images/> and kubernetes/pkg/kubelet/images/types.go.

/// Why an image is not pulled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PullFailure {
    InvalidName,
    /// `imagePullPolicy: Never`, and it is not on the node.
    NeverPulled,
    WrongArchitecture,
    RateLimited,
    Denied,
    NotFound,
    DiskFull,
    Network,
    Other,
}

/// Words in lower case, of which one is enough; the first row that fits counts.
const TABLE: [(PullFailure, &[&str]); 6] = [
    (
        PullFailure::WrongArchitecture,
        &["no matching manifest for", "no match for platform", "does not match the specified platform"],
    ),
    (PullFailure::RateLimited, &["toomanyrequests", "too many requests", "rate limit", "pull qps exceeded"]),
    (
        PullFailure::Denied,
        &[
            "access denied",
            "is denied",
            "denied:",
            "no basic auth",
            "unauthorized",
            "403 forbidden",
            "status code 401",
            "status code 403",
            "status: 401",
            "status: 403",
            "not authorized",
            "authorization failed",
            "authentication required",
            "insufficient_scope",
        ],
    ),
    // Before "not found": a host that is not found may come back.
    (
        PullFailure::Network,
        &[
            "no such host",
            "i/o timeout",
            "dial tcp",
            "connection refused",
            "connection reset",
            "no route to host",
            "tls handshake timeout",
            "deadline exceeded",
            "client.timeout",
            "unexpected eof",
        ],
    ),
    (
        PullFailure::NotFound,
        &["manifest unknown", "name unknown", "not found", "notfound", "does not exist", "manifest invalid"],
    ),
    (PullFailure::DiskFull, &["no space left on device"]),
];

impl PullFailure {
    /// From the reason for which a container waits, and the words for it.
    pub(crate) fn of(reason: &str, message: &str) -> Self {
        match reason {
            "InvalidImageName" => return Self::InvalidName,
            "ErrImageNeverPull" => return Self::NeverPulled,
            _ => {}
        }
        let lower = message.to_lowercase();
        let row = TABLE.iter().find(|(_, words)| words.iter().any(|word| lower.contains(word)));
        row.map_or(Self::Other, |(failure, _)| *failure)
    }

    /// Whether trying again does not help.
    pub(crate) fn is_lasting(self) -> bool {
        matches!(
            self,
            Self::InvalidName | Self::NeverPulled | Self::WrongArchitecture | Self::Denied | Self::NotFound
        )
    }
}
