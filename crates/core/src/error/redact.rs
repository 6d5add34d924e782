//! Takes what looks like a secret out of texts that landfall did not write itself.
//!
//! landfall keeps its own secrets in types that cannot print. This is the second line: texts of services, of
//! containers' logs and of other libraries may carry credentials in shapes that can be told by their form. Key ids
//! (`AKIA...`) stay: they are no secret, and say which key was used.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// Most bytes of evidence that one cause may carry: enough for 50 log lines, small enough for a journal record.
pub const EVIDENCE_LIMIT: usize = 8 * 1024;

/// Bytes of evidence that are looked at; what is before is cut unread. More than the limit, since redacted text is
/// mostly shorter.
const READ_LIMIT: usize = 4 * EVIDENCE_LIMIT;

/// What stands in the place of a secret.
const MARK: &str = "[redacted]";

/// What follows a name and a colon in a sentence: `WebIdentityToken: the variable is not set`.
const ARTICLES: [&str; 3] = ["a", "an", "the"];

/// Names whose values are secrets, in any spelling of their words; written where a shape says `NAME`.
const NAME: &str = "(?i-u:password|passwd|passphrase|secret[_-]?(?:access[_-]?)?key|client[_-]?secret|api[_-]?key\
                    |private[_-]?(?:key|token)|(?:session|security|access|refresh|id|web[_-]?identity|job)[_-]?token\
                    |x-amz-signature|x-amz-credential)";

/// Shapes of secrets. The groups named `keep` and `tail` stay, what is between them goes.
///
/// JSON web tokens: RFC 7519 (a JOSE header always starts with `{"`, in base64url `eyJ`); a password of ECR is one
/// long piece of the same. EKS tokens: prefix `k8s-aws-v1.` (aws-iam-authenticator). Presigned requests: AWS
/// "Authenticating Requests (Signature Version 4)". GitLab: "Token prefixes" of its token overview. GitHub, Slack
/// and npm: their own prefixes. `\x22` is a quotation mark.
///
/// Letters, words and their borders are those of ASCII: with all of Unicode's the shapes took 1 MiB of memory.
static TEXTS: [&str; 21] = [
    r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*",
    r"eyJ[A-Za-z0-9_+/-]{80,}={0,2}",
    r"k8s-aws-v1\.[A-Za-z0-9_-]+",
    r"(?-u:\b)gl(?:pat|cbt|dt|rt|rtr|ptt|soat|ft|imt|agent|oas|ffct|wt)-[A-Za-z0-9_-]{16,}",
    r"(?-u:\b)gh[a-z]_[A-Za-z0-9]{30,}|(?-u:\b)github_pat_[A-Za-z0-9_]{22,}|(?-u:\b)npm_[A-Za-z0-9]{30,}",
    r"(?-u:\b)xox[a-z]-[A-Za-z0-9-]{10,}|(?-u:\b)xapp-[A-Za-z0-9-]{10,}",
    r"(?P<keep>hooks\.slack\.com/(?:services|workflows)/)[A-Za-z0-9/_-]+",
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]*PRIVATE KEY-----|\z)",
    r"(?:[A-Za-z0-9+/=]{16,}\s+)+-----END [A-Z ]*PRIVATE KEY-----",
    // Headers with a scheme, cookies, and addresses with a user or a signature.
    r"(?P<keep>(?i-u:authorization)[\x22'\\]*\s*[:=,]\s*(?:[0-9A-Za-z_]+\()?[\x22'\\]*(?i-u:bearer|basic|token|aws4-hmac-sha256)\s+)[^\r\n\x22\\]+",
    r"(?P<keep>(?i-u:bearer)\s+)[A-Za-z0-9._~+/=-]{16,}",
    r"(?P<keep>(?-u:\b)(?i-u:set-cookie|cookie)[\x22'\\]*\s*[:=,]\s*(?:[0-9A-Za-z_]+\()?[\x22'\\]*)[^\r\n\x22\\]+",
    r"(?P<keep>[A-Za-z][A-Za-z0-9+.-]*://[^/\s:@\x22'<>]*:)[^/\s\x22'<>]+(?P<tail>@)",
    r"(?P<keep>(?i-u:(?:x-amz-(?:security-token|signature|credential))(?:=|%3D)|[?&](?:signature|sig|token)=))[^&\s\x22']+",
    // A name and a quoted value: in JSON, in JSON within a JSON string, deeper still, and in single quotes.
    r"(?P<keep>(?:NAME|(?-u:\b)(?i-u:auth|token))[\x22']?\s*[:=,]\s*(?:[0-9A-Za-z_]+\()*\x22)(?:[^\x22\\]|\\.)+",
    r"(?P<keep>(?:NAME|(?-u:\b)(?i-u:auth|token))(?:\\\x22)?\s*[:=,]\s*\\\x22)(?:[^\x22\\]|\\\\(?:\\.|[^\x22\\])|\\[^\x22\\])+",
    r"(?P<keep>NAME[\\\x22']*\s*[:=,]\s*(?:\\{2,}\x22|\\*'))[^\x22'\\]+",
    // A name and a bare value. After a colon only if no colon is before: `...:secret:db:password::` is an ARN.
    r"(?P<keep>NAME\s*=\s*)[^\s\x22',;&}\\]+",
    r"(?P<keep>(?:^|[^:0-9A-Za-z_-])[0-9A-Za-z_-]*NAME\s*:\s*)[^\s\x22',;&}:\\\[][^\s\x22',;&}\\]*",
    r"(?P<keep>(?-u:\b)[A-Z][A-Z0-9_]*(?:TOKEN|SECRET|PASS|CREDENTIALS|AUTH)=)[^\s\x22',;&}\\]+",
    r"(?P<keep><(?:[0-9A-Za-z_]+:)?NAME>|--(?:[a-z]+-)*(?:password|token|secret)[ =])[^<\s-][^<\s]*",
];

static SHAPES: LazyLock<Vec<Regex>> =
    LazyLock::new(|| TEXTS.iter().filter_map(|text| Regex::new(&text.replace("NAME", NAME)).ok()).collect());

/// The text without anything that has the form of a credential; `[redacted]` stands in its place.
///
/// Takes well below a millisecond for [`EVIDENCE_LIMIT`] bytes, and a time in proportion to the length of more.
#[must_use]
pub fn redact(text: &str) -> String {
    let mut clean = text.to_owned();
    for shape in SHAPES.iter() {
        if shape.is_match(&clean) {
            clean = shape
                .replace_all(&clean, |found: &Captures<'_>| {
                    let keep = found.name("keep").map_or("", |kept| kept.as_str());
                    if ARTICLES.contains(&&found[0][keep.len()..]) {
                        return found[0].to_owned();
                    }
                    let tail = found.name("tail").map_or("", |tail| tail.as_str());
                    format!("{keep}{MARK}{tail}")
                })
                .into_owned();
        }
    }
    clean
}

/// The redacted text on one line: line breaks and other control characters are escaped, so that what a server or a
/// variable says can neither break out of a sentence nor steer the terminal or the job log that shows it.
pub(crate) fn one_line(text: &str) -> String {
    visible(&redact(text.trim_end()))
}

fn visible(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\t' => clean.push(' '),
            letter if letter.is_control() => clean.extend(letter.escape_default()),
            letter => clean.push(letter),
        }
    }
    clean
}

/// The last lines that fit [`EVIDENCE_LIMIT`] bytes, redacted; says how many were left out.
///
/// They are redacted as one text, because a private key is spread over many lines of a log.
#[must_use]
pub fn excerpt<S: AsRef<str>>(lines: &[S]) -> Vec<String> {
    let mut read = 0;
    let (unread, last) = lines.split_at(
        lines
            .iter()
            .rposition(|line| {
                read += line.as_ref().len().min(EVIDENCE_LIMIT);
                read > READ_LIMIT
            })
            .map_or(0, |at| at + 1),
    );
    let last: Vec<&str> = last.iter().map(|line| start_of(line.as_ref(), EVIDENCE_LIMIT)).collect();
    let clean = redact(&last.join("\n"));
    let clean: Vec<String> = match last.is_empty() {
        true => Vec::new(),
        false => clean.split('\n').map(|line| visible(line.trim_end_matches('\r'))).collect(),
    };
    let mut kept = Vec::new();
    let mut room = EVIDENCE_LIMIT;
    for (index, line) in clean.iter().enumerate().rev() {
        let mut short = start_of(line, EVIDENCE_LIMIT / 4).to_owned();
        if short.len() < line.len() {
            short.push_str(" ...");
        }
        if short.len() > room {
            kept.push(format!("({} earlier lines left out)", unread.len() + index + 1));
            break;
        }
        room -= short.len();
        kept.push(short);
    }
    kept.reverse();
    kept
}

/// As much of the start of `text` as fits into `limit` bytes.
fn start_of(text: &str, limit: usize) -> &str {
    let mut end = text.len().min(limit);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
#[path = "redact_tests.rs"]
mod tests;
