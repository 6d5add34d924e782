//! `deploy ec2`: a stack, a bundle and a deployment, each by itself.

mod bundle;
mod deploy;
mod stack;

use clap::{Args, Subcommand};
use landfall::aws::environment::Environment;
use landfall::{Cause, Context, Error, Result};

use crate::flags::Global;

/// What to deploy.
#[derive(Debug, Args)]
pub(crate) struct Ec2 {
    #[command(subcommand)]
    part: Part,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// Creates or updates a CloudFormation stack and waits for it.
    Stack(Box<stack::Stack>),
    /// Packs a folder and sends it to S3, unless it is there already.
    Bundle(Box<bundle::Bundle>),
    /// Deploys a revision to the instances of a CodeDeploy deployment group and waits for it.
    Deploy(Box<deploy::Deploy>),
}

impl Ec2 {
    /// The step's name in events and tokens.
    pub(crate) fn step(&self) -> &'static str {
        match self.part {
            Part::Stack(_) => "stack",
            Part::Bundle(_) => "bundle",
            Part::Deploy(_) => "deployment",
        }
    }
}

/// Runs the subcommand and gives the exit code.
///
/// # Errors
/// What ended it before the deployment began.
pub(crate) async fn run(
    global: &Global,
    what: &Ec2,
    process: Environment,
    cx: &Context,
    problems: Vec<Cause>,
) -> Result<u8> {
    match &what.part {
        Part::Stack(what) => stack::run(global, what, process, cx, problems).await,
        Part::Bundle(what) => bundle::run(global, what, process, cx, problems).await,
        Part::Deploy(what) => deploy::run(global, what, process, cx, problems).await,
    }
}

/// `KEY=VALUE`, as tags are given.
///
/// # Errors
/// A value without `=`, or without a key before it.
pub(crate) fn pair<'a>(flag: &str, text: &'a str) -> Result<(&'a str, &'a str)> {
    let parts = text.split_once('=').filter(|(key, _)| !key.is_empty());
    parts.ok_or_else(|| {
        let problem = Cause::invalid(flag, format!("{flag} {text:?} is not KEY=VALUE"));
        Error::invalid("a pair is not one").with_cause(problem.with_hint("for example team=web"))
    })
}
