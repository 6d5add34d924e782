//! What can be done with a stack in the state in which it is found.

use crate::stack::facts::StackFacts;

/// The first thing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// A change set that creates.
    Create,
    /// A change set that updates.
    Update,
    /// Something is under way: it is waited for, or the deployment is refused.
    Busy,
    /// It can only be deleted: with consent it is, and is created anew.
    OnlyDelete,
    /// An operation failed and was kept: with rollback switched off again it can be gone on from.
    Kept,
    /// A person has to bring it back first.
    Broken,
}

/// Says what can be done with a stack of this status; none: there is no stack.
pub(crate) fn start(status: Option<&str>) -> Start {
    match status {
        None | Some("DELETE_COMPLETE" | "REVIEW_IN_PROGRESS") => Start::Create,
        Some(
            "CREATE_COMPLETE"
            | "UPDATE_COMPLETE"
            | "UPDATE_ROLLBACK_COMPLETE"
            | "IMPORT_COMPLETE"
            | "IMPORT_ROLLBACK_COMPLETE",
        ) => Start::Update,
        Some("ROLLBACK_COMPLETE" | "ROLLBACK_FAILED") => Start::OnlyDelete,
        Some("CREATE_FAILED" | "UPDATE_FAILED") => Start::Kept,
        Some("UPDATE_ROLLBACK_FAILED" | "IMPORT_ROLLBACK_FAILED" | "DELETE_FAILED") => Start::Broken,
        Some(status) if status.ends_with("_IN_PROGRESS") => Start::Busy,
        // A status that is not known.
        Some(_) => Start::Broken,
    }
}

/// Whether the stack can be brought back to where it can be updated: "Rolls back the specified stack to the last known stable
/// state from `CREATE_FAILED` or `UPDATE_FAILED`" (RollbackStack), of which a creation leaves nothing; and
/// ContinueUpdateRollback from `UPDATE_ROLLBACK_FAILED`.
pub(crate) fn can_be_brought_back(stack: &StackFacts) -> bool {
    match stack.status.as_str() {
        "UPDATE_FAILED" => !stack.express,
        status => status == "UPDATE_ROLLBACK_FAILED",
    }
}

/// [`way_out`] of a stack, by how its last operation was made.
pub(crate) fn way_out_of(name: &str, stack: &StackFacts) -> (&'static str, String) {
    let on =
        "or mend the template and deploy with express and on-stack-failure=keep, which goes on from here";
    match stack.status.as_str() {
        "CREATE_FAILED" if stack.express => (
            "its creation in express mode failed, and it was kept: it cannot be rolled back",
            format!("delete it: `aws cloudformation delete-stack --stack-name {name}`; {on}"),
        ),
        "UPDATE_FAILED" if stack.express => (
            "its last update in express mode failed, and was kept: it cannot be rolled back",
            format!(
                "apply the last template that worked once more: `aws cloudformation update-stack --stack-name {name} \
                 --template-body ... --deployment-config Mode=EXPRESS,DisableRollback=true`; {on}"
            ),
        ),
        status => way_out(name, status),
    }
}

/// What a status means, and the way out of it, for a person.
pub(crate) fn way_out(name: &str, status: &str) -> (&'static str, String) {
    let command = |rest: &str| format!("aws cloudformation {rest} --stack-name {name}");
    match status {
        "ROLLBACK_COMPLETE" => (
            "its creation failed and was rolled back: it is empty and can only be deleted",
            format!(
                "let landfall do it by recreate-failed, or delete it: `{}`. Resources that its template retains stay \
                 behind and may be in the way of the next creation",
                command("delete-stack")
            ),
        ),
        "ROLLBACK_FAILED" => (
            "its creation failed, and so did the rollback: some resources could not be deleted",
            format!(
                "see which: `{}`; then `{} --retain-resources ...` leaves them behind, or let landfall delete it by \
                 recreate-failed",
                command("describe-stack-events"),
                command("delete-stack")
            ),
        ),
        "CREATE_FAILED" => (
            "its creation failed, and it was kept for somebody to look at",
            format!(
                "mend the template and deploy with on-stack-failure=keep, which goes on from here; or let landfall delete it and \
                 create it anew by recreate-failed; `{}` deletes what was made, and the stack can then only be deleted",
                command("rollback-stack")
            ),
        ),
        "UPDATE_FAILED" => (
            "its last update failed, and was kept for somebody to look at",
            format!(
                "let landfall put back the last state that worked by roll-back-first, or do it yourself: `{}`; or mend the \
                 template and deploy with on-stack-failure=keep, which goes on from here",
                command("rollback-stack")
            ),
        ),
        "UPDATE_ROLLBACK_FAILED" => (
            "its last update failed, and so did the rollback: it is between two states",
            format!(
                "mend what the rollback failed on (`{}`), then let landfall go on with it by roll-back-first, or do it \
                 yourself: `{}`. With `--resources-to-skip ...` it leaves resources out, which then differ from the template; \
                 so do those that a forced rollback passes over. landfall leaves out none",
                command("describe-stack-events"),
                command("continue-update-rollback")
            ),
        ),
        "DELETE_FAILED" => (
            "somebody wanted it deleted, and some resources could not be",
            format!(
                "see which: `{}`; empty or free them and delete again, or `{} --retain-resources ...` leaves them \
                 behind, or `--deletion-mode FORCE_DELETE_STACK` does so with all of them. landfall's own deletion of a stack \
                 does so by retain and force",
                command("describe-stack-events"),
                command("delete-stack")
            ),
        ),
        "IMPORT_ROLLBACK_FAILED" => (
            "an import failed, and so did its rollback",
            format!("see why: `{}`; AWS support can bring it back", command("describe-stack-events")),
        ),
        _ => (
            "landfall does not know this status",
            format!("see what it is: `{}`", command("describe-stacks")),
        ),
    }
}
