//! A folder packed reproducibly and sent to S3, or found there unchanged.
//!
//! The plan reads the folder: what is in it and how it is to be packed make a *manifest*, and the object's key is made of
//! that, so that a folder which has not changed is found by one HeadObject and neither packed nor sent. Otherwise `apply`
//! packs while it sends: small archives by one PutObject, others as a multipart upload that any later process goes on
//! with. What S3 has is compared with what was packed by CRC64NVME, and nothing is overwritten that is not expected.
//!
//! Outputs, for later steps of a pipeline:
//!
//! | Name | What it is |
//! |---|---|
//! | `bucket`, `key` | where the object is |
//! | `version_id` | its version; missing where the bucket keeps none |
//! | `e_tag` | its eTag, without quotes |
//! | `bundle_type` | `zip`, `tar` or `tgz`, as CodeDeploy wants it |
//! | `size` | its size in bytes |
//! | `manifest` | the digest of what was packed |
//!
//! A stop leaves an upload open, to be gone on with, when the policy keeps what was stopped, and removes it when the policy
//! undoes; a failure removes it. See `docs/bundle.md`.

mod apply;
mod bucket;
mod check;
mod choices;
mod client;
mod error;
mod judge;
mod memory;
mod observe;
mod pack;
mod plan;
mod push_file;
mod revert;
mod session;
mod spec;
mod speed;
mod target;

pub use choices::{Checksums, Format, Modes, Platform, Symlinks};
pub use push_file::PushFile;
pub use spec::{BundleBuilder, BundleSpec};
pub use target::Bundle;
