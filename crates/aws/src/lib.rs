//! What every AWS crate of landfall shares.
//!
//! - [`bounded`]: limits on what is read.
//! - [`environment`]: a snapshot of the environment; the one place that reads it.
//! - [`http`]: the HTTP client with the user's certificates and proxies.
//! - [`endpoint`]: endpoint variables, regions and partitions.
//! - [`config`]: an [`SdkConfig`](aws_types::SdkConfig) as landfall wants it: timeouts set, the SDK's own retries off.
//! - [`caller`]: who calls and where, which tells what may be shared.
//! - [`image`]: image references, checked before a registry is asked for them.
//! - [`mask`]: values that may not be told, taken out of texts.
//! - [`near`]: "did you mean".
//! - [`proxy`]: which proxy the environment names.
//! - [`raw`]: JSON sent and received as it is, through the SDK's signing.
//! - [`request`]: calls of services that have no SDK crate here.
//! - [`failure`]: what an error of the SDK means: its kind, whether the call may have been carried out, what to do.
//! - [`call`]: the one retry loop around calls.

pub mod bounded;
pub mod call;
pub mod caller;
pub mod config;
pub mod endpoint;
pub mod environment;
pub mod failure;
pub mod http;
pub mod image;
pub mod mask;
pub mod near;
pub mod proxy;
pub mod raw;
pub mod request;
