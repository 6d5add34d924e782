//! What goes wrong with calls of the API server of a cluster only.

use serde::{Deserialize, Serialize};

/// A fault of the API server; its service is `kubernetes`, and its operation verb and kind: `patch deployments`,
/// `watch pods`, `get pods/log`. Of the kinds for all services `Throttle` is an HTTP 429, the code of `Error` is the reason
/// of the `Status`, `ExpireSession` ends the credentials that the token was signed with, and those of STS do nothing here.
/// `Stale` is for `get` and `list`: they answer what was true so long ago, as from a cache that lags. Which reads may is in
/// <https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions>; here every one may that the fault hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum KubernetesFault {
    /// Priority and Fairness has no place for the request: HTTP 429 with `Retry-After`.
    TooManyRequests {
        /// Seconds.
        retry_after: u64,
    },
    /// The server is not ready: HTTP 503 with `Retry-After`.
    Unavailable {
        /// Seconds.
        retry_after: u64,
    },
    /// The token is not accepted: HTTP 401.
    Unauthorized,
    /// The connection of a watch breaks; over HTTP/2 its stream does.
    BrokenWatch {
        /// Milliseconds after it began.
        after_ms: u64,
    },
    /// The server ends a watch in good order, as a real one does from time to time.
    EndedWatch {
        /// Milliseconds after it began.
        after_ms: u64,
    },
    /// A watch is told that the history it goes on from is gone (`ERROR` with status 410), and ends.
    ExpiredWatch {
        /// Milliseconds after it began.
        after_ms: u64,
    },
    /// A watch is accepted and tells nothing any more.
    SilentWatch,
}
