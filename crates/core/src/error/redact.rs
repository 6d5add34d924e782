//! Takes what looks like a secret out of texts that landfall did not write itself.
//!
//! landfall keeps its own secrets in types that cannot print. This is the second line: texts of services, of
//! containers' logs and of other libraries may carry credentials in shapes that can be told by their form.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// Most bytes of evidence that one cause may carry: enough for 50 log lines, small enough for a journal record.
pub const EVIDENCE_LIMIT: usize = 8 * 1024;

/// What stands in the place of a secret.
const MARK: &str = "[redacted]";

/// Shapes of secrets. A group named `keep` stays, the rest of the match goes.
///
/// JSON web tokens: RFC 7519 (a JOSE header always starts with `{"`, in base64url `eyJ`). EKS tokens: prefix
/// `k8s-aws-v1.` (aws-iam-authenticator). Presigned requests: AWS "Authenticating Requests (Signature Version 4)".
static SHAPES: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*",
        r"k8s-aws-v1\.[A-Za-z0-9_-]+",
        r"(?P<keep>(?i:x-amz-(?:security-token|signature|credential))(?:=|%3D|:\s*))[^&\s\x22']+",
        r"(?P<keep>(?i:authorization)\x22?\s*[:=]\s*\x22?(?i:bearer|basic|aws4-hmac-sha256)\s+)[^\r\n\x22]+",
        r"(?P<keep>(?i:bearer)\s+)[A-Za-z0-9._~+/=-]{16,}",
        r"(?P<keep>(?i:(?:aws_)?secret_?(?:access_?)?key|(?:aws_)?session_?token|password|passwd|api_?key|private_?token|access_?token|client_?secret)\x22?\s*[:=]\s*\x22?)[^\s\x22',;&}]+",
        r"(?P<keep>[a-z][a-z0-9+.-]*://[^/\s:@]+:)[^@/\s]+@",
        r"glpat-[A-Za-z0-9_-]{16,}",
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]*PRIVATE KEY-----|\z)",
    ]
    .iter()
    .filter_map(|shape| Regex::new(shape).ok())
    .collect()
});

/// The text without anything that has the form of a credential.
#[must_use]
pub fn redact(text: &str) -> String {
    let mut clean = text.to_owned();
    for shape in SHAPES.iter() {
        if shape.is_match(&clean) {
            clean = shape
                .replace_all(&clean, |found: &Captures<'_>| {
                    let keep = found.name("keep").map_or("", |kept| kept.as_str());
                    let tail = if found[0].ends_with('@') { "@" } else { "" };
                    format!("{keep}{MARK}{tail}")
                })
                .into_owned();
        }
    }
    clean
}

/// The last lines that fit [`EVIDENCE_LIMIT`], each redacted; says how many were left out.
#[must_use]
pub fn excerpt<S: AsRef<str>>(lines: &[S]) -> Vec<String> {
    let mut kept = Vec::new();
    let mut room = EVIDENCE_LIMIT;
    for (index, line) in lines.iter().enumerate().rev() {
        let mut clean = redact(line.as_ref());
        if clean.len() > EVIDENCE_LIMIT / 4 {
            let cut = (0..=EVIDENCE_LIMIT / 4).rev().find(|at| clean.is_char_boundary(*at)).unwrap_or(0);
            clean.truncate(cut);
            clean.push_str(" ...");
        }
        if clean.len() > room {
            kept.push(format!("({} earlier lines left out)", index + 1));
            break;
        }
        room -= clean.len();
        kept.push(clean);
    }
    kept.reverse();
    kept
}
