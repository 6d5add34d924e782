//! YAML and JSON as a tree whose every node knows its place, with the short forms of CloudFormation kept as tags.
//!
//! The text itself is what is sent to AWS; the tree is only read. JSON is read by the same parser, since it is a part
//! of YAML 1.2, after `serde_json` has said that it is JSON: its messages about broken JSON are the better ones.

mod build;
#[cfg(test)]
mod tests;
mod value;

use landfall_core::{Cause, Location};

pub(crate) use value::to_value;

/// A node of a document.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) at: Mark,
    /// `Ref`, `GetAtt`, `Sub` and so on, for a short form.
    pub(crate) tag: Option<String>,
    pub(crate) kind: Kind,
}

/// A place in the text; line and column from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Mark {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Scalar {
        text: String,
        /// Written without quotes: it may mean a number, a truth value or nothing.
        plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A member of a map.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) at: Mark,
    pub(crate) value: Node,
}

impl Mark {
    pub(crate) fn location(self, file: &str) -> Location {
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        Location { file: file.to_owned(), line: number(self.line), column: number(self.column) }
    }
}

impl Node {
    /// The member of this name; none for what is no map.
    pub(crate) fn member(&self, name: &str) -> Option<&Node> {
        self.entries().iter().find(|entry| entry.key == name).map(|entry| &entry.value)
    }

    /// The members; none for what is no map.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items; none for what is no list.
    pub(crate) fn items(&self) -> &[Node] {
        match &self.kind {
            Kind::List(items) => items,
            _ => &[],
        }
    }

    /// The text of a scalar without a tag.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } if self.tag.is_none() => Some(text),
            _ => None,
        }
    }

    /// Whether it says yes: `true`, quoted or not, in the spellings of YAML 1.1 that CloudFormation takes.
    pub(crate) fn is_true(&self) -> bool {
        self.text().is_some_and(|text| ["true", "yes", "on"].contains(&text.to_ascii_lowercase().as_str()))
    }
}

/// Reads a document.
///
/// # Errors
/// What is wrong with it, with its place.
pub(crate) fn parse(file: &str, text: &str) -> Result<Node, Box<Cause>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let begin = Mark { line: 1, column: 1 };
    if text.trim().is_empty() {
        let cause = Cause::new("invalid-input", "the file is empty").at(begin.location(file));
        return Err(Box::new(cause.with_hint("name the right file; a template has at least one resource")));
    }
    if !text.trim_start().starts_with(['{', '[']) {
        return build::tree(file, text);
    }
    match serde_json::from_str::<serde_json::Value>(text) {
        // Tabs between the tokens of JSON are no indentation, and the parser of YAML takes them for one.
        Ok(json) => {
            Ok(build::tree(file, &text.replace('\t', " ")).unwrap_or_else(|_| value::from_json(&json)))
        }
        // Neither is it YAML then: CloudFormation takes what begins like this for JSON.
        Err(error) => {
            let at = Mark { line: error.line().max(1), column: error.column().max(1) };
            let words = error.to_string();
            let words = words.split(" at line ").next().unwrap_or(&words);
            let cause = Cause::new("invalid-input", words).at(at.location(file));
            Err(Box::new(cause.with_hint(
                "a comma, a quote or a bracket is missing or too many at this place or before it",
            )))
        }
    }
}
