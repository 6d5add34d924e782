//! From the parser's events to a tree.

use std::collections::HashMap;

use landfall_core::Cause;
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};

use super::{Entry, Kind, Mark, Node};

/// Most nodes of a document, those of repeated aliases counted: a template has at most 500 resources (quota of
/// CloudFormation) in a megabyte, and a few short lines of aliases can stand for millions.
const MOST_NODES: usize = 400_000;

/// Deepest nesting. Templates nest a dozen levels; walking a tree takes stack.
const DEEPEST: usize = 96;

enum Open {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, key: Option<(String, Mark)> },
}

struct Builder<'a> {
    file: &'a str,
    open: Vec<(Open, Mark, Option<String>, usize)>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    root: Option<Node>,
}

/// The tree of the first and only document.
pub(super) fn tree(file: &str, text: &str) -> Result<Node, Box<Cause>> {
    let mut builder = Builder { file, open: Vec::new(), anchors: HashMap::new(), nodes: 0, root: None };
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| builder.syntax(&error))?;
        builder.take(event, mark(span))?;
    }
    let empty = || problem(file, Mark { line: 1, column: 1 }, "the file holds no document");
    builder.root.ok_or_else(empty)
}

fn mark(span: Span) -> Mark {
    Mark { line: span.start.line().max(1), column: span.start.col() + 1 }
}

fn problem(file: &str, at: Mark, text: &str) -> Box<Cause> {
    let hint = "look at this line and the one above it: indentation by blanks, quotes, colons, brackets";
    Box::new(Cause::new("invalid-input", text).at(at.location(file)).with_hint(hint))
}

fn name(tag: Option<&Tag>) -> Option<String> {
    // `!Ref` has the handle `!`; `!!str` and its like say nothing that CloudFormation asks for.
    tag.filter(|tag| !tag.is_yaml_core_schema()).map(|tag| tag.suffix.clone())
}

impl Builder<'_> {
    fn syntax(&self, error: &ScanError) -> Box<Cause> {
        let at = Mark { line: error.marker().line().max(1), column: error.marker().col() + 1 };
        problem(self.file, at, error.info())
    }

    fn take(&mut self, event: Event<'_>, at: Mark) -> Result<(), Box<Cause>> {
        match event {
            Event::DocumentStart(_) if self.root.is_some() => {
                Err(problem(self.file, at, "a second document begins here: one file holds one document"))
            }
            Event::Alias(anchor) => {
                let known = self.anchors.get(&anchor).cloned();
                let node =
                    known.ok_or_else(|| problem(self.file, at, "the alias has no anchor before it"))?;
                self.count(size(&node), at)?;
                self.put(node, at, 0)
            }
            Event::Scalar(text, style, anchor, tag) => {
                let plain = matches!(style, ScalarStyle::Plain);
                let kind = Kind::Scalar { text: text.into_owned(), plain };
                self.count(1, at)?;
                self.put(Node { at, tag: name(tag.as_deref()), kind }, at, anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                self.begin(Open::List(Vec::new()), at, name(tag.as_deref()), anchor)
            }
            Event::MappingStart(anchor, tag) => {
                let map = Open::Map { entries: Vec::new(), key: None };
                self.begin(map, at, name(tag.as_deref()), anchor)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            _ => Ok(()),
        }
    }

    fn count(&mut self, more: usize, at: Mark) -> Result<(), Box<Cause>> {
        self.nodes += more;
        if self.nodes > MOST_NODES {
            return Err(problem(self.file, at, "the document is too large once its aliases are written out"));
        }
        Ok(())
    }

    fn begin(&mut self, open: Open, at: Mark, tag: Option<String>, anchor: usize) -> Result<(), Box<Cause>> {
        self.count(1, at)?;
        if self.open.len() >= DEEPEST {
            return Err(problem(self.file, at, &format!("more than {DEEPEST} levels are nested")));
        }
        self.open.push((open, at, tag, anchor));
        Ok(())
    }

    fn end(&mut self) -> Result<(), Box<Cause>> {
        let Some((open, at, tag, anchor)) = self.open.pop() else { return Ok(()) };
        let kind = match open {
            Open::List(items) => Kind::List(items),
            Open::Map { entries, .. } => Kind::Map(merged(entries)),
        };
        self.put(Node { at, tag, kind }, at, anchor)
    }

    fn put(&mut self, node: Node, at: Mark, anchor: usize) -> Result<(), Box<Cause>> {
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let file = self.file;
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some((Open::List(items), ..)) => items.push(node),
            Some((Open::Map { entries, key }, ..)) => match key.take() {
                None => {
                    let Kind::Scalar { text, .. } = node.kind else {
                        return Err(problem(file, at, "a name is expected here, and not a list or a map"));
                    };
                    if text != "<<" && entries.iter().any(|entry| entry.key == text) {
                        let twice = problem(file, at, &format!("`{text}` stands here for the second time"));
                        return Err(Box::new(
                            twice.with_hint("rename or remove one of them: CloudFormation would take one"),
                        ));
                    }
                    *key = Some((text, at));
                }
                Some((key, at)) => entries.push(Entry { key, at, value: node }),
            },
        }
        Ok(())
    }
}

/// With `<<` written out: members of the map itself go before those that are merged into it.
fn merged(entries: Vec<Entry>) -> Vec<Entry> {
    if entries.iter().all(|entry| entry.key != "<<") {
        return entries;
    }
    let (merge, mut own): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(|entry| entry.key == "<<");
    for from in merge {
        let maps = match from.value.kind {
            Kind::List(items) => items,
            kind => vec![Node { at: from.at, tag: None, kind }],
        };
        for entry in maps.iter().flat_map(Node::entries) {
            if own.iter().all(|known| known.key != entry.key) {
                own.push(entry.clone());
            }
        }
    }
    own
}

fn size(node: &Node) -> usize {
    1 + node.items().iter().map(size).sum::<usize>()
        + node.entries().iter().map(|entry| size(&entry.value)).sum::<usize>()
}
