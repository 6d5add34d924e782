//! The paths of fields, as messages name them: `containerDefinitions[0].image`.

/// The path of a member of the object at `parent`.
pub(super) fn member(parent: &str, key: &str) -> String {
    if parent.is_empty() { key.to_owned() } else { format!("{parent}.{key}") }
}

/// The path of an element of the array at `parent`.
pub(super) fn index(parent: &str, index: usize) -> String {
    format!("{parent}[{index}]")
}

/// The path of an element of the list at `parent` that has a name of its own.
pub(super) fn named(parent: &str, name: &str) -> String {
    format!("{parent}[{name}]")
}
