//! Pages of lists.

use super::invalid;
use crate::wire::{Object, ServiceError};

/// The page that a request wants, and the token of the next one. A token is opaque to callers; here it is a position.
pub(super) fn page<T: Clone>(
    input: &Object,
    items: &[T],
    default: usize,
    most: usize,
) -> Result<(Vec<T>, Option<String>), ServiceError> {
    let size = match input.read::<i64>("maxResults") {
        None => default,
        Some(size) => usize::try_from(size)
            .ok()
            .filter(|size| (1..=most).contains(size))
            .ok_or_else(|| invalid(format!("maxResults must be between 1 and {most}.")))?,
    };
    let from = match input.string("nextToken") {
        None => 0,
        Some(token) => token
            .strip_prefix("page-")
            .and_then(|position| position.parse::<usize>().ok())
            .filter(|position| *position <= items.len())
            .ok_or_else(|| invalid("Invalid token."))?,
    };
    let to = from.saturating_add(size).min(items.len());
    let next = (to < items.len()).then(|| format!("page-{to}"));
    Ok((items[from..to].to_vec(), next))
}
