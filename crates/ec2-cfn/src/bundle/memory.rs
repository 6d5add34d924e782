//! What plans and receipts hold. Names and digests, never secrets.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use landfall_core::Token;

/// The version of the forms below.
pub(crate) const VERSION: u32 = 1;

/// A plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "way", rename_all = "kebab-case")]
pub(crate) enum Work {
    Forward(Forward),
    Back(Back),
}

/// An archive is to be in the bucket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Forward {
    pub(crate) manifest: String,
    pub(crate) means: Means,
    pub(crate) key: String,
    /// Bytes of the folder's files.
    pub(crate) bytes: u64,
    pub(crate) part_size: u64,
    pub(crate) made_at: Timestamp,
    /// The object that is there and is what is wanted.
    pub(crate) unchanged: Option<Object>,
    /// The object that is there and is to be replaced.
    pub(crate) before: Option<Object>,
    /// There is no bucket, and it is to be made.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) makes_bucket: bool,
}

/// What the undo needs to know of the specification, which the process that undoes may not have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Means {
    /// The key is made of the content.
    pub(crate) addressed: bool,
    /// The account that the bucket must belong to.
    pub(crate) owner: Option<String>,
    /// The store knows no checksums beyond what must be.
    pub(crate) plain: bool,
}

/// What a run has brought is to be taken away.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub(crate) enum Back {
    Upload {
        key: String,
        upload_id: String,
    },
    Object {
        object: Object,
        /// Hide it behind a delete marker instead of deleting the version, which others may use.
        hide: bool,
    },
}

/// An object as S3 tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Object {
    pub(crate) key: String,
    pub(crate) etag: String,
    /// None in a bucket that keeps no versions.
    pub(crate) version: Option<String>,
    pub(crate) size: u64,
}

/// A receipt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub(crate) enum Watch {
    /// A multipart upload is under way.
    Uploading {
        key: String,
        upload_id: String,
        /// This run began it, and may remove it.
        ours: bool,
        /// Bytes that this run has sent, and bytes that were there already.
        sent: u64,
        kept: u64,
    },
    /// The object is there.
    Stored {
        object: Object,
        manifest: String,
        /// Found and not sent.
        found: bool,
        sent: u64,
        kept: u64,
    },
    /// What was brought is taken away.
    Removed { key: String, etag: Option<String> },
}

/// What an object of this attempt is found again by: a digest, because metadata is ASCII and a token need not be.
pub(crate) fn mark(token: &Token) -> String {
    let digest = Sha256::digest(token.as_str().as_bytes());
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
