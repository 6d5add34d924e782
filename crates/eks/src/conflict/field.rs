//! Values by the paths that the server writes:
//! `.spec.template.spec.containers[name="web"].ports[containerPort=80,protocol="TCP"]`.
//!
//! The names of fields are not quoted there, so that `.metadata.annotations.example.com/owner` may be read in several
//! ways: the longest name that is there counts.
//! <https://pkg.go.dev/sigs.k8s.io/structured-merge-diff/v6/fieldpath#Path>.

use serde_json::Value;

/// The value at a path, if there is one.
#[must_use]
pub fn value_at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    if path.is_empty() {
        return Some(value);
    }
    if let Some(rest) = path.strip_prefix('.') {
        let mut names: Vec<&String> =
            value.as_object()?.keys().filter(|name| begins_with(rest, name)).collect();
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        return names.into_iter().find_map(|name| value_at(&value[name], &rest[name.len()..]));
    }
    let (key, rest) = selected(path)?;
    let items = value.as_array()?;
    let item = match key.parse::<usize>() {
        Ok(index) => items.get(index),
        Err(_) => items.iter().find(|item| is_meant(item, key)),
    };
    value_at(item?, rest)
}

fn begins_with(path: &str, name: &str) -> bool {
    path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// What stands in the brackets that a path begins with, and what follows them. A quoted value may hold brackets.
fn selected(path: &str) -> Option<(&str, &str)> {
    let inside = path.strip_prefix('[')?;
    let (mut quoted, mut escaped) = (false, false);
    for (at, letter) in inside.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ']' if !quoted => return Some((&inside[..at], &inside[at + 1..])),
            _ => {}
        }
    }
    None
}

/// Whether an item is the one of this key: `name="web"`, several of these, or `="value"` for a value itself.
fn is_meant(item: &Value, key: &str) -> bool {
    if let Some(value) = key.strip_prefix('=') {
        let written = item.to_string();
        return written == value;
    }
    let mut rest = key;
    while !rest.is_empty() {
        let Some((name, after)) = rest.split_once('=') else { return false };
        let Some(value) = item.get(name) else { return false };
        let text = value.to_string();
        let Some(next) = after.strip_prefix(text.as_str()) else { return false };
        if !next.is_empty() && !next.starts_with(',') {
            return false;
        }
        rest = next.trim_start_matches(',');
    }
    true
}
