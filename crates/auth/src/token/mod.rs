//! Identity tokens, looked at before they are sent.
//!
//! STS answers a token that it does not like in few words. Most of what goes wrong can be seen in the token itself
//! (RFC 7519): empty, not a token, expired, made for somebody else. Nothing is verified here; STS does that.

#[cfg(test)]
mod tests;

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use landfall_core::Cause;
use landfall_core::error::redact;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

/// The longest token that STS takes, in characters:
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>.
const LONGEST: usize = 20_000;

/// A token from further in the future than this is refused here. Less may be this machine's clock, and the verdict is
/// that of AWS's clock.
const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

/// How much of a claim is shown.
const SHOWN: usize = 200;

/// A token that has the form of one, and what it claims. `Debug` shows the claims only.
#[derive(Clone)]
pub struct Token {
    text: SecretString,
    claims: Claims,
}

/// What a token says of itself, unverified.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claims {
    /// Whom it speaks of: for GitLab `project_path:group/project:ref_type:branch:ref:main`.
    pub subject: Option<String>,
    /// Whom it is made for.
    pub audiences: Vec<String>,
    /// Who made it.
    pub issuer: Option<String>,
    /// Until when it is good.
    pub expires: Option<Timestamp>,
    /// From when it is good.
    pub not_before: Option<Timestamp>,
    /// The CI job that it was handed to, for tokens of GitLab (`job_id`): such a token is not renewed while the job runs.
    pub job: Option<String>,
}

impl Token {
    /// Takes a token apart. Blanks around it are dropped: files end with a line break.
    ///
    /// # Errors
    /// A cause that says what it is instead of a token, and never shows it. `field` is the variable or file.
    pub fn parse(field: &str, text: &str) -> Result<Self, Box<Cause>> {
        let text = text.trim();
        let problem =
            |what: String, hint: &str| Box::new(problem(field, "malformed-token", &what).with_hint(hint));
        if text.is_empty() {
            return Err(problem(
                "there is nothing in it".to_owned(),
                "write a token of the OIDC issuer into it",
            ));
        }
        if text.len() > LONGEST {
            return Err(problem(
                format!("it has {} characters, and STS takes {LONGEST} at most", text.len()),
                "check what is in it: a token is a few thousand characters long",
            ));
        }
        let parts: Vec<&str> = text.split('.').collect();
        let [header, payload, signature] = parts[..] else {
            return Err(problem(
                format!("it has {} parts between dots, and a JSON web token has three", parts.len()),
                not_a_token(text),
            ));
        };
        let payload = object(header).and_then(|_| object(payload));
        let Some(payload) = payload.filter(|_| !signature.is_empty() && decoded(signature).is_some()) else {
            return Err(problem("its parts are not those of a JSON web token".to_owned(), not_a_token(text)));
        };
        Ok(Self { text: SecretString::from(text), claims: Claims::of(&payload) })
    }

    /// What it says of itself.
    #[must_use]
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// The token itself, for the one request that needs it.
    pub(crate) fn expose(&self) -> &str {
        self.text.expose_secret()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("claims", &self.claims).finish_non_exhaustive()
    }
}

fn not_a_token(text: &str) -> &'static str {
    if text.starts_with("glpat-") || text.starts_with("glcbt-") {
        "that is a token for GitLab's own API: name the variable of the job's `id_tokens:` block instead"
    } else if text.starts_with('/') || text.starts_with("./") {
        "that looks like the path of a file: give it as a token file instead"
    } else {
        "name the variable or file that holds the issuer's token as it is, without quotes or a prefix"
    }
}

fn decoded(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()
}

fn object(part: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&decoded(part)?).ok()
}

impl Claims {
    fn of(payload: &Map<String, Value>) -> Self {
        let text = |name: &str| payload.get(name).and_then(Value::as_str).map(shown);
        let time = |name: &str| {
            let number = payload.get(name)?;
            #[expect(clippy::cast_possible_truncation, reason = "RFC 7519 allows fractions of a second")]
            let seconds = number.as_i64().or_else(|| number.as_f64().map(|seconds| seconds as i64))?;
            Timestamp::from_second(seconds).ok()
        };
        let audiences = match payload.get("aud") {
            Some(Value::String(one)) => vec![shown(one)],
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).map(shown).collect(),
            _ => Vec::new(),
        };
        Self {
            subject: text("sub"),
            audiences,
            issuer: text("iss"),
            expires: time("exp"),
            not_before: time("nbf"),
            job: text("job_id"),
        }
    }

    /// Lines to compare with a trust policy: `sub: …`, `aud: …`, `iss: …`, `exp: …`.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "(none)".to_owned());
        let audiences =
            if self.audiences.is_empty() { "(none)".to_owned() } else { self.audiences.join(", ") };
        let expires = self.expires.map_or_else(|| "(none)".to_owned(), |at| at.to_string());
        vec![
            format!("token sub: {}", or_none(&self.subject)),
            format!("token aud: {audiences}"),
            format!("token iss: {}", or_none(&self.issuer)),
            format!("token exp: {expires}"),
        ]
    }

    /// Everything that keeps STS from taking the token, as far as the claims tell. `audience` is the one to expect, if
    /// that is known; `now` is when it will be sent.
    #[must_use]
    pub fn problems(&self, field: &str, audience: Option<&str>, now: Timestamp) -> Vec<Cause> {
        let mut problems = Vec::new();
        problems.extend(self.problem_of_issuer(field));
        problems.extend(self.problem_of_audience(field, audience));
        if self.subject.is_none() {
            problems.push(problem(
                field,
                "token-without-subject",
                "it names no subject (`sub`), which STS needs",
            ));
        }
        problems.extend(self.problem_of_time(field, now));
        problems.into_iter().map(|cause| cause.with_evidence(self.lines())).collect()
    }

    fn problem_of_issuer(&self, field: &str) -> Option<Cause> {
        let issuer = self.issuer.as_deref().unwrap_or_default();
        (!issuer.starts_with("https://")).then(|| {
            let what = if issuer.is_empty() {
                "it names no issuer (`iss`)".to_owned()
            } else {
                format!("its issuer `{issuer}` is not an https URL, and AWS takes no other")
            };
            problem(field, "token-issuer", &what).with_hint(
                "CI_JOB_JWT and CI_JOB_JWT_V1 of older GitLab versions look like this and cannot be used with AWS: \
                 declare an `id_tokens:` block",
            )
        })
    }

    fn problem_of_audience(&self, field: &str, expected: Option<&str>) -> Option<Cause> {
        if self.audiences.is_empty() {
            return Some(
                problem(field, "token-audience", "it names no audience (`aud`), which STS needs").with_hint(
                    "set `aud:` in the job's `id_tokens:` block to an audience of the IAM identity provider",
                ),
            );
        }
        let expected = expected.filter(|expected| !self.audiences.iter().any(|seen| seen == expected))?;
        let seen = self.audiences.join(", ");
        Some(
            problem(field, "token-audience", &format!("its audience is {seen}, and {expected} is expected"))
                .with_hint(format!(
                    "set `aud: {expected}` in the job's `id_tokens:` block, or expect {seen}"
                )),
        )
    }

    fn problem_of_time(&self, field: &str, now: Timestamp) -> Option<Cause> {
        let Some(expires) = self.expires else {
            return Some(problem(field, "token-without-expiry", "it does not say when it expires (`exp`)"));
        };
        if expires <= now {
            let ago = words(now.duration_since(expires));
            return Some(problem(field, "token-expired", &format!("it expired {ago} ago, at {expires}")).with_hint(
                "a token of GitLab lives as long as the job's timeout, or five minutes when the job has none: set \
                 `timeout:` in the job, or sign in earlier in it; if it is fresh, this machine's clock is wrong",
            ));
        }
        let ahead = self.not_before?.duration_since(now);
        (ahead > CLOCK_TOLERANCE).then(|| {
            let what = format!("it is good in {} only (`nbf`)", words(ahead));
            problem(field, "token-from-the-future", &what)
                .with_hint("this machine's clock is behind: set it by NTP")
        })
    }
}

fn problem(field: &str, code: &str, what: &str) -> Cause {
    Cause::new(code, format!("the OIDC token in {field} cannot be used: {what}")).in_field(field)
}

/// A claim as it may be shown: on one line, not too long, and without anything that looks like a secret.
fn shown(claim: &str) -> String {
    let line: String = claim.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let clean = redact(&line);
    match clean.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &clean[..end]),
        None => clean,
    }
}

/// A span in words: `2 h 5 min`, `40 s`.
pub(crate) fn words(span: SignedDuration) -> String {
    let seconds = span.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}
