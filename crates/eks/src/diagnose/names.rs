//! Names in the sentences of Kubernetes.

/// What stands in quotation marks behind some words: `"db"` behind `secret ` in `secret "db" not found`.
pub(super) fn quoted_after<'a>(text: &'a str, words: &str) -> Option<&'a str> {
    let mut rest = text;
    while let Some(at) = rest.find(words) {
        rest = &rest[at + words.len()..];
        if let Some(inner) = rest.strip_prefix('"') {
            return inner.split_once('"').map(|(name, _)| name).filter(|name| !name.is_empty());
        }
    }
    None
}

/// What stands between some words and others, or the end.
pub(super) fn between<'a>(text: &'a str, before: &str, after: &[&str]) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    let end = after.iter().filter_map(|after| rest.find(after)).min().unwrap_or(rest.len());
    Some(rest[..end].trim()).filter(|name| !name.is_empty())
}

/// A Secret or ConfigMap, or a key in one, that is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Missing<'a> {
    /// `Secret` or `ConfigMap`.
    pub(super) kind: &'static str,
    pub(super) name: Option<&'a str>,
    pub(super) key: Option<&'a str>,
}

impl<'a> Missing<'a> {
    /// From what kubelet says: of a variable (`couldn't find key K in Secret NS/NAME`), of a volume (`references
    /// non-existent secret key: K`), or of either (`secret "NAME" not found`).
    pub(super) fn read(text: &'a str) -> Option<Self> {
        for (kind, words, volume) in [
            ("Secret", "secret ", "references non-existent secret key: "),
            ("ConfigMap", "configmap ", "references non-existent config key: "),
        ] {
            if let Some(key) = between(text, "couldn't find key ", &[&format!(" in {kind} ")])
                && let Some(name) = between(text, &format!(" in {kind} "), &[" ", ","])
            {
                return Some(Self { kind, name: name.rsplit('/').next(), key: Some(key) });
            }
            if let Some(key) = between(text, volume, &[" ", ","]) {
                return Some(Self { kind, name: None, key: Some(key) });
            }
            let not_there = text.contains("not found") || text.contains("not registered");
            if let Some(name) = quoted_after(text, words).filter(|_| not_there) {
                return Some(Self { kind, name: Some(name), key: None });
            }
        }
        None
    }
}
