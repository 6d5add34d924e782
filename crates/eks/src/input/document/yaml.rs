//! From the events of the YAML parser to trees.

use std::collections::{HashMap, HashSet};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, Tag};

use super::split::Part;
use super::{Entry, Mark, Node, Problem, Value, advice, scalar};

/// Most nodes of a document, those of repeated aliases counted: etcd takes 1.5 MiB for an object, a `List` holds many,
/// and a few short lines of aliases can stand for millions.
const MOST_NODES: usize = 1_000_000;

/// Deepest nesting. Schemas in CustomResourceDefinitions nest some forty levels; walking a tree takes stack.
const DEEPEST: usize = 120;

const KEY: &str = "write `key: value` here; a text with brackets or braces in it stands in quotes";
const SEPARATE: &str =
    "if another object begins here, put a line `---` before it; otherwise keep one of the two";
const QUOTE: &str = "put it in quotes if it is text";

/// The trees of a part: one, unless there is no content.
pub(super) fn trees(part: Part<'_>) -> Vec<super::Tree> {
    match roots(part) {
        Ok(roots) => roots.into_iter().map(Ok).collect(),
        Err(problem) => vec![Err(vec![problem])],
    }
}

fn roots(part: Part<'_>) -> Result<Vec<Node>, Problem> {
    let mut builder = Builder {
        lines_before: part.lines_before,
        lines: part.text.lines().count().max(1),
        end: part.text.lines().last().map_or(0, |line| line.chars().count()),
        ..Builder::default()
    };
    for event in Parser::new_from_str(part.text) {
        match event {
            Ok((event, span)) => builder.take(event, span)?,
            Err(error) => {
                let (message, hint) = advice::of_yaml(error.info());
                return Err(Problem::new(builder.mark(error.marker()), message).hint(hint));
            }
        }
    }
    Ok(builder.roots)
}

enum Open {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, merges: Vec<Node>, known: HashSet<String>, key: Option<Key> },
}

enum Key {
    Named(String),
    /// `<<`, which takes in the members of other maps: <https://yaml.org/type/merge.html>.
    Merge,
}

struct Level {
    open: Open,
    at: Mark,
    anchor: usize,
}

#[derive(Default)]
struct Builder {
    lines_before: usize,
    lines: usize,
    /// Characters of the last line.
    end: usize,
    levels: Vec<Level>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    roots: Vec<Node>,
}

impl Builder {
    /// A place in the file: at the end of the text when the parser says that it is behind it.
    fn mark(&self, marker: &Marker) -> Mark {
        let (line, column) = match marker.line() {
            line if line > self.lines => (self.lines, self.end),
            line => (line.max(1), marker.col()),
        };
        Mark::new(self.lines_before + line, column + 1)
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Problem> {
        let at = self.mark(&span.start);
        match event {
            Event::Alias(anchor) => {
                let known = self.anchors.get(&anchor).cloned();
                let node = known.ok_or_else(|| {
                    Problem::new(
                        at,
                        "this alias stands inside of what it names, or its anchor is in another document",
                    )
                })?;
                self.count(size(&node), at)?;
                if self.waits_for_key() {
                    return Err(Problem::new(at, "an alias cannot be a key here").hint("write the key out"));
                }
                self.put(node, at, 0)
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.count(1, at)?;
                self.scalar(&text, matches!(style, ScalarStyle::Plain), anchor, tag.as_deref(), at)
            }
            Event::SequenceStart(anchor, tag) => {
                scalar::check_collection(tag.as_deref(), "seq").map_err(|text| Problem::new(at, text))?;
                self.begin(Open::List(Vec::new()), at, anchor)
            }
            Event::MappingStart(anchor, tag) => {
                scalar::check_collection(tag.as_deref(), "map").map_err(|text| Problem::new(at, text))?;
                let known = HashSet::new();
                self.begin(
                    Open::Map { entries: Vec::new(), merges: Vec::new(), known, key: None },
                    at,
                    anchor,
                )
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            _ => Ok(()),
        }
    }

    /// Whether the next node is a key.
    fn waits_for_key(&self) -> bool {
        matches!(self.levels.last(), Some(Level { open: Open::Map { key: None, .. }, .. }))
    }

    fn scalar(
        &mut self,
        text: &str,
        plain: bool,
        anchor: usize,
        tag: Option<&Tag>,
        at: Mark,
    ) -> Result<(), Problem> {
        if self.waits_for_key() && plain && tag.is_none() && text == "<<" {
            return self.key(Key::Merge, at);
        }
        let value = scalar::resolve(text, plain, tag).map_err(|text| Problem::new(at, text).hint(QUOTE))?;
        if self.waits_for_key() {
            if anchor > 0 {
                self.anchors.insert(anchor, Node::new(at, value.clone()));
            }
            let key = scalar::key(text, &value).ok_or_else(|| {
                let kind = Node::new(at, value.clone()).kind();
                Problem::new(
                    at,
                    format!("the key `{text}` is {kind} in YAML, and would reach Kubernetes changed"),
                )
                .hint("put the key in quotes")
            })?;
            return self.key(Key::Named(key), at);
        }
        let mut node = Node::new(at, value);
        if !matches!(node.value, Value::Text(_)) && node.to_string() != text {
            node.written = Some(text.into());
        }
        self.put(node, at, anchor)
    }

    fn key(&mut self, key: Key, at: Mark) -> Result<(), Problem> {
        let depth = self.levels.len();
        let Some(Level { open: Open::Map { known, key: slot, .. }, .. }) = self.levels.last_mut() else {
            return Ok(());
        };
        let name = match &key {
            Key::Named(name) => name.as_str(),
            Key::Merge => "<<",
        };
        // A quoted `<<` is a name like others, and not the same key.
        let unique = if matches!(key, Key::Merge) { "\u{0}<<" } else { name };
        if !known.insert(unique.to_owned()) {
            let message = format!("`{name}` stands here for the second time");
            let hint = match name {
                "apiVersion" | "kind" if depth == 1 => SEPARATE,
                _ => "keep one of the two: `kubectl` would take one without a word",
            };
            return Err(Problem::new(at, message).hint(hint));
        }
        *slot = Some(key);
        Ok(())
    }

    fn count(&mut self, more: usize, at: Mark) -> Result<(), Problem> {
        self.nodes += more;
        if self.nodes > MOST_NODES {
            let message = "the document is too large once its aliases are written out";
            return Err(
                Problem::new(at, message).hint("each alias counts with all that it stands for: use fewer")
            );
        }
        Ok(())
    }

    fn begin(&mut self, open: Open, at: Mark, anchor: usize) -> Result<(), Problem> {
        self.count(1, at)?;
        if self.waits_for_key() {
            return Err(Problem::new(at, "a key is expected here, and not a list or a map").hint(KEY));
        }
        if self.levels.len() >= DEEPEST {
            return Err(Problem::new(at, format!("more than {DEEPEST} levels are nested")));
        }
        self.levels.push(Level { open, at, anchor });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Problem> {
        let Some(Level { open, at, anchor }) = self.levels.pop() else { return Ok(()) };
        let value = match open {
            Open::List(items) => Value::List(items),
            Open::Map { entries, merges, known, .. } => Value::Map(self.merged(entries, merges, known)?),
        };
        self.put(Node::new(at, value), at, anchor)
    }

    fn put(&mut self, node: Node, at: Mark, anchor: usize) -> Result<(), Problem> {
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.levels.last_mut().map(|level| &mut level.open) {
            None => self.roots.push(node),
            Some(Open::List(items)) => items.push(node),
            Some(Open::Map { entries, merges, key, .. }) => match key.take() {
                Some(Key::Named(key)) => entries.push(Entry { key, value: node }),
                Some(Key::Merge) => merge_sources(node, at, merges)?,
                None => return Err(Problem::new(at, "a key is expected here").hint(KEY)),
            },
        }
        Ok(())
    }

    /// With the members of merged maps behind the map's own, which go before them; of two merged maps the first does.
    fn merged(
        &mut self,
        mut entries: Vec<Entry>,
        merges: Vec<Node>,
        mut known: HashSet<String>,
    ) -> Result<Vec<Entry>, Problem> {
        for from in merges {
            let at = from.at;
            if let Value::Map(others) = from.value {
                for entry in others {
                    if known.insert(entry.key.clone()) {
                        self.count(size(&entry.value), at)?;
                        entries.push(entry);
                    }
                }
            }
        }
        Ok(entries)
    }
}

/// The maps that a `<<` names: one, or a list of them.
fn merge_sources(node: Node, at: Mark, merges: &mut Vec<Node>) -> Result<(), Problem> {
    let maps = match node.value {
        Value::List(items) => items,
        _ => vec![node],
    };
    if maps.iter().any(|map| !map.is_map()) {
        return Err(Problem::new(at, "`<<` takes in maps, and this is none")
            .hint("give an alias of a map, or a list of them; put `<<` in quotes if it is a name"));
    }
    merges.extend(maps);
    Ok(())
}

fn size(node: &Node) -> usize {
    1 + node.items().iter().map(size).sum::<usize>()
        + node.entries().iter().map(|entry| size(&entry.value)).sum::<usize>()
}
