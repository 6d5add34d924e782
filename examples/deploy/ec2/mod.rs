//! `deploy ec2`: a stack, a bundle and a deployment, each by itself, or all three as one release.

mod bundle;
mod delete;
mod deploy;
mod release;
mod stack;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, Id, Subcommand};
use landfall::{Cause, Result};

use crate::flags::Global;
use crate::step::Call;

/// What to deploy.
#[derive(Debug, Args)]
#[command(subcommand_negates_reqs = true)]
pub(crate) struct Ec2 {
    #[command(subcommand)]
    part: Option<Part>,
    #[command(flatten)]
    whole: Box<release::Release>,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// Creates or updates a CloudFormation stack and waits for it; or deletes one.
    Stack(Box<stack::Alone>),
    /// Packs a folder and sends it to S3, unless it is there already.
    Bundle(Box<bundle::Bundle>),
    /// Deploys a revision to the instances of a CodeDeploy deployment group and waits for it.
    Deploy(Box<deploy::Deploy>),
}

impl Ec2 {
    /// The step's name in events and tokens.
    pub(crate) fn step(&self) -> &'static str {
        match &self.part {
            None => "ec2",
            Some(Part::Stack(what)) => what.step(),
            Some(Part::Bundle(_)) => "bundle",
            Some(Part::Deploy(_)) => "deployment",
        }
    }
}

/// Runs the subcommand and gives the exit code.
///
/// # Errors
/// What ended it before the deployment began.
pub(crate) async fn run(call: Call<'_>, what: &Ec2) -> Result<u8> {
    match &what.part {
        None => release::run(call, &what.whole).await,
        Some(Part::Stack(what)) => stack::run(call, what).await,
        Some(Part::Bundle(what)) => bundle::run(call, what).await,
        Some(Part::Deploy(what)) => deploy::run(call, what).await,
    }
}

/// Flags that stand before the name of what they are not for, where they would mean nothing.
pub(crate) fn misplaced(matches: &ArgMatches) -> Option<Cause> {
    let matches = matches.subcommand_matches("ec2")?;
    let whole = release::Release::augment_args(Command::new("ec2"));
    stray(matches, &whole, "the whole release").or_else(|| {
        let alone = stack::Alone::augment_args(Command::new("stack"));
        stray(matches.subcommand_matches("stack")?, &alone, "the deployment of a stack")
    })
}

/// Flags of `whole` that were given before one of its parts.
fn stray(matches: &ArgMatches, whole: &Command, what: &str) -> Option<Cause> {
    let part = matches.subcommand_name()?;
    let global = Global::augment_args(Command::new("global"));
    let anywhere = |id: &&Id| global.get_arguments().any(|known| known.get_id() == *id);
    let of_whole = |id: &&Id| whole.get_arguments().any(|known| known.get_id() == *id);
    let given = |id: &&Id| matches.value_source(id.as_str()) == Some(ValueSource::CommandLine);
    let flags: Vec<String> = matches
        .ids()
        .filter(|id| of_whole(id) && given(id) && !anywhere(id))
        .map(|id| format!("--{}", id.as_str().replace('_', "-")))
        .collect();
    let message = format!("{} stand before `{part}`, and are for {what} there", flags.join(", "));
    let hint = format!("put them behind `{part}`, or leave `{part}` out");
    (!flags.is_empty()).then(|| Cause::invalid(&flags[0], message).with_hint(hint))
}

/// The output of the stack that `stack:OUTPUT` names.
fn output(text: &str) -> Option<&str> {
    text.strip_prefix("stack:")
}

/// Something is to be an output of a stack where no stack is deployed.
fn no_stack(flag: &str, output: &str) -> Cause {
    let message = format!("{flag} is to be the output {output} of a stack, and none is deployed here");
    Cause::invalid(flag, message).with_hint("give its name, or deploy all three by `ec2` alone")
}
