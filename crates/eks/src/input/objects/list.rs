//! Lists of objects, as `kubectl get -o yaml` and generators write them, taken apart.

use landfall_core::Cause;

use super::super::document::{Node, Value};
use super::{Manifest, Origin, identity};

/// Reads one document: an object, or a list of them, in which there may be lists again.
pub(in crate::input) fn unfold(
    origin: &Origin,
    root: Node,
    found: &mut Vec<Manifest>,
    problems: &mut Vec<Cause>,
) {
    let origin = Origin { at: root.at, ..origin.clone() };
    let kind = root.member("kind").and_then(Node::as_str).unwrap_or_default();
    let is_list =
        kind == "List" || (kind.ends_with("List") && matches!(member(&root, "items"), Some(Value::List(_))));
    if !is_list {
        match identity::read(origin, root) {
            Ok(manifest) => found.push(manifest),
            Err(wrong) => problems.extend(wrong),
        }
        return;
    }
    let item_kind = kind.strip_suffix("List").unwrap_or_default().to_owned();
    let api_version = root.member("apiVersion").and_then(Node::as_str).unwrap_or_default().to_owned();
    let items = match root.value {
        Value::Map(entries) => {
            entries.into_iter().find(|entry| entry.key == "items").map(|entry| entry.value)
        }
        _ => None,
    };
    match items.map(|items| (items.at, items.value)) {
        Some((_, Value::List(items))) => {
            for item in items {
                unfold(&origin, typed(item, &item_kind, &api_version), found, problems);
            }
        }
        None | Some((_, Value::Null)) => {}
        Some((at, _)) => problems.push(origin.problem(at, "`items` is not a list").in_field("items")),
    }
}

fn member<'a>(node: &'a Node, key: &str) -> Option<&'a Value> {
    node.member(key).map(|node| &node.value)
}

/// Items of a `DeploymentList` may leave out what the list says: they are of kind `Deployment` and of its version.
fn typed(mut item: Node, kind: &str, api_version: &str) -> Node {
    let untyped = item.member("kind").is_none() && item.member("apiVersion").is_none();
    if !kind.is_empty() && untyped && item.is_map() {
        item.put_first("kind", Node::text(kind));
        item.put_first("apiVersion", Node::text(api_version));
    }
    item
}
