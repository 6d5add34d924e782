//! YAML and JSON as trees that forget nothing: members in the order they were written, numbers as the text they were
//! written with, and for every node its place.
//!
//! What a scalar of YAML means is what `kubectl` takes it for ([`scalar`]); a tree prints as the JSON that is sent. A
//! tree of `serde_json` would turn `1.10` into `1.1` and an integer of thirty digits into a float.

mod advice;
mod json;
mod print;
mod scalar;
mod split;
#[cfg(test)]
mod tests;
mod yaml;

use landfall_core::{Cause, Location};

/// A node of a document. Only tests can print one: documents hold secrets.
#[derive(Clone)]
#[cfg_attr(test, derive(Debug))]
pub(super) struct Node {
    pub(super) at: Mark,
    pub(super) value: Value,
    /// How a scalar was written, where that differs from what it means: `no` for false, `0644` for 420.
    pub(super) written: Option<Box<str>>,
}

/// A place in a text; line and column from 1, columns in characters. Zero in what landfall added itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Mark {
    pub(super) line: u32,
    pub(super) column: u32,
}

/// What a node is.
#[derive(Clone, PartialEq)]
#[cfg_attr(test, derive(Debug))]
pub(super) enum Value {
    Null,
    Bool(bool),
    /// The text of a number, in the syntax of JSON.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A member of a map.
#[derive(Clone, PartialEq)]
#[cfg_attr(test, derive(Debug))]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) value: Node,
}

/// Nodes are equal when they mean the same; places do not count.
impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

/// A document of a text, from 1; documents without content have no number.
#[cfg_attr(test, derive(Debug))]
pub(super) struct Document {
    pub(super) number: usize,
    pub(super) root: Node,
}

/// What is wrong with a text, and where.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) at: Mark,
    pub(super) message: String,
    pub(super) hint: Option<&'static str>,
}

impl Problem {
    fn new(at: Mark, message: impl Into<String>) -> Self {
        Self { at, message: message.into(), hint: None }
    }

    fn hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }
}

impl Mark {
    fn new(line: usize, column: usize) -> Self {
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        Self { line: number(line), column: number(column) }
    }

    pub(super) fn location(self, file: &str) -> Location {
        Location { file: file.to_owned(), line: self.line.max(1), column: self.column.max(1) }
    }
}

impl Node {
    fn new(at: Mark, value: Value) -> Self {
        Self { at, value, written: None }
    }

    /// A text that landfall adds.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::new(Mark::default(), Value::Text(text.into()))
    }

    /// A map that landfall adds.
    pub(super) fn map() -> Self {
        Self::new(Mark::default(), Value::Map(Vec::new()))
    }

    /// What kind of value this is, with its article, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::Text(_) => "a string",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    pub(super) fn is_map(&self) -> bool {
        matches!(self.value, Value::Map(_))
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A scalar as the user wrote it; none for lists and maps.
    pub(super) fn as_written(&self) -> Option<String> {
        match &self.value {
            Value::List(_) | Value::Map(_) => None,
            Value::Text(text) => Some(text.clone()),
            _ => Some(self.written.as_deref().map_or_else(|| self.to_string(), str::to_owned)),
        }
    }

    /// The items of a list; none for every other value.
    pub(super) fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    pub(super) fn items_mut(&mut self) -> &mut [Node] {
        match &mut self.value {
            Value::List(items) => items,
            _ => &mut [],
        }
    }

    /// The members of a map; none for every other value.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    pub(super) fn member(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    pub(super) fn member_mut(&mut self, key: &str) -> Option<&mut Node> {
        match &mut self.value {
            Value::Map(entries) => {
                entries.iter_mut().find(|entry| entry.key == key).map(|entry| &mut entry.value)
            }
            _ => None,
        }
    }

    /// The member below member that this path leads to.
    pub(super) fn find(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, key| node.member(key))
    }

    pub(super) fn find_mut(&mut self, path: &[&str]) -> Option<&mut Node> {
        path.iter().try_fold(self, |node, key| node.member_mut(key))
    }

    /// Replaces the value of a member, or adds it as the last one. Nothing happens to what is no map.
    pub(super) fn set(&mut self, key: &str, value: Node) {
        if let Some(old) = self.member_mut(key) {
            *old = Node { at: old.at, ..value };
        } else if let Value::Map(entries) = &mut self.value {
            entries.push(Entry { key: key.to_owned(), value });
        }
    }

    /// Takes a member out.
    pub(super) fn remove(&mut self, key: &str) {
        if let Value::Map(entries) = &mut self.value {
            entries.retain(|entry| entry.key != key);
        }
    }

    /// Adds a member before all others.
    pub(super) fn put_first(&mut self, key: &str, value: Node) {
        if let Value::Map(entries) = &mut self.value {
            entries.insert(0, Entry { key: key.to_owned(), value });
        }
    }
}

/// The tree of a document, or all that is wrong with it.
type Tree = Result<Node, Vec<Problem>>;

/// Problems, each with the number of its document.
pub(super) type Problems = Vec<(usize, Problem)>;

/// Reads all documents of a text. What begins with a brace or a bracket is JSON, if it can be; so `kubectl` does.
///
/// # Errors
/// All problems. What is broken in one document hides nothing of the others, except in JSON without `---` in between,
/// where nobody can tell where the next one begins.
pub(super) fn parse(text: &str) -> Result<Vec<Document>, Problems> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (mut documents, mut problems, mut number) = (Vec::new(), Vec::new(), 0);
    for part in split::parts(text) {
        for tree in json::trees(part).unwrap_or_else(|| yaml::trees(part)) {
            match tree {
                Ok(root) if root.is_null() => {}
                Ok(root) => {
                    number += 1;
                    documents.push(Document { number, root });
                }
                Err(broken) => {
                    number += 1;
                    problems.extend(broken.into_iter().map(|problem| (number, advised(problem, part.text))));
                }
            }
        }
    }
    if problems.is_empty() { Ok(documents) } else { Err(problems) }
}

/// What the document is may tell more than what is wrong at one place of it.
fn advised(problem: Problem, text: &str) -> Problem {
    match advice::of_document(text) {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}

impl Problem {
    /// The problem as a cause, with file, line and number of the document.
    pub(super) fn cause(&self, file: &str, document: usize) -> Cause {
        let cause = Cause::new("invalid-input", format!("document {document}: {}", self.message))
            .at(self.at.location(file));
        match self.hint {
            Some(hint) => cause.with_hint(hint),
            None => cause,
        }
    }
}
