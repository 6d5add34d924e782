//! `deploy ec2 deploy`: from flags to a deployment by CodeDeploy.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, ValueEnum};
use landfall::aws::bounded::read_text;
use landfall::aws::environment::Environment;
use landfall::ec2_cfn::deployment::{
    Deployment, DeploymentBuilder, DeploymentSpec, IfBusy, Revision, ScalingProcess, WhenReady,
};
use landfall::{Cause, Result};

use super::{no_stack, output};
use crate::flags::{Busy, Global, Switch, collect, complete, duration, in_flags};
use crate::step::{self, Call};

/// Bytes that an input of CreateDeployment may have: an AppSpec in it is the only long member. Ours, with room to spare.
const LARGEST_INPUT: usize = 512 * 1024;

const REFUSED: &str = "the deployment cannot be made as asked";

/// What to deploy to which deployment group.
#[derive(Debug, Args)]
pub(crate) struct Deploy {
    #[command(flatten)]
    how: How,
    /// The bundle: its key ends with .zip, .tar, .tgz or .tar.gz
    #[arg(long, value_name = "s3://BUCKET/KEY")]
    s3_location: Option<String>,
    /// eTag of the bundle: agents refuse one that was changed since
    #[arg(long, value_name = "ETAG", requires = "s3_location")]
    etag: Option<String>,
    /// Version of the bundle
    #[arg(long, value_name = "ID", requires = "s3_location")]
    object_version: Option<String>,
    /// Restarts what was deployed last with success instead of deploying a bundle; in place, with agents from 2.1.0
    #[arg(long, conflicts_with = "s3_location")]
    restart: bool,
}

/// To which deployment group, and how.
#[derive(Debug, Args)]
pub(crate) struct How {
    /// A JSON file with an input of CreateDeployment; the other flags go before what it says
    #[arg(long, value_name = "FILE")]
    deployment_file: Option<PathBuf>,
    /// Name of the application
    #[arg(long, value_name = "NAME")]
    application: Option<String>,
    /// Name of the deployment group
    #[arg(long, value_name = "NAME")]
    deployment_group: Option<String>,
    /// Deployment configuration, such as CodeDeployDefault.HalfAtATime [default: that of the group]
    #[arg(long, value_name = "NAME")]
    deployment_config: Option<String>,
    /// When a blue/green deployment waits before the traffic is moved
    #[arg(long, value_name = "WHAT", default_value = "wait")]
    when_ready: Ready,
    /// Waits until the old instances of a blue/green deployment are terminated; `off` ends it when the traffic is moved
    #[arg(long, value_name = "ON|OFF", default_value = "on")]
    wait_for_termination: Switch,
    /// Ends the wait when an agent is silent for so long [default: CodeDeploy gives up after about an hour]
    #[arg(long, value_name = "TIME")]
    agent_limit: Option<String>,
    /// Waits at most so long until the Auto Scaling groups have their capacity, `off` not at all [default: 10m]
    #[arg(long, value_name = "TIME|off")]
    capacity_limit: Option<String>,
    /// Deploys even when this very revision was deployed last with success
    #[arg(long)]
    redeploy: bool,
    /// Number of this release among those of its project, such as $CI_PIPELINE_IID: refused when a higher one was deployed
    #[arg(long, value_name = "NUMBER")]
    sequence: Option<u64>,
    /// Deploys an older release over a newer one: going back on purpose
    #[arg(long, requires = "sequence")]
    allow_older: bool,
    /// Process of the group's Auto Scaling groups that CodeDeploy suspends meanwhile; repeat for several
    #[arg(long, value_name = "PROCESS", action = ArgAction::Append)]
    suspend: Vec<Process>,
}

/// As Auto Scaling writes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Process {
    #[value(name = "Terminate")]
    Terminate,
    #[value(name = "AZRebalance")]
    AzRebalance,
    #[value(name = "InstanceRefresh")]
    InstanceRefresh,
    #[value(name = "ScheduledActions")]
    ScheduledActions,
}

impl From<Process> for ScalingProcess {
    fn from(process: Process) -> Self {
        match process {
            Process::Terminate => Self::Terminate,
            Process::AzRebalance => Self::AzRebalance,
            Process::InstanceRefresh => Self::InstanceRefresh,
            Process::ScheduledActions => Self::ScheduledActions,
        }
    }
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
pub(super) async fn run(mut call: Call<'_>, what: &Deploy) -> Result<u8> {
    call.global.no_change_set(&mut call.problems);
    let spec = spec(call.global, &call.process, what);
    step::deploy(call, REFUSED, spec, |spec, session| spec.target(&session.config, session.place.clone()))
        .await
}

fn spec(global: &Global, process: &Environment, what: &Deploy) -> Result<DeploymentSpec> {
    let mut problems = Vec::new();
    let Made { mut builder, application, group } = what.how.builder(global, process, None, &mut problems);
    problems.extend(application.map(|output| no_stack("--application", &output)));
    problems.extend(group.map(|output| no_stack("--deployment-group", &output)));
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
        None if what.restart => builder = builder.restart(),
        None => {}
    }
    let built = collect(builder.build(), &mut problems);
    complete(REFUSED, built, problems)
}

/// What the flags say, and the outputs of the stack that name application and group, if they do.
pub(super) struct Made {
    pub(super) builder: DeploymentBuilder,
    pub(super) application: Option<String>,
    pub(super) group: Option<String>,
}

impl How {
    /// All that the flags say. `pushed_to` is the application of the push file, if there is one.
    pub(super) fn builder(
        &self,
        global: &Global,
        process: &Environment,
        pushed_to: Option<&str>,
        problems: &mut Vec<Cause>,
    ) -> Made {
        let mut builder = Deployment::builder();
        if let Some(application) = pushed_to {
            builder = builder.application(application);
        }
        if let Some((name, text)) = self.deployment_file(problems) {
            problems.extend(other_application(
                &name,
                &text,
                pushed_to.filter(|_| self.application.is_none()),
            ));
            builder = builder.input_file(&name, &text);
        }
        let application = self.application.as_deref().and_then(output).map(str::to_owned);
        let group = self.deployment_group.as_deref().and_then(output).map(str::to_owned);
        if let Some(name) = self.application.as_ref().filter(|_| application.is_none()) {
            builder = builder.application(name);
        }
        if let Some(name) = self.deployment_group.as_ref().filter(|_| group.is_none()) {
            builder = builder.deployment_group(name);
        }
        if let Some(config) = &self.deployment_config {
            builder = builder.config(config);
        }
        if let Some(text) = &self.agent_limit {
            match duration("--agent-limit", text) {
                Ok(limit) => builder = builder.agent_limit(limit),
                Err(problem) => problems.push(*problem),
            }
        }
        builder = self.capacity_limit(builder, problems);
        if let Some(number) = self.sequence {
            // Numbers of other projects say nothing: CI_PIPELINE_IID counts in each project by itself.
            let project = process.get("CI_PROJECT_PATH").unwrap_or_default();
            builder = builder.sequence(project, number).allow_older(self.allow_older);
        }
        if !self.suspend.is_empty() {
            let processes: Vec<ScalingProcess> = self.suspend.iter().map(|one| (*one).into()).collect();
            builder = builder.suspend(&processes);
        }
        let builder = builder.wait_for_termination(self.wait_for_termination == Switch::On);
        let builder = builder.redeploy(self.redeploy).when_ready(match self.when_ready {
            Ready::Wait => WhenReady::Wait,
            Ready::Continue => WhenReady::Continue,
            Ready::Stop => WhenReady::Stop,
        });
        Made { builder: if_busy(builder, global.if_busy, problems), application, group }
    }

    fn capacity_limit(&self, builder: DeploymentBuilder, problems: &mut Vec<Cause>) -> DeploymentBuilder {
        let limit = match self.capacity_limit.as_deref() {
            None => return builder,
            Some("off") => Ok(Duration::ZERO),
            Some(text) => duration("--capacity-limit", text),
        };
        match limit {
            Ok(limit) => builder.capacity_limit(limit),
            Err(problem) => {
                problems.push(*problem);
                builder
            }
        }
    }

    /// Name and text of the deployment file, if there is one and it can be read.
    fn deployment_file(&self, problems: &mut Vec<Cause>) -> Option<(String, String)> {
        let path = self.deployment_file.as_deref()?;
        let name = path.display().to_string();
        let text = read_text(path, LARGEST_INPUT).map_err(|error| {
            problems.push(Cause::invalid("--deployment-file", format!("{name} cannot be read: {error}")));
        });
        Some((name, text.ok()?))
    }
}

/// Two files that name two applications; what is no JSON is told by the builder.
fn other_application(name: &str, text: &str, pushed_to: Option<&str>) -> Option<Cause> {
    let input: serde_json::Value = serde_json::from_str(text).ok()?;
    let deployed = input["applicationName"].as_str()?;
    let pushed_to = pushed_to.filter(|pushed_to| *pushed_to != deployed)?;
    let message = format!("{name} is for application {deployed:?}, and the push file for {pushed_to:?}");
    Some(Cause::invalid("--deployment-file", message).with_hint("name the one that is meant: --application"))
}

fn if_busy(builder: DeploymentBuilder, busy: Busy, problems: &mut Vec<Cause>) -> DeploymentBuilder {
    match busy {
        Busy::Fail => builder.if_busy(IfBusy::Fail),
        Busy::Wait => builder.if_busy(IfBusy::Wait),
        Busy::Adopt => builder.if_busy(IfBusy::Adopt),
        Busy::Supersede => {
            let message = "CodeDeploy runs one deployment of a group at a time, and landfall never stops somebody else's: fail, \
                           wait or adopt";
            problems.push(Cause::invalid("--if-busy", message));
            builder
        }
    }
}
