//! The way into a cluster.
//!
//! - [`Cluster`]: where its API server is, whom to trust as such, and what to do when it cannot be reached.
//! - [`TokenSource`]: bearer tokens for it, signed here with the caller's credentials and renewed in time.
//! - [`Kubeconfig`]: the other way in, by a file that names cluster, user and context.
//! - [`Proxy`]: what stands between here and it.
//! - [`ApiServer`]: requests to it, signed in, and repeated where that helps.

mod cluster;
mod kubeconfig;
mod proxy;
mod server;
mod sign_in;
mod token;

pub use cluster::{Cluster, EndpointAccess};
pub use kubeconfig::{EksToken, Kubeconfig, OUTSIDE, TokenSigner, Way};
pub use proxy::Proxy;
pub use server::{ApiServer, Body, Transport};
pub use sign_in::{ClientCertificate, SignIn};
pub use token::{Token, TokenSource};
