//! What this target refuses, and what S3's refusals mean here.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use landfall_aws::failure::Failure;
use landfall_core::{Cause, Error, ErrorKind};
use thiserror::Error as ThisError;

/// Reasons to refuse a bundle.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
pub(crate) enum Refusal {
    #[error("there is no bucket `{bucket}`")]
    NoBucket { bucket: String },

    #[error("the name `{bucket}` is taken: somebody else has a bucket of this name")]
    NameTaken { bucket: String },

    #[error("bucket `{bucket}` belongs to another account than {owner}")]
    OtherOwner { bucket: String, owner: String },

    #[error("`{key}` in bucket `{bucket}` is no bundle with the content that its name says")]
    NotOurs { bucket: String, key: String },

    #[error("somebody else has written `{key}` in bucket `{bucket}` since the plan was made")]
    Moved { bucket: String, key: String },

    #[error("the folder has changed since the plan was made: its manifest was {expected} and is {found}")]
    OtherContent { expected: String, found: String },

    #[error("no folder is given: this target can undo what was recorded, and not send anything")]
    NoSource,

    #[error("S3 has other bytes than were sent for `{key}`: checksum {remote}, and {local} was sent")]
    Checksum { key: String, local: String, remote: String },

    #[error("the store behind bucket `{bucket}` tells no CRC64NVME of `{key}`: it cannot be checked")]
    NoChecksum { bucket: String, key: String },
}

impl Refusal {
    fn facts(&self) -> (ErrorKind, &'static str, &'static str) {
        match self {
            Self::NoBucket { .. } => (
                ErrorKind::NotFound,
                "bucket-missing",
                "check the bucket's name; let a stack make it before this step, or landfall itself (--create-bucket)",
            ),
            Self::NameTaken { .. } => (
                ErrorKind::Conflict,
                "bucket-name-taken",
                "names of buckets are unique over all accounts: choose another, with your account's number in it for example",
            ),
            Self::OtherOwner { .. } => (
                ErrorKind::Denied,
                "bucket-of-another-account",
                "check the bucket's name; if it is meant to be another account's, name that as the expected owner",
            ),
            Self::NotOurs { .. } => (
                ErrorKind::Conflict,
                "key-taken",
                "somebody copied something there: delete the object, or choose another prefix",
            ),
            Self::Moved { .. } => (
                ErrorKind::Conflict,
                "key-written-meanwhile",
                "find out who writes there, then run again; keys made of the content (a prefix instead of a key) do not \
                 meet each other",
            ),
            Self::OtherContent { .. } => (
                ErrorKind::Conflict,
                "folder-changed",
                "begin a new run for the new content, or put the folder back as it was",
            ),
            Self::NoSource => {
                (ErrorKind::Conflict, "no-folder", "describe the bundle with its folder to send it")
            }
            Self::Checksum { .. } => (
                ErrorKind::Rejected,
                "checksum-mismatch",
                "do not deploy this object: something between here and S3 changes bytes; delete it and run again",
            ),
            Self::NoChecksum { .. } => (
                ErrorKind::Unsupported,
                "store-without-checksums",
                "use Checksums::WhenRequired for stores that know no CRC64NVME",
            ),
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let (kind, code, hint) = refusal.facts();
        let cause = Cause::new(code, refusal.to_string()).with_hint(hint);
        Error::new(kind, refusal.to_string()).with_cause(cause).with_hint(hint)
    }
}

/// A failed call in the words of this target. Buckets in other regions name theirs in a header only.
pub(crate) fn understood<E>(bucket: &str, error: SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let response = error.raw_response();
    let region =
        response.and_then(|response| response.headers().get("x-amz-bucket-region")).map(str::to_owned);
    let status = response.map(|response| response.status().as_u16());
    let failure = Failure::from(error);
    match (status, region) {
        (Some(301 | 307 | 400), Some(region)) => failure.map(|_| other_region(bucket, &region)),
        (Some(301 | 307), None) => failure.map(|_| other_region(bucket, "another region")),
        _ => explained(failure),
    }
}

fn other_region(bucket: &str, region: &str) -> Error {
    let message = format!("bucket `{bucket}` is in {region}, and not in the region that is deployed to");
    let hint =
        "deploy to that region, or use a bucket of this one: agents read bundles from their own region best";
    let cause = Cause::new("bucket-in-other-region", &message).with_hint(hint);
    Error::invalid(message).with_cause(cause).with_hint(hint)
}

/// A cause and a next step where the code or the message tells them.
fn explained(failure: Failure) -> Failure {
    let code = failure.code().unwrap_or_default().to_owned();
    let message = failure.error().message().to_owned();
    let found = match code.as_str() {
        "AccessDenied" if message.contains("kms:") => Some((
            "kms-denied",
            "let the role use the key: the action that is named, in its policy and in the key's policy",
        )),
        "AccessDenied" if message.contains("resource-based policy") => Some((
            "bucket-policy-denies",
            "the bucket's policy refuses the write: many demand encryption with a certain key, which is named with kms_key",
        )),
        _ if code.starts_with("KMS.") => Some((
            "kms-key-unusable",
            "check that the KMS key exists in this region, is enabled and allows this role",
        )),
        "BadDigest" | "XAmzContentChecksumMismatch" => Some((
            "checksum-mismatch",
            "something between here and S3 changes bytes: check proxies, then run again",
        )),
        "ConditionalRequestConflict" => {
            Some(("concurrent-write", "somebody writes the same key at this moment: run again"))
        }
        "NotImplemented" | "XNotImplemented" => Some((
            "store-lacks-feature",
            "the store knows no CRC64NVME or no conditional writes: use Checksums::WhenRequired for it",
        )),
        _ if message.contains("x-amz-mp-object-size") => Some((
            "size-mismatch",
            "S3 has put together other parts than were sent: nothing was stored; run again, and look for others who send \
             parts to the same upload",
        )),
        _ if is_about_checksums(&message) => Some((
            "store-lacks-feature",
            "stores that are compatible with an older S3 refuse checksum headers: use Checksums::WhenRequired for them",
        )),
        _ => None,
    };
    let conflict = code == "ConditionalRequestConflict";
    let failure = if conflict { failure.with_kind(ErrorKind::Transient) } else { failure };
    match found {
        Some((name, hint)) => {
            failure.map(|error| error.with_cause(Cause::new(name, &message).with_hint(hint)).with_hint(hint))
        }
        None => failure,
    }
}

fn is_about_checksums(message: &str) -> bool {
    let message = message.to_lowercase();
    message.starts_with("invalidrequest") && message.contains("checksum")
        || message.contains("x-amz-checksum")
        || message.contains("x-amz-sdk-checksum")
}
