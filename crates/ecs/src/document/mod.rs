//! Task definitions as the JSON they are, from the user's file to RegisterTaskDefinition.
//!
//! Every tool that copies a task definition through types or a list of known fields has lost fields on the day
//! AWS added one (aws-actions/amazon-ecs-deploy-task-definition #274 and #701, fabfuel/ecs-deploy #25,
//! CircleCI-Public/aws-ecs-orb #132). So a [`Document`] is the JSON itself: it keeps what it does not know, the
//! order of members and the text of numbers, and every change is a small, named edit.
//!
//! The way of a document:
//!
//! 1. [`Document::parse`] reads a file, [`Document::from_answer`] an answer of ECS. Both bring the shapes in which
//!    task definitions are found to the one that RegisterTaskDefinition takes. A file is checked as well: all
//!    problems at once, each with file, line, column and field. Keys that look misspelt are [`Document::warnings`].
//! 2. [`Document::set_image`], [`Document::set_tag`] and their like edit it.
//! 3. [`Document::finish`] checks what only the edited document can tell, [`Document::to_body`] is what to send.
//! 4. [`diff`] compares with what is live, [`echo_check`] with what ECS registered, and
//!    [`check_load_balancers`] with the service that will use it.

mod balancers;
mod check;
mod compare;
mod diff;
mod echo;
mod edit;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod json;
mod members;
mod path;
mod read;
mod shape;
mod source;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use landfall_aws::near;
use landfall_core::{Cause, Error, Result};
use sha2::{Digest, Sha256};

pub use balancers::check_load_balancers;
pub use diff::diff;
pub use echo::echo_check;
pub use landfall_aws::image::{self, ImageArgument};

use json::Node;
use source::Source;

/// The tag that says which run registered a revision. It differs between runs of the same content, so
/// [`Document::digest`] and [`diff`] leave it out.
pub const RUN_TAG: &str = "landfall:run";

/// Bytes of a file that is read. ECS takes a task definition of 64 KiB ("Amazon ECS service quotas"); indentation, and
/// what ECS adds to a description, make several times that.
pub const LARGEST_FILE: usize = 512 * 1024;

/// A task definition in the shape of RegisterTaskDefinition's request.
///
/// `Debug` shows no values, because environments hold secrets more often than they should.
///
/// ```
/// use landfall_ecs::document::Document;
///
/// let file = r#"{"family": "web", "futureField": 1.10, "containerDefinitions": [{"name": "web"}]}"#;
/// let mut document = Document::parse("task-definition.json", file)?;
/// document.set_image("web", "registry.example.com/web:2")?;
/// document.finish()?;
/// assert_eq!(
///     document.to_body(),
///     r#"{"family":"web","futureField":1.10,"containerDefinitions":[{"name":"web","image":"registry.example.com/web:2"}]}"#
/// );
/// # Ok::<(), landfall_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Document {
    root: Node,
    source: Arc<Source>,
    warnings: Vec<Cause>,
}

impl Document {
    /// Reads a task definition from the text of a file; `file` is its name for messages.
    ///
    /// Takes the request of RegisterTaskDefinition (as a file or a filled-in `aws ecs register-task-definition
    /// --generate-cli-skeleton`), the `taskDefinition` of DescribeTaskDefinition, and the whole answer of it.
    /// Members that ECS adds and does not take back (`taskDefinitionArn`, `revision`, `status`,
    /// `requiresAttributes`, `compatibilities`, `registeredAt`, `registeredBy`, `deregisteredAt`,
    /// `deleteRequestedAt`), members that are `null`, and tags with the reserved prefix `aws:` are left out.
    ///
    /// # Errors
    /// [`landfall_core::ErrorKind::Invalid`] with one cause for each problem; a missing image is not a problem
    /// before [`Document::finish`].
    pub fn parse(file: &str, text: &str) -> Result<Self> {
        if text.len() > LARGEST_FILE {
            let message =
                format!("{file} has {} KiB, and at most {} are read", text.len() / 1024, LARGEST_FILE / 1024);
            let source = Source::new(file, "");
            let cause = Cause::new("invalid-input", message);
            return Err(refusal(
                &source,
                vec![cause.with_hint("ECS takes task definitions of up to 64 KiB")],
            ));
        }
        let source = Source::new(file, text);
        let read = json::parse(&source).and_then(|root| shape::of_file(root, &source));
        let (root, mut warnings) = read.map_err(|problems| refusal(&source, problems))?;
        let found = check::document(&root, &source);
        if !found.problems.is_empty() {
            return Err(refusal(&source, found.problems));
        }
        warnings.extend(found.warnings);
        Ok(Self { root, source: Arc::new(source), warnings })
    }

    /// Reads the body of an answer of DescribeTaskDefinition or RegisterTaskDefinition.
    ///
    /// What ECS holds is taken as it is: only the shape is changed, as [`Document::parse`] does.
    ///
    /// # Errors
    /// [`landfall_core::ErrorKind::Internal`] when the answer is not JSON or has no `taskDefinition`.
    pub fn from_answer(answer: &[u8]) -> Result<Self> {
        let unreadable = |problems: Vec<Cause>| {
            Error::internal("the answer of ECS holds no task definition that can be read")
                .with_causes(problems)
        };
        let text = std::str::from_utf8(answer)
            .map_err(|error| unreadable(vec![Cause::new("not-utf-8", error.to_string())]))?;
        let source = Source::new("answer of ECS", text);
        let root =
            json::parse(&source).and_then(|root| shape::of_answer(root, &source)).map_err(unreadable)?;
        Ok(Self { root, source: Arc::new(source), warnings: Vec::new() })
    }

    /// Checks what edits may still have changed: every container has a well-formed image, the tags are within
    /// the limits. Call it before [`Document::to_body`] is sent.
    ///
    /// # Errors
    /// [`landfall_core::ErrorKind::Invalid`] with one cause for each problem.
    pub fn finish(&self) -> Result<()> {
        let problems = check::finished(&self.root, &self.source);
        if problems.is_empty() { Ok(()) } else { Err(refusal(&self.source, problems)) }
    }

    /// Keys that are kept and sent, but look like a misspelt known one.
    #[must_use]
    pub fn warnings(&self) -> &[Cause] {
        &self.warnings
    }

    /// The request body of RegisterTaskDefinition, as compact JSON.
    #[must_use]
    pub fn to_body(&self) -> String {
        self.root.to_string()
    }

    /// SHA-256 of the body without the tag [`RUN_TAG`], as 64 hexadecimal digits: the same for the same content
    /// in the same order, whatever run sends it and however the file was indented.
    #[must_use]
    pub fn digest(&self) -> String {
        let body = self.without_tag(RUN_TAG).to_body();
        Sha256::digest(body.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("file", &self.source.file())
            .field("family", &self.family())
            .field("containers", &self.containers())
            .finish_non_exhaustive()
    }
}

fn refusal(source: &Source, problems: Vec<Cause>) -> Error {
    let problem = if problems.len() == 1 { "problem" } else { "problems" };
    let message = format!("the task definition in {} has {} {problem}", source.file(), problems.len());
    Error::invalid(message).with_causes(problems)
}
