//! Amazon EKS for landfall. This crate is being built: what is here works and is tested, and there is no target yet.
//!
//! - [`input`]: manifests read from files, folders, globs and standard input, checked and edited without a call.
//! - [`access`]: the cluster found by DescribeCluster, the token that its API server takes, signed here, and the connection
//!   to it.
//!
//! Not here yet: reverting, and the target that joins these.
//!
//! Permissions that are needed: `eks:DescribeCluster`. `eks:ListClusters` makes the message about a cluster that does not
//! exist a better one, and is done without when denied.

pub mod access;
pub mod diagnose;
mod facts;
#[cfg(test)]
mod fixtures;
pub mod input;
pub mod judge;
