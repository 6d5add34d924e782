//! What can be chosen about a bundle.

use serde::{Deserialize, Serialize};

/// The archive's format: what CodeDeploy's `bundleType` takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Format {
    /// Zip: what agents on Linux and on Windows unpack.
    #[default]
    Zip,
    /// Tar without compression.
    Tar,
    /// Tar, compressed as one gzip member. Agents on Windows do not unpack it.
    Tgz,
}

impl Format {
    /// As `bundleType` and file names have it: `zip`, `tar` or `tgz`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Zip => "zip",
            Self::Tar => "tar",
            Self::Tgz => "tgz",
        }
    }
}

/// What becomes of symbolic links in the folder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Symlinks {
    /// They are packed as links. One that leads out of the folder is a problem: it would lead to something else on the
    /// host.
    #[default]
    Preserve,
    /// What they lead to is packed in their place, from outside of the folder too. A loop is a problem.
    Follow,
    /// Each of them is a problem.
    Refuse,
}

/// Which permissions are packed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Modes {
    /// 0755 for what anybody may execute and for folders, 0644 for the rest: the same archive whatever the umask of the
    /// checkout.
    #[default]
    Normalised,
    /// As they are in the folder.
    Keep,
}

/// How S3 is to check what arrives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Checksums {
    /// CRC64NVME of each part and of the whole object, compared with what S3 has computed.
    #[default]
    Crc64Nvme,
    /// None beyond what the protocol requires: for stores that are compatible with an older S3, which refuse the headers
    /// (<https://github.com/aws/aws-cli/issues/9214>).
    WhenRequired,
}

/// The system that the bundle is deployed to: what its application specification must look like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Platform {
    /// Linux: `os: linux`.
    #[default]
    Linux,
    /// Windows: `os: windows`. Names that differ in case only are a problem.
    Windows,
}
