//! Where manifests come from: files, folders, globs, standard input, texts that a program made, and programs that are run
//! for them.
#![expect(
    clippy::result_large_err,
    reason = "problems are collected as they are; one is made for each bad path"
)]

mod find;
mod helm;
mod kustomize;
mod program;

use std::fmt;
use std::io::Read;
use std::path::Path;

use landfall_aws::bounded::read_text;
use landfall_core::{Cause, Error, Result};

pub(super) use find::files;
pub use helm::HelmChart;
pub(super) use helm::template;
pub(super) use kustomize::build;

/// Bytes of one file, or of standard input, that are read. All CustomResourceDefinitions of the largest operators
/// together take a few megabytes.
pub const LARGEST_FILE: usize = 32 * 1024 * 1024;

/// How standard input is called in messages.
const STANDARD_INPUT: &str = "standard input";

/// Where manifests come from.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ManifestSource {
    /// A file, a folder, or a glob such as `k8s/**/*.yaml` that the shell has not replaced. Of folders and globs the files
    /// that end in `.yaml`, `.yml` and `.json` are read, in the order of their names.
    Path(String),
    /// Documents that have been read already.
    Text {
        /// What stands for it in messages.
        name: String,
        /// The documents.
        text: String,
    },
    /// A folder with a kustomization, which `kustomize build` or `kubectl kustomize` turns into documents.
    Kustomize(String),
    /// A chart, which `helm template` turns into documents.
    Helm(HelmChart),
}

impl ManifestSource {
    /// Tells apart what a person types: `-` is standard input, which is read to its end, and everything else a path.
    ///
    /// # Errors
    /// [`landfall_core::ErrorKind::Invalid`] when standard input cannot be read, has more than [`LARGEST_FILE`] bytes or
    /// is not UTF-8.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "-" => Self::read(STANDARD_INPUT, std::io::stdin().lock()),
            path => Ok(Self::Path(path.to_owned())),
        }
    }

    /// Reads documents to their end, for example from a program's output; `name` stands for them in messages.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn read(name: impl Into<String>, from: impl Read) -> Result<Self> {
        let name = name.into();
        let unreadable = |why: &str| {
            let problem = Cause::invalid("manifests", format!("{name} cannot be read: {why}"));
            Error::invalid("the manifests cannot be read").with_cause(problem)
        };
        let mut bytes = Vec::new();
        from.take(LARGEST_FILE as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| unreadable(&error.to_string()))?;
        if bytes.len() > LARGEST_FILE {
            return Err(unreadable(&too_large()));
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self::Text { name, text }),
            Err(error) => Err(unreadable(&not_utf8(error.as_bytes(), error.utf8_error().valid_up_to()))),
        }
    }

    /// Documents that a program has; `name` stands for them in messages.
    #[must_use]
    pub fn text(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Text { name: name.into(), text: text.into() }
    }
}

impl fmt::Debug for ManifestSource {
    /// Without the text: manifests hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => f.debug_tuple("Path").field(path).finish(),
            Self::Kustomize(folder) => f.debug_tuple("Kustomize").field(folder).finish(),
            Self::Helm(chart) => f.debug_tuple("Helm").field(chart).finish(),
            Self::Text { name, .. } => f.debug_struct("Text").field("name", name).finish_non_exhaustive(),
        }
    }
}

/// The text of a file.
pub(super) fn text_of(path: &Path, shown: &str) -> Result<String, Cause> {
    read_text(path, LARGEST_FILE).map_err(|error| {
        let why = match error.kind() {
            std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
            std::io::ErrorKind::FileTooLarge => too_large(),
            std::io::ErrorKind::InvalidData => match std::fs::read(path) {
                Ok(bytes) => {
                    let good = std::str::from_utf8(&bytes).map_or_else(|wrong| wrong.valid_up_to(), str::len);
                    not_utf8(&bytes, good)
                }
                Err(error) => error.to_string(),
            },
            _ => error.to_string(),
        };
        Cause::invalid("manifests", format!("`{shown}` cannot be read: {why}"))
    })
}

fn too_large() -> String {
    format!("it has more than {} MiB, and no more is read", LARGEST_FILE / 1024 / 1024)
}

fn not_utf8(bytes: &[u8], good: usize) -> String {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return "it is UTF-16: save it as UTF-8".to_owned();
    }
    if bytes.starts_with(&[0x1f, 0x8b]) {
        return "it is compressed (gzip): unpack it first".to_owned();
    }
    let line = bytes.iter().take(good).filter(|byte| **byte == b'\n').count() + 1;
    format!("line {line} holds bytes that are not UTF-8: save it as UTF-8")
}
