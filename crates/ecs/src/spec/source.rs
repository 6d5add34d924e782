//! Where a task definition comes from.

use std::fmt;
use std::path::Path;

use landfall_aws::bounded::read_text;
use landfall_core::{Cause, Error, Result};

use crate::document;

/// Where the task definition comes from that the service will run.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TaskDefinitionSource {
    /// The revision the service runs now, usually with another image.
    Live,
    /// A family, for its newest active revision, or `family:revision`.
    Family(String),
    /// The ARN of a task definition, with or without revision.
    Arn(String),
    /// The text of a file. landfall does not read files by itself but in [`TaskDefinitionSource::parse`].
    File {
        /// The file's name, for messages.
        name: String,
        /// What stands in it.
        text: String,
    },
}

impl fmt::Debug for TaskDefinitionSource {
    /// Without the text of a file: environments hold secrets more often than they should.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Live => f.write_str("Live"),
            Self::Family(name) => f.debug_tuple("Family").field(name).finish(),
            Self::Arn(arn) => f.debug_tuple("Arn").field(arn).finish(),
            Self::File { name, .. } => f.debug_struct("File").field("name", name).finish_non_exhaustive(),
        }
    }
}

impl TaskDefinitionSource {
    /// Tells apart what a person types: an ARN begins with `arn:`; what holds a `/` or `\`, or ends in `.json`,
    /// `.jsonc` or `.json5`, is a file, which is read; letters, digits, `-` and `_`, perhaps followed by `:` and
    /// a number, are a family or one revision of it. A file whose name looks like a family is written `./name`.
    ///
    /// # Errors
    /// [`landfall_core::ErrorKind::Invalid`] when a file cannot be read, or the text is none of the three.
    pub fn parse(text: &str) -> Result<Self> {
        if text.starts_with("arn:") {
            return match check_arn(text) {
                Some(problem) => Err(refused(text, problem)),
                None => Ok(Self::Arn(text.to_owned())),
            };
        }
        if is_path(text) {
            return read_file(text);
        }
        match check_family(text) {
            None => Ok(Self::Family(text.to_owned())),
            Some(problem) => Err(refused(text, problem).with_hint(
                "give a family (web), a revision (web:7), an ARN (arn:aws:ecs:...:task-definition/web:7) or a file \
                 (./task-definition.json)",
            )),
        }
    }

    /// What is wrong with a name that is given without [`TaskDefinitionSource::parse`].
    pub(super) fn problem(&self) -> Option<Cause> {
        match self {
            Self::Live | Self::File { .. } => None,
            Self::Family(name) => check_family(name),
            Self::Arn(arn) => check_arn(arn),
        }
    }
}

fn refused(text: &str, problem: Cause) -> Error {
    Error::invalid(format!("`{text}` names no task definition")).with_cause(problem)
}

fn is_path(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    text.contains(['/', '\\']) || [".json", ".jsonc", ".json5"].iter().any(|ending| lower.ends_with(ending))
}

fn read_file(path: &str) -> Result<TaskDefinitionSource> {
    match read_text(Path::new(path), document::LARGEST_FILE) {
        Ok(text) => Ok(TaskDefinitionSource::File { name: path.to_owned(), text }),
        Err(error) => {
            let why = match error.kind() {
                std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
                _ => error.to_string(),
            };
            let problem = Cause::invalid("task definition", format!("`{path}` cannot be read: {why}"))
                .with_hint("check the path; it is taken from the directory the command runs in");
            Err(refused(path, problem))
        }
    }
}

/// Families: "Up to 255 letters (both uppercase and lowercase letters), numbers, underscores, and hyphens"
/// (RegisterTaskDefinition).
fn check_family(text: &str) -> Option<Cause> {
    let (family, revision) = match text.split_once(':') {
        Some((family, revision)) => (family, Some(revision)),
        None => (text, None),
    };
    let letters = family.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    let problem = if family.is_empty() {
        "the name of the family is empty".to_owned()
    } else if !letters || family.len() > 255 {
        format!("`{family}` is no family: those have up to 255 letters, digits, `-` and `_`")
    } else if revision.is_some_and(|number| number.starts_with('0') || number.parse::<u32>().is_err()) {
        format!("`{}` is no revision: those are numbers from 1", revision.unwrap_or_default())
    } else {
        return None;
    };
    Some(Cause::invalid("task definition", problem))
}

fn check_arn(arn: &str) -> Option<Cause> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let name = match parts.as_slice() {
        ["arn", _, "ecs", _, _, resource] => resource.strip_prefix("task-definition/"),
        _ => None,
    };
    match name {
        Some(name) => check_family(name),
        None => Some(Cause::invalid(
            "task definition",
            format!(
                "`{arn}` is no ARN of a task definition: arn:aws:ecs:REGION:ACCOUNT:task-definition/FAMILY:REVISION"
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use landfall_core::ErrorKind;

    use super::TaskDefinitionSource as Source;

    #[test]
    fn families_revisions_and_arns_are_told_apart() {
        assert_eq!(Source::parse("web").ok(), Some(Source::Family("web".to_owned())));
        assert_eq!(Source::parse("web:7").ok(), Some(Source::Family("web:7".to_owned())));
        let arn = "arn:aws:ecs:eu-central-1:111122223333:task-definition/web:7";
        assert_eq!(Source::parse(arn).ok(), Some(Source::Arn(arn.to_owned())));
    }

    #[test]
    fn a_file_is_read_and_its_text_does_not_show_in_debug() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let source = Source::parse(path).unwrap();
        assert!(
            matches!(&source, Source::File { name, text } if name == path && text.contains("landfall-ecs"))
        );
        assert!(!format!("{source:?}").contains("description"));
    }

    #[test]
    fn a_missing_file_is_said_to_be_missing() {
        let error = Source::parse("deploy/none.json").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(
            error.report().contains("deploy/none.json") && error.report().contains("no such file"),
            "{error}"
        );
    }

    #[test]
    fn what_is_none_of_them_is_refused_with_what_would_be_right() {
        for text in
            ["", "web:", "web:0", "web:x", "a b", "arn:aws:s3:::bucket", "arn:aws:ecs:r:a:service/x", ":7"]
        {
            let error = Source::parse(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{text}");
            assert!(!error.causes().is_empty(), "{text}");
        }
    }
}
