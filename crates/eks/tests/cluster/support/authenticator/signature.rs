//! AWS Signature Version 4 of a presigned GET:
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>.

use ring::{digest, hmac};

/// The canonical request of a GET without a body. The signature itself is no part of it.
pub(super) fn canonical_get(query: &str, headers: &str, signed_headers: &str) -> String {
    let mut pairs: Vec<String> = form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| name != "X-Amz-Signature")
        .map(|(name, value)| format!("{}={}", encode(&name), encode(&value)))
        .collect();
    pairs.sort();
    format!("GET\n/\n{}\n{headers}\n{signed_headers}\n{}", pairs.join("&"), sha256(""))
}

/// The signature of a canonical request for STS.
pub(super) fn of(secret: &str, date: &str, day: &str, region: &str, request: &str) -> String {
    let scope = format!("{day}/{region}/sts/aws4_request");
    let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", sha256(request));
    let mut key = sign(format!("AWS4{secret}").as_bytes(), day);
    for part in [region, "sts", "aws4_request"] {
        key = sign(key.as_ref(), part);
    }
    hex(sign(key.as_ref(), &to_sign).as_ref())
}

fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

fn sign(key: &[u8], text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
}

fn sha256(text: &str) -> String {
    hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
