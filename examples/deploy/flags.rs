//! Reads the command line. Values are checked together, so that all problems are told at once.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use landfall::target::Undo;
use landfall::{Cause, Error, Policy, Result};

use crate::ec2::Ec2;
use crate::eks::Eks;
use crate::eks::file::ByFile;
use crate::late::Late;

/// Deploys software to AWS and tells the truth about it.
///
/// Exit codes: 0 succeeded, nothing to do, or started (--no-wait); 1 failed; 2 invalid input; 3 failed and rolled
/// back; 4 the undo failed; 5 superseded; 6 timed out; 7 no usable credentials; 8 waits for a person; 9 outcome
/// unknown; 130 cancelled.
#[derive(Debug, Parser)]
#[command(name = "deploy", version, about, max_term_width = 110)]
pub(crate) struct Flags {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Deploys a new task definition to an Amazon ECS service and waits for this rollout.
    Ecs(Late<Ecs>),
    /// Applies manifests to a Kubernetes cluster, of EKS or of a kubeconfig, and waits until all is ready.
    Eks(Late<Eks>),
    /// Deploys to EC2: a CloudFormation stack, a bundle in S3, a deployment by CodeDeploy; all three, or one of them.
    Ec2(Late<Ec2>),
    /// Checks credentials, account, region and target. Changes nothing.
    Doctor(Late<Doctor>),
    /// Lists the runs of a journal, or shows one of them. Needs no credentials.
    Runs(Late<Runs>),
    /// Undoes a run of a journal by what it recorded: what was there before is put back.
    Revert(Late<Revert>),
    /// Names what can happen in the simulated AWS (--simulate --scenario NAME).
    Scenarios,
}

impl Command {
    /// The step's name in events and run tags.
    pub(crate) fn step(&self) -> &'static str {
        match self {
            Self::Ecs(_) => "ecs",
            Self::Eks(_) => "eks",
            Self::Ec2(what) => what.step(),
            Self::Doctor(_) => "doctor",
            Self::Runs(_) => "runs",
            Self::Revert(_) => "revert",
            Self::Scenarios => "scenarios",
        }
    }
}

/// Flags that stand before or after the subcommand.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// AWS region; else AWS_REGION, then AWS_DEFAULT_REGION
    #[arg(long, global = true, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// Role to assume, repeated for a chain; with an OIDC token the first one is assumed by the token
    #[arg(long, global = true, value_name = "ARN", action = ArgAction::Append)]
    pub(crate) role_arn: Vec<String>,
    /// External id for the last role of the chain
    #[arg(long, global = true, value_name = "ID")]
    pub(crate) external_id: Option<String>,
    /// Session tag for the last role of the chain; repeat for several
    #[arg(long, global = true, value_name = "KEY=VALUE", action = ArgAction::Append)]
    pub(crate) session_tag: Vec<String>,
    /// Policy that narrows what the session may do: a JSON file, or the ARN of a managed policy; repeat for several ARNs
    #[arg(long, global = true, value_name = "FILE|ARN", action = ArgAction::Append)]
    pub(crate) session_policy: Vec<String>,
    /// Environment variable that holds the OIDC token of the CI job
    #[arg(long, global = true, value_name = "NAME", conflicts_with = "oidc_token_file", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) oidc_token_env: Option<String>,
    /// File that holds the OIDC token
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) oidc_token_file: Option<PathBuf>,
    /// Ends with exit code 7 when the credentials belong to another account
    #[arg(long, global = true, value_name = "ACCOUNT")]
    pub(crate) expected_account: Option<String>,
    /// Name of this release; the same name attaches to it again [default: from the CI variables, else made up]
    #[arg(long, global = true, value_name = "ID")]
    pub(crate) run_id: Option<String>,
    /// Directory that remembers runs: a killed run goes on from it with the same run id [default: nothing is kept]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) journal: Option<PathBuf>,
    /// How long to wait for the rollout, for example 90s, 15m, 1h30m
    #[arg(long, global = true, value_name = "TIME", default_value = "30m")]
    pub(crate) timeout: String,
    /// After a failure: keep what is there, or put back what was there before
    #[arg(long, global = true, value_name = "WHAT", default_value = "revert")]
    pub(crate) on_failure: After,
    /// After Ctrl-C or SIGTERM: let the deployment go on, or put back what was there before
    #[arg(long, global = true, value_name = "WHAT", default_value = "keep")]
    pub(crate) on_cancel: After,
    /// When another deployment of the service is in flight; our own run is always adopted. `wait` also waits for a run
    /// that shares the journal
    #[arg(long, global = true, value_name = "POLICY", default_value = "fail")]
    pub(crate) if_busy: Busy,
    /// Shows what would change and changes nothing; `--plan=change-set` (stacks only) has CloudFormation work it out, by a
    /// change set that is made and deleted again, or kept by --save-plan
    #[arg(long, global = true, value_name = "HOW", num_args = 0..=1, require_equals = true, default_missing_value = "read")]
    pub(crate) plan: Option<PlanBy>,
    /// Starts the change and does not wait for its end
    #[arg(long, global = true, conflicts_with = "plan")]
    pub(crate) no_wait: bool,
    /// human: lines for people; json: one event a line on standard output, and nothing else
    #[arg(long, global = true, value_name = "FORM", default_value = "human")]
    pub(crate) output: Output,
    /// Tells more: retries and details
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    /// Deploys to a simulated AWS inside this process: cluster demo, service web, containers web and sidecar
    #[arg(long, global = true)]
    pub(crate) simulate: bool,
    /// What happens in the simulated AWS; the subcommand `scenarios` names them
    #[arg(long, global = true, value_name = "NAME", requires = "simulate")]
    pub(crate) scenario: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum After {
    Keep,
    Revert,
}

impl From<After> for Undo {
    fn from(after: After) -> Self {
        match after {
            After::Keep => Self::Keep,
            After::Revert => Self::Revert,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Busy {
    Fail,
    Wait,
    Adopt,
    Supersede,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlanBy {
    Read,
    ChangeSet,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    On,
    Off,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    Human,
    Json,
}

/// What to deploy to which service.
#[derive(Debug, Args)]
pub(crate) struct Ecs {
    /// Name or ARN of the cluster
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: String,
    /// Name or ARN of the service
    #[arg(long, value_name = "NAME")]
    pub(crate) service: String,
    /// Task definition: a JSON file, a family, family:revision or an ARN [default: the one the service runs]
    #[arg(long, value_name = "FILE|FAMILY|ARN")]
    pub(crate) task_definition: Option<String>,
    /// Image for one container, or for all of them; repeat for several containers
    #[arg(long, value_name = "[CONTAINER=]IMAGE", action = ArgAction::Append)]
    pub(crate) image: Vec<String>,
    /// Ends the wait when three tasks stopped for one lasting reason (no such image, secret, command, ...) and no circuit
    /// breaker would end it; off: waits for the deadline
    #[arg(long, value_name = "ON|OFF", default_value = "on")]
    pub(crate) fail_fast: Switch,
    /// Starts a deployment even when nothing changed
    #[arg(long)]
    pub(crate) force_new_deployment: bool,
}

/// Which runs to show.
#[derive(Debug, Args)]
pub(crate) struct Runs {
    /// Shows this run with its records, verdict and causes
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<String>,
}

/// What to undo.
#[derive(Debug, Args)]
pub(crate) struct Revert {
    /// The id of the run, as `runs` lists it
    #[arg(value_name = "RUN", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) run: String,
    #[command(flatten)]
    pub(crate) by_file: ByFile,
}

/// What to check beside the credentials.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Name or ARN of the cluster
    #[arg(long, value_name = "NAME", requires = "service")]
    pub(crate) cluster: Option<String>,
    /// Name or ARN of the service
    #[arg(long, value_name = "NAME", requires = "cluster")]
    pub(crate) service: Option<String>,
}

/// The library names fields by what they are; here they are flags.
pub(crate) fn in_flags(mut cause: Cause) -> Cause {
    let flag = match cause.field.as_deref() {
        Some("cluster") => "--cluster",
        Some("service") => "--service",
        Some("image") => "--image",
        Some("application") => "--application",
        Some("deployment group") => "--deployment-group",
        Some("s3 location" | "revision") => "--s3-location",
        Some("deployment file") => "--deployment-file",
        Some("push file") => "--push-file",
        Some("deployment config") => "--deployment-config",
        Some("agent limit") => "--agent-limit",
        Some("suspended processes") => "--suspend",
        Some("task definition") => "--task-definition",
        Some("region") => "--region",
        Some("role ARN") => "--role-arn",
        Some("external id") => "--external-id",
        Some("session tag") => "--session-tag",
        Some("session policy") => "--session-policy",
        Some("expected account") => "--expected-account",
        Some("name") => "--stack-name",
        Some("template") => "--template",
        Some("template_bucket") => "--template-bucket",
        Some("parameter" | "parameter file") => "--parameter",
        Some("tags") => "--tag",
        Some("tag") => "--object-tag",
        Some("stack_policy") => "--stack-policy",
        Some("role_arn") => "--service-role-arn",
        Some("notification_arns") => "--notification-arn",
        Some("saved plan") => "--from-plan",
        Some("source") => "--source",
        Some("bucket" | "key" | "prefix") => "--s3-location",
        Some("format") => "--format",
        Some("create_bucket") => "--create-bucket",
        Some("ignore") => "--ignore",
        Some("manifests") => "--manifests",
        Some("namespace") => "--namespace",
        Some("labels") => "--label",
        Some("release") => "--release",
        Some("rule") => "--wait-for",
        Some("at_once") => "--at-once",
        Some("kubeconfig") => "--kubeconfig",
        Some("level") => "--level",
        _ => return cause,
    };
    cause.field = Some(flag.to_owned());
    cause
}

/// The value, or its problems added to the others.
pub(crate) fn collect<T>(made: Result<T>, problems: &mut Vec<Cause>) -> Option<T> {
    made.map_err(|error| match error.causes() {
        [] => {
            let problem = Cause::new("invalid-input", error.message());
            problems.push(match error.hint() {
                Some(hint) => problem.with_hint(hint),
                None => problem,
            });
        }
        causes => problems.extend(causes.iter().cloned().map(in_flags)),
    })
    .ok()
}

/// The value if there are no problems, else all of them at once.
pub(crate) fn complete<T>(message: &str, value: Option<T>, problems: Vec<Cause>) -> Result<T> {
    Error::all(message, problems)?;
    value.ok_or_else(|| Error::internal("flags were refused without a reason"))
}

/// `KEY=VALUE`, as tags and labels are given.
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

/// The longest wait that makes sense: role sessions end after 12 hours, paused hooks after 24.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

impl Global {
    /// The policy, or every problem of the flags that make it.
    pub(crate) fn policy(&self, problems: &mut Vec<Cause>) -> Policy {
        let policy = Policy::default().on_failure(self.on_failure.into()).on_cancel(self.on_cancel.into());
        let policy = if self.no_wait { policy.without_wait() } else { policy };
        let policy = if self.if_busy == Busy::Wait { policy.waiting_for_resource() } else { policy };
        match duration("--timeout", &self.timeout) {
            Ok(timeout) => policy.timeout(timeout),
            Err(problem) => {
                problems.push(*problem);
                policy
            }
        }
    }

    /// Refuses a plan by change set for what has none.
    pub(crate) fn no_change_set(&self, problems: &mut Vec<Cause>) {
        if self.plan == Some(PlanBy::ChangeSet) {
            let problem =
                Cause::invalid("--plan", "--plan=change-set is for stacks; there is no change set here");
            problems.push(problem.with_hint("use --plan"));
        }
    }

    /// `--timeout`, once it was found good.
    pub(crate) fn limit(&self) -> Duration {
        duration("--timeout", &self.timeout).unwrap_or(LONGEST_TIMEOUT)
    }

    /// The run's id as given, or nothing.
    pub(crate) fn checked_run_id(&self, problems: &mut Vec<Cause>) -> Option<String> {
        let id = self.run_id.as_deref()?;
        let fits = |c: char| c.is_ascii_alphanumeric() || "_.:/=+-@".contains(c);
        if id.is_empty() {
            let hint = "a variable in it was probably empty; leave the flag out to let landfall name the run";
            problems.push(Cause::invalid("--run-id", "--run-id is empty").with_hint(hint));
        } else if id.len() > 200 || !id.chars().all(fits) {
            // The id becomes part of a tag, whose values allow these characters and 256 of them.
            let problem = Cause::invalid("--run-id", format!("--run-id cannot be {id:?}"));
            problems.push(problem.with_hint("use at most 200 letters, digits and _ . : / = + - @"));
        }
        Some(id.to_owned())
    }
}

pub(crate) fn duration(flag: &str, text: &str) -> Result<Duration, Box<Cause>> {
    let problem = |why: &str| {
        let problem = Cause::invalid(flag, format!("{flag} {text:?} {why}"));
        Box::new(problem.with_hint("give a time with its unit, for example 90s, 15m or 1h30m"))
    };
    let span: jiff::SignedDuration = text.trim().parse().map_err(|_| problem("is not a length of time"))?;
    let time = Duration::try_from(span).map_err(|_| problem("is negative"))?;
    if time.is_zero() {
        return Err(problem("is no time at all"));
    }
    if time > LONGEST_TIMEOUT {
        return Err(problem("is longer than 24 hours"));
    }
    Ok(time)
}
