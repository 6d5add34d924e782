//! Who a token is of: what the authenticator of an EKS cluster checks, and then what STS checks.
//!
//! After `Verify` in `pkg/token` of <https://github.com/kubernetes-sigs/aws-iam-authenticator>, and
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>. Nothing of what makes the
//! tokens in landfall is used here.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Uri;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::super::identities::Identity;
use super::signature;

const PREFIX: &str = "k8s-aws-v1.";
const LONGEST: usize = 4096;
const CLUSTER_HEADER: &str = "x-k8s-aws-id";
const GOOD_FOR: SignedDuration = SignedDuration::from_mins(15);

/// The parameters that may be there, in small letters.
const KNOWN: [&str; 9] = [
    "action",
    "version",
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-security-token",
    "x-amz-signature",
    "x-amz-signedheaders",
];

/// The parameters, by their names in small letters.
type Parameters = BTreeMap<String, String>;

/// The identity that signed the token, or why the token is refused.
pub(crate) fn judge<'a>(
    token: &str,
    cluster: &str,
    identities: &'a [Identity],
    now: Timestamp,
) -> Result<&'a Identity, String> {
    let address = address(token)?;
    let host = address.host().unwrap_or_default();
    if address.scheme_str() != Some("https") || address.path() != "/" {
        return Err("the address is not the root of a server of https".to_owned());
    }
    let query = address.query().unwrap_or_default();
    let parameters = parameters(query)?;
    let of = |name: &str| parameters.get(name).map_or("", String::as_str);
    if of("action") != "GetCallerIdentity" {
        return Err(format!("the action is `{}`", of("action")));
    }
    let headers: Vec<&str> = of("x-amz-signedheaders").split(';').collect();
    if !headers.contains(&CLUSTER_HEADER) {
        return Err(format!("{CLUSTER_HEADER} is not signed"));
    }
    if !of("x-amz-expires").parse::<i64>().is_ok_and(|seconds| (0..=900).contains(&seconds)) {
        return Err(format!("X-Amz-Expires is `{}`", of("x-amz-expires")));
    }
    let age = now.duration_since(date(of("x-amz-date"))?);
    if age > GOOD_FOR {
        return Err(format!("the token has expired: it is {} s old", age.as_secs()));
    }
    if age < -GOOD_FOR {
        return Err(format!("the token is not good yet: it is of {} s from now", -age.as_secs()));
    }

    // From here on it is STS that judges.
    let credential: Vec<&str> = of("x-amz-credential").split('/').collect();
    let [key, day, region, "sts", "aws4_request"] = credential[..] else {
        return Err("the credential is not one for STS".to_owned());
    };
    if host != format!("sts.{region}.amazonaws.com") {
        return Err(format!("`{host}` is not the server of STS in `{region}`"));
    }
    let identity = identities
        .iter()
        .find(|identity| identity.access_key_id == key)
        .ok_or_else(|| format!("nobody has the access key {key}"))?;
    if parameters.get("x-amz-security-token").map(String::as_str) != identity.session_token {
        return Err("the session token is not that of the access key".to_owned());
    }
    let mut signed = String::new();
    for name in &headers {
        let value = match *name {
            "host" => host,
            CLUSTER_HEADER => cluster,
            other => return Err(format!("the header {other} is signed and was not sent")),
        };
        signed.push_str(&format!("{name}:{value}\n"));
    }
    let request = signature::canonical_get(query, &signed, of("x-amz-signedheaders"));
    let expected = signature::of(identity.secret, of("x-amz-date"), day, region, &request);
    if of("x-amz-algorithm") != "AWS4-HMAC-SHA256" || of("x-amz-signature") != expected {
        return Err("the signature does not match".to_owned());
    }
    Ok(identity)
}

/// The address in the token.
fn address(token: &str) -> Result<Uri, String> {
    if token.len() > LONGEST {
        return Err(format!("the token has {} bytes", token.len()));
    }
    let encoded =
        token.strip_prefix(PREFIX).ok_or_else(|| format!("the token does not begin with {PREFIX}"))?;
    let decoded =
        URL_SAFE_NO_PAD.decode(encoded).map_err(|error| format!("the token is not base64: {error}"))?;
    Uri::try_from(decoded).map_err(|error| format!("there is no address in the token: {error}"))
}

/// Each known, and there once.
fn parameters(query: &str) -> Result<Parameters, String> {
    let mut found = Parameters::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let small = name.to_lowercase();
        if !KNOWN.contains(&small.as_str()) {
            return Err(format!("the parameter {name} is not known"));
        }
        if found.insert(small, value.into_owned()).is_some() {
            return Err(format!("the parameter {name} is there twice"));
        }
    }
    Ok(found)
}

fn date(text: &str) -> Result<Timestamp, String> {
    let civil = DateTime::strptime("%Y%m%dT%H%M%SZ", text);
    let zoned = civil.and_then(|civil| civil.to_zoned(TimeZone::UTC));
    zoned.map(|zoned| zoned.timestamp()).map_err(|_| format!("X-Amz-Date is `{text}`"))
}
