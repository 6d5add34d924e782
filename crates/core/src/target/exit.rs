//! The one table of exit codes.

use super::observation::End;
use super::outcome::{Outcome, Undone};
use crate::error::{Error, ErrorKind};

/// The exit code for how a step came out and what became of its change.
///
/// | Code | Meaning |
/// |---|---|
/// | 0 | succeeded, nothing to do, or started as asked |
/// | 1 | failed, nothing undone |
/// | 2 | invalid input; nothing was changed |
/// | 3 | failed and rolled back, by AWS or by us; or succeeded and undone because a later step failed |
/// | 4 | the undo itself failed or was impossible |
/// | 5 | superseded by another deployment |
/// | 6 | timed out |
/// | 7 | no usable credentials |
/// | 8 | waits for a person |
/// | 9 | outcome unknown |
/// | 130 | cancelled |
pub(crate) fn code(outcome: &Outcome, undone: &Undone) -> u8 {
    if matches!(undone, Undone::Failed { .. } | Undone::Impossible { .. }) {
        return 4;
    }
    match outcome {
        // Undone later, because another step failed.
        Outcome::Succeeded | Outcome::Unchanged | Outcome::Started if *undone == Undone::Reverted => 3,
        Outcome::Succeeded | Outcome::Unchanged | Outcome::Started => 0,
        Outcome::Ended(End::RolledBack { .. }) => 3,
        Outcome::Ended(End::Superseded { .. }) => 5,
        Outcome::Ended(End::Failed | End::Stopped) => failed(undone),
        Outcome::TimedOut { person: true, .. } => 8,
        Outcome::TimedOut { person: false, .. } => 6,
        Outcome::Cancelled { .. } => 130,
        // Codes 2 and 7 say that nothing was changed.
        Outcome::Refused { .. } if *undone == Undone::Reverted => 3,
        Outcome::Refused { error } => of_error(error).unwrap_or(1),
        Outcome::Unknown { error } if error.kind() == ErrorKind::Auth => 7,
        Outcome::Unknown { .. } => 9,
    }
}

fn failed(undone: &Undone) -> u8 {
    if matches!(undone, Undone::Reverted) { 3 } else { 1 }
}

fn of_error(error: &Error) -> Option<u8> {
    match error.kind() {
        ErrorKind::Invalid => Some(2),
        ErrorKind::Auth => Some(7),
        _ => None,
    }
}

impl Error {
    /// The exit code of a process that ends with this error before anything was changed.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        of_error(self).unwrap_or(1)
    }
}
