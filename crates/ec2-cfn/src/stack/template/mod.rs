//! A template as far as it can be understood without a call: what parameters it declares, what resources it has, and
//! which capabilities those need. The text is what is sent, byte for byte.

mod capability;
mod declared;
mod source;

use std::fmt;

use landfall_core::Cause;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::document::{self, Mark, Node, to_value};
pub use capability::Capability;
pub(crate) use capability::{Needed, needed};
pub(crate) use declared::Declared;
pub(crate) use source::read_file;
pub use source::{TemplateBucket, TemplateSource};

/// `TemplateBody` takes at most so many bytes; a larger template goes through S3
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html>).
pub const LARGEST_BODY: usize = 51_200;

/// A template in S3 has at most so many bytes (quota "Template body size in an S3 object").
pub const LARGEST_TEMPLATE: usize = 1_048_576;

/// A template that was read.
#[derive(Clone)]
pub(crate) struct Template {
    pub(crate) file: String,
    /// As it is sent.
    pub(crate) text: String,
    root: Node,
}

/// A resource of a template.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ResourceDeclared<'a> {
    pub(crate) id: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) at: Mark,
    pub(crate) node: &'a Node,
}

impl fmt::Debug for Template {
    /// Without its text: templates hold secrets more often than they should.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Template")
            .field("file", &self.file)
            .field("bytes", &self.text.len())
            .finish_non_exhaustive()
    }
}

impl Template {
    /// Reads a template and finds what is wrong with it on its face.
    pub(crate) fn parse(file: &str, text: &str) -> Result<Self, Vec<Cause>> {
        let root = document::parse(file, text).map_err(|cause| vec![cause.in_field("template")])?;
        let template = Self { file: file.to_owned(), text: text.to_owned(), root };
        let problems = template.problems();
        if problems.is_empty() { Ok(template) } else { Err(problems) }
    }

    fn problems(&self) -> Vec<Cause> {
        let mut problems = Vec::new();
        let begin = Mark { line: 1, column: 1 };
        if self.text.len() > LARGEST_TEMPLATE {
            let text = format!(
                "the template has {} bytes, and CloudFormation takes {LARGEST_TEMPLATE} at most",
                self.text.len()
            );
            problems.push(
                self.problem(begin, "template", &text)
                    .with_hint("split it into nested stacks or several stacks"),
            );
        }
        match self.root.member("Resources") {
            None => {
                let text = "there is no section `Resources`, which every template has";
                problems.push(self.problem(self.root.at, "Resources", text));
            }
            Some(resources) if resources.entries().is_empty() => {
                problems.push(self.problem(resources.at, "Resources", "the section `Resources` is empty"));
            }
            Some(resources) => self.check_resources(resources, &mut problems),
        }
        problems
    }

    fn check_resources(&self, resources: &Node, problems: &mut Vec<Cause>) {
        for entry in resources.entries() {
            // `Fn::ForEach::Name` makes resources, and is none; `Fn::Transform` is a macro's.
            let makes_others = entry.key.starts_with("Fn::");
            let has_type =
                entry.value.member("Type").and_then(Node::text).is_some_and(|kind| !kind.is_empty());
            if !makes_others && !has_type && entry.value.member("Fn::Transform").is_none() {
                let field = format!("Resources.{}", entry.key);
                problems.push(self.problem(entry.at, &field, "the resource has no `Type`"));
            }
        }
    }

    pub(crate) fn problem(&self, at: Mark, field: &str, text: &str) -> Cause {
        Cause::invalid(field, text).at(at.location(&self.file))
    }

    /// What it declares under `Parameters`.
    pub(crate) fn parameters(&self) -> Vec<Declared> {
        let entries = self.root.member("Parameters").map(Node::entries).unwrap_or_default();
        entries.iter().map(|entry| Declared::of(&entry.key, entry.at, &entry.value)).collect()
    }

    /// The names of what stands under `Outputs`.
    pub(crate) fn outputs(&self) -> Vec<&str> {
        let entries = self.root.member("Outputs").map(Node::entries).unwrap_or_default();
        entries.iter().map(|entry| entry.key.as_str()).collect()
    }

    /// What stands under `Resources` with a type.
    pub(crate) fn resources(&self) -> Vec<ResourceDeclared<'_>> {
        let entries = self.root.member("Resources").map(Node::entries).unwrap_or_default();
        let declared = |entry: &'_ document::Entry| entry.value.member("Type").and_then(Node::text).is_some();
        entries
            .iter()
            .filter(|entry| declared(entry))
            .map(|entry| ResourceDeclared {
                id: &entry.key,
                kind: entry.value.member("Type").and_then(Node::text).unwrap_or_default(),
                at: entry.at,
                node: &entry.value,
            })
            .collect()
    }

    /// Where a resource is declared.
    pub(crate) fn place_of(&self, resource: &str) -> Option<landfall_core::Location> {
        let found = self.resources().into_iter().find(|declared| declared.id == resource)?;
        Some(found.at.location(&self.file))
    }

    /// Names of the macros that it is passed through, those within it included.
    pub(crate) fn transforms(&self) -> Vec<String> {
        let mut names = Vec::new();
        if let Some(node) = self.root.member("Transform") {
            names.extend(node.text().map(str::to_owned));
            names.extend(node.items().iter().filter_map(Node::text).map(str::to_owned));
        }
        collect_transforms(&self.root, &mut names);
        names
    }

    /// Its meaning, whatever its form, layout and comments.
    pub(crate) fn meaning(&self) -> Value {
        to_value(&self.root)
    }

    /// SHA-256 of the bytes, hexadecimal.
    pub(crate) fn digest(&self) -> String {
        digest(self.text.as_bytes())
    }
}

/// SHA-256, hexadecimal.
pub(crate) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn collect_transforms(node: &Node, names: &mut Vec<String>) {
    let inner = node.member("Fn::Transform").or((node.tag.as_deref() == Some("Transform")).then_some(node));
    if let Some(name) = inner.and_then(|inner| inner.member("Name")).and_then(Node::text) {
        names.push(name.to_owned());
    }
    node.items().iter().for_each(|item| collect_transforms(item, names));
    node.entries().iter().for_each(|entry| collect_transforms(&entry.value, names));
}
