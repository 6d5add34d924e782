//! S3 buckets.

use serde::{Deserialize, Serialize};

/// An S3 bucket, empty at the start. It belongs to the account and the region that it stands in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bucket {
    /// `Enabled`, `Suspended`, or empty when versioning was never switched on.
    pub versioning: String,
    /// Other accounts that may use it: all of its policy that there is here.
    pub shared_with: Vec<String>,
}

impl Bucket {
    /// An empty bucket that keeps versions.
    pub fn versioned() -> Self {
        Self { versioning: "Enabled".to_owned(), ..Self::default() }
    }
}
