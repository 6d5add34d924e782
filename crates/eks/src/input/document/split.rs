//! A text of several documents of YAML, taken apart before it is read, so that what is broken in one hides nothing of
//! the others.
//!
//! Lines that begin with `---` or `...` and a blank, or end there, are markers wherever they stand: YAML forbids them
//! inside of scalars (<https://yaml.org/spec/1.2.2/#914-explicit-documents>, `c-forbidden`).

/// A part of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part<'a> {
    pub(super) text: &'a str,
    /// Lines of the whole text before it.
    pub(super) lines_before: usize,
}

/// The parts, each with the marker that begins it. A part without any content is one too.
pub(super) fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut begin = Cut::default();
    let mut here = Cut::default();
    // Whether something that only `---` can begin has been seen since the last marker: directives belong to what follows.
    let mut only_prefix = true;
    for line in text.split_inclusive('\n') {
        let starts = is_marker(line, "---") && !only_prefix;
        if starts {
            parts.push(Part { text: &text[begin.byte..here.byte], lines_before: begin.line });
            begin = here;
        }
        here = Cut { byte: here.byte + line.len(), line: here.line + 1 };
        if is_marker(line, "...") {
            parts.push(Part { text: &text[begin.byte..here.byte], lines_before: begin.line });
            begin = here;
            only_prefix = true;
        } else if !is_prefix(line) {
            only_prefix = false;
        }
    }
    parts.push(Part { text: &text[begin.byte..], lines_before: begin.line });
    parts
}

#[derive(Debug, Clone, Copy, Default)]
struct Cut {
    byte: usize,
    line: usize,
}

fn is_marker(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\n', '\r']))
}

/// A line that may stand before the `---` of its document: a directive, a comment, nothing.
fn is_prefix(line: &str) -> bool {
    line.starts_with('%') || line.trim_start().starts_with('#') || line.trim().is_empty()
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn each_part_begins_with_its_marker_and_knows_its_line() {
        let text =
            "# licence\n---\na: 1\n--- # second\nb: |\n  x\n ---\n...\n%YAML 1.2\n---\nc: 1\n---x: 1\n---";
        let found: Vec<(&str, usize)> =
            parts(text).iter().map(|part| (part.text, part.lines_before)).collect();
        assert_eq!(
            found,
            [
                ("# licence\n---\na: 1\n", 0),
                ("--- # second\nb: |\n  x\n ---\n...\n", 3),
                ("%YAML 1.2\n---\nc: 1\n---x: 1\n", 8),
                ("---", 12),
            ]
        );
    }

    #[test]
    fn nothing_is_lost_between_the_parts() {
        for text in [
            "",
            "\n",
            "---",
            "---\n---\n",
            "a\r\n---\r\nb\r\n",
            "...\n...\n",
            "a\n...",
            "%X\n%Y\n---\na\n---\n",
        ] {
            let whole: String = parts(text).iter().map(|part| part.text).collect();
            assert_eq!(whole, text);
        }
    }
}
