//! Whether ECS took what was sent.

use super::compare::{normalised, pairs};
use super::json::Node;
use super::{Document, path};

/// The paths of what was sent and is absent in what RegisterTaskDefinition answered.
///
/// ECS does not say that it ignored a field; a misspelt or unsupported one is simply not in the answer.
/// Values that mean the same as no value (`cpu: 0`, an empty list) are not missed.
#[must_use]
pub fn echo_check(sent: &Document, answered: &Document) -> Vec<String> {
    let mut missing = Vec::new();
    compare("", "", &normalised(sent), &normalised(answered), &mut missing);
    missing
}

fn compare(path: &str, key: &str, sent: &Node, answered: &Node, missing: &mut Vec<String>) {
    for member in sent.members() {
        let field = path::member(path, &member.key);
        match answered.member(&member.key) {
            Some(value) => compare(&field, &member.key, &member.value, value, missing),
            None => missing.push(field),
        }
    }
    let (sent, answered) = (sent.items(), answered.items());
    match pairs(key, sent, answered) {
        Some(pairs) => {
            for (label, sent, answered) in pairs {
                entry(&path::named(path, &label), sent, answered, missing);
            }
        }
        None => {
            for (index, item) in sent.iter().enumerate() {
                entry(&path::index(path, index), Some(item), answered.get(index), missing);
            }
        }
    }
}

fn entry(path: &str, sent: Option<&Node>, answered: Option<&Node>, missing: &mut Vec<String>) {
    match (sent, answered) {
        (Some(sent), Some(answered)) => compare(path, "", sent, answered, missing),
        (Some(_), None) => missing.push(path.to_owned()),
        _ => {}
    }
}
