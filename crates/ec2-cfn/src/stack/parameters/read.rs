//! The shapes in which values are given.

use landfall_core::{Cause, Location};

use super::super::document::{self, Kind, Node};
use super::{Given, ParameterSource, Wanted};

type Found = Vec<(String, Given)>;

/// The values of one source, or everything that is wrong with it.
pub(super) fn source(source: &ParameterSource) -> Result<Found, Vec<Cause>> {
    match source {
        ParameterSource::Pair(pair) => match pair.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                Ok(vec![(name.to_owned(), Given { value: Wanted::Value(value.to_owned()), at: None })])
            }
            _ => {
                let name = pair.split('=').next().unwrap_or_default();
                Err(vec![Cause::invalid("parameter", format!("`{name}...` is not of the form Name=Value"))])
            }
        },
        ParameterSource::File { name, text } if is_lines(text) => lines(name, text),
        ParameterSource::File { name, text } => {
            let root = document::parse(name, text).map_err(|cause| vec![cause.in_field("parameter file")])?;
            tree(name, &root)
        }
    }
}

/// `Name=Value` in each line that says anything.
fn is_lines(text: &str) -> bool {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    first.and_then(|line| line.split_once('=')).is_some_and(|(name, _)| {
        !name.is_empty() && name.trim_end().bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

fn lines(file: &str, text: &str) -> Result<Found, Vec<Cause>> {
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        let line_number = u32::try_from(number + 1).unwrap_or(u32::MAX);
        let at = Location { file: file.to_owned(), line: line_number, column: 1 };
        match line.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => {
                let value = Wanted::Value(value.to_owned());
                found.push((name.trim().to_owned(), Given { value, at: Some(at) }));
            }
            // Not the line itself: it may be the rest of a secret.
            _ => problems.push(Cause::invalid("parameter", "this line is not of the form Name=Value").at(at)),
        }
    }
    if problems.is_empty() { Ok(found) } else { Err(problems) }
}

fn tree(file: &str, root: &Node) -> Result<Found, Vec<Cause>> {
    let mut problems = Vec::new();
    let found = match &root.kind {
        Kind::List(items) => items.iter().filter_map(|item| member(file, item, &mut problems)).collect(),
        Kind::Map(_) => {
            let inner = root.member("Parameters").filter(|inner| matches!(inner.kind, Kind::Map(_)));
            let entries = inner.unwrap_or(root).entries();
            let one = |entry: &document::Entry| {
                let at = Some(entry.at.location(file));
                let value = value(file, &entry.key, &entry.value, &mut problems)?;
                Some((entry.key.clone(), Given { value: Wanted::Value(value), at }))
            };
            entries.iter().filter_map(one).collect()
        }
        Kind::Scalar { .. } => {
            let text = "the file holds a single value; a map of names to values or a list of ParameterKey and ParameterValue \
                        is expected";
            problems.push(Cause::invalid("parameter file", text).at(root.at.location(file)));
            Vec::new()
        }
    };
    if problems.is_empty() { Ok(found) } else { Err(problems) }
}

/// An item of CloudFormation's list.
fn member(file: &str, item: &Node, problems: &mut Vec<Cause>) -> Option<(String, Given)> {
    let at = item.at.location(file);
    let mut refuse = |text: String| {
        problems.push(Cause::invalid("parameter", text).at(at.clone()));
        None
    };
    // A list of `Name=Value`, as `--parameter-overrides` of the AWS CLI takes it.
    if let Some((name, value)) = item.text().and_then(|text| text.split_once('=')) {
        return Some((name.to_owned(), Given { value: Wanted::Value(value.to_owned()), at: Some(at) }));
    }
    const MEMBERS: [&str; 4] = ["ParameterKey", "ParameterValue", "UsePreviousValue", "ResolvedValue"];
    if let Some(odd) = item.entries().iter().find(|entry| !MEMBERS.contains(&entry.key.as_str())) {
        return refuse(format!(
            "`{}` is no member of a parameter: those are {}",
            odd.key,
            MEMBERS.join(", ")
        ));
    }
    let Some(name) = item.member("ParameterKey").and_then(Node::text).filter(|name| !name.is_empty()) else {
        return refuse("there is no `ParameterKey`".to_owned());
    };
    let previous = item.member("UsePreviousValue").is_some_and(Node::is_true);
    match (item.member("ParameterValue"), previous) {
        (Some(_), true) => refuse(format!("{name} has both a ParameterValue and UsePreviousValue")),
        (None, false) => refuse(format!("{name} has neither a ParameterValue nor UsePreviousValue")),
        (None, true) => Some((name.to_owned(), Given { value: Wanted::Previous, at: Some(at) })),
        (Some(node), false) => {
            let value = value(file, name, node, problems)?;
            Some((name.to_owned(), Given { value: Wanted::Value(value), at: Some(at) }))
        }
    }
}

/// A value as CloudFormation takes it: a text. A list of texts is joined by commas, as its list types want it.
fn value(file: &str, name: &str, node: &Node, problems: &mut Vec<Cause>) -> Option<String> {
    let items: Option<Vec<&str>> = node.items().iter().map(Node::text).collect();
    match (&node.kind, items) {
        (Kind::Scalar { text, .. }, _) if node.tag.is_none() => Some(text.clone()),
        (Kind::List(_), Some(items)) => Some(items.join(",")),
        _ => {
            let text = format!("{name} is neither a text nor a list of texts");
            problems.push(Cause::invalid(format!("Parameters.{name}"), text).at(node.at.location(file)));
            None
        }
    }
}
