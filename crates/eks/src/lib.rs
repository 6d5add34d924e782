//! Amazon EKS for landfall. This crate is being built: what is here works and is tested, and there is no target yet.
//!
//! - [`input`]: manifests read from files, folders, globs and standard input, checked and edited without a call.
//! - [`access`]: the cluster found by DescribeCluster, the token that its API server takes, signed here, and the connection
//!   to it. A client such as kube's can be put on top: [`access::ApiServer::send`] is a service of requests.
//! - [`judge`]: whether an object is ready, and whether something below it is beyond hope, from what the server shows.
//! - [`diagnose`]: why it does not become ready, with evidence and the next command for the person.
//!
//! Not here yet: discovery and typed requests, kubeconfigs, plans, applying, waiting, reverting.
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
