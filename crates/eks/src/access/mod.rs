//! The way into a cluster.
//!
//! - [`Cluster`]: where its API server is, whom to trust as such, and what to do when it cannot be reached.
//! - [`TokenSource`]: bearer tokens for it, signed here with the caller's credentials and renewed in time.
//! - [`ApiServer`]: requests to it, signed in, and repeated where that helps.

mod cluster;
mod server;
mod token;

pub use cluster::{Cluster, EndpointAccess};
pub use server::ApiServer;
pub use token::{Token, TokenSource};
