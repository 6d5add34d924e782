//! What the parser's words come from in manifests, and what to do about it.

/// What a fault of YAML is told as, by a part of the parser's own words: instead of them, where they are no help, and with
/// what to do.
const KNOWN: [(&str, Option<&str>, &str); 8] = [
    ("tab", None, "YAML is indented by blanks: replace the tab"),
    (
        "did not find expected key",
        None,
        "members of one map begin at the same column: compare the indentation of this line with those above it",
    ),
    (
        "mapping values are not allowed",
        Some("a colon begins a value here, where none can be"),
        "put the text in quotes if the colon is a part of it; otherwise this line is indented too far, or the one above it \
         has a value already",
    ),
    (
        "unknown anchor",
        Some("this is an alias (`*name`), and there is no anchor (`&name`) for it in the document"),
        "put it in quotes if it is text, such as '*.example.com'; otherwise define the anchor before it, in the same document",
    ),
    ("unexpected character", None, "text cannot begin with this character: put it in quotes"),
    (
        "invalid trailing content after double-quoted scalar",
        Some("something stands behind the closing quote"),
        "write a quote within single quotes twice ('it''s'), and one within double quotes as \\\"",
    ),
    (
        "simple key expect ':'",
        Some("this line is neither `key: value` nor a part of the text above it"),
        "add the colon and a blank, or indent the line: the text of a block (`|`, `>`) stands deeper than its key",
    ),
    (
        "expected ',' or",
        None,
        "a bracket or a brace is not closed, or a comma is missing, here or in the line above",
    ),
];

const SYNTAX: &str =
    "look at this line and the one above it: indentation by blanks, quotes, colons, brackets";

/// The message and the next step for what the parser says.
pub(super) fn of_yaml(words: &str) -> (&str, &'static str) {
    match KNOWN.iter().find(|(part, ..)| words.contains(part)) {
        Some((_, message, hint)) => (message.unwrap_or(words), *hint),
        None => (words, SYNTAX),
    }
}

/// The next step for a fault of JSON; `rest` is the text from its place on.
pub(super) fn of_json(words: &str, rest: &str) -> &'static str {
    if rest.starts_with(['/', '#']) {
        return "JSON takes no comments: take it out";
    }
    if rest.starts_with('\'') {
        return "JSON has double quotes only";
    }
    if words.starts_with("EOF") {
        return "the text ends too early: a brace, a bracket or a quote is not closed";
    }
    "a comma, a quote or a bracket is missing or too many at this place or before it"
}

/// What a whole document is that cannot be read, if that is known.
pub(super) fn of_document(text: &str) -> Option<&'static str> {
    if text.lines().any(|line| line.starts_with("<<<<<<< ")) {
        return Some(
            "a merge of git was not finished here: choose between the lines at <<<<<<<, ======= and >>>>>>>",
        );
    }
    // The usual reason for YAML that is none.
    text.contains("{{")
        .then_some("this looks like a template of a Helm chart: give what `helm template` prints")
}
