//! `deploy ec2 stack`, and its verb `delete`.

use std::path::{Path, PathBuf};

use clap::{ArgAction, Args, Subcommand, ValueEnum};
use landfall::aws::bounded::read_text;
use landfall::ec2_cfn::stack::{
    Capability, IfBusy, OnStackFailure, ParameterSource, RecreateFailed, SavedPlan, StackBuilder, StackSpec,
    TemplateBucket, TemplateSource,
};
use landfall::event::Level;
use landfall::{Cause, Error, Result};

use super::delete;
use crate::flags::{Busy, Global, PlanBy, Switch, collect, complete, pair};
use crate::step::{self, Call};

/// What AWS takes a stack policy of, in bytes ("SetStackPolicy").
const LARGEST_POLICY: usize = 16 * 1024;

const REFUSED: &str = "the stack cannot be deployed as asked";

/// A stack by itself: what can be done with it.
#[derive(Debug, Args)]
#[command(subcommand_negates_reqs = true)]
pub(crate) struct Alone {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    stack: Stack,
    /// With --plan=change-set: keeps the change set, and writes by what it can be executed later
    #[arg(long, value_name = "FILE", conflicts_with = "from_plan")]
    save_plan: Option<PathBuf>,
    /// Executes exactly the change set of a plan that was saved; all other flags as they were given then
    #[arg(long, value_name = "FILE")]
    from_plan: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Deletes a stack with everything in it that its template does not retain, and waits for that.
    Delete(delete::Delete),
}

/// The stack, and what is to be in it.
#[derive(Debug, Args)]
pub(crate) struct Stack {
    /// Name of the stack
    #[arg(long, value_name = "NAME", required = true)]
    stack_name: Option<String>,
    /// Template: a file of YAML or JSON, or the URL of one in S3
    #[arg(long, value_name = "FILE|URL", required = true)]
    template: Option<String>,
    /// Value of a parameter, or a file of them (JSON in CloudFormation's shape, YAML, lines of NAME=VALUE); repeat for
    /// several. What is not named keeps its value
    #[arg(long, value_name = "NAME=VALUE|FILE", action = ArgAction::Append)]
    parameter: Vec<String>,
    /// Tag of the stack and its resources; repeat for several
    #[arg(long, value_name = "KEY=VALUE", action = ArgAction::Append)]
    tag: Vec<String>,
    /// The most that the template may ask for; repeat for several [default: whatever it needs]
    #[arg(long, value_name = "CAPABILITY", action = ArgAction::Append)]
    capability: Vec<AtMost>,
    /// Role by which CloudFormation makes the resources
    #[arg(long, value_name = "ARN")]
    service_role_arn: Option<String>,
    /// SNS topic that is told of the stack's events; repeat for several
    #[arg(long, value_name = "ARN", action = ArgAction::Append)]
    notification_arn: Vec<String>,
    /// Stack policy, a JSON file
    #[arg(long, value_name = "FILE")]
    stack_policy: Option<String>,
    /// Turns termination protection on or off [default: as it is]
    #[arg(long, value_name = "ON|OFF")]
    termination_protection: Option<Switch>,
    /// Takes resources into the stack that exist already under the names in the template, which must retain them
    #[arg(long)]
    import_existing: bool,
    /// Puts back what was changed outside of CloudFormation, even where the template says nothing new
    #[arg(long)]
    revert_drift: bool,
    /// Ends when the configuration is applied, without waiting for resources to be ready (express mode)
    #[arg(long)]
    express: bool,
    /// What CloudFormation does when the operation fails
    #[arg(long, value_name = "WHAT", default_value = "rollback")]
    on_stack_failure: OnFailure,
    /// A rollback deletes what the failed operation made, even if the template retains it
    #[arg(long)]
    retain_except_on_create: bool,
    /// Allows the update to replace resources
    #[arg(long)]
    allow_replacement: bool,
    /// Allows the update to delete resources
    #[arg(long)]
    allow_deletion: bool,
    /// Deletes and creates anew a stack whose creation failed and that can only be deleted
    #[arg(long, value_name = "WHOSE", default_value = "never")]
    recreate_failed: Recreate,
    /// First rolls back an update that failed and was left so, and goes on with a rollback that failed
    #[arg(long)]
    roll_back_first: bool,
    /// Bucket for templates of more than 51,200 bytes
    #[arg(long, value_name = "s3://BUCKET[/PREFIX]")]
    template_bucket: Option<String>,
    /// Turns CloudFormation's validation before the deployment off
    #[arg(long)]
    disable_validation: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum AtMost {
    Iam,
    NamedIam,
    AutoExpand,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OnFailure {
    Rollback,
    Keep,
    Delete,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Recreate {
    Never,
    IfOurs,
    Always,
}

impl Alone {
    /// The step's name in events and tokens.
    pub(super) fn step(&self) -> &'static str {
        match self.verb {
            Some(Verb::Delete(_)) => "stack-delete",
            None => "stack",
        }
    }

    /// What does not go together, and where no file can be written.
    fn check(&self, global: &Global, problems: &mut Vec<Cause>) {
        let by_change_set = global.plan == Some(PlanBy::ChangeSet);
        if let Some(path) = &self.save_plan {
            if !by_change_set {
                let text = "--save-plan keeps the change set of --plan=change-set, which is not given";
                problems.push(Cause::invalid("--save-plan", text).with_hint("add --plan=change-set"));
            }
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            if folder.is_some_and(|folder| !folder.is_dir()) || path.is_dir() {
                let text = format!("--save-plan {} is no place for a file", path.display());
                problems.push(
                    Cause::invalid("--save-plan", text).with_hint("name a file in a folder that exists"),
                );
            }
        }
        if self.from_plan.is_some() && by_change_set {
            let text =
                "--from-plan executes a change set that is there, and --plan=change-set makes another one";
            problems
                .push(Cause::invalid("--from-plan", text).with_hint("--plan shows what the saved plan does"));
        }
    }

    fn spec(&self, global: &Global) -> Result<StackSpec> {
        let mut problems = Vec::new();
        let mut builder = self.stack.builder(global, &mut problems);
        if let Some(plan) =
            self.from_plan.as_deref().and_then(|path| collect(SavedPlan::read(path), &mut problems))
        {
            builder = builder.saved_plan(plan);
        }
        // Without a template, the builder would only say so once more.
        let built = if problems.is_empty() { collect(builder.build(), &mut problems) } else { None };
        complete(REFUSED, built, problems)
    }
}

/// Runs the subcommand and gives the exit code.
///
/// # Errors
/// What ended it before the deployment began.
pub(super) async fn run(mut call: Call<'_>, what: &Alone) -> Result<u8> {
    if let Some(Verb::Delete(what)) = &what.verb {
        return delete::run(call, what).await;
    }
    let (global, cx) = (call.global, call.cx);
    what.check(global, &mut call.problems);
    let made = step::made(call, REFUSED, what.spec(global), 1, |spec, session| {
        spec.target(&session.config, session.place.clone())
    })
    .await?;
    if global.plan != Some(PlanBy::ChangeSet) {
        return step::run(global, cx, &made).await;
    }
    // Not given up by --timeout: the change set would be left behind. It has a limit of its own.
    let planned = match what.save_plan {
        Some(_) => made.target.save_plan(cx).await?,
        None => made.target.plan_with_change_set(cx).await?,
    };
    step::planned(cx, planned.plan.changes);
    let end = match (&what.save_plan, &planned.saved) {
        (Some(path), Some(saved)) => save(path, saved)?,
        _ => "this is a plan: its change set is deleted again, and nothing was executed".to_owned(),
    };
    cx.note(Level::Info, "plan-only", end);
    planned.refusal.map_or(Ok(0), Err)
}

/// Writes a plan, and says what it is good for.
fn save(path: &Path, saved: &SavedPlan) -> Result<String> {
    let file = path.display();
    let kept = match saved.change_set() {
        Some(name) => format!("change set {name} is kept"),
        None => "there is no change set to be executed".to_owned(),
    };
    std::fs::write(path, saved.to_json()?).map_err(|error| {
        Error::internal(format!("{file} cannot be written, and {kept}"))
            .with_source(&error)
            .with_hint("make room for the file and save the plan once more, or delete the change set")
    })?;
    Ok(format!("this is a plan: nothing was executed; {kept}, and --from-plan {file} executes it"))
}

impl Stack {
    /// All that the flags say; the template is missing when it could not be read.
    pub(super) fn builder(&self, global: &Global, problems: &mut Vec<Cause>) -> StackBuilder {
        let mut builder =
            choices(global, self, problems).name(self.stack_name.as_deref().unwrap_or_default());
        if let Some(template) =
            self.template.as_deref().and_then(|text| collect(TemplateSource::parse(text), problems))
        {
            builder = builder.template(template);
        }
        for text in &self.parameter {
            if let Some(source) = collect(ParameterSource::parse(text), problems) {
                builder = builder.parameters(source);
            }
        }
        for text in &self.tag {
            if let Some((key, value)) = collect(pair("--tag", text), problems) {
                builder = builder.tag(key, value);
            }
        }
        builder
    }
}

/// What is said by single flags.
fn choices(global: &Global, what: &Stack, problems: &mut Vec<Cause>) -> StackBuilder {
    use landfall::ec2_cfn::stack::Stack as Target;
    let mut builder = Target::builder()
        .import_existing(what.import_existing)
        .revert_drift(what.revert_drift)
        .express(what.express)
        .retain_except_on_create(what.retain_except_on_create)
        .allow_replacement(what.allow_replacement)
        .allow_deletion(what.allow_deletion)
        .disable_validation(what.disable_validation)
        .roll_back_first(what.roll_back_first)
        .on_stack_failure(match what.on_stack_failure {
            OnFailure::Rollback => OnStackFailure::Rollback,
            OnFailure::Keep => OnStackFailure::Keep,
            OnFailure::Delete => OnStackFailure::Delete,
        })
        .recreate_failed(match what.recreate_failed {
            Recreate::Never => RecreateFailed::Never,
            Recreate::IfOurs => RecreateFailed::IfOurs,
            Recreate::Always => RecreateFailed::Always,
        });
    match global.if_busy {
        Busy::Fail => {}
        Busy::Wait => builder = builder.if_busy(IfBusy::Wait),
        Busy::Adopt | Busy::Supersede => problems.push(
            Cause::invalid("--if-busy", "an operation of a stack cannot be adopted or superseded")
                .with_hint("use --if-busy wait or fail"),
        ),
    }
    if !what.capability.is_empty() {
        builder = builder.capabilities(what.capability.iter().map(|most| match most {
            AtMost::Iam => Capability::Iam,
            AtMost::NamedIam => Capability::NamedIam,
            AtMost::AutoExpand => Capability::AutoExpand,
        }));
    }
    if let Some(arn) = &what.service_role_arn {
        builder = builder.role_arn(arn);
    }
    if !what.notification_arn.is_empty() {
        builder = builder.notification_arns(what.notification_arn.clone());
    }
    if let Some(switch) = what.termination_protection {
        builder = builder.termination_protection(switch == Switch::On);
    }
    if let Some(path) = &what.stack_policy {
        match read_text(Path::new(path), LARGEST_POLICY) {
            Ok(policy) => builder = builder.stack_policy(policy),
            Err(error) => problems.push(Cause::invalid(
                "--stack-policy",
                format!("--stack-policy {path} cannot be read: {error}"),
            )),
        }
    }
    if let Some(location) = &what.template_bucket {
        let (bucket, prefix) = super::bundle::location(location).unwrap_or((location, ""));
        builder = builder.template_bucket(TemplateBucket::new(bucket).prefix(prefix));
    }
    builder
}
