//! `deploy ec2` as a whole: stack, bundle and deployment in one release.

use clap::Args;
use landfall::aws::environment::Environment;
use landfall::ec2_cfn::release::{ReleaseSpec, release};
use landfall::pipeline::Rollback;
use landfall::target::Undo;
use landfall::{Cause, Result};

use super::{bundle, deploy, stack};
use crate::flags::{After, Global, collect, complete};
use crate::step::{self, Call};

const REFUSED: &str = "the release cannot be made as asked";

/// Stack, deployment and, where the stack names the bucket, the bundle between them.
const AFTER_ONE_ANOTHER: u32 = 3;

/// A whole release. Application, deployment group and bucket may be outputs of the stack: `--application
/// stack:OUTPUT`, `--s3-location s3://stack:OUTPUT/PREFIX/`.
#[derive(Debug, Args)]
pub(crate) struct Release {
    #[command(flatten, next_help_heading = "Stack")]
    stack: stack::Stack,
    #[command(flatten, next_help_heading = "Bundle")]
    bundle: bundle::Bundle,
    #[command(flatten, next_help_heading = "Deployment")]
    deployment: deploy::How,
}

/// Runs the release and gives the exit code.
///
/// # Errors
/// What ended it before anything was begun.
pub(super) async fn run(mut call: Call<'_>, what: &Release) -> Result<u8> {
    let (global, cx) = (call.global, call.cx);
    global.no_change_set(&mut call.problems);
    let spec = spec(global, &call.process, cx.run(), what);
    let made = step::made(call, REFUSED, spec, AFTER_ONE_ANOTHER, |spec, session| {
        spec.pipeline(&session.config, &session.place)
    })
    .await?;
    // Without its end nothing can be made of a step; only the last one need not be waited for.
    let mut waiting = made.policy.clone();
    waiting.wait = true;
    let pipeline = made.target.policy(made.policy).default_policy(waiting);
    let pipeline = pipeline.on_failure(rollback(global.on_failure)).on_cancel(rollback(global.on_cancel));
    step::run_pipeline(global, cx, &pipeline.build()?).await
}

fn rollback(after: After) -> Rollback {
    match Undo::from(after) {
        Undo::Keep => Rollback::Keep,
        Undo::Revert => Rollback::RevertAll,
    }
}

fn spec(global: &Global, process: &Environment, run: &str, what: &Release) -> Result<ReleaseSpec> {
    let mut problems = Vec::new();
    let stack = what.stack.builder(global, &mut problems);
    let file = what.bundle.push_file(&mut problems);
    let (bundle, bucket) = what.bundle.builder(file.as_ref(), &mut problems);
    let bundle = what.bundle.labelled(bundle, process, run, &mut problems);
    let pushed_to = file.as_ref().map(|file| file.application.as_str());
    let made = what.deployment.builder(global, process, pushed_to, &mut problems);
    let mut wanted = release(stack, bundle, made.builder);
    if let Some(output) = bucket {
        wanted = wanted.bucket_from(output);
    }
    if let Some(output) = made.application {
        wanted = wanted.application_from(output);
    }
    if let Some(output) = made.group {
        wanted = wanted.deployment_group_from(output);
    }
    let mut found = Vec::new();
    let built = collect(wanted.build(), &mut found);
    found.retain(|cause| !follows(cause, &problems));
    problems.extend(found);
    complete(REFUSED, built, problems)
}

/// What is missing because the file that says it could not be read, which is told already.
fn follows(cause: &Cause, told: &[Cause]) -> bool {
    let unread = |flag: &str| told.iter().any(|problem| problem.field.as_deref() == Some(flag));
    match cause.field.as_deref() {
        Some("--template") => unread("--template"),
        Some("--source" | "--s3-location" | "--application") => unread("--push-file"),
        _ => false,
    }
}
