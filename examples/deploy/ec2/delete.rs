//! `deploy ec2 stack delete`.

use clap::{ArgAction, Args};
use landfall::ec2_cfn::stack::{IfBusy, StackDeletion, StackDeletionSpec};
use landfall::target::Undo;
use landfall::{Cause, Result};

use crate::flags::{Busy, Global, collect, complete};
use crate::step::{self, Call};

const REFUSED: &str = "the stack cannot be deleted as asked";

/// Which stack is deleted, and what of it stays.
#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// Name of the stack
    #[arg(long, value_name = "NAME")]
    stack_name: String,
    /// Agrees to the deletion, which nobody can take back; --plan shows what would be deleted, and needs no agreement
    #[arg(long)]
    yes: bool,
    /// Leaves a resource behind, by its logical id, where a deletion has failed before; repeat for several
    #[arg(long, value_name = "LOGICAL-ID", action = ArgAction::Append, conflicts_with = "force")]
    retain_resource: Vec<String>,
    /// Leaves behind whatever cannot be deleted, where a deletion has failed before (FORCE_DELETE_STACK)
    #[arg(long)]
    force: bool,
    /// Role by which CloudFormation deletes the resources [default: that of the stack]
    #[arg(long, value_name = "ARN")]
    service_role_arn: Option<String>,
}

/// Runs the subcommand and gives the exit code.
///
/// # Errors
/// What ended it before the deletion began.
pub(super) async fn run(mut call: Call<'_>, what: &Delete) -> Result<u8> {
    let (global, cx) = (call.global, call.cx);
    global.no_change_set(&mut call.problems);
    if !what.yes && global.plan.is_none() {
        let text =
            format!("stack {} is deleted with everything in it only when --yes is given", what.stack_name);
        call.problems.push(
            Cause::invalid("--yes", text)
                .with_hint("look at what would be deleted with --plan, then agree with --yes"),
        );
    }
    let mut made = step::made(call, REFUSED, spec(global, what), 1, |spec, session| {
        spec.target(&session.config, session.place.clone())
    })
    .await?;
    // What is gone is gone: there is nothing to revert to.
    made.policy = made.policy.on_failure(Undo::Keep).on_cancel(Undo::Keep);
    step::run(global, cx, &made).await
}

fn spec(global: &Global, what: &Delete) -> Result<StackDeletionSpec> {
    let mut problems = Vec::new();
    let mut builder = StackDeletion::builder()
        .name(&what.stack_name)
        .retain(what.retain_resource.clone())
        .force(what.force);
    if let Some(arn) = &what.service_role_arn {
        builder = builder.role_arn(arn);
    }
    match global.if_busy {
        Busy::Fail => {}
        Busy::Wait => builder = builder.if_busy(IfBusy::Wait),
        Busy::Adopt | Busy::Supersede => problems.push(
            Cause::invalid("--if-busy", "an operation of a stack cannot be adopted or superseded")
                .with_hint("use --if-busy wait or fail"),
        ),
    }
    let built = collect(builder.build(), &mut problems);
    complete(REFUSED, built, problems)
}
