//! Steps of a release that are not AWS, and decorators of targets. All are ordinary targets: the life cycle waits, stops and
//! reports for them as for any other.
//!
//! - [`Command`] runs a program: a migration, a smoke test, a notification.
//! - [`HealthCheck`] asks a URL until it answers as it should, several times in a row.
//! - [`Gate`] waits for a person.
//! - [`Retry`] makes a whole step again when it fails; [`Timeout`] bounds one.

mod command;
mod gate;
mod health;
mod retry;
mod timeout;

use landfall_core::{Place, Resource};
use sha2::{Digest, Sha256};

pub use command::{Command, CommandBuilder};
pub use gate::{Answer, Approval, FileApproval, Gate, GivenAnswer};
pub use health::{HealthCheck, HealthCheckBuilder};
pub use retry::Retry;
pub use timeout::Timeout;

/// What a step that is not AWS works on.
fn local(kind: &str, name: &str) -> Resource {
    Resource::new(Place::new("local", "this", "machine"), kind, [name])
}

/// A digest of what was asked for, each part apart from the next.
fn digest<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
