//! Verification of AWS Signature Version 4, header form.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use bytes::Bytes;
use http::request::Parts;
use jiff::Timestamp;
use ring::{digest, hmac};

/// What the `Authorization` header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Authorization {
    pub(crate) access_key_id: String,
    /// `20260101`.
    pub(crate) day: String,
    pub(crate) region: String,
    pub(crate) service: String,
    signed_headers: Vec<String>,
    signature: String,
    /// `X-Amz-Date`: `20260101T000000Z`.
    pub(crate) date: String,
    pub(crate) signed_at: Timestamp,
}

/// Why there is no usable `Authorization`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unsigned {
    /// The request is not signed at all.
    Missing,
    /// It is signed, but not as SigV4 wants it.
    Incomplete(String),
}

impl Authorization {
    pub(crate) fn read(head: &Parts) -> Result<Self, Unsigned> {
        let header = header_text(head, "authorization").ok_or(Unsigned::Missing)?;
        let incomplete =
            |what: &str| Unsigned::Incomplete(format!("Authorization header requires '{what}' parameter."));
        let parameters = header
            .strip_prefix("AWS4-HMAC-SHA256")
            .ok_or_else(|| Unsigned::Incomplete("Unsupported AWS 'algorithm'.".to_owned()))?;
        let parameter = |name: &str| {
            parameters
                .split(',')
                .filter_map(|pair| pair.trim().split_once('='))
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value.to_owned())
                .ok_or_else(|| incomplete(name))
        };
        let credential = parameter("Credential")?;
        let scope: Vec<&str> = credential.split('/').collect();
        let [access_key_id, day, region, service, "aws4_request"] = scope[..] else {
            return Err(Unsigned::Incomplete(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term".to_owned(),
            ));
        };
        let date = header_text(head, "x-amz-date").ok_or_else(|| {
            Unsigned::Incomplete(
                "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
                    .to_owned(),
            )
        })?;
        let signed_at = parse_date(&date)
            .ok_or_else(|| Unsigned::Incomplete("Date must be in ISO-8601 'basic format'.".to_owned()))?;
        Ok(Self {
            access_key_id: access_key_id.to_owned(),
            day: day.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
            signed_headers: parameter("SignedHeaders")?.split(';').map(str::to_owned).collect(),
            signature: parameter("Signature")?,
            date,
            signed_at,
        })
    }

    /// True if the signature was made with `secret` over this very request.
    pub(crate) fn matches(&self, secret: &str, head: &Parts, body: &Bytes) -> bool {
        let Some(canonical) = self.canonical_request(head, body) else { return false };
        let scope = [self.day.as_str(), &self.region, &self.service];
        signature(secret, scope, &self.date, &canonical) == self.signature
    }

    fn canonical_request(&self, head: &Parts, body: &Bytes) -> Option<String> {
        let mut headers = String::new();
        for name in &self.signed_headers {
            let value = if name == "host" { host(head)? } else { header_text(head, name)? };
            let value: Vec<&str> = value.split_ascii_whitespace().collect();
            headers.push_str(&format!("{name}:{}\n", value.join(" ")));
        }
        Some(format!(
            "{}\n{}\n{}\n{headers}\n{}\n{}",
            head.method,
            encode(head.uri.path(), true),
            canonical_query(head.uri.query().unwrap_or_default()),
            self.signed_headers.join(";"),
            sha256_hex(body),
        ))
    }
}

/// The signature of a canonical request in a credential scope: day, region and service.
pub(crate) fn signature(secret: &str, scope: [&str; 3], date: &str, canonical: &str) -> String {
    let [day, region, service] = scope;
    let to_sign = format!(
        "AWS4-HMAC-SHA256\n{date}\n{day}/{region}/{service}/aws4_request\n{}",
        sha256_hex(canonical.as_bytes())
    );
    let mut key = sign(format!("AWS4{secret}").as_bytes(), day);
    for part in [region, service, "aws4_request"] {
        key = sign(key.as_ref(), part);
    }
    hex(sign(key.as_ref(), &to_sign).as_ref())
}

/// The date as `X-Amz-Date` writes it.
pub(crate) fn basic_date(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

pub(crate) fn parse_date(text: &str) -> Option<Timestamp> {
    let civil = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
    civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// A header's text; several of one name are joined by commas.
pub(crate) fn header_text(head: &Parts, name: &str) -> Option<String> {
    let values: Vec<String> = head
        .headers
        .get_all(name)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect();
    (!values.is_empty()).then(|| values.join(","))
}

/// The host a client in this process signed is only in the URI; one over a socket sends it as a header.
fn host(head: &Parts) -> Option<String> {
    header_text(head, "host").or_else(|| head.uri.authority().map(|authority| authority.as_str().to_owned()))
}

pub(crate) fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<String> = form_urlencoded::parse(query.as_bytes())
        .map(|(name, value)| format!("{}={}", encode(&name, false), encode(&value, false)))
        .collect();
    pairs.sort();
    pairs.join("&")
}

fn encode(text: &str, keep_slash: bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(char::from(byte));
            }
            b'/' if keep_slash => encoded.push('/'),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

fn sign(key: &[u8], text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
}

pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
