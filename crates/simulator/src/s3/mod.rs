//! S3, over the crate `s3s`: it reads requests (addresses, signatures, chunked bodies, XML) and writes answers; what the
//! operations mean is here, over a store of ours.
//!
//! Put, read and delete objects; multipart uploads; checksums of all five algorithms, verified, in headers and trailers;
//! conditional writes; versions and delete markers; the expected owner; buckets of other regions and accounts; lists with
//! pages. Buckets are made, with their encryption, public access block and lifecycle rules. Buckets are in the host or in the
//! path.
//!
//! Not here: what lifecycle rules do in time, presigned addresses, bucket policies (see [`crate::Denial`] and [`crate::Bucket::shared_with`]), access
//! control lists, copies, storage classes, object locks.

mod blob;
mod bucket;
mod checksum;
mod error;
mod exchange;
mod multipart;
mod name;
mod object;
mod service;
mod settings;
mod store;
mod view;

pub(crate) use exchange::{S3State, answer};
pub(crate) use name::{is_ours, operation};
pub(crate) use store::{S3Store, etag};
pub use view::{BucketView, ObjectView, S3, UploadView};
