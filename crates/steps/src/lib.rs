//! Steps of a release that are not AWS, and decorators of targets. All are ordinary targets: the life cycle waits, stops and
//! reports for them as for any other.
//!
//! - [`Command`] runs a program: a migration, a smoke test, a notification.
//! - [`HealthCheck`] asks a URL until it answers as it should, several times in a row.
//! - [`Gate`] waits for a person.
//! - [`Retry`] makes a whole step again when it fails; [`Timeout`] bounds one.
//!
//! # What each step records
//!
//! Plans and receipts are in the journal, and outputs, causes and events are told. Beside what the life cycle records of every
//! step, the names and digests of `resource` and `specification`, these are:
//!
//! | Step | Plan and receipt | Outputs, causes and notes | In a digest only | Never |
//! |---|---|---|---|---|
//! | [`Command`] | command lines without the values of secrets, a random number that tells whether this process made the plan, which run of the program it is | each line of output (`command-output`), the last 20 of a failure; exit code or signal | variables, folder | values of secrets |
//! | [`HealthCheck`] | the URL without user, query and fragment | the same; status, first 200 characters of a wrong answer | query, the text that is looked for | |
//! | [`Gate`] | its name; what it waits for, with the run's id | who approved, or why it was denied | | what the file says beside its first line |
//! | [`Retry`] | plan and receipt of the step in it, the number of the try, the error or causes that it is made again for | those of the step in it; a note, `retry`, for each try that failed | | |
//! | [`Timeout`] | receipt of the step in it, and until when it must be ready | those of the step in it; the cause `timeout` | | |
//!
//! All texts pass [`redact`](landfall_core::error::redact) before they are told or recorded.
//!
//! A process that goes on with a run looks again with [`HealthCheck`] and [`Gate`], and runs the program of a [`Command`] again
//! only if that is read-only or repeatable. Those that change nothing (checks, gates, read-only commands) exclude nobody:
//! others of the same name may be at work at the same time.

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
