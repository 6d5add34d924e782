//! Differences in words.

use super::Document;

/// What registering `wanted` would change in comparison with `live`, one line for each difference; empty when
/// there is nothing to do.
#[must_use]
pub fn diff(live: &Document, wanted: &Document) -> Vec<String> {
    if live.without_tag(super::RUN_TAG).to_body() == wanted.without_tag(super::RUN_TAG).to_body() {
        Vec::new()
    } else {
        vec!["changed".to_owned()]
    }
}
