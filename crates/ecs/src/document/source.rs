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
        if self.text.trim().is_empty() {
            return self.invalid("", "the file is empty", Some(0));
        }
        if self.looks_like_yaml() {
            let cause = self.invalid("", "the file looks like YAML; YAML is not supported yet", Some(0));
            return cause.with_hint("convert it to JSON");
        }
        let at = self.byte_of(error.line(), error.column());
        let text = error.to_string();
        let cause = self.invalid("", text.split(" at line ").next().unwrap_or(&text), Some(at));
        if self.text[at..].starts_with("//") || self.text[at..].starts_with("/*") {
            return cause.with_hint("take the comment out: comments are no part of JSON");
        }
        cause
    }

    /// Neither a JSON object nor a list, and its first line that says anything is `---` or begins with `word:`.
    fn looks_like_yaml(&self) -> bool {
        let mut lines =
            self.text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let Some(first) = lines.next() else { return false };
        let word = |text: &str| text.chars().all(|c| c.is_alphanumeric() || "_- ".contains(c));
        first.starts_with("---")
            || first.starts_with("- ")
            || first.split_once(':').is_some_and(|(key, _)| word(key))
    }

    /// serde_json counts columns in bytes and from 1, but a fault before the first byte of a line as column 0.
    fn byte_of(&self, line: usize, column: usize) -> usize {
        let start: usize = self.text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        let wanted = (start + column.saturating_sub(1)).min(self.text.len());
        (0..=wanted).rev().find(|at| self.text.is_char_boundary(*at)).unwrap_or(0)
    }
}
