//! From the shapes in which task definitions are found to RegisterTaskDefinition's request.

use landfall_core::Cause;

use super::json::Node;
use super::source::Source;

pub(super) fn of_file(mut root: Node, source: &Source) -> Result<(Node, Vec<Cause>), Vec<Cause>> {
    let _ = source;
    if let Some(inner) = root.take("taskDefinition") {
        root = inner.value;
    }
    Ok((root, Vec::new()))
}

pub(super) fn of_answer(root: Node, source: &Source) -> Result<Node, Vec<Cause>> {
    of_file(root, source).map(|(root, _)| root)
}
