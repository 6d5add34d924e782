//! Takes out of texts of the cluster what registries should not have said.

/// Docker Hub answers `You have reached your pull rate limit as 'user': dckr_jti_...`, with the name of the account and an
/// id of its token (<https://docs.docker.com/docker-hub/usage/>).
const RATE_LIMIT: &str = "pull rate limit as ";

/// How tokens of Docker Hub begin.
const TOKEN: &str = "dckr_";

/// The text without names and tokens of a registry's users.
pub(crate) fn scrub(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(RATE_LIMIT) {
        let (before, behind) = rest.split_at(at + RATE_LIMIT.len());
        clean.push_str(before);
        // Words of the documents, such as "as an authenticated user", stay.
        rest = match behind.strip_prefix('\'').and_then(|inner| inner.split_once('\'')) {
            Some((_, after)) => {
                clean.push_str("[redacted]");
                after
            }
            None => behind,
        };
    }
    clean.push_str(rest);
    tokens(&clean)
}

fn tokens(text: &str) -> String {
    let mut parts = text.split(TOKEN);
    let mut clean = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|letter: char| !(letter.is_ascii_alphanumeric() || "_-=".contains(letter)));
        clean.push_str("[redacted]");
        clean.push_str(&part[end.unwrap_or(part.len())..]);
    }
    clean
}
