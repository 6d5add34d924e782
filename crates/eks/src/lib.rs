//! Amazon EKS for landfall. This crate is being built: what is here works and is tested, and there is no target yet.
//!
//! - [`input`]: manifests read from files, folders, globs, standard input, kustomizations and charts, checked and edited
//!   without a call.
//! - [`access`]: the cluster found by DescribeCluster, the token that its API server takes, signed here, and the connection
//!   to it.
//! - [`api`]: requests over that connection, and what the server means when it says no.
//! - [`waves`]: in which order objects are applied, and what is waited for in between.
//! - [`conflict`]: what is done with fields that others have set.
//! - [`plan`]: what would change, by a dry run of the server.
//! - [`apply`]: wave by wave, many objects at once.
//! - [`judge`]: whether an object is ready, and whether something below it is beyond hope, from what the server shows.
//! - [`diagnose`]: why it does not become ready, with evidence and the next command for the person.
//! - [`inventory`]: what belongs to a release, and what of it is not wanted any more.
//! - [`record`]: what was applied before, kept in the cluster.
//! - [`lock`]: one run at a time for each release.
//!
//! Not here yet: the wait that looks and judges, reverting, and the target that joins these.
//!
//! Permissions that are needed: `eks:DescribeCluster`. `eks:ListClusters` makes the message about a cluster that does not
//! exist a better one, and is done without when denied. In the cluster: those that [`api`] names.

pub mod access;
pub mod api;
pub mod apply;
mod carry;
pub mod conflict;
pub mod diagnose;
mod error;
mod facts;
mod feed;
#[cfg(test)]
mod fixtures;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod hidden;
pub mod input;
pub mod inventory;
pub mod judge;
pub mod lock;
mod memory;
mod observe;
pub mod plan;
pub mod record;
mod revert;
#[cfg(test)]
mod scripted;
mod spec;
mod target;
pub mod waves;

pub use spec::{IfBusy, ManifestsBuilder, ManifestsSpec, Prune};
pub use target::Manifests;
