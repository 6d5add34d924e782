//! From the status of a stack to a verdict. Nothing here makes a call, reads a clock or remembers anything.
//!
//! A status alone says nothing: the stack may have been complete before the operation began. So a status counts as the
//! operation's only once the operation was seen, by an event with its token or by its change set being executed. A
//! status that nobody knows never counts as success.
//!
//! The table is that of "Understand stack status codes"
//! (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html>).

pub(crate) mod start;
#[cfg(test)]
mod tests;

use landfall_core::End;

use super::memory::Purpose;

/// What a status means for the one who waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It goes on; what is waited for.
    Going(String),
    /// It is as it should be.
    Done,
    /// The next part can begin.
    Next,
    /// It ended in another way.
    Ended(End),
}

/// Judges. `status` is that of the operation, or of the stack where the operation's own is not known; none when there
/// is no stack.
pub(crate) fn judge(purpose: Purpose, status: Option<&str>, entered: bool) -> Standing {
    use Purpose::{BringBack, Busy, Create, Delete, Recreate, RollBack, Standing as Stands, Update};
    match purpose {
        Busy => busy(status),
        BringBack => brought_back(status, entered),
        Recreate | Delete => deleted(status, entered, purpose == Recreate),
        Stands => standing(status),
        Purpose::TakenBack => taken_back(status),
        Create | Update | RollBack if !entered => {
            Standing::Going(format!("the operation to begin{}", now(status)))
        }
        Create => created(status),
        Update => updated(status),
        RollBack => rolled_back(status),
        Purpose::Cleared => Standing::Done,
        Purpose::ChangeSet | Purpose::Failed => Standing::Ended(End::Failed),
    }
}

fn now(status: Option<&str>) -> String {
    status.map(|status| format!("; the stack is {status}")).unwrap_or_default()
}

fn going(status: &str) -> Standing {
    let what = match status {
        "CREATE_IN_PROGRESS" => "the stack to be created",
        "UPDATE_IN_PROGRESS" => "the stack to be updated",
        "IMPORT_IN_PROGRESS" => "resources to be imported",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS" => "what the update replaced to be deleted",
        "ROLLBACK_IN_PROGRESS" => "CloudFormation to delete what a failed creation had made",
        "UPDATE_ROLLBACK_IN_PROGRESS" | "IMPORT_ROLLBACK_IN_PROGRESS" => {
            "CloudFormation to put back what was there before"
        }
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS" => "what the failed update had made to be deleted",
        "DELETE_IN_PROGRESS" => "the stack to be deleted",
        other => return Standing::Going(format!("a status that is known; the stack is {other}")),
    };
    Standing::Going(what.to_owned())
}

fn superseded(by: &str) -> Standing {
    Standing::Ended(End::Superseded { by: by.to_owned() })
}

fn back(to: &str) -> Standing {
    Standing::Ended(End::RolledBack { to: to.to_owned() })
}

fn created(status: Option<&str>) -> Standing {
    match status {
        Some("CREATE_COMPLETE" | "IMPORT_COMPLETE") => Standing::Done,
        Some("CREATE_FAILED" | "ROLLBACK_FAILED" | "DELETE_FAILED" | "IMPORT_ROLLBACK_FAILED") => {
            Standing::Ended(End::Failed)
        }
        Some("ROLLBACK_COMPLETE") => back("an empty stack, which can only be deleted (ROLLBACK_COMPLETE)"),
        Some("IMPORT_ROLLBACK_COMPLETE") => back("the stack without what was to be imported"),
        // Only by OnStackFailure=DELETE or by somebody's DeleteStack; the causes tell which.
        None | Some("DELETE_COMPLETE") => back("no stack: it was deleted"),
        Some(
            "UPDATE_IN_PROGRESS"
            | "UPDATE_COMPLETE"
            | "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
            | "UPDATE_FAILED"
            | "UPDATE_ROLLBACK_IN_PROGRESS"
            | "UPDATE_ROLLBACK_COMPLETE"
            | "UPDATE_ROLLBACK_FAILED"
            | "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        ) => superseded("a later update of the stack"),
        Some(status) => going(status),
    }
}

fn updated(status: Option<&str>) -> Standing {
    match status {
        Some("UPDATE_COMPLETE" | "IMPORT_COMPLETE") => Standing::Done,
        Some("UPDATE_FAILED" | "UPDATE_ROLLBACK_FAILED" | "IMPORT_ROLLBACK_FAILED") => {
            Standing::Ended(End::Failed)
        }
        Some("UPDATE_ROLLBACK_COMPLETE" | "IMPORT_ROLLBACK_COMPLETE") => back("what the stack was before"),
        None | Some("DELETE_IN_PROGRESS" | "DELETE_COMPLETE" | "DELETE_FAILED") => {
            superseded("a deletion of the stack")
        }
        Some(status) => going(status),
    }
}

fn rolled_back(status: Option<&str>) -> Standing {
    match status {
        Some("UPDATE_ROLLBACK_COMPLETE" | "IMPORT_ROLLBACK_COMPLETE" | "ROLLBACK_COMPLETE") => Standing::Done,
        Some("UPDATE_ROLLBACK_FAILED" | "ROLLBACK_FAILED" | "IMPORT_ROLLBACK_FAILED") => {
            Standing::Ended(End::Failed)
        }
        // The update was over before the order to cancel it came: what is complete is put back by another change set.
        Some("UPDATE_COMPLETE") => Standing::Next,
        None | Some("DELETE_IN_PROGRESS" | "DELETE_COMPLETE" | "DELETE_FAILED") => {
            superseded("a deletion of the stack")
        }
        Some(status) => going(status),
    }
}

/// A failed stack on its way to where it can be updated. That the rollback has failed is what it was before, until the
/// operation was seen.
fn brought_back(status: Option<&str>, entered: bool) -> Standing {
    match status {
        Some("UPDATE_ROLLBACK_FAILED") if entered => Standing::Ended(End::Failed),
        None | Some("DELETE_IN_PROGRESS" | "DELETE_COMPLETE" | "DELETE_FAILED") => {
            superseded("a deletion of the stack")
        }
        Some(status) if status.ends_with("_IN_PROGRESS") => going(status),
        Some(status) if status.ends_with("_COMPLETE") => Standing::Next,
        status => Standing::Going(format!("the rollback to begin{}", now(status))),
    }
}

fn deleted(status: Option<&str>, entered: bool, then_next: bool) -> Standing {
    match status {
        None | Some("DELETE_COMPLETE") if then_next => Standing::Next,
        None | Some("DELETE_COMPLETE") => Standing::Done,
        Some("DELETE_FAILED") if entered => Standing::Ended(End::Failed),
        Some("DELETE_IN_PROGRESS") => going("DELETE_IN_PROGRESS"),
        status => Standing::Going(format!("the deletion to begin{}", now(status))),
    }
}

/// Somebody else's operation.
fn busy(status: Option<&str>) -> Standing {
    match status {
        // Not an operation: a stack that waits for its first change set to be executed.
        None | Some("REVIEW_IN_PROGRESS") => Standing::Next,
        Some(status) if status.ends_with("_IN_PROGRESS") => {
            Standing::Going(format!("somebody else's operation of the stack, which is {status}, to end"))
        }
        Some(_) => Standing::Next,
    }
}

/// What was deployed is taken back.
fn taken_back(status: Option<&str>) -> Standing {
    match status {
        None | Some("DELETE_COMPLETE") => back("no stack: there was none before"),
        Some("UPDATE_COMPLETE" | "IMPORT_COMPLETE") => back("the previous template and values"),
        Some(status) if status.ends_with("_IN_PROGRESS") => {
            Standing::Going(format!("the undo of this run's own deployment; the stack is {status}"))
        }
        Some(_) => Standing::Ended(End::Failed),
    }
}

/// Nothing is under way that is ours.
fn standing(status: Option<&str>) -> Standing {
    match status {
        Some(
            "CREATE_COMPLETE"
            | "UPDATE_COMPLETE"
            | "IMPORT_COMPLETE"
            | "UPDATE_ROLLBACK_COMPLETE"
            | "IMPORT_ROLLBACK_COMPLETE"
            | "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        ) => Standing::Done,
        None => superseded("a deletion of the stack"),
        Some(status) if status.ends_with("_IN_PROGRESS") => going(status),
        Some(_) => Standing::Ended(End::Failed),
    }
}
