//! Values for the parameters of a template: from files, from the command line, checked against the template all at
//! once.

mod check;
mod read;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use landfall_core::{Cause, Location, Result};

use super::template::digest;
pub(crate) use check::{Settled, settle};

/// Largest file of parameters: 200 parameters (quota) of 4,096 bytes each fit into it.
const LARGEST_FILE: usize = 1_048_576;

/// Where values of parameters come from. Several may be given: of one parameter the last value counts.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParameterSource {
    /// The text of a file. Three shapes are read, in JSON or YAML: CloudFormation's list of
    /// `{"ParameterKey": ..., "ParameterValue": ...}` or `{"ParameterKey": ..., "UsePreviousValue": true}`, a map of
    /// names to values, and a map under `Parameters` (a template configuration file of CodePipeline). Lines of
    /// `Name=Value` are read too.
    File {
        /// The file's name, for messages.
        name: String,
        /// What stands in it.
        text: String,
    },
    /// `Name=Value`.
    Pair(String),
}

impl fmt::Debug for ParameterSource {
    /// Names only: any value may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { name, .. } => f.debug_struct("File").field("name", name).finish_non_exhaustive(),
            Self::Pair(pair) => {
                f.debug_tuple("Pair").field(&pair.split('=').next().unwrap_or_default()).finish()
            }
        }
    }
}

impl ParameterSource {
    /// Tells apart what a person types: `Name=Value`, or a file, which is read.
    ///
    /// # Errors
    /// [`landfall_core::ErrorKind::Invalid`] when the file cannot be read.
    pub fn parse(text: &str) -> Result<Self> {
        let name = text.split('=').next().unwrap_or_default();
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if text.contains('=') && is_name {
            return Ok(Self::Pair(text.to_owned()));
        }
        let read = super::template::read_file("parameter file", text, LARGEST_FILE)?;
        Ok(Self::File { name: text.to_owned(), text: read })
    }
}

/// A value, and where it was given.
#[derive(Clone, PartialEq)]
pub(crate) struct Given {
    pub(crate) value: Wanted,
    pub(crate) at: Option<Location>,
}

/// What a parameter is to be.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    Value(String),
    /// What the stack has.
    Previous,
}

/// The values that were given, by name.
#[derive(Clone, Default)]
pub(crate) struct Parameters(pub(crate) BTreeMap<String, Given>);

impl fmt::Debug for Parameters {
    /// Names only: any value may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

impl Parameters {
    /// Reads all sources; every problem of every source goes to `problems`.
    pub(crate) fn read(sources: &[ParameterSource], problems: &mut Vec<Cause>) -> Self {
        let mut parameters = Self::default();
        for source in sources {
            match read::source(source) {
                Ok(found) => parameters.0.extend(found),
                Err(found) => problems.extend(found),
            }
        }
        parameters
    }

    /// SHA-256 of names and values.
    pub(crate) fn digest(&self) -> String {
        let mut text = String::new();
        for (name, given) in &self.0 {
            let value = match &given.value {
                Wanted::Value(value) => format!("={}:{value}", value.len()),
                Wanted::Previous => "~".to_owned(),
            };
            text.push_str(&format!("{}:{name}{value}\n", name.len()));
        }
        digest(text.as_bytes())
    }
}
