//! What a code means: a pure table, so that it can be tested as one.

use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use jiff::SignedDuration;
use landfall_core::ErrorKind;
use landfall_core::error::redact;

use super::{Again, Effect};

/// Codes that say "more slowly". The list of the SDK's own classifier (`aws-runtime`,
/// `retries/classifiers.rs`) without `LimitExceededException`, see [`is_throttling`].
const THROTTLING: [&str; 13] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottledException",
    "TooManyRequestsException",
    "ProvisionedThroughputExceededException",
    "TransactionInProgressException",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "RequestThrottled",
    "SlowDown",
    "PriorRequestNotComplete",
    "EC2ThrottledException",
];

/// Codes of faults that may pass, beside every answer with the status 500, 502, 503 or 504.
/// `IDPCommunicationError` is documented as one to repeat:
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>.
const PASSING: [&str; 11] = [
    "RequestTimeout",
    "RequestTimeoutException",
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "InternalServerException",
    "ServerException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "IDPCommunicationError",
    "IDPCommunicationErrorException",
];

/// Codes that say that the credentials are no good, rather than that they allow too little:
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/CommonErrors.html> and the STS reference.
const CREDENTIALS: [&str; 23] = [
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "IDPRejectedClaim",
    "IDPRejectedClaimException",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidIdentityToken",
    "InvalidIdentityTokenException",
    "InvalidSignatureException",
    "InvalidToken",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "NotSignedUp",
    "OptInRequired",
    "RegionDisabledException",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
    "UnrecognizedClientException",
];

const DENIED: [&str; 5] = [
    "AccessDenied",
    "AccessDeniedException",
    "NotAuthorized",
    "UnauthorizedException",
    "UnauthorizedOperation",
];

const UNKNOWN_OPERATION: [&str; 4] =
    ["InvalidAction", "UnknownOperation", "UnknownOperationException", "UnsupportedOperationException"];

/// Codes behind which a wrong clock may be; the list of the SDK's own clock-skew classifier (`aws-runtime`,
/// `service_clock_skew.rs`) without `AccessDeniedException`, and with what STS and EC2 say.
const OF_CLOCK: [&str; 5] = [
    "AuthFailure",
    "InvalidSignatureException",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
];

/// A signature is good for five minutes; the SDK takes four as the sign of a wrong clock.
pub(super) const TOLERATED_SKEW: SignedDuration = SignedDuration::from_mins(4);

/// The longest that a server may make us wait; one that asks for more is served by the ordinary pauses.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// What an answer means.
pub(super) struct Meaning {
    pub(super) kind: ErrorKind,
    pub(super) effect: Effect,
    pub(super) again: Again,
}

pub(super) fn is_of_clock(code: &str) -> bool {
    OF_CLOCK.contains(&code)
}

/// What a service said by refusing.
pub(super) fn meaning(code: Option<&str>, message: &str, status: u16) -> Meaning {
    let code = code.unwrap_or_default();
    let refused = |kind| Meaning { kind, effect: Effect::Refused, again: Again::Never };
    if is_throttling(code, message) || status == 429 {
        return Meaning { kind: ErrorKind::Throttled, effect: Effect::Refused, again: Again::Slower };
    }
    if CREDENTIALS.contains(&code) {
        return refused(ErrorKind::Auth);
    }
    if PASSING.contains(&code) || matches!(status, 500 | 502 | 503 | 504) {
        return Meaning { kind: ErrorKind::Transient, effect: Effect::Unknown, again: Again::Soon };
    }
    if DENIED.contains(&code) || (code.is_empty() && status == 403) {
        return refused(ErrorKind::Denied);
    }
    if UNKNOWN_OPERATION.contains(&code) || status == 501 {
        return refused(ErrorKind::Unsupported);
    }
    if is_not_found(code) {
        return refused(ErrorKind::NotFound);
    }
    refused(ErrorKind::Rejected)
}

/// `LimitExceededException` is both: DynamoDB means "too many at once", ECS and CloudWatch Logs mean a quota, which
/// no waiting lifts. The message tells. The other case is no throttling by name: ECS refuses the second of two
/// registrations at once in one family, for example <https://github.com/PrefectHQ/prefect/issues/10102>.
fn is_throttling(code: &str, message: &str) -> bool {
    let message = message.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    THROTTLING.contains(&code)
        || (code == "LimitExceededException" && says(&["rate", "throttl", "concurrent", "simultaneous"]))
        || (code == "ClientException" && says(&["too many concurrent attempts to create a new revision"]))
}

fn is_not_found(code: &str) -> bool {
    ["NotFoundException", "NotFound", "NotFoundFault", "DoesNotExistException"]
        .iter()
        .any(|end| code.ends_with(end))
        || code.starts_with("NoSuch")
}

/// The code without a namespace before it and a URL behind it, as awsJson services may send it:
/// <https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html#operation-error-serialization>.
pub(super) fn plain_code(code: &str) -> String {
    let behind = code.rsplit_once('#').map_or(code, |(_, name)| name);
    behind.split(':').next().unwrap_or(behind).to_owned()
}

/// "CODE: message (request ID)", or what there is instead of a code.
pub(super) fn sentence(
    code: Option<&str>,
    message: &str,
    status: u16,
    request_id: Option<&str>,
    body: Option<&[u8]>,
) -> String {
    let request = request_id.map(|id| format!(" (request {id})")).unwrap_or_default();
    let message = message.trim();
    match code {
        Some(code) if message.is_empty() => format!("{code}, HTTP {status}{request}"),
        Some(code) => format!("{code}: {message}{request}"),
        None if !message.is_empty() => format!("HTTP {status}: {message}{request}"),
        None => {
            let text = String::from_utf8_lossy(body.unwrap_or_default());
            let shown: String = redact(text.trim()).chars().take(200).collect();
            let shown = if shown.is_empty() { "an empty body".to_owned() } else { shown };
            format!("HTTP {status} without an error code{request}: {shown}")
        }
    }
}

/// What to do next, where the code alone tells it.
pub(super) fn hint(code: Option<&str>, kind: ErrorKind, status: u16) -> Option<&'static str> {
    let Some(code) = code else {
        return Some(match status {
            401 | 403 | 407 => {
                "a proxy or firewall may have answered instead of AWS: check HTTPS_PROXY and NO_PROXY"
            }
            _ => "this is not how AWS answers: the server behind AWS_ENDPOINT_URL may not know this call",
        });
    };
    match code {
        "ExpiredToken" | "ExpiredTokenException" => Some(
            "the session or token has ended: start the job anew, or ask for a longer session within the maximum of \
             the role",
        ),
        "UnrecognizedClientException" | "InvalidClientTokenId" | "InvalidAccessKeyId" | "InvalidToken" => {
            Some(
                "AWS does not know this access key: it was deleted or deactivated, belongs to another partition, or its \
             AWS_SESSION_TOKEN is missing or left over from other keys",
            )
        }
        "InvalidSignatureException" | "SignatureDoesNotMatch" => Some(
            "the secret access key does not belong to the access key id (a copy with a blank or a line break at its \
             end?), or this machine's clock is wrong",
        ),
        "RequestTimeTooSkewed" | "RequestExpired" => Some("this machine's clock is wrong: set it by NTP"),
        "OptInRequired" | "RegionDisabledException" | "NotSignedUp" => {
            Some("the region is not enabled for this account: enable it, or choose another one")
        }
        _ => match kind {
            ErrorKind::Throttled => {
                Some("others share this account's limits; run again later or deploy less at once")
            }
            ErrorKind::Unsupported => {
                Some("the service, or the server behind AWS_ENDPOINT_URL, has no such call")
            }
            _ => None,
        },
    }
}

/// How long the service asked us to wait: `x-amz-retry-after` in milliseconds or `Retry-After` in seconds.
pub(super) fn asked_to_wait(response: &HttpResponse) -> Option<Duration> {
    let number = |name: &str| response.headers().get(name)?.trim().parse::<u64>().ok();
    let wait = number("x-amz-retry-after")
        .map(Duration::from_millis)
        .or_else(|| number("retry-after").map(Duration::from_secs))?;
    Some(wait.min(LONGEST_WAIT))
}
