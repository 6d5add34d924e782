//! The validated input of a stack's deployment.
//!
//! [`StackBuilder`] takes what a person or program wants, [`StackBuilder::build`] finds all problems that can be found
//! without a call, and [`Stack`](super::Stack) is the target that holds the result.

mod asked;
pub(crate) mod check;
mod choices;

use aws_types::SdkConfig;
use landfall_core::{Cause, Error, Place, Result};

use super::client::{Client, RollbackOff};
use super::facts::StackFacts;
use super::parameters::{ParameterSource, Parameters, settle};
use super::saved::SavedPlan;
use super::target::Stack;
use super::template::{Capability, Template, TemplateBucket, TemplateSource, needed};
pub use choices::{IfBusy, OnStackFailure, RecreateFailed};

/// What is wanted, checked without a call. [`StackSpec::target`] makes the target of it.
#[derive(Debug, Clone)]
pub struct StackSpec {
    pub(crate) name: String,
    pub(crate) template: Source,
    pub(crate) parameters: Parameters,
    pub(crate) options: Options,
}

/// The template, read or to be read by AWS.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    Text(Box<Template>),
    Url(String),
    /// There is none: what was recorded can be undone, and nothing deployed.
    Missing,
}

/// What is asked for beside the template and its parameters.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    pub(crate) tags: Vec<(String, String)>,
    pub(crate) capabilities: Option<Vec<Capability>>,
    pub(crate) role_arn: Option<String>,
    pub(crate) notification_arns: Option<Vec<String>>,
    pub(crate) stack_policy: Option<String>,
    pub(crate) termination_protection: Option<bool>,
    pub(crate) import_existing: bool,
    pub(crate) on_stack_failure: OnStackFailure,
    pub(crate) retain_except_on_create: bool,
    pub(crate) if_busy: IfBusy,
    pub(crate) allow_replacement: bool,
    pub(crate) allow_deletion: bool,
    pub(crate) recreate_failed: RecreateFailed,
    pub(crate) template_bucket: Option<TemplateBucket>,
    pub(crate) disable_validation: bool,
    pub(crate) revert_drift: bool,
    pub(crate) express: bool,
    pub(crate) roll_back_first: bool,
    pub(crate) saved: Option<Box<SavedPlan>>,
}

impl Options {
    /// The mode of an operation that is made as asked for.
    pub(crate) fn express(&self) -> Option<RollbackOff> {
        self.express.then_some(RollbackOff(self.on_stack_failure == OnStackFailure::Keep))
    }

    /// Whether an operation that failed and was kept may be gone on from: with rollback off again, and in express mode
    /// after express mode.
    pub(crate) fn goes_on_from(&self, stack: &StackFacts) -> bool {
        self.on_stack_failure == OnStackFailure::Keep && (self.express || !stack.express)
    }
}

/// Makes a [`StackSpec`].
#[derive(Debug, Clone, Default)]
#[must_use = "a builder does nothing until it is built"]
pub struct StackBuilder {
    name: String,
    template: Option<TemplateSource>,
    parameters: Vec<ParameterSource>,
    options: Options,
}

impl StackBuilder {
    /// The stack's name: letters, digits and `-`, a letter first, at most 128 characters. Not an ARN or alias.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The template. [`TemplateSource::parse`] takes a path or a URL.
    pub fn template(mut self, source: TemplateSource) -> Self {
        self.template = Some(source);
        self
    }

    /// Values of parameters. May be called again: of one parameter the last value counts. A parameter that is not named
    /// keeps the stack's value, and has the template's default in a new stack.
    pub fn parameters(mut self, source: ParameterSource) -> Self {
        self.parameters.push(source);
        self
    }

    /// The value of one parameter.
    pub fn parameter(self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        let pair = format!("{}={}", name.as_ref(), value.as_ref());
        self.parameters(ParameterSource::Pair(pair))
    }

    /// A tag of the stack, which CloudFormation gives to its resources too. With none, the stack's tags stay as they
    /// are; 50 at most.
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.tags.push((key.into(), value.into()));
        self
    }

    /// The most that the stack may be allowed. What the template needs is found out and sent; when it needs more than
    /// this, the deployment is refused. Not called: whatever it needs.
    pub fn capabilities(mut self, most: impl IntoIterator<Item = Capability>) -> Self {
        self.options.capabilities = Some(most.into_iter().collect());
        self
    }

    /// The service role by which CloudFormation acts. It stays with the stack, also for later operations.
    pub fn role_arn(mut self, arn: impl Into<String>) -> Self {
        self.options.role_arn = Some(arn.into());
        self
    }

    /// The topics that are told of the stack's events, at most 5; an empty list takes those away that there are.
    pub fn notification_arns<S: Into<String>>(mut self, arns: impl IntoIterator<Item = S>) -> Self {
        self.options.notification_arns = Some(arns.into_iter().map(Into::into).collect());
        self
    }

    /// The stack policy, as JSON. Of a stack that exists it is set before the update, of a new one after its creation.
    /// It can be replaced later, and never taken away.
    pub fn stack_policy(mut self, policy: impl Into<String>) -> Self {
        self.options.stack_policy = Some(policy.into());
        self
    }

    /// Turns termination protection on or off once the stack is complete; not called: it stays as it is.
    pub fn termination_protection(mut self, on: bool) -> Self {
        self.options.termination_protection = Some(on);
        self
    }

    /// Whether resources that exist already become the stack's: those that the template gives a name of their own, written
    /// out and without a function, and retains (`DeletionPolicy` `Retain` or `RetainExceptOnCreate`), and that belong to no
    /// other stack. An undo leaves them behind as they are. No when it is not said: the deployment then fails
    /// (`already-exists`).
    ///
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-automatically.html>
    pub fn import_existing(mut self, import: bool) -> Self {
        self.options.import_existing = import;
        self
    }

    /// What CloudFormation does when the operation fails; [`OnStackFailure::Rollback`] when it is not said.
    pub fn on_stack_failure(mut self, choice: OnStackFailure) -> Self {
        self.options.on_stack_failure = choice;
        self
    }

    /// Whether resources that a failed operation has made are deleted by its rollback even if the template retains
    /// them, so that the next try does not find them in its way.
    pub fn retain_except_on_create(mut self, delete_them: bool) -> Self {
        self.options.retain_except_on_create = delete_them;
        self
    }

    /// What to do when another operation of the stack is under way; [`IfBusy::Fail`] when it is not said. This run's
    /// own is always followed.
    pub fn if_busy(mut self, choice: IfBusy) -> Self {
        self.options.if_busy = choice;
        self
    }

    /// Whether the update may replace resources, which deletes the old ones; no when it is not said.
    pub fn allow_replacement(mut self, allow: bool) -> Self {
        self.options.allow_replacement = allow;
        self
    }

    /// Whether the update may delete resources; no when it is not said.
    pub fn allow_deletion(mut self, allow: bool) -> Self {
        self.options.allow_deletion = allow;
        self
    }

    /// Whether a stack whose creation failed, and that can only be deleted, is deleted and created anew;
    /// [`RecreateFailed::Never`] when it is not said.
    pub fn recreate_failed(mut self, choice: RecreateFailed) -> Self {
        self.options.recreate_failed = choice;
        self
    }

    /// Where templates of more than 51,200 bytes are put.
    pub fn template_bucket(mut self, bucket: TemplateBucket) -> Self {
        self.options.template_bucket = Some(bucket);
        self
    }

    /// Turns CloudFormation's validation before the deployment off. It finds conflicting names and wrong properties
    /// before anything is changed: for the case that it is wrong.
    pub fn disable_validation(mut self, disable: bool) -> Self {
        self.options.disable_validation = disable;
        self
    }

    /// Whether an update also puts back what somebody changed outside of CloudFormation, by a drift-aware change set: each
    /// resource becomes what the template says, even one of which the template says nothing new. A new stack is created as
    /// ever. No when it is not said; a change set then compares the template with the last one, and drift stays.
    ///
    /// Such a change set does not look into nested stacks, so that nobody could refuse what would be lost there: a
    /// template that has some is refused, unless replacements and deletions are both allowed. Properties whose change
    /// replaces a resource, and those that AWS manages, stay as they are. An undo does not bring the drift back.
    ///
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/drift-aware-change-sets.html>
    pub fn revert_drift(mut self, revert: bool) -> Self {
        self.options.revert_drift = revert;
        self
    }

    /// Whether CloudFormation ends the operation as soon as the configuration of every resource is applied (express mode),
    /// and waits for none to be ready. A success then says no more than that: what was made may become available only
    /// afterwards, and what was deleted may still be going, of which a note tells (`express-not-stable`). For stacks that
    /// one works on, and not for what later steps need at once. No when it is not said.
    ///
    /// AWS turns rollback off in express mode; here it stays on, unless [`OnStackFailure::Keep`] turns it off. Then
    /// replacements are refused before anything is changed, since CloudFormation refuses them without rollback; and an undo
    /// applies the previous template and values once more, since RollbackStack is not possible after an express operation
    /// that failed (aws/aws-cdk-cli issues 1739, 1931 and 1973). [`OnStackFailure::Delete`] is refused: how the two go
    /// together is not documented.
    ///
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-express-mode.html>
    pub fn express(mut self, express: bool) -> Self {
        self.options.express = express;
        self
    }

    /// Whether a stack is brought back first whose last operation failed and left it where it cannot be updated: an update
    /// that failed and was kept (`UPDATE_FAILED`) is rolled back (RollbackStack), and a rollback that failed
    /// (`UPDATE_ROLLBACK_FAILED`) is gone on with (ContinueUpdateRollback), without leaving any resource out. What was there
    /// before is then updated. No when it is not said: the deployment is refused, and the way out is said, with the resources
    /// that the rollback failed on.
    ///
    /// It goes before [`OnStackFailure::Keep`], which would go on from the failed state. It cannot bring back a failed express
    /// operation, which CloudFormation does not roll back, nor a stack whose creation failed, which is for
    /// [`StackBuilder::recreate_failed`].
    pub fn roll_back_first(mut self, first: bool) -> Self {
        self.options.roll_back_first = first;
        self
    }

    /// Carries out a plan that [`Stack::save_plan`] has made: exactly its change set is executed, and no other is made. All
    /// that the plan was made from has to be given once more and be the same, which [`StackBuilder::build`] checks; consent
    /// ([`StackBuilder::allow_replacement`], [`StackBuilder::allow_deletion`]) is asked for now as ever. The deployment is
    /// refused when the stack was changed since the plan was made.
    ///
    /// A plan is carried out once: when that is done already, there is nothing to do.
    pub fn saved_plan(mut self, plan: SavedPlan) -> Self {
        self.options.saved = Some(Box::new(plan));
        self
    }

    /// Checks the input. No call is made.
    ///
    /// # Errors
    /// [`landfall_core::ErrorKind::Invalid`] with one cause for each problem, those of a file with line and column.
    pub fn build(self) -> Result<StackSpec> {
        let mut problems = Vec::new();
        check::name(&mut problems, &self.name);
        check::options(&mut problems, &self.options);
        let template = self.read_template(&mut problems);
        let parameters = Parameters::read(&self.parameters, &mut problems);
        let template = match template {
            Some(template) if problems.is_empty() => template,
            _ => {
                Error::all(refused(&self.name), problems)?;
                return Err(Error::internal("no template was read, and no problem found with it"));
            }
        };
        let spec = StackSpec { name: self.name, template, parameters, options: self.options };
        Error::all(refused(&spec.name), spec.offline_problems())?;
        Ok(spec)
    }

    /// Makes a target that can undo what another process has recorded, and cannot deploy: the name is enough. No call is
    /// made.
    ///
    /// # Errors
    /// As [`StackBuilder::build`].
    pub fn build_for_undo(self) -> Result<StackSpec> {
        let mut problems = Vec::new();
        check::name(&mut problems, &self.name);
        Error::all(refused(&self.name), problems)?;
        let parameters = Parameters::default();
        Ok(StackSpec { name: self.name, template: Source::Missing, parameters, options: self.options })
    }

    fn read_template(&self, problems: &mut Vec<Cause>) -> Option<Source> {
        match &self.template {
            None => {
                problems.push(Cause::invalid("template", "no template is given"));
                None
            }
            Some(TemplateSource::Url(url)) => Some(Source::Url(url.clone())),
            Some(TemplateSource::Text { name, text }) => match Template::parse(name, text) {
                Ok(template) => Some(Source::Text(Box::new(template))),
                Err(found) => {
                    problems.extend(found);
                    None
                }
            },
        }
    }
}

impl StackSpec {
    /// The target in this place. No call is made.
    ///
    /// # Errors
    /// [`landfall_core::ErrorKind::Invalid`] when `config` is for another region than `place`, or the role is one of
    /// another account.
    pub fn target(self, config: &SdkConfig, place: Place) -> Result<Stack> {
        let mut problems = Vec::new();
        check::place(&mut problems, config, &place, self.options.role_arn.as_deref());
        problems.extend(self.options.saved.as_ref().and_then(|saved| saved.misplaced(&place)));
        Error::all(refused(&self.name), problems)?;
        let client = Client::new(config, &place, &self.name);
        Ok(Stack::new(place, self, client))
    }

    /// The template's text, unless AWS reads it itself.
    pub(crate) fn text(&self) -> Option<&Template> {
        match &self.template {
            Source::Text(template) => Some(template),
            Source::Url(_) | Source::Missing => None,
        }
    }

    /// The names of the template's outputs; none when they cannot be told from its text, because AWS reads it itself or
    /// macros and loops make something else of it.
    pub(crate) fn outputs(&self) -> Option<Vec<&str>> {
        let template = self.text()?;
        let outputs = template.outputs();
        let is_made =
            !template.transforms().is_empty() || outputs.iter().any(|name| name.starts_with("Fn::"));
        (!is_made).then_some(outputs)
    }

    /// The capabilities that the template needs, its own text considered.
    pub(crate) fn capabilities_needed(&self) -> Vec<super::template::Needed> {
        self.text().map(needed).unwrap_or_default()
    }

    /// Problems of all that is asked for together that need no call.
    fn offline_problems(&self) -> Vec<Cause> {
        let saved = self.options.saved.as_ref();
        let mut problems =
            saved.map(|saved| saved.differences(&self.name, &self.asked())).unwrap_or_default();
        let Some(template) = self.text() else { return problems };
        let needed = check::capabilities(&self.capabilities_needed(), self.options.capabilities.as_deref());
        problems.extend(needed);
        problems.extend(check::size(template, self.options.template_bucket.as_ref()));
        let kinds = template.resources();
        let kinds = kinds.iter().map(|resource| resource.kind);
        problems.extend(check::drift(&self.options, kinds));
        // Whether the stack has values of its own is known only later: then nothing is missing yet.
        let declared = template.parameters();
        let all = declared.iter().map(|parameter| parameter.name.clone()).collect();
        problems.extend(
            settle(&self.parameters, &declared, &template.file, Some(&all)).err().unwrap_or_default(),
        );
        problems
    }
}

fn refused(name: &str) -> String {
    format!("the deployment of stack `{name}` cannot be made as asked")
}
