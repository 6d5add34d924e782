//! Secrets: texts become data, as the server would make of them.
//!
//! The server puts `stringData` into `data` when it writes, and forgets it. So an apply owns fields that are not there:
//! a key that is taken out of `stringData` stays in the Secret, and one that somebody else has changed is no conflict
//! (<https://github.com/kubernetes/kubernetes/issues/108008>).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::document::Node;
use super::objects::Manifest;

/// Puts the texts of Secrets into their data; of a key that is in both the text counts, as with the server.
pub(super) fn encode(manifests: &mut [Manifest]) {
    for secret in manifests.iter_mut().filter(|one| one.kind == "Secret" && one.group().is_empty()) {
        let Some(texts) = secret.root.member("stringData").filter(|texts| texts.is_map()).cloned() else {
            continue;
        };
        if secret.root.member("data").is_none_or(Node::is_null) {
            secret.root.set("data", Node::map());
        }
        let Some(data) = secret.root.member_mut("data").filter(|data| data.is_map()) else { continue };
        for entry in texts.entries() {
            // Null is taken for the empty string.
            data.set(&entry.key, Node::text(STANDARD.encode(entry.value.as_str().unwrap_or_default())));
        }
        secret.root.remove("stringData");
    }
}
