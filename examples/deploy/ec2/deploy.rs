//! `deploy ec2 deploy`: from flags to a deployment by CodeDeploy.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use landfall::aws::bounded::read_text;
use landfall::aws::environment::Environment;
use landfall::ec2_cfn::deployment::{Deployment, DeploymentSpec, IfBusy, Revision, WhenReady};
use landfall::{Cause, Context, Result};

use crate::flags::{Busy, Global, collect, complete, duration, in_flags};
use crate::step;

/// Bytes that an input of CreateDeployment may have: an AppSpec in it is the only long member. Ours, with room to spare.
const LARGEST_INPUT: usize = 512 * 1024;

/// What to deploy to which deployment group.
#[derive(Debug, Args)]
pub(crate) struct Deploy {
    /// A JSON file with an input of CreateDeployment; the other flags go before what it says
    #[arg(long, value_name = "FILE")]
    deployment_file: Option<PathBuf>,
    /// Name of the application
    #[arg(long, value_name = "NAME")]
    application: Option<String>,
    /// Name of the deployment group
    #[arg(long, value_name = "NAME")]
    deployment_group: Option<String>,
    /// The bundle: its key ends with .zip, .tar, .tgz or .tar.gz
    #[arg(long, value_name = "s3://BUCKET/KEY")]
    s3_location: Option<String>,
    /// eTag of the bundle: agents refuse one that was changed since
    #[arg(long, value_name = "ETAG", requires = "s3_location")]
    etag: Option<String>,
    /// Version of the bundle
    #[arg(long, value_name = "ID", requires = "s3_location")]
    object_version: Option<String>,
    /// Deployment configuration, such as CodeDeployDefault.HalfAtATime [default: that of the group]
    #[arg(long, value_name = "NAME")]
    deployment_config: Option<String>,
    /// When a blue/green deployment waits before the traffic is moved
    #[arg(long, value_name = "WHAT", default_value = "wait")]
    when_ready: Ready,
    /// Ends the wait when an agent is silent for so long [default: CodeDeploy gives up after about an hour]
    #[arg(long, value_name = "TIME")]
    agent_limit: Option<String>,
    /// Deploys even when this very revision was deployed last with success
    #[arg(long)]
    redeploy: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Ready {
    Wait,
    Continue,
    Stop,
}

/// Runs the subcommand and gives the exit code.
///
/// # Errors
/// What ended it before the deployment began.
pub(super) async fn run(
    global: &Global,
    what: &Deploy,
    process: Environment,
    cx: &Context,
    mut problems: Vec<Cause>,
) -> Result<u8> {
    let policy = global.policy(&mut problems);
    let spec = collect(spec(global, what), &mut problems);
    global.no_change_set(&mut problems);
    let ready = step::ready(global, process, cx, &policy, problems).await?;
    let spec = complete("the deployment cannot be made as asked", spec, Vec::new())?;
    let target = spec.target(&ready.session.config, ready.session.place.clone())?;
    step::run(global, &target, cx, &policy).await
}

fn spec(global: &Global, what: &Deploy) -> Result<DeploymentSpec> {
    let mut problems = Vec::new();
    let mut builder = Deployment::builder();
    if let Some(path) = &what.deployment_file {
        let name = path.display().to_string();
        match read_text(path, LARGEST_INPUT) {
            Ok(text) => builder = builder.input_file(&name, &text),
            Err(error) => {
                problems.push(Cause::invalid("--deployment-file", format!("{name} cannot be read: {error}")));
            }
        }
    }
    if let Some(application) = &what.application {
        builder = builder.application(application);
    }
    if let Some(group) = &what.deployment_group {
        builder = builder.deployment_group(group);
    }
    if let Some(config) = &what.deployment_config {
        builder = builder.config(config);
    }
    match what.s3_location.as_deref().map(Revision::parse) {
        Some(Ok(mut revision)) => {
            if let Some(etag) = &what.etag {
                revision = revision.with_etag(etag);
            }
            if let Some(version) = &what.object_version {
                revision = revision.with_version(version);
            }
            builder = builder.revision(&revision);
        }
        Some(Err(problem)) => problems.push(in_flags(*problem)),
        None => {}
    }
    if let Some(text) = &what.agent_limit {
        match duration("--agent-limit", text) {
            Ok(limit) => builder = builder.agent_limit(limit),
            Err(problem) => problems.push(*problem),
        }
    }
    builder = match global.if_busy {
        Busy::Fail => builder.if_busy(IfBusy::Fail),
        Busy::Wait => builder.if_busy(IfBusy::Wait),
        Busy::Adopt => builder.if_busy(IfBusy::Adopt),
        Busy::Supersede => {
            let message = "CodeDeploy runs one deployment of a group at a time, and landfall never stops somebody else's: fail, \
                           wait or adopt";
            problems.push(Cause::invalid("--if-busy", message));
            builder
        }
    };
    let built = collect(builder.redeploy(what.redeploy).when_ready(when_ready(what)).build(), &mut problems);
    complete("the deployment cannot be made as asked", built, problems)
}

fn when_ready(what: &Deploy) -> WhenReady {
    match what.when_ready {
        Ready::Wait => WhenReady::Wait,
        Ready::Continue => WhenReady::Continue,
        Ready::Stop => WhenReady::Stop,
    }
}
