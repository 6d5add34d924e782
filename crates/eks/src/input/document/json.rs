//! Reading JSON: one value, or several one after the other, as `kubectl` takes them.

use std::collections::HashMap;

use jsonc_parser::ast::{Object, ObjectPropName, Value as Tree};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::split::Part;
use super::{Entry, Mark, Node, Problem, Value, advice};

/// The trees of a part that is JSON, up to the first that is none; none when the part is YAML.
///
/// serde_json judges first: it is strict, and refuses more than 127 levels, so that no later walk over a tree can
/// overflow the stack. jsonc-parser, which keeps places and the text of numbers, then reads what is known to be good.
pub(super) fn trees(part: Part<'_>) -> Option<Vec<super::Tree>> {
    let marker = if part.text.starts_with("---") { 3 } else { 0 };
    let text = &part.text[marker..];
    if !text.trim_start().starts_with(['{', '[']) || is_yaml(text) {
        return None;
    }
    let places = Places::of(part);
    let mut trees = Vec::new();
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<serde_json::Value>();
    let mut begin = 0;
    while let Some(value) = stream.next() {
        if let Err(error) = value {
            trees.push(Err(vec![places.broken(&error, marker)]));
            break;
        }
        let end = stream.byte_offset();
        trees.push(tree(&text[begin..end], marker + begin, &places));
        begin = end;
    }
    Some(trees)
}

/// Whether the text is YAML in braces: its first key has no quotes.
fn is_yaml(text: &str) -> bool {
    let inside = text.trim_start().trim_start_matches(['{', '[']).trim_start();
    inside.starts_with(|letter: char| letter.is_alphabetic() || "'#&*!".contains(letter))
}

/// Where the lines of a part begin.
struct Places<'a> {
    part: Part<'a>,
    starts: Vec<usize>,
}

impl<'a> Places<'a> {
    fn of(part: Part<'a>) -> Self {
        let breaks = part.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { part, starts: std::iter::once(0).chain(breaks).collect() }
    }

    fn broken(&self, error: &serde_json::Error, marker: usize) -> Problem {
        let words = error.to_string();
        let words = words.split(" at line ").next().unwrap_or(&words);
        let at = self.offset_of(error, marker);
        let rest = self.part.text.get(at..).unwrap_or_default();
        Problem::new(self.mark(at), words).hint(advice::of_json(words, rest))
    }

    /// serde_json counts columns in bytes, from 1, and a fault before the first byte of a line as column 0. The first
    /// line of what it read began behind the marker.
    fn offset_of(&self, error: &serde_json::Error, marker: usize) -> usize {
        let line = error.line().max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or_default();
        let skipped = if line == 1 { marker } else { 0 };
        let mut at = (start + skipped + error.column().saturating_sub(1)).min(self.part.text.len());
        while !self.part.text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }

    fn mark(&self, offset: usize) -> Mark {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or_default();
        let column = self.part.text.get(start..offset).map_or(0, |before| before.chars().count());
        Mark::new(self.part.lines_before + line, column + 1)
    }
}

fn tree(text: &str, offset: usize, places: &Places<'_>) -> super::Tree {
    let strict = ParseOptions {
        allow_comments: false,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let mut reader = Reader { offset, places, twice: Vec::new() };
    let parsed = parse_to_ast(text, &CollectOptions::default(), &strict).map_err(|error| {
        let at = reader.mark(error.range().start);
        vec![Problem::new(at, error.to_string()).hint(advice::of_json("", ""))]
    })?;
    let Some(value) = parsed.value else { return Ok(Node::new(reader.mark(0), Value::Null)) };
    let node = reader.node(value);
    if reader.twice.is_empty() { Ok(node) } else { Err(reader.twice) }
}

struct Reader<'a> {
    offset: usize,
    places: &'a Places<'a>,
    twice: Vec<Problem>,
}

impl Reader<'_> {
    fn mark(&self, at: usize) -> Mark {
        self.places.mark(self.offset + at)
    }

    fn node(&mut self, value: Tree<'_>) -> Node {
        let at = self.mark(value.range().start);
        let value = match value {
            Tree::NullKeyword(_) => Value::Null,
            Tree::BooleanLit(literal) => Value::Bool(literal.value),
            Tree::NumberLit(literal) => Value::Number(literal.value.to_owned()),
            Tree::StringLit(literal) => Value::Text(literal.value.into_owned()),
            Tree::Array(array) => {
                Value::List(array.elements.into_iter().map(|element| self.node(element)).collect())
            }
            Tree::Object(object) => Value::Map(self.members(object)),
        };
        Node::new(at, value)
    }

    fn members(&mut self, object: Object<'_>) -> Vec<Entry> {
        let mut known: HashMap<String, Mark> = HashMap::new();
        let mut entries = Vec::with_capacity(object.properties.len());
        for property in object.properties {
            let at = self.mark(property.name.range().start);
            let key = match property.name {
                ObjectPropName::String(literal) => literal.value.into_owned(),
                ObjectPropName::Word(literal) => literal.value.to_owned(),
            };
            if let Some(first) = known.insert(key.clone(), at) {
                let message =
                    format!("`{key}` stands here for the second time; the first is in line {}", first.line);
                self.twice.push(Problem::new(at, message).hint("keep one of the two"));
            }
            let value = self.node(property.value);
            entries.push(Entry { key, value });
        }
        entries
    }
}
