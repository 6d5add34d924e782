//! A YAML document with the place of everything in it.

use landfall_core::error::Location;
use saphyr_parser::{Event, Marker, Parser};

/// How deep a document may be nested; an application specification has five levels.
const DEEPEST: usize = 32;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) at: Location,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

impl Node {
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(text) => Some(text),
            _ => None,
        }
    }

    /// The members of a map; none of anything else.
    pub(super) fn members(&self) -> &[(Node, Node)] {
        match &self.value {
            Value::Map(members) => members,
            _ => &[],
        }
    }

    /// The elements of a list; none of anything else.
    pub(super) fn elements(&self) -> &[Node] {
        match &self.value {
            Value::List(elements) => elements,
            _ => &[],
        }
    }

    pub(super) fn member(&self, name: &str) -> Option<&Node> {
        self.members().iter().find(|(key, _)| key.text() == Some(name)).map(|(_, value)| value)
    }
}

/// What is wrong with a document, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) message: String,
    pub(super) at: Location,
}

fn place(file: &str, marker: Marker) -> Location {
    let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    Location { file: file.to_owned(), line: number(marker.line()), column: number(marker.col() + 1) }
}

/// Reads the first document.
pub(super) fn parse(file: &str, text: &str) -> Result<Node, Broken> {
    let mut events = Vec::new();
    for event in Parser::new_from_str(text) {
        match event {
            Ok((Event::StreamStart | Event::DocumentStart(_) | Event::Nothing, _)) => {}
            Ok((Event::StreamEnd | Event::DocumentEnd, _)) => break,
            Ok((event, span)) => events.push((event, place(file, span.start))),
            Err(error) => {
                return Err(Broken { message: error.info().to_owned(), at: place(file, *error.marker()) });
            }
        }
    }
    let begin = || Location { file: file.to_owned(), line: 1, column: 1 };
    let mut events = events.into_iter();
    node(&mut events, 0).unwrap_or_else(|| Err(Broken { message: "it is empty".to_owned(), at: begin() }))
}

/// The node that begins with the next event; none at the end of a list or map.
fn node<'a>(
    events: &mut impl Iterator<Item = (Event<'a>, Location)>,
    depth: usize,
) -> Option<Result<Node, Broken>> {
    let (event, at) = events.next()?;
    if depth > DEEPEST {
        return Some(Err(Broken { message: format!("it is nested more than {DEEPEST} deep"), at }));
    }
    let value = match event {
        Event::Scalar(text, ..) => Value::Scalar(text.into_owned()),
        // What an anchor stands for is not needed here: CodeDeploy's own examples have none.
        Event::Alias(_) => Value::Scalar(String::new()),
        Event::SequenceStart(..) => {
            let mut elements = Vec::new();
            while let Some(element) = node(events, depth + 1) {
                match element {
                    Ok(element) => elements.push(element),
                    Err(broken) => return Some(Err(broken)),
                }
            }
            Value::List(elements)
        }
        Event::MappingStart(..) => {
            let mut members = Vec::new();
            while let Some(key) = node(events, depth + 1) {
                match (key, node(events, depth + 1)) {
                    (Ok(key), Some(Ok(value))) => members.push((key, value)),
                    (Err(broken), _) | (_, Some(Err(broken))) => return Some(Err(broken)),
                    (Ok(_), None) => break,
                }
            }
            Value::Map(members)
        }
        _ => return None,
    };
    Some(Ok(Node { value, at }))
}
