//! Where a template comes from, and where a large one is put.

use std::fmt;
use std::path::Path;

use landfall_aws::bounded::read_text;
use landfall_core::{Cause, Error, Result};
use serde::{Deserialize, Serialize};

use super::LARGEST_TEMPLATE;

/// Where the template comes from.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TemplateSource {
    /// The text of a template, JSON or YAML. It is sent as it is.
    Text {
        /// The file's name, for messages.
        name: String,
        /// What stands in it.
        text: String,
    },
    /// The URL of a template in S3, `https://...`, or of a document of Systems Manager, as `TemplateURL` takes it.
    Url(String),
}

impl fmt::Debug for TemplateSource {
    /// Without the text: templates hold secrets more often than they should.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text { name, .. } => f.debug_struct("Text").field("name", name).finish_non_exhaustive(),
            Self::Url(url) => f.debug_tuple("Url").field(url).finish(),
        }
    }
}

impl TemplateSource {
    /// Tells apart what a person types: what begins with `https://` or `ssm-doc://` is a URL, and everything else is a
    /// file, which is read.
    ///
    /// # Errors
    /// [`landfall_core::ErrorKind::Invalid`] when the file cannot be read, has more than 1 MB or is not UTF-8.
    pub fn parse(text: &str) -> Result<Self> {
        if ["https://", "ssm-doc://"].iter().any(|scheme| text.starts_with(scheme)) {
            return Ok(Self::Url(text.to_owned()));
        }
        let file = read_file("template", text, LARGEST_TEMPLATE)?;
        Ok(Self::Text { name: text.to_owned(), text: file })
    }

    /// A template from its text; `name` stands for it in messages.
    #[must_use]
    pub fn text(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Text { name: name.into(), text: text.into() }
    }
}

/// The text of a file of the user's.
///
/// # Errors
/// [`landfall_core::ErrorKind::Invalid`], with the reason.
pub(crate) fn read_file(what: &str, path: &str, most: usize) -> Result<String> {
    read_text(Path::new(path), most).map_err(|error| {
        let why = match error.kind() {
            std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
            std::io::ErrorKind::FileTooLarge => format!("it has more than {most} bytes"),
            _ => error.to_string(),
        };
        let problem = Cause::invalid(what, format!("`{path}` cannot be read: {why}"))
            .with_hint("check the path; it is taken from the directory the command runs in");
        Error::invalid(format!("the {what} cannot be read")).with_cause(problem)
    })
}

/// Where templates of more than 51,200 bytes are put, since CloudFormation reads those from S3 only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateBucket {
    pub(crate) bucket: String,
    pub(crate) prefix: String,
}

impl TemplateBucket {
    /// A bucket of the account that is deployed to. Objects are named by the digest of their content.
    #[must_use]
    pub fn new(bucket: impl Into<String>) -> Self {
        Self { bucket: bucket.into(), prefix: String::new() }
    }

    /// What stands before the name of each object, such as `templates/`.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// The object's key for a template with this digest.
    pub(crate) fn key(&self, digest: &str) -> String {
        format!("{}{digest}.template", self.prefix)
    }
}
