//! Amazon EKS for landfall. This crate is being built: what is here works and is tested, and there is no target yet.
//!
//! - [`input`]: manifests read from files, folders, globs and standard input, checked and edited without a call.
//!
//! Not here yet: access to a cluster, plans, applying, waiting, reverting.

pub mod input;
