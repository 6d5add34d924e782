//! The text that a document was read from, to name places in it.

use landfall_core::{Cause, Location};

/// A file's name and text.
pub(super) struct Source {
    file: String,
    text: String,
}

impl Source {
    /// The byte order mark that some editors put in front is no part of JSON (RFC 8259 section 8.1 lets readers skip it).
    pub(super) fn new(file: &str, text: &str) -> Self {
        Self { file: file.to_owned(), text: text.strip_prefix('\u{feff}').unwrap_or(text).to_owned() }
    }

    pub(super) fn file(&self) -> &str {
        &self.file
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Line and column of a byte offset.
    pub(super) fn location(&self, offset: usize) -> Location {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |line_break| line_break + 1);
        let lines = before.bytes().filter(|byte| *byte == b'\n').count();
        let columns = before.get(line_start..).unwrap_or_default().chars().count();
        self.place(lines + 1, columns + 1)
    }

    fn place(&self, line: usize, column: usize) -> Location {
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        Location { file: self.file.clone(), line: number(line), column: number(column) }
    }

    /// A problem of the field at `path`, with its place where there is one.
    pub(super) fn invalid(&self, path: &str, message: impl AsRef<str>, at: Option<usize>) -> Cause {
        let cause = Cause::new("invalid-input", message);
        let cause = if path.is_empty() { cause } else { cause.in_field(path) };
        match at {
            Some(offset) => cause.at(self.location(offset)),
            None => cause,
        }
    }

    /// A fault of syntax, in the words of serde_json without its own "at line 1 column 2".
    pub(super) fn syntax(&self, error: &serde_json::Error) -> Cause {
        let text = error.to_string();
        let message = text.split(" at line ").next().unwrap_or(&text);
        let at = self.byte_of(error.line(), error.column());
        self.invalid("", message, Some(at))
    }

    /// serde_json counts columns in bytes and from 1, but a fault before the first byte of a line as column 0.
    fn byte_of(&self, line: usize, column: usize) -> usize {
        let start: usize = self.text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        let wanted = (start + column.saturating_sub(1)).min(self.text.len());
        (0..=wanted).rev().find(|at| self.text.is_char_boundary(*at)).unwrap_or(0)
    }
}
