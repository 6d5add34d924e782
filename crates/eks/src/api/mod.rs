//! Requests to the API server, a function for each kind of them.
//!
//! [`Api`] sends over [`ApiServer`], which signs in and repeats what the connection needs
//! repeated. What is added here is Kubernetes: which kinds the cluster knows ([`Discovery`]), server-side apply, JSON
//! patches, lists in pages, watches, and what the server means when it says no ([`Refusal`], [`Meaning`]).
//!
//! Objects go out as the text they were read from, so that no field and no digit is lost, and come back as [`Live`].
//! Neither `Debug` nor any error shows what is in them.
//!
//! Permissions: `patch` (and `create`, for objects that are new) and `get` for the kinds that are applied, `list` and
//! `watch` where that is used, `delete` for what is pruned or made anew. Discovery is open to every authenticated user
//! by default.

mod call;
mod discovery;
mod explain;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod list;
mod logs;
mod mask;
mod meaning;
mod object;
mod read;
mod status;
#[cfg(test)]
mod tests;
mod watch;
mod write;

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex};

use crate::access::ApiServer;

pub use discovery::Discovery;
use discovery::Known;
pub(crate) use discovery::LOOK_AGAIN;
pub use explain::{Answered, Fault, Refusal};
pub use list::{Listed, Selector};
pub use meaning::{Meaning, Rule};
pub use object::{ApiResource, At, Key, Live, Manager};
pub use status::{Status, StatusCause, StatusDetails};
pub use watch::{Watch, WatchEvent};
pub use write::{Applied, ApplyOptions, Deleted, Propagation};

/// The name that landfall applies fields under.
pub const FIELD_MANAGER: &str = "landfall";

/// The API of a cluster. Cloning is cheap; clones share the connection and what is known of the cluster's kinds.
#[derive(Clone)]
pub struct Api(Arc<Inner>);

struct Inner {
    server: ApiServer,
    known: Known,
    /// Warnings of the server that were told already.
    told: Mutex<HashSet<String>>,
}

impl Api {
    /// The API behind a connection. Nothing is sent yet.
    #[must_use]
    pub fn new(server: ApiServer) -> Self {
        Self(Arc::new(Inner { server, known: Known::default(), told: Mutex::default() }))
    }

    /// The connection.
    #[must_use]
    pub fn server(&self) -> &ApiServer {
        &self.0.server
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Api").field(&self.0.server).finish()
    }
}
