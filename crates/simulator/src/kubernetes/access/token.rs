//! The bearer tokens of EKS: presigned GetCallerIdentity requests.
//!
//! Judged as the webhook does, `pkg/token` in <https://github.com/kubernetes-sigs/aws-iam-authenticator>: first the form,
//! then by asking STS, which here is the simulated one.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;

use crate::clock::{earlier, later};
use crate::iam::{Directory, Principal, find};
use crate::wire::sigv4::{canonical_query, parse_date, sha256_hex, signature};

const PREFIX: &str = "k8s-aws-v1.";
const CLUSTER_HEADER: &str = "x-k8s-aws-id";
/// Bytes.
const LONGEST: usize = 4_096;
/// A presigned request of STS is good for this long, whatever it says itself.
const GOOD_FOR: Duration = Duration::from_secs(900);
/// How far in the future a signature may lie for STS.
const AHEAD: Duration = Duration::from_secs(300);

/// Every parameter that is taken, in small letters; each has to be there once at most.
const PARAMETERS: [&str; 9] = [
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

/// Who signed a token for this cluster. The error is for the log of the authenticator; callers are told nothing of it.
pub(crate) fn judge(
    directory: &Directory,
    token: &str,
    cluster: &str,
    now: Timestamp,
) -> Result<Principal, String> {
    if token.len() > LONGEST {
        return Err("token is too large".to_owned());
    }
    let encoded =
        token.strip_prefix(PREFIX).ok_or_else(|| format!("token is missing expected {PREFIX:?} prefix"))?;
    let decoded = URL_SAFE_NO_PAD.decode(encoded).map_err(|error| error.to_string())?;
    let url = String::from_utf8(decoded).map_err(|error| error.to_string())?;
    let (host, query) = parts(&url)?;
    let values = values(query)?;
    let text = |name: &str| values.get(name).map_or("", String::as_str);
    if text("action") != "GetCallerIdentity" {
        return Err("unexpected action parameter in pre-signed URL".to_owned());
    }
    let signed: Vec<&str> = text("x-amz-signedheaders").split(';').collect();
    if !signed.iter().any(|name| name.eq_ignore_ascii_case(CLUSTER_HEADER)) {
        return Err(format!("client did not sign the {CLUSTER_HEADER} header in the pre-signed URL"));
    }
    match text("x-amz-expires").parse::<i64>() {
        Ok(0..=900) => {}
        _ => return Err("invalid X-Amz-Expires parameter in pre-signed URL".to_owned()),
    }
    let date = text("x-amz-date");
    let signed_at = parse_date(date).ok_or_else(|| format!("error parsing X-Amz-Date parameter {date}"))?;
    if now > later(signed_at, GOOD_FOR) {
        return Err(format!("X-Amz-Date parameter is expired (15 minute expiration) {date}"));
    }
    ask_sts(directory, &Presigned { host, query, cluster, signed: &signed, values: &values, signed_at }, now)
        .map_err(|why| format!("sts getCallerIdentity failed: {why}"))
}

/// The host and the query of `https://HOST/?QUERY`, which has to be STS's.
fn parts(url: &str) -> Result<(&str, &str), String> {
    let scheme = url.split(':').next().unwrap_or_default();
    let rest = url
        .strip_prefix("https://")
        .ok_or_else(|| format!("unexpected scheme {scheme:?} in pre-signed URL"))?;
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (host, path) = place.find('/').map_or((place, ""), |slash| place.split_at(slash));
    if !is_sts(host) {
        return Err(format!("unexpected hostname {host:?} in pre-signed URL"));
    }
    if path != "/" {
        return Err("unexpected path in pre-signed URL".to_owned());
    }
    Ok((host, query))
}

/// The endpoints of STS in the partition `aws`, which is that of the simulated clusters.
/// <https://docs.aws.amazon.com/general/latest/gr/sts.html>
fn is_sts(host: &str) -> bool {
    let is_region = |text: &str| {
        let words: Vec<&str> = text.split('-').collect();
        let letters = |word: &&str| !word.is_empty() && word.chars().all(|one| one.is_ascii_lowercase());
        let number = words.last().is_some_and(|word| word.parse::<u8>().is_ok());
        let foreign = text.starts_with("cn-") || text.starts_with("us-gov-") || text.starts_with("us-iso");
        words.len() == 3 && number && words[..2].iter().all(letters) && !foreign
    };
    if host == "sts.amazonaws.com" {
        return true;
    }
    let Some(rest) = host.strip_prefix("sts.").or_else(|| host.strip_prefix("sts-fips.")) else {
        return false;
    };
    let region = rest.strip_suffix(".amazonaws.com").or_else(|| rest.strip_suffix(".api.aws"));
    region.is_some_and(is_region)
}

/// The parameters by their names in small letters.
fn values(query: &str) -> Result<BTreeMap<String, String>, String> {
    let mut values = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let small = name.to_lowercase();
        if !PARAMETERS.contains(&small.as_str()) {
            return Err(format!("non-whitelisted query parameter {name:?}"));
        }
        if values.insert(small, value.into_owned()).is_some() {
            return Err("query parameter with multiple values not supported".to_owned());
        }
    }
    Ok(values)
}

struct Presigned<'a> {
    host: &'a str,
    query: &'a str,
    cluster: &'a str,
    signed: &'a [&'a str],
    values: &'a BTreeMap<String, String>,
    signed_at: Timestamp,
}

/// What STS makes of the request, which the webhook sends with the name of its own cluster in the header.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>
fn ask_sts(directory: &Directory, request: &Presigned<'_>, now: Timestamp) -> Result<Principal, String> {
    let text = |name: &str| request.values.get(name).map_or("", String::as_str);
    if text("version") != "2011-06-15" || text("x-amz-algorithm") != "AWS4-HMAC-SHA256" {
        return Err("InvalidAction".to_owned());
    }
    let credential: Vec<&str> = text("x-amz-credential").split('/').collect();
    let [key, day, region, service, "aws4_request"] = credential[..] else {
        return Err("IncompleteSignature".to_owned());
    };
    if service != "sts" || !text("x-amz-date").starts_with(day) {
        return Err(
            "SignatureDoesNotMatch: Credential should be scoped to correct service: 'sts'.".to_owned()
        );
    }
    if earlier(request.signed_at, AHEAD) > now {
        return Err("SignatureDoesNotMatch: Signature not yet current".to_owned());
    }
    let token = Some(text("x-amz-security-token")).filter(|token| !token.is_empty());
    let (secret, principal) = find(directory, (key, region), token, now)
        .map_err(|error| error.for_protocol(crate::wire::Protocol::Query).code)?;
    let mut headers = String::new();
    for name in request.signed {
        let value = match *name {
            "host" => request.host,
            name if name.eq_ignore_ascii_case(CLUSTER_HEADER) => request.cluster,
            _ => return Err("SignatureDoesNotMatch".to_owned()),
        };
        headers.push_str(&format!("{}:{value}\n", name.to_lowercase()));
    }
    let query = canonical_query(request.query);
    let unsigned: Vec<&str> =
        query.split('&').filter(|pair| !pair.to_lowercase().starts_with("x-amz-signature=")).collect();
    let canonical = format!(
        "GET\n/\n{}\n{headers}\n{}\n{}",
        unsigned.join("&"),
        text("x-amz-signedheaders"),
        sha256_hex(b"")
    );
    if signature(&secret, [day, region, service], text("x-amz-date"), &canonical) != text("x-amz-signature") {
        return Err("SignatureDoesNotMatch".to_owned());
    }
    Ok(principal)
}

#[cfg(test)]
mod tests {
    use super::is_sts;

    #[test]
    fn only_servers_of_sts_in_the_partition_are_asked() {
        for host in [
            "sts.amazonaws.com",
            "sts.eu-central-1.amazonaws.com",
            "sts-fips.us-east-1.amazonaws.com",
            "sts.eu-central-1.api.aws",
        ] {
            assert!(is_sts(host), "{host}");
        }
        for host in [
            "sts.example.com",
            "evil.sts.amazonaws.com",
            "sts.amazonaws.com.example.com",
            "sts.cn-north-1.amazonaws.com",
            "sts.us-gov-west-1.amazonaws.com",
            "sts..amazonaws.com",
        ] {
            assert!(!is_sts(host), "{host}");
        }
    }
}
