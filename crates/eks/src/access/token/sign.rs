//! The signature.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime_api::client::identity::Identity;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use landfall_aws::endpoint::partition_of;
use landfall_core::{Error, ErrorKind, Result};
use secrecy::SecretString;

/// What every token begins with.
const PREFIX: &str = "k8s-aws-v1.";

/// Carries the cluster's name, signed: a token for one cluster is none for another.
const CLUSTER_HEADER: &str = "x-k8s-aws-id";

/// Seconds in `X-Amz-Expires`. The authenticator takes 0 to 900 and counts 15 minutes in any case; 60 is what all
/// clients send.
const EXPIRES: Duration = Duration::from_secs(60);

/// Bytes of the longest token that the authenticator takes (`maxTokenLenBytes` in its `pkg/token`).
const LONGEST: usize = 4096;

/// How the names of AWS's servers end, by partition; all others end in `amazonaws.com`. From the partition rules that the
/// SDK's endpoints are made with, which are published with botocore as `data/partitions.json`.
const SUFFIXES: [(&str, &str); 6] = [
    ("aws-cn", "amazonaws.com.cn"),
    ("aws-eusc", "amazonaws.eu"),
    ("aws-iso", "c2s.ic.gov"),
    ("aws-iso-b", "sc2s.sgov.gov"),
    ("aws-iso-e", "cloud.adc-e.uk"),
    ("aws-iso-f", "csp.hci.ic.gov"),
];

/// The regional server of STS, which the authenticator asks.
fn sts_host(region: &str) -> String {
    let partition = partition_of(region);
    let suffix =
        SUFFIXES.iter().find(|(name, _)| *name == partition).map_or("amazonaws.com", |(_, suffix)| suffix);
    format!("sts.{region}.{suffix}")
}

/// A token of this moment.
pub(super) fn token(
    cluster: &str,
    region: &str,
    credentials: Credentials,
    now: Timestamp,
) -> Result<SecretString> {
    let session_token = credentials.session_token().map_or(0, str::len);
    let url = presigned(cluster, region, credentials, now)?;
    let token = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(url));
    if token.len() > LONGEST {
        let message = format!(
            "the token would have {} bytes, and a cluster takes {LONGEST}: the session token alone has {session_token}",
            token.len()
        );
        return Err(Error::new(ErrorKind::Auth, message)
            .with_hint("assume the role with fewer session tags and a shorter session policy"));
    }
    Ok(SecretString::from(token))
}

/// The address of a GetCallerIdentity request with its signature. Nothing else may be in it: the authenticator knows
/// every parameter that it takes, and takes each once.
fn presigned(cluster: &str, region: &str, credentials: Credentials, now: Timestamp) -> Result<String> {
    let failed =
        |error: &dyn std::error::Error| Error::internal("the token cannot be signed").with_source(error);
    let host = sts_host(region);
    let url = format!("https://{host}/?Action=GetCallerIdentity&Version=2011-06-15");
    let identity = Identity::from(credentials);
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(EXPIRES);
    let parameters = SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("sts")
        .time(SystemTime::from(now))
        .settings(settings)
        .build()
        .map_err(|error| failed(&error))?;
    let headers = [("host", host.as_str()), (CLUSTER_HEADER, cluster)];
    let request = SignableRequest::new("GET", url.as_str(), headers.into_iter(), SignableBody::Bytes(&[]))
        .map_err(|error| failed(&error))?;
    let (instructions, _) = sign(request, &parameters.into()).map_err(|error| failed(&error))?.into_parts();
    let mut request = http::Request::get(&url).body(()).map_err(|error| failed(&error))?;
    instructions.apply_to_request_http1x(&mut request);
    Ok(request.uri().to_string())
}

#[cfg(test)]
mod tests {
    use super::sts_host;

    #[test]
    fn the_server_of_sts_is_the_regional_one_of_the_partition() {
        for (region, host) in [
            ("eu-central-1", "sts.eu-central-1.amazonaws.com"),
            ("us-gov-west-1", "sts.us-gov-west-1.amazonaws.com"),
            ("cn-north-1", "sts.cn-north-1.amazonaws.com.cn"),
            ("us-iso-east-1", "sts.us-iso-east-1.c2s.ic.gov"),
            ("us-isob-east-1", "sts.us-isob-east-1.sc2s.sgov.gov"),
            ("eusc-de-east-1", "sts.eusc-de-east-1.amazonaws.eu"),
        ] {
            assert_eq!(sts_host(region), host);
        }
    }
}
