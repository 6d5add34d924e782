//! Labels that every object gets.

use std::collections::BTreeMap;

use landfall_core::Cause;

use super::document::Node;
use super::objects::Manifest;

/// Longest value of a label, and of the name in its key behind a prefix:
/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set>.
const LONGEST: usize = 63;
/// Longest prefix of a key, a name of DNS.
const LONGEST_PREFIX: usize = 253;

/// What Kubernetes takes for a label.
pub(super) const FORM: &str = "up to 63 letters, digits, `-`, `_` and `.`, the first and the last a letter or digit; a key may have a \
                               domain and `/` in front";

/// What is wrong with a label that is asked for, if anything.
pub(super) fn check(key: &str, value: &str) -> Option<Cause> {
    let problem = if !is_key(key) {
        format!("the label `{}` has a key that Kubernetes does not take", key.escape_debug())
    } else if !is_word(value) {
        format!("the label `{key}` has the value `{}`, which Kubernetes does not take", value.escape_debug())
    } else {
        return None;
    };
    Some(Cause::invalid("labels", problem).with_hint(FORM))
}

/// Whether this can be the key of a label.
pub(super) fn is_key(key: &str) -> bool {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    let domain = |text: &str| {
        !text.is_empty()
            && text.len() <= LONGEST_PREFIX
            && text.split('.').all(|part| {
                let letters = part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
                letters && !part.is_empty() && !part.starts_with('-') && !part.ends_with('-')
            })
    };
    prefix.is_none_or(domain) && !name.is_empty() && is_word(name)
}

/// What a label's name and value are made of; empty is fine for a value.
pub(super) fn is_word(text: &str) -> bool {
    let edge = |letter: Option<char>| letter.is_none_or(|c| c.is_ascii_alphanumeric());
    text.len() <= LONGEST
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        && edge(text.chars().next())
        && edge(text.chars().last())
}

/// Labels every object. Pod templates and selectors stay as they are: a selector cannot be changed later.
pub(super) fn put(manifests: &mut [Manifest], labels: &BTreeMap<String, String>, problems: &mut Vec<Cause>) {
    for manifest in manifests.iter_mut() {
        for (key, value) in labels {
            let has = manifest.root.find(&["metadata", "labels", key]);
            if let Some(has) = has.filter(|has| has.as_str() != Some(value)) {
                let message = format!("it has the label `{key}` already, with another value than `{value}`");
                let problem = manifest.problem(has.at, "metadata.labels", message);
                problems.push(problem.with_hint("take it out of the manifest, or do not ask for the label"));
                continue;
            }
            let Some(metadata) = manifest.root.member_mut("metadata") else { continue };
            if metadata.member("labels").is_none_or(Node::is_null) {
                metadata.set("labels", Node::map());
            }
            if let Some(node) = metadata.member_mut("labels") {
                node.set(key, Node::text(value));
            }
        }
    }
}
